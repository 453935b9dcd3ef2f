//! `--trace json`: one object a line.

use std::io::{self, Write};

use super::{Detail, Event, Observer, Record};

/// Writes each event as a JSON object on a line of its own.
pub struct Json<W: Write>(pub W);

impl<W: Write> Observer for Json<W> {
    fn detail(&self) -> Detail {
        Detail::Full
    }

    fn observe(&mut self, record: &Record) -> io::Result<()> {
        // What is announced is written once it has happened.
        if matches!(record.event, Event::Announce { .. }) {
            return Ok(());
        }
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }
}
