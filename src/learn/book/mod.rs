//! The book: chapters that weave the lessons' texts, the code and recorded runs.
//!
//! Reading order: [`recording`] (a run as data), [`stops`] (cut into what one stops at), [`player`]
//! (as HTML), [`chapter`] (a lesson as a chapter), [`expand`] (what stands in braces in a chapter's
//! text), [`preprocessor`] (for mdBook), [`pages`] (the book without mdBook), [`markup`].

pub mod chapter;
mod embedded;
pub mod expand;
pub mod markup;
pub mod pages;
pub mod player;
pub mod preprocessor;
pub mod recording;
pub mod stops;

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::learn::Pack;
use recording::Recording;

/// What a book is made from.
#[derive(Debug)]
pub struct Book {
    /// The lessons.
    pub pack: Pack,
    /// Where the recorded demos lie; else, those that come with boxlab.
    pub recordings: Option<PathBuf>,
    /// For HTML, with players; else for plain Markdown.
    pub html: bool,
}

impl Book {
    /// The recording of a demo, `01-uts.rename`, if there is one.
    pub fn recording(&self, name: &str) -> Result<Option<Recording>> {
        let file = format!("{name}.jsonl");
        let text = match &self.recordings {
            None => embedded::recording(&file).map(str::to_owned),
            Some(folder) => match std::fs::read_to_string(folder.join(&file)) {
                Ok(text) => Some(text),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(Error::io(format!("cannot read {}", folder.join(&file).display()), &error)),
            },
        };
        text.map(|text| Recording::read(&text).map_err(|error| Error::new(format!("cannot use {file}: {error}"))))
            .transpose()
    }

    /// A run as it stands in a page.
    fn shown(&self, run: &Recording) -> String {
        match self.html {
            true => player::html(run, &self.pack.phrases),
            false => format!("```console\n{}\n```\n", stops::text(run).trim_end()),
        }
    }
}
