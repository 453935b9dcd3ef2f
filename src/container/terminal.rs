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
use crate::kernel::{Kernel, O_NOCTTY, O_RDONLY, O_RDWR, RESOLVE_IN_ROOT, proc};
use crate::primitives::mount::{bind, target};

/// Child: makes the pty and shows it as /dev/console too.
pub fn open(k: &Kernel, spec: &Spec, root: &OwnedFd) -> Result<Option<OwnedFd>> {
    if !spec.terminal {
        return Ok(None);
    }
    k.step("Make a terminal inside; its other end goes to the host");
    let master = k.openat2(root.as_fd(), Path::new("dev/pts/ptmx"), O_RDWR | O_NOCTTY, 0, RESOLVE_IN_ROOT)?;
    k.unlock_pty(&master)?;
    let slave = k.open_pty_peer(&master)?;
    k.pass(&master)?;
    let console = target::file(k, root, Path::new("/dev/console"))?;
    bind::bind(k, &proc::fd_path(&slave), &proc::fd_path(&console), false)?;
    Ok(Some(slave))
}

/// Child: leaves the host's session; the terminal, or else the empty input,
/// becomes standard input, output and error.
pub fn take(k: &Kernel, slave: Option<OwnedFd>, interactive: bool, identity: &Identity) -> Result<()> {
    k.step("Leave the host's session: its terminal can't reach us any more");
    k.setsid()?;
    match slave {
        Some(slave) => {
            k.set_controlling_terminal(&slave)?;
            if identity.uid != 0 {
                k.fchown(&slave, identity.uid)?;
            }
            (0..3).try_for_each(|number| k.dup_onto(&slave, number))
        }
        None if interactive => Ok(()),
        None => k.dup_onto(&k.open(Path::new("/dev/null"), O_RDONLY, 0)?, 0),
    }
}
