//! Root, without its powers: `seal ROOT -- PROG`. capabilities(7), seccomp(2)

use super::{Fault, Findings, container, fault, shell, words};
use crate::error::Result;
use crate::kernel::CapSet;
use crate::kernel::errno::EPERM;
use crate::kernel::tracer::{Attempt, FOREIGN, HARMLESS, Tried};
use crate::learn::workshop::run::Seen;
use crate::trace::decode::errno_name;

/// What a container of Docker's has, by the kernel's numbers. linux/capability.h
pub const KEPT: CapSet = CapSet::of(&[0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31]);

/// Looks at the program, and then makes calls in the place of one.
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
    container::as_before(findings, &seen, program, &root)?;
    findings.status(&seen, status as i32)?;

    // In the place of the program: nothing of it has run yet.
    let inner = shell(bench, "exit 0")?;
    let seen = bench.run_and_try(&words(&["seal", &root_text], &inner), &inner, &HARMLESS)?;
    findings.check(&seen, "refuses", refused(&seen))?;
    let Some(foreign) = FOREIGN else { return findings.skip_phrase("architecture") };
    let inner = shell(bench, "exit 0")?;
    let seen = bench.run_and_try(&words(&["seal", &root_text], &inner), &inner, &[foreign])?;
    let is_open = matches!(seen.tried.first(), Some(Tried::Returned(_)));
    findings.check(&seen, "architecture", if is_open { fault("allowed", &[]) } else { None })
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

/// Each of the calls has failed with EPERM.
fn refused(seen: &Seen) -> Option<Fault> {
    if seen.tried.is_empty() {
        return fault("never", &[]);
    }
    let told = |tried: &Tried| match tried {
        Tried::Returned(value) => value.to_string(),
        Tried::Failed(errno) => format!("-1 {}", errno_name(*errno)),
        Tried::Killed => "+++ killed +++".to_owned(),
    };
    let is_wrong = |(_, tried): &(&Attempt, &Tried)| **tried != Tried::Failed(EPERM);
    let wrong: Vec<(&Attempt, &Tried)> = HARMLESS.iter().zip(&seen.tried).filter(is_wrong).collect();
    let calls: Vec<String> = wrong.iter().map(|(call, tried)| format!("{}() = {}", call.name, told(tried))).collect();
    let calls = calls.join(", ");
    let is_killed = wrong.iter().any(|(_, tried)| **tried == Tried::Killed);
    match (wrong.is_empty(), is_killed) {
        (true, _) => None,
        (false, true) => fault("killed", &[("calls", &calls)]),
        (false, false) => fault("allowed", &[("calls", &calls)]),
    }
}
