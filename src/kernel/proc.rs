//! What the kernel says of itself in /proc. Reading changes nothing, so none of
//! it is told. proc(5)

use std::fs;
use std::io;
use std::marker::PhantomData;
use std::ops::Deref;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::mount::MsFlags;
use nix::sys::stat::Mode;

use super::{CapSet, CapSets};

/// The hostname of the caller's UTS namespace. uname(2)
pub fn hostname() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The caller's number, as its PID namespace counts. getpid(2)
pub fn own_pid() -> i32 {
    nix::unistd::getpid().as_raw()
}

/// Who started the caller. getppid(2)
pub fn parent_pid() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// The running kernel's version, as far as features go by it: (6, 1). uname(2)
pub fn kernel_version() -> (u32, u32) {
    let release = nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned());
    let release = release.unwrap_or_default();
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit()).map(|digits| digits.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// A namespace of a process: `uts:[4026531838]`. namespaces(7)
pub fn namespace(pid: &str, file: &str) -> io::Result<String> {
    fs::read_link(format!("/proc/{pid}/ns/{file}")).map(|link| link.to_string_lossy().into_owned())
}

/// The namespaces of the caller, in the /proc of the moment when this is opened: they can
/// be read also when another mount table has a /proc in which the caller has no number.
#[derive(Debug)]
pub struct OwnNamespaces(OwnedFd);

impl OwnNamespaces {
    /// Of the /proc that is seen now.
    pub fn open() -> nix::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        nix::fcntl::open("/proc/self/ns", flags, Mode::empty()).map(Self)
    }

    /// As [`namespace`] of the caller.
    pub fn read(&self, file: &str) -> nix::Result<String> {
        nix::fcntl::readlinkat(&self.0, file).map(|link| link.to_string_lossy().into_owned())
    }
}

/// The magic link to what a descriptor leads to; good only while that is open,
/// which the lifetime sees to.
#[derive(Debug)]
pub struct FdPath<'fd> {
    path: PathBuf,
    descriptor: PhantomData<&'fd OwnedFd>,
}

impl Deref for FdPath<'_> {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

/// `/proc/self/fd/N`
pub fn fd_path(fd: &OwnedFd) -> FdPath<'_> {
    FdPath { path: PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd())), descriptor: PhantomData }
}

/// A line of /proc/PID/status, without its name: `Pid`, `PPid`, `NSpid`, `Seccomp`, ...
pub fn status(pid: &str, field: &str) -> Option<String> {
    self::field(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, field)
}

