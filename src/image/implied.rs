//! Directories that a layer passes through without naming them.
//!
//! A layer with nothing but `etc/motd` says nothing about `etc`. Unpacked by itself it
//! gets a plain directory, and stacked above the others that would hide mode and owner of
//! the real one: so these are taken from the topmost layer below that has it.

use std::path::{Path, PathBuf};

use crate::error::{IoContext, Result};
use crate::kernel::copy_attributes;

/// Gives the `implied` directories of a layer what they have in the layers `below`, the
/// topmost first.
pub fn inherit(layer: &Path, implied: &[PathBuf], below: &[PathBuf]) -> Result<()> {
    for path in implied {
        let doing = || format!("cannot give {} the mode that it has in the layer below", path.display());
        for lower in below {
            match copy_attributes(lower, layer, path) {
                Ok(true) => break,
                Ok(false) => {}
                // Deleted, or something else than a directory.
                Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => break,
                Err(error) => return Err(error).or_fail(doing),
            }
        }
    }
    Ok(())
}
