//! How boxlab itself does it: those of its sources that a stage names.

use include_dir::{Dir, include_dir};

static PRIMITIVES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/primitives");
static CONTAINER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/container");
static UNPACK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/image/unpack");
static PULL: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/image/pull");

/// A source by its path, `src/primitives/ns/uts.rs`.
pub fn source(path: &str) -> Option<&'static str> {
    let folders = [
        ("src/primitives/", &PRIMITIVES),
        ("src/container/", &CONTAINER),
        ("src/image/unpack/", &UNPACK),
        ("src/image/pull/", &PULL),
    ];
    let (rest, folder) = folders.iter().find_map(|(start, folder)| Some((path.strip_prefix(start)?, folder)))?;
    folder.get_file(rest)?.contents_utf8()
}
