//! Propagation: whether a mount made at one place appears at another.
//!
//! shared: both ways; slave: only from the master; private: not at all. A
//! container's root must be private, or its mounts reach the host.
//! mount_namespaces(7), "Shared subtrees"

use std::path::Path;

use crate::error::Result;
use crate::kernel::{Kernel, MNT_DETACH, MS_BIND, MS_PRIVATE, MS_SHARED, MS_SLAVE, MsFlags, proc};

/// Sets the propagation of one mount.
pub fn set(k: &Kernel, target: &Path, kind: MsFlags) -> Result<()> {
    k.mount(None, target, None, kind, None)
}

/// Lab: one directory twice, `left` and `right`; a mount on one side travels or not.
pub fn demonstrate(k: &Kernel, left: &Path, right: &Path) -> Result<()> {
    k.step("Make a mount shared, then bind it: both become peers");
    tmpfs(k, left)?;
    k.mkdir(&left.join("here"), 0o755)?;
    set(k, left, MS_SHARED)?;
    k.mount(Some(left.as_os_str()), right, None, MS_BIND, None)?;
    show(k, left, right);

    k.step("shared: what is mounted on the left appears on the right");
    travels(k, left, right)?;
    k.step("shared: ... and what is mounted on the right, on the left");
    travels(k, right, left)?;

    k.step("slave: the right still hears the left");
    set(k, right, MS_SLAVE)?;
    show(k, left, right);
    travels(k, left, right)?;
    k.step("slave: ... but the left no longer hears the right");
    travels(k, right, left)?;

    k.step("private: neither hears the other; this is a container's choice");
    set(k, right, MS_PRIVATE)?;
    show(k, left, right);
    travels(k, left, right)
}

/// Mounts on one side, looks on the other, and takes the mount away again.
fn travels(k: &Kernel, from: &Path, to: &Path) -> Result<()> {
    tmpfs(k, &from.join("here"))?;
    let arrived = proc::mounts("self").unwrap_or_default().iter().any(|mount| mount.point == to.join("here"));
    k.show("arrived on the other side", || vec![if arrived { "yes" } else { "no" }.to_owned()]);
    k.umount2(&from.join("here"), MNT_DETACH)
}

fn tmpfs(k: &Kernel, target: &Path) -> Result<()> {
    k.mount(Some(std::ffi::OsStr::new("tmpfs")), target, Some("tmpfs"), MsFlags::empty(), None)
}

fn show(k: &Kernel, left: &Path, right: &Path) {
    let mounts = proc::mounts("self").unwrap_or_default();
    let at = |path: &Path| mounts.iter().rfind(|mount| mount.point == path).map(|mount| mount.propagation.clone());
    let named = |side: &str, path: &Path| {
        let kind = at(path).filter(|kind| !kind.is_empty()).unwrap_or_else(|| "private".to_owned());
        format!("{side:<6} {kind}")
    };
    k.show("propagation", || vec![named("left", left), named("right", right)]);
}
