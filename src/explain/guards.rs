//! What a process may do: capabilities, seccomp, no_new_privs, the security module,
//! limits of its own. proc_pid_status(5), capabilities(7), seccomp(2)

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde::{Serialize, Serializer};

use crate::kernel::capability::{
    CAP_BPF, CAP_DAC_READ_SEARCH, CAP_MAC_ADMIN, CAP_MAC_OVERRIDE, CAP_SYS_ADMIN, CAP_SYS_BOOT, CAP_SYS_MODULE,
    CAP_SYS_PTRACE, CAP_SYS_RAWIO, CAP_SYSLOG,
};
use crate::kernel::limits::{self, UNLIMITED};
use crate::kernel::lsm::{self, Labels};
use crate::kernel::peer::{self, Status};
use crate::kernel::{CapSet, CapSets, proc};
use crate::primitives::security::caps::DEFAULT;

/// Each of these is a way to rule the machine, the shortest first.
pub const RULING: [u8; 10] = [
    CAP_SYS_MODULE,
    CAP_SYS_ADMIN,
    CAP_SYS_RAWIO,
    CAP_SYS_PTRACE,
    CAP_DAC_READ_SEARCH,
    CAP_SYS_BOOT,
    CAP_BPF,
    CAP_MAC_ADMIN,
    CAP_MAC_OVERRIDE,
    CAP_SYSLOG,
];

/// The five sets, and what is unusual about them.
#[derive(Debug, Clone, Serialize)]
pub struct Capabilities {
    /// As /proc/PID/status has them.
    #[serde(flatten, serialize_with = "sets")]
    pub sets: CapSets,
    /// Permitted, beyond the 14 that engines leave to root.
    #[serde(serialize_with = "names")]
    pub beyond: CapSet,
    /// Of those 14, not permitted.
    #[serde(serialize_with = "names")]
    pub missing: CapSet,
}

fn sets<S: Serializer>(sets: &CapSets, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Set {
        mask: String,
        names: Vec<String>,
    }
    let set = |set: CapSet| Set { mask: format!("{:016x}", set.bits()), names: set.names() };
    serializer.collect_map([
        ("inheritable", set(sets.inheritable)),
        ("permitted", set(sets.permitted)),
        ("effective", set(sets.effective)),
        ("bounding", set(sets.bounding)),
        ("ambient", set(sets.ambient)),
    ])
}

fn names<S: Serializer>(set: &CapSet, serializer: S) -> Result<S::Ok, S::Error> {
    set.names().serialize(serializer)
}

/// seccomp(2), by the number in /proc/PID/status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// No filter.
    Disabled,
    /// read, write, exit and sigreturn alone.
    Strict,
    /// Filters decide.
    Filter,
}

/// Which system calls are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Seccomp {
    /// Who decides.
    pub mode: Mode,
    /// How many filters, if this kernel says.
    pub filters: Option<u32>,
}

/// A resource limit; `None` is no limit. getrlimit(2)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rlimit {
    /// As `docker run --ulimit` names it.
    pub name: &'static str,
    /// What counts.
    pub soft: Option<u64>,
    /// How far the process may raise it.
    pub hard: Option<u64>,
}

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub struct Guards {
    /// Its capabilities.
    pub capabilities: Capabilities,
    /// Its filters; `None` if this kernel has no seccomp.
    pub seccomp: Option<Seccomp>,
    /// Whether execve(2) can give it nothing more.
    pub no_new_privs: bool,
    /// What a security module calls it.
    pub security_label: Option<String>,
    /// Whether a module that gives labels is at work on this host.
    pub security_labels: bool,
    /// The security modules at work on this host; `None` if that is hidden.
    pub security_modules: Option<Vec<String>>,
    /// Whether its memory may be dumped and read by its user; `None` for root, of
    /// whom /proc does not tell.
    pub dumpable: Option<bool>,
    /// How gladly the kernel ends it when memory is short: -1000 never, 1000 first.
    pub oom_score_adj: Option<i32>,
    /// Its limits.
    pub rlimits: Vec<Rlimit>,
    /// Its controlling terminal.
    pub terminal: Option<String>,
}

impl Guards {
    /// Those of a process.
    pub fn of(pid: i32, status: &Status) -> Self {
        let sets = proc::capabilities(&pid.to_string()).unwrap_or_default();
        let bound = |limit: u64| (limit != UNLIMITED).then_some(limit);
        let rlimit = |limit: limits::Limit| Rlimit {
            name: limit.resource.name,
            soft: bound(limit.soft),
            hard: bound(limit.hard),
        };
        Self {
            capabilities: Capabilities {
                beyond: sets.permitted.minus(DEFAULT),
                missing: DEFAULT.minus(sets.permitted),
                sets,
            },
            seccomp: seccomp(status),
            no_new_privs: status.number("NoNewPrivs") == Some(1),
            security_label: lsm::label(&pid.to_string()),
            security_labels: [Labels::AppArmor, Labels::Selinux].into_iter().any(Labels::active),
            security_modules: lsm::active(),
            dumpable: dumpable(pid, status),
            oom_score_adj: fs::read_to_string(format!("/proc/{pid}/oom_score_adj"))
                .ok()
                .and_then(|text| text.trim().parse().ok()),
            rlimits: limits::of(&pid.to_string()).into_iter().map(rlimit).collect(),
            terminal: peer::terminal(pid),
        }
    }

    /// One of its limits.
    pub fn rlimit(&self, name: &str) -> Option<&Rlimit> {
        self.rlimits.iter().find(|limit| limit.name == name)
    }
}

fn seccomp(status: &Status) -> Option<Seccomp> {
    let mode = match status.number("Seccomp")? {
        0 => Mode::Disabled,
        1 => Mode::Strict,
        _ => Mode::Filter,
    };
    Some(Seccomp { mode, filters: status.number("Seccomp_filters") })
}

/// The files of a process that must not be dumped belong to root. proc(5)
fn dumpable(pid: i32, status: &Status) -> Option<bool> {
    let effective: u32 = *status.numbers("Uid").get(1)?;
    let owner = fs::metadata(format!("/proc/{pid}/status")).ok()?.uid();
    (effective != 0).then_some(owner == effective)
}
