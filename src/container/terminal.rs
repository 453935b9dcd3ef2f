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
use crate::kernel::{Kernel, O_NOCTTY, O_RDWR, RESOLVE_IN_ROOT, default_signals, device_behind, device_node, proc};
use crate::primitives::mount::{bind, target};

/// Child: makes the pty, if one is wanted, and shows it as /dev/console too.
pub fn make(k: &Kernel, spec: &Spec, root: &OwnedFd) -> Result<Option<OwnedFd>> {
    if spec.terminal { pty(k, root).map(Some) } else { Ok(None) }
}

fn pty(k: &Kernel, root: &OwnedFd) -> Result<OwnedFd> {
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
/// and error. Without one, and without -i, there is nothing to read.
pub fn take(k: &Kernel, spec: &Spec, terminal: Option<OwnedFd>, identity: &Identity) -> Result<()> {
    k.step("Leave the host's session: its terminal can't reach us any more");
    k.setsid()?;
    default_signals();
    let Some(terminal) = terminal else { return standard_streams(k, spec) };
    k.set_controlling_terminal(&terminal)?;
    if identity.uid != 0 {
        k.fchown(&terminal, identity.uid)?;
    }
    (0..3).try_for_each(|number| k.dup_onto(&terminal, number))
}

/// What would lead to the host's /dev/null leads to the container's own: no
/// descriptor is to lead outside. With its /dev left out there is none.
fn standard_streams(k: &Kernel, spec: &Spec) -> Result<()> {
    let own = Path::new("/dev/null");
    if !k.plans() && device_node(own).is_none_or(|node| !node.is_null()) {
        return if spec.interactive { Ok(()) } else { k.dup_onto(&k.ended_pipe()?, 0) };
    }
    let is_null = |number| device_behind(number).is_some_and(|node| node.is_null());
    for number in (0..3).filter(|number| is_null(*number) || (*number == 0 && !spec.interactive)) {
        k.dup_onto(&k.open(own, O_RDWR, 0)?, number)?;
    }
    Ok(())
}
