//! What the book is made from, as it was when boxlab was built.
//!
//! The chapters and what they include are embedded, and the pages made when they are asked for,
//! instead of an archive of the built book: the texts are in the binary anyway for `boxlab learn`,
//! so that costs 0.7 MB more. The built book, compressed, would cost as much, be stale after every
//! change of a lesson, and lie in the history of the sources once for each. This one can't be stale,
//! and shows other lessons, too (`--lessons DIR`). mdBook itself would double the binary.

use include_dir::{Dir, include_dir};

use crate::learn::sources;

static CHAPTERS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/book/src");
static RECORDINGS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/snapshots/book");

/// A page of `book/src`.
pub fn chapter(file: &str) -> Option<&'static str> {
    CHAPTERS.get_file(file)?.contents_utf8()
}

/// A recorded demo.
pub fn recording(file: &str) -> Option<&'static str> {
    RECORDINGS.get_file(file)?.contents_utf8()
}

/// A file of the source tree, as a chapter names it: `../../src/primitives/ns/uts.rs`.
pub fn source(path: &str) -> Option<&'static str> {
    let path = path.trim_start_matches("../");
    path.strip_prefix("snapshots/book/").map_or_else(|| sources::source(path), recording)
}
