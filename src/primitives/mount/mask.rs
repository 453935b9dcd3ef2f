//! Masked and read-only paths: what of /proc and /sys a container should not see
//! or change.
//!
//! The lists are those of Docker and containerd; OCI runtime spec, "Masked Paths"
//! and "Readonly Paths".

use std::os::fd::OwnedFd;

use crate::error::Result;
use crate::kernel::{Kernel, MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REC, MS_REMOUNT, proc};

/// Files and directories that tell of the machine or its kernel.
pub const MASKED: [&str; 11] = [
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/timer_list",
    "/proc/acpi",
    "/proc/asound",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];

/// What would configure the machine.
pub const READONLY: [&str; 5] = ["/proc/sys", "/proc/sysrq-trigger", "/proc/bus", "/proc/fs", "/proc/irq"];

/// Covers a file with /dev/null, opened outside of the container so that no
/// image can have put something else there. CVE-2025-31133
pub fn file(k: &Kernel, null: &OwnedFd, target: &OwnedFd) -> Result<()> {
    k.mount_on(Some(proc::fd_path(null).as_os_str()), target, None, MS_BIND, None)
}

/// Covers a directory with an empty one that can't be written to.
pub fn directory(k: &Kernel, target: &OwnedFd) -> Result<()> {
    let flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    k.mount_on(Some("tmpfs".as_ref()), target, Some("tmpfs"), flags, Some("nr_inodes=1".as_ref()))
}

/// Makes a part of /proc read-only: it becomes a mount of its own first.
pub fn readonly(k: &Kernel, target: &OwnedFd, again: impl FnOnce() -> Result<OwnedFd>) -> Result<()> {
    k.mount_on(Some(proc::fd_path(target).as_os_str()), target, None, MS_BIND | MS_REC, None)?;
    // The descriptor shows what was there before the mount; the mount is what
    // the path leads to now.
    let mounted = again()?;
    let flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_BIND | MS_REMOUNT | MS_RDONLY;
    k.mount_on(None, &mounted, None, flags, None)
}
