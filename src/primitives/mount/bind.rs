//! Bind mount: a directory or file under a second name.
//!
//! Nothing is copied; it is the same file, whichever name one comes by.
//! mount(2), "Creating a bind mount"

use std::path::Path;

use crate::error::Result;
use crate::kernel::{Kernel, MS_BIND, MS_REC, proc};

/// Shows `source` at `target`; `recursive` brings the mounts beneath it along.
pub fn bind(k: &Kernel, source: &Path, target: &Path, recursive: bool) -> Result<()> {
    let flags = if recursive { MS_BIND | MS_REC } else { MS_BIND };
    k.mount(Some(source.as_os_str()), target, None, flags, None)
}

/// Lab: a file written by one name is read by the other.
pub fn demonstrate(k: &Kernel, source: &Path, target: &Path) -> Result<()> {
    k.step("Show one directory under a second name: nothing is copied");
    bind(k, source, target, false)?;
    k.show("mounts there", || proc::mounts_at(target));

    k.step("What is written by the new name ...");
    k.put(&target.join("note"), "written at the target\n")?;

    k.step("... can be read by the old one: it is the same file");
    let text = k.read_to_string(&source.join("note"))?;
    k.show("the source's file", || text.lines().map(str::to_owned).collect());
    k.show("inode by either name", || vec![proc::inode(&source.join("note")), proc::inode(&target.join("note"))]);
    Ok(())
}

/// Host: the source has the file, the target is an empty directory.
pub fn outside(k: &Kernel, source: &Path, target: &Path) {
    k.step("Look from outside: the file is real, the second name is not");
    k.show("files in the source", || proc::names(source));
    k.show("files in the target", || proc::names(target));
}
