//! Files and directories, where a lesson shows them or a root is furnished.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag};
use nix::sys::stat::{Mode, SFlag};

use super::Kernel;
use crate::error::{Error, IoContext, Result};
use crate::trace::decode;

/// How often an openat2 is tried whose `..` the kernel can't vouch for.
const ATTEMPTS: u32 = 128;

/// True if a bound openat2 is worth another try: something was mounted or renamed
/// meanwhile, anywhere on the machine, and a `..` might have led out. openat2(2), EAGAIN
fn is_unsettled(error: &Error, left: &mut u32) -> bool {
    *left -= 1;
    error.errno() == Some(libc::EAGAIN) && *left > 0
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}

impl Kernel {
    /// Makes a directory. mkdir(2)
    #[track_caller]
    pub fn mkdir(&self, path: &Path, mode: u32) -> Result<()> {
        let args = || vec![decode::path(path), decode::mode(mode)];
        self.call("mkdir", args, || nix::unistd::mkdir(path, Mode::from_bits_truncate(mode)))
    }

    /// Makes a directory beneath an open one. mkdirat(2)
    #[track_caller]
    pub fn mkdirat(&self, directory: &OwnedFd, name: &OsStr, mode: u32) -> Result<()> {
        let args = || vec![self.fd(directory), decode::string(name), decode::mode(mode)];
        self.call("mkdirat", args, || nix::sys::stat::mkdirat(directory, name, Mode::from_bits_truncate(mode)))
    }

    /// Removes an empty directory. rmdir(2)
    #[track_caller]
    pub fn rmdir(&self, path: &Path) -> Result<()> {
        self.call("rmdir", || vec![decode::path(path)], || std::fs::remove_dir(path).map_err(|error| errno(&error)))
    }

    /// Removes a file's name. unlink(2)
    #[track_caller]
    pub fn unlink(&self, path: &Path) -> Result<()> {
        self.call("unlink", || vec![decode::path(path)], || nix::unistd::unlink(path))
    }

    /// Opens by path. open(2)
    #[track_caller]
    pub fn open(&self, path: &Path, flags: OFlag, mode: u32) -> Result<OwnedFd> {
        let flags = flags | OFlag::O_CLOEXEC;
        let args = || {
            let mut args = vec!["AT_FDCWD".to_owned(), decode::path(path), open_flags(flags)];
            if flags.contains(OFlag::O_CREAT) || flags.contains(OFlag::O_TMPFILE) {
                args.push(decode::mode(mode));
            }
            args
        };
        self.call("openat", args, || nix::fcntl::openat(AT_FDCWD, path, flags, Mode::from_bits_truncate(mode)))
    }

    /// Opens beneath an open directory, symlinks and `..` bound by `resolve`. openat2(2)
    #[track_caller]
    pub fn openat2(
        &self,
        root: BorrowedFd<'_>,
        path: &Path,
        flags: OFlag,
        mode: u32,
        resolve: ResolveFlag,
    ) -> Result<OwnedFd> {
        let flags = flags | OFlag::O_CLOEXEC;
        let args = || {
            let created =
                if flags.contains(OFlag::O_CREAT) { format!("mode={}, ", decode::mode(mode)) } else { String::new() };
            vec![self.fd(&root), decode::path(path), open_how(flags, &created, resolve), "24".to_owned()]
        };
        let how = OpenHow::new().flags(flags).mode(Mode::from_bits_truncate(mode)).resolve(resolve);
        let mut left = ATTEMPTS;
        loop {
            match self.call("openat2", args, || nix::fcntl::openat2(root, path, how)) {
                Err(error) if is_unsettled(&error, &mut left) => {}
                settled => return settled,
            }
        }
    }

    /// [`Kernel::openat2`] for what need not exist: that it doesn't is no event.
    #[track_caller]
    pub fn openat2_if_exists(
        &self,
        root: BorrowedFd<'_>,
        path: &Path,
        flags: OFlag,
        resolve: ResolveFlag,
    ) -> Result<Option<OwnedFd>> {
        let flags = flags | OFlag::O_CLOEXEC;
        let args = || vec![self.fd(&root), decode::path(path), open_how(flags, "", resolve), "24".to_owned()];
        let how = OpenHow::new().flags(flags).resolve(resolve);
        let mut left = ATTEMPTS;
        loop {
            match self.call_unless(Errno::ENOENT, "openat2", args, || nix::fcntl::openat2(root, path, how)) {
                Err(error) if is_unsettled(&error, &mut left) => {}
                settled => return settled,
            }
        }
    }

    /// True if the working directory lies beneath the root directory. getcwd(2)
    pub fn is_inside_root(&self) -> bool {
        self.plans() || nix::unistd::getcwd().is_ok_and(|directory| directory.is_absolute())
    }

