//! Processes of its own: `pid ROOT -- PROG`. pid_namespaces(7)

use super::{Findings, container, shell, words};
use crate::error::Result;

/// All that the stage before has made must be there as well.
pub fn judge(findings: &mut Findings<'_>) -> Result<()> {
    let bench = findings.bench;
    let (root, status) = (bench.root()?, bench.number(3, 100)?);
    let inner = shell(bench, &format!("exit {status}"))?;
    let seen = bench.run(&words(&["pid", &root.display().to_string()], &inner), &inner)?;
    let Some(program) = findings.started(&seen, &inner)? else { return Ok(()) };
    findings.own(&seen, program, "new-namespace", "pid")?;
    container::as_before(findings, &seen, program, &root)?;
    container::outside(findings, &seen)?;
    findings.status(&seen, status as i32)
}
