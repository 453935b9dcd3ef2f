//! Read-only: of one mount, or of a whole tree of mounts.
//!
//! It is a property of the mount, not of the filesystem: the same files can be
//! written to by another name. mount(2), mount_setattr(2)

use std::path::Path;

use crate::error::Result;
use crate::kernel::errno::{ENOSYS, EROFS};
use crate::kernel::{Kernel, MOUNT_ATTR_RDONLY, MS_BIND, MS_RDONLY, MS_RELATIME, MS_REMOUNT, MsFlags, proc};

/// Makes the one mount at `target` read-only. A remount sets all flags anew, so
/// those that it has are repeated; a user namespace may drop none of them.
pub fn remount(k: &Kernel, target: &Path) -> Result<()> {
    let keep = proc::mount_flags(target).difference(MS_RELATIME);
    k.mount(None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | keep, None)
}

/// Makes the mount at `target` and all beneath it read-only in one step; where
/// the kernel is older than 5.12, one by one.
pub fn recursive(k: &Kernel, target: &Path) -> Result<()> {
    let tree = k.open_path(target)?;
    match k.mount_setattr(&tree, true, MOUNT_ATTR_RDONLY) {
        Err(error) if error.errno() == Some(ENOSYS) => one_by_one(k, target),
        other => other,
    }
}

/// The old twin: between two of these calls the tree is half writable.
fn one_by_one(k: &Kernel, target: &Path) -> Result<()> {
    let mounts = proc::mounts("self").unwrap_or_default();
    for mount in mounts.iter().filter(|mount| mount.point.starts_with(target)) {
        remount(k, &mount.point)?;
    }
    Ok(())
}

/// Lab: the flag that a bind mount ignores, the remount that it does not, and
/// the mount beneath that both forget.
pub fn demonstrate(k: &Kernel, source: &Path, target: &Path) -> Result<()> {
    k.step("Bind with MS_RDONLY in the same call: the flag is ignored");
    k.mount(Some(source.as_os_str()), target, None, MS_BIND | MS_RDONLY, None)?;
    k.put(&target.join("file"), "still writable\n")?;

    k.step("Only a remount changes a bind mount's flags");
    remount(k, target)?;
    refused(k, &target.join("file"))?;

    whole_tree(k, target)?;

    k.step("The same files by their first name: not read-only");
    k.put(&source.join("file"), "written by the other name\n")
}

/// Lab: what makes the mounts beneath read-only too, by both twins.
fn whole_tree(k: &Kernel, target: &Path) -> Result<()> {
    let beneath = target.join("beneath");
    k.step("Another mount beneath keeps its own flags: still writable");
    k.mount(Some("tmpfs".as_ref()), &beneath, Some("tmpfs"), MsFlags::empty(), None)?;
    k.put(&beneath.join("file"), "writable\n")?;

    k.step("The old way: a remount for each mount, half done in between");
    one_by_one(k, target)?;
    refused(k, &beneath.join("file"))?;

    k.step("The new way: mount_setattr does the whole tree at once");
    k.mount(Some("tmpfs".as_ref()), &beneath, Some("tmpfs"), MsFlags::empty(), None)?;
    recursive(k, target)?;
    refused(k, &beneath.join("file"))
}

/// A write that must fail; it is an error if it succeeds.
fn refused(k: &Kernel, file: &Path) -> Result<()> {
    k.refused(k.put(file, "refused?\n"), EROFS, "a read-only file could be written to")
}
