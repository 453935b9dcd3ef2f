//! How many processes and threads a group may have: what stops a fork bomb.
//!
//! admin-guide/cgroup-v2 "PID"

use crate::error::Result;
use crate::kernel::cgroup::Group;
use crate::kernel::errno::EAGAIN;
use crate::kernel::gauge::Gauge;
use crate::kernel::load::Release;
use crate::kernel::{CloneFlags, Kernel};

const CURRENT: Gauge = Gauge::new("pids.current", "pids.current");

/// What the kernel counts. The files have the same names in v1 and v2.
pub const COUNTERS: [Gauge; 3] = [
    Gauge::new("pids.max", "pids.max"),
    Gauge::new("pids.peak", "pids.peak"),
    Gauge::new("pids.events max", "pids.events max"),
];

/// Sets the limit of a group; at it, fork(2) fails with EAGAIN. The file has the
/// same name in v1 and v2.
pub fn limit(k: &Kernel, group: &Group, most: u64) -> Result<()> {
    let place = group.controller(&["pids"])?;
    k.step("Limit the number of processes: one more is refused, none is ended");
    k.set(&place.path.join("pids.max"), &most.to_string())
}

/// Child: starts children that only wait, until one is refused. It counts itself,
/// so with a limit of `most` it gets one child less.
pub fn exhaust(k: &Kernel, group: &Group, most: u64) -> Result<()> {
    let place = group.controller(&["pids"])?;
    k.step("Start children that only wait, until the kernel refuses one");
    let mut release = Some(Release::new()?);
    let mut children = Vec::new();
    for _ in 0..if k.plans() { 1 } else { most } {
        match k.clone3_untied("waiter", CloneFlags::empty(), |_| release.take().map_or(Ok(()), Release::wait)) {
            Ok(child) => children.push(child),
            Err(error) if error.errno() == Some(EAGAIN) => break,
            Err(error) => return Err(error),
        }
        k.sample(CURRENT.name(place.version), CURRENT.number(place), most, "");
    }
    k.show("children that were started", || vec![format!("{}, beside the process that started them", children.len())]);

    k.step("Let them go again: the limit has done them no harm");
    drop(release);
    children.iter().try_for_each(|child| k.wait(child).map(drop))
}