    /// Gives a file to another owner. chown(2)
    #[track_caller]
    pub fn fchown(&self, file: &OwnedFd, uid: u32) -> Result<()> {
        let args = || vec![self.fd(file), uid.to_string(), "-1".to_owned()];
        self.call("fchown", args, || nix::unistd::fchown(file, Some(nix::unistd::Uid::from_raw(uid)), None))
    }

    /// Makes a symbolic link beneath an open directory. symlink(2)
    #[track_caller]
    pub fn symlinkat(&self, target: &str, directory: &OwnedFd, name: &str) -> Result<()> {
        let args = || vec![decode::string(target), self.fd(directory), decode::string(name)];
        self.call("symlinkat", args, || nix::unistd::symlinkat(target, directory, name))
    }

    /// Makes a device node beneath an open directory. mknod(2)
    #[track_caller]
    pub fn mknodat(&self, directory: &OwnedFd, name: &OsStr, node: &DeviceNode) -> Result<()> {
        let DeviceNode { block, major, minor, mode } = *node;
        let kind = if block { SFlag::S_IFBLK } else { SFlag::S_IFCHR };
        let args = || {
            let number = |number: u64| if number == 0 { "0".to_owned() } else { format!("{number:#x}") };
            let device = format!("makedev({}, {})", number(major), number(minor));
            let kind = if block { "S_IFBLK" } else { "S_IFCHR" };
            vec![self.fd(directory), decode::string(name), format!("{kind}|{}", decode::mode(mode)), device]
        };
        let device = nix::sys::stat::makedev(major, minor);
        self.call("mknodat", args, || {
            nix::sys::stat::mknodat(directory, name, kind, Mode::from_bits_truncate(mode), device)
        })
    }

    /// Sets a file's mode by descriptor, whatever the umask was. chmod(2)
    #[track_caller]
    pub fn fchmod(&self, file: &OwnedFd, mode: u32) -> Result<()> {
        let args = || vec![self.fd(file), decode::mode(mode)];
        self.call("fchmod", args, || nix::sys::stat::fchmod(file, Mode::from_bits_truncate(mode)))
    }

    /// Fills an open file with a program, byte by byte alike. sendfile(2)
    pub fn copy_into(&self, file: &OwnedFd, program: &super::Program) -> Result<()> {
        if self.plans() {
            return Ok(());
        }
        let path = Path::new(OsStr::from_bytes(program.path.to_bytes()));
        let copied = file.try_clone().map(File::from).and_then(|mut to| std::io::copy(&mut File::open(path)?, &mut to));
        copied.map(drop).or_fail(|| format!("cannot copy {}", path.display()))
    }

    /// Changes the working directory. chdir(2)
    #[track_caller]
    pub fn chdir(&self, path: &Path) -> Result<()> {
        self.call("chdir", || vec![decode::path(path)], || nix::unistd::chdir(path))
    }

    /// Changes the working directory to an open one. chdir(2)
    #[track_caller]
    pub fn fchdir(&self, directory: &OwnedFd) -> Result<()> {
        self.call("fchdir", || vec![self.fd(directory)], || nix::unistd::fchdir(directory))
    }

    /// Which permission bits new files are denied. umask(2)
    pub fn umask(&self, mask: u32) {
        nix::sys::stat::umask(Mode::from_bits_truncate(mask));
    }

    /// Writes to an open file in one call; `path` is what a plan calls it. write(2)
    #[track_caller]
    pub(super) fn write(&self, file: &OwnedFd, path: &Path, text: &[u8]) -> Result<()> {
        let args = || {
            let file = if self.plans() { format!("?<{}>", path.display()) } else { self.fd(file) };
            vec![file, decode::bytes(text), text.len().to_string()]
        };
        self.call("write", args, || nix::unistd::write(file, text)).map(drop)
    }

    /// Writes to a file that is open already, in one call. write(2)
    #[track_caller]
    pub fn write_into(&self, file: &OwnedFd, path: &Path, text: &str) -> Result<()> {
        self.write(file, path, text.as_bytes())
    }

    /// Opens an existing file (often one of the kernel's) and writes to it in one call.
    #[track_caller]
    pub fn write_to(&self, path: &Path, text: &str) -> Result<()> {
        let file = self.open_quietly(path, OFlag::O_WRONLY)?;
        self.write(&file, path, text.as_bytes())
    }

