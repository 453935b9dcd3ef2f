//! What several stages have: the files that a program sees, and the processes.

use std::path::Path;

use super::{Fault, Findings, fault};
use crate::error::Result;
use crate::learn::workshop::run::Seen;
use crate::learn::workshop::snapshot::{Snapshot, file};

/// Its root directory is that one.
pub fn root(findings: &mut Findings<'_>, seen: &Seen, program: &Snapshot, root: &Path) -> Result<()> {
    let wrong = match program.root {
        found if found == file(root) => None,
        found if found == seen.outside.root => fault("outside", &[("root", &root.display())]),
        _ => fault("other", &[("root", &root.display())]),
    };
    findings.check(seen, "root", wrong)
}

/// Its root is that of its mount namespace: a root made by chroot leaves the old one behind it.
pub fn pivoted(findings: &mut Findings<'_>, seen: &Seen) -> Result<()> {
    let pivoted = seen.called("pivot_root").any(|call| call.outcome.is_ok());
    let chrooted = seen.called("chroot").any(|call| call.outcome.is_ok());
    let wrong = match (pivoted, chrooted) {
        (true, _) => None,
        (false, true) => fault("chroot", &[]),
        (false, false) => fault("none", &[]),
    };
    findings.check(seen, "pivoted", wrong)
}

/// It sees these mounts, and none of those outside.
pub fn mounts(findings: &mut Findings<'_>, seen: &Seen, program: &Snapshot, wanted: &[&str]) -> Result<()> {
    let foreign = |point: &Path| {
        !wanted.iter().any(|wanted| point.starts_with(wanted) && (*wanted != "/" || point == Path::new("/")))
    };
    let points: Vec<&Path> = program.mounts.iter().map(|mount| mount.point.as_path()).collect();
    let roots = points.iter().filter(|point| **point == Path::new("/")).count();
    let values: &[(&'static str, &dyn std::fmt::Display)] =
        &[("mounts", &shortened(&program.mount_list())), ("count", &points.len())];
    let wrong = match points.iter().find(|point| foreign(point)) {
        Some(_) => fault("others", values),
        None if roots > 1 => fault("beneath", values),
        None => None,
    };
    findings.check(seen, "old-root", wrong)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}

/// It is the first process of its PID namespace.
pub fn first(findings: &mut Findings<'_>, seen: &Seen, program: &Snapshot) -> Result<()> {
    let inside = program.pids.last().copied().unwrap_or_default();
    findings.check(seen, "first", if inside == 1 { None } else { fault("other", &[("pid", &inside)]) })
}

/// Its /proc shows its own PID namespace.
pub fn own_proc(findings: &mut Findings<'_>, seen: &Seen, program: &Snapshot) -> Result<()> {
    let is_mounted = program.mounts.iter().any(|mount| mount.point == Path::new("/proc") && mount.kind == "proc");
    let wrong: Option<Fault> = match &program.processes {
        Some(found) if is_mounted && *found == [1] => None,
        Some(found) if is_mounted => fault("others", &[("count", &found.len())]),
        _ => fault("none", &[]),
    };
    findings.check(seen, "proc", wrong)
}

/// All that the stages up to `pid` have made.
pub fn as_before(findings: &mut Findings<'_>, seen: &Seen, program: &Snapshot, root_directory: &Path) -> Result<()> {
    first(findings, seen, program)?;
    root(findings, seen, program, root_directory)?;
    own_proc(findings, seen, program)?;
    mounts(findings, seen, program, &["/", "/proc"])
}

/// What is mounted outside is what was mounted there before.
pub fn outside(findings: &mut Findings<'_>, seen: &Seen) -> Result<()> {
    let same = |after: &&Snapshot| after.namespace("mnt") == seen.outside.namespace("mnt");
    let Some(after) = seen.after.as_ref().filter(same) else { return findings.check(seen, "outside", None) };
    let is_new = |mount: &&crate::kernel::proc::Mount| !seen.outside.mounts.iter().any(|known| known.id == mount.id);
    let wrong = match after.mounts.iter().find(is_new) {
        Some(mount) => fault("mounted", &[("mount", &format!("{} ({})", mount.point.display(), mount.kind))]),
        None if after.mounts.len() < seen.outside.mounts.len() => fault("unmounted", &[]),
        None if after.root != seen.outside.root => fault("moved", &[]),
        None => None,
    };
    findings.check(seen, "outside", wrong)
}
