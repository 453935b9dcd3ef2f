//! boxlab's own sources that lessons show: in the book by anchor, in the workshop whole.

use include_dir::{Dir, include_dir};

static PRIMITIVES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/primitives");
static CONTAINER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/container");
static UNPACK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/image/unpack");
static PULL: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/image/pull");

const FOLDERS: [(&str, &Dir<'_>); 4] = [
    ("src/primitives/", &PRIMITIVES),
    ("src/container/", &CONTAINER),
    ("src/image/unpack/", &UNPACK),
    ("src/image/pull/", &PULL),
];

/// Those of other folders.
const FILES: [(&str, &str); 6] = [
    ("src/image/digest.rs", include_str!("../image/digest.rs")),
    ("src/image/index.rs", include_str!("../image/index.rs")),
    ("src/image/loader.rs", include_str!("../image/loader.rs")),
    ("src/image/merged.rs", include_str!("../image/merged.rs")),
    ("src/image/reference.rs", include_str!("../image/reference.rs")),
    ("src/image/registry/challenge.rs", include_str!("../image/registry/challenge.rs")),
];

/// A source by its path, `src/primitives/ns/uts.rs`.
pub fn source(path: &str) -> Option<&'static str> {
    if let Some((_, text)) = FILES.iter().find(|(name, _)| *name == path) {
        return Some(text);
    }
    let (rest, folder) = FOLDERS.iter().find_map(|(start, folder)| Some((path.strip_prefix(start)?, folder)))?;
    folder.get_file(rest)?.contents_utf8()
}
