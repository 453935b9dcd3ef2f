//! A few programs of this machine with all that they need: the smallest root filesystem in
//! which they run, as a layer.
//!
//! It does *not* hold the host image's data and made-up files: see `recipe.rs`.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::base;
use super::gather::Gatherer;
use super::layer::{self, Content, Node};
use crate::error::{Error, Result};

/// Directories that programs expect.
const DIRECTORIES: [&str; 5] = ["/dev", "/etc", "/proc", "/root", "/tmp"];

/// Writes the layer; a program that this machine lacks is an error.
pub fn pack(programs: &[&str], output: impl Write) -> Result<()> {
    let mut gatherer = Gatherer::new(base::STANDARD_PATH.map(PathBuf::from).to_vec());
    for program in programs {
        let path = gatherer.find(program);
        let path = path.ok_or_else(|| Error::new(format!("cannot find the program '{program}' on this machine")))?;
        gatherer.program(&path);
    }
    // By these paths, too, programs and their loaders are named.
    base::FIXED_PATHS.iter().for_each(|path| gatherer.program(Path::new(path)));
    for directory in DIRECTORIES {
        gatherer.tree.entry(directory.into()).or_insert(Node { mode: 0o755, mtime: None, content: Content::Directory });
    }
    layer::pack(&gatherer.tree, output, &mut |_| ()).map(drop)
}
