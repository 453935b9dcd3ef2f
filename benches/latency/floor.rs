//! The floor: the least that a container costs. The same namespaces, the mount
//! table cut off, a root of its own with /proc, the program, and its end; no
//! options, no checks, no cleanup, nothing told.
//!
//! The benchmark starts itself again for it, so it is static as boxlab is.
//! clone(2), mount(2), pivot_root(2), execve(2), waitid(2)

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{Pid, chdir, execve, pivot_root};

/// The argument that makes the benchmark this program.
pub const NAME: &str = "the-floor";

/// No other one: it says that the floor itself has failed.
const FAILED: i32 = 125;

/// `the-floor ROOTFS PROGRAM`
pub fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let (Some(root), Some(program)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: {NAME} ROOTFS PROGRAM");
        return ExitCode::FAILURE;
    };
    let status = match start(&root, &program) {
        Ok(child) => end_of(child),
        Err(errno) => {
            eprintln!("{NAME}: clone3: {errno}");
            FAILED
        }
    };
    ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX))
}

fn start(root: &OsStr, program: &OsStr) -> nix::Result<Pid> {
    let namespaces = libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWCGROUP;
    // SAFETY: all zeroes is a valid `clone_args`: its fields are numbers.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = u64::from(namespaces.cast_unsigned());
    args.exit_signal = u64::from(libc::SIGCHLD.cast_unsigned());
    // SAFETY: `args` lives across the call; without CLONE_VM the child has a copy
    // of this (single) thread.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<libc::clone_args>()) };
    if pid == 0 {
        let failed = become_program(root, program);
        eprintln!("{NAME}: {failed}");
        // SAFETY: _exit has no preconditions.
        unsafe { libc::_exit(FAILED) };
    }
    Errno::result(pid).map(|pid| Pid::from_raw(i32::try_from(pid).unwrap_or(-1)))
}

/// The child: never returns but with what went wrong.
fn become_program(root: &OsStr, program: &OsStr) -> Errno {
    match enter(root) {
        Err(errno) => errno,
        Ok(()) => match CString::new(program.as_bytes()) {
            Err(_) => Errno::EINVAL,
            Ok(path) => {
                execve::<&CString, &CString>(&path, &[&path], &[]).map_or_else(|errno| errno, |never| match never {})
            }
        },
    }
}

fn enter(root: &OsStr) -> nix::Result<()> {
    let nothing = None::<&OsStr>;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
    mount(Some(root), root, nothing, MsFlags::MS_BIND | MsFlags::MS_REC, nothing)?;
    chdir(root)?;
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, nothing)
}

/// Waits; the status of the program.
fn end_of(child: Pid) -> i32 {
    // SAFETY: all zeroes is a valid `siginfo_t`.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let id = child.as_raw().cast_unsigned();
    // SAFETY: `info` lives across the call.
    let waited = unsafe { libc::waitid(libc::P_PID, id, &raw mut info, libc::WEXITED) };
    // SAFETY: waitid has filled in the fields of a SIGCHLD.
    if waited == 0 && info.si_code == libc::CLD_EXITED { unsafe { info.si_status() } } else { FAILED }
}
