//! Stage 1: a child process. clone(2), execve(2), wait(2)
//!
//! All stages stand on this one: what makes a container happens in the child, between clone and
//! execve. nix has all the calls: `nix::sched::clone`, `nix::unistd::{fork, execvp}`, `nix::sys::wait::waitpid`.
#![allow(unused_variables, dead_code)] // Take this line away when you begin.

use std::convert::Infallible;

use nix::sched::CloneFlags;

use super::Result;

/// Runs a program in a child process: its exit status.
pub fn run(program: &[String]) -> Result<i32> {
    Err("src/child.rs is not written yet".into())
}

/// Makes a child, in the new namespaces that `flags` ask for, in which `inside` runs, and
/// waits for its end: its exit status; for signal n 128+n. If `inside` fails, the child says
/// so, and ends with 125.
pub fn in_child(flags: CloneFlags, inside: impl FnMut() -> Result<Infallible>) -> Result<i32> {
    Err("src/child.rs is not written yet".into())
}

/// Runs another program in place of this one. There is no way back from that: if it returns at
/// all, it has failed. 127 if there is no such program, 126 if it can't be run.
pub fn exec(program: &[String]) -> Result<Infallible> {
    Err("src/child.rs is not written yet".into())
}
