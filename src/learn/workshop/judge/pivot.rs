//! A root filesystem of its own: `pivot ROOT -- PROG`. pivot_root(2)

use std::path::Path;

use super::{Findings, container, fault, shell, words};
use crate::error::Result;

/// The root holds a few programs of this machine.
pub fn judge(findings: &mut Findings<'_>) -> Result<()> {
    let bench = findings.bench;
    let (root, status) = (bench.root()?, bench.number(3, 100)?);
    let inner = shell(bench, &format!("exit {status}"))?;
    let seen = bench.run(&words(&["pivot", &root.display().to_string()], &inner), &inner)?;
    let Some(program) = findings.started(&seen, &inner)? else { return Ok(()) };
    findings.own(&seen, program, "new-namespace", "mnt")?;
    container::root(findings, &seen, program, &root)?;
    container::pivoted(findings, &seen)?;
    container::mounts(findings, &seen, program, &["/"])?;
    let is_there = program.directory.as_deref() == Some(Path::new("/"));
    let found = program.directory.as_ref().map_or_else(String::new, |found| found.display().to_string());
    findings.check(&seen, "at-root", if is_there { None } else { fault("elsewhere", &[("found", &found)]) })?;
    container::outside(findings, &seen)?;
    findings.status(&seen, status as i32)
}
