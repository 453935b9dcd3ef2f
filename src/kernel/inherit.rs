//! What a directory has besides its content, taken over by another.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, fchmod, fstat, futimens};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchown};

/// Gives the directory `path` beneath `to` the owner, mode and time of the one beneath
/// `from`; false if there is none, ENOTDIR if a symbolic link leads there. In `to`, one
/// stays inside. openat2(2)
pub fn copy_attributes(from: &Path, to: &Path, path: &Path) -> io::Result<bool> {
    let source = match open(from, path, ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS) {
        Err(Errno::ENOENT) => return Ok(false),
        Err(Errno::ELOOP) => return Err(Errno::ENOTDIR.into()),
        other => fstat(&other?)?,
    };
    let target = open(to, path, ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS)?;
    match fchown(&target, Some(Uid::from_raw(source.st_uid)), Some(Gid::from_raw(source.st_gid))) {
        // An ordinary user with one id owns everything anyway.
        Ok(()) | Err(Errno::EPERM | Errno::EINVAL) => {}
        Err(errno) => return Err(errno.into()),
    }
    fchmod(&target, Mode::from_bits_truncate(source.st_mode))?;
    let time = TimeSpec::new(source.st_mtime, source.st_mtime_nsec);
    futimens(&target, &time, &time)?;
    Ok(true)
}

fn open(root: &Path, path: &Path, resolve: ResolveFlag) -> nix::Result<OwnedFd> {
    let root = File::open(root).map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))?;
    let how = OpenHow::new().flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC).resolve(resolve);
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    openat2(root.as_fd(), if path.as_os_str().is_empty() { Path::new(".") } else { path }, how)
}
