//! A child process: `child -- PROG`. clone(2), execve(2), wait(2)

use super::{Findings, fault, shell, words};
use crate::error::Result;

/// Runs it with programs that end in all the ways there are.
pub fn judge(findings: &mut Findings<'_>) -> Result<()> {
    let bench = findings.bench;
    let status = bench.number(3, 100)?;
    let inner = shell(bench, &format!("exit {status}"))?;
    let seen = bench.run(&words(&["child"], &inner), &inner)?;
    let Some(program) = findings.started(&seen, &inner)? else { return Ok(()) };
    let is_child = program.pid != seen.outside.pid;
    findings.check(&seen, "child", if is_child { None } else { fault("same", &[("pid", &program.pid)]) })?;
    // The parent ended after it, with nothing left behind.
    let in_order = seen.inner_end.is_some_and(|(before, _)| before < seen.ends) || !is_child;
    findings.check(&seen, "waits", if in_order && seen.survivors == 0 { None } else { fault("early", &[]) })?;
    findings.status(&seen, status as i32)?;

    let inner = shell(bench, "kill -KILL $$")?;
    let seen = bench.run(&words(&["child"], &inner), &inner)?;
    findings.status_of(&seen, "signal", 128 + 9)?;

    let inner = vec![format!("no-such-program-{}", bench.token()?)];
    let seen = bench.run(&words(&["child"], &inner), &inner)?;
    findings.status_of(&seen, "not-found", 127)?;

    // A file that is there, and is no program.
    bench.file("no-program")?;
    let inner = vec![bench.ground.place().join("no-program").display().to_string()];
    let seen = bench.run(&words(&["child"], &inner), &inner)?;
    findings.status_of(&seen, "not-run", 126)
}
