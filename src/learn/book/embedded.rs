//! What the book is made from, as it was when boxlab was built.
//!
//! The chapters and what they include are embedded, and the pages made when they are asked for,
//! instead of an archive of the built book: the texts are in the binary anyway for `boxlab learn`,
//! so that costs 0.7 MB more. The built book, compressed, would cost as much, be stale after every
//! change of a lesson, and lie in the history of the sources once for each. This one can't be stale,
//! and shows other lessons, too (`--lessons DIR`). mdBook itself would double the binary.

use include_dir::{Dir, include_dir};

static CHAPTERS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/book/src");
static RECORDINGS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/snapshots/book");
static PRIMITIVES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/primitives");
static CONTAINER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/container");

/// The other sources that chapters include.
const SOURCES: [(&str, &str); 6] = [
    ("src/image/digest.rs", include_str!("../../image/digest.rs")),
    ("src/image/index.rs", include_str!("../../image/index.rs")),
    ("src/image/loader.rs", include_str!("../../image/loader.rs")),
    ("src/image/merged.rs", include_str!("../../image/merged.rs")),
    ("src/image/reference.rs", include_str!("../../image/reference.rs")),
    ("src/image/registry/challenge.rs", include_str!("../../image/registry/challenge.rs")),
];

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
    let beneath = |folder: &str, dir: &'static Dir<'static>| dir.get_file(path.strip_prefix(folder)?)?.contents_utf8();
    beneath("src/primitives/", &PRIMITIVES)
        .or_else(|| beneath("src/container/", &CONTAINER))
        .or_else(|| beneath("snapshots/book/", &RECORDINGS))
        .or_else(|| SOURCES.iter().find(|(name, _)| *name == path).map(|(_, text)| *text))
}
