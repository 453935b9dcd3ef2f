//! Who root in a container is outside: root, unless a user namespace maps it.
//!
//! How the namespace and its maps are made is another lesson (`ns user`).
//! user_namespaces(7), credentials(7)

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use crate::error::Result;
use crate::kernel::errno::EACCES;
use crate::kernel::{
    CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUTS, CloneFlags, Kernel, O_CREAT, O_DIRECTORY, O_PATH, O_RDONLY,
    O_WRONLY, RESOLVE_BENEATH, maps, proc,
};

/// Host: a directory in which everybody may make files, and a file in it that only
/// the user of this process may read.
pub fn prepare(k: &Kernel, directory: &Path) -> Result<OwnedFd> {
    k.step("Keep a secret on the host, for its owner's eyes only");
    let opened = k.open(directory, O_PATH | O_DIRECTORY, 0)?;
    let secret = k.openat2(opened.as_fd(), Path::new("secret"), O_WRONLY | O_CREAT, 0o600, RESOLVE_BENEATH)?;
    drop(secret);
    Ok(opened)
}

/// Child: what every container has, but for the one namespace that this is about.
pub fn contain(k: &Kernel) -> Result<()> {
    k.step("Take the namespaces of a container; none of these is about users");
    k.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET)
}

/// Child: does what root would; `reads` says whether the secret is its to read.
pub fn act(k: &Kernel, directory: &OwnedFd, name: &str, reads: bool) -> Result<()> {
    k.step("Leave a file behind, and try to read the host's secret");
    k.show("user ids of this process, seen from inside", ids);
    k.openat2(directory.as_fd(), Path::new(name), O_WRONLY | O_CREAT, 0o644, RESOLVE_BENEATH)?;
    let secret = k.openat2(directory.as_fd(), Path::new("secret"), O_RDONLY, 0, RESOLVE_BENEATH);
    if reads { secret.map(drop) } else { k.refused(secret, EACCES, "the host's secret could be read") }
}

/// Child: the same as one of the users whom only this namespace has.
pub fn act_as(k: &Kernel, user: u32, directory: &OwnedFd, name: &str) -> Result<()> {
    k.step("Root in here is you; the other users are nobody's outside: be one");
    k.clone3("user", CloneFlags::empty(), |k| {
        if !maps::groups_fixed() {
            k.setgroups(&[])?;
        }
        k.setresgid(user)?;
        k.setresuid(user)?;
        act(k, directory, name, false)
    })?;
    k.wait_for_any().map(drop)
}

/// Host: who that process and its files are out here.
pub fn outside(k: &Kernel, pid: i32, directory: &Path) {
    k.step("Look from outside: who is that, and whose are the files");
    let uid = || proc::status(&pid.to_string(), "Uid").unwrap_or_default();
    k.show("user ids of that process, seen from here", || vec![uid()]);
    let owner = |name: &String| format!("{name:<16} {}", proc::owner(&directory.join(name)));
    k.show("owners of the files", || proc::names(directory).iter().map(owner).collect());
}

fn ids() -> Vec<String> {
    vec![proc::status("self", "Uid").unwrap_or_default()]
}