    /// [`Kernel::write_to`] for a setting, which is read back: what the kernel made
    /// of it is what counts.
    #[track_caller]
    pub fn set(&self, path: &Path, text: &str) -> Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let read = || if self.tells() { super::proc::setting_text(path) } else { String::new() };
        let before = read();
        let written = self.write_to(path, text);
        written.map_err(|error| error.doing(|| format!("cannot set {name} to {text}")))?;
        self.state(&name, &before, &read());
        Ok(())
    }

    /// The open before a told write or read: its error is told, its success is not.
    #[track_caller]
    fn open_quietly(&self, path: &Path, flags: OFlag) -> Result<OwnedFd> {
        use super::Outcome;
        let source = std::panic::Location::caller();
        let flags = flags | OFlag::O_CLOEXEC;
        let opened = if self.plans() { OwnedFd::planned() } else { nix::fcntl::open(path, flags, Mode::empty()) };
        opened.map_err(|errno| {
            let args = vec!["AT_FDCWD".to_owned(), decode::path(path), open_flags(flags)];
            self.tell_call("openat", || args.clone(), "-1".to_owned(), Some(errno), 0, source);
            self.failed("openat", args.clone(), errno, source)
        })
    }

    /// Makes or replaces a small file with this text, as `echo text > path` would.
    #[track_caller]
    pub fn put(&self, path: &Path, text: &str) -> Result<()> {
        let file = self.open(path, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC, 0o644)?;
        self.write(&file, path, text.as_bytes())
    }

    /// Appends to a file, as `echo text >> path` would.
    #[track_caller]
    pub fn append(&self, path: &Path, text: &str) -> Result<()> {
        let file = self.open(path, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_APPEND, 0o644)?;
        self.write(&file, path, text.as_bytes())
    }

    /// Appends blocks until the kernel refuses, and tells that refusal; at most
    /// `limit` bytes. How much was written.
    #[track_caller]
    pub fn fill(&self, path: &Path, block: &[u8], limit: usize) -> Result<usize> {
        let file = self.open(path, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_APPEND, 0o644)?;
        let source = std::panic::Location::caller();
        let mut written = 0;
        while written < limit && !self.plans() {
            match nix::unistd::write(&file, block) {
                Ok(count) => written += count,
                Err(errno) => {
                    let start = decode::bytes(&block[..block.len().min(32)]);
                    let args = vec![self.fd(&file), format!("{start}..."), block.len().to_string()];
                    self.tell_call("write", || args.clone(), "-1".to_owned(), Some(errno), 0, source);
                    return if matches!(errno, Errno::ENOSPC | Errno::EFBIG) {
                        Ok(written)
                    } else {
                        Err(self.failed("write", args, errno, source))
                    };
                }
            }
        }
        Ok(written)
    }

    /// Opens a file again and again until the kernel refuses, and tells that refusal;
    /// at most `limit` times. How often it was opened.
    #[track_caller]
    pub fn open_until_refused(&self, path: &Path, limit: u64) -> Result<usize> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let args = || vec!["AT_FDCWD".to_owned(), decode::path(path), open_flags(flags)];
        let source = std::panic::Location::caller();
        let mut opened = Vec::new();
        while (opened.len() as u64) < limit && !self.plans() {
            match nix::fcntl::openat(AT_FDCWD, path, flags, Mode::empty()) {
                Ok(file) => opened.push(file),
                Err(errno) => {
                    self.tell_call("openat", args, "-1".to_owned(), Some(errno), 0, source);
                    return if errno == Errno::EMFILE {
                        Ok(opened.len())
                    } else {
                        Err(self.failed("openat", args(), errno, source))
                    };
                }
            }
        }
        Ok(opened.len())
    }

    /// A handle on a path, for mounts on it or of it. open(2), O_PATH
    #[track_caller]
    pub fn open_path(&self, path: &Path) -> Result<OwnedFd> {
        self.open(path, OFlag::O_PATH, 0)
    }

    /// Reads a small file from its start. In a plan there is nothing to read.
    #[track_caller]
    pub fn read_to_string(&self, path: &Path) -> Result<String> {
        let fd = self.open(path, OFlag::O_RDONLY, 0)?;
        let mut text = String::new();
        if !self.plans() {
            let read = File::from(fd).read_to_string(&mut text);
            read.map_err(|error| crate::error::Error::io(format!("cannot read {}", path.display()), &error))?;
        }
        Ok(text)
    }
}

/// A device, and who may do what with its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceNode {
    /// A disk, say; else a character device.
    pub block: bool,
    /// Which driver.
    pub major: u64,
    /// Which of its devices.
    pub minor: u64,
    /// Permission bits.
    pub mode: u32,
}

impl DeviceNode {
    /// True for /dev/null. null(4)
    pub fn is_null(&self) -> bool {
        !self.block && (self.major, self.minor) == (1, 3)
    }
}

/// The device behind a path; `None` if it is anything else. stat(2)
pub fn device_node(path: &Path) -> Option<DeviceNode> {
    device(nix::sys::stat::stat(path).ok()?)
}

