//! All of it: `run HOST:PORT/NAME:TAG [-- PROG]`.

use std::path::Path;

use super::seal::KEPT;
use super::{Findings, container, fault, overlay, shell, words};
use crate::error::Result;
use crate::learn::workshop::snapshot::Snapshot;

/// A program of the judge's, then the image's own.
pub fn judge(findings: &mut Findings<'_>) -> Result<()> {
    let bench = findings.bench;
    let (served, status) = (bench.served()?, bench.number(3, 100)?);
    let inner = shell(bench, &format!("echo x >/written && exit {status}"))?;
    let seen = bench.run(&words(&["run", &served.image], &inner), &inner)?;
    let Some(program) = findings.started(&seen, &inner)? else { return Ok(()) };
    let shared =
        ["mnt", "pid", "uts", "ipc"].into_iter().filter(|kind| program.namespace(kind) == seen.outside.namespace(kind));
    let shared: Vec<&str> = shared.collect();
    let wrong = if shared.is_empty() { None } else { fault("same", &[("kinds", &shared.join(", "))]) };
    findings.check(&seen, "namespaces", wrong)?;
    let found = &program.hostname;
    let wrong = if *found == served.name { None } else { fault("other", &[("found", found), ("name", &served.name)]) };
    findings.check(&seen, "hostname", wrong)?;
    let is_right = seen.which.as_deref() == Some(&served.token);
    findings.check(&seen, "files", if is_right { None } else { fault("other", &[]) })?;
    container::first(findings, &seen, program)?;
    container::own_proc(findings, &seen, program)?;
    container::mounts(findings, &seen, program, &["/", "/proc"])?;
    environment(findings, &seen, program)?;
    let is_there = program.directory.as_deref() == Some(Path::new("/srv"));
    let found = program.directory.as_ref().map_or_else(String::new, |found| found.display().to_string());
    findings.check(&seen, "directory", if is_there { None } else { fault("other", &[("found", &found)]) })?;
    let effective = program.capabilities.map(|sets| sets.effective).unwrap_or_default();
    let wrong = match (effective == KEPT, program.seccomp == "2" && program.no_new_privs) {
        (true, true) => None,
        (false, _) => fault("capabilities", &[("found", &effective.described())]),
        (true, false) => fault("filter", &[]),
    };
    findings.check(&seen, "sealed", wrong)?;
    overlay::nothing_left(findings, &seen)?;
    findings.status(&seen, status as i32)?;

    let seen = bench.run(&["run", &served.image], &[])?;
    findings.status_of(&seen, "own-program", served.status)
}

/// The image's variables, and none of those outside.
fn environment(
    findings: &mut Findings<'_>,
    seen: &crate::learn::workshop::run::Seen,
    program: &Snapshot,
) -> Result<()> {
    let token = findings.bench.served()?.token.clone();
    let wrong = match program.environment.get("TOKEN") {
        Some(found) if *found == token => {
            let foreign = program.environment.keys().find(|name| *name == "TMPDIR" || name.starts_with("CGROUP_"));
            foreign.and_then(|name| fault("outside", &[("name", name)]))
        }
        _ => fault("none", &[]),
    };
    findings.check(seen, "environment", wrong)
}
