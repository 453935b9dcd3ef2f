//! Joins the namespaces of a process, as `nsenter` and `docker exec` do.
//!
//! It makes nothing new. setns(2), pidfd_open(2)

use std::path::Path;

use crate::error::Result;
use crate::kernel::{CLONE_NEWNS, CLONE_NEWUSER, CloneFlags, Kernel};

/// Child: moves into namespaces of another process, all in one step, so that a
/// new user namespace's capabilities already count for the rest.
pub fn join(k: &Kernel, pid: i32, flags: CloneFlags) -> Result<()> {
    k.step("Get a handle on the process: a number could be reused, this can't");
    let process = k.pidfd_open(pid)?;

    k.step("Step into its namespaces; children will be in its PID namespace");
    k.setns(&process, flags)?;

    if flags.contains(CLONE_NEWUSER) {
        k.step("Be root of the user namespace, whoever this was outside");
        k.setresgid(0)?;
        k.setresuid(0)?;
        k.die_with_parent()?;
    }
    if flags.contains(CLONE_NEWNS) {
        k.step("The root is now that of the other mount table: start there");
        k.chdir(Path::new("/"))?;
    }
    Ok(())
}
