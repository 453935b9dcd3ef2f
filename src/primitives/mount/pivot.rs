//! pivot_root: another root for the whole mount namespace; chroot: another `/`
//! for one process, which root leaves at will.
//!
//! Where the files of the new root come from is another lesson (`overlay`).
//! pivot_root(2), chroot(2)

use std::path::Path;

use crate::error::{Context, Result};
use crate::kernel::{Kernel, MNT_DETACH, MS_BIND, MS_REC, O_DIRECTORY, O_PATH, proc};

/// Child: makes `root`, a mount point, the only filesystem in sight.
pub fn enter(k: &Kernel, root: &Path) -> Result<()> {
    let cannot = || format!("cannot pivot into {}", root.display());
    k.step("Swap: the new root becomes /, the old / is stacked upon it");
    k.chdir(root).doing(cannot)?;
    k.pivot_root(".", ".").doing(cannot)?;

    k.step("Peel the old / off: the host's files no longer have a name here");
    k.umount2(Path::new("."), MNT_DETACH)?;
    k.chdir(Path::new("/"))
}

/// pivot_root takes only a mount point: a directory becomes one by a bind mount
/// onto itself.
pub fn prepare(k: &Kernel, root: &Path) -> Result<()> {
    k.step("A new root must be a mount point: bind the directory onto itself");
    k.mount(Some(root.as_os_str()), root, None, MS_BIND | MS_REC, None)
}

/// Lab, first child: the classic way out of a chroot.
pub fn escape_from_chroot(k: &Kernel, root: &Path) -> Result<()> {
    k.step("chroot: from now on / means this directory, for this process");
    k.chdir(root)?;
    k.chroot(Path::new("."))?;
    k.show("files in /", || proc::listing(Path::new("/")));
    climb(k)?;
    k.show("files in /, after the climb", || proc::listing(Path::new("/")));
    Ok(())
}

/// Lab, second child: the same way leads nowhere after pivot_root.
pub fn try_to_escape_from_pivot(k: &Kernel, root: &Path) -> Result<()> {
    prepare(k, root)?;
    enter(k, root)?;
    k.show("files in /", || proc::listing(Path::new("/")));
    climb(k)?;
    k.show("files in /, after the climb", || proc::listing(Path::new("/")));
    Ok(())
}

/// A second chroot moves / beneath the working directory, which then stands
/// outside of it; `..` stops only at / or at the top of the mount namespace.
fn climb(k: &Kernel) -> Result<()> {
    k.step("The trick: chroot deeper, while the working directory stays here");
    let above = k.open(Path::new("/"), O_PATH | O_DIRECTORY, 0)?;
    k.chroot(&proc::first_directory(Path::new("/")))?;
    k.fchdir(&above)?;

    k.step("Climb: .. is stopped by / alone, and / is below us now");
    for _ in 0..12 {
        k.chdir(Path::new(".."))?;
    }
    k.chroot(Path::new("."))
}
