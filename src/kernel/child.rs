//! A child process: making it, listening to it, waiting for it.
//!
//! It speaks over a `SOCK_SEQPACKET` pair (see `trace::relay`). Waiting uses a
//! pidfd, so no SIGCHLD can be lost. clone(2), pidfd_open(2), unix(7)

use std::cell::Cell;
use std::io::{IoSliceMut, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::CloneFlags;
use nix::sys::signal::Signal;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixCredentials, recvmsg, setsockopt, socketpair,
    sockopt::PassCred,
};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};

use super::flags::NAMESPACES;
use super::signal::interrupted;
use super::{Kernel, proc};
use crate::error::{Error, FAILED, IoContext, Result};
use crate::trace::relay::{Link, Message, Relay};
use crate::trace::{Detail, Event, Record};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this status.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
}

impl Exit {
    /// The status as a shell counts it: 128+n for signal n.
    pub fn status(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

/// What a child has said, or what happened meanwhile.
#[derive(Debug)]
pub enum Heard {
    /// It waits at this gate for [`Kernel::answer`].
    Gate(String),
    /// It passed a descriptor.
    Descriptor(OwnedFd),
    /// Its program has started: nothing more will be heard.
    Started,
    /// It ended without starting a program.
    Ended,
}

/// A child that has not been waited for.
#[derive(Debug)]
pub struct Child {
    /// Its number, as the caller's PID namespace counts.
    pub pid: i32,
    pidfd: OwnedFd,
    socket: Option<UnixDatagram>,
    announced: Option<Option<Record>>,
    failed: Option<Error>,
}

impl Child {
    /// A descriptor that becomes readable when the child ends. pidfd_open(2)
    pub fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }
}

/// `struct clone_args` of clone3(2), in its first version plus what pads it to
/// the size that strace(1) calls 88 (version 2, with `cgroup`).
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

impl Kernel {
    /// Starts a child in new namespaces; `body` runs in it, as `role`.
    ///
    /// The child dies with its parent (`PR_SET_PDEATHSIG`). clone3(2)
    #[track_caller]
    pub fn clone3<T>(
        &self,
        role: &'static str,
        flags: CloneFlags,
        body: impl FnOnce(&Self) -> Result<T>,
    ) -> Result<Child> {
        self.clone3_untied(role, flags, |k| {
            k.die_with_parent()?;
            body(k)
        })
    }

