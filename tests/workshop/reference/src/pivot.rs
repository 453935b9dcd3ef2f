//! Stage 3: a root filesystem of its own. mount_namespaces(7), mount(2), pivot_root(2)

use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::CloneFlags;
use nix::unistd::{chdir, pivot_root};

use super::Result;
use super::child::{exec, in_child};

/// What mount(2) takes where it needs nothing.
pub const NOTHING: Option<&str> = None;

/// Runs a program that sees the files beneath `root`, and no others.
pub fn run(root: &Path, program: &[String]) -> Result<i32> {
    in_child(CloneFlags::CLONE_NEWNS, || {
        prepare(root)?;
        enter(root)?;
        exec(program)
    })
}

/// In a new mount namespace: makes `root` ready for [`enter`]. What is mounted beneath
/// it after that can be seen from here alone.
pub fn prepare(root: &Path) -> Result<()> {
    // Mounts would go on to the namespace that this one was copied from.
    mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING)?;
    // pivot_root wants a mount, which a plain directory is not.
    Ok(mount(Some(root), root, NOTHING, MsFlags::MS_BIND | MsFlags::MS_REC, NOTHING)?)
}

/// Makes `root` the root directory, and lets go of all that was there before.
pub fn enter(root: &Path) -> Result<()> {
    chdir(root)?;
    // The old root then lies over the new one, at the same place: no directory is needed.
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    Ok(chdir("/")?)
}
