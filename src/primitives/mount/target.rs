//! Where a mount goes: resolved inside the container's root, whatever symbolic
//! links an image brings, and kept as a descriptor, so that no one can swap the
//! path afterwards.
//!
//! openat2(2), RESOLVE_IN_ROOT; CVE-2021-30465, CVE-2019-16884

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use crate::error::{Context, Error, Result};
use crate::kernel::errno::EEXIST;
use crate::kernel::{Kernel, O_CREAT, O_DIRECTORY, O_PATH, O_RDONLY, OFlag, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS};

/// What exists at `path` inside `root`, if anything does.
pub fn existing(k: &Kernel, root: &OwnedFd, path: &Path, flags: OFlag) -> Result<Option<OwnedFd>> {
    k.openat2_if_exists(root.as_fd(), inner(path), flags | O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
}

/// The directory `path` inside `root`; made, with those above it, if it is missing.
pub fn directory(k: &Kernel, root: &OwnedFd, path: &Path) -> Result<OwnedFd> {
    let reached = match existing(k, root, path, O_DIRECTORY) {
        Ok(None) => make(k, root, path),
        Ok(Some(directory)) => Ok(directory),
        Err(error) => Err(error),
    };
    reached.doing(|| format!("cannot reach {} inside the container", path.display()))
}

/// The file `path` inside `root`; made empty if it is missing.
pub fn file(k: &Kernel, root: &OwnedFd, path: &Path) -> Result<OwnedFd> {
    if let Some(file) = existing(k, root, path, OFlag::empty())? {
        return Ok(file);
    }
    directory(k, root, path.parent().unwrap_or(Path::new("/")))?;
    let resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    let made = k.openat2(root.as_fd(), inner(path), O_RDONLY | O_CREAT, 0o644, resolve);
    made.doing(|| format!("cannot make {} inside the container", path.display()))
}

/// Makes the missing directories one by one, each beneath the one before.
fn make(k: &Kernel, root: &OwnedFd, path: &Path) -> Result<OwnedFd> {
    let mut reached = PathBuf::new();
    let mut parent = open(k, root, Path::new("."))?;
    for name in names(path)? {
        reached.push(name);
        parent = match existing(k, root, &reached, O_DIRECTORY)? {
            Some(directory) => directory,
            None => {
                match k.mkdirat(&parent, name, 0o755) {
                    // Another container that shares the root was faster.
                    Err(error) if error.errno() == Some(EEXIST) => {}
                    made => made?,
                }
                open(k, root, &reached)?
            }
        };
    }
    Ok(parent)
}

fn open(k: &Kernel, root: &OwnedFd, path: &Path) -> Result<OwnedFd> {
    k.openat2(root.as_fd(), path, O_PATH | O_DIRECTORY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
}

/// The names along a path; `..` is refused, since it could undo what was made.
fn names(path: &Path) -> Result<Vec<&OsStr>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::ParentDir => return Err(Error::usage(format!("{} holds '..'", path.display()))),
            _ => {}
        }
    }
    Ok(names)
}

/// The path as openat2 takes it: seen from the root.
fn inner(path: &Path) -> &Path {
    let inner = path.strip_prefix("/").unwrap_or(path);
    if inner.as_os_str().is_empty() { Path::new(".") } else { inner }
}
