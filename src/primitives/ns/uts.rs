//! UTS namespace: a hostname (and NIS domain name) of one's own.
//!
//! It changes only what uname(2) reports; no name server learns of it.
//! uts_namespaces(7), sethostname(2)

use crate::error::Result;
use crate::kernel::{CLONE_NEWUTS, Kernel, proc};

/// Child: leaves the host's name alone and takes one of its own.
pub fn isolate(k: &Kernel, hostname: &str) -> Result<()> {
    k.step("Stop sharing the host's name: take a private copy of it");
    k.unshare(CLONE_NEWUTS)?;

    k.part("sethostname", |k| rename(k, hostname))
}

/// Gives this UTS namespace its name.
pub fn rename(k: &Kernel, hostname: &str) -> Result<()> {
    k.step("Rename the copy; the host keeps its own name");
    k.sethostname(hostname)
}

/// Host: what the rest of the machine is called meanwhile.
pub fn outside(k: &Kernel, before: &str) {
    k.step("Look from outside: nothing has changed here");
    k.state("hostname", before, &proc::hostname());
}
