//! The end of the child's half: what the program may do, laid down bit by bit,
//! while this process still has the rights to lay anything down.
//!
//! The order is the point: limits while root may set them, the bounding set while
//! CAP_SETPCAP is held, then the user; the filter needs CAP_SYS_ADMIN, so it comes
//! before the last capabilities go, and nothing but execve comes after.

use super::identity::Identity;
use super::spec::Spec;
use crate::error::Result;
use crate::kernel::{CapSet, Kernel};
use crate::primitives::security::{caps, lsm, no_new_privs, rlimit, seccomp};

/// What must be done while this is still root, and the step to the program's user.
pub fn lay_down(k: &Kernel, spec: &Spec, identity: &Identity) -> Result<()> {
    if !spec.limits.rlimits.is_empty() {
        rlimit::limit(k, &spec.limits.rlimits)?;
    }
    k.part("caps", |k| caps::bound(k, spec.guards.capabilities))?;
    // AppArmor may refuse another label after the promise.
    // It is asked for in /proc; whoever leaves that out is left without the usual one.
    if let Some(label) = spec.guards.label.as_ref().filter(|label| !label.own || k.wants("proc")) {
        lsm::label(k, label.module, &label.name)?;
    }
    if spec.guards.no_new_privs {
        no_new_privs::set(k)?;
    }
    if carries(k, spec, identity) {
        caps::carry_over(k)?;
    }
    identity.assume(k)?;
    if carries(k, spec, identity) {
        caps::hold_again(k)?;
    }
    Ok(())
}

/// The last two: no call but execve is made after them.
pub fn seal(k: &Kernel, spec: &Spec, identity: &Identity) -> Result<()> {
    if let Some(filter) = &spec.guards.filter {
        k.part("seccomp", |k| seccomp::load(k, filter))?;
    }
    if carries(k, spec, identity) {
        return caps::settle(k, CapSet::EMPTY);
    }
    // Another user than root has lost all with its ids. capabilities(7)
    if identity.uid == 0 {
        k.part("caps", |k| caps::settle(k, spec.guards.capabilities))?;
    }
    Ok(())
}

/// Root's capabilities go when it becomes another user, and the filter needs one.
fn carries(k: &Kernel, spec: &Spec, identity: &Identity) -> bool {
    identity.uid != 0 && !spec.guards.no_new_privs && spec.guards.filter.is_some() && k.wants("seccomp")
}
