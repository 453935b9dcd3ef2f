//! Which processors a group runs on, and which memory nodes it takes pages from.
//!
//! cpuset(7), admin-guide/cgroup-v2 "Cpuset"

use std::time::Duration;

use crate::error::Result;
use crate::kernel::cgroup::Group;
use crate::kernel::gauge::Gauge;
use crate::kernel::{Kernel, load, proc};

/// What was chosen, and what comes of it within the cgroups above.
pub const LISTS: [Gauge; 2] =
    [Gauge::new("cpuset.cpus", "cpuset.cpus"), Gauge::new("cpuset.effective_cpus", "cpuset.cpus.effective")];

/// The gate between the two rounds of [`wander`], at which the list is set.
pub const ROUND: &str = "threads have run";

/// What is chosen, in the kernel's list format: `0-2,4`. cpuset(7), "List format"
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cpuset {
    /// `--cpuset-cpus`
    pub cpus: Option<String>,
    /// `--cpuset-mems`
    pub mems: Option<String>,
}

/// Chooses for a group. The files have the same names in v1 and v2.
pub fn limit(k: &Kernel, group: &Group, wanted: &Cpuset) -> Result<()> {
    let place = group.controller(&["cpuset"])?;
    for (file, list) in [("cpuset.cpus", &wanted.cpus), ("cpuset.mems", &wanted.mems)] {
        if let Some(list) = list {
            k.step("Choose the processors or memory nodes that it may use");
            k.set(&place.path.join(file), list)?;
        }
    }
    Ok(())
}

/// Child: a thread for each processor, before the list is set and after. Threads
/// that run are moved: nobody has to be started anew.
pub fn wander(k: &Kernel) -> Result<()> {
    let allowed = || proc::status("self", "Cpus_allowed_list").unwrap_or_default();
    let before = allowed();
    let threads = load::processors().len();
    k.step("Start a thread for each processor, and note where each runs");
    run(k, threads, "processors of each thread, before")?;
    k.gate(ROUND)?;

    k.step("The same again, with the list set");
    run(k, threads, "processors of each thread, now")?;
    k.state("Cpus_allowed_list in /proc/self/status", &before, &allowed());
    Ok(())
}

fn run(k: &Kernel, threads: usize, title: &str) -> Result<()> {
    if k.plans() {
        return Ok(());
    }
    let seen = load::wander(threads, Duration::from_millis(150))?;
    let list =
        |thread: &std::collections::BTreeSet<i32>| thread.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    k.show(title, || seen.iter().map(list).collect());
    Ok(())
}
