//! proc: the kernel's view of processes, for the PID namespace that mounts it.
//!
//! It shows what there is; `mask` covers what a container should not see of it.
//! proc(5), pid_namespaces(7)

use std::ffi::OsStr;
use std::path::Path;

use crate::error::Result;
use crate::kernel::{Kernel, MS_NODEV, MS_NOEXEC, MS_NOSUID, proc};

/// Mounts a /proc of the caller's PID namespace.
pub fn mount(k: &Kernel, target: &Path) -> Result<()> {
    k.mount(Some(OsStr::new("proc")), target, Some("proc"), MS_NOSUID | MS_NODEV | MS_NOEXEC, None)
}

/// Lab, in PID 1 of a namespace: the host's /proc against a fresh one.
pub fn demonstrate(k: &Kernel, target: &Path) -> Result<()> {
    k.step("The /proc that stands here is still that of the host");
    k.show("processes in /proc", || vec![count(Path::new("/proc"))]);

    k.step("Mount another: it belongs to the PID namespace of its mounter");
    mount(k, target)?;
    k.show("processes in the new one", || vec![count(target)]);

    k.step("Mount one over /proc too: ps and top look nowhere else");
    mount(k, Path::new("/proc"))
}

fn count(proc: &Path) -> String {
    let numbers = proc::names(proc).iter().filter(|name| name.parse::<u32>().is_ok()).count();
    format!("{numbers} in {}", proc.display())
}
