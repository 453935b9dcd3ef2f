//! Idmapped mounts: the same files with their owners shifted, in one mount.
//!
//! An image's files belong to root and its like; in a user namespace those are
//! others outside. The mount translates, and no file is changed.
//! mount_setattr(2), "ID-mapped mounts"; user_namespaces(7)

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::error::{Context, Result};
use crate::kernel::errno::{EINVAL, ENOSYS};
use crate::kernel::{Kernel, MS_PRIVATE, O_DIRECTORY, O_PATH};

/// The gate at which the lender of a map waits.
pub const LENT: &str = "map lent";

/// Parent: a copy of each mount that translates as this user namespace does.
pub fn shifted(k: &Kernel, sources: &[PathBuf], user_namespace: &OwnedFd) -> Result<Vec<OwnedFd>> {
    k.step("Copy the mounts with owners shifted by that map; no file is changed");
    let shift = |source: &PathBuf| {
        let tree = k.open_tree(source, false)?;
        let shifted = k.mount_idmapped(&tree, user_namespace);
        shifted.hint(|error| matches!(error.errno(), Some(EINVAL | ENOSYS)).then(|| TOO_OLD.to_owned()))?;
        Ok(tree)
    };
    sources.iter().map(shift).collect()
}

const TOO_OLD: &str = "Owners are shifted by Linux 5.12 and later, below an overlay by 5.19 and later, on
filesystems that know how (ext4, xfs, btrfs). Leave out --userns private here.";

/// Child: hangs them where the overlay, or the root, is made from them.
pub fn place(k: &Kernel, trees: &[OwnedFd], targets: &[&Path]) -> Result<()> {
    k.step("Place the shifted mounts in this mount namespace");
    trees.iter().zip(targets).try_for_each(|(tree, target)| {
        let directory = k.open(target, O_PATH | O_DIRECTORY, 0)?;
        k.move_mount(tree, &directory)?;
        // It was copied from the host's, which may be shared: nothing is to travel out.
        k.mount(None, target, None, MS_PRIVATE, None)
    })
}
