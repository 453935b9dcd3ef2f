//! Standard output: what a query prints. A reader that has gone (`| head`) ends
//! the output quietly.

use std::io::{self, Write};

use serde::Serialize;

use crate::error::{Error, Result};

/// Prints lines.
pub fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::io("cannot write the output", &error)),
        _ => Ok(()),
    }
}

/// Prints a value as indented JSON.
pub fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value);
    print(&(text.map_err(|error| Error::new(format!("cannot make JSON: {error}")))? + "\n"))
}

/// Prints rows in columns as wide as their widest cell; the first is the header.
pub fn table(rows: &[Vec<String>]) -> Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("   ").trim_end().to_owned() + "\n"
    };
    print(&rows.iter().map(line).collect::<String>())
}