/// A line in the text of a `status` file, without its name.
pub fn field(status: &str, name: &str) -> Option<String> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.map(|rest| rest.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

/// The five sets of capabilities of a process. proc_pid_status(5)
pub fn capabilities(pid: &str) -> Option<CapSets> {
    capabilities_in(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// The five sets of capabilities in the text of a `status` file.
pub fn capabilities_in(status: &str) -> Option<CapSets> {
    let set = |name: &str| u64::from_str_radix(&field(status, name)?, 16).ok().map(CapSet::from_bits);
    Some(CapSets {
        inheritable: set("CapInh")?,
        permitted: set("CapPrm")?,
        effective: set("CapEff")?,
        bounding: set("CapBnd")?,
        ambient: set("CapAmb")?,
    })
}

/// When a process started, in clock ticks since boot: with its number, this
/// names a process for good. proc_pid_stat(5), field 22
pub fn start_time(pid: i32) -> Option<u64> {
    let fields = stat(pid)?;
    let dead = matches!(fields.first()?.as_str(), "Z" | "X");
    if dead { None } else { fields.get(19)?.parse().ok() }
}

/// The fields of /proc/PID/stat from the third on: the command before them, in
/// parentheses, may hold spaces and parentheses.
pub(super) fn stat(pid: i32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_ascii_whitespace().map(str::to_owned).collect())
}

/// True if a process has a mount that this text names.
pub fn has_mount(pid: i32, text: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/mountinfo")).is_ok_and(|mounts| mounts.contains(text))
}

/// The command line of a process, or its name in brackets if it has none.
pub fn command(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> =
        bytes.split(|&byte| byte == 0).filter(|word| !word.is_empty()).map(String::from_utf8_lossy).collect();
    if words.is_empty() {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        return format!("[{}]", name.trim_end());
    }
    words.join(" ")
}

/// The arguments of a process, as execve(2) was given them. proc_pid_cmdline(5)
pub fn arguments(pid: i32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
    bytes.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// A variable in the environment that a process was started with; an error if this user
/// may not see it. proc_pid_environ(5)
pub fn variable(pid: i32, name: &str) -> io::Result<Option<String>> {
    let bytes = fs::read(format!("/proc/{pid}/environ"))?;
    let mut entries = bytes.split(|&byte| byte == 0);
    let value = entries.find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    Ok(value.map(|value| String::from_utf8_lossy(value).into_owned()))
}

/// Who started a process, and who started that one, up to the first.
pub fn ancestors(pid: i32) -> Vec<i32> {
    let parent = |pid: &i32| stat(*pid)?.get(1)?.parse().ok().filter(|parent| *parent > 0);
    std::iter::successors(parent(&pid), parent).collect()
}

/// Which boot of the machine this is. random(4), /proc/sys/kernel/random
pub fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// All processes that can be seen, by number.
pub fn processes() -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids: Vec<i32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// The children of a process that have not been waited for. proc_pid_task_tid_children(5)
pub fn children_of(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// The number in one of the kernel's settings, such as `user/max_user_namespaces`.
pub fn setting(name: &str) -> Option<i64> {
    fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?.trim().parse().ok()
}

/// How many processors this machine runs on. proc_stat(5)
pub fn processors() -> usize {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let is_one =
        |line: &&str| line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    text.lines().filter(is_one).count().max(1)
}

/// How soon this process is ended when memory runs short. proc_pid_oom_score_adj(5)
pub fn own_oom_score_adj() -> i32 {
    fs::read_to_string("/proc/self/oom_score_adj").ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// True if this machine has swap that is in use. proc(5), /proc/swaps
pub fn has_swap() -> bool {
    fs::read_to_string("/proc/swaps").is_ok_and(|swaps| swaps.lines().count() > 1)
}

/// True if there is something at this path.
pub fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// True if this is a directory itself, not a link to one.
pub fn is_directory(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// What one of the kernel's small files says, in one line; `?` if it can't be read.
pub fn setting_text(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|_| "?".to_owned());
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { "(empty)".to_owned() } else { lines.join("; ") }
}

/// What follows a name in a file of lines such as `oom_kill 3`.
pub fn line(path: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    Some(line.trim().to_owned())
}

/// A number by its name in such a file.
pub fn counter(path: &Path, name: &str) -> Option<u64> {
    line(path, name)?.parse().ok()
}

/// A line of /proc/PID/mountinfo. proc_pid_mountinfo(5)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Its number, which no other mount has, in whatever namespace.
    pub id: u32,
    /// Which filesystem: `major:minor`.
    pub device: String,
    /// Which directory of the filesystem is shown.
    pub root: String,
    /// Where, as the reading process sees it.
    pub point: PathBuf,
    /// Options of this mount, such as `ro,nosuid`.
    pub options: String,
    /// Propagation: `shared:1`, `master:1`, or nothing.
    pub propagation: String,
    /// Type of the filesystem.
    pub kind: String,
    /// Device, or what stands for it.
    pub source: String,
    /// Options of the filesystem itself.
    pub super_options: String,
}

impl Mount {
    /// The flags that a remount must repeat to keep them. mount(2)
    pub fn flags(&self) -> MsFlags {
        let named = [
            ("ro", MsFlags::MS_RDONLY),
            ("nosuid", MsFlags::MS_NOSUID),
            ("nodev", MsFlags::MS_NODEV),
            ("noexec", MsFlags::MS_NOEXEC),
            ("noatime", MsFlags::MS_NOATIME),
            ("nodiratime", MsFlags::MS_NODIRATIME),
            ("relatime", MsFlags::MS_RELATIME),
        ];
        let has = |name: &str| self.options.split(',').any(|option| option == name);
        named.iter().filter(|(name, _)| has(name)).fold(MsFlags::empty(), |flags, (_, flag)| flags | *flag)
    }
}

/// The mounts of a process, in the order in which they were stacked.
pub fn mounts(pid: &str) -> io::Result<Vec<Mount>> {
    let text = fs::read_to_string(format!("/proc/{pid}/mountinfo"))?;
    Ok(text.lines().filter_map(mount).collect())
}

fn mount(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let left: Vec<&str> = left.split(' ').collect();
    let right: Vec<&str> = right.split(' ').collect();
    Some(Mount {
        id: left.first()?.parse().ok()?,
        device: (*left.get(2)?).to_owned(),
        root: unescape(left.get(3)?),
        point: PathBuf::from(unescape(left.get(4)?)),
        options: (*left.get(5)?).to_owned(),
        propagation: left.get(6..)?.join(" "),
        kind: (*right.first()?).to_owned(),
        source: unescape(right.get(1)?),
        super_options: (*right.get(2)?).to_owned(),
    })
}

/// Undoes the octal escapes of space, tab, newline and backslash.
fn unescape(text: &str) -> String {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

/// True if this user may write there. access(2)
pub fn writable(path: &Path) -> bool {
    nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok()
}

/// The names in a directory, sorted; nothing if it can't be read.
pub fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    if names.is_empty() { vec!["none".to_owned()] } else { names }
}

/// The first directory in a directory, by name; `tmp` if there is none.
pub fn first_directory(directory: &Path) -> PathBuf {
    let is_directory = |name: &String| is_directory(&directory.join(name));
    PathBuf::from(names(directory).into_iter().find(is_directory).unwrap_or_else(|| "tmp".to_owned()))
}

/// The names in a directory, as `ls` shows them, in lines of 64 columns.
pub fn listing(directory: &Path) -> Vec<String> {
    let text = names(directory).join("  ");
    let whole = textwrap::Options::new(64).word_splitter(textwrap::WordSplitter::NoHyphenation);
    let whole = whole.word_separator(textwrap::WordSeparator::AsciiSpace);
    textwrap::wrap(&text, whole).into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The lines of a small text file, without runs of spaces.
pub fn lines(path: &str) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Owner and group of a file, as this process's user namespace numbers them.
pub fn owner(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let owner = |metadata: fs::Metadata| format!("uid {}, gid {}", metadata.uid(), metadata.gid());
    path.symlink_metadata().map_or_else(|error| error.to_string(), owner)
}

/// Device and inode of a file: the same pair, the same file. stat(2)
pub fn inode(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let inode = |metadata: fs::Metadata| format!("{} {}", metadata.ino(), path.display());
    path.symlink_metadata().map_or_else(|error| error.to_string(), inode)
}

/// Total and free space of a filesystem. statvfs(3)
pub fn space(path: &Path) -> String {
    let space = |found: nix::sys::statvfs::Statvfs| {
        let kib = |blocks: u64| blocks * found.fragment_size() / 1024;
        format!("{} KiB, {} KiB free", kib(found.blocks()), kib(found.blocks_available()))
    };
    nix::sys::statvfs::statvfs(path).map_or_else(|error| error.to_string(), space)
}

/// The mounts stacked at a path.
pub fn mounts_at(path: &Path) -> Vec<String> {
    let mounts = mounts("self").unwrap_or_default();
    let there = mounts.iter().filter(|mount| mount.point == path);
    there.map(|mount| format!("{} {} on {} ({})", mount.kind, mount.root, path.display(), mount.options)).collect()
}

/// The flags of the mount at a path, for a remount to keep.
pub fn mount_flags(path: &Path) -> MsFlags {
    let mounts = mounts("self").unwrap_or_default();
    // A descriptor's magic link says where in the mount table it is.
    let point = if path.starts_with("/proc/self/fd") { path.read_link().ok() } else { None };
    let point = point.as_deref().unwrap_or(path);
    mounts.iter().rfind(|mount| mount.point == point).map_or(MsFlags::empty(), Mount::flags)
}

/// The names beneath a directory, sorted, whiteouts and opaque directories marked
/// as overlayfs has them.
pub fn tree(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    walk(root, "", &mut names);
    names.sort();
    names
}

fn walk(directory: &Path, prefix: &str, names: &mut Vec<String>) {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let Ok(metadata) = entry.path().symlink_metadata() else { continue };
        if metadata.is_dir() {
            let opaque = if is_opaque(&entry.path()) { " (opaque)" } else { "" };
            names.push(format!("{name}/{opaque}"));
            walk(&entry.path(), &format!("{name}/"), names);
        } else if metadata.file_type().is_char_device() && metadata.rdev() == 0 {
            names.push(format!("{name} (whiteout)"));
        } else {
            names.push(name);
        }
    }
}

/// overlayfs marks it with an extended attribute, in a user namespace by another
/// name. xattr(7)
fn is_opaque(directory: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let Ok(path) = std::ffi::CString::new(directory.as_os_str().as_bytes()) else { return false };
    [c"trusted.overlay.opaque", c"user.overlay.opaque"].iter().any(|name| {
        let mut value = [0_u8; 1];
        // SAFETY: both strings are NUL-terminated and the buffer has one byte.
        let length = unsafe { libc::lgetxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), 1) };
        length == 1 && value == *b"y"
    })
}

/// A line of /proc/PID/cgroup. cgroups(7)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroup {
    /// The controllers of a v1 hierarchy (`memory`, `name=systemd`); empty for v2.
    pub controllers: String,
    /// Where the process is, from the root of its cgroup namespace.
    pub path: String,
}

impl std::fmt::Display for Cgroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hierarchy = if self.controllers.is_empty() { "v2" } else { &self.controllers };
        write!(f, "{hierarchy:<14} {}", self.path)
    }
}

