//! The way to a directory, resolved by the kernel as if another one were the root.
//!
//! openat2(2) with RESOLVE_IN_ROOT does what chroot(2) would: `/etc` and `..` end inside.
//! The entries of a layer come directory by directory, so the directories on the way to the last
//! one stay open. From one of them to the next is a single name: if that is a directory
//! it can't lead out, and no symlink has to be followed. If it is a symlink,
//! the whole path is resolved from the root.
//! See openat2(2), path_resolution(7), symlink(7).

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

/// As a process would whose root it is. Magic links, those of /proc, lead anywhere.
const IN_ROOT: ResolveFlag = ResolveFlag::RESOLVE_IN_ROOT.union(ResolveFlag::RESOLVE_NO_MAGICLINKS);
/// Deeper trees can't be walked without running out of descriptors. No path of an entry is so long,
/// but symlinks into the depth can be chained.
const DEEPEST: usize = 512;
/// One name that is a directory.
const SINGLE: ResolveFlag = ResolveFlag::RESOLVE_BENEATH.union(ResolveFlag::RESOLVE_NO_SYMLINKS);

/// A root, and the directories on the way to the one used last.
pub(super) struct Walk {
    root: OwnedFd,
    way: Vec<Step>,
}

/// A directory on the way: under which name, and how deep it really lies.
struct Step {
    name: OsString,
    opened: OwnedFd,
    depth: usize,
}

impl Walk {
    pub(super) fn new(root: OwnedFd) -> Self {
        Self { root, way: Vec::new() }
    }

    /// The directory, to make something in it.
    pub(super) fn directory(&mut self, path: &Path) -> io::Result<&OwnedFd> {
        let known = self.way.iter().zip(path.iter()).take_while(|(step, name)| step.name == *name).count();
        self.way.truncate(known);
        for name in path.iter().skip(known) {
            let (opened, depth) = self.enter(name)?;
            if depth > DEEPEST {
                return Err(Errno::ENAMETOOLONG.into());
            }
            self.way.push(Step { name: name.to_owned(), opened, depth });
        }
        Ok(self.here())
    }

    /// The directory, opened anew.
    pub(super) fn resolve(&self, path: &Path, flags: OFlag) -> io::Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Ok(resolved(&self.root, path.as_os_str(), flags, IN_ROOT)?)
    }

    /// After something was removed or replaced, no way is known any more.
    pub(super) fn forget(&mut self) {
        self.way.clear();
    }

    fn here(&self) -> &OwnedFd {
        self.way.last().map_or(&self.root, |step| &step.opened)
    }

    /// Opens the next directory, and says how deep it lies.
    fn enter(&self, name: &OsStr) -> io::Result<(OwnedFd, usize)> {
        match resolved(self.here(), name, OFlag::O_PATH, SINGLE) {
            Err(Errno::ELOOP) => {
                let path: PathBuf = self.way.iter().map(|step| step.name.as_os_str()).chain([name]).collect();
                let opened = resolved(&self.root, path.as_os_str(), OFlag::O_PATH, IN_ROOT)?;
                let depth = names(&opened)?.saturating_sub(names(&self.root)?);
                Ok((opened, depth))
            }
            other => Ok((other?, self.way.last().map_or(0, |step| step.depth) + 1)),
        }
    }
}

/// How many names lead to it. Of a path that is too long, /proc says only that (ENAMETOOLONG). proc(5)
fn names(opened: &OwnedFd) -> io::Result<usize> {
    Ok(std::fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd()))?.iter().count())
}

fn resolved(from: &OwnedFd, path: &OsStr, flags: OFlag, resolve: ResolveFlag) -> nix::Result<OwnedFd> {
    let how = OpenHow::new().flags(flags | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC).resolve(resolve);
    loop {
        match openat2(from, path, how) {
            // Something was renamed elsewhere while a `..` was followed.
            Err(Errno::EAGAIN) => {}
            opened => return opened,
        }
    }
}
