//! Root inside, nobody special outside: `user ROOT -- PROG`. user_namespaces(7)

use super::{Findings, container, fault, shell, words};
use crate::error::Result;
use crate::kernel::IdMap;

/// The program is the judge's own user outside.
pub fn judge(findings: &mut Findings<'_>) -> Result<()> {
    let bench = findings.bench;
    let (root, status) = (bench.root()?, bench.number(3, 100)?);
    let inner = shell(bench, &format!("exit {status}"))?;
    let seen = bench.run(&words(&["user", &root.display().to_string()], &inner), &inner)?;
    let Some(program) = findings.started(&seen, &inner)? else { return Ok(()) };
    findings.own(&seen, program, "new-namespace", "user")?;
    let is_mapped = |maps: &[IdMap]| maps.iter().any(|map| map.inside == 0 && map.count > 0);
    let wrong = match (is_mapped(&program.users), program.users.first()) {
        (true, _) => None,
        (false, Some(map)) => fault("other", &[("inside", &map.inside), ("outside", &map.outside)]),
        (false, None) => fault("none", &[]),
    };
    findings.check(&seen, "users", wrong)?;
    findings.check(&seen, "groups", if is_mapped(&program.groups) { None } else { fault("none", &[]) })?;
    let is_denied = program.setgroups == "deny";
    findings.check(&seen, "setgroups", if is_denied { None } else { fault("allowed", &[]) })?;
    let found = program.capabilities.map(|sets| sets.effective).unwrap_or_default();
    let is_root = !found.is_empty() && program.uid == Some(0);
    let uid = program.uid.unwrap_or_default();
    findings.check(&seen, "root-inside", if is_root { None } else { fault("none", &[("uid", &uid)]) })?;
    container::as_before(findings, &seen, program, &root)?;
    findings.status(&seen, status as i32)
}
