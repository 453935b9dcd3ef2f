//! Stage 8: many containers on the same files. Kernel documentation, filesystems/overlayfs
#![allow(unused_variables, dead_code)] // Take this line away when you begin.

use std::path::{Path, PathBuf};

use super::Result;

/// Runs a program with the files of all `lowers`, the topmost first, and one more layer
/// for what it writes, which is gone at its end; else as [`super::pid::run`] does.
pub fn run(lowers: &str, program: &[String]) -> Result<i32> {
    Err("src/overlay.rs is not written yet".into())
}

/// Puts the layers on top of each other, with a /proc: where they can be seen as one. `place` is
/// an empty directory.
pub fn stack(lowers: &str, place: &Path) -> Result<PathBuf> {
    Err("src/overlay.rs is not written yet".into())
}
