//! Who may do what to the store at the same time.
//!
//! Three kinds of locks, which the kernel drops with the process: none can be left behind.
//! flock(2) and fcntl(2), "Open file description locks".
//!
//! - the **store lock** `ROOT/lock`: shared by everybody who adds something or is about to
//!   use it, held alone by who removes: so nothing vanishes between being found and being used.
//! - the **index lock** `ROOT/index.lock`: held alone for the moment in which names change.
//! - a **claim**: whoever holds it makes that one thing (a blob, a layer, the host image); the
//!   others wait, and then find it made. It is a lock on one byte of `ROOT/claims`, the one whose
//!   number the digest begins with.
//!
//! Order: store, then claims from the bottom of a stack to its top, then index. Nobody
//! waits for an earlier one while holding a later one, so nobody waits for ever.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use oci_spec::image::Digest;

use crate::error::{Context, IoContext, Result};
use crate::kernel::lock_byte;
use crate::paths;

/// A lock that is held until it is dropped.
#[derive(Debug)]
#[must_use = "it is released when it is dropped"]
pub struct Held {
    _file: File,
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
    let file = open(path)?;
    acquire(&file, mode, waiting).or_fail(|| format!("cannot lock {}", path.display()))?;
    Ok(Held { _file: file })
}

/// Waits for the claim on what that digest names, in the file `path`.
pub fn claim(path: &Path, digest: &Digest, waiting: &mut dyn FnMut()) -> Result<Held> {
    let file = open(path)?;
    let byte = i64::from_str_radix(&digest.digest()[..15], 16).unwrap_or_default();
    lock_byte(&file, byte, waiting).doing(|| format!("cannot lock {}", path.display()))?;
    Ok(Held { _file: file })
}

fn open(path: &Path) -> Result<File> {
    paths::make(path.parent().unwrap_or(Path::new("/")))?;
    let opened = File::options().create(true).append(true).open(path);
    opened.or_fail(|| format!("cannot lock {}", path.display()))
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
    use crate::image::digest;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_claim_is_held_by_one_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("claims");
        let (digest, other) = (digest::of(b"one"), digest::of(b"other"));
        let _other = claim(&path, &other, &mut || panic!("nobody has it")).unwrap();
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let held = claim(&path, &digest, &mut || ()).unwrap();
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 1);
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
