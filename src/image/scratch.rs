//! Work in progress: a directory of one's own, in which everything is made before it is
//! moved to its place.
//!
//! It is locked by its owner and removed with it. If the owner is killed, the lock ends and the
//! directory stays: so whatever is there without a lock is a leftover. flock(2)

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::durable::sync_tree;
use super::store::Progress;
use crate::error::{IoContext, Result};
use crate::kernel::remove_tree;
use crate::paths;

/// A work directory, locked by its owner, and removed with it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    /// A new one in `work`.
    pub fn create(work: &Path) -> Result<Self> {
        let doing = || format!("cannot make a work directory in {}", work.display());
        paths::make_private(work)?;
        loop {
            let made = tempfile::Builder::new().prefix("work-").tempdir_in(work).or_fail(doing)?;
            let lock = File::open(made.path()).or_fail(doing)?;
            lock.lock().or_fail(doing)?;
            // Between making and locking it, a cleanup may have taken it for abandoned.
            if made.path().exists() {
                return Ok(Self { path: made.keep(), _lock: lock });
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts all that was written on the disk.
    pub fn sync(&self, report: &mut dyn FnMut(Progress)) -> Result<()> {
        report(Progress::Saving);
        sync_tree(self.path())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed now, `boxlab cleanup` will find.
        remove_tree(&self.path).ok();
    }
}

/// Work directories whose owner has ended without removing them.
pub fn leftovers(work: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for (path, lock) in abandoned(work)? {
        // Not only closed: a child that is just being started may hold it open, too.
        lock.unlock().or_fail(|| format!("cannot unlock {}", path.display()))?;
        paths.push(path);
    }
    Ok(paths)
}

/// Removes them, by way of `remove`.
pub fn remove_leftovers(work: &Path, remove: &dyn Fn(&Path) -> Result<()>) -> Result<()> {
    // The lock is held until the directory is gone: nobody can take it over meanwhile.
    abandoned(work)?.iter().try_for_each(|(path, _lock)| remove(path))
}

/// Each with its lock: an owner that lives would hold it.
fn abandoned(work: &Path) -> Result<Vec<(PathBuf, File)>> {
    let doing = || format!("cannot read {}", work.display());
    let entries = match fs::read_dir(work) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.or_fail(doing)?,
    };
    let mut abandoned = Vec::new();
    for entry in entries {
        let path = entry.or_fail(doing)?.path();
        let Ok(file) = File::open(&path) else {
            continue;
        };
        match file.try_lock() {
            Ok(()) => abandoned.push((path, file)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error).or_fail(doing),
        }
    }
    abandoned.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(abandoned)
}
