//! The book as mdBook builds it, with this boxlab as its preprocessor.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use mdbook_driver::MDBook;

use crate::support;

/// Where it is built; once, for all trials.
pub fn built() -> Result<&'static Path, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(build).as_deref().map_err(Clone::clone)
}

fn build() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("book");
    // It stays there, to be looked at.
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book");
    let mut book = MDBook::load(root).map_err(|error| format!("{error:?}"))?;
    let boxlab = format!("{} mdbook", env!("CARGO_BIN_EXE_boxlab"));
    book.config.set("preprocessor.boxlab.command", boxlab).map_err(|error| format!("{error:?}"))?;
    book.config.build.build_dir = directory.clone();
    let root = book.root.clone();
    let book = MDBook::load_with_config(root, book.config).map_err(|error| format!("{error:?}"))?;
    book.build().map_err(|error| format!("{error:?}")).map(|()| directory)
}

/// The pages of `boxlab book`; made once, for all trials.
pub fn offline() -> Result<&'static Path, String> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
        let ran = support::run(&["book", "--no-open", "--output", &directory.to_string_lossy()]);
        if ran.status == 0 { Ok(directory) } else { Err(ran.stderr) }
    });
    made.as_deref().map_err(Clone::clone)
}
