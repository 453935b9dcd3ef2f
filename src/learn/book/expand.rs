//! What stands in double braces in a chapter, and what it becomes.
//!
//! | in a chapter | becomes |
//! |---|---|
//! | `{{#boxlab FILE}}` | a recorded run, from a file beside the chapter |
//! | `{{#lesson NAME}}` | a whole lesson: its text, its demos as recorded runs, its questions |
//! | `{{#lesson NAME SECTION}}` | one section of its text |
//! | `{{#exercises NAME}}` | its exercises |
//! | `{{#reading NAME}}` | the pages of the manual for its commands |
//!
//! All else in braces is left as it is: mdBook has its own. A backslash before it keeps one as text.

use super::recording::Recording;
use super::{Book, player};
use crate::error::{Error, Result};

const OPEN: &str = "{{#";
const CLOSE: &str = "}}";
/// What a player begins with.
const PLAYER: &str = "<section class=\"boxlab-run\"";

/// How a file beside the chapter is read.
pub type Reader<'a> = &'a dyn Fn(&str) -> Result<String>;

/// A chapter asks for what is not there.
pub fn unknown(what: &str) -> Error {
    Error::new(what)
        .hint("`boxlab lesson ls` lists the lessons; `boxlab mdbook --help` says what a chapter may ask for.")
}

impl Book {
    /// The text of a chapter with all of it put in.
    pub fn expand(&self, text: &str, read: Reader<'_>) -> Result<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(OPEN) {
            let (before, found) = rest.split_at(start);
            out += before;
            let Some(end) = found.find(CLOSE) else {
                rest = found;
                break;
            };
            if let Some(inner) = found[OPEN.len()..end].find(OPEN) {
                // That one has no end of its own.
                let (skipped, after) = found.split_at(OPEN.len() + inner);
                out += skipped;
                rest = after;
                continue;
            }
            let (whole, after) = found.split_at(end + CLOSE.len());
            let words: Vec<&str> = whole[OPEN.len()..end].split_whitespace().collect();
            rest = after;
            if out.ends_with('\\') && is_ours(&words) {
                out.pop();
                out += whole;
            } else {
                out += &self.made(&words, read)?.unwrap_or_else(|| whole.to_owned());
            }
        }
        out += rest;
        Ok(with_player(out))
    }

    fn made(&self, words: &[&str], read: Reader<'_>) -> Result<Option<String>> {
        Ok(Some(match words {
            ["boxlab", file] => {
                let run =
                    Recording::read(&read(file)?).map_err(|error| Error::new(format!("cannot use {file}: {error}")))?;
                self.shown(&run)
            }
            ["lesson", name] => self.lesson(self.pack.lesson(name)?)?,
            ["lesson", name, section] => self.section(self.pack.lesson(name)?, section)?,
            ["exercises", name] => self.exercises(self.pack.lesson(name)?)?,
            ["reading", name] => self.reading(self.pack.lesson(name)?)?,
            words if is_ours(words) => return Err(unknown(&format!("a chapter can't ask for '{}'", words.join(" ")))),
            _ => return Ok(None),
        }))
    }
}

fn is_ours(words: &[&str]) -> bool {
    words.first().is_some_and(|first| ["boxlab", "lesson", "exercises", "reading"].contains(first))
}

/// The style stands before the first player, or the page would jump; the script after the last.
fn with_player(text: String) -> String {
    match text.split_once(PLAYER) {
        Some((before, after)) => format!("{before}{}\n{PLAYER}{after}\n\n{}", player::head(), player::foot()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::Book;
    use crate::error::Result;
    use crate::learn::Pack;

    fn expanded(text: &str, html: bool) -> Result<String> {
        let book = Book { pack: Pack::open(None).expect("lessons"), recordings: None, html };
        let file =
            "{\"event\":\"command\",\"line\":\"echo '<b>'\"}\n{\"event\":\"output\",\"text\":\"<b>\\n\\n \\nx\\n\"}\n";
        book.expand(text, &|_| Ok(file.to_owned()))
    }

    #[test]
    fn others_braces_are_left_alone_and_ours_can_be_kept() {
        let text = "{{#include x.rs}} {{json .}} {{# \\{{#lesson uts}} {{#lesson";
        assert_eq!(expanded(text, true).expect("text"), "{{#include x.rs}} {{json .}} {{# {{#lesson uts}} {{#lesson");
    }

    #[test]
    fn a_run_is_a_block_of_html_or_a_code_block() {
        let html = expanded("a\n\n{{#boxlab x}}\n\nb", true).expect("text");
        assert!(html.contains("&lt;b&gt;") && !html.contains("<b>"), "{html}");
        let block = html.split("<section").nth(1).and_then(|rest| rest.split("</section>").next()).expect("a block");
        assert!(block.lines().all(|line| !line.trim().is_empty()), "a blank line ends a block of HTML: {html}");
        let plain = expanded("{{#boxlab x}}", false).expect("text");
        assert_eq!(plain, "```console\n$ echo '<b>'\n<b>\n\n \nx\n```\n");
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for text in
            ["{{#lesson nowhere}}", "{{#lesson uts nowhere}}", "{{#boxlab}}", "{{#reading}}", "{{#exercises a b}}"]
        {
            assert!(expanded(text, true).is_err(), "{text}");
        }
    }
}