    /// [`Kernel::clone3`] for a child that may outlive its parent. clone3(2)
    #[track_caller]
    pub fn clone3_untied<T>(
        &self,
        role: &'static str,
        flags: CloneFlags,
        body: impl FnOnce(&Self) -> Result<T>,
    ) -> Result<Child> {
        let (ours, theirs) = self.sockets()?;
        let told = Cell::new(self.until_told()?);
        let mut pidfd = -1_i32;
        let flags = flags | CloneFlags::from_bits_retain(libc::CLONE_PIDFD);
        let mut args = CloneArgs {
            flags: u64::from(flags.bits().cast_unsigned()),
            pidfd: &raw mut pidfd as u64,
            exit_signal: libc::SIGCHLD as u64,
            ..CloneArgs::default()
        };
        if self.mode.plan {
            args.flags &= libc::CLONE_PIDFD as u64;
        }
        let spelled = || vec![format!("{{flags={}, exit_signal=SIGCHLD}}", clone_flags(flags)), "88".to_owned()];
        let pid = self.call_even_in_a_plan("clone3", spelled, || {
            // SAFETY: `args` lives across the call and its pidfd points at an i32;
            // without CLONE_VM the child has a copy of this (single) thread.
            let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<CloneArgs>()) };
            if pid == 0 {
                drop(ours.take());
                wait_until_told(told.take());
                self.be_child(role, theirs, body);
            }
            Errno::result(pid).map(|pid| i32::try_from(pid).unwrap_or(i32::MAX))
        })?;
        drop(told);
        // SAFETY: clone3 succeeded with CLONE_PIDFD, so this is a new descriptor of ours.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        self.tell_new_namespaces(flags, pid);
        Ok(Child { pid, pidfd, socket: ours.take(), announced: None, failed: None })
    }

    /// A pair for a new link; a child's children share the link it has.
    fn sockets(&self) -> Result<(Cell<Option<UnixDatagram>>, Link)> {
        if let Some(link) = self.link.borrow().as_ref() {
            return Ok((Cell::new(None), link.clone()));
        }
        let made = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC);
        let (ours, theirs) = made.map_err(|errno| Error::io("cannot make a socket pair", &errno.into()))?;
        // Each message then carries its sender's PID as *this* process sees it.
        let credentials = setsockopt(&ours, PassCred, &true);
        credentials.map_err(|errno| Error::io("cannot ask for credentials", &errno.into()))?;
        Ok((Cell::new(Some(UnixDatagram::from(ours))), Link::new(UnixDatagram::from(theirs))))
    }

    /// A pipe that opens when the call has been told: a child's child shares its
    /// link and could otherwise be heard before the clone that made it.
    fn until_told(&self) -> Result<Option<(PipeReader, PipeWriter)>> {
        if self.link.borrow().is_none() || !self.tells() {
            return Ok(None);
        }
        std::io::pipe().map(Some).or_fail(|| "cannot make a pipe".to_owned())
    }

    /// The child's whole life, up to the exec in `body`.
    fn be_child<T>(&self, role: &'static str, link: Link, body: impl FnOnce(&Self) -> Result<T>) -> ! {
        let relay = Relay { link: link.clone(), detail: self.detail, in_step: self.mode.pause };
        let kernel = Self::with_role(role, Box::new(relay), self.mode.clone());
        kernel.step.replace(self.step.borrow().clone());
        // The kernel alone keeps the link, so that `hang_up` closes it.
        kernel.link.replace(Some(link));
        let outcome = catch_unwind(AssertUnwindSafe(|| body(&kernel)));
        let status = match outcome {
            Ok(Ok(_)) => 0,
            Ok(Err(error)) => {
                let status = error.failure().status;
                kernel.report(error);
                status
            }
            Err(_) => FAILED,
        };
        kernel.exit(status)
    }

    /// Child: the last word, for the parent to show.
    fn report(&self, error: Error) {
        if let Some(link) = self.link.borrow().as_ref() {
            let _ = link.send(&Message::Failed(error));
        }
    }

    /// Ends this process without running what the parent registered for its own end.
    pub fn exit(&self, status: i32) -> ! {
        // SAFETY: _exit has no preconditions.
        unsafe { libc::_exit(status) }
    }

    fn tell_new_namespaces(&self, flags: CloneFlags, pid: i32) {
        if !self.tells() || self.mode.plan {
            return;
        }
        for (flag, file, _, word) in NAMESPACES {
            if flags.contains(flag) {
                let before = proc::namespace("self", file).unwrap_or_default();
                let after = proc::namespace(&pid.to_string(), file).unwrap_or_default();
                self.state(&format!("{word} namespace"), &before, &after);
            }
        }
    }

    /// Child: waits until the parent answers. Nothing else synchronises the two.
    pub fn gate(&self, name: &str) -> Result<()> {
        let link = self.link.borrow();
        let Some(link) = link.as_ref() else { return Ok(()) };
        let asked = link.send(&Message::Gate(name.to_owned()));
        asked.and_then(|()| link.wait()).or_fail(|| format!("the parent is gone, at gate '{name}'"))
    }

    /// Child: closes its end of the link; its children keep theirs.
    pub fn hang_up(&self) {
        self.observer.replace(Box::new(crate::trace::Silent));
        self.link.replace(None);
    }

    /// Child: tells the parent that execve is next.
    pub(super) fn announce(&self, record: Option<Record>) -> Result<()> {
        let link = self.link.borrow();
        let Some(link) = link.as_ref() else { return Ok(()) };
        let announced = link.send(&Message::Announced(record));
        let shown = if self.detail == Detail::Off { announced } else { announced.and_then(|()| link.wait()) };
        shown.or_fail(|| "the parent is gone".to_owned())
    }

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
            other => {
                self.kill(child);
                Err(Error::new(format!("the child was expected at gate '{gate}', but: {other:?}")))
            }
        }
    }

    /// Parent: shows what the child tells until there is something to do.
    pub fn hear(&self, child: &mut Child) -> Result<Heard> {
        loop {
            if let Some(signal) = self.wait_for_word(child)? {
                self.kill(child);
                return Err(interrupted(signal));
            }
            let Some((message, sender, descriptor)) = receive(child)? else {
                return self.hung_up(child);
            };
            if let Some(descriptor) = descriptor {
                return Ok(Heard::Descriptor(descriptor));
            }
            match message {
                Message::Told(mut record) => {
                    record.pid = sender;
                    let waits = self.mode.pause && matches!(record.event, Event::Step { .. });
                    self.pass_on(record);
                    if waits {
                        self.answer(child)?;
                    }
                }
                Message::Gate(name) => return Ok(Heard::Gate(name)),
                Message::Announced(record) => self.announced(child, record, sender)?,
                Message::Failed(error) => child.failed = Some(error),
            }
        }
    }

    /// Waits until the child has said something, or a signal asks us to end.
    fn wait_for_word(&self, child: &Child) -> Result<Option<Signal>> {
        let Some(socket) = &child.socket else { return Ok(None) };
        let signals = self.signals.borrow();
        let Some(signals) = signals.as_ref() else { return Ok(None) };
        loop {
            while let Some(signal) = signals.next() {
                if !matches!(signal, Signal::SIGWINCH | Signal::SIGUSR1 | Signal::SIGUSR2) {
                    return Ok(Some(signal));
                }
            }
            let mut waiting =
                [PollFd::new(socket.as_fd(), PollFlags::POLLIN), PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
            match poll(&mut waiting, PollTimeout::NONE) {
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::io("cannot wait for the child", &errno.into())),
                Ok(_) if waiting[0].any().unwrap_or(false) => return Ok(None),
                Ok(_) => {}
            }
        }
    }

    fn announced(&self, child: &mut Child, record: Option<Record>, sender: i32) -> Result<()> {
        if let Some(Record { event: Event::Call { name, args, .. }, role, .. }) = &record {
            let event = Event::Announce { name: name.clone(), args: args.clone() };
            self.pass_on(Record { event, seq: 0, role: role.clone(), pid: sender });
        }
        child.announced = Some(record.map(|record| Record { pid: sender, ..record }));
        if self.detail == Detail::Off { Ok(()) } else { self.answer(child) }
    }

    /// End of file: the announced program has started, or the child is gone.
    fn hung_up(&self, child: &mut Child) -> Result<Heard> {
        child.socket = None;
        if let Some(error) = child.failed.take() {
            self.wait(child)?;
            return Err(error);
        }
        match child.announced.take() {
            Some(record) => {
                if let Some(record) = record {
                    self.pass_on(record);
                }
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
                return self.wait(child);
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
        let mut waiting = vec![PollFd::new(child.pidfd.as_fd(), PollFlags::POLLIN)];
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
            match waitid(Id::PIDFd(child.pidfd.as_fd()), WaitPidFlag::WEXITED) {
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

    /// Child: passes a descriptor to the parent. unix(7), SCM_RIGHTS
    pub fn pass(&self, descriptor: &OwnedFd) -> Result<()> {
        let link = self.link.borrow();
        let Some(link) = link.as_ref() else { return Ok(()) };
        let message = serde_json::to_vec(&Message::Gate("descriptor".to_owned())).unwrap_or_default();
        let raw = [descriptor.as_raw_fd()];
        let control = [nix::sys::socket::ControlMessage::ScmRights(&raw)];
        let data = [std::io::IoSlice::new(&message)];
        let sent =
            nix::sys::socket::sendmsg::<()>(link.socket().as_raw_fd(), &data, &control, MsgFlags::MSG_NOSIGNAL, None);
        sent.map(drop).map_err(|errno| Error::io("cannot pass a descriptor", &errno.into()))
    }
}

fn wait_until_told(pipe: Option<(PipeReader, PipeWriter)>) {
    if let Some((mut told, ours)) = pipe {
        drop(ours);
        let _ = told.read(&mut [0]);
    }
}

/// `None` at end of file; else the message, its sender and a passed descriptor.
fn receive(child: &Child) -> Result<Option<(Message, i32, Option<OwnedFd>)>> {
    let Some(socket) = &child.socket else { return Ok(None) };
    let mut buffer = vec![0_u8; 1 << 18];
    let mut control = nix::cmsg_space!(UnixCredentials, [std::os::fd::RawFd; 1]);
    let mut data = [IoSliceMut::new(&mut buffer)];
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
    let message = serde_json::from_slice(&buffer[..length]);
    message
        .map(|message| Some((message, sender, descriptor)))
        .map_err(|error| Error::new(format!("cannot understand the child: {error}")))
}

/// Flags of clone3, with `CLONE_PIDFD`, which nix does not name.
fn clone_flags(flags: CloneFlags) -> String {
    let pidfd = CloneFlags::from_bits_retain(libc::CLONE_PIDFD);
    let mut names = vec!["CLONE_PIDFD".to_owned()];
    let rest = flags.difference(pidfd);
    if !rest.is_empty() {
        names.push(super::namespace::spelled(rest));
    }
    names.join("|")
}

impl Kernel {
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

/// A wait status as strace spells it.
fn wait_status(status: i32) -> String {
    if libc::WIFSIGNALED(status) {
        let signal = libc::WTERMSIG(status);
        let name = Signal::try_from(signal).map_or_else(|_| signal.to_string(), |signal| signal.to_string());
        return format!("[{{WIFSIGNALED(s) && WTERMSIG(s) == {name}}}]");
    }
    format!("[{{WIFEXITED(s) && WEXITSTATUS(s) == {}}}]", libc::WEXITSTATUS(status))
}
