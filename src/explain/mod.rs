//! What isolates a process: any process of this machine, whoever made it.
//!
//! [`Portrait::of`] gathers what the kernel tells of it, part by part; [`aspect`]
//! has the table by which that is judged; [`compare`] lays two side by side. All of
//! it only reads: /proc, the cgroup filesystems, ioctl_ns(2).

pub mod aspect;
pub mod compare;
pub mod files;
pub mod guards;
pub mod identity;
pub mod judge;
pub mod limits;
pub mod namespaces;
pub mod verdict;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::kernel::peer::{self, Status};
use crate::kernel::{euid, proc};
use files::{Files, Outside};
use guards::Guards;
use identity::Identity;
use limits::Cgroups;
use namespaces::{Host, Namespaces};

/// What sort of process it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One that runs a program.
    Process,
    /// A thread of the kernel itself: nothing is isolated from it.
    KernelThread,
    /// One that has ended and waits for its parent to ask how.
    Zombie,
}

/// All that can be seen of one process.
#[derive(Debug, Clone, Serialize)]
pub struct Portrait {
    /// Its number, as the reader's PID namespace counts.
    pub pid: i32,
    /// The process whose thread it is, if that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_of: Option<i32>,
    /// Its command line.
    pub command: String,
    /// What sort of process it is.
    pub kind: Kind,
    /// Who it is, in and outside of its user namespace.
    pub identity: Identity,
    /// Which namespaces it lives in, against the host's.
    pub namespaces: Namespaces,
    /// The files that it sees; `None` if its mounts are hidden.
    pub files: Option<Files>,
    /// What it holds outside of its root; `None` if its descriptors are hidden.
    pub outside: Option<Vec<Outside>>,
    /// What it may use.
    pub cgroups: Cgroups,
    /// What it may do.
    pub guards: Guards,
    /// What this reader may not see of it.
    pub hidden: Vec<&'static str>,
}

impl Portrait {
    /// Looks at a process. An error if there is none, or if it ends meanwhile: then
    /// the parts could be those of two.
    pub fn of(pid: i32) -> Result<Self> {
        // ENOENT, or ESRCH if it ends between open and read.
        let status = Status::of(pid).map_err(|_| missing(pid))?;
        let started = proc::start_time(pid);
        let host = Host::find();
        let namespaces = Namespaces::of(pid, &status, &host);
        let files = Files::of(pid, &host, &namespaces);
        let outside = files.as_ref().and_then(|files| files::outside(pid, files));
        let portrait = Self {
            pid,
            thread_of: status.number("Tgid").filter(|group| *group != pid),
            command: proc::command(pid),
            kind: kind(pid, &status),
            identity: Identity::of(pid, &status, &namespaces),
            files,
            outside,
            cgroups: Cgroups::of(pid, &status),
            guards: Guards::of(pid, &status),
            hidden: Vec::new(),
            namespaces,
        };
        if proc::start_time(pid) != started {
            return Err(Error::new(format!("process {pid} ended while it was looked at"))
                .hint("What was read may be half of one process and half of another: try again."));
        }
        Ok(Self { hidden: portrait.unseen(), ..portrait })
    }

    /// What is missing, for want of a right; a zombie and a kernel thread lack it.
    fn unseen(&self) -> Vec<&'static str> {
        let root = self.files.as_ref().is_some_and(|files| files.root.path.is_some());
        let parts = [
            ("namespaces", self.namespaces.readable()),
            ("mounts", self.files.is_some()),
            ("root", root),
            ("descriptors", self.outside.is_some()),
        ];
        let hidden = parts.into_iter().filter(|(_, seen)| self.kind == Kind::Process && !seen);
        hidden.map(|(name, _)| name).collect()
    }

    /// Who could see what is hidden from this reader.
    pub fn remedy(&self) -> &'static str {
        if euid() == 0 {
            "Even root here may not trace it: it has a capability that you lack, or a security\nmodule forbids it (ptrace(2), \"Ptrace access mode checking\")."
        } else {
            "Root sees it (sudo boxlab explain ...), and its owner unless it is setuid or not dumpable."
        }
    }
}

fn kind(pid: i32, status: &Status) -> Kind {
    if peer::is_kernel_thread(pid) {
        return Kind::KernelThread;
    }
    if status.text("State").starts_with(['Z', 'X']) { Kind::Zombie } else { Kind::Process }
}

fn missing(pid: i32) -> Error {
    let error = Error::new(format!("there is no process {pid}"));
    let hidepid = proc::mounts("self").unwrap_or_default();
    let hidepid: BTreeSet<&str> = hidepid
        .iter()
        .filter(|mount| mount.kind == "proc")
        .flat_map(|mount| mount.super_options.split(','))
        .filter(|option| option.starts_with("hidepid="))
        .collect();
    match hidepid.first() {
        Some(option) => error.hint(format!("Or /proc, mounted with {option}, hides it from you: ask as root.")),
        None => error.hint("`ps -e` lists those that run, `boxlab ns ls` those that live apart from the host."),
    }
}
