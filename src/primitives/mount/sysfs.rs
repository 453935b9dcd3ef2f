//! sysfs: the kernel's view of devices, for the network namespace that mounts it.
//!
//! Read-only in a container: it configures the machine, not the process. sysfs(5)

use std::ffi::OsStr;
use std::path::Path;

use crate::error::Result;
use crate::kernel::{Kernel, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY};

/// Mounts a /sys of the caller's network namespace.
pub fn mount(k: &Kernel, target: &Path, read_only: bool) -> Result<()> {
    let flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    let flags = if read_only { flags | MS_RDONLY } else { flags };
    k.mount(Some(OsStr::new("sysfs")), target, Some("sysfs"), flags, None)
}
