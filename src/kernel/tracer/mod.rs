//! A program and all its children, followed from outside: which of the calls that are taught
//! they make, with what arguments and result, and from where in their code.
//!
//! Every process of it stops at each call, and goes on when it has been looked at; what is
//! looked at in /proc meanwhile does not change. If this process ends, so do they
//! (`PTRACE_O_EXITKILL`). ptrace(2), wait(2)

mod attempt;
mod calls;
mod memory;
mod registers;
mod stack;
mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::{Exit, Kernel};
use crate::error::{Error, Result};

pub use attempt::{Attempt, FOREIGN, HARMLESS, Tried, attempt};
pub use stack::Origin;
pub use start::Start;

/// A call that has been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// As its manual page has it.
    pub name: &'static str,
    /// Who made it, as this process counts.
    pub pid: i32,
    /// As strace(1) spells them.
    pub args: Vec<String>,
    /// What it returned, or its errno.
    pub outcome: std::result::Result<i64, i32>,
    /// Where in the program's own file it came from; `None` if another program made it.
    pub origin: Option<Origin>,
}

/// Something that has happened; whoever did it waits.
#[derive(Debug)]
pub enum Moment {
    /// A call has returned.
    Called(Call),
    /// A process runs another program from now on.
    Executed {
        /// Which one.
        pid: i32,
        /// Whose child it is.
        parent: i32,
    },
    /// The first process is about to end, and has its namespaces still.
    Leaving {
        /// Which one.
        pid: i32,
    },
    /// A process has ended.
    Ended {
        /// Which one.
        pid: i32,
        /// How.
        exit: Exit,
    },
}

/// How it all ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The first process; `None` if it took too long, and was ended.
    pub exit: Option<Exit>,
    /// How many others still ran then, and were ended.
    pub survivors: usize,
}

/// Programs made for another one have other numbers for their calls. linux/audit.h
const ARCHITECTURE: u32 = if cfg!(target_arch = "aarch64") { 0xc000_00b7 } else { 0xc000_003e };

/// How long processes are followed that outlive the first one.
const GRACE: Duration = Duration::from_secs(1);

/// What is known of a process.
#[derive(Debug, Clone, Default)]
struct Process {
    parent: i32,
    /// It has not stopped yet: its first stop is that of being followed.
    is_new: bool,
    /// The call that it is in, if that is one of those that count.
    within: Option<Call>,
    /// Where the program's file lies in its memory; `None` if it runs another one.
    image: Option<stack::Image>,
}

struct Tracer<'a> {
    main: i32,
    file: PathBuf,
    processes: BTreeMap<i32, Process>,
    /// Those that have stopped before it was told who has made them.
    early: BTreeSet<i32>,
    exit: Option<Exit>,
    /// How many others there were then.
    survivors: usize,
    see: &'a mut dyn FnMut(Moment) -> Result<()>,
}

impl Call {
    /// Why it usually fails so, if it has failed.
    pub fn hint(&self) -> Option<String> {
        let errno = Errno::from_raw(self.outcome.err()?);
        let name = if self.name == "clone" { "clone3" } else { self.name };
        super::hint::of(name, self.args.first().map_or("", String::as_str), errno)
    }
}

