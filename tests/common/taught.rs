//! Which calls boxlab teaches, so that none may go untold (design, "Honest by test").

use super::call::Call;
use super::strace_lines::without_annotation;

/// Taught whatever their arguments are.
const ALWAYS: [&str; 46] = [
    "clone",
    "clone3",
    "fork",
    "vfork",
    "unshare",
    "setns",
    "mount",
    "umount2",
    "open_tree",
    "move_mount",
    "mount_setattr",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "pivot_root",
    "chroot",
    "chdir",
    "fchdir",
    "sethostname",
    "setdomainname",
    "mknod",
    "mknodat",
    "symlink",
    "symlinkat",
    "capset",
    "seccomp",
    "landlock_create_ruleset",
    "landlock_add_rule",
    "landlock_restrict_self",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setfsuid",
    "setfsgid",
    "setgroups",
    "setrlimit",
    "setsid",
    "setpgid",
    "execve",
    "execveat",
    "kill",
    "pidfd_send_signal",
];

/// Taught when they set something, or touch one of the kernel's own files.
const SOMETIMES: [&str; 9] = ["bpf", "prctl", "prlimit64", "ioctl", "write", "mkdir", "mkdirat", "rmdir", "sendto"];

/// Not taught, but told where a lesson is about what they do.
const TOLD: [&str; 20] = [
    "bind",
    "keyctl",
    "personality",
    "openat",
    "openat2",
    "unlink",
    "unlinkat",
    "msgget",
    "mq_open",
    "wait4",
    "waitid",
    "pidfd_open",
    "socket",
    "close_range",
    "fchown",
    "fchownat",
    "fchmod",
    "umask",
    "tkill",
    "tgkill",
];

/// What queries of prctl(2) begin with, or are called.
const QUERIES: [&str; 4] = ["PR_GET_", "PR_CAPBSET_READ", "PR_CAP_AMBIENT_IS_SET", "PR_MCE_KILL_GET"];

/// Requests of ioctl(2) that change a terminal.
const TERMINAL: [&str; 10] = [
    "TCSETS",
    "TCSETSW",
    "TCSETSF",
    "TIOCSWINSZ",
    "TIOCSCTTY",
    "TIOCSPTLCK",
    "TIOCGPTPEER",
    "TIOCSPGRP",
    "TIOCNOTTY",
    "TIOCSTI",
];

/// Files of /proc/PID in which a process's isolation is written down.
const PROC_FILES: [&str; 7] =
    ["uid_map", "gid_map", "setgroups", "oom_score_adj", "timens_offsets", "attr/exec", "attr/apparmor/exec"];

/// What strace is to watch.
pub fn watched() -> String {
    let names = ALWAYS.iter().chain(&SOMETIMES).chain(&TOLD);
    // `?` keeps a name that this strace does not know from being an error.
    names.map(|name| format!("?{name}")).collect::<Vec<_>>().join(",")
}

/// True if strace watches this call: an event of another could not be judged.
pub fn is_watched(name: &str) -> bool {
    ALWAYS.iter().chain(&SOMETIMES).chain(&TOLD).any(|known| *known == name)
}

/// True if this call, as strace prints it, must have its event.
pub fn is_taught(call: &Call) -> bool {
    let arg = |index: usize| call.args.get(index).map_or("", String::as_str);
    match call.name.as_str() {
        "prctl" => !QUERIES.iter().any(|query| arg(0).starts_with(query) || arg(1).starts_with(query)),
        "bpf" => arg(0) != "BPF_PROG_QUERY",
        "prlimit64" => arg(2) != "NULL",
        "ioctl" => TERMINAL.contains(&request(arg(1))),
        "write" => kernel_file(arg(0)),
        "mkdir" | "rmdir" => arg(0).starts_with("\"/sys/fs/cgroup"),
        "mkdirat" | "unlinkat" => arg(0).contains("</sys/fs/cgroup") || arg(1).starts_with("\"/sys/fs/cgroup"),
        // Of a socket's kinds strace knows by name only those of its own network
        // namespace; the message itself tells a netlink socket from others.
        "sendto" => arg(1).starts_with("[{nlmsg_len=") && !asks(arg(1)),
        // A thread is no process and has no namespace of its own. clone(2), CLONE_THREAD
        "clone" | "clone3" => !call.args.iter().any(|arg| arg.contains("CLONE_THREAD")),
        name => ALWAYS.contains(&name),
    }
}

/// True if a netlink message only asks, as getifaddrs(3) does: of each kind of thing
/// RTM_GET is the third message of four. rtnetlink(7)
fn asks(message: &str) -> bool {
    let Some((_, rest)) = message.split_once("nlmsg_type=") else { return false };
    let kind = rest.split([',', ' ']).next().unwrap_or_default();
    let number = kind.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
    number.map_or(kind.starts_with("RTM_GET"), |number| number % 4 == 2)
}

/// strace knows two names for the number of TCSETS.
pub fn request(text: &str) -> &str {
    text.rsplit(" or ").next().unwrap_or(text)
}

/// True if a write reaches a cgroup or one of the files of /proc that are taught.
fn kernel_file(descriptor: &str) -> bool {
    let path = descriptor.strip_prefix(without_annotation(descriptor)).unwrap_or_default().trim_start_matches('<');
    let path = path.trim_end_matches('>');
    let taught = |file: &&str| path.starts_with("/proc/") && path.ends_with(&format!("/{file}"));
    path.starts_with("/sys/fs/cgroup/") || PROC_FILES.iter().any(taught)
}
