//! Many containers on the same files: `overlay LOWER:LOWER... -- PROG`. overlayfs

use std::fs;
use std::path::Path;

use super::{Findings, container, fault, shell, words};
use crate::error::{IoContext, Result};
use crate::kernel::view;
use crate::learn::workshop::run::{Seen, listing};

/// The status of a program that could not write.
const CANNOT_WRITE: i32 = 98;

/// A file is in both layers; the program writes another one.
pub fn judge(findings: &mut Findings<'_>) -> Result<()> {
    let bench = findings.bench;
    let (bottom, top, token) = (bench.root()?, bench.directory("top/etc")?, bench.token()?);
    let failed = || "cannot write into a layer".to_owned();
    fs::write(bottom.join("etc/which"), "bottom").or_fail(failed)?;
    fs::write(top.join("which"), &token).or_fail(failed)?;
    let top = bench.directory("top")?;
    let before = [listing(&bottom), listing(&top)];
    let status = bench.number(3, 90)?;
    let inner = shell(bench, &format!("echo x >/written || exit {CANNOT_WRITE}; exit {status}"))?;
    let lowers = format!("{}:{}", top.display(), bottom.display());
    let seen = bench.run(&words(&["overlay", &lowers], &inner), &inner)?;
    let Some(program) = findings.started(&seen, &inner)? else { return Ok(()) };
    let kind = program.mounts.iter().rfind(|mount| mount.point == Path::new("/")).map(|mount| mount.kind.clone());
    let kind = kind.unwrap_or_default();
    findings.check(&seen, "overlay", if kind == "overlay" { None } else { fault("other", &[("kind", &kind)]) })?;
    let wrong = match seen.which.as_deref() {
        Some(found) if found == token => None,
        Some("bottom") => fault("bottom", &[]),
        _ => fault("none", &[]),
    };
    findings.check(&seen, "layers", wrong)?;
    let could = seen.status() != Some(CANNOT_WRITE);
    findings.check(&seen, "writable", if could { None } else { fault("read-only", &[]) })?;
    let after = [listing(&bottom), listing(&top)];
    let changed =
        after.iter().zip(&before).find_map(|(after, before)| after.iter().find(|path| !before.contains(path)));
    let wrong = changed.and_then(|path| fault("changed", &[("path", path)]));
    findings.check(&seen, "lowers", wrong)?;
    nothing_left(findings, &seen)?;
    container::first(findings, &seen, program)?;
    container::own_proc(findings, &seen, program)?;
    container::mounts(findings, &seen, program, &["/", "/proc"])?;
    findings.status(&seen, status as i32)
}

/// No file stays where temporary files are made.
pub fn nothing_left(findings: &mut Findings<'_>, seen: &Seen) -> Result<()> {
    let bench = findings.bench;
    let left = [bench.scratch(), bench.here()].into_iter().flat_map(|directory| listing(&directory)).next();
    findings.check(seen, "nothing-left", left.and_then(|path| fault("left", &[("path", &path)])))
}

/// What stands in a file as a process sees it.
pub fn file_inside(pid: i32, path: &str) -> Option<String> {
    view::text(Path::new(&format!("/proc/{pid}/root")), Path::new(path)).ok()
}
