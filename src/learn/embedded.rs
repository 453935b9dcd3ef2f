//! The folder `lessons/` as it was when boxlab was built: one file is all that a class needs.

use include_dir::{Dir, include_dir};

/// The lessons that come with boxlab.
pub static LESSONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/lessons");
