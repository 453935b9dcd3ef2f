//! What an exercise can claim of the kernel, as data: `that` and `when` of exercise.toml.
//!
//! One key a table, one struct a key. What the types can't say is in `claim`; how each is looked
//! up is in `look`.

use serde::Deserialize;

/// Whoever is meant that is no subject: the machine itself.
pub const HOST: &str = "host";

/// Something that holds or does not.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Claim {
    /// A process runs.
    Running(Running),
    /// A namespace is another one, or the same.
    Namespace(Namespace),
    /// What a process takes for the hostname.
    Hostname(Hostname),
    /// What is mounted where, in the view of a process.
    Mount(Mount),
    /// A file, in the sandbox or in the view of a process.
    File(File),
    /// A limit of the cgroup of a process.
    Limit(Limit),
    /// How often something has happened in a cgroup.
    Event(Event),
    /// A process is stopped by its cgroup.
    Frozen(Frozen),
    /// Capabilities of a process.
    Capabilities(Capabilities),
    /// A line of /proc/PID/status.
    Status(Status),
    /// A resource limit of a process.
    Rlimit(Rlimit),
    /// Which id outside stands behind one inside.
    IdMap(IdMap),
    /// The number of a process in its own PID namespace.
    PidInside(PidInside),
    /// How many processes are in the /proc of a process.
    ProcessesSeen(ProcessesSeen),
    /// A packet arrives.
    Reaches(Reaches),
    /// What the learner has written into a file.
    Answer(Answer),
    /// What a program prints.
    Output(Output),
    /// Each of them.
    All(Vec<Claim>),
    /// At least one of them.
    Any(Vec<Claim>),
    /// The opposite.
    Not(Box<Claim>),
}

/// `running = { subject = "box" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    /// Which.
    pub subject: String,
}

/// `namespace = { kind = "uts", of = "box", differs_from = "host" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Namespace {
    /// As in /proc/PID/ns: `uts`, `mnt`, `pid`, ...
    pub kind: String,
    /// Whose.
    pub of: String,
    /// It is not that one's.
    pub differs_from: Option<String>,
    /// It is that one's.
    pub same_as: Option<String>,
}

/// `hostname = { of = "box", is = "box" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hostname {
    /// Whose.
    pub of: String,
    /// It is this.
    pub is: Option<String>,
    /// It is anything else.
    pub is_not: Option<String>,
}

/// `mount = { of = "box", at = "/proc", type = "proc" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// In whose view.
    pub of: String,
    /// Where; a relative path begins at the sandbox.
    pub at: String,
    /// The type of the filesystem.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Options that it has, of the mount or of the filesystem.
    #[serde(default)]
    pub options: Vec<String>,
    /// Its device, or what stands for it.
    pub source: Option<String>,
    /// Its propagation: `shared`, `slave` or `private`.
    pub propagation: Option<String>,
    /// Nothing is mounted there.
    #[serde(default)]
    pub absent: bool,
}

/// `file = { path = "hello", contains = "world" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// In whose view; without it, in the sandbox.
    pub of: Option<String>,
    /// Where; a relative path begins at the sandbox.
    pub path: String,
    /// It is there.
    #[serde(default)]
    pub exists: bool,
    /// It is not there.
    #[serde(default)]
    pub absent: bool,
    /// Its text, but for blanks at both ends.
    pub is: Option<String>,
    /// A part of its text.
    pub contains: Option<String>,
    /// Its permissions, in octal digits: `"0644"`.
    pub mode: Option<String>,
    /// The number of its owner as this user namespace counts, or `"me"`.
    pub owner: Option<Who>,
}

/// A user, by number, or the learner.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Who {
    /// By number.
    Number(u32),
    /// `"me"`
    Me(Me),
}

/// The learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Me {
    /// Whoever runs boxlab.
    Me,
}

/// A number, or one with a unit: `32M`, `"1.5"`, `0.5`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Amount {
    /// As it is.
    Whole(u64),
    /// As it is.
    Part(f64),
    /// With K, M or G, which are powers of 1024.
    Text(String),
}

impl Amount {
    /// As a number; `None` if it is none.
    pub fn number(&self) -> Option<f64> {
        match self {
            // Exact up to 2^53: eight thousand tebibytes.
            Self::Whole(number) => Some(*number as f64),
            Self::Part(number) => Some(*number),
            Self::Text(text) => {
                let units = [("K", 1024.0), ("M", 1_048_576.0), ("G", 1_073_741_824.0)];
                let unit = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
                let (digits, factor) = unit.unwrap_or((text, 1.0));
                digits.trim().parse::<f64>().ok().map(|number| number * factor)
            }
        }
    }
}

/// `limit = { of = "box", resource = "memory", at_most = "32M" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Whose.
    pub of: String,
    /// What is limited.
    pub resource: Resource,
    /// It is this or less.
    pub at_most: Option<Amount>,
    /// It is this or more, or there is none.
    pub at_least: Option<Amount>,
    /// It is exactly this; for `cpuset` a list: `"0-1"`.
    pub is: Option<Amount>,
}