impl Kernel {
    /// Runs a program to its end and tells what happens. It is ended if nothing at all happens for
    /// so long as `limit`; or if it has not come to its end in ten times that.
    pub fn follow(&self, start: &Start, limit: Duration, see: &mut dyn FnMut(Moment) -> Result<()>) -> Result<Outcome> {
        let set = SigSet::from(Signal::SIGCHLD);
        let mut before = SigSet::empty();
        let cannot = |errno: Errno| Error::io("cannot wait for processes", &errno.into());
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), Some(&mut before)).map_err(cannot)?;
        let changes = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(cannot)?;
        let main = start.spawn()?;
        let first = Process { is_new: true, ..Process::default() };
        let processes = BTreeMap::from([(main, first)]);
        let mut tracer = Tracer {
            main,
            file: start.program.clone(),
            processes,
            early: BTreeSet::new(),
            exit: None,
            survivors: 0,
            see,
        };
        let outcome = self.until_end(&mut tracer, &changes, limit);
        tracer.end();
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None).map_err(cannot)?;
        outcome.map(|()| Outcome { exit: tracer.exit, survivors: tracer.survivors })
    }

    /// Until the first process has ended, and for a moment the others, or the time is up.
    fn until_end(&self, tracer: &mut Tracer<'_>, changes: &SignalFd, limit: Duration) -> Result<()> {
        let last = Instant::now() + limit * 10;
        let mut end = Instant::now() + limit;
        let mut told = 0_u32;
        while !tracer.processes.is_empty() {
            match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
                Ok(WaitStatus::StillAlive) => {
                    let Some(left) = end.checked_duration_since(Instant::now()) else { return Ok(()) };
                    self.first_of(&[changes.as_fd()], left)?;
                    while let Ok(Some(_)) = changes.read_signal() {}
                }
                // Who makes calls without end is not to be listened to without end.
                Ok(_) if Instant::now() > end => return Ok(()),
                Ok(status) => {
                    told = told.wrapping_add(1);
                    if told.is_multiple_of(256) {
                        self.first_of(&[], Duration::ZERO)?;
                    }
                    let was_running = tracer.exit.is_none();
                    tracer.changed(status)?;
                    end = match (was_running, tracer.exit) {
                        (_, None) => last.min(Instant::now() + limit),
                        (true, Some(_)) => Instant::now() + GRACE,
                        (false, Some(_)) => end,
                    };
                }
                Err(Errno::EINTR) => {}
                Err(Errno::ECHILD) => return Ok(()),
                Err(errno) => return Err(Error::io("cannot wait for processes", &errno.into())),
            }
        }
        Ok(())
    }
}

