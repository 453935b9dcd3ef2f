//! The commands that are judged: every lab command, and `run` in its variants.

use crate::common::people::Rights;
use crate::common::strace::Streams;

/// One command and the status that it must end with, as root, with ranges of ids,
/// and with a single one.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The words after `boxlab`.
    pub words: &'static [&'static str],
    /// What its standard streams are.
    pub streams: Streams,
    /// As root, with ranges, with a single id.
    statuses: [i32; 3],
    cgroups: bool,
}

impl Case {
    /// For the name of a trial.
    pub fn name(&self) -> String {
        self.words.join(" ")
    }

    /// The status that it must end with.
    pub fn status(&self, rights: Rights) -> i32 {
        self.statuses[rights as usize]
    }

    const fn on_terminal(self) -> Self {
        Self { streams: Streams::Terminal, ..self }
    }

    const fn ends(self, status: i32) -> Self {
        Self { statuses: [status; 3], ..self }
    }

    /// Needs cgroups: where they are not this person's to make, it is refused.
    const fn of_cgroups(self) -> Self {
        Self { cgroups: true, ..self }
    }

    /// True if this person may be refused, with nothing done.
    pub fn may_be_refused(&self, rights: Rights) -> bool {
        self.cgroups && rights != Rights::Root
    }

    /// Without ranges of ids it can't be done: no other id exists to become.
    const fn not_with_a_single_id(self) -> Self {
        let [root, ranges, _] = self.statuses;
        Self { statuses: [root, ranges, 125], ..self }
    }
}

impl Case {
    /// It takes a privilege that no user namespace is made for.
    const fn only_as_root(self) -> Self {
        let [root, ..] = self.statuses;
        Self { statuses: [root, 125, 125], ..self }
    }
}

const fn case(words: &'static [&'static str]) -> Case {
    Case { words, streams: Streams::Pipes, statuses: [0; 3], cgroups: false }
}

/// Every lab command that makes something.
pub const LABS: &[Case] = &[
    case(&["ns", "uts", "--", "/bin/true"]),
    case(&["ns", "uts", "--hostname", "a \"b\"", "--", "/bin/true"]),
    case(&["ns", "uts", "--without", "sethostname", "--", "/bin/true"]),
    case(&["ns", "uts", "--", "/bin/false"]).ends(1),
    case(&["ns", "uts", "--", "/no/such/program"]).ends(127),
    case(&["ns", "ipc", "--", "/bin/true"]),
    case(&["ns", "mnt", "--", "/bin/true"]),
    case(&["ns", "pid", "--", "/bin/true"]),
    case(&["ns", "net", "--", "/bin/true"]),
    case(&["ns", "user", "--", "/bin/true"]),
    case(&["ns", "user", "--map", "single", "--", "/bin/true"]),
    case(&["ns", "cgroup", "--", "/bin/true"]),
    case(&["ns", "time", "--", "/bin/true"]),
    case(&["ns", "all", "--", "/bin/true"]),
    case(&["mount", "bind", "--", "/bin/true"]),
    case(&["mount", "tmpfs", "--", "/bin/true"]),
    case(&["mount", "proc", "--", "/bin/true"]),
    case(&["mount", "overlay", "--", "/bin/true"]),
    case(&["mount", "propagation", "--", "/bin/true"]),
    case(&["mount", "readonly", "--", "/bin/true"]),
    case(&["mount", "pivot", "--", "/bin/true"]),
    case(&["mount", "pivot", "--rootfs", "{rootfs}", "--", "/bin/true"]),
    case(&["cgroup", "mem", "--memory", "8m", "--", "/bin/true"]).of_cgroups(),
    case(&["cgroup", "mem", "--memory", "8m", "--swap", "-1", "--without", "limit", "--", "/bin/true"]).of_cgroups(),
    case(&["cgroup", "cpu", "--seconds", "0.2", "--", "/bin/true"]).of_cgroups(),
    case(&["cgroup", "pids", "--", "/bin/true"]).of_cgroups(),
    case(&["cgroup", "pids", "--", "/bin/sh", "-c", "sleep 1000 & exit 3"]).ends(3).of_cgroups(),
    case(&["cgroup", "io", "--seconds", "0.2", "--", "/bin/true"]).of_cgroups(),
    case(&["cgroup", "cpuset", "--", "/bin/true"]).of_cgroups(),
    case(&["cgroup", "freeze", "--", "/bin/true"]).of_cgroups(),
    case(&["cgroup", "freeze", "--tree", "v2", "--", "/bin/true"]).of_cgroups(),
    case(&["security", "caps", "--", "/bin/true"]),
    case(&["security", "caps", "--keep", "ALL", "--drop", "SYS_ADMIN", "--ambient", "CHOWN", "--", "/bin/true"]),
    case(&["security", "caps", "--without", "bounding", "--", "/bin/true"]),
    case(&["security", "no-new-privs", "--", "/bin/true"]),
    case(&["security", "rlimit", "--", "/bin/true"]),
    case(&["security", "rlimit", "core=0", "stack=8388608", "cpu=1000:2048", "--", "/bin/true"]),
    case(&["security", "landlock", "--", "/bin/true"]),
    case(&["security", "landlock", "--read", "{shared}/file", "--write", "{shared}", "--", "/bin/true"]),
    case(&["security", "lsm", "--", "/bin/true"]),
    case(&["security", "seccomp", "--", "/bin/true"]),
    case(&["security", "seccomp", "--block", "mkdir,socket,umount", "--errno", "ENOSYS", "--", "/bin/true"]),
    case(&["security", "seccomp", "--block", "sendto", "--", "/bin/true"]),
    case(&["security", "seccomp", "--without", "no_new_privs", "--", "/bin/true"]).only_as_root(),
    case(&["security", "userns", "--", "/bin/true"]),
];

