//! Who may do what to the store at the same time.
//!
//! Three kinds of locks, all of flock(2): the kernel drops them with the process, so none
//! can be left behind.
//!
//! - the **store lock** `ROOT/lock`: shared by everybody who adds something or is about to
//!   use it, held alone by who removes: so nothing vanishes between being found and being used.
//! - the **index lock** `ROOT/index.lock`: held alone for the moment in which names change.
//! - a **claim** `ROOT/claims/NAME`: whoever holds it makes that one thing (a blob, a layer,
//!   the host image); the others wait, and then find it made.
//!
//! Order: store, then claims from the bottom of a stack to its top, then index. Nobody
//! waits for an earlier one while holding a later one, so nobody waits for ever.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{IoContext, Result};
use crate::paths;

/// A lock that is held until it is dropped.
#[derive(Debug)]
#[must_use = "it is released when it is dropped"]
pub struct Held(File);

/// The right to make one thing; its file goes with it.
#[derive(Debug)]
#[must_use = "it is released when it is dropped"]
pub struct Claim {
    path: PathBuf,
    _held: Held,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Whoever waits for this very file will see that it has lost its name.
        fs::remove_file(&self.path).ok();
    }
}

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With others who share it.
    Shared,
    /// By nobody else.
    Alone,
}

/// Waits for the lock on `path`; `waiting` is told if somebody else has it.
pub fn lock(path: &Path, mode: Mode, waiting: &mut dyn FnMut()) -> Result<Held> {
    let doing = || format!("cannot lock {}", path.display());
    let parent = path.parent().unwrap_or(Path::new("/"));
    paths::make(parent)?;
    let file = File::options().create(true).append(true).open(path).or_fail(doing)?;
    acquire(&file, mode, waiting).or_fail(doing)?;
    Ok(Held(file))
}

/// Waits for the claim at `path`.
pub fn claim(path: &Path, waiting: &mut dyn FnMut()) -> Result<Claim> {
    loop {
        let held = lock(path, Mode::Alone, waiting)?;
        // Who held it before has removed the file: then this lock is on nothing any more.
        let identity = |found: fs::Metadata| (found.dev(), found.ino());
        let named = fs::symlink_metadata(path).ok().map(identity);
        if named.is_some() && named == held.0.metadata().ok().map(identity) {
            return Ok(Claim { path: path.to_owned(), _held: held });
        }
    }
}

fn acquire(file: &File, mode: Mode, waiting: &mut dyn FnMut()) -> io::Result<()> {
    let attempt = match mode {
        Mode::Shared => file.try_lock_shared(),
        Mode::Alone => file.try_lock(),
    };
    match attempt {
        Ok(()) => return Ok(()),
        Err(TryLockError::WouldBlock) => waiting(),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    match mode {
        Mode::Shared => file.lock_shared(),
        Mode::Alone => file.lock(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, claim, lock};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_claim_is_held_by_one_at_a_time_and_leaves_no_file() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("claims/x");
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let held = claim(&path, &mut || ()).unwrap();
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 1);
        assert!(!path.exists());
    }

    #[test]
    fn who_must_wait_is_told() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lock");
        let first = lock(&path, Mode::Shared, &mut || panic!("nobody has it")).unwrap();
        let second = lock(&path, Mode::Shared, &mut || panic!("it is shared")).unwrap();
        drop(first);
        let mut second = Some(second);
        let mut told = false;
        let alone = lock(&path, Mode::Alone, &mut || {
            told = true;
            second.take();
        });
        assert!(alone.is_ok() && told);
    }
}