/// True if this name in a directory is a node of that device, and no link. stat(2)
pub fn is_device(directory: &OwnedFd, name: &OsStr, node: &DeviceNode) -> bool {
    let found = nix::sys::stat::fstatat(directory, name, nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW);
    let numbers = |node: DeviceNode| (node.block, node.major, node.minor);
    found.ok().and_then(device).is_some_and(|found| numbers(found) == numbers(*node))
}

/// The device behind a standard descriptor: 0, 1 or 2. stat(2)
pub fn device_behind(number: i32) -> Option<DeviceNode> {
    // SAFETY: nothing is closed by it, and of a number that is not open it says EBADF.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    device(nix::sys::stat::fstat(descriptor).ok()?)
}

fn device(found: nix::sys::stat::FileStat) -> Option<DeviceNode> {
    let kind = SFlag::from_bits_truncate(found.st_mode & SFlag::S_IFMT.bits());
    let block = kind == SFlag::S_IFBLK;
    let (major, minor) = (nix::sys::stat::major(found.st_rdev), nix::sys::stat::minor(found.st_rdev));
    (block || kind == SFlag::S_IFCHR).then_some(DeviceNode { block, major, minor, mode: found.st_mode & 0o777 })
}

/// True if a descriptor leads into a procfs, and not into what somebody has put in
/// its place. statfs(2), CVE-2025-52881
pub fn is_procfs(file: &OwnedFd) -> bool {
    lies_in(file, nix::sys::statfs::PROC_SUPER_MAGIC)
}

/// The same for a sysfs.
pub fn is_sysfs(file: &OwnedFd) -> bool {
    lies_in(file, nix::sys::statfs::SYSFS_MAGIC)
}

/// The same for a tmpfs.
pub fn is_tmpfs(file: &OwnedFd) -> bool {
    lies_in(file, nix::sys::statfs::TMPFS_MAGIC)
}

fn lies_in(file: &OwnedFd, kind: nix::sys::statfs::FsType) -> bool {
    nix::sys::statfs::fstatfs(file).is_ok_and(|found| found.filesystem_type() == kind)
}

/// True if a descriptor leads to a directory. stat(2)
pub fn is_directory(file: &OwnedFd) -> bool {
    let kind = |stat: nix::sys::stat::FileStat| SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
    nix::sys::stat::fstat(file).is_ok_and(|stat| kind(stat) == SFlag::S_IFDIR)
}

/// `struct open_how` as strace has it; `created` is its mode, for a file that may be made.
fn open_how(flags: OFlag, created: &str, resolve: ResolveFlag) -> String {
    format!("{{flags={}, {created}resolve={}}}", open_flags(flags), decode::flags(&resolve))
}

/// Names of open(2)'s flags, the access mode first, as strace has them.
fn open_flags(flags: OFlag) -> String {
    let access = match flags & OFlag::O_ACCMODE {
        OFlag::O_WRONLY => "O_WRONLY",
        OFlag::O_RDWR => "O_RDWR",
        _ => "O_RDONLY",
    };
    let rest = flags.difference(OFlag::O_ACCMODE);
    if rest.is_empty() {
        return access.to_owned();
    }
    let names = decode::flags(&rest);
    // O_TMPFILE holds the bit of O_DIRECTORY.
    let names = if flags.contains(OFlag::O_TMPFILE) { names.replace("O_DIRECTORY|", "") } else { names };
    format!("{access}|{names}")
}

/// Makes a file that appears under its name with this text in it already, and
/// stays open to append to: an unnamed file, then a link. open(2), O_TMPFILE
pub fn create_whole(path: &Path, text: &[u8]) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = File::options().append(true).custom_flags(libc::O_TMPFILE).mode(0o600).open(directory)?;
    file.write_all(text)?;
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    nix::unistd::linkat(AT_FDCWD, unnamed.as_str(), AT_FDCWD, path, nix::fcntl::AtFlags::AT_SYMLINK_FOLLOW)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::kernel::{O_PATH, RESOLVE_IN_ROOT};

    #[test]
    fn a_dot_dot_is_followed_while_files_are_renamed_elsewhere() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("a/b")).unwrap();
        let [one, two] = ["one", "two"].map(|name| elsewhere.path().join(name));
        std::fs::write(&one, "").unwrap();
        let opened: OwnedFd = File::open(root.path()).unwrap().into();
        let k = Kernel::new(Box::new(crate::trace::Silent), crate::kernel::Mode::default());
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    std::fs::rename(&one, &two).and_then(|()| std::fs::rename(&two, &one)).unwrap();
                }
            });
            let path = Path::new("a/../a/b/../b/../../a/b");
            let failed = (0..20_000)
                .find_map(|_| k.openat2(std::os::fd::AsFd::as_fd(&opened), path, O_PATH, 0, RESOLVE_IN_ROOT).err());
            ended.store(true, Ordering::Relaxed);
            assert!(failed.is_none(), "{}", failed.unwrap());
        });
    }
}
