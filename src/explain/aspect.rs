//! What can be isolated, as data: for each aspect how it is judged and what would
//! help. The verdict on one process and the comparison of two read the same table.

use serde::Serialize;

use super::{Portrait, judge};

/// How well something is isolated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// The process has its own, or may not.
    Isolated,
    /// It is held back, but there is a way.
    Partly,
    /// It has the host's.
    Not,
    /// This reader can't see it.
    Unknown,
}

/// What was found about one aspect.
#[derive(Debug, Clone, Serialize)]
pub struct Judgement {
    /// How well.
    pub grade: Grade,
    /// What it is, in a few words: `own`, `64 MiB`, `the usual 14`.
    pub value: String,
    /// What follows from it; empty where nothing has to be said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
}

impl Judgement {
    /// Isolated.
    pub fn isolated(value: impl Into<String>) -> Self {
        Self { grade: Grade::Isolated, value: value.into(), why: String::new() }
    }

    /// Isolated in part, and what that leaves open.
    pub fn partly(value: impl Into<String>, why: impl Into<String>) -> Self {
        Self { grade: Grade::Partly, value: value.into(), why: why.into() }
    }

    /// Not isolated, and what follows.
    pub fn not(value: impl Into<String>, why: impl Into<String>) -> Self {
        Self { grade: Grade::Not, value: value.into(), why: why.into() }
    }

    /// Hidden from this reader.
    pub fn unknown() -> Self {
        Self { grade: Grade::Unknown, value: "hidden".to_owned(), why: String::new() }
    }
}

/// One aspect.
#[derive(Debug)]
pub struct Aspect {
    /// Its name, in a word or two.
    pub name: &'static str,
    /// Judges it; `None` if it makes no sense for that process.
    pub judge: fn(&Portrait) -> Option<Judgement>,
    /// What would isolate it; options are those of `docker run`.
    pub remedy: &'static str,
}

const fn aspect(name: &'static str, judge: fn(&Portrait) -> Option<Judgement>, remedy: &'static str) -> Aspect {
    Aspect { name, judge, remedy }
}

/// All of them, the most serious first.
pub const ASPECTS: [Aspect; 22] = [
    aspect("capabilities", judge::capabilities, "--cap-drop ALL, --cap-add what it needs"),
    aspect("users", judge::users, "a user namespace: a rootless engine, or userns-remap"),
    aspect("root", judge::root, "a root filesystem: an image, or --rootfs"),
    aspect("host's files", judge::host_files, "-v SOURCE:TARGET:ro"),
    aspect("descriptors", judge::descriptors, "O_CLOEXEC in whatever started it"),
    aspect("devices", judge::devices, "device rules: leave out --privileged, --device what it needs"),
    aspect("settings", judge::settings, "a read-only /proc/sys: leave out --privileged"),
    aspect("/sys", judge::sys, "a read-only /sys: leave out --privileged"),
    aspect("seccomp", judge::seccomp, "a profile: the engine's own, or --security-opt seccomp=FILE"),
    aspect("processes", judge::processes, "a PID namespace: leave out --pid host"),
    aspect("network", judge::network, "a network namespace: leave out --network host"),
    aspect("IPC", judge::ipc, "an IPC namespace: leave out --ipc host"),
    aspect("mount events", judge::propagation, "-v SOURCE:TARGET:rprivate"),
    aspect("memory", judge::memory, "--memory 512m"),
    aspect("tasks", judge::tasks, "--pids-limit 256"),
    aspect("processors", judge::processors, "--cpus 1"),
    aspect("no_new_privs", judge::no_new_privs, "--security-opt no-new-privileges"),
    aspect("LSM", judge::security_module, "a profile: leave out --security-opt label=disable or apparmor=unconfined"),
    aspect("masked files", judge::masked, "mask them: leave out --privileged"),
    aspect("terminal", judge::terminal, "one of its own: -t"),
    aspect("hostname", judge::hostname, "a UTS namespace: leave out --uts host"),
    aspect("cgroup view", judge::cgroup_view, "--cgroupns private"),
];

/// Something of which there is more or less, but no better or worse.
#[derive(Debug)]
pub struct Fact {
    /// Its name, in a word or two.
    pub name: &'static str,
    /// What it is, in a few words.
    pub value: fn(&Portrait) -> String,
}

const fn fact(name: &'static str, value: fn(&Portrait) -> String) -> Fact {
    Fact { name, value }
}

/// What two processes may have different beside.
pub const FACTS: [Fact; 8] = [
    fact("time", judge::time),
    fact("root mount", judge::root_mount),
    fact("swap", judge::swap),
    fact("disks", judge::disks),
    fact("frozen", judge::frozen),
    fact("open files", judge::open_files),
    fact("user's tasks", judge::user_tasks),
    fact("OOM score", judge::oom_score),
];
