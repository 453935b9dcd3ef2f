//! Stage 2: a hostname of its own. uts_namespaces(7), sethostname(2)

use nix::sched::CloneFlags;
use nix::unistd::sethostname;

use super::Result;
use super::child::{exec, in_child};

/// Runs a program that sees `name` as the name of its host.
pub fn run(name: &str, program: &[String]) -> Result<i32> {
    in_child(CloneFlags::CLONE_NEWUTS, || {
        sethostname(name)?;
        exec(program)
    })
}
