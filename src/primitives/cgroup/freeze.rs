//! Standing still: all processes of a group at once, wherever they are, and on again.
//!
//! Unlike SIGSTOP, nobody in the group or outside can notice or undo it by a signal.
//! admin-guide/cgroup-v1/freezer-subsystem, admin-guide/cgroup-v2 "cgroup.freeze"

use std::time::Duration;

use crate::error::Result;
use crate::kernel::cgroup::{Group, Place, Version};
use crate::kernel::gauge::Gauge;
use crate::kernel::load::Counter;
use crate::kernel::{Kernel, proc};

/// What tells whether all stand still.
const STATE: Gauge = Gauge::new("freezer.state", "cgroup.events frozen");

/// The gate of a child that is about to count.
pub const READY: &str = "about to count";

/// Child: counts in memory that the host sees too, until the host says stop.
pub fn count(k: &Kernel, counter: &Counter) -> Result<()> {
    k.step("Count, a thousand times a second, in memory shared with the host");
    k.gate(READY)?;
    if !k.plans() {
        counter.count(Duration::from_millis(1));
    }
    Ok(())
}

/// Host: reads the counter, lets time pass, and reads it again.
pub fn watch(k: &Kernel, counter: &Counter, how: &str) -> Result<()> {
    let before = counter.value();
    let mut last = before;
    for _ in 0..5 {
        k.let_pass(Duration::from_millis(50))?;
        let now = counter.value();
        k.sample("counted in 50 ms", now - last, 50, "");
        last = now;
    }
    k.state(&format!("counter, {how}"), &before.to_string(), &last.to_string());
    Ok(())
}

/// Host: stops all processes of the group. That takes a moment: each is caught on
/// its way back from the kernel.
pub fn freeze(k: &Kernel, group: &Group, pid: i32) -> Result<()> {
    k.step("Freeze the group, and wait until the kernel says that all stand still");
    let place = place(group)?;
    match place.version {
        Version::V1 => set(k, place, "freezer.state", "FROZEN", "FROZEN")?,
        Version::V2 => set(k, place, "cgroup.freeze", "1", "frozen 1")?,
    }
    let state = || proc::status(&pid.to_string(), "State").unwrap_or_default();
    k.show("the process, as /proc/PID/status has it", || vec![state()]);
    Ok(())
}

/// Host: lets them go on where they were.
pub fn thaw(k: &Kernel, group: &Group) -> Result<()> {
    k.step("Thaw it: each goes on in the middle of what it did");
    let place = place(group)?;
    match place.version {
        Version::V1 => set(k, place, "freezer.state", "THAWED", "THAWED"),
        Version::V2 => set(k, place, "cgroup.freeze", "0", "frozen 0"),
    }
}

/// v1 says FREEZING first, and looks again each time that it is read.
fn set(k: &Kernel, place: &Place, file: &str, value: &str, done: &str) -> Result<()> {
    let before = k.gauges(place, &[STATE]);
    k.set(&place.path.join(file), value)?;
    k.until_reads(&place.path.join(if place.version == Version::V1 { file } else { "cgroup.events" }), done)?;
    k.tell_gauges(place, &[STATE], &before);
    Ok(())
}

/// v1 has a controller for it, v2 a file in every cgroup.
fn place(group: &Group) -> Result<&Place> {
    group.v2().map_or_else(|| group.controller(&["freezer"]), Ok)
}
