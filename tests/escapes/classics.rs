//! What every book on containers warns of.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;

use super::attacker::WORD;
use super::{Outcome, SECRET, attack, attacker, calls, forbidden, text};
use crate::support::{boxlab, check, is_root, needs_root_for, run, scratch, store};

/// Each call that rules the machine is refused, by capability or by filter.
pub fn calls() -> Outcome {
    for options in [&[][..], &["--user", "65534"], &["--cap-drop", "ALL"]] {
        let ran = attack(options, &["calls"]);
        // Without ranges of ids there is no other user.
        if ran.stderr.contains("is not mapped") {
            continue;
        }
        check(ran.status == 0, format!("{options:?}: {ran:?}"))?;
        for name in calls::names() {
            let lines: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with(&format!("{name}: "))).collect();
            let refused =
                [": EPERM", ": ENOSYS", ": EACCES"].iter().any(|end| lines[..].iter().all(|line| line.ends_with(end)));
            check(!lines.is_empty() && refused, format!("{options:?}, {name}: {ran:?}"))?;
        }
    }
    if is_root() {
        let ran = attack(&["--privileged"], &["calls"]);
        let let_in = ran.stdout.lines().filter(|line| !line.ends_with(": EPERM") && !line.ends_with(": ENOSYS"));
        check(let_in.count() > 15, format!("--privileged lets them through: {ran:?}"))?;
    }
    Ok(())
}

/// Root may call chroot(2) in a container; after pivot_root it leads nowhere.
pub fn second_chroot() -> Outcome {
    let secret = text(&forbidden("chroot").join("secret"));
    let ran = attack(&[], &["chroot", &secret]);
    check(ran.stdout.contains("chroot again: ok") && !ran.stdout.contains(SECRET.trim()), format!("{ran:?}"))
}

/// A node for a disk of the host's.
pub fn disk() -> Outcome {
    let Some((major, minor)) = host_disk() else {
        return Err(crate::support::lacks("no block device of this machine can be opened"));
    };
    let words = ["disk", &major.to_string(), &minor.to_string()];
    let ran = attack(&[], &words);
    check(ran.status == 0 && !ran.stdout.contains("ing: ok"), format!("the host's disk: {ran:?}"))?;
    if is_root() {
        check(ran.stdout == "mknod: ok\nreading: EPERM\nwriting: EPERM\n", format!("devices cgroup: {ran:?}"))?;
        // Reading proves that it is the cgroup; nothing is written by an open.
        let ran = attack(&["--privileged"], &words);
        check(ran.stdout.contains("reading: ok"), format!("--privileged opens it: {ran:?}"))?;
    } else {
        check(ran.stdout.starts_with("mknod: EPERM\n"), format!("no nodes in a user namespace: {ran:?}"))?;
    }
    Ok(())
}

/// A block device that root of this machine may open; for others, any.
fn host_disk() -> Option<(u64, u64)> {
    let disks = std::fs::read_dir("/sys/class/block").ok()?.flatten();
    let mut nodes = disks.map(|disk| Path::new("/dev").join(disk.file_name())).filter(|node| node.exists());
    let found = nodes.find(|node| !is_root() || std::fs::File::open(node).is_ok())?;
    let number = found.metadata().ok()?.rdev();
    Some((nix::sys::stat::major(number), nix::sys::stat::minor(number)))
}

/// "Shocker": with CAP_DAC_READ_SEARCH a file is opened by its handle, wherever the
/// root directory is. /etc/hosts gives the filesystem, which is the store's.
pub fn handle() -> Outcome {
    let secret = forbidden("handle").join("secret");
    let handle = handle_of(&secret)?;
    let ran = attack(&[], &["handle", &handle]);
    check(ran.stdout == "open_by_handle_at: EPERM\n", format!("{ran:?}"))?;
    if is_root() {
        let ran = attack(&["--cap-add", "DAC_READ_SEARCH"], &["handle", &handle]);
        check(ran.stdout.contains(SECRET.trim()), format!("with CAP_DAC_READ_SEARCH it works: {ran:?}"))?;
    }
    Ok(())
}

