//! The parent's half of a child: hearing it, answering it, waiting for its end.
//!
//! Waiting uses a pidfd, so no SIGCHLD can be lost. pidfd_open(2), unix(7), wait(2)

use std::cell::Cell;
use std::fs::File;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};

use super::child::{Child, Exit, Heard};
use super::{Kernel, signal::interrupted};
use crate::error::{Error, IoContext, Result};
use crate::trace::relay::Message;
use crate::trace::{Detail, Event, Record};

/// No message of a child is longer, in bytes.
pub(super) const LONGEST: usize = 1 << 18;

impl Kernel {
    /// Parent: lets a child go on from its gate.
    pub fn answer(&self, child: &Child) -> Result<()> {
        let Some(socket) = &child.socket else { return Ok(()) };
        socket.send(b"!").map(drop).or_fail(|| "the child is gone".to_owned())
    }

    /// Collects a child known only by its number; it is no error if there is none.
    pub fn collect(&self, pid: i32) {
        let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid), None);
    }

    /// Parent: listens until the child waits at this gate.
    pub fn until(&self, child: &mut Child, gate: &str) -> Result<()> {
        match self.hear(child)? {
            Heard::Gate(name) if name == gate => Ok(()),
            Heard::Ended => Err(ended_too_soon(self.wait(child)?)),
            other => {
                self.kill(child);
                Err(Error::new(format!("the child was expected at gate '{gate}', but: {other:?}")))
            }
        }
    }

    /// Parent: shows what the child tells until there is something to do. A child
    /// that can't be heard out is ended.
    pub fn hear(&self, child: &mut Child) -> Result<Heard> {
        let heard = self.hear_out(child);
        if heard.is_err() && child.socket.is_some() {
            self.kill(child);
        }
        heard
    }

    fn hear_out(&self, child: &mut Child) -> Result<Heard> {
        loop {
            if let Some(signal) = self.wait_for_word(child)? {
                if !child.takes_signals {
                    return Err(interrupted(signal));
                }
                self.pidfd_send_signal(child, signal)?;
                continue;
            }
            let Some((message, sender, descriptor)) = receive(child)? else {
                return self.hung_up(child);
            };
            if let Some(descriptor) = descriptor {
                return Ok(Heard::Descriptor(descriptor));
            }
            match message {
                Message::Told(record) => self.told(child, Record { pid: sender, ..record })?,
                Message::PassedOn(record) => self.told(child, record)?,
                Message::Gate(name) => return Ok(Heard::Gate(name)),
                Message::Announced(last) => self.announced(child, last, sender)?,
                Message::Failed(error) => child.failed = Some(error),
            }
        }
    }

    fn told(&self, child: &Child, record: Record) -> Result<()> {
        let waits = self.mode.pause && matches!(record.event, Event::Step { .. });
        self.pass_on(record);
        if waits { self.shown(child) } else { Ok(()) }
    }

    /// Waits until the child has said something, or a signal asks us to end. Words
    /// come first: the last may be that its program has started, whose signal it is.
    fn wait_for_word(&self, child: &Child) -> Result<Option<Signal>> {
        let Some(socket) = &child.socket else { return Ok(None) };
        let signals = self.signals.borrow();
        let Some(signals) = signals.as_ref() else { return Ok(None) };
        loop {
            let mut waiting =
                [PollFd::new(socket.as_fd(), PollFlags::POLLIN), PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
            match poll(&mut waiting, PollTimeout::NONE) {
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::io("cannot wait for the child", &errno.into())),
                Ok(_) if waiting[0].any().unwrap_or(false) => return Ok(None),
                Ok(_) => {
                    if let Some(signal) = self.asked_to_end() {
                        return Ok(Some(signal));
                    }
                }
            }
        }
    }

    /// The next signal that asks this process to end, if one is waiting.
    fn asked_to_end(&self) -> Option<Signal> {
        let other = [Signal::SIGWINCH, Signal::SIGUSR1, Signal::SIGUSR2];
        std::iter::from_fn(|| self.signal()).find(|signal| !other.contains(signal))
    }

    /// Lets this much time pass, unless a signal asks this process to end.
    pub fn let_pass(&self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while !self.plans() && Instant::now() < end {
            self.wait_for(None, end.saturating_duration_since(Instant::now()))?;
        }
        Ok(())
    }

    /// Waits until a cgroup's file has this line, five seconds at most. v2 says when
    /// one of its files has changed (poll(2), POLLPRI); v1 doesn't, so it is read again.
    pub fn until_reads(&self, path: &Path, line: &str) -> Result<()> {
        let reads = || super::proc::setting_text(path).split("; ").any(|found| found == line);
        let failed = || format!("cannot read {}", path.display());
        let file = if self.plans() { return Ok(()) } else { File::open(path).or_fail(failed)? };
        let end = Instant::now() + Duration::from_secs(5);
        while !reads() {
            if Instant::now() > end {
                return Err(Error::new(format!("{} does not come to say '{line}'", path.display()))
                    .hint("A process in it may be waiting for a disk, which can't be interrupted."));
            }
            self.wait_for(Some((file.as_fd(), PollFlags::POLLPRI)), Duration::from_millis(10))?;
        }
        Ok(())
    }

    /// Waits until something holds that the kernel announces by no event, a second at most.
    pub fn until_it_holds(&self, holds: impl Fn() -> bool) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(1);
        while !self.plans() && !holds() && Instant::now() < end {
            self.let_pass(Duration::from_millis(1))?;
        }
        Ok(())
    }

    /// Waits for a descriptor, at most for a time; an error if a signal asks to end.
    fn wait_for(&self, descriptor: Option<(BorrowedFd<'_>, PollFlags)>, time: Duration) -> Result<()> {
        let signals = self.signals.borrow();
        let mut waiting: Vec<PollFd<'_>> =
            signals.iter().map(|signals| PollFd::new(signals.as_fd(), PollFlags::POLLIN)).collect();
        waiting.extend(descriptor.map(|(descriptor, events)| PollFd::new(descriptor, events)));
        // A part of a millisecond counts as a whole one.
        let time = PollTimeout::try_from(time + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut waiting, time) {
            Err(errno) if errno != Errno::EINTR => Err(Error::io("cannot wait", &errno.into())),
            _ => self.asked_to_end().map_or(Ok(()), |signal| Err(interrupted(signal))),
        }
    }

    /// Lets a child go on that waits until its words are shown, unless the user
    /// has had enough meanwhile.
    fn shown(&self, child: &Child) -> Result<()> {
        match self.asked_to_end() {
            Some(signal) => Err(interrupted(signal)),
            None => self.answer(child),
        }
    }

    /// What comes last is shown now, and counts as happened at the end of file.
    fn announced(&self, child: &mut Child, last: Vec<Record>, sender: i32) -> Result<()> {
        let last: Vec<Record> = last.into_iter().map(|record| Record { pid: sender, ..record }).collect();
        for record in &last {
            let event = Event::Announce { of: Box::new(record.event.clone()) };
            self.pass_on(Record { event, role: record.role.clone(), ..*record });
        }
        child.announced = Some(last);
        if self.detail == Detail::Off { Ok(()) } else { self.shown(child) }
    }

    /// End of file: the announced program has started, or the child is gone.
    fn hung_up(&self, child: &mut Child) -> Result<Heard> {
        child.socket = None;
        if let Some(error) = child.failed.take() {
            self.wait(child)?;
            return Err(error);
        }
        match child.announced.take() {
            Some(last) => {
                last.into_iter().for_each(|record| self.pass_on(record));
                Ok(Heard::Started)
            }
            None => Ok(Heard::Ended),
        }
    }

    /// Parent: listens and waits until the child has ended. Once its program
    /// runs, the terminal's signals are the program's; others are passed on.
    pub fn watch(&self, child: &mut Child) -> Result<Exit> {
        loop {
            match self.hear(child)? {
                Heard::Started | Heard::Ended => break,
                Heard::Gate(_) => self.answer(child)?,
                Heard::Descriptor(_) => {}
            }
        }
        loop {
            if !self.wait_for_end(child)? {
                let exit = self.wait(child)?;
                self.regain_terminal()?;
                return Ok(exit);
            }
            while let Some(signal) = self.signal() {
                if !matches!(signal, Signal::SIGINT | Signal::SIGQUIT | Signal::SIGWINCH) {
                    self.pidfd_send_signal(child, signal)?;
                }
            }
        }
    }

    /// False when the child has ended, true when a signal is waiting.
    pub fn wait_for_end(&self, child: &Child) -> Result<bool> {
        let signals = self.signals.borrow();
        let mut waiting = vec![PollFd::new(child.pidfd().as_fd(), PollFlags::POLLIN)];
        waiting.extend(signals.as_ref().map(|signals| PollFd::new(signals.as_fd(), PollFlags::POLLIN)));
        loop {
            match poll(&mut waiting, PollTimeout::NONE) {
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::io("cannot wait for the child", &errno.into())),
                Ok(_) => return Ok(!waiting[0].any().unwrap_or(false)),
            }
        }
    }

    /// Waits for the end of a child and collects its status. waitid(2)
    pub fn wait(&self, child: &Child) -> Result<Exit> {
        loop {
            match waitid(Id::PIDFd(child.pidfd().as_fd()), WaitPidFlag::WEXITED) {
                Ok(WaitStatus::Exited(_, code)) => return Ok(Exit::Code(code)),
                Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(Exit::Signal(signal as i32)),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::io("cannot wait for the child", &errno.into())),
            }
        }
    }

    /// Ends a child at once and collects it; for the ways out of a failure.
    pub fn kill(&self, child: &mut Child) {
        child.socket = None;
        let _ = self.pidfd_send_signal(child, Signal::SIGKILL);
        let _ = self.wait(child);
    }

    /// Collects any child that has ended, own or adopted. wait(2)
    #[track_caller]
    pub fn wait_for_any(&self) -> Result<(i32, Exit)> {
        let status = Cell::new(0_i32);
        let args = || vec!["-1".to_owned(), wait_status(status.get()), "0".to_owned(), "NULL".to_owned()];
        let pid = self.call_spelled_after("wait4", args, || {
            // SAFETY: the kernel writes an int through the pointer, which lives across the call.
            Errno::result(unsafe { libc::wait4(-1, status.as_ptr(), 0, std::ptr::null_mut()) })
        })?;
        let status = status.get();
        let killed = libc::WIFSIGNALED(status);
        Ok((pid, if killed { Exit::Signal(libc::WTERMSIG(status)) } else { Exit::Code(libc::WEXITSTATUS(status)) }))
    }
}

