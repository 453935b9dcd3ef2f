//! A child process: making it, and its own half of the link to its parent.
//!
//! It speaks over a `SOCK_SEQPACKET` pair (see `trace::relay`); the parent's half
//! is `listen`. clone(2), unix(7)

use std::cell::Cell;
use std::io::{PipeReader, PipeWriter, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, setsockopt, socketpair, sockopt::PassCred};

use super::flags::NAMESPACES;
use super::listen::LONGEST;
use super::{Kernel, proc};
use crate::error::{Error, FAILED, IoContext, Result};
use crate::trace::relay::{Link, Message, Relay};
use crate::trace::{Detail, Record};

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
    /// Signals are its own to act on: they are passed on, and it says what becomes of it.
    pub takes_signals: bool,
    pidfd: OwnedFd,
    pub(super) socket: Option<UnixDatagram>,
    pub(super) announced: Option<Vec<Record>>,
    pub(super) failed: Option<Error>,
    /// Room for one message, the longest there is.
    pub(super) buffer: Vec<u8>,
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

impl CloneArgs {
    fn new(flags: CloneFlags, pidfd: *mut i32, cgroup: Option<&OwnedFd>) -> Self {
        let flags = u64::from(flags.bits().cast_unsigned());
        let usual = Self { flags, pidfd: pidfd as u64, exit_signal: libc::SIGCHLD as u64, ..Self::default() };
        match cgroup {
            Some(cgroup) => {
                let cgroup = u64::from(cgroup.as_raw_fd().unsigned_abs());
                Self { flags: flags | CLONE_INTO_CGROUP, cgroup, ..usual }
            }
            None => usual,
        }
    }
}

/// linux/sched.h; nix's flags have 32 bits.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

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

    /// [`Kernel::clone3`] for a child that is born in a cgroup of v2: it never was
    /// outside, and moving it later would cost milliseconds. clone3(2), `CLONE_INTO_CGROUP`
    #[track_caller]
    pub fn clone3_into<T>(
        &self,
        role: &'static str,
        flags: CloneFlags,
        cgroup: Option<&OwnedFd>,
        body: impl FnOnce(&Self) -> Result<T>,
    ) -> Result<Child> {
        self.clone3_anywhere(role, flags, cgroup, |k| {
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
        self.clone3_anywhere(role, flags, None, body)
    }

    #[track_caller]
    fn clone3_anywhere<T>(
        &self,
        role: &'static str,
        flags: CloneFlags,
        cgroup: Option<&OwnedFd>,
        body: impl FnOnce(&Self) -> Result<T>,
    ) -> Result<Child> {
        let (ours, theirs) = self.sockets()?;
        let told = Cell::new(self.until_told()?);
        let mut pidfd = -1_i32;
        let flags = flags | CloneFlags::from_bits_retain(libc::CLONE_PIDFD);
        let mut args = CloneArgs::new(flags, &raw mut pidfd, cgroup);
        if self.mode.plan {
            args.flags &= libc::CLONE_PIDFD as u64;
        }
        let spelled = || {
            let (into, place) = cgroup.map_or_else(Default::default, |cgroup| {
                ("|CLONE_INTO_CGROUP", format!(", cgroup={}", cgroup.as_raw_fd()))
            });
            vec![format!("{{flags={}{into}, exit_signal=SIGCHLD{place}}}", clone_flags(flags)), "88".to_owned()]
        };
        let child = Cell::new(Some(|| -> ! {
            drop(ours.take());
            wait_until_told(told.take());
            self.be_child(role, theirs, body)
        }));
        let parent = |pid: libc::c_long| {
            if pid == 0
                && let Some(child) = child.take()
            {
                child();
            }
            Errno::result(pid).map(|pid| i32::try_from(pid).unwrap_or(i32::MAX))
        };
        let cloned = self.call_even_in_a_plan("clone3", spelled, || {
            // SAFETY: `args` lives across the call and its pidfd points at an i32;
            // without CLONE_VM the child has a copy of this (single) thread.
            parent(unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<CloneArgs>()) })
        });
        let pid = match cloned {
            // A seccomp filter can't look into clone3's structure, so that of a
            // container hides the whole call: its older twin takes plain flags.
            Err(error) if error.errno() == Some(libc::ENOSYS) && cgroup.is_none() => {
                let spelled = || vec!["child_stack=NULL".to_owned(), format!("flags={}|SIGCHLD", clone_flags(flags))];
                self.call_even_in_a_plan("clone", spelled, || {
                    let flags = flags.bits() | libc::SIGCHLD;
                    // SAFETY: as above; no stack is given, so the child goes on with a copy of this one.
                    parent(unsafe { libc::syscall(libc::SYS_clone, flags, 0, &raw mut pidfd, 0, 0) })
                })?
            }
            cloned => cloned?,
        };
        drop(child);
        drop(told);
        // SAFETY: clone3 succeeded with CLONE_PIDFD, so this is a new descriptor of ours.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        self.tell_new_namespaces(flags, pid);
        let (takes_signals, buffer) = (false, vec![0; LONGEST]);
        Ok(Child { pid, takes_signals, pidfd, socket: ours.take(), announced: None, failed: None, buffer })
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

    /// Child: tells the parent what comes last, and waits until that is shown.
    pub(super) fn announce(&self, last: Vec<Record>) -> Result<()> {
        let link = self.link.borrow();
        let Some(link) = link.as_ref() else { return Ok(()) };
        let announced = link.send(&Message::Announced(last));
        let shown = if self.detail == Detail::Off { announced } else { announced.and_then(|()| link.wait()) };
        shown.or_fail(|| "the parent is gone".to_owned())
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
