//! The container's terminal: made inside, held outside.
//!
//! The child's half makes a pty in the container's own devpts, passes one end to
//! the parent and keeps the other as its controlling terminal. The parent's half
//! is `attach`. pty(7), credentials(7)

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use super::identity::Identity;
use super::spec::Spec;
use crate::error::Result;
use crate::kernel::{Kernel, O_NOCTTY, O_RDONLY, O_RDWR, RESOLVE_IN_ROOT, device_behind, device_node, proc};
use crate::primitives::mount::{bind, target};

/// Child: what standard input will lead to: a terminal of the container's own, or
/// else (without -i) nothing to read.
pub fn open(k: &Kernel, spec: &Spec, root: &OwnedFd) -> Result<Option<OwnedFd>> {
    match (spec.terminal, spec.interactive) {
        (true, _) => make(k, root).map(Some),
        (false, true) => Ok(None),
        (false, false) => k.open(Path::new("/dev/null"), O_RDONLY, 0).map(Some),
    }
}

/// Makes the pty and shows it as /dev/console too.
fn make(k: &Kernel, root: &OwnedFd) -> Result<OwnedFd> {
    k.step("Make a terminal inside; its other end goes to the host");
    let master = k.openat2(root.as_fd(), Path::new("dev/pts/ptmx"), O_RDWR | O_NOCTTY, 0, RESOLVE_IN_ROOT)?;
    k.unlock_pty(&master)?;
    let slave = k.open_pty_peer(&master)?;
    k.pass(&master)?;
    let console = target::file(k, root, Path::new("/dev/console"))?;
    bind::bind(k, &proc::fd_path(&slave), &proc::fd_path(&console), false)?;
    Ok(slave)
}

/// Child: leaves the host's session; the terminal becomes standard input, output
/// and error, or `input` the first of them.
pub fn take(k: &Kernel, spec: &Spec, input: Option<OwnedFd>, identity: &Identity) -> Result<()> {
    k.step("Leave the host's session: its terminal can't reach us any more");
    k.setsid()?;
    let Some(input) = input else { return own_null(k) };
    if !spec.terminal {
        k.dup_onto(&input, 0)?;
        return own_null(k);
    }
    k.set_controlling_terminal(&input)?;
    if identity.uid != 0 {
        k.fchown(&input, identity.uid)?;
    }
    (0..3).try_for_each(|number| k.dup_onto(&input, number))
}

/// Whatever leads to the host's /dev/null leads to the container's own from here
/// on: no descriptor is to lead outside.
fn own_null(k: &Kernel) -> Result<()> {
    let null = Path::new("/dev/null");
    if device_node(null).is_none_or(|node| !node.is_null()) {
        return Ok(());
    }
    for number in (0..3).filter(|number| device_behind(*number).is_some_and(|node| node.is_null())) {
        k.dup_onto(&k.open(null, O_RDWR, 0)?, number)?;
    }
    Ok(())
}
