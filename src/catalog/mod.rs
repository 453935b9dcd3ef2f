//! One table of all lab commands: what each builds, where to read on, how a shell
//! does the same, which parts can be left out. Help, narration, `doctor` and the
//! tests read it, so that nothing is listed twice.

mod table;

pub use table::CATALOG;

use crate::error::{Error, Result};
use crate::kernel::nearest;

/// A row: one primitive, one command.
#[derive(Debug)]
pub struct Row {
    /// The command: `ns uts`.
    pub command: &'static str,
    /// What it builds, in a line.
    pub about: &'static str,
    /// Its pages of the manual.
    pub man: &'static [&'static str],
    /// The same with the tools that every Linux has.
    pub shell: &'static str,
    /// Its lesson, a folder of `lessons/`, and its chapter in the book.
    pub lesson: Option<&'static str>,
    /// What `--without` and `--only` may name.
    pub parts: &'static [&'static str],
}

impl Row {
    /// Its lesson as `boxlab learn` calls it: without the number.
    pub fn lesson_name(&self) -> Option<&'static str> {
        self.lesson.map(|folder| folder.split_once('-').map_or(folder, |(_, name)| name))
    }
}

/// The row of a command.
pub fn row(command: &str) -> &'static Row {
    CATALOG.iter().find(|row| row.command == command).unwrap_or(&table::NONE)
}

/// A row by the name that a user has typed.
pub fn find(command: &str) -> Result<&'static Row> {
    CATALOG.iter().find(|row| row.command == command).ok_or_else(|| {
        let error = Error::usage(format!("the catalog has no command '{command}'"));
        match nearest(command, CATALOG.iter().map(|row| row.command)) {
            Some(near) => error.hint(format!("Did you mean '{near}'?")),
            None => error.hint("`boxlab doctor` lists them all."),
        }
    })
}

/// What a command builds, for its help.
pub fn about(command: &str) -> &'static str {
    row(command).about
}

/// The lines below a command's help.
pub fn after_help(command: &str) -> String {
    let row = row(command);
    let mut text = format!("See: {}\nThe same in a shell: {}", row.man.join(", "), row.shell);
    if !row.parts.is_empty() {
        text.push_str(&format!("\nParts for --without and --only: {}", row.parts.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::CATALOG;

    #[test]
    fn every_row_is_whole_and_stands_once() {
        for (index, row) in CATALOG.iter().enumerate() {
            assert!(!row.about.is_empty() && !row.man.is_empty() && !row.shell.is_empty(), "{}", row.command);
            assert!(CATALOG[..index].iter().all(|other| other.command != row.command), "{} twice", row.command);
        }
    }
}
