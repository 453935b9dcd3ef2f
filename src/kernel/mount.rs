//! The mount table: mount(2), umount2(2), pivot_root(2), chroot(2) and the new
//! mount API (open_tree(2), move_mount(2), mount_setattr(2)).

use std::ffi::{CString, OsStr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags};

use super::Kernel;
use crate::error::Result;
use crate::trace::decode;

/// Read-only. mount_setattr(2)
pub const MOUNT_ATTR_RDONLY: u64 = libc::MOUNT_ATTR_RDONLY;

const MOUNT_ATTR: [(u64, &str); 7] = [
    (libc::MOUNT_ATTR_RDONLY, "MOUNT_ATTR_RDONLY"),
    (libc::MOUNT_ATTR_NOSUID, "MOUNT_ATTR_NOSUID"),
    (libc::MOUNT_ATTR_NODEV, "MOUNT_ATTR_NODEV"),
    (libc::MOUNT_ATTR_NOEXEC, "MOUNT_ATTR_NOEXEC"),
    (libc::MOUNT_ATTR_NOATIME, "MOUNT_ATTR_NOATIME"),
    (libc::MOUNT_ATTR_NODIRATIME, "MOUNT_ATTR_NODIRATIME"),
    (libc::MOUNT_ATTR_IDMAP, "MOUNT_ATTR_IDMAP"),
];

/// Flags of open_tree(2), move_mount(2) and mount_setattr(2).
const AT_FLAGS: [(u64, &str); 4] = [
    (libc::AT_EMPTY_PATH as u64, "AT_EMPTY_PATH"),
    (libc::AT_RECURSIVE as u64, "AT_RECURSIVE"),
    (libc::OPEN_TREE_CLOEXEC as u64, "OPEN_TREE_CLOEXEC"),
    (libc::OPEN_TREE_CLONE as u64, "OPEN_TREE_CLONE"),
];

impl Kernel {
    /// Mounts a filesystem, binds a directory, or changes a mount. mount(2)
    #[track_caller]
    pub fn mount(
        &self,
        source: Option<&OsStr>,
        target: &Path,
        kind: Option<&str>,
        flags: MsFlags,
        data: Option<&OsStr>,
    ) -> Result<()> {
        let args = || {
            let kind = decode::optional(kind.map(OsStr::new));
            vec![decode::optional(source), decode::path(target), kind, decode::flags(&flags), decode::optional(data)]
        };
        self.call("mount", args, || nix::mount::mount(source, target, kind, flags, data))
    }

    /// [`Kernel::mount`] onto an open directory or file: `/proc/self/fd/N` is a
    /// magic link to exactly what was opened, so no path can be swapped meanwhile.
    #[track_caller]
    pub fn mount_on(
        &self,
        source: Option<&OsStr>,
        target: &OwnedFd,
        kind: Option<&str>,
        flags: MsFlags,
        data: Option<&OsStr>,
    ) -> Result<()> {
        self.mount(source, &super::proc::fd_path(target), kind, flags, data)
    }

    /// Takes a mount away. umount2(2)
    #[track_caller]
    pub fn umount2(&self, target: &Path, flags: MntFlags) -> Result<()> {
        let args = || vec![decode::path(target), decode::flags(&flags)];
        self.call("umount2", args, || nix::mount::umount2(target, flags))
    }

    /// Makes `new_root` the root mount and hangs the old one at `put_old`. pivot_root(2)
    #[track_caller]
    pub fn pivot_root(&self, new_root: &str, put_old: &str) -> Result<()> {
        let args = || vec![decode::string(new_root), decode::string(put_old)];
        self.call("pivot_root", args, || nix::unistd::pivot_root(new_root, put_old))
    }

    /// Changes what `/` means for this process, and nothing else. chroot(2)
    #[track_caller]
    pub fn chroot(&self, root: &Path) -> Result<()> {
        self.call("chroot", || vec![decode::path(root)], || nix::unistd::chroot(root))
    }

    /// A detached copy of the mounts at `path`, to be placed later. open_tree(2)
    #[track_caller]
    pub fn open_tree(&self, path: &Path, recursive: bool) -> Result<OwnedFd> {
        let mut flags = u64::from(libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC);
        if recursive {
            flags |= libc::AT_RECURSIVE as u64;
        }
        let args = || vec!["AT_FDCWD".to_owned(), decode::path(path), decode::bits(&AT_FLAGS, flags)];
        self.call("open_tree", args, || {
            let path = c_string(path)?;
            // SAFETY: `path` is NUL-terminated and lives across the call.
            let opened =
                Errno::result(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })?;
            // SAFETY: a non-negative result is a new descriptor, ours alone.
            Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(opened).unwrap_or(-1)) })
        })
    }

    /// Places a detached mount onto an open directory or file. move_mount(2)
    #[track_caller]
    pub fn move_mount(&self, mount: &OwnedFd, target: &OwnedFd) -> Result<()> {
        let flags = libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH;
        let empty = || decode::string("");
        let names = || "MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH".to_owned();
        let args = || vec![self.fd(mount), empty(), self.fd(target), empty(), names()];
        let (from, to) = (mount.as_raw_fd(), target.as_raw_fd());
        self.call("move_mount", args, || {
            // SAFETY: both paths are empty, NUL-terminated literals.
            Errno::result(unsafe { libc::syscall(libc::SYS_move_mount, from, c"".as_ptr(), to, c"".as_ptr(), flags) })
                .map(drop)
        })
    }

    /// Has a mount translate owners as a user namespace does. mount_setattr(2),
    /// `MOUNT_ATTR_IDMAP`
    #[track_caller]
    pub fn mount_idmapped(&self, mount: &OwnedFd, user_namespace: &OwnedFd) -> Result<()> {
        self.set_attributes(mount, 0, libc::MOUNT_ATTR_IDMAP, Some(user_namespace))
    }

    /// Sets attributes of a mount, or of a whole tree of mounts at once. mount_setattr(2)
    #[track_caller]
    pub fn mount_setattr(&self, mount: &OwnedFd, recursive: bool, set: u64) -> Result<()> {
        self.set_attributes(mount, if recursive { libc::AT_RECURSIVE as u64 } else { 0 }, set, None)
    }

    #[track_caller]
    fn set_attributes(&self, mount: &OwnedFd, flags: u64, set: u64, userns: Option<&OwnedFd>) -> Result<()> {
        let flags = flags | libc::AT_EMPTY_PATH as u64;
        let args = || {
            let userns = userns.map_or_else(|| "0".to_owned(), |userns| self.fd(userns));
            let attributes = format!(
                "{{attr_set={}, attr_clr=0, propagation=0 /* MS_??? */, userns_fd={userns}}}",
                decode::bits(&MOUNT_ATTR, set)
            );
            vec![self.fd(mount), decode::string(""), decode::bits(&AT_FLAGS, flags), attributes, "32".to_owned()]
        };
        let userns_fd = userns.map_or(0, |userns| userns.as_raw_fd().unsigned_abs().into());
        let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd };
        self.call("mount_setattr", args, || {
            let size = size_of::<libc::mount_attr>();
            // SAFETY: `attributes` is a mount_attr of `size` bytes that lives across the call.
            Errno::result(unsafe {
                let fd = mount.as_raw_fd();
                libc::syscall(libc::SYS_mount_setattr, fd, c"".as_ptr(), flags, &raw const attributes, size)
            })
            .map(drop)
        })
    }
}

fn c_string(path: &Path) -> nix::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)
}
