//! What must not be there once a command has ended, however it has ended: a process,
//! a mount, a directory, a name, a cgroup.
//!
//! The host is shared with other tests and other people. So a thing counts if it
//! bears the place's mark: in a process's command line, environment or mount table,
//! or by lying in its store. A new network namespace and its interfaces end with
//! the last process in it, so they need no search of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::place::Place;
use super::process::{ended, pidfd};

/// Everything that is left of a place's commands, in words.
pub fn of(place: &Place) -> Vec<String> {
    let mut left = processes(place);
    for directory in ["state/running", "state/ledger", "state/names", "writable", "tmp"] {
        let entries = fs::read_dir(place.store().join(directory)).into_iter().flatten().flatten();
        left.extend(entries.map(|entry| format!("file {}", entry.path().display())));
    }
    left
}

/// Those of these cgroups that exist.
pub fn cgroups(made: &[PathBuf]) -> Vec<String> {
    made.iter().filter(|path| path.exists()).map(|path| format!("cgroup {}", path.display())).collect()
}

/// The cgroups that a JSON trace says were made.
pub fn cgroups_made(trace: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(trace).unwrap_or_default();
    let made = text.lines().filter(|line| line.contains("\"name\":\"mkdir\"")).filter_map(|line| {
        let start = line.find("/sys/fs/cgroup")?;
        Some(PathBuf::from(line[start..].split(['\\', '"']).next()?))
    });
    made.collect()
}

fn processes(place: &Place) -> Vec<String> {
    let mark = place.mark();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| described(pid, &mark).filter(|_| stays(pid))).collect()
}

/// False for a process that is ending: one dies with its parent, that one's child
/// after it, and on a busy machine each takes its moment.
fn stays(pid: i32) -> bool {
    const MOMENT: Duration = Duration::from_secs(10);
    match pidfd(pid.cast_unsigned()) {
        Ok(process) => !ended(&process, MOMENT),
        Err(_) => false,
    }
}

/// A living process that bears the mark, and where it bears it.
fn described(pid: i32, mark: &str) -> Option<String> {
    let file = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let holds = |bytes: &[u8]| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
    let place = ["cmdline", "environ", "mountinfo"].into_iter().find(|name| holds(&file(name)))?;
    // A zombie holds nothing any more; its parent, or init, is about to collect it.
    let stat = String::from_utf8_lossy(&file("stat")).into_owned();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next().unwrap_or(' '))?;
    let command = String::from_utf8_lossy(&file("cmdline")).replace('\0', " ");
    (!matches!(state, 'Z' | 'X')).then(|| format!("process {pid} [{state}], known by its {place}: {command}"))
}

/// How many processes of a place run a program of this name.
pub fn named(place: &Place, name: &str) -> usize {
    let mark = place.mark();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_it = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|found| found.trim() == name);
    pids.filter(|pid| is_it(pid) && described(*pid, &mark).is_some()).count()
}

/// A process and its children.
pub fn group(pid: u32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_ascii_whitespace().filter_map(|child| child.parse().ok());
    children.chain([pid.cast_signed()]).collect()
}

/// Ends what is left, so that a failed trial leaves nothing for the next one.
pub fn end(place: &Place) {
    let mark = place.mark();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        if described(pid, &mark).is_some() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}
