//! Calls made in a program's place: what it may do is seen best by doing it.
//!
//! The program has just been loaded and has not run a single instruction of its own. The one
//! that it would begin with is exchanged for a call, and then put back. ptrace(2)

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use super::super::proc;
use super::registers::Registers;

/// A call to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Its name.
    pub name: &'static str,
    number: u64,
    args: [u64; 3],
    way: Way,
}

/// By which instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// This machine's own.
    Native,
    /// That of 32-bit programs: `int $0x80`.
    I386,
}

impl Attempt {
    const fn new(name: &'static str, number: i64, args: [u64; 3]) -> Self {
        Self { name, number: number.cast_unsigned(), args, way: Way::Native }
    }
}

/// Its bit in a set of signals. proc_pid_status(5)
const SIGSYS: u64 = 1 << (libc::SIGSYS - 1);

const NONE: u64 = u64::MAX;

/// Calls that need no capability to get as far as an error of their own, or to do nothing:
/// EPERM can only come from a filter.
pub const HARMLESS: [Attempt; 6] = [
    Attempt::new("unshare", libc::SYS_unshare, [0, 0, 0]),
    Attempt::new("setns", libc::SYS_setns, [NONE, 0, 0]),
    Attempt::new("mount", libc::SYS_mount, [0, 0, 0]),
    Attempt::new("umount2", libc::SYS_umount2, [0, 0, 0]),
    Attempt::new("keyctl", libc::SYS_keyctl, [NONE, 0, 0]),
    Attempt::new("ptrace", libc::SYS_ptrace, [libc::PTRACE_CONT as u64, 0, 0]),
];

/// unshare(2) by its number in 32-bit programs. `None`: this machine runs none.
pub const FOREIGN: Option<Attempt> = if cfg!(target_arch = "x86_64") {
    Some(Attempt { name: "unshare", number: 310, args: [0, 0, 0], way: Way::I386 })
} else {
    None
};

/// What has come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// What it returned.
    Returned(i64),
    /// Its errno.
    Failed(i32),
    /// The program was killed, or would have been.
    Killed,
}

/// Makes calls in the place of a process that has just been told to have executed a program.
/// It can go on afterwards, unless one of them has killed it: then the rest is left out.
pub fn attempt(pid: i32, attempts: &[Attempt]) -> Vec<Tried> {
    let pid = Pid::from_raw(pid);
    // It is still in execve(2): to the end of that.
    if attempts.is_empty() || ptrace::syscall(pid, None).is_err() || next(pid) != Stop::Call {
        return Vec::new();
    }
    let mut tried = Vec::new();
    for attempt in attempts {
        let Some(result) = one(pid, attempt) else { break };
        tried.push(result.0);
        if !result.1 {
            break;
        }
    }
    tried
}

/// What has come of it, and whether the process is still there. `None`: nothing could be tried.
fn one(pid: Pid, attempt: &Attempt) -> Option<(Tried, bool)> {
    let before = Registers::of(pid)?;
    let place = before.instruction() as ptrace::AddressType;
    let word = ptrace::read(pid, place).ok()?;
    let (bits, instruction) = match attempt.way {
        Way::I386 => (16, 0x80cd),
        Way::Native if cfg!(target_arch = "aarch64") => (32, 0xd400_0001),
        Way::Native => (16, 0x050f),
    };
    ptrace::write(pid, place, (word >> bits << bits) | instruction).ok()?;
    let mut registers = before;
    match attempt.way {
        Way::Native => registers.call(attempt.number, attempt.args),
        Way::I386 => registers.call_i386(attempt.number, attempt.args),
    }
    registers.set(pid)?;
    let mut stops = [Stop::Gone; 2];
    for stop in &mut stops {
        ptrace::syscall(pid, None).ok()?;
        *stop = next(pid);
        if *stop != Stop::Call {
            break;
        }
    }
    if stops.contains(&Stop::Gone) && !stops.contains(&Stop::Signal) {
        return Some((Tried::Killed, false));
    }
    // Killed by a filter, a process leaves the call as if it had not been made, and then ends.
    let is_doomed = proc::status(&pid.to_string(), "SigPnd")
        .is_some_and(|pending| u64::from_str_radix(&pending, 16).is_ok_and(|pending| pending & SIGSYS != 0));
    if is_doomed {
        return Some((Tried::Killed, false));
    }
    let result = Registers::of(pid)?.result();
    ptrace::write(pid, place, word).ok()?;
    before.set(pid)?;
    let tried = match (stops.contains(&Stop::Signal), i32::try_from(-result)) {
        (true, _) => Tried::Killed,
        (false, Ok(errno)) if (1..4096).contains(&errno) => Tried::Failed(errno),
        (false, _) => Tried::Returned(result),
    };
    Some((tried, true))
}

/// Why a process has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Before or after a call.
    Call,
    /// A signal is on its way, which it does not get.
    Signal,
    /// It ends, or has ended: whoever follows it will be told.
    Gone,
}

fn next(pid: Pid) -> Stop {
    let stopped = WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::__WALL;
    loop {
        // An end is left for the one who follows it.
        match waitid(Id::Pid(pid), stopped | WaitPidFlag::WNOWAIT) {
            Err(Errno::EINTR) => continue,
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(_) => return Stop::Gone,
            Ok(_) => {}
        }
        return match waitpid(pid, Some(WaitPidFlag::__WALL)) {
            Ok(WaitStatus::PtraceSyscall(_)) => Stop::Call,
            Ok(WaitStatus::Stopped(_, Signal::SIGCHLD)) => continue,
            Ok(WaitStatus::Stopped(..)) => Stop::Signal,
            _ => Stop::Gone,
        };
    }
}
