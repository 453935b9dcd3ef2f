//! Stage 4: processes of its own, and a /proc that shows them. pid_namespaces(7), proc(5)

use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::CloneFlags;

use super::Result;
use super::child::{exec, in_child};
use super::pivot::{NOTHING, enter, prepare};

/// What is new for all that comes from here on.
pub const NEW: CloneFlags = CloneFlags::CLONE_NEWNS.union(CloneFlags::CLONE_NEWPID);

/// Runs a program as PID 1 of a PID namespace, with the files beneath `root`.
pub fn run(root: &Path, program: &[String]) -> Result<i32> {
    in_child(NEW, || {
        contain(root)?;
        exec(program)
    })
}

/// In these new namespaces: files and processes of its own.
pub fn contain(root: &Path) -> Result<()> {
    prepare(root)?;
    mount_proc(root)?;
    enter(root)
}

/// Mounts a /proc beneath `root` that shows the PID namespace of the caller.
///
/// In a user namespace, that is allowed only while the /proc of before can be seen: so
/// it comes before [`enter`].
pub fn mount_proc(root: &Path) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    Ok(mount(Some("proc"), &root.join("proc"), Some("proc"), flags, NOTHING)?)
}