/// What a cgroup limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// Bytes.
    Memory,
    /// Bytes, without those of memory.
    Swap,
    /// Processes and threads.
    Pids,
    /// How many processors' time.
    Cpu,
    /// Which processors.
    Cpuset,
    /// Bytes a second, of the slowest brake.
    Io,
}

/// `event = { name = "oom_kill", at_least = 1 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// In the cgroup of this one; without it, in any cgroup of the exercise.
    pub of: Option<String>,
    /// What has happened.
    pub name: Happening,
    /// This often since the exercise has begun.
    #[serde(default = "once")]
    pub at_least: u64,
}

fn once() -> u64 {
    1
}

/// What the kernel counts in a cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Happening {
    /// A process was ended for want of memory.
    #[serde(rename = "oom_kill")]
    OomKill,
    /// The memory limit was reached.
    #[serde(rename = "memory.max")]
    MemoryMax,
    /// A process could not be made.
    #[serde(rename = "pids.max")]
    PidsMax,
    /// The processor was taken away.
    #[serde(rename = "throttled")]
    Throttled,
}

/// `frozen = { of = "box" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    /// Who.
    pub of: String,
}

/// `capabilities = { of = "box", set = "bounding", lacks = ["CAP_SYS_ADMIN"] }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Whose.
    pub of: String,
    /// Which of the five.
    #[serde(default)]
    pub set: Set,
    /// These are in it.
    #[serde(default)]
    pub has: Vec<String>,
    /// These are not.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// These are in it, and no others.
    pub exactly: Option<Vec<String>>,
}

/// The five sets of capabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Set {
    /// What counts.
    #[default]
    Effective,
    /// What may be made to count.
    Permitted,
    /// What execve(2) leaves at most.
    Bounding,
    /// What a file can let through.
    Inheritable,
    /// What execve(2) lets through.
    Ambient,
}

/// `status = { of = "box", field = "NoNewPrivs", is = 1 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Whose.
    pub of: String,
    /// The name before the colon.
    pub field: String,
    /// What comes after it.
    pub is: Word,
}

/// A text or a number that stands for its text.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Word {
    /// `1`
    Number(i64),
    /// `"1"`
    Text(String),
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// `rlimit = { of = "box", name = "nofile", at_most = 64 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rlimit {
    /// Whose.
    pub of: String,
    /// As `ulimit` of Docker names it: `nofile`, `nproc`, ...
    pub name: String,
    /// The hard one, not the soft one.
    #[serde(default)]
    pub hard: bool,
    /// It is this or less.
    pub at_most: Option<Amount>,
    /// It is this or more.
    pub at_least: Option<Amount>,
    /// It is exactly this.
    pub is: Option<Amount>,
}

/// `id_map = { of = "box", inside = 0, outside = "me" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdMap {
    /// Whose.
    pub of: String,
    /// Of groups, not of users.
    #[serde(default)]
    pub groups: bool,
    /// This id of its user namespace ...
    pub inside: u32,
    /// ... is that one here.
    pub outside: Who,
    /// So many ids are mapped in that line, at least.
    pub count: Option<u32>,
}

/// `pid_inside = { of = "box", is = 1 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PidInside {
    /// Whose.
    pub of: String,
    /// It is this.
    pub is: u32,
}

/// `processes_seen = { of = "box", at_most = 2 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessesSeen {
    /// In whose view.
    pub of: String,
    /// So many or fewer, and at least one.
    pub at_most: usize,
}

/// `reaches = { of = "box", address = "127.0.0.1" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reaches {
    /// From whose network namespace.
    pub of: String,
    /// Who must answer.
    pub address: std::net::Ipv4Addr,
}

/// `answer = { file = "answer", is_pid_of = "box" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// In the sandbox.
    pub file: String,
    /// This text.
    pub is: Option<String>,
    /// What this program prints now.
    pub is_output_of: Option<Vec<String>>,
    /// The name or the number of this namespace.
    pub is_namespace: Option<NamespaceOf>,
    /// The number of this process, as the machine counts.
    pub is_pid_of: Option<String>,
}

/// `{ kind = "uts", of = "box" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceOf {
    /// As in /proc/PID/ns.
    pub kind: String,
    /// Whose.
    pub of: String,
}

/// `output = { run = ["boxlab", "image", "ls"], contains = "mine" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The program and its arguments; no shell.
    pub run: Vec<String>,
    /// All that it prints, but for blanks at both ends.
    pub is: Option<String>,
    /// A part of what it prints.
    pub contains: Option<String>,
    /// A line of what it prints.
    pub has_line: Option<String>,
    /// It ends with another status than 0.
    #[serde(default)]
    pub fails: bool,
}
