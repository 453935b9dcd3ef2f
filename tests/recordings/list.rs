//! Which runs are recorded, and what of them is not compared.

use boxlab::trace::Detail;

/// Recorded as the narration that a learner reads: `snapshots/NAME.snap`.
pub const NARRATIONS: &[(&str, Detail, &[&str])] = &[
    ("ns-uts", Detail::Full, &["ns", "uts", "--", "uname", "-n"]),
    ("ns-pid", Detail::Full, &["ns", "pid", "--", "sh", "-c", "echo $$"]),
    ("ns-user", Detail::Full, &["ns", "user", "--map", "single", "--", "id", "-u"]),
    ("mount-overlay", Detail::Full, &["mount", "overlay", "--", "true"]),
    ("mount-readonly", Detail::Full, &["mount", "readonly", "--", "true"]),
    ("security-caps", Detail::Full, &["security", "caps", "--", "true"]),
    ("security-no-new-privs", Detail::Full, &["security", "no-new-privs", "--", "true"]),
    ("security-seccomp", Detail::Full, &["security", "seccomp", "--", "grep", "^Seccomp:", "/proc/self/status"]),
    ("run", Detail::Steps, &["run", "host", "echo", "hello from the box"]),
    ("run-full", Detail::Full, &["run", "host", "echo", "hello from the box"]),
];

/// How exactly a demo is compared with its recording. Its calls always are, with all their
/// arguments and results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// All, but of what is printed and looked up no numbers of two digits and more: sizes, times,
    /// process numbers.
    Closely,
    /// And no numbers at all: they are measured.
    Words,
    /// And not what its programs print: it depends on this machine.
    Calls,
}

/// The demos that are compared less exactly than [`Compared::Closely`]: `LESSON.DEMO`, or all
/// of a `LESSON.`, the first that fits. Every demo of every lesson is recorded:
/// `snapshots/book/LESSON.DEMO.jsonl`.
pub const LOOSELY: &[(&str, Compared)] = &[
    ("04-pid.", Compared::Calls),
    ("08-time.long-ago", Compared::Calls),
    ("08-time.date", Compared::Calls),
    ("08-time.", Compared::Words),
    ("14-propagation.", Compared::Words),
    ("17-memory.", Compared::Words),
    ("18-cpu.", Compared::Words),
    ("19-pids-limit.", Compared::Words),
    ("20-io.", Compared::Words),
    ("21-cpuset.", Compared::Words),
    ("22-freeze.", Compared::Words),
    ("30-host-image.", Compared::Calls),
    ("32-names-and-registries.", Compared::Words),
    ("34-store.", Compared::Words),
    ("35-pull-by-hand.", Compared::Words),
    ("36-vm-and-container.", Compared::Calls),
    ("37-anatomy.", Compared::Calls),
];

/// What would show nothing but who made the recording: the book has the command alone.
pub const NOT_RECORDED: &[&str] = &["37-anatomy.look-ancestors"];
