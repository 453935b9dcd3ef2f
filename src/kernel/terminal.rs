//! Terminals: making a pty, sizing it, controlling it, raw mode. pty(7), ioctl_tty(2), termios(3)

use std::io::IsTerminal;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp, tcsetpgrp};

use super::{Child, Kernel};
use crate::error::{Error, Result};
use crate::trace::decode;

/// Rows and columns of a terminal.
pub type Winsize = nix::pty::Winsize;

/// True if standard input and output both are a terminal.
pub fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// True if standard input is a terminal.
pub fn is_terminal_input() -> bool {
    std::io::stdin().is_terminal()
}

/// The size of the terminal that a descriptor leads to. ioctl_tty(2), TIOCGWINSZ
pub fn window_size(terminal: BorrowedFd<'_>) -> Option<Winsize> {
    let mut size = Winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills in a winsize, which lives across the call.
    let got = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (got == 0).then_some(size)
}

/// A terminal in raw mode; its Drop gives back the mode it had.
#[derive(Debug)]
pub struct RawMode<'k> {
    kernel: &'k Kernel,
    terminal: OwnedFd,
    before: Option<Termios>,
}

impl RawMode<'_> {
    /// Gives it back now, and says if that failed. Drop tries once more then.
    pub fn restore(mut self) -> Result<()> {
        let Some(before) = &self.before else { return Ok(()) };
        self.kernel.tcsetattr(self.terminal.as_fd(), before)?;
        self.before = None;
        Ok(())
    }
}

impl Drop for RawMode<'_> {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = self.kernel.tcsetattr(self.terminal.as_fd(), before);
        }
    }
}

impl Kernel {
    /// Passes every key on as it is: no line editing, no echo, no signals from
    /// keys. termios(3), cfmakeraw
    #[track_caller]
    pub fn raw_mode(&self, terminal: BorrowedFd<'_>) -> Result<RawMode<'_>> {
        let failed = |errno: Errno| Error::io("cannot read the terminal's mode", &errno.into());
        let before = tcgetattr(terminal).map_err(failed)?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        let kept = terminal.try_clone_to_owned().map_err(|error| Error::io("cannot keep the terminal", &error))?;
        self.tcsetattr(terminal, &raw)?;
        Ok(RawMode { kernel: self, terminal: kept, before: Some(before) })
    }

    #[track_caller]
    fn tcsetattr(&self, terminal: BorrowedFd<'_>, mode: &Termios) -> Result<()> {
        let args = || vec![self.fd(&terminal), "TCSETS".to_owned(), spelled(mode)];
        self.call("ioctl", args, || tcsetattr(terminal, SetArg::TCSANOW, mode))
    }

    /// Sets rows and columns; the foreground program is told by SIGWINCH. ioctl_tty(2), TIOCSWINSZ
    #[track_caller]
    pub fn set_window_size(&self, terminal: &impl AsRawFd, size: Winsize) -> Result<()> {
        let args = || {
            let (rows, columns, x, y) = (size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);
            let size = format!("{{ws_row={rows}, ws_col={columns}, ws_xpixel={x}, ws_ypixel={y}}}");
            vec![self.fd(terminal), "TIOCSWINSZ".to_owned(), size]
        };
        self.call("ioctl", args, || {
            // SAFETY: TIOCSWINSZ reads a winsize, which lives across the call.
            Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) }).map(drop)
        })
    }

    /// Unlocks the other end of a new pty. ioctl_tty(2), TIOCSPTLCK
    #[track_caller]
    pub fn unlock_pty(&self, ptmx: &OwnedFd) -> Result<()> {
        let args = || vec![self.fd(ptmx), "TIOCSPTLCK".to_owned(), "[0]".to_owned()];
        let unlocked = 0_i32;
        self.call("ioctl", args, || {
            // SAFETY: TIOCSPTLCK reads an int, which lives across the call.
            Errno::result(unsafe { libc::ioctl(ptmx.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlocked) }).map(drop)
        })
    }

    /// Opens the other end of a pty without a path that could be tampered with.
    /// ioctl_tty(2), TIOCGPTPEER
    #[track_caller]
    pub fn open_pty_peer(&self, ptmx: &OwnedFd) -> Result<OwnedFd> {
        let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
        let names = || "O_RDWR|O_NOCTTY|O_CLOEXEC".to_owned();
        let args = || vec![self.fd(ptmx), "TIOCGPTPEER".to_owned(), names()];
        self.call("ioctl", args, || {
            // SAFETY: takes flags; a non-negative result is a new descriptor.
            let peer = Errno::result(unsafe { libc::ioctl(ptmx.as_raw_fd(), libc::TIOCGPTPEER, flags) })?;
            // SAFETY: see above; it is ours alone.
            Ok(unsafe { OwnedFd::from_raw_fd(peer) })
        })
    }

    /// Makes a terminal the controlling one of this session: keys become signals,
    /// job control works. ioctl_tty(2), TIOCSCTTY
    #[track_caller]
    pub fn set_controlling_terminal(&self, terminal: &OwnedFd) -> Result<()> {
        let args = || vec![self.fd(terminal), "TIOCSCTTY".to_owned(), "0".to_owned()];
        self.call("ioctl", args, || {
            // SAFETY: takes a plain number.
            Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0) }).map(drop)
        })
    }
}

