//! Stage 5: root inside, nobody special outside. user_namespaces(7)
#![allow(unused_variables, dead_code)] // Take this line away when you begin.

use std::path::Path;

use super::Result;

/// Runs a program as root of a user namespace, which is the caller outside; else as
/// [`super::pid::run`] does.
pub fn run(root: &Path, program: &[String]) -> Result<i32> {
    Err("src/user.rs is not written yet".into())
}

/// In a new user namespace: maps its root to the user and the group outside. These have to be
/// asked for before: inside, nobody knows them any more.
pub fn become_root(uid: u32, gid: u32) -> Result<()> {
    Err("src/user.rs is not written yet".into())
}
