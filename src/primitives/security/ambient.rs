//! Ambient capabilities: how a program of an ordinary user keeps one.
//!
//! Only root's programs are given capabilities by execve for nothing; anybody
//! else's need them on their file, or here. capabilities(7), prctl(2)

use crate::error::Result;
use crate::kernel::{CapSet, Kernel, Program, maps, proc};

/// Lab: another user's program with one capability, without the ambient set and with
/// it; `status` prints /proc/self/status.
pub fn demonstrate(k: &Kernel, capability: u8, user: u32, status: &Program) -> Result<()> {
    k.step("Become another user with one capability, exec: it is lost");
    let (_, text) = k.output_of("program", |k| {
        become_other(k, capability, user)?;
        k.execve(status)
    })?;
    look(k, &text);

    k.step("The same, but raise it into the ambient set first: it is kept");
    let (_, text) = k.output_of("program", |k| {
        become_other(k, capability, user)?;
        k.raise_ambient(capability)?;
        k.execve(status)
    })?;
    look(k, &text);
    Ok(())
}

/// Without KEEPCAPS, leaving user 0 empties the permitted set; the effective one is
/// emptied in any case, and set anew.
fn become_other(k: &Kernel, capability: u8, user: u32) -> Result<()> {
    k.keep_capabilities(true)?;
    if !maps::groups_fixed() {
        k.setgroups(&[])?;
    }
    k.setresgid(user)?;
    k.setresuid(user)?;
    let one = CapSet::of(&[capability]);
    k.capset(one, one, one)
}

fn look(k: &Kernel, status: &str) {
    let user = || proc::field(status, "Uid").unwrap_or_default();
    let sets = || proc::capabilities_in(status).unwrap_or_default();
    k.show("its user ids: real, effective, saved, filesystem", || vec![user()]);
    k.show("capabilities of that program", || sets().described());
}
