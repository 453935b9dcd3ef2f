//! seccomp: which system calls the kernel will take from this process.
//!
//! It sees numbers and registers, never what a pointer leads to: no paths, no
//! names. Every program that is started from here on inherits it. seccomp(2)

use crate::error::Result;
use crate::kernel::{Kernel, proc};
use crate::seccomp::Filter;

/// Puts the filter on this process and all that it will start.
pub fn load(k: &Kernel, filter: &Filter) -> Result<()> {
    k.step("Put the filter on, for good: the kernel takes no filter off");
    let before = mode();
    k.seccomp(&filter.instructions, filter.flags)?;
    k.state("Seccomp in /proc/self/status", &before, &mode());
    Ok(())
}

/// 0 is off, 2 a filter. proc_pid_status(5)
fn mode() -> String {
    proc::status("self", "Seccomp").unwrap_or_default()
}
