//! No more than it was given: `limit --memory BYTES --pids N ROOT -- PROG`. cgroups(7)

use super::{Findings, container, fault, shell, words};
use crate::error::Result;

/// Limits that are no round numbers; where no cgroup can be made, there is nothing to judge.
pub fn judge(findings: &mut Findings<'_>) -> Result<()> {
    let bench = findings.bench;
    if let Err(why) = bench.cgroup("memory").and_then(|_| bench.cgroup("pids")) {
        return findings.skip_all(&why);
    }
    let (root, status) = (bench.root()?, bench.number(3, 100)?);
    // Whole pages: the kernel rounds down to them.
    let (memory, pids) = (bench.number(4096, 4096)? * 4096, bench.number(20, 100)?);
    let inner = shell(bench, &format!("exit {status}"))?;
    let (memory, pids, root_text) = (memory.to_string(), pids.to_string(), root.display().to_string());
    let own = ["limit", "--memory", &memory, "--pids", &pids, &root_text];
    let seen = bench.run(&words(&own, &inner), &inner)?;
    let Some(program) = findings.started(&seen, &inner)? else { return Ok(()) };
    for (id, controller, wanted) in [("memory", "memory", &memory), ("processes", "pids", &pids)] {
        let found = seen.limits.iter().find(|limit| limit.controller == controller);
        let wrong = match found {
            None => fault("nowhere", &[("wanted", wanted)]),
            Some(limit) if limit.value == *wanted => None,
            Some(limit) => {
                fault("other", &[("wanted", wanted), ("found", &limit.value), ("group", &limit.group.display())])
            }
        };
        findings.check(&seen, id, wrong)?;
    }
    let left = ["memory", "pids"].iter().flat_map(|controller| bench.made_cgroups(controller));
    let left: Vec<String> = left.map(|(group, _)| group.display().to_string()).collect();
    let wrong = left.first().and_then(|group| fault("left", &[("group", group)]));
    findings.check(&seen, "removed", wrong)?;
    container::as_before(findings, &seen, program, &root)?;
    findings.status(&seen, status as i32)
}
