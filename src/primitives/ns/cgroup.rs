//! Cgroup namespace: the own cgroup becomes the root of what one sees.
//!
//! It limits nothing; limits belong to the cgroup itself. cgroup_namespaces(7)

use std::path::Path;

use crate::error::Result;
use crate::kernel::{CLONE_NEWCGROUP, Kernel, proc};

/// Host: a cgroup for the child, so that there is a path worth hiding.
pub fn place(k: &Kernel, cgroup: &Path, pid: i32) -> Result<()> {
    k.step("Make a cgroup and put the child into it");
    k.mkdir(cgroup, 0o755)?;
    k.write_to(&cgroup.join("cgroup.procs"), &pid.to_string())
}

/// Child: from here on its present cgroups are called `/`.
pub fn hide(k: &Kernel) -> Result<()> {
    k.step("Make the own cgroup the root of all that can be seen");
    k.unshare(CLONE_NEWCGROUP)
}

/// Child: the same, shown.
pub fn isolate(k: &Kernel) -> Result<()> {
    list(k, "cgroups before", "self");
    hide(k)?;
    list(k, "cgroups after", "self");
    Ok(())
}

/// Host: the full path, as the rest of the machine sees it.
pub fn outside(k: &Kernel, pid: i32) {
    k.step("Look from outside: the child is where it was put");
    list(k, "cgroups of the child", &pid.to_string());
}

fn list(k: &Kernel, title: &str, pid: &str) {
    k.show(title, || proc::cgroups(pid).iter().map(ToString::to_string).collect());
}