impl Tracer<'_> {
    /// One process has stopped or ended.
    fn changed(&mut self, status: WaitStatus) -> Result<()> {
        match status {
            WaitStatus::Exited(pid, code) => self.ended(pid.as_raw(), Exit::Code(code)),
            WaitStatus::Signaled(pid, signal, _) => self.ended(pid.as_raw(), Exit::Signal(signal as i32)),
            WaitStatus::PtraceSyscall(pid) => {
                let called = self.call(pid);
                resume(pid, None);
                called
            }
            WaitStatus::PtraceEvent(pid, _, event) => {
                let seen = self.event(pid, event);
                resume(pid, None);
                seen
            }
            WaitStatus::Stopped(pid, signal) => {
                let Some(process) = self.processes.get_mut(&pid.as_raw()) else {
                    // Who has made it is not known yet: it goes on when that is.
                    self.early.insert(pid.as_raw());
                    return Ok(());
                };
                if std::mem::take(&mut process.is_new) {
                    return self.begin(pid);
                }
                resume(pid, Some(signal));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The first stop of a process. The options of the first one are handed down.
    fn begin(&mut self, pid: Pid) -> Result<()> {
        use ptrace::Options;
        if pid.as_raw() == self.main {
            let options = Options::PTRACE_O_TRACESYSGOOD
                | Options::PTRACE_O_TRACEFORK
                | Options::PTRACE_O_TRACEVFORK
                | Options::PTRACE_O_TRACECLONE
                | Options::PTRACE_O_TRACEEXEC
                | Options::PTRACE_O_TRACEEXIT
                | Options::PTRACE_O_EXITKILL;
            ptrace::setoptions(pid, options).map_err(|errno| Error::io("cannot follow the program", &errno.into()))?;
            self.executed(pid.as_raw())?;
        }
        resume(pid, None);
        Ok(())
    }

    fn event(&mut self, pid: Pid, event: i32) -> Result<()> {
        let message = ptrace::getevent(pid).ok().and_then(|message| i32::try_from(message).ok()).unwrap_or_default();
        match event {
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
                let image = self.processes.get(&pid.as_raw()).and_then(|parent| parent.image.clone());
                let is_new = !self.early.remove(&message);
                let child = Process { parent: pid.as_raw(), is_new, within: None, image };
                self.processes.insert(message, child);
                if !is_new {
                    resume(Pid::from_raw(message), None);
                }
            }
            libc::PTRACE_EVENT_EXEC => {
                // A thread that calls execve takes the place of the first one.
                if message != pid.as_raw() {
                    self.processes.remove(&message);
                }
                self.executed(pid.as_raw())?;
            }
            libc::PTRACE_EVENT_EXIT if pid.as_raw() == self.main => {
                (self.see)(Moment::Leaving { pid: self.main })?;
            }
            _ => {}
        }
        Ok(())
    }

    fn executed(&mut self, pid: i32) -> Result<()> {
        let image = stack::Image::of(pid, &self.file);
        let process = self.processes.entry(pid).or_default();
        let call = process.within.take();
        process.image = image;
        let parent = process.parent;
        // This call does not return into the program that made it.
        if let Some(call) = call {
            (self.see)(Moment::Called(Call { outcome: Ok(0), ..call }))?;
        }
        (self.see)(Moment::Executed { pid, parent })
    }

    /// Enters or leaves a call.
    fn call(&mut self, pid: Pid) -> Result<()> {
        let Some(info) = syscall_info(pid).filter(|info| info.arch == ARCHITECTURE) else { return Ok(()) };
        let Some(process) = self.processes.get_mut(&pid.as_raw()) else { return Ok(()) };
        match info.op {
            libc::PTRACE_SYSCALL_INFO_ENTRY => {
                // SAFETY: this is the part that the kernel has filled in for an entry.
                let (number, args) = unsafe { (info.u.entry.nr, info.u.entry.args) };
                process.within = calls::read(pid.as_raw(), number, &args).map(|(name, args)| {
                    let place = |image: &stack::Image| image.origin(pid, info.instruction_pointer, info.stack_pointer);
                    let origin = process.image.as_ref().map(place);
                    Call { name, pid: pid.as_raw(), args, outcome: Ok(0), origin }
                });
            }
            libc::PTRACE_SYSCALL_INFO_EXIT => {
                let Some(call) = process.within.take() else { return Ok(()) };
                // SAFETY: this is the part that the kernel has filled in for an exit.
                let value = unsafe { info.u.exit.sval };
                let failed = i32::try_from(-value).ok().filter(|errno| (1..4096).contains(errno));
                let outcome = failed.map_or(Ok(value), Err);
                (self.see)(Moment::Called(Call { outcome, ..call }))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn ended(&mut self, pid: i32, exit: Exit) -> Result<()> {
        // A child of this process that has nothing to do with the program.
        if self.processes.remove(&pid).is_none() {
            return Ok(());
        }
        if pid == self.main {
            self.exit = Some(exit);
            self.survivors = self.processes.len();
        }
        (self.see)(Moment::Ended { pid, exit })
    }

    /// Ends what still runs.
    fn end(&mut self) {
        let survivors: Vec<i32> = self.processes.keys().chain(&self.early).copied().collect();
        for pid in &survivors {
            let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
        for pid in &survivors {
            // It may stop once more on its way.
            while let Ok(status) = waitpid(Pid::from_raw(*pid), Some(WaitPidFlag::__WALL)) {
                if matches!(status, WaitStatus::Exited(..) | WaitStatus::Signaled(..)) {
                    break;
                }
                resume(Pid::from_raw(*pid), None);
            }
        }
    }
}

/// Lets a process go on; it may have been killed meanwhile.
fn resume(pid: Pid, signal: Option<Signal>) {
    let _ = ptrace::syscall(pid, signal);
}

/// `PTRACE_GET_SYSCALL_INFO`: what the process is about to do, or has done.
fn syscall_info(pid: Pid) -> Option<libc::ptrace_syscall_info> {
    let mut info = MaybeUninit::<libc::ptrace_syscall_info>::zeroed();
    let size = size_of::<libc::ptrace_syscall_info>();
    // SAFETY: the kernel writes at most `size` bytes to where `info` lies.
    let read = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, pid.as_raw(), size, info.as_mut_ptr()) };
    // SAFETY: it was zeroed before, and all zeroes are a value of it.
    (read > 0).then(|| unsafe { info.assume_init() })
}
