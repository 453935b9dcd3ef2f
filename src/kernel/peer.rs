//! What can be learnt of another process beyond a line of /proc/PID/status: what it
//! is, who owns its user namespace, where its descriptors lead. Reading changes
//! nothing, so none of it is told. Most of it needs the right to trace the process:
//! ptrace(2), "Ptrace access mode checking".

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::maps::IdMap;
use super::proc;

/// All lines of /proc/PID/status, as they were at one moment. proc_pid_status(5)
#[derive(Debug, Clone)]
pub struct Status(BTreeMap<String, String>);

impl Status {
    /// Reads it; an error if there is no such process.
    pub fn of(pid: i32) -> io::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = |line: &str| line.split_once(':').map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()));
        Ok(Self(text.lines().filter_map(line).collect()))
    }

    /// A line by its name; nothing if this kernel does not have it.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The numbers in a line.
    pub fn numbers<N: std::str::FromStr>(&self, name: &str) -> Vec<N> {
        self.text(name).split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
    }

    /// The only or first number in a line.
    pub fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.numbers(name).into_iter().next()
    }
}

/// `PF_KTHREAD` of linux/sched.h: the kernel's own, without a program.
const PF_KTHREAD: u64 = 0x0020_0000;

/// True for a thread of the kernel. proc_pid_stat(5), field 9
pub fn is_kernel_thread(pid: i32) -> bool {
    proc::stat(pid).and_then(|fields| fields.get(6)?.parse().ok()).is_some_and(|flags: u64| flags & PF_KTHREAD != 0)
}

/// The controlling terminal, if it has one: `pts/3`, `tty1`. proc_pid_stat(5),
/// field 7; admin-guide/devices
pub fn terminal(pid: i32) -> Option<String> {
    let number: u32 = proc::stat(pid)?.get(4)?.parse().ok()?;
    let (major, minor) = ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00));
    match major {
        0 => None,
        // Unix98 terminals have eight majors of 256 each.
        136..=143 => Some(format!("pts/{}", (major - 136) * 256 + minor)),
        4 if minor < 64 => Some(format!("tty{minor}")),
        4 => Some(format!("ttyS{}", minor - 64)),
        _ => Some(format!("{major}:{minor}")),
    }
}

/// The lines of uid_map or gid_map: `outside` counts as the reader's user namespace
/// does, or, if the process is in that very one, as its parent does.
/// user_namespaces(7)
pub fn id_map(pid: &str, file: &str) -> Vec<IdMap> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = |line: &str| {
        let numbers: Vec<u32> = line.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect();
        match numbers[..] {
            [inside, outside, count] => Some(IdMap { inside, outside, count }),
            _ => None,
        }
    };
    text.lines().filter_map(line).collect()
}

/// `NS_GET_OWNER_UID` of linux/nsfs.h: `_IO(0xb7, 0x4)`.
const NS_GET_OWNER_UID: u32 = 0xb704;

/// Who made the user namespace of a process, as ours counts users. ioctl_ns(2)
pub fn user_namespace_owner(pid: i32) -> Option<u32> {
    let namespace = File::open(format!("/proc/{pid}/ns/user")).ok()?;
    let mut owner: libc::uid_t = 0;
    // SAFETY: this request fills in one uid_t, which outlives the call.
    let asked = unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_OWNER_UID.into(), &raw mut owner) };
    Errno::result(asked).ok().map(|_| owner)
}

/// True if both paths lead to the same file; `None` if one can't be followed.
pub fn same_file(one: &Path, other: &Path) -> Option<bool> {
    let identity = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    Some(identity(one)? == identity(other)?)
}

/// Something that a process holds open, or lives in.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its number, `cwd` or `exe`.
    pub name: String,
    /// Where it leads, by the path that the kernel knows.
    pub target: PathBuf,
    /// The mount that it lies on; see [`proc::Mount`].
    pub mount: Option<u32>,
}

/// The files that a process holds: working directory, program, descriptors. What is
/// no file (a pipe, a socket, memory) is left out.
pub fn held(pid: i32) -> io::Result<Vec<Held>> {
    let mut found = Vec::new();
    for name in ["cwd", "exe"] {
        let path = PathBuf::from(format!("/proc/{pid}/{name}"));
        found.push(Held { name: name.to_owned(), target: fs::read_link(&path)?, mount: mount_of(&path) });
    }
    let mut numbers: Vec<u32> = fs::read_dir(format!("/proc/{pid}/fd"))?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    for number in numbers {
        // It may have been closed meanwhile.
        let Ok(target) = fs::read_link(format!("/proc/{pid}/fd/{number}")) else { continue };
        let mount = mount_in(&format!("/proc/{pid}/fdinfo/{number}"));
        found.push(Held { name: number.to_string(), target, mount });
    }
    let is_file = |target: &Path| target.is_absolute() && !target.to_string_lossy().starts_with("/memfd:");
    found.retain(|held| is_file(&held.target));
    Ok(found)
}

/// The mount on which a path ends, without touching what is there. open(2), O_PATH
fn mount_of(path: &Path) -> Option<u32> {
    let file: OwnedFd = File::options().read(true).custom_flags(libc::O_PATH).open(path).ok()?.into();
    mount_in(&format!("/proc/self/fdinfo/{}", file.as_raw_fd()))
}

/// `mnt_id` of a descriptor. proc_pid_fdinfo(5)
fn mount_in(file: &str) -> Option<u32> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix("mnt_id:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Status, held, id_map, is_kernel_thread, same_file};
    use crate::kernel::proc::{mounts, own_pid};
    use std::path::Path;

    #[test]
    fn this_process_is_no_secret_to_itself() {
        let own = own_pid();
        let status = Status::of(own).expect("a process");
        assert_eq!(status.number("Pid"), Some(own));
        assert_eq!(status.numbers::<u32>("Uid").len(), 4);
        assert!(!is_kernel_thread(own) && !id_map("self", "uid_map").is_empty());
        assert_eq!(same_file(Path::new("/proc/self/root"), Path::new("/")), Some(true));
    }

    #[test]
    fn what_it_holds_lies_on_its_mounts() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = std::fs::File::create(directory.path().join("open")).expect("a file");
        let held = held(own_pid()).expect("its own descriptors");
        let found = held.iter().find(|held| held.target.ends_with("open")).expect("the open file");
        let mounts = mounts("self").expect("its mounts");
        assert!(mounts.iter().any(|mount| Some(mount.id) == found.mount));
        assert_eq!(held.iter().take(2).map(|held| held.name.as_str()).collect::<Vec<_>>(), ["cwd", "exe"]);
        drop(file);
    }
}
