//! `boxlab exercise verify`, for authors: is each exercise what it says?

use std::time::Duration;

use colored::Colorize;

use super::Class;
use super::arguments::Verify;
use crate::cli::output;
use crate::error::Result;
use crate::learn::exercise::definition::{self, Name};
use crate::learn::exercise::{Exercise, trial};

impl Class<'_> {
    /// Tries exercises; a line each, 1 if one is not as it should be.
    pub(super) fn verify(&self, asked: &Verify) -> Result<i32> {
        self.site.k.take_signals()?;
        let names: Vec<Name> = match &asked.names[..] {
            [] => definition::list(self.pack)?,
            names => names.iter().map(|name| definition::find(self.pack, name)).collect::<Result<_>>()?,
        };
        let mut bad = false;
        for name in names {
            let line = match self.verify_one(&name, Duration::from_secs(asked.patience)) {
                Ok((line, good)) => {
                    bad |= !good;
                    line
                }
                // Of a signal, nothing more is tried.
                Err(error) if error.failure().status > 128 => return Err(error),
                Err(error) => {
                    bad = true;
                    let hint = error.failure().hint.as_deref().unwrap_or_default().replace('\n', " ");
                    format!("{} {}: {error}. {hint}\n", "BAD".red(), name.text)
                }
            };
            output::print(&line)?;
        }
        Ok(i32::from(bad))
    }

    fn verify_one(&self, name: &Name, patience: Duration) -> Result<(String, bool)> {
        let exercise = Exercise::read(self.pack, name)?;
        if let Some((why, _)) = self.obstacle(&exercise)? {
            return Ok((format!("{} {}: {why}\n", "skipped".yellow(), name.text), true));
        }
        let tried = trial::verify(self.site, &exercise, patience)?;
        let faults: Vec<String> = tried
            .iter()
            .filter_map(|tried| {
                Some(format!("{} {}: {}: {}\n", "BAD".red(), name.text, tried.what, tried.fault.as_ref()?))
            })
            .collect();
        let good = format!("{} {} ({} attempts)\n", "good".green(), name.text, tried.len());
        Ok(if faults.is_empty() { (good, true) } else { (faults.concat(), false) })
    }
}