/// Kind and bytes of a file's handle. name_to_handle_at(2)
fn handle_of(path: &Path) -> Result<String, std::io::Error> {
    let mut buffer = [0_u32; 34];
    buffer[0] = 128;
    let (path, mut mount) = (CString::new(text(path))?, 0);
    // SAFETY: the structure begins with the number of bytes that follow its 8 of head.
    let got = unsafe {
        libc::syscall(
            libc::SYS_name_to_handle_at,
            libc::AT_FDCWD,
            path.as_ptr(),
            buffer.as_mut_ptr(),
            &raw mut mount,
            0,
        )
    };
    Errno::result(got)?;
    let bytes: Vec<u8> = buffer[2..].iter().flat_map(|word| word.to_ne_bytes()).take(buffer[0] as usize).collect();
    Ok(format!("{}:{}", buffer[1], bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

/// TIOCSTI types on the terminal from which boxlab was started, as if the user did.
/// CVE-2016-2781, CVE-2017-5226
pub fn keys() -> Outcome {
    let pty = nix::pty::openpty(None, None)?;
    let on_terminal = |command: &mut Command| {
        let slave = || pty.slave.try_clone().map(Stdio::from);
        command.stdin(slave()?).stdout(Stdio::piped()).stderr(Stdio::piped());
        // SAFETY: both calls may be made between fork and exec.
        unsafe {
            command.pre_exec(|| {
                nix::unistd::setsid()?;
                Errno::result(libc::ioctl(0, libc::TIOCSCTTY, 0))?;
                Ok(())
            })
        };
        command.output().map(crate::support::Ran::from)
    };
    let volume = attacker();
    let in_container = ["-q", "run", "-i", "-v", &volume, "host", "/attacker", WORD, "keys"];
    let ran = on_terminal(boxlab().args(in_container))?;
    check(ran.status == 0, format!("{ran:?}"))?;
    let refused = |line: &str| [": EPERM", ": EIO", ": ENXIO"].iter().any(|end| line.ends_with(end));
    check(ran.stdout.lines().count() == 5 && ran.stdout.lines().all(refused), format!("{ran:?}"))?;
    check(ran.stdout.starts_with("/dev/tty: ENXIO\n"), format!("it has no terminal of the host's: {ran:?}"))?;
    check(waiting(&pty.slave) == 0, "a key was typed on the host's terminal")
}

/// How many bytes a terminal has to be read.
fn waiting(terminal: &impl AsFd) -> i32 {
    let mut count = 0;
    // SAFETY: FIONREAD writes an int there.
    unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::FIONREAD, &raw mut count) };
    count
}

/// This very process, by the number that it has on the host.
pub fn processes() -> Outcome {
    let own = std::process::id().to_string();
    let ran = attack(&[], &["process", &own]);
    let gone = |line: &str| line.ends_with(": ESRCH") || line.ends_with(": ENOENT");
    check(ran.status == 0 && ran.stdout.lines().all(gone), format!("not known by its number: {ran:?}"))?;
    let ran = attack(&[], &["list", "/proc/1/root/proc/1/root"]);
    check(ran.stdout.contains("entries"), format!("PID 1's root is the container's: {ran:?}"))?;
    let secret = text(&forbidden("root").join("secret"));
    let ran = attack(&[], &["read", &format!("/proc/1/root{secret}"), &format!("/proc/1/cwd/..{secret}")]);
    check(ran.stdout.matches(": ENOENT").count() == 2, format!("{ran:?}"))?;
    // Seen without a PID namespace, it can't be entered all the same.
    let ran = attack(&["--without", "pid"], &["process", &own]);
    let entered = ["ptrace", "root", "cwd", "exe", "fd/0", "environ", "ns/mnt"];
    let open = |name: &&str| ran.stdout.contains(&format!("{name}: ok"));
    check(ran.status == 0 && !entered.iter().any(open), format!("{ran:?}"))?;
    check(ran.stdout.contains("pidfd_open: ok"), format!("without the namespace it is there: {ran:?}"))
}

/// A daemon of the host's that listens on an abstract socket, as containerd-shim did.
pub fn abstract_sockets() -> Outcome {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("boxlab-test-{}", std::process::id());
    let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
    let ran = attack(&[], &["connect", &name]);
    check(ran.stdout == "connect: ECONNREFUSED\n", format!("{ran:?}"))?;
    let ran = attack(&["--network", "host"], &["connect", &name]);
    check(ran.stdout == "connect: ok\n", format!("with the host's network it is there: {ran:?}"))
}

/// An inheritable capability is one that a file with the like of it gives to anybody.
pub fn inherited_capabilities() -> Outcome {
    for options in [&[][..], &["--init"], &["--cap-add", "ALL"], &["--privileged"], &["--user", "65534"]] {
        let ran = run(&[&["run"], options, &["host", "grep", "-E", "CapInh|CapAmb", "/proc/self/status"]].concat());
        if ran.stderr.contains("is not mapped") {
            continue;
        }
        let none = ran.stdout.lines().all(|line| line.ends_with("\t0000000000000000"));
        check(ran.status == 0 && ran.stdout.lines().count() == 2 && none, format!("{options:?}: {ran:?}"))?;
    }
    Ok(())
}

/// Root in a container marks a program setuid; on the host, anybody who finds it would
/// be root. So nobody finds it.
pub fn setuid_programs() -> Outcome {
    needs_root_for("only root can look as somebody else")?;
    let open = scratch("setuid").join("empty");
    std::fs::write(&open, "")?;
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o4755))?;
    check(setuid_files(store(), Some(65_534))? == format!("{}\n", open.display()), "anybody finds what is in reach")?;
    std::fs::remove_file(&open)?;
    for options in [&[][..], &["--userns", "private"]] {
        let mut child = boxlab();
        child.args(["-q", "run", "-i"]).args(options);
        let script = "cp /bin/sh /setuid && chmod 4755 /setuid && echo up && exec cat";
        let child = child.args(["host", "sh", "-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.spawn()?;
        let mut up = [0; 3];
        std::io::Read::read_exact(child.stdout.as_mut().expect("its output"), &mut up)?;
        let found = [None, Some(65_534)].map(|user| setuid_files(store(), user));
        drop(child.stdin.take());
        check(child.wait()?.success(), "the container ends well")?;
        let [by_root, by_others] = found;
        let (by_root, by_others) = (by_root?, by_others?);
        check(by_root.contains("/setuid"), format!("{options:?}: the program is there: {by_root}"))?;
        check(by_others.is_empty(), format!("{options:?}: found by anybody: {by_others}"))?;
    }
    Ok(())
}

/// The setuid and setgid programs that a user can reach in a directory.
fn setuid_files(directory: &Path, user: Option<u32>) -> Result<String, std::io::Error> {
    let mut find = Command::new("find");
    find.arg(directory).args(["-xdev", "-perm", "/6000", "-type", "f"]).stdin(Stdio::null()).stderr(Stdio::null());
    if let Some(user) = user {
        find.uid(user).gid(user);
    }
    find.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
}
