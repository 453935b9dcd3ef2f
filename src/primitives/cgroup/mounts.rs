//! /sys/fs/cgroup in a container: its own cgroups, read-only, so that programs can
//! see their limits and root can't lift them.
//!
//! Where they can be written, `release_agent` (v1) is a way to run a program on the
//! host: CVE-2022-0492. cgroup_namespaces(7)

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use crate::error::Result;
use crate::kernel::cgroup::{Group, Version};
use crate::kernel::{Kernel, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MsFlags, O_DIRECTORY, O_PATH, RESOLVE_BENEATH};

const FLAGS: MsFlags = MS_NOSUID.union(MS_NODEV).union(MS_NOEXEC);

/// One tree: the whole of /sys/fs/cgroup.
pub fn unified(k: &Kernel, target: &OwnedFd, read_only: bool) -> Result<()> {
    let flags = if read_only { FLAGS | MS_RDONLY } else { FLAGS };
    k.mount_on(Some(OsStr::new("cgroup2")), target, Some("cgroup2"), flags, None)
}

/// Several trees: a directory in memory that holds one of them each.
pub fn directory(k: &Kernel, target: &OwnedFd) -> Result<()> {
    k.mount_on(Some(OsStr::new("tmpfs")), target, Some("tmpfs"), FLAGS, Some(OsStr::new("mode=0755,size=64k")))
}

/// Mounts each tree of the group in that directory. The namespace makes the
/// container's own cgroup the root of what is shown.
pub fn trees(k: &Kernel, directory: &OwnedFd, group: &Group, read_only: bool) -> Result<()> {
    let flags = if read_only { FLAGS | MS_RDONLY } else { FLAGS };
    for place in &group.places {
        let (name, kind) = match place.version {
            Version::V1 => (place.controllers.join(","), "cgroup"),
            Version::V2 => ("unified".to_owned(), "cgroup2"),
        };
        k.mkdirat(directory, OsStr::new(&name), 0o755)?;
        let target = k.openat2(directory.as_fd(), Path::new(&name), O_PATH | O_DIRECTORY, 0, RESOLVE_BENEATH)?;
        if place.controllers.len() > 1 && place.version == Version::V1 {
            place.controllers.iter().try_for_each(|single| k.symlinkat(&name, directory, single))?;
        }
        let options = (place.version == Version::V1).then(|| OsStr::new(&name));
        k.mount_on(Some(OsStr::new(kind)), &target, Some(kind), flags, options)?;
    }
    Ok(())
}