/// `None` at end of file; else the message, its sender and a passed descriptor.
fn receive(child: &mut Child) -> Result<Option<(Message, i32, Option<OwnedFd>)>> {
    let Some(socket) = &child.socket else { return Ok(None) };
    let mut control = nix::cmsg_space!(UnixCredentials, [std::os::fd::RawFd; 1]);
    let mut data = [IoSliceMut::new(&mut child.buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let received = loop {
        match recvmsg::<()>(socket.as_raw_fd(), &mut data, Some(&mut control), flags) {
            // After ECONNRESET (the child died with an answer of ours unread)
            // what it had said is still there to be read.
            Err(Errno::EINTR | Errno::ECONNRESET) => {}
            other => break other,
        }
    };
    let received = received.map_err(|errno| Error::io("cannot hear the child", &errno.into()))?;
    let (mut sender, mut descriptor) = (child.pid, None);
    for message in received.cmsgs().into_iter().flatten() {
        match message {
            ControlMessageOwned::ScmCredentials(credentials) => sender = credentials.pid(),
            ControlMessageOwned::ScmRights(passed) => {
                // SAFETY: the kernel has just installed these descriptors for us.
                descriptor = passed.first().map(|&raw| unsafe { OwnedFd::from_raw_fd(raw) });
            }
            _ => {}
        }
    }
    let length = received.bytes;
    if length == 0 {
        return Ok(None);
    }
    let message = serde_json::from_slice(&child.buffer[..length]);
    message
        .map(|message| Some((message, sender, descriptor)))
        .map_err(|error| Error::new(format!("cannot understand the child: {error}")))
}

/// A wait status as strace spells it.
fn wait_status(status: i32) -> String {
    if libc::WIFSIGNALED(status) {
        let signal = libc::WTERMSIG(status);
        let name = Signal::try_from(signal).map_or_else(|_| signal.to_string(), |signal| signal.to_string());
        return format!("[{{WIFSIGNALED(s) && WTERMSIG(s) == {name}}}]");
    }
    format!("[{{WIFEXITED(s) && WEXITSTATUS(s) == {}}}]", libc::WEXITSTATUS(status))
}

/// A child that is gone before it said that it is ready.
fn ended_too_soon(exit: Exit) -> Error {
    match exit {
        Exit::Code(code) => Error::new(format!("the child has ended before it was ready, with status {code}")),
        Exit::Signal(signal) => Error::new(format!("the child was killed before it was ready, by signal {signal}"))
            .hint("By somebody, or by the kernel for want of memory: `dmesg | tail` tells of the latter."),
    }
}
