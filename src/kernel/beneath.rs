//! A directory that nothing written into it can leave.
//!
//! A layer is written by strangers: it may hold a symlink `lib -> /etc` and then a
//! file `lib/passwd`. Every path is therefore resolved by the kernel as if the directory
//! were the root, with openat2(2) and RESOLVE_IN_ROOT: `/etc` and `..` end inside.
//! Checking the path beforehand would *not* do, as it can change between the check and
//! the use (CVE-2021-30465); here the check and the use are one call.
//! Needs Linux 5.6. See openat2(2), path_resolution(7).

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, fchmod, fstatat, futimens, mkdirat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fchownat, geteuid, linkat, symlinkat, unlinkat};

use crate::error::{Error, IoContext, Result};

/// What a new file gets besides its content.
#[derive(Debug, Clone, Copy)]
pub struct Attributes {
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Last change, in seconds since 1970.
    pub mtime: u64,
}

/// The directory.
pub struct Beneath {
    root: OwnedFd,
    /// Only root can give files away; for anyone else all files are his own.
    gives_away: bool,
    /// The directory used last: entries of a layer come directory by directory.
    last: Option<(PathBuf, OwnedFd)>,
}

impl Beneath {
    /// Opens the directory at `path`.
    pub fn open(path: &Path) -> Result<Self> {
        let doing = || format!("cannot open {}", path.display());
        Ok(Self { root: File::open(path).or_fail(doing)?.into(), gives_away: geteuid().is_root(), last: None })
    }

    /// Makes a directory, or takes the one that is there. Its attributes are set at
    /// the end, by [`Beneath::finish_directory`]: filling it would change them again.
    pub fn directory(&mut self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        match mkdirat(parent, name.as_os_str(), Mode::S_IRWXU) {
            Err(Errno::EEXIST) if is_directory(parent, &name)? => return Ok(()),
            Err(Errno::EEXIST) => {}
            other => return Ok(other?),
        }
        unlinkat(parent, name.as_os_str(), UnlinkatFlags::NoRemoveDir)?;
        Ok(mkdirat(parent, name.as_os_str(), Mode::S_IRWXU)?)
    }

    /// Gives a directory its owner, mode and time.
    pub fn finish_directory(&self, path: &Path, attributes: Attributes) -> io::Result<()> {
        let directory = self.resolve(path)?;
        self.finish(&File::from(directory), attributes)
    }

    /// Makes a file; what had its name before is replaced. The content follows,
    /// and then [`Beneath::finish`].
    pub fn file(&mut self, path: &Path) -> io::Result<File> {
        let (parent, name) = self.parent(path)?;
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let opened = replacing(parent, &name, || openat(parent, name.as_os_str(), flags, mode))?;
        Ok(opened.into())
    }

    /// Owner first: changing the owner clears the setuid bit of the mode (chown(2)).
    pub fn finish(&self, file: &File, attributes: Attributes) -> io::Result<()> {
        if self.gives_away {
            let owner = Some(Uid::from_raw(attributes.uid));
            fchown(file, owner, Some(Gid::from_raw(attributes.gid)))?;
        }
        fchmod(file, Mode::from_bits_truncate(attributes.mode))?;
        let time = time(attributes);
        Ok(futimens(file, &time, &time)?)
    }

    /// Makes a symlink. Its target is only text: it is resolved when it is used.
    pub fn symlink(&mut self, path: &Path, target: &OsStr, of: Attributes) -> io::Result<()> {
        let gives_away = self.gives_away;
        let (parent, name) = self.parent(path)?;
        replacing(parent, &name, || symlinkat(target, parent, name.as_os_str()))?;
        let name = name.as_os_str();
        if gives_away {
            let (owner, group) = (Some(Uid::from_raw(of.uid)), Some(Gid::from_raw(of.gid)));
            fchownat(parent, name, owner, group, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        }
        let time = time(of);
        Ok(utimensat(parent, name, &time, &time, UtimensatFlags::NoFollowSymlink)?)
    }

    /// Gives a file that is there already a second name.
    pub fn hard_link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let (directory, file) = split(target)?;
        let from = self.resolve(directory)?;
        let (parent, name) = self.parent(path)?;
        Ok(replacing(parent, &name, || linkat(&from, file.as_os_str(), parent, name.as_os_str(), AtFlags::empty()))?)
    }

    /// The directory in which `path` lies, made where it is missing, and the last name.
    fn parent(&mut self, path: &Path) -> io::Result<(&OwnedFd, OsString)> {
        let (directory, name) = split(path)?;
        if self.last.as_ref().is_none_or(|(last, _)| last != directory) {
            let opened = match self.resolve(directory) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.make(directory)?,
                other => other?,
            };
            self.last = Some((directory.to_owned(), opened));
        }
        match &self.last {
            Some((_, opened)) => Ok((opened, name)),
            None => Err(Errno::ENOENT.into()),
        }
    }

    /// Makes a directory that the layer uses without ever having named it. A symlink
    /// that leads nowhere is in the way then, and stays: that is an error.
    fn make(&mut self, directory: &Path) -> io::Result<OwnedFd> {
        let (parent, name) = self.parent(directory)?;
        mkdirat(parent, name.as_os_str(), Mode::S_IRWXU)?;
        let made = self.resolve(directory)?;
        fchmod(&made, Mode::from_bits_truncate(0o755))?;
        Ok(made)
    }

    /// Opens a directory, as a process would whose root this is.
    fn resolve(&self, directory: &Path) -> io::Result<OwnedFd> {
        let path = match directory.as_os_str().is_empty() {
            true => Path::new("."),
            false => directory,
        };
        let how = OpenHow::new()
            .flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        loop {
            match openat2(&self.root, path, how) {
                // Something was renamed elsewhere while a `..` was followed.
                Err(Errno::EAGAIN) => {}
                opened => return Ok(opened?),
            }
        }
    }
}

/// A path of a layer, cleaned of `.` and trailing slashes. One that is absolute or climbs
/// up with `..` would stay inside all the same, but no honest tool writes such.
pub fn clean(path: &Path) -> Result<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => {
                return Err(Error::new(format!("cannot unpack {path:?}: it points out of the layer"))
                    .hint("The layer is damaged or malicious; get the image from somebody you trust."));
            }
        }
    }
    Ok(clean)
}

fn split(path: &Path) -> io::Result<(&Path, OsString)> {
    match (path.parent(), path.file_name()) {
        (Some(directory), Some(name)) => Ok((directory, name.to_owned())),
        _ => Err(Errno::EINVAL.into()),
    }
}

/// Runs `make`; if the name is taken, removes what has it and tries once more.
fn replacing<T>(parent: &OwnedFd, name: &OsStr, make: impl Fn() -> nix::Result<T>) -> nix::Result<T> {
    match make() {
        Err(Errno::EEXIST) => {
            unlinkat(parent, name, UnlinkatFlags::NoRemoveDir)?;
            make()
        }
        other => other,
    }
}

fn is_directory(parent: &OwnedFd, name: &OsStr) -> io::Result<bool> {
    let found = fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    Ok(SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR)
}

fn time(attributes: Attributes) -> TimeSpec {
    TimeSpec::new(i64::try_from(attributes.mtime).unwrap_or(i64::MAX), 0)
}
