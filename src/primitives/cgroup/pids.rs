//! How many processes and threads a group may have: what stops a fork bomb.
//!
//! admin-guide/cgroup-v2 "PID"

use crate::error::Result;
use crate::kernel::Kernel;
use crate::kernel::cgroup::Group;

/// Sets the limit of a group; at it, fork(2) fails with EAGAIN. The file has the
/// same name in v1 and v2.
pub fn limit(k: &Kernel, group: &Group, most: u64) -> Result<()> {
    let place = group.controller(&["pids"])?;
    k.step("Limit the number of processes: one more is refused, none is ended");
    k.set(&place.path.join("pids.max"), &most.to_string())
}
