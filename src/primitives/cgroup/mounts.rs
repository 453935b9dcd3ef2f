//! /sys/fs/cgroup in a container: its own cgroups, read-only, so that programs can
//! see their limits and root can't lift them.
//!
//! Where they can be written, `release_agent` (v1) is a way to run a program on the
//! host: CVE-2022-0492. cgroup_namespaces(7)

use std::ffi::OsStr;
use std::os::fd::OwnedFd;

use crate::error::Result;
use crate::kernel::cgroup::{Group, Place, Version};
use crate::kernel::{Kernel, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MsFlags, proc};

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
    for place in &group.places {
        k.mkdirat(directory, OsStr::new(&name(place)), 0o755)?;
    }
    let flags = if read_only { FLAGS | MS_RDONLY } else { FLAGS };
    // A path may be used here: the directory is in this mount namespace alone.
    let here = proc::fd_path(directory);
    for place in &group.places {
        let (target, options) = (here.join(name(place)), name(place));
        match place.version {
            Version::V1 => {
                k.mount(Some(OsStr::new("cgroup")), &target, Some("cgroup"), flags, Some(options.as_ref()))?
            }
            Version::V2 => k.mount(Some(OsStr::new("cgroup2")), &target, Some("cgroup2"), flags, None)?,
        }
        // Mounted together, they are known by each name: cpu -> cpu,cpuacct
        if place.version == Version::V1 && place.controllers.len() > 1 {
            place.controllers.iter().try_for_each(|single| k.symlinkat(&options, directory, single))?;
        }
    }
    Ok(())
}

fn name(place: &Place) -> String {
    if place.version == Version::V1 { place.controllers.join(",") } else { "unified".to_owned() }
}
