//! Mount namespace: a mount table of one's own.
//!
//! The files are still the host's; only which of them have a name here changes.
//! mount_namespaces(7), mount(2)

use std::ffi::OsStr;
use std::path::Path;

use crate::error::Result;
use crate::kernel::{CLONE_NEWNS, Kernel, MS_PRIVATE, MS_REC, MsFlags, proc};

/// Child: takes a copy of the mount table, and cuts the wires to the original.
pub fn isolate(k: &Kernel) -> Result<()> {
    k.step("Take a private copy of the mount table");
    k.unshare(CLONE_NEWNS)?;

    k.step("Cut the copy off, or shared mounts would still travel both ways");
    private(k)
}

/// Makes every mount private: events reach neither peers nor masters.
pub fn private(k: &Kernel) -> Result<()> {
    k.mount(None, Path::new("/"), None, MS_REC | MS_PRIVATE, None)
}

/// Child: mounts something that the host will not see.
pub fn demonstrate(k: &Kernel, directory: &Path) -> Result<()> {
    k.step("Mount a filesystem in memory and leave a file in it");
    k.mount(Some(OsStr::new("boxlab")), directory, Some("tmpfs"), MsFlags::empty(), Some(OsStr::new("size=1m")))?;
    k.put(&directory.join("only-inside"), "hello from the box\n")?;
    here(k, "mounted there, inside", directory)
}

/// Host: the directory is empty and no mount is known.
pub fn outside(k: &Kernel, directory: &Path) -> Result<()> {
    k.step("Look from outside: the same directory, without the mount");
    here(k, "mounted there, outside", directory)
}

fn here(k: &Kernel, title: &str, directory: &Path) -> Result<()> {
    let mounts = proc::mounts("self").unwrap_or_default();
    let there = mounts.iter().filter(|mount| mount.point == directory);
    let mut lines: Vec<String> = there.map(|mount| format!("{} on {}", mount.kind, mount.point.display())).collect();
    if lines.is_empty() {
        lines.push("nothing".to_owned());
    }
    k.show(title, || lines);
    k.show("files in it", || proc::names(directory));
    Ok(())
}
