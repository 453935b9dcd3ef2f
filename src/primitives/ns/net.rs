//! Network namespace: interfaces, addresses, routes, ports and firewall of one's own.
//!
//! It starts with nothing but a loopback, switched off. network_namespaces(7)

use crate::error::Result;
use crate::kernel::{CLONE_NEWNET, Kernel, interfaces};

/// Child: leaves the host's network.
pub fn isolate(k: &Kernel) -> Result<()> {
    k.step("Leave the host's network: no wire leads out of the new one");
    k.unshare(CLONE_NEWNET)?;
    list(k, "interfaces inside");
    Ok(())
}

/// The interfaces that the caller's namespace has.
pub fn list(k: &Kernel, title: &str) {
    k.show(title, || interfaces().iter().map(ToString::to_string).collect());
}

/// Host: its interfaces are as they were.
pub fn outside(k: &Kernel) {
    k.step("Look from outside: the host still has its own interfaces");
    list(k, "interfaces outside");
}
