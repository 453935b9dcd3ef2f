//! Which processors a group runs on, and which memory nodes it takes pages from.
//!
//! cpuset(7), admin-guide/cgroup-v2 "Cpuset"

use crate::error::Result;
use crate::kernel::Kernel;
use crate::kernel::cgroup::Group;

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
