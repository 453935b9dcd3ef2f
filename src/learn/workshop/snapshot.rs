//! What the kernel says of a process that stands still: the proof is not what it printed.
//! proc(5)

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{IoContext, Result};
use crate::kernel::proc::{self, Mount};
use crate::kernel::{CapSets, IdMap, Kernel, NAMESPACES, peer};
use crate::learn::exercise::look;

/// Which file: its device and its inode.
pub type File = (u64, u64);

/// A process at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// As the judge counts.
    pub pid: i32,
    /// Its links in /proc/PID/ns, by kind.
    pub namespaces: BTreeMap<&'static str, String>,
    /// The name of its host.
    pub hostname: String,
    /// What is mounted where it is.
    pub mounts: Vec<Mount>,
    /// Its root directory.
    pub root: Option<File>,
    /// Where it stands, as its own root counts; `None` if that can't be said.
    pub directory: Option<PathBuf>,
    /// Its numbers, from the judge's PID namespace to its own.
    pub pids: Vec<i32>,
    /// The numbers that its /proc shows; `None` if it has no /proc.
    pub processes: Option<Vec<i32>>,
    /// Who is who in its user namespace.
    pub users: Vec<IdMap>,
    /// See `users`.
    pub groups: Vec<IdMap>,
    /// `allow` or `deny`.
    pub setgroups: String,
    /// Its user, as the judge counts.
    pub uid: Option<u32>,
    /// What it may do.
    pub capabilities: Option<CapSets>,
    /// No more rights by execve.
    pub no_new_privs: bool,
    /// 0: none; 1: strict; 2: a filter.
    pub seccomp: String,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
}

impl Snapshot {
    /// Of a process that does not go on meanwhile.
    pub fn of(k: &Kernel, pid: i32) -> Result<Self> {
        let name = pid.to_string();
        let failed = || format!("cannot look at process {pid}");
        let status = peer::Status::of(pid).or_fail(failed)?;
        let namespace = |kind: &'static str| Some((kind, proc::namespace(&name, kind).ok()?));
        let root = PathBuf::from(format!("/proc/{pid}/root"));
        Ok(Self {
            pid,
            namespaces: NAMESPACES.iter().filter_map(|(_, kind, ..)| namespace(kind)).collect(),
            hostname: look::hostname_of(k, pid)?,
            mounts: proc::mounts(&name).or_fail(failed)?,
            root: file(&root),
            directory: directory(pid),
            pids: status.numbers("NSpid"),
            processes: processes(&root),
            users: peer::id_map(&name, "uid_map"),
            groups: peer::id_map(&name, "gid_map"),
            setgroups: fs::read_to_string(format!("/proc/{pid}/setgroups")).unwrap_or_default().trim().to_owned(),
            uid: status.number("Uid"),
            capabilities: proc::capabilities(&name),
            no_new_privs: status.number("NoNewPrivs") == Some(1),
            seccomp: status.text("Seccomp").to_owned(),
            environment: environment(pid),
        })
    }

    /// Its link in /proc/PID/ns.
    pub fn namespace(&self, kind: &str) -> &str {
        self.namespaces.get(kind).map_or("", String::as_str)
    }

    /// Mounts as `POINT (TYPE)`, in order.
    pub fn mount_list(&self) -> String {
        let mounts: Vec<_> =
            self.mounts.iter().map(|mount| format!("{} ({})", mount.point.display(), mount.kind)).collect();
        mounts.join(", ")
    }

    /// A path as it sees it.
    pub fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.pid))
    }
}

/// Which file that is.
pub fn file(path: &Path) -> Option<File> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Its working directory. The kernel says it as from the root of whoever asks.
fn directory(pid: i32) -> Option<PathBuf> {
    let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).ok();
    let (root, directory) = (link("root")?, link("cwd")?);
    if file(Path::new(&format!("/proc/{pid}/root"))) == file(Path::new(&format!("/proc/{pid}/cwd"))) {
        return Some("/".into());
    }
    let inside = directory.strip_prefix(&root).ok()?;
    Some(Path::new("/").join(inside))
}

/// The numbers in its /proc.
fn processes(root: &Path) -> Option<Vec<i32>> {
    let entries = fs::read_dir(root.join("proc")).ok()?;
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut numbers: Vec<i32> = numbers.collect();
    numbers.sort_unstable();
    (!numbers.is_empty()).then_some(numbers)
}

fn environment(pid: i32) -> BTreeMap<String, String> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let entries = bytes.split(|byte| *byte == 0).map(|entry| OsStr::from_bytes(entry).to_string_lossy().into_owned());
    entries.filter_map(|entry| entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}
