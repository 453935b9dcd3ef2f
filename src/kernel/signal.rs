//! Signals as something to read: signalfd(2), so that nothing is lost between
//! "start" and "wait", and no handler runs at a bad moment.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::{Child, Exit, Kernel};
use crate::error::{Error, Result};

/// The signals that a user or a supervisor may send to boxlab itself.
const TAKEN: [Signal; 7] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
];

fn is_ignored(signal: Signal) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: nothing is installed; the kernel fills in what the pointer leads to, unless it fails.
    unsafe {
        libc::sigaction(signal as i32, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// If whoever started boxlab has SIGCHLD ignored, the kernel would collect boxlab's children itself,
/// and none could be waited for. wait(2)
pub fn keep_ended_children() {
    take_default(Signal::SIGCHLD);
}

fn take_default(signal: Signal) {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: installs no handler, only the default action; it is refused for SIGKILL and SIGSTOP.
    let _ = unsafe { sigaction(signal, &default) };
}

/// The queue of signals sent to this process.
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// The next signal, if one is waiting.
    pub fn next(&self) -> Option<Signal> {
        let info = self.0.read_signal().ok()??;
        Signal::try_from(i32::try_from(info.ssi_signo).ok()?).ok()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Kernel {
    /// From here on signals wait until they are read: with [`Kernel::signal`],
    /// or while this process waits for a child. Those that nohup(1), or a shell for what it puts into
    /// the background, has had ignored stay so: a blocked one would be queued all the same. signalfd(2)
    pub fn take_signals(&self) -> Result<()> {
        let set: SigSet = TAKEN.into_iter().filter(|signal| !is_ignored(*signal)).collect();
        let failed = |errno| Error::io("cannot block signals", &std::io::Error::from(errno));
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), None).map_err(failed)?;
        let queue = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(failed)?;
        self.signals.replace(Some(Signals(queue)));
        Ok(())
    }

    /// Waits until something can be read from `file`, or a signal has come: which one. poll(2)
    pub fn readable_or_signal(&self, file: &impl AsFd) -> Result<Option<Signal>> {
        let signals = self.signals.borrow();
        let mut polled = vec![PollFd::new(file.as_fd(), PollFlags::POLLIN)];
        polled.extend(signals.iter().map(|signals| PollFd::new(signals.as_fd(), PollFlags::POLLIN)));
        match poll(&mut polled, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => Ok(signals.as_ref().and_then(Signals::next)),
            Err(errno) => Err(Error::io("cannot wait", &errno.into())),
        }
    }

    /// The next signal that was sent to this process, if one is waiting.
    pub fn signal(&self) -> Option<Signal> {
        self.signals.borrow().as_ref().and_then(Signals::next)
    }
}

impl Kernel {
    /// Keeps all signals for [`Kernel::reap_until`]. sigprocmask(2)
    pub fn block_all_signals(&self) -> Result<()> {
        let blocked = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None);
        blocked.map_err(|errno| Error::io("cannot block signals", &errno.into()))
    }

    /// PID 1's work: collects every child that ends and passes signals on to the
    /// program, until that has ended. sigwait(3), wait(2)
    pub fn reap_until(&self, program: &Child) -> Result<Exit> {
        loop {
            let signal = SigSet::all().wait().map_err(|errno| Error::io("cannot wait for signals", &errno.into()))?;
            // A terminal tells its new size to the program itself.
            if signal == Signal::SIGWINCH {
                continue;
            }
            if signal != Signal::SIGCHLD {
                let _ = self.pidfd_send_signal(program, signal);
                continue;
            }
            if let Some(exit) = reap_all(program.pid) {
                return Ok(exit);
            }
        }
    }
}

/// Collects all children that have ended; how the program did, if it is among them.
fn reap_all(program: i32) -> Option<Exit> {
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    let mut exit = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid.as_raw() == program => exit = Some(Exit::Code(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid.as_raw() == program => {
                exit = Some(Exit::Signal(signal as i32))
            }
            Ok(WaitStatus::StillAlive) | Err(_) => return exit,
            Ok(_) => {}
        }
    }
}

impl Kernel {
    /// Ignores a signal, as the programs do that this process becomes. sigaction(2)
    pub fn ignore(&self, signal: Signal) -> Result<()> {
        let ignored = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
        // SAFETY: installs no handler.
        let set = unsafe { sigaction(signal, &ignored) };
        set.map(drop).map_err(|errno| Error::io(format!("cannot ignore {signal}"), &errno.into()))
    }
}

/// Takes each signal's default action again: whoever started boxlab may have had some ignored,
/// as nohup(1) does and a shell without job control for what it puts into the background.
/// sigaction(2)
pub fn default_signals() {
    // SIGPIPE comes last, see `reset`: boxlab itself still has somebody to write to.
    Signal::iterator().filter(|signal| *signal != Signal::SIGPIPE).for_each(take_default);
}

/// Gives the next program the signals of a fresh process: none blocked, and
/// SIGPIPE, which Rust ignores, at its default.
pub fn reset() {
    take_default(Signal::SIGPIPE);
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
}

/// A command that std starts: its program, too, gets the signals of a fresh process.
pub fn with_fresh_signals(command: &mut Command) -> &mut Command {
    let between = || {
        reset();
        Ok(())
    };
    // SAFETY: between fork and exec, only sigaction(2) and sigprocmask(2) are called.
    unsafe { command.pre_exec(between) }
}

/// The error of a user who pressed Ctrl-C, or of a supervisor's SIGTERM.
pub fn interrupted(signal: Signal) -> Error {
    Error::new(format!("interrupted by {signal}")).status(128 + signal as i32)
}
