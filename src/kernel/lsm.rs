//! Security modules: who is asked besides the kernel's own rules, and the labels by
//! which AppArmor and SELinux know a process. lsm_list_modules(2), apparmor(7),
//! selinux(8), proc_pid_attr(5)

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, ResolveFlag};
use nix::sys::statfs::PROC_SUPER_MAGIC;

use super::Kernel;
use crate::error::{Error, Result};

/// Where securityfs is mounted; systemd does that.
pub const SECURITYFS: &str = "/sys/kernel/security";

/// Takes the name of a profile that AppArmor shall forget.
pub const REMOVE_PROFILE: &str = "/sys/kernel/security/apparmor/.remove";

/// Number, name and purpose of each module. linux/lsm.h
const MODULES: [(u64, &str, &str); 14] = [
    (100, "capability", "root's power in pieces; always there"),
    (101, "selinux", "labels on everything, a policy for who may touch what"),
    (102, "smack", "labels, with simpler rules"),
    (103, "tomoyo", "rules by the history of a process's programs"),
    (104, "apparmor", "a profile of paths and capabilities for a program"),
    (105, "yama", "who may trace whom"),
    (106, "loadpin", "kernel modules from one filesystem alone"),
    (107, "safesetid", "which ids may become which"),
    (108, "lockdown", "what even root may not do to the kernel"),
    (109, "bpf", "rules that are loaded as BPF programs"),
    (110, "landlock", "what a process takes from itself"),
    (111, "ima", "measures files before they are used"),
    (112, "evm", "guards the attributes of files"),
    (113, "ipe", "only what has integrity may run"),
];

/// What a module is for.
pub fn purpose(module: &str) -> &'static str {
    MODULES.iter().find(|(_, name, _)| *name == module).map_or("", |(_, _, purpose)| purpose)
}

/// The modules at work, in the order in which they are asked; `None` if the kernel
/// is older than 6.8 and securityfs is not there to be read.
pub fn active() -> Option<Vec<String>> {
    listed().or_else(|| {
        let text = fs::read_to_string(Path::new(SECURITYFS).join("lsm")).ok()?;
        Some(text.trim().split(',').map(str::to_owned).collect())
    })
}

/// libc has no name for it yet; the number is the same on every architecture.
const SYS_LSM_LIST_MODULES: libc::c_long = 461;

fn listed() -> Option<Vec<String>> {
    let mut ids = [0_u64; 32];
    let mut size = u32::try_from(size_of_val(&ids)).ok()?;
    // SAFETY: the kernel writes at most `size` bytes to `ids`; both outlive the call.
    let count = unsafe { libc::syscall(SYS_LSM_LIST_MODULES, ids.as_mut_ptr(), &raw mut size, 0) };
    let count = usize::try_from(count).ok()?;
    let name = |id: &u64| {
        let known = MODULES.iter().find(|(known, ..)| known == id);
        known.map_or_else(|| format!("number {id}"), |(_, name, _)| (*name).to_owned())
    };
    Some(ids.iter().take(count).map(name).collect())
}

/// A module that decides by labels on processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// A label is the name of a profile.
    AppArmor,
    /// A label is a context: `user:role:type:level`.
    Selinux,
}

impl Labels {
    /// True if it is at work here. The signs are those that need no privilege and
    /// no securityfs; a kernel that was merely built with it shows none of them.
    pub fn active(self) -> bool {
        match self {
            Self::AppArmor => {
                fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.trim() == "Y")
            }
            Self::Selinux => Path::new("/sys/fs/selinux/enforce").exists(),
        }
    }

    /// As its own documentation writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AppArmor => "AppArmor",
            Self::Selinux => "SELinux",
        }
    }

    /// The directory of its files in /proc/PID: its own, since Linux 5.8, because
    /// the common one belongs to whichever module came first.
    fn directory(self, pid: &str) -> &'static str {
        let own = Path::new("/proc").join(pid).join("attr/apparmor");
        if self == Self::AppArmor && own.exists() { "attr/apparmor" } else { "attr" }
    }
}

/// The label of a process: `docker-default (enforce)`, `unconfined`, or a context.
pub fn label(pid: &str) -> Option<String> {
    let module = [Labels::AppArmor, Labels::Selinux].into_iter().find(|module| module.active())?;
    let text = fs::read_to_string(format!("/proc/{pid}/{}/current", module.directory(pid))).ok()?;
    Some(text.trim_end_matches(['\n', '\0']).to_owned())
}

/// True if AppArmor has this profile; `None` if its list can't be read.
pub fn profile_is_loaded(name: &str) -> Option<bool> {
    let list = fs::read_to_string(Path::new(SECURITYFS).join("apparmor/profiles")).ok()?;
    Some(list.lines().any(|line| line.rsplit_once(" (").is_some_and(|(profile, _)| profile == name)))
}

impl Kernel {
    /// The file that says as what the next program of this thread runs. An image can
    /// cover it with a file that takes everything and does nothing: so this must be
    /// the root of a procfs, and no mount may lie between it and the file.
    /// CVE-2019-16884, CVE-2025-52881
    #[track_caller]
    pub fn open_exec_attr(&self, module: Labels) -> Result<OwnedFd> {
        let proc = self.open(Path::new("/proc"), OFlag::O_PATH | OFlag::O_DIRECTORY, 0)?;
        if !self.plans() && !is_procfs(&proc) {
            return Err(Error::new("/proc is not a proc filesystem: a label would be written to nowhere"));
        }
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_XDEV | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        self.openat2(proc.as_fd(), &exec_attr(module), OFlag::O_WRONLY, 0, resolve)
    }

    /// Says as what the next program runs; execve(2) then makes it so. To be called
    /// before `no_new_privs`, which could forbid it, and while this process can still
    /// tell (see `last`). aa_change_onexec(2), setexeccon(3)
    #[track_caller]
    pub fn set_exec_label(&self, module: Labels, label: &str) -> Result<()> {
        let file = self.open_exec_attr(module)?;
        let text = match module {
            Labels::AppArmor => format!("exec {label}"),
            Labels::Selinux => label.to_owned(),
        };
        self.write(&file, &Path::new("/proc").join(exec_attr(module)), text.as_bytes())
    }
}

fn exec_attr(module: Labels) -> PathBuf {
    Path::new("thread-self").join(module.directory("thread-self")).join("exec")
}

/// The root of a procfs has the inode number 1, a directory in it has not.
fn is_procfs(directory: &OwnedFd) -> bool {
    let kind = nix::sys::statfs::fstatfs(directory).is_ok_and(|found| found.filesystem_type() == PROC_SUPER_MAGIC);
    kind && nix::sys::stat::fstat(directory).is_ok_and(|found| found.st_ino == 1)
}

#[cfg(test)]
mod tests {
    use super::{active, is_procfs};

    #[test]
    fn only_the_root_of_proc_will_do() {
        let open = |path: &str| std::fs::File::open(path).expect("a directory").into();
        assert!(is_procfs(&open("/proc")));
        assert!(!is_procfs(&open("/proc/self")), "what lies beneath");
        assert!(!is_procfs(&open("/")), "another filesystem");
    }

    #[test]
    fn every_kernel_that_tells_has_capabilities() {
        // `None`: an old kernel without securityfs tells nothing.
        assert!(active().is_none_or(|modules| modules.contains(&"capability".to_owned())));
    }
}