impl Kernel {
    /// Takes the terminal back from a process group that is dead. A shell in a PID namespace makes
    /// its own group the foreground one, and at its end has no number for the one that it was
    /// before. From a group that lives, nothing is taken. tcsetpgrp(3), ioctl_tty(2), TIOCSPGRP
    #[track_caller]
    pub fn regain_terminal(&self) -> Result<()> {
        let (input, own) = (std::io::stdin(), getpgrp());
        let is_lost = tcgetpgrp(&input).is_ok_and(|group| group != own && killpg(group, None) == Err(Errno::ESRCH));
        if !is_lost {
            return Ok(());
        }
        // Whoever is in the background may not do that, and is stopped, unless the signal is blocked.
        let failed = |errno: Errno| Error::io("cannot block SIGTTOU", &errno.into());
        let before = SigSet::from(Signal::SIGTTOU).thread_swap_mask(SigmaskHow::SIG_BLOCK).map_err(failed)?;
        let args = || vec![self.fd(&input), "TIOCSPGRP".to_owned(), format!("[{own}]")];
        let regained = self.call("ioctl", args, || tcsetpgrp(&input, own));
        before.thread_set_mask().map_err(failed)?;
        regained
    }
}

/// What to wait for beside output, signals and the end.
#[derive(Debug, Clone, Copy)]
pub struct Events {
    /// Keys on standard input.
    pub input: bool,
    /// Room for keys in the terminal.
    pub writable: bool,
}

/// What has happened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ready {
    /// There is output.
    pub output: bool,
    /// There is room for keys.
    pub writable: bool,
    /// There are keys.
    pub input: bool,
    /// The process has ended.
    pub ended: bool,
}

impl Kernel {
    /// Waits until something happens to a child with a terminal. poll(2)
    pub fn wait_for_events(&self, child: &Child, master: BorrowedFd<'_>, events: Events) -> Result<Ready> {
        let signals = self.signals.borrow();
        let stdin = std::io::stdin();
        let writable = if events.writable { PollFlags::POLLOUT } else { PollFlags::empty() };
        let mut waiting = vec![
            PollFd::new(child.pidfd().as_fd(), PollFlags::POLLIN),
            PollFd::new(master, PollFlags::POLLIN | writable),
        ];
        waiting.extend(signals.as_ref().map(|signals| PollFd::new(signals.as_fd(), PollFlags::POLLIN)));
        if events.input {
            waiting.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut waiting, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Ok(Ready::default()),
            Err(errno) => return Err(Error::io("cannot wait for the terminal", &errno.into())),
        }
        let got = |index: usize| waiting.get(index).and_then(PollFd::revents).unwrap_or(PollFlags::empty());
        let ended = !got(0).is_empty();
        Ok(Ready {
            output: got(1).contains(PollFlags::POLLIN),
            writable: got(1).contains(PollFlags::POLLOUT),
            input: events.input && !got(waiting.len() - 1).is_empty(),
            ended: ended
                || (got(1).contains(PollFlags::POLLHUP) && !got(1).contains(PollFlags::POLLIN) && self.ends(child)),
        })
    }

    /// The terminal has no other end any more: only the process's end can follow.
    fn ends(&self, child: &Child) -> bool {
        let mut waiting = [PollFd::new(child.pidfd().as_fd(), PollFlags::POLLIN)];
        poll(&mut waiting, PollTimeout::NONE).is_ok()
    }

    /// Reads and writes return at once. fcntl(2), O_NONBLOCK
    pub fn nonblocking(&self, file: &impl AsFd) -> Result<()> {
        let set = nix::fcntl::fcntl(file, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK));
        set.map(drop).map_err(|errno| Error::io("cannot change a descriptor", &errno.into()))
    }

    /// Becomes a process group of its own, in the foreground of its terminal:
    /// keys reach it alone. setpgid(2), tcsetpgrp(3)
    #[track_caller]
    pub fn take_foreground(&self) -> Result<()> {
        self.call(
            "setpgid",
            || vec!["0".to_owned(); 2],
            || {
                let own = nix::unistd::Pid::from_raw(0);
                nix::unistd::setpgid(own, own)
            },
        )?;
        let own = nix::unistd::getpid();
        let args = || vec!["0".to_owned(), "TIOCSPGRP".to_owned(), format!("[{own}]")];
        self.call("ioctl", args, || nix::unistd::tcsetpgrp(std::io::stdin(), own))
    }
}

/// A terminal's mode as strace spells it, without the names of what is zero.
fn spelled(mode: &Termios) -> String {
    let some = |names: String| if names == "0" { String::new() } else { names };
    format!(
        "{{c_iflag={}, c_oflag={}, c_cflag={}, c_lflag={}, ...}}",
        some(decode::flags(&mode.input_flags)),
        some(decode::flags(&mode.output_flags)),
        decode::bits(&CONTROL, u64::from(mode.control_flags.bits())),
        some(decode::flags(&mode.local_flags)),
    )
}

/// Speeds and sizes are numbers within c_cflag, the larger ones first: no single bits. termios(3)
const CONTROL: [(u64, &str); 12] = [
    (libc::B38400 as u64, "B38400"),
    (libc::B9600 as u64, "B9600"),
    (libc::CS8 as u64, "CS8"),
    (libc::CS7 as u64, "CS7"),
    (libc::CS6 as u64, "CS6"),
    (libc::CSTOPB as u64, "CSTOPB"),
    (libc::CREAD as u64, "CREAD"),
    (libc::PARENB as u64, "PARENB"),
    (libc::PARODD as u64, "PARODD"),
    (libc::HUPCL as u64, "HUPCL"),
    (libc::CLOCAL as u64, "CLOCAL"),
    (libc::CRTSCTS as u64, "CRTSCTS"),
];