/// `run` of the host image, of a directory, and with each option that makes calls
/// of its own.
pub const RUNS: &[Case] = &[
    case(&["run", "host", "true"]),
    case(&["run", "host", "false"]).ends(1),
    case(&["run", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--rootfs", "{rootfs}", "sh", "-c", "kill -9 $$; exit 3"]).ends(3),
    case(&["run", "--init", "--rootfs", "{rootfs}", "sh", "-c", "kill -9 $$; exit 3"]).ends(137),
    case(&["run", "--rootfs", "{rootfs}", "/no/such/program"]).ends(127),
    case(&["run", "--rootfs", "{rootfs}", "/bin"]).ends(126),
    case(&["run", "--rootfs", "{rootfs}", "--init", "/bin/true"]),
    case(&["run", "--rootfs", "{rootfs}", "--init", "/no/such/program"]).ends(127),
    case(&["run", "-t", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "-t", "--rootfs", "{rootfs}", "/bin/true"]).on_terminal(),
    case(&["run", "-it", "--rootfs", "{rootfs}", "stty", "-a"]).on_terminal(),
    case(&["run", "-it", "--init", "--rootfs", "{rootfs}", "stty", "-a"]).on_terminal(),
    case(&["run", "-i", "--rootfs", "{rootfs}", "cat"]),
    case(&["run", "--user", "33:33", "--rootfs", "{rootfs}", "/bin/true"]).not_with_a_single_id(),
    case(&["run", "--user", "nobody", "host", "true"]).not_with_a_single_id(),
    case(&["run", "-t", "--user", "33", "--rootfs", "{rootfs}", "/bin/true"]).not_with_a_single_id(),
    case(&["run", "-v", "{shared}:/b", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "-v", "{shared}:/b/c/d:ro", "host", "true"]),
    case(&["run", "-v", "{shared}/file:/etc/file:ro", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--mount", "type=bind,src={shared},dst=/b,readonly", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--mount", "type=tmpfs,dst=/t,tmpfs-size=1m", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--tmpfs", "/t:size=64k", "--shm-size", "1m", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--tmpfs", "/t:ro", "--read-only", "host", "true"]),
    case(&["run", "--read-only", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--network", "host", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--workdir", "/made/up", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--workdir", "/bin/busybox", "--rootfs", "{rootfs}", "/bin/true"]).ends(125),
    case(&["run", "--name", "honest", "-h", "box", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--without", "pid", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--without", "pid", "--rootfs", "{rootfs}", "sh", "-c", "sleep 1000 & exit 0"]),
    case(&["run", "--without", "pivot_root", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--without", "uts,ipc,net,cgroup", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--without", "proc,sys,dev,etc,mask,readonly_paths", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--only", "pid,pivot_root,proc,dev", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--memory", "32m", "--rootfs", "{rootfs}", "/bin/true"]).of_cgroups(),
    case(&["run", "--memory", "32m", "--memory-swap", "32m", "host", "tail", "/dev/zero"]).ends(137).of_cgroups(),
    case(&["run", "-m", "32m", "--memory-swap", "-1", "--memory-reservation", "16m", "host", "true"]).of_cgroups(),
    case(&["run", "--cpus", "0.5", "--cpu-shares", "100", "--rootfs", "{rootfs}", "/bin/true"]).of_cgroups(),
    case(&["run", "--cpu-quota", "5000", "--cpu-period", "10000", "--rootfs", "{rootfs}", "/bin/true"]).of_cgroups(),
    case(&["run", "--cpuset-cpus", "0", "--cpuset-mems", "0", "--rootfs", "{rootfs}", "/bin/true"]).of_cgroups(),
    case(&["run", "--pids-limit", "5", "-t", "--init", "--rootfs", "{rootfs}", "/bin/true"]).of_cgroups(),
    case(&["run", "--pids-limit", "5", "--without", "pid", "--rootfs", "{rootfs}", "sh", "-c", "sleep 1000 & exit 3"])
        .ends(3)
        .of_cgroups(),
    case(&["run", "--ulimit", "nofile=100:200", "--ulimit", "core=0", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--oom-score-adj", "500", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--cap-add", "NET_ADMIN", "--cap-drop", "CHOWN", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--cap-drop", "ALL", "--init", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--cap-add", "ALL", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--privileged", "host", "true"]),
    case(&["run", "--security-opt", "no-new-privileges", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--security-opt", "no-new-privileges", "--user", "33", "--init", "host", "true"])
        .not_with_a_single_id(),
    case(&["run", "--security-opt", "seccomp=unconfined", "--user", "33", "host", "true"]).not_with_a_single_id(),
    case(&["run", "--security-opt", "systempaths=unconfined", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--device", "/dev/zero:/dev/mine", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--device", "/dev/zero:/a/b/c:r", "-v", "{shared}:/b", "host", "true"]),
    case(&["run", "--group-add", "44", "--rootfs", "{rootfs}", "/bin/true"]).not_with_a_single_id(),
    case(&["run", "--sysctl", "net.ipv4.ip_forward=1", "--rootfs", "{rootfs}", "/bin/true"]),
    case(&["run", "--sysctl", "net.ipv4.no_such_setting=1", "--rootfs", "{rootfs}", "/bin/true"]).ends(125),
    case(&["run", "--userns", "private", "host", "true"]),
    case(&[
        "run",
        "--userns",
        "private",
        "--rootfs",
        "{rootfs}",
        "-v",
        "{shared}:/b",
        "--device",
        "/dev/zero:/z",
        "ls",
    ]),
    case(&["run", "--userns", "private", "-t", "--init", "--user", "33", "host", "true"]).not_with_a_single_id(),
    case(&["run", "--userns", "private", "--memory", "32m", "--pids-limit", "5", "host", "true"]).of_cgroups(),
    case(&["run", "--rootfs", "{rootfs}", "/proc/self/exe"]).ends(126),
];
