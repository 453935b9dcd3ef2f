//! Which namespaces a process lives in, and whose those are. namespaces(7)

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use crate::kernel::peer::{self, Status};
use crate::kernel::{NAMESPACES, proc};

/// The namespaces that the kernel made at boot have numbers of their own, the same
/// on every machine. linux/proc_ns.h, `PROC_USER_INIT_INO`, `PROC_PID_INIT_INO`
const FIRST: [&str; 2] = ["user:[4026531837]", "pid:[4026531836]"];

/// Who stands for the host.
#[derive(Debug, Clone, Serialize)]
pub struct Host {
    /// The process whose namespaces are taken for the host's: PID 1, or a thread of
    /// the kernel, or, where both are hidden, the reader.
    pub pid: i32,
    /// True if it is the reader, for want of a better one.
    pub reader: bool,
    /// True if it lives in the machine's first namespaces; false in a container.
    pub first: bool,
}

impl Host {
    /// PID 1 is first choice. Where it is hidden, PID 2, if that is kthreadd: the
    /// kernel's threads live in its first namespaces.
    pub fn find() -> Self {
        let own = proc::own_pid();
        let candidates = [Some(1), Some(2).filter(|pid| peer::is_kernel_thread(*pid))];
        let readable = |pid: &i32| proc::namespace(&pid.to_string(), "user").is_ok();
        let found = candidates.into_iter().flatten().find(readable);
        let pid = found.unwrap_or(own);
        let name = |file| proc::namespace(&pid.to_string(), file).unwrap_or_default();
        Self { pid, reader: found.is_none(), first: [name("user"), name("pid")] == FIRST }
    }

    /// Its mounts: those of PID 1 can be read even where its namespaces can't.
    pub fn mounts(&self) -> Vec<proc::Mount> {
        proc::mounts("1").or_else(|_| proc::mounts("self")).unwrap_or_default()
    }

    /// A path to its root.
    pub fn root(&self) -> PathBuf {
        let root = PathBuf::from("/proc/1/root");
        if root.metadata().is_ok() { root } else { PathBuf::from("/") }
    }
}

/// One of the eight.
#[derive(Debug, Clone, Serialize)]
pub struct Namespace {
    /// `uts`, `mnt`, ... as in /proc/PID/ns.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `uts:[4026531838]`; `None` if it is hidden.
    pub name: Option<String>,
    /// Whether it is the host's; where the name is hidden, as far as other files
    /// of /proc give it away.
    pub host: Option<bool>,
    /// Whether it is the reader's.
    pub reader: Option<bool>,
    /// Where its next child will be born, if elsewhere: PID and time namespaces
    /// are changed for children only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_children: Option<String>,
}

/// All eight, and what they were compared with.
#[derive(Debug, Clone, Serialize)]
pub struct Namespaces {
    /// Who stands for the host.
    pub compared_with: Host,
    /// In the order of /proc/PID/ns.
    pub each: Vec<Namespace>,
}

impl Namespaces {
    /// Those of a process.
    pub fn of(pid: i32, status: &Status, host: &Host) -> Self {
        let link = |pid: i32, file: &str| proc::namespace(&pid.to_string(), file).ok();
        let one = |kind: &'static str, file: &str| {
            let name = link(pid, kind);
            let same_as = |other: i32| Some(link(other, kind)? == *name.as_ref()?);
            let at_home = link(host.pid, kind) == link(proc::own_pid(), kind);
            let host = same_as(host.pid).or_else(|| guess(pid, kind, status).filter(|_| at_home));
            let for_children = link(pid, file).filter(|children| name.as_ref().is_some_and(|name| name != children));
            Namespace { kind, reader: same_as(proc::own_pid()), for_children, host, name }
        };
        let each = NAMESPACES.into_iter().map(|(_, kind, file, _)| one(kind, file)).collect();
        Self { compared_with: host.clone(), each }
    }

    /// True if their names could be read.
    pub fn readable(&self) -> bool {
        self.each.iter().all(|namespace| namespace.name.is_some())
    }

    /// One of them.
    pub fn get(&self, kind: &str) -> Option<&Namespace> {
        self.each.iter().find(|namespace| namespace.kind == kind)
    }

    /// Whether one of them is the host's.
    pub fn is_hosts(&self, kind: &str) -> Option<bool> {
        self.get(kind)?.host
    }

    /// The kinds that are the host's (`true`), or are not.
    pub fn kinds(&self, host: bool) -> Vec<&'static str> {
        self.each.iter().filter(|namespace| namespace.host == Some(host)).map(|namespace| namespace.kind).collect()
    }
}

/// Where the links are hidden, other files tell some of it to everybody: how many
/// numbers the process has, its id maps, the numbers of its mounts. True if it
/// lives where the reader does.
fn guess(pid: i32, kind: &str, status: &Status) -> Option<bool> {
    let own = Status::of(proc::own_pid()).ok()?;
    match kind {
        "pid" => Some(status.numbers::<i32>("NSpid").len() == own.numbers::<i32>("NSpid").len()),
        "user" => {
            let map = |pid: &str| peer::id_map(pid, "uid_map");
            Some(map(&pid.to_string()) == map("self"))
        }
        "mnt" => {
            let numbers = |pid: &str| {
                let mounts = proc::mounts(pid).ok()?;
                Some(mounts.iter().map(|mount| mount.id).collect::<BTreeSet<_>>())
            };
            let (theirs, ours) = (numbers(&pid.to_string())?, numbers("self")?);
            (!theirs.is_empty()).then(|| !theirs.is_disjoint(&ours))
        }
        _ => None,
    }
}
