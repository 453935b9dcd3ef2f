//! What a new file gets besides its content: owner, extended attributes, mode, time.
//!
//! The order counts: a new owner clears the setuid bit and security.capability (chown(2),
//! capabilities(7)), and a file closed to its owner takes no `user.` attribute any more
//! (xattr(7)). Setting what is so already is left out: of a layer with 10 000 files, most have the
//! owner and the mode with which they were made.

use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, UtimensatFlags, fchmod, fchmodat, fstat, futimens, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchown, fchownat};

/// A point in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Time {
    /// Since 1970; negative before it.
    pub seconds: i64,
    /// From 0 up to 999,999,999.
    pub nanoseconds: u32,
}

/// What a new file gets besides its content.
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    /// Permission bits, with setuid, setgid and sticky bit.
    pub mode: u32,
    /// User and group; `None`: whoever makes it.
    pub owner: Option<(u32, u32)>,
    /// Last change.
    pub modified: Time,
    /// Extended attributes, by name. xattr(7)
    pub xattrs: Vec<(CString, Vec<u8>)>,
}

/// What a new file is like before anything is set: by the umask, the default ACL
/// of its directory, or mount options. `None`: not known, so all is set each time.
#[derive(Clone, Copy)]
pub(super) struct Fresh(Option<Made>);

#[derive(Clone, Copy)]
struct Made {
    /// Permission bits that are kept.
    mode: u32,
    owner: (u32, u32),
}

impl Fresh {
    /// Makes a file without a name and looks at it. open(2), O_TMPFILE
    pub(super) fn probe(directory: &OwnedFd) -> Self {
        // What is made in a setgid directory takes its group, and directories the bit, too.
        if fstat(directory).is_ok_and(|found| found.st_mode & libc::S_ISGID == 0) {
            let flags = OFlag::O_TMPFILE | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
            let found = openat(directory, ".", flags, Mode::from_bits_truncate(0o777)).and_then(fstat);
            let made = |found: FileStat| Made { mode: found.st_mode & 0o777, owner: (found.st_uid, found.st_gid) };
            return Self(found.ok().map(made));
        }
        Self::unknown()
    }

    pub(super) fn unknown() -> Self {
        Self(None)
    }
}

impl Attributes {
    /// The mode with which to make it.
    pub(super) fn mode_at_first(&self) -> Mode {
        let closed = self.xattrs.is_empty();
        Mode::from_bits_truncate(if closed { self.mode & 0o777 } else { 0o600 })
    }

    /// Sets them on what is open and was made with the mode `made`.
    pub(super) fn set(&self, file: &File, fresh: &Fresh, made: Mode) -> io::Result<u64> {
        if let Some((user, group)) = self.new_owner(fresh) {
            fchown(file, Some(user), Some(group))?;
        }
        let mut lost = 0;
        for (name, value) in &self.xattrs {
            lost += lost_or(set_xattr(file, name, value))?;
        }
        if self.needs_mode(fresh, made) {
            fchmod(file, Mode::from_bits_truncate(self.mode))?;
        }
        let time = self.time();
        futimens(file, &time, &time)?;
        Ok(lost)
    }

    /// True if a directory, made with the mode `made`, must be opened to set them.
    pub(super) fn needs_open(&self, fresh: &Fresh, made: Mode) -> bool {
        self.needs_mode(fresh, made) || !self.xattrs.is_empty()
    }

    /// Sets them on what was just made and can't be opened, with the mode `made`; a
    /// symlink has none. Nothing is followed.
    pub(super) fn set_at(&self, parent: &OwnedFd, name: &OsStr, fresh: &Fresh, made: Option<Mode>) -> io::Result<u64> {
        if let Some((user, group)) = self.new_owner(fresh) {
            fchownat(parent, name, Some(user), Some(group), AtFlags::AT_SYMLINK_NOFOLLOW)?;
        }
        let mut lost = 0;
        for (attribute, value) in &self.xattrs {
            lost += lost_or(set_xattr_at(parent, name, attribute, value))?;
        }
        if made.is_some_and(|made| self.needs_mode(fresh, made)) {
            let mode = Mode::from_bits_truncate(self.mode);
            fchmodat(parent, name, mode, FchmodatFlags::NoFollowSymlink)?;
        }
        let time = self.time();
        utimensat(parent, name, &time, &time, UtimensatFlags::NoFollowSymlink)?;
        Ok(lost)
    }

    fn new_owner(&self, fresh: &Fresh) -> Option<(Uid, Gid)> {
        let made = fresh.0.as_ref().map(|made| made.owner);
        let (user, group) = self.owner.filter(|owner| made != Some(*owner))?;
        Some((Uid::from_raw(user), Gid::from_raw(group)))
    }

    fn needs_mode(&self, fresh: &Fresh, made: Mode) -> bool {
        fresh.0.as_ref().is_none_or(|fresh| self.mode != made.bits() & fresh.mode)
    }

    fn time(&self) -> TimeSpec {
        TimeSpec::new(self.modified.seconds, self.modified.nanoseconds.into())
    }
}

/// Counts an attribute that can't be had here: not on this filesystem, not on this kind
/// of file, or not for this user. Anything else is an error.
fn lost_or(set: nix::Result<()>) -> nix::Result<u64> {
    match set {
        Err(Errno::ENOTSUP | Errno::EPERM | Errno::EACCES) => Ok(1),
        other => other.map(|()| 0),
    }
}

/// fsetxattr(2)
pub(super) fn set_xattr(file: &File, name: &CStr, value: &[u8]) -> nix::Result<()> {
    // SAFETY: name and value are valid for as long as the call lasts.
    let result = unsafe { libc::fsetxattr(file.as_raw_fd(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    Errno::result(result).map(drop)
}

/// lsetxattr(2) on a name in an open directory: setxattrat(2) is younger (Linux 6.13).
fn set_xattr_at(parent: &OwnedFd, file: &OsStr, name: &CStr, value: &[u8]) -> nix::Result<()> {
    let path = [format!("/proc/self/fd/{}/", parent.as_raw_fd()).as_bytes(), file.as_bytes()].concat();
    let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
    // SAFETY: path, name and value are valid for as long as the call lasts.
    let result = unsafe { libc::lsetxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    Errno::result(result).map(drop)
}

/// True if it has that value. lgetxattr(2)
pub(super) fn has_xattr(path: &Path, name: &CStr, value: &[u8]) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else {
        return false;
    };
    let mut found = [0_u8; 16];
    // SAFETY: path and name are C strings, and the buffer is as long as is said.
    let length = unsafe { libc::lgetxattr(path.as_ptr(), name.as_ptr(), found.as_mut_ptr().cast(), found.len()) };
    usize::try_from(length).is_ok_and(|length| found[..length] == *value)
}
