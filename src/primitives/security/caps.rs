//! Capabilities: root's power in pieces, most of them laid down.
//!
//! They say nothing about *which* file or socket: that is for file permissions and
//! the security modules. capabilities(7), capset(2), prctl(2)

use crate::error::Result;
use crate::kernel::capability::{
    CAP_AUDIT_WRITE, CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_MKNOD, CAP_NET_BIND_SERVICE,
    CAP_NET_RAW, CAP_SETFCAP, CAP_SETGID, CAP_SETPCAP, CAP_SETUID, CAP_SYS_ADMIN, CAP_SYS_CHROOT,
};
use crate::kernel::{CapSet, CapSets, Kernel};

/// What root in a container keeps: Docker's 14, enough to install packages and to
/// start services, and not to rule the machine.
pub const DEFAULT: CapSet = CapSet::of(&[
    CAP_CHOWN,            // package managers give files to their services
    CAP_DAC_OVERRIDE,     // root expects to read and write every file of its own
    CAP_FSETID,           // installing a setuid program keeps that bit
    CAP_FOWNER,           // and sets mode and times of files it has given away
    CAP_MKNOD,            // the device controller says which nodes can be opened
    CAP_NET_RAW,          // ping; can forge packets: the first to drop
    CAP_SETGID,           // a service starts as root and then becomes
    CAP_SETUID,           // its own user and group
    CAP_SETFCAP,          // packages install programs with file capabilities
    CAP_SETPCAP,          // lets a service lay down still more
    CAP_NET_BIND_SERVICE, // port 80
    CAP_SYS_CHROOT,       // sshd and others lock their workers into a directory
    CAP_KILL,             // an init must end processes of every user
    CAP_AUDIT_WRITE,      // login and sudo report to the audit log
]);

/// Lays down for good: not even a setuid root program brings these back.
pub fn bound(k: &Kernel, keep: CapSet) -> Result<()> {
    k.step("Drop from the bounding set what no program in here may ever have");
    let surplus = CapSets::own().bounding.minus(keep);
    surplus.iter().try_for_each(|capability| k.drop_from_bounding_set(capability))
}

/// Root loses all capabilities when it becomes another user; keeps them permitted
/// until the filter, which needs one, is loaded.
pub fn carry_over(k: &Kernel) -> Result<()> {
    k.step("Keep capabilities over the change of user, until the filter is loaded");
    k.keep_capabilities(true)
}

/// As another user: permitted is not effective.
pub fn hold_again(k: &Kernel) -> Result<()> {
    k.step("Make effective again the one that loading a filter needs");
    k.capset(CapSet::of(&[CAP_SYS_ADMIN]), CapSet::of(&[CAP_SYS_ADMIN]), CapSet::EMPTY)
}

/// Lays down what this process holds. The inheritable set stays empty: else any
/// program with inheritable file capabilities would gain them. CVE-2022-24769
pub fn settle(k: &Kernel, keep: CapSet) -> Result<()> {
    k.step("Hold no more than that; pass nothing on by inheritance");
    let before = CapSets::held();
    let held = if k.plans() { keep } else { before.permitted.intersection(keep) };
    k.capset(held, held, CapSet::EMPTY)?;
    k.state("effective capabilities", &hex(before.effective), &hex(CapSets::held().effective));
    Ok(())
}

/// As /proc/PID/status shows a set.
fn hex(set: CapSet) -> String {
    format!("{:016x} ({})", set.bits(), set.len())
}

#[cfg(test)]
mod tests {
    use super::DEFAULT;

    #[test]
    fn the_default_is_docker_s() {
        assert_eq!((DEFAULT.bits(), DEFAULT.len()), (0xa804_25fb, 14));
    }
}
