//! Root, without its powers: `seal ROOT -- PROG`. capabilities(7), seccomp(2)

use super::{Fault, Findings, container, fault, shell, words};
use crate::error::Result;
use crate::kernel::CapSet;
use crate::kernel::errno::EPERM;
use crate::learn::workshop::run::Seen;
use crate::learn::workshop::snapshot::Snapshot;

/// What a container of Docker's has, by the kernel's numbers. linux/capability.h
pub const KEPT: CapSet = CapSet::of(&[0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31]);

/// Looks at the program, and then has one make a call that is refused.
pub fn judge(findings: &mut Findings<'_>) -> Result<()> {
    let bench = findings.bench;
    let (root, status) = (bench.root()?, bench.number(3, 100)?);
    let root_text = root.display().to_string();
    let inner = shell(bench, &format!("exit {status}"))?;
    let seen = bench.run(&words(&["seal", &root_text], &inner), &inner)?;
    let Some(program) = findings.started(&seen, &inner)? else { return Ok(()) };
    let sets = program.capabilities.unwrap_or_default();
    findings.check(&seen, "bounding", compared(sets.bounding))?;
    findings.check(&seen, "effective", compared(sets.effective.union(sets.permitted)))?;
    let others = sets.inheritable.union(sets.ambient);
    let wrong = if others.is_empty() { None } else { fault("more", &[("more", &others.described())]) };
    findings.check(&seen, "no-others", wrong)?;
    let is_set = program.no_new_privs;
    findings.check(&seen, "no-new-privs", if is_set { None } else { fault("unset", &[]) })?;
    let is_filtered = program.seccomp == "2";
    findings.check(&seen, "filter", if is_filtered { None } else { fault("none", &[]) })?;
    container::first(findings, &seen, program)?;
    container::root(findings, &seen, program, &root)?;
    container::own_proc(findings, &seen, program)?;
    container::mounts(findings, &seen, program, &["/", "/proc"])?;
    findings.status(&seen, status as i32)?;

    // No capability is needed for this call: if it fails, then by the filter.
    let inner = ["unshare", "--user", "true", &bench.token()?].map(str::to_owned).to_vec();
    let seen = bench.run(&words(&["seal", &root_text], &inner), &inner)?;
    findings.check(&seen, "refuses", refused(&seen))
}

/// Exactly those that are kept.
fn compared(found: CapSet) -> Option<Fault> {
    let (more, less) = (found.minus(KEPT), KEPT.minus(found));
    match (more.is_empty(), less.is_empty()) {
        (true, true) => None,
        (false, _) => fault("more", &[("more", &more.described())]),
        (true, false) => fault("less", &[("less", &less.described())]),
    }
}

/// The program that was run has called unshare, and was told EPERM.
fn refused(seen: &Seen) -> Option<Fault> {
    let is_its = |pid: i32| seen.inner.as_ref().is_some_and(|inner: &Snapshot| inner.pid == pid);
    match seen.called("unshare").find(|call| is_its(call.pid)).map(|call| call.outcome) {
        Some(Err(EPERM)) => None,
        Some(Err(errno)) => fault("other", &[("errno", &crate::trace::decode::errno_name(errno))]),
        Some(Ok(_)) => fault("allowed", &[]),
        None => fault("never", &[("status", &seen.status().unwrap_or_default())]),
    }
}
