//! Why a call usually fails, and what to do about it.

use nix::errno::Errno;

use super::proc;

/// What a learner who meets this error needs to know.
pub fn of(call: &str, first: &str, errno: Errno) -> Option<String> {
    let hint = match call {
        "write" if first.contains("/cgroup") => in_cgroup(errno),
        "write" if first.contains("/attr/") => in_attr(errno),
        call => of_privilege(call, errno).or_else(|| usual(call, errno)),
    };
    let filtered = errno == Errno::EPERM && proc::status("self", "Seccomp").as_deref() == Some("2");
    match hint {
        Some(hint) if filtered && !hint.contains("seccomp") => Some(format!("{hint}\n{FILTERED}")),
        None if filtered => Some(FILTERED.to_owned()),
        hint => hint,
    }
}

const FILTERED: &str = "A seccomp filter is on this process: it is probably in a container already.
Start that container with --privileged, or with --security-opt seccomp=unconfined.";

/// Why a security module does not take a label for the next program. proc_pid_attr(5)
fn in_attr(errno: Errno) -> Option<String> {
    let hint = match errno {
        Errno::ENOENT => "No profile of that name is loaded: `aa-status` lists those that are.",
        Errno::EINVAL => "That is no label of this module: a context has the form user:role:type:level.",
        Errno::EACCES | Errno::EPERM => {
            "The present profile or the policy does not allow that change; after no_new_privs\nit may also be impossible."
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Why a cgroup does not take what is written to one of its files. cgroups(7)
fn in_cgroup(errno: Errno) -> Option<String> {
    let hint = match errno {
        Errno::EBUSY => {
            "The group uses more than that already, or v2 does not allow it while processes\nare in this cgroup (\"no internal processes\", cgroups(7))."
        }
        Errno::EINVAL => "The kernel did not accept that value for this file.",
        Errno::EACCES | Errno::EPERM => {
            "This user may not change that cgroup: it is not delegated, or a limit above it\nforbids the value."
        }
        Errno::ENODEV => "There is no such block device; a partition can't be limited, only the whole disk.",
        Errno::ERANGE => "The number is out of range: this machine can't have such a processor or memory node.",
        Errno::ENOSPC => "The cgroup has no processor or memory node yet (cpuset.cpus, cpuset.mems).",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Why a process can't change what it, or its children, may do.
fn of_privilege(call: &str, errno: Errno) -> Option<String> {
    let hint = match (call, errno) {
        ("capset", Errno::EPERM) => {
            "Only what is permitted already can be held: see CapPrm in /proc/self/status. As\nan ordinary user, or in a container, many capabilities are not."
        }
        ("prctl", Errno::EPERM) => "That needs CAP_SETPCAP, or a capability that is both permitted and inheritable.",
        ("prlimit64", Errno::EPERM) => {
            "A hard limit can be raised only with CAP_SYS_RESOURCE on the host itself, and\nnofile never beyond the sysctl fs.nr_open."
        }
        ("bind", Errno::EACCES) => {
            "Ports below 1024 (sysctl net.ipv4.ip_unprivileged_port_start) need\nCAP_NET_BIND_SERVICE in the user namespace that owns this network namespace."
        }
        ("landlock_restrict_self", Errno::EPERM) => {
            "Who may not mount (CAP_SYS_ADMIN) must give up setuid programs first: prctl with\nPR_SET_NO_NEW_PRIVS."
        }
        ("landlock_create_ruleset", Errno::ENOSYS) => {
            "Landlock came with Linux 5.13, and must be built in (CONFIG_SECURITY_LANDLOCK)."
        }
        ("landlock_create_ruleset", Errno::EOPNOTSUPP) => {
            "Landlock is built in but switched off: add it to the boot parameter lsm=, as in\nlsm=landlock,lockdown,yama,integrity,apparmor,bpf"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn usual(call: &str, errno: Errno) -> Option<String> {
    let hint = match (call, errno) {
        ("unshare" | "clone3", Errno::EPERM | Errno::EACCES | Errno::ENOSPC | Errno::EUSERS) => {
            return Some(no_namespaces(errno));
        }
        ("clone3", Errno::EAGAIN) => {
            "There are as many processes as may be: by pids.max of a cgroup (`boxlab cgroup\nshow`), or for this user (`ulimit -u`)."
        }
        ("unshare" | "clone3" | "setns", Errno::EINVAL) => {
            "This kernel lacks one of the namespaces asked for, or the caller has threads.\n`boxlab doctor` says which namespaces work here."
        }
        ("setns", Errno::EPERM) => {
            "Joining needs CAP_SYS_ADMIN in the user namespace that owns the target. Run as\nroot; or, where that user namespace is your own, join it with the others: --user."
        }
        ("pidfd_open", Errno::ESRCH) => "There is no such process. `boxlab ns ls` lists those that can be seen.",
        ("mount", Errno::EPERM) => {
            "Mounting needs CAP_SYS_ADMIN over this mount namespace. In a user namespace a\nread-only or nosuid flag of the host's mount can't be taken off again, and\nproc or sysfs can't be mounted where parts of the host's are covered."
        }
        ("mount", Errno::ENODEV) => {
            "This kernel does not have that filesystem. `cat /proc/filesystems` lists those it has."
        }
        ("mount", Errno::EINVAL) => "The filesystem refused its options. `dmesg | tail` often says which one.",
        ("mount" | "open_tree", Errno::ENOENT) => "The source or the target of the mount does not exist.",
        ("mount", Errno::ENOTDIR) => "One side of a bind mount is a directory and the other a file.",
        ("mount", Errno::ELOOP) => "A symbolic link stands where none may be followed.",
        ("pivot_root", Errno::EINVAL) => {
            "pivot_root wants a mount point as the new root, on a private mount, and never\nthe initial ramfs. Make propagation private and bind the root onto itself first."
        }
        ("pivot_root", Errno::EBUSY) => "The new root is the current root: it must be a mount of its own.",
        ("sethostname", Errno::EPERM) => {
            "Naming needs CAP_SYS_ADMIN in the user namespace that owns this UTS namespace."
        }
        ("sethostname", Errno::EINVAL) => "A hostname has at most 64 bytes.",
        ("write", Errno::EPERM) => {
            "An id map may be written once, by the parent: one's own id alone, or ranges\nwith CAP_SETUID. Ranges of /etc/subuid are written by newuidmap(1)."
        }
        ("write", Errno::EINVAL) => "The kernel did not accept that value; see the man pages named above.",
        ("setresuid" | "setresgid" | "setgroups" | "fchown", Errno::EINVAL) => {
            "That id is not mapped in this user namespace. More ids need a line for you in\n/etc/subuid and /etc/subgid, and newuidmap (package uidmap); see `boxlab doctor`."
        }
        ("execve", Errno::ENOENT) => {
            "The file exists but not what it asks for: its ELF interpreter (see `file`), or\nthe program behind `#!`. In a root directory of its own, that must be inside."
        }
        ("execve", Errno::ENOEXEC) => "Not a program for this machine: wrong architecture, or a script without `#!`.",
        ("execve", Errno::EACCES) => "No execute permission, or it lies on a mount with noexec.",
        ("seccomp", Errno::EACCES) => {
            "A filter needs CAP_SYS_ADMIN in this user namespace, or no_new_privs before it:\nelse it could make a setuid program believe that it has laid down its privileges."
        }
        ("seccomp", Errno::EINVAL) => {
            "This kernel has no seccomp filters (CONFIG_SECCOMP_FILTER), or not that flag.\n`grep Seccomp /proc/self/status` says whether it has seccomp at all."
        }
        (_, Errno::ENOSPC) => "There is no space left there: `df -h` and `df -i` show what is full.",
        (_, Errno::EROFS) => "That filesystem is read-only.",
        (_, Errno::ENOSYS) => "This kernel does not have the call, or a seccomp filter hides it. See `boxlab doctor`.",
        ("mkdir" | "openat" | "openat2" | "mkdirat", Errno::EACCES) => "No permission for that path as this user.",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What keeps this process from making namespaces, most likely first.
pub fn no_namespaces(errno: Errno) -> String {
    if errno == Errno::ENOSPC || proc::setting("user/max_user_namespaces") == Some(0) {
        return "The limit on user namespaces is reached or 0.\nAs root: sysctl user.max_user_namespaces=15000"
            .to_owned();
    }
    if proc::setting("kernel/unprivileged_userns_clone") == Some(0) {
        return "This host forbids user namespaces to ordinary users.\nAs root: sysctl kernel.unprivileged_userns_clone=1".to_owned();
    }
    if proc::setting("kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        return "AppArmor forbids user namespaces to programs without a profile (Ubuntu 23.10\nand later). As root: sysctl kernel.apparmor_restrict_unprivileged_userns=0".to_owned();
    }
    if proc::status("self", "Seccomp").as_deref() == Some("2") {
        return FILTERED.to_owned();
    }
    if super::identity::euid() == 0 {
        return "Root without CAP_SYS_ADMIN, as in a container: give it that capability\n(--cap-add SYS_ADMIN or --privileged), or run on the host itself.".to_owned();
    }
    "This needs root, or a user namespace around it. A process in a chroot can't make\none. `boxlab doctor` tries what works here.".to_owned()
}
