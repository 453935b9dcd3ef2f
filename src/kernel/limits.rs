//! Resource limits: what one process may use. Soft is what counts, hard is how far
//! the process itself may raise it. getrlimit(2), proc_pid_limits(5)

use std::fmt;

use nix::errno::Errno;

use super::capability::CAP_SYS_RESOURCE;
use super::{CapSets, Kernel, maps, nearest, proc};
use crate::error::{Error, Result};

/// No limit: `RLIM64_INFINITY`.
pub const UNLIMITED: u64 = u64::MAX;

/// One of the resources that the kernel limits.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// As `docker run --ulimit` names it.
    pub name: &'static str,
    /// As the kernel names it.
    pub kernel: &'static str,
    /// What a line of /proc/PID/limits begins with.
    label: &'static str,
    /// What is limited.
    pub about: &'static str,
}

const fn resource(name: &'static str, kernel: &'static str, label: &'static str, about: &'static str) -> Resource {
    Resource { name, kernel, label, about }
}

/// All of them; a resource's place is the kernel's number for it.
pub static RESOURCES: [Resource; 16] = [
    resource("cpu", "RLIMIT_CPU", "Max cpu time", "seconds of processor time"),
    resource("fsize", "RLIMIT_FSIZE", "Max file size", "bytes of a file that is written"),
    resource("data", "RLIMIT_DATA", "Max data size", "bytes of private memory"),
    resource("stack", "RLIMIT_STACK", "Max stack size", "bytes of the stack"),
    resource("core", "RLIMIT_CORE", "Max core file size", "bytes of a core dump"),
    resource("rss", "RLIMIT_RSS", "Max resident set", "nothing any more (Linux 2.4.30)"),
    resource("nproc", "RLIMIT_NPROC", "Max processes", "processes and threads of the user"),
    resource("nofile", "RLIMIT_NOFILE", "Max open files", "open descriptors"),
    resource("memlock", "RLIMIT_MEMLOCK", "Max locked memory", "bytes locked in memory"),
    resource("as", "RLIMIT_AS", "Max address space", "bytes of address space"),
    resource("locks", "RLIMIT_LOCKS", "Max file locks", "nothing any more (Linux 2.4.25)"),
    resource("sigpending", "RLIMIT_SIGPENDING", "Max pending signals", "signals queued for the user"),
    resource("msgqueue", "RLIMIT_MSGQUEUE", "Max msgqueue size", "bytes of the user's message queues"),
    resource("nice", "RLIMIT_NICE", "Max nice priority", "20 minus the lowest nice value"),
    resource("rtprio", "RLIMIT_RTPRIO", "Max realtime priority", "highest real-time priority"),
    resource("rttime", "RLIMIT_RTTIME", "Max realtime timeout", "µs of real-time work without a pause"),
];

impl Resource {
    fn number(&self) -> usize {
        RESOURCES.iter().position(|resource| resource == self).unwrap_or(RESOURCES.len())
    }

    fn named(name: &str) -> Result<&'static Self> {
        if let Some(known) = RESOURCES.iter().find(|resource| resource.name == name) {
            return Ok(known);
        }
        let names = || RESOURCES.iter().map(|resource| resource.name);
        let near = nearest(name, names()).map_or_else(String::new, |near| format!("Did you mean '{near}'? "));
        let known: Vec<&str> = names().collect();
        let error = Error::usage(format!("there is no limit '{name}'"));
        Err(error.hint(format!("{near}There are: {}.", known.join(", "))))
    }
}

/// A wish: a resource, its soft and its hard limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What is limited.
    pub resource: &'static Resource,
    /// What the process may use.
    pub soft: u64,
    /// How far it may raise that.
    pub hard: u64,
}

impl Limit {
    /// `nofile=1024:2048`, or one number for both; -1 and `unlimited` are no limit.
    /// Units are the kernel's: bytes, seconds, pieces. docker-run(1), --ulimit
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::usage(format!("'{text}' is no limit"))
                .hint("Write NAME=SOFT:HARD or NAME=BOTH, as in nofile=1024:2048.")
        };
        let (name, values) = text.split_once('=').ok_or_else(wrong)?;
        let resource = Resource::named(name)?;
        let (soft, hard) = values.split_once(':').unwrap_or((values, values));
        let (soft, hard) = (value(soft).ok_or_else(wrong)?, value(hard).ok_or_else(wrong)?);
        if soft > hard {
            return Err(Error::usage(format!("'{text}' has a soft limit above the hard one")));
        }
        Ok(Self { resource, soft, hard })
    }

    /// The caller's own. getrlimit(2)
    pub fn own(resource: &'static Resource) -> Self {
        let mut limit = Pair { soft: UNLIMITED, hard: UNLIMITED };
        let none: *const Pair = std::ptr::null();
        // SAFETY: with no new limit, the kernel fills in one `Pair`, which outlives the call.
        unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource.number(), none, &raw mut limit) };
        Self { resource, soft: limit.soft, hard: limit.hard }
    }

    /// Says beforehand why [`Kernel::prlimit64`] would refuse, if it would.
    pub fn check(&self) -> Result<()> {
        let now = Self::own(self.resource);
        let error = Error::new(format!("cannot set the limit {self}"));
        if self.hard > now.hard && !can_raise() {
            let present = format!("The hard limit is {} here, and only CAP_SYS_RESOURCE", spelled(now.hard));
            return Err(error.hint(format!("{present}\non the host itself may raise it. Ask for no more than that.")));
        }
        let most = proc::setting("fs/nr_open").and_then(|most| u64::try_from(most).ok());
        match most.filter(|most| self.resource.name == "nofile" && self.hard > *most) {
            Some(most) => {
                Err(error.hint(format!("The kernel allows {most} at most. As root: sysctl fs.nr_open=NUMBER")))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}:{}", self.resource.name, spelled(self.soft), spelled(self.hard))
    }
}

