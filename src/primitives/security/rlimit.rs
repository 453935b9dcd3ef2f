//! Resource limits: what a process may use, and may never raise again.
//!
//! Each counts for one process, or for all of one user; none counts for a container:
//! that is what cgroups do. getrlimit(2), prlimit(1)

use std::path::Path;

use crate::error::Result;
use crate::kernel::errno::EPERM;
use crate::kernel::limits::{self, Limit, UNLIMITED};
use crate::kernel::{CapSet, CapSets, CloneFlags, Kernel, Signal};

/// So many open files, or bytes, the lab uses at most to meet a limit.
const MOST_FILES: u64 = 4096;
const MOST_BYTES: u64 = 1 << 20;

/// Limits this process; the program that it becomes and all children inherit that.
pub fn limit(k: &Kernel, limits: &[Limit]) -> Result<()> {
    k.step("Limit what this process and its children may use");
    limits.iter().try_for_each(|limit| k.prlimit64(limit))
}

/// Lab: sets limits, runs into those that can be met without harm, and shows which
/// way they move.
pub fn demonstrate(k: &Kernel, wanted: &[Limit], file: &Path) -> Result<()> {
    k.show("limits here: soft, hard, of what", table);
    limit(k, wanted)?;
    for limit in wanted {
        match limit.resource.name {
            "nofile" if limit.soft <= MOST_FILES => open_files(k)?,
            "fsize" if limit.soft <= MOST_BYTES => write_file(k, file)?,
            _ => {}
        }
    }
    wanted.first().map_or(Ok(()), |first| one_way(k, *first))
}

fn open_files(k: &Kernel) -> Result<()> {
    k.step("Open a file over and over, up to the soft limit");
    let opened = k.open_until_refused(Path::new("/dev/null"), MOST_FILES)?;
    k.show("opened before it was refused, beside what was open", || vec![opened.to_string()]);
    Ok(())
}

/// Beyond the limit a signal kills, with a core dump; who ignores it sees why.
fn write_file(k: &Kernel, file: &Path) -> Result<()> {
    k.step("Write beyond the limit, in a child that ignores the deadly SIGXFSZ");
    k.clone3("writer", CloneFlags::empty(), |k| {
        k.ignore(Signal::SIGXFSZ)?;
        let written = k.fill(file, &[b'x'; 16 * 1024], 2 << 20)?;
        k.show("bytes written before it was refused", || vec![written.to_string()]);
        Ok(())
    })?;
    k.wait_for_any().map(drop)
}

/// The soft limit goes up and down, the hard one only down.
fn one_way(k: &Kernel, limit: Limit) -> Result<()> {
    if limit.soft < limit.hard {
        k.step("The soft limit moves freely below the hard one: up, and down again");
        k.prlimit64(&Limit { soft: limit.hard, ..limit })?;
        k.prlimit64(&limit)?;
    }
    if limit.hard == UNLIMITED {
        return Ok(());
    }
    if !CapSets::held().permitted.is_empty() {
        k.step("Lay root's powers down: CAP_SYS_RESOURCE could raise it again");
        k.capset(CapSet::EMPTY, CapSet::EMPTY, CapSet::EMPTY)?;
    }
    k.step("Try to raise the hard limit again: that way is shut");
    let raised = k.prlimit64(&Limit { hard: limit.hard + 1, ..limit });
    k.refused(raised, EPERM, "a hard limit could be raised")
}

fn table() -> Vec<String> {
    let line = |limit: &Limit| {
        let [soft, hard] = [limit.soft, limit.hard].map(limits::spelled);
        format!("{:<10} {soft:>9} {hard:>9}  {}", limit.resource.name, limit.resource.about)
    };
    limits::of("self").iter().map(line).collect()
}
