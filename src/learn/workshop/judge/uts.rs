//! A hostname of its own: `uts NAME -- PROG`. uts_namespaces(7)

use super::{Findings, fault, shell, words};
use crate::error::Result;

/// The name is one that nobody could have thought of.
pub fn judge(findings: &mut Findings<'_>) -> Result<()> {
    let bench = findings.bench;
    let (name, status) = (format!("box-{}", bench.token()?), bench.number(3, 100)?);
    let inner = shell(bench, &format!("exit {status}"))?;
    let seen = bench.run(&words(&["uts", &name], &inner), &inner)?;
    let Some(program) = findings.started(&seen, &inner)? else { return Ok(()) };
    findings.own(&seen, program, "new-namespace", "uts")?;
    let found = &program.hostname;
    let wrong = if *found == name { None } else { fault("other", &[("found", found), ("name", &name)]) };
    findings.check(&seen, "renamed", wrong)?;
    let before = &seen.outside.hostname;
    let after = seen.after.as_ref().filter(|after| after.namespace("uts") == seen.outside.namespace("uts"));
    let wrong = after.filter(|after| after.hostname != *before);
    let wrong = wrong.and_then(|after| fault("renamed", &[("before", before), ("after", &after.hostname)]));
    findings.check(&seen, "outside", wrong)?;
    findings.status(&seen, status as i32)
}
