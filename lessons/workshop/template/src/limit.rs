//! Stage 6: no more than it was given. cgroups(7)
//!
//! A cgroup is a directory, a limit is a line written to a file in it, and to be in it is a PID written
//! to its cgroup.procs. v2 and v1 have other names for the files: `memory.max` and `memory.limit_in_bytes`.
#![allow(unused_variables, dead_code)] // Take this line away when you begin.

use std::path::{Path, PathBuf};

use super::Result;

/// As [`super::pid::run`], with so many bytes of memory and so many processes at most.
pub fn run(memory: u64, pids: u64, root: &Path, program: &[String]) -> Result<i32> {
    Err("src/limit.rs is not written yet".into())
}

/// Cgroups of this run's own, which go with it: one of v2, or one in each tree of v1.
#[derive(Default)]
pub struct Group(Vec<PathBuf>);

impl Group {
    /// Makes them, and sets their limits: beneath the directories that `CGROUP_MEMORY` and
    /// `CGROUP_PIDS` name in the environment, which may be one and the same.
    pub fn new(memory: u64, pids: u64) -> Result<Self> {
        Err("src/limit.rs is not written yet".into())
    }

    /// Moves the caller in, and so the children that it will have.
    pub fn join(&self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A cgroup stays, empty as it is, until its directory is removed.
    }
}
