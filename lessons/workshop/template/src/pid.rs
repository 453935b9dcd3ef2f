//! Stage 4: processes of its own, and a /proc that shows them. pid_namespaces(7), proc(5)
#![allow(unused_variables, dead_code)] // Take this line away when you begin.

use std::path::Path;

use nix::sched::CloneFlags;

use super::Result;

/// What is new for all that comes from here on.
pub const NEW: CloneFlags = CloneFlags::CLONE_NEWNS.union(CloneFlags::CLONE_NEWPID);

/// Runs a program as PID 1 of a PID namespace, with the files beneath `root`.
pub fn run(root: &Path, program: &[String]) -> Result<i32> {
    Err("src/pid.rs is not written yet".into())
}

/// In these new namespaces: files and processes of its own. It puts together what you have.
pub fn contain(root: &Path) -> Result<()> {
    Err("src/pid.rs is not written yet".into())
}

/// Mounts a /proc beneath `root` that shows the PID namespace of the caller.
///
/// In a user namespace, that is allowed only while the /proc of before can be seen: so
/// it comes before [`super::pivot::enter`].
pub fn mount_proc(root: &Path) -> Result<()> {
    Err("src/pid.rs is not written yet".into())
}
