//! Stage 5: root inside, nobody special outside. user_namespaces(7)

use std::fs;
use std::path::Path;

use nix::sched::CloneFlags;
use nix::unistd::{getgid, getuid};

use super::Result;
use super::child::{exec, in_child};
use super::pid::{NEW, contain};

/// Runs a program as root of a user namespace, which is the caller outside; else as
/// [`super::pid::run`] does.
pub fn run(root: &Path, program: &[String]) -> Result<i32> {
    // Inside they can't be asked for any more.
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    in_child(NEW | CloneFlags::CLONE_NEWUSER, || {
        become_root(uid, gid)?;
        contain(root)?;
        exec(program)
    })
}

/// In a new user namespace: maps its root to the user and the group outside.
pub fn become_root(uid: u32, gid: u32) -> Result<()> {
    // Who could leave a group could get at files that are closed to the group.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    Ok(fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?)
}
