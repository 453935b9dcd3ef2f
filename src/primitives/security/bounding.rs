//! The bounding set, by its effect: what root lays down, and what execve gives back.
//!
//! How capabilities are laid down is another file (`caps`). capabilities(7), execve(2)

use crate::error::Result;
use crate::kernel::capability::{CAP_NET_BIND_SERVICE, CAP_SYS_ADMIN};
use crate::kernel::errno::{EACCES, EPERM};
use crate::kernel::{CLONE_NEWNET, CLONE_NEWUTS, CapSet, CapSets, Kernel, Program, proc};

/// Lab: what this process holds, by name.
pub fn look(k: &Kernel, title: &str) {
    k.show(title, || CapSets::own().described());
}

/// Lab: a hostname and a network in which nothing that is tried does harm.
pub fn prepare(k: &Kernel) -> Result<()> {
    k.step("Take a hostname and a network of one's own, to try things out on");
    k.unshare(CLONE_NEWUTS | CLONE_NEWNET)
}

/// Lab: two things that root may do for one capability each, and without it not.
pub fn try_out(k: &Kernel) -> Result<()> {
    let held = CapSets::held().effective;
    k.step("CAP_SYS_ADMIN allows a new hostname, if it is held");
    let renamed = k.sethostname("box");
    let wanted = held.contains(CAP_SYS_ADMIN);
    if wanted { renamed } else { k.refused(renamed, EPERM, "the hostname could be set without CAP_SYS_ADMIN") }?;

    k.step("CAP_NET_BIND_SERVICE allows a port below 1024, if it is held");
    let socket = k.tcp_socket()?;
    let bound = k.bind_port(&socket, 80);
    let wanted = held.contains(CAP_NET_BIND_SERVICE);
    if wanted { bound } else { k.refused(bound, EACCES, "port 80 could be had without CAP_NET_BIND_SERVICE") }
}

/// Lab: what root only lays down comes back with the next program.
pub fn lay_down_in_vain(k: &Kernel, keep: CapSet, status: &Program) -> Result<()> {
    k.step("Lay most of them down and exec as root: they are all there again");
    let (_, text) = k.output_of("program", |k| {
        let held = if k.plans() { keep } else { CapSets::held().permitted.intersection(keep) };
        k.capset(held, held, CapSet::EMPTY)?;
        k.execve(status)
    })?;
    k.show("capabilities of that program", || proc::capabilities_in(&text).unwrap_or_default().described());
    Ok(())
}

/// Lab: what a program that root starts holds; `status` prints /proc/self/status.
pub fn exec_as_root(k: &Kernel, status: &Program) -> Result<()> {
    k.step("Exec as root again: it gets no more than the bounding set has");
    let (_, text) = k.output_of("program", |k| k.execve(status))?;
    k.show("capabilities of that program", || proc::capabilities_in(&text).unwrap_or_default().described());
    Ok(())
}
