//! tmpfs: files in memory, with a limit, gone with the mount.
//!
//! What it holds may be swapped out, but it is never written to a disk's
//! filesystem. tmpfs(5)

use std::ffi::OsStr;
use std::path::Path;

use crate::error::Result;
use crate::kernel::{Kernel, MNT_DETACH, MS_NODEV, MS_NOSUID, MsFlags, proc};

/// Mounts a tmpfs; `options` as in tmpfs(5): `size=64m,mode=1777`.
pub fn mount(k: &Kernel, target: &Path, flags: MsFlags, options: &str) -> Result<()> {
    k.mount(Some(OsStr::new("tmpfs")), target, Some("tmpfs"), flags, Some(OsStr::new(options)))
}

/// Lab: a file goes in, the limit bites, everything is gone.
pub fn demonstrate(k: &Kernel, target: &Path, size: &str) -> Result<()> {
    k.step("Mount a filesystem that lives in memory, and limit it");
    mount(k, target, MS_NOSUID | MS_NODEV, &format!("size={size},mode=0755"))?;
    k.show("space there", || vec![proc::space(target)]);

    k.step("Fill it: the limit is where the kernel says so");
    let written = k.fill(&target.join("big"), &[b'x'; 64 * 1024], 1 << 30)?;
    k.show("written before it was full", || vec![format!("{} KiB", written / 1024)]);

    k.step("Take it away: the files were never anywhere else");
    k.umount2(target, MNT_DETACH)?;
    k.show("files there now", || proc::names(target));

    k.step("Mount it once more, for you to try");
    mount(k, target, MS_NOSUID | MS_NODEV, &format!("size={size},mode=0755"))
}
