//! The book as mdBook builds it, with this boxlab as its preprocessor.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use mdbook_driver::MDBook;

use crate::common::trials::Verdict;
use crate::support;

/// Where it is built; once, for all trials.
pub fn built() -> Result<&'static Path, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(build).as_deref().map_err(Clone::clone)
}

fn build() -> Result<PathBuf, String> {
    // It stays there, to be looked at.
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book");
    build_into(&Path::new(env!("CARGO_MANIFEST_DIR")).join("book"), &directory).map(|()| directory)
}

fn build_into(root: &Path, directory: &Path) -> Result<(), String> {
    let said = |error: mdbook_driver::errors::Error| format!("{error:?}");
    let mut book = MDBook::load(root).map_err(said)?;
    let boxlab = format!("{} mdbook", env!("CARGO_BIN_EXE_boxlab"));
    book.config.set("preprocessor.boxlab.command", boxlab).map_err(said)?;
    book.config.build.build_dir = directory.to_owned();
    let book = MDBook::load_with_config(root, book.config).map_err(said)?;
    book.build().map_err(said)
}

/// A run that somebody records goes into a book of theirs.
pub fn anyones_book() -> Verdict {
    let root = support::scratch("anyones");
    let said = |error: std::io::Error| error.to_string();
    std::fs::create_dir_all(root.join("src/part")).map_err(said)?;
    let ran = support::run(&["mdbook", "record", "echo '<one>'; echo; boxlab=$0; echo two; exit 3"]);
    std::fs::write(root.join("src/part/run.jsonl"), &ran.stdout).map_err(said)?;
    std::fs::write(root.join("src/SUMMARY.md"), "- [Mine](part/mine.md)\n").map_err(said)?;
    std::fs::write(root.join("src/part/mine.md"), "# Mine\n\nBefore.\n\n{{#boxlab run.jsonl}}\n\n*After.*\n")
        .map_err(said)?;
    build_into(&root, &root.join("book"))?;
    let page = std::fs::read_to_string(root.join("book/part/mine.html")).map_err(said)?;
    let shown = ["class=\"boxlab-run\"", "&lt;one&gt;", "two</pre>", "status 3", "<em>After.</em>"];
    match shown.iter().find(|text| !page.contains(**text)) {
        Some(missing) => Err(format!("no {missing} in {page}")),
        None => Ok(()),
    }
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
