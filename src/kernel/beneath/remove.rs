//! Removes what is in the way of a later entry: a file, or a directory with all in it.
//!
//! Names are looked up in open directories only, and no symlink is followed, so nothing
//! outside can be reached. See unlinkat(2).

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Removes `name` in that directory.
pub(super) fn remove(parent: impl AsFd, name: &OsStr) -> nix::Result<()> {
    match unlinkat(&parent, name, UnlinkatFlags::NoRemoveDir) {
        Err(Errno::EISDIR) => {}
        other => return other,
    }
    // An empty one is gone at once; it might be closed to its owner.
    match unlinkat(&parent, name, UnlinkatFlags::RemoveDir) {
        Err(Errno::ENOTEMPTY) => {}
        other => return other,
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut directory = Dir::openat(&parent, name, flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in directory.iter() {
        names.push(entry?.file_name().to_owned());
    }
    for inside in names.iter().map(|name| name.to_bytes()).filter(|name| !matches!(name, [b'.'] | [b'.', b'.'])) {
        remove(&directory, OsStr::from_bytes(inside))?;
    }
    unlinkat(&parent, name, UnlinkatFlags::RemoveDir)
}