/// True if this process may raise a hard limit: the capability counts only in the
/// first user namespace. capabilities(7)
pub fn can_raise() -> bool {
    CapSets::held().effective.contains(CAP_SYS_RESOURCE) && maps::on_the_host()
}

/// The limits of a process, in the kernel's order. proc_pid_limits(5)
pub fn of(pid: &str) -> Vec<Limit> {
    let text = proc::lines(&format!("/proc/{pid}/limits"));
    let limit = |resource: &'static Resource| {
        let values = text.iter().find_map(|line| line.strip_prefix(resource.label))?;
        let mut values = values.split_ascii_whitespace().map(value);
        Some(Limit { resource, soft: values.next()??, hard: values.next()?? })
    };
    RESOURCES.iter().filter_map(limit).collect()
}

/// A limit as a reader has it: a number, or `unlimited`.
pub fn spelled(limit: u64) -> String {
    if limit == UNLIMITED { "unlimited".to_owned() } else { limit.to_string() }
}

fn value(text: &str) -> Option<u64> {
    match text {
        "-1" | "unlimited" => Some(UNLIMITED),
        number => number.parse().ok(),
    }
}

/// `struct rlimit64`
#[repr(C)]
struct Pair {
    soft: u64,
    hard: u64,
}

impl Kernel {
    /// Sets one of the caller's limits, which its children inherit. prlimit(2)
    #[track_caller]
    pub fn prlimit64(&self, limit: &Limit) -> Result<()> {
        let before = self.tells().then(|| Limit::own(limit.resource));
        let args = || {
            let pair = format!("{{rlim_cur={}, rlim_max={}}}", by_strace(limit.soft), by_strace(limit.hard));
            vec!["0".to_owned(), limit.resource.kernel.to_owned(), pair, "NULL".to_owned()]
        };
        let pair = Pair { soft: limit.soft, hard: limit.hard };
        self.call("prlimit64", args, || {
            let none: *mut Pair = std::ptr::null_mut();
            // SAFETY: the kernel reads one `Pair`, which outlives the call, and writes none.
            let set = unsafe { libc::syscall(libc::SYS_prlimit64, 0, limit.resource.number(), &raw const pair, none) };
            Errno::result(set).map(drop)
        })?;
        if let Some(before) = before {
            let both = |limit: Limit| format!("{} (hard {})", spelled(limit.soft), spelled(limit.hard));
            self.state(limit.resource.name, &both(before), &both(Limit::own(limit.resource)));
        }
        Ok(())
    }
}

/// strace writes 2048 as `2*1024`.
fn by_strace(limit: u64) -> String {
    match limit {
        UNLIMITED => "RLIM64_INFINITY".to_owned(),
        limit if limit > 1024 && limit.is_multiple_of(1024) => format!("{}*1024", limit / 1024),
        limit => limit.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, RESOURCES, UNLIMITED, by_strace, of};

    fn parsed(text: &str) -> Option<(usize, u64, u64)> {
        Limit::parse(text).ok().map(|limit| (limit.resource.number(), limit.soft, limit.hard))
    }

    #[test]
    fn limits_are_written_as_docker_has_them() {
        assert_eq!(parsed("nofile=1024:2048"), Some((7, 1024, 2048)));
        assert_eq!(parsed("fsize=10"), Some((1, 10, 10)));
        assert_eq!(parsed("core=0:-1"), Some((4, 0, UNLIMITED)));
        assert_eq!(parsed("stack=unlimited"), Some((3, UNLIMITED, UNLIMITED)));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["nofile", "nofile=", "nofile=1:", "nofile=x", "nofile=2:1", "nofile=-1:5", "files=1", "nofile=-2"]
        {
            assert!(Limit::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_spelled_as_strace_does() {
        assert_eq!([1024, 2048, 2049, UNLIMITED].map(by_strace), ["1024", "2*1024", "2049", "RLIM64_INFINITY"]);
    }

    #[test]
    fn the_kernel_and_proc_say_the_same() {
        let listed = of("self");
        assert_eq!(listed.len(), RESOURCES.len());
        for limit in listed {
            assert_eq!(limit, Limit::own(limit.resource));
        }
    }
}
