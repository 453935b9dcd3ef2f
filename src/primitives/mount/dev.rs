//! /dev: the few devices that every program expects, and no disk.
//!
//! What a process may do with a device is the cgroup's to say.
//! OCI runtime spec for Linux, "Default Devices"; null(4), pts(4)

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use crate::error::Result;
use crate::kernel::errno::EEXIST;
use crate::kernel::{
    DeviceNode, Kernel, MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_STRICTATIME, O_CREAT, O_DIRECTORY, O_PATH,
    O_RDONLY, RESOLVE_BENEATH, is_device,
};

/// Name, major and minor number; everybody may read and write.
pub const NODES: [(&str, u64, u64); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

/// Name and where it leads.
const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
];

/// An empty /dev in memory.
pub fn empty(k: &Kernel, target: &OwnedFd) -> Result<()> {
    let flags = MS_NOSUID | MS_NOEXEC | MS_STRICTATIME;
    k.mount_on(Some(OsStr::new("tmpfs")), target, Some("tmpfs"), flags, Some(OsStr::new("mode=0755,size=64k")))
}

/// Makes the nodes, for everybody to read and write.
pub fn nodes(k: &Kernel, dev: &OwnedFd) -> Result<()> {
    k.step("Make the devices that every program expects");
    for (name, major, minor) in NODES {
        k.mknodat(dev, OsStr::new(name), &DeviceNode { block: false, major, minor, mode: 0o666 })?;
    }
    Ok(())
}

/// A user namespace may not make device nodes: it borrows the host's.
pub fn borrowed_nodes(k: &Kernel, dev: &OwnedFd) -> Result<()> {
    k.step("A user namespace can't make devices: bind the host's");
    for (name, ..) in NODES {
        let file = k.openat2(dev.as_fd(), Path::new(name), O_RDONLY | O_CREAT, 0o644, RESOLVE_BENEATH)?;
        k.mount_on(Some(Path::new("/dev").join(name).as_os_str()), &file, None, MS_BIND, None)?;
    }
    Ok(())
}

/// A device of the host that the user asks for: a node of its own.
pub fn node(k: &Kernel, directory: &OwnedFd, name: &OsStr, node: &DeviceNode) -> Result<()> {
    match k.mknodat(directory, name, node) {
        // In a root that is a directory it stays for the next container.
        Err(error) if error.errno() == Some(EEXIST) && is_device(directory, name, node) => Ok(()),
        made => made,
    }
}

/// The same in a user namespace, where the host's node is bound.
pub fn borrowed(k: &Kernel, source: &Path, target: &OwnedFd) -> Result<()> {
    k.mount_on(Some(source.as_os_str()), target, None, MS_BIND, None)
}

/// A place for a mount in /dev.
pub fn directory(k: &Kernel, dev: &OwnedFd, name: &str) -> Result<OwnedFd> {
    k.mkdirat(dev, OsStr::new(name), 0o755)?;
    k.openat2(dev.as_fd(), Path::new(name), O_PATH | O_DIRECTORY, 0, RESOLVE_BENEATH)
}

/// The names that shells and the C library use.
pub fn links(k: &Kernel, dev: &OwnedFd) -> Result<()> {
    k.step("Add the usual names for a process's own descriptors");
    for (target, name) in LINKS {
        k.symlinkat(target, dev, name)?;
    }
    Ok(())
}

/// Terminals of the container's own. `tty` is the id of that group, where the
/// user namespace has it.
pub fn pts(k: &Kernel, target: &OwnedFd, tty: Option<u32>) -> Result<()> {
    let group = tty.map(|gid| format!(",gid={gid}")).unwrap_or_default();
    let options = format!("newinstance,ptmxmode=0666,mode=0620{group}");
    k.mount_on(Some(OsStr::new("devpts")), target, Some("devpts"), MS_NOSUID | MS_NOEXEC, Some(OsStr::new(&options)))
}

/// POSIX shared memory.
pub fn shm(k: &Kernel, target: &OwnedFd, size: u64) -> Result<()> {
    let options = format!("mode=1777,size={size}");
    let flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    k.mount_on(Some(OsStr::new("shm")), target, Some("tmpfs"), flags, Some(OsStr::new(&options)))
}

/// POSIX message queues of the container's IPC namespace.
pub fn mqueue(k: &Kernel, target: &OwnedFd) -> Result<()> {
    let flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    k.mount_on(Some(OsStr::new("mqueue")), target, Some("mqueue"), flags, None)
}
