//! The namespaces of this machine, and which processes live in them.
//!
//! It only reads /proc/PID/ns; it sees what this user may see. namespaces(7), lsns(8)

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::kernel::{NAMESPACES, proc};

/// One namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Namespace {
    /// `uts`, `mnt`, ... as in /proc/PID/ns.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its name, `uts:[4026531838]`.
    pub name: String,
    /// Whether it is the host's.
    pub host: bool,
    /// The processes in it, in order of their numbers.
    pub processes: Vec<Process>,
}

/// A process and the namespaces in which it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Its number, as this PID namespace counts.
    pub pid: i32,
    /// Its command line.
    pub command: String,
    #[serde(skip)]
    parent: i32,
    #[serde(skip)]
    lives_in: BTreeMap<&'static str, String>,
}

/// What the process `pid` lives in; `None` if it is gone or hidden from this user.
pub fn process(pid: i32) -> Option<Process> {
    let name = |kind: &'static str| Some((kind, proc::namespace(&pid.to_string(), kind).ok()?));
    let lives_in: BTreeMap<_, _> = NAMESPACES.into_iter().filter_map(|(_, kind, _, _)| name(kind)).collect();
    let parent = proc::status(&pid.to_string(), "PPid").and_then(|parent| parent.parse().ok())?;
    (!lives_in.is_empty()).then(|| Process { pid, command: proc::command(pid), parent, lives_in })
}

/// The host's namespaces: those of PID 1, or one's own where that is hidden.
pub fn host() -> Option<Process> {
    process(1).or_else(|| process(proc::own_pid()))
}

/// Every process that this user may look into.
pub fn processes() -> Vec<Process> {
    proc::processes().into_iter().filter_map(process).collect()
}

/// The namespaces of these processes, kind by kind, the host's first.
pub fn namespaces(processes: &[Process], host: &Process) -> Vec<Namespace> {
    let mut found: BTreeMap<(&'static str, bool, String), Vec<Process>> = BTreeMap::new();
    for process in processes {
        for (kind, name) in &process.lives_in {
            let foreign = host.lives_in.get(kind) != Some(name);
            found.entry((*kind, foreign, name.clone())).or_default().push(process.clone());
        }
    }
    let each = found.into_iter();
    each.map(|((kind, foreign, name), processes)| Namespace { kind, name, host: !foreign, processes }).collect()
}

impl Process {
    /// The kinds in which it lives elsewhere than `other`.
    pub fn apart_from(&self, other: &Self) -> Vec<&'static str> {
        let apart = self.lives_in.iter().filter(|(kind, name)| other.lives_in.get(*kind) != Some(name));
        apart.map(|(kind, _)| *kind).collect()
    }

    /// Kind and name of each namespace.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.lives_in.iter().map(|(kind, name)| (*kind, name.as_str()))
    }
}

/// The process tree, pruned to what leads to a process apart from the host.
pub fn tree(processes: &[Process], host: &Process) -> Vec<String> {
    let by_pid: BTreeMap<i32, &Process> = processes.iter().map(|process| (process.pid, process)).collect();
    let mut shown = BTreeSet::new();
    for process in processes.iter().filter(|process| !process.apart_from(host).is_empty()) {
        let mut next = Some(process);
        while let Some(ancestor) = next {
            if !shown.insert(ancestor.pid) {
                break;
            }
            next = by_pid.get(&ancestor.parent).copied();
        }
    }
    let root = |process: &&&Process| shown.contains(&process.pid) && !shown.contains(&process.parent);
    let mut lines = Vec::new();
    for process in by_pid.values().filter(root) {
        branch(process, &by_pid, &shown, host, "", &mut lines);
    }
    lines
}

fn branch(
    process: &Process,
    by_pid: &BTreeMap<i32, &Process>,
    shown: &BTreeSet<i32>,
    host: &Process,
    indent: &str,
    lines: &mut Vec<String>,
) {
    let apart = process.apart_from(host);
    let mark = if apart.is_empty() { "host".to_owned() } else { format!("own {}", apart.join(" ")) };
    let command: String = process.command.chars().take(40).collect();
    lines.push(format!("{indent}{} {command}  [{mark}]", process.pid));
    let child = |child: &&&Process| child.parent == process.pid && shown.contains(&child.pid);
    for child in by_pid.values().filter(child) {
        branch(child, by_pid, shown, host, &format!("{indent}  "), lines);
    }
}