/// The cgroups of a process.
pub fn cgroups(pid: &str) -> Vec<Cgroup> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    text.lines().filter_map(cgroup).collect()
}

fn cgroup(line: &str) -> Option<Cgroup> {
    let mut fields = line.splitn(3, ':').skip(1);
    Some(Cgroup { controllers: fields.next()?.to_owned(), path: fields.next()?.to_owned() })
}

/// Where the caller's own cgroup lies in a hierarchy that can hold another beneath
/// it: v2 if it is mounted, else the first of v1.
pub fn own_cgroup() -> Option<PathBuf> {
    let mounts = mounts("self").ok()?;
    let own = cgroups("self");
    let v2 = mounts.iter().find(|mount| mount.kind == "cgroup2");
    let v1 = mounts.iter().find(|mount| mount.kind == "cgroup" && mount.super_options.contains("name=systemd"));
    let hierarchy = v2.or(v1)?;
    let controllers = if hierarchy.kind == "cgroup2" { "" } else { "name=systemd" };
    let here = own.iter().find(|cgroup| cgroup.controllers == controllers)?;
    Some(hierarchy.point.join(here.path.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::{mount, namespace, start_time};

    #[test]
    fn a_mountinfo_line_is_understood() {
        let line = "36 35 98:0 /mnt1 /my\\040disk rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let mount = mount(line).expect("a line from the manual");
        assert_eq!((mount.id, mount.device.as_str()), (36, "98:0"));
        assert_eq!((mount.root.as_str(), mount.kind.as_str()), ("/mnt1", "ext3"));
        assert_eq!(mount.point.to_str(), Some("/my disk"));
        assert_eq!(mount.propagation, "master:1");
    }

    #[test]
    fn this_process_is_found() {
        let pid = super::own_pid();
        assert!(start_time(pid).is_some_and(|ticks| ticks > 0));
        assert!(namespace("self", "uts").is_ok_and(|name| name.starts_with("uts:[")));
    }
}
