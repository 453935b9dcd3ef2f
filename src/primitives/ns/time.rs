//! Time namespace: a boot time and a monotonic clock of one's own.
//!
//! The wall clock stays the machine's. time_namespaces(7)

use std::path::Path;

use crate::error::Result;
use crate::kernel::{CLONE_NEWTIME, Kernel, time};

/// Caller: asks for the namespace and sets its offsets, which freeze with the
/// first process in it.
pub fn isolate(k: &Kernel, days: i64) -> Result<()> {
    k.step("Ask for a new time namespace; children will be in it");
    k.unshare(CLONE_NEWTIME)?;

    k.step("Shift its clocks while no process lives by them yet");
    let seconds = days * 86_400;
    let offsets = format!("monotonic {seconds} 0\nboottime {seconds} 0\n");
    k.write_to(Path::new("/proc/self/timens_offsets"), &offsets)
}

/// Child: the machine seems to have started long ago.
pub fn inside(k: &Kernel) {
    k.step("This child lives by the shifted clocks");
    k.show("time since boot, inside", || vec![uptime()]);
}

/// Host: its clocks go on as they were.
pub fn outside(k: &Kernel) {
    k.step("Look from outside: the host's uptime is what it was");
    k.show("time since boot, outside", || vec![uptime()]);
}

fn uptime() -> String {
    let seconds = time::boottime();
    format!("{} days, {} hours, {} minutes", seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60)
}
