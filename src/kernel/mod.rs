//! The only home of `unsafe`, `nix` and `libc`: one method, one system call,
//! named as its man page, told to the observer with its real arguments.
//!
//! A primitive is written against [`Kernel`] and says *why* with
//! [`Kernel::step`]; what it calls is told by the methods themselves. The same
//! code therefore runs, narrates and plans.

mod address;
mod beneath;
pub mod bpf;
pub mod cgroup;
pub mod capability;
mod child;
mod descriptors;
pub mod disk;
pub mod echo;
pub mod errno;
mod file;
mod flags;
pub mod gauge;
pub mod hint;
mod identity;
mod ids;
mod inherit;
mod ipc;
pub mod landlock;
mod last;
pub mod limits;
mod listen;
pub mod load;
mod look;
pub mod lsm;
pub mod maps;
mod mount;
mod namespace;
mod netlink;
mod outcome;
mod outside;
mod parts;
mod pause;
pub mod peer;
pub mod proc;
mod process;
mod range;
mod script;
mod seccomp;
mod signal;
mod socket;
mod terminal;
pub mod time;
pub mod tracer;
mod tree;
pub mod view;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::os::fd::AsRawFd;
use std::panic::Location;
use std::time::Instant;

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::trace::relay::Link;
use crate::trace::{Detail, Event, Exchange, Observer, Record, decode};

pub use address::interface_addresses;
pub use beneath::{Attributes, Beneath, Node, Time, is_opaque};
pub use capability::{CapSet, CapSets};
pub use child::{Child, Exit, Heard};
pub use descriptors::leads_to_directory;
pub use file::{
    DeviceNode, create_whole, device_behind, device_node, is_device, is_directory, is_procfs, is_sysfs, is_tmpfs,
};
pub use flags::*;
pub use hint::no_namespaces;
pub use identity::{egid, euid};
pub use ids::{SubordinateIds, program_path, subordinate_ids, user_name};
pub use inherit::copy_attributes;
pub use maps::{IdMap, Maps};
pub use mount::MOUNT_ATTR_RDONLY;
pub use netlink::{Interface, LOOPBACK, interfaces};
pub use outcome::Outcome;
pub use outside::Outside;
pub use parts::{Parts, nearest};
pub use process::Program;
pub use range::lock_byte;
pub use script::Changes;
pub use seccomp::{BPF_MAXINSNS, SeccompFlags, SockFilter};
pub use signal::{default_signals, interrupted, keep_ended_children, reset as reset_signals, with_fresh_signals};
pub use terminal::{Events, RawMode, Ready, Winsize, is_terminal, is_terminal_input, window_size};
pub use tree::remove_tree;

/// How a [`Kernel`] behaves beside doing what it is told.
#[derive(Debug, Clone, Default)]
pub struct Mode {
    /// Say the steps and calls, make none (`--plan`).
    pub plan: bool,
    /// Wait for Enter between steps (`--pause`).
    pub pause: bool,
    /// Which parts to leave out (`--without`, `--only`).
    pub parts: Parts,
}

/// The system calls of one process, and who is told of them.
pub struct Kernel {
    role: &'static str,
    detail: Detail,
    mode: Mode,
    observer: RefCell<Box<dyn Observer>>,
    step: RefCell<Option<Cow<'static, str>>>,
    seq: Cell<u64>,
    pauser: RefCell<pause::Pauser>,
    signals: RefCell<Option<signal::Signals>>,
    link: RefCell<Option<Link>>,
    phase: RefCell<last::Phase>,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel").field("role", &self.role).finish_non_exhaustive()
    }
}

impl Kernel {
    /// The kernel as the process that the user started sees it.
    pub fn new(observer: Box<dyn Observer>, mode: Mode) -> Self {
        Self::with_role("host", observer, mode)
    }

    fn with_role(role: &'static str, observer: Box<dyn Observer>, mode: Mode) -> Self {
        Self {
            role,
            detail: observer.detail(),
            mode,
            observer: RefCell::new(observer),
            step: RefCell::new(None),
            seq: Cell::new(0),
            pauser: RefCell::default(),
            signals: RefCell::default(),
            link: RefCell::default(),
            phase: RefCell::default(),
        }
    }

    /// True if calls are only said, not made.
    pub fn plans(&self) -> bool {
        self.mode.plan
    }

    /// True if somebody wants to know calls and state.
    pub fn tells(&self) -> bool {
        self.detail == Detail::Full && !self.is_muted()
    }

    /// Says why the next calls are made: a sentence of at most 72 characters.
    #[track_caller]
    pub fn step(&self, why: impl Into<Cow<'static, str>>) {
        let why = why.into();
        if self.detail >= Detail::Steps && !self.is_muted() {
            let source = Location::caller();
            self.tell(Event::Step {
                primitive: primitive(source.file()),
                text: why.to_string(),
                source: place(source),
            });
        }
        self.step.replace(Some(why));
    }

    /// Tells a question to a server, why it was asked, and the answer. It has happened
    /// already: whoever asks need not be the process's one and only thread.
    pub fn exchange(&self, why: &str, exchange: &Exchange) {
        if self.detail >= Detail::Steps && !self.is_muted() {
            let source = exchange.source.clone();
            let file = source.split(':').next().unwrap_or_default();
            self.tell(Event::Step { primitive: primitive(file), text: why.to_owned(), source });
        }
        if self.tells() {
            self.tell(Event::Exchange(exchange.clone()));
        }
    }

    /// Says what can be seen from another terminal while `--pause` waits.
    pub fn look(&self, command: impl FnOnce() -> String) {
        if self.mode.pause {
            self.tell(Event::Look { command: command() });
        }
    }

    /// Shows something that was read: a file's lines, a table, a picture.
    pub fn show(&self, title: &str, lines: impl FnOnce() -> Vec<String>) {
        if self.tells() && !self.mode.plan && !self.rehearses() {
            self.tell(Event::Show { title: title.to_owned(), lines: lines() });
        }
    }

    /// Tells what something was and what it is now. In a plan nothing changes.
    pub fn state(&self, subject: &str, before: &str, after: &str) {
        if self.tells() && !self.mode.plan && !self.rehearses() {
            self.tell(Event::State { subject: subject.to_owned(), before: before.to_owned(), after: after.to_owned() });
        }
    }

    /// Tells a number that is measured again and again while something runs: `most`
    /// is what it can be, `unit` is `bytes`, `ms`, or nothing.
    pub fn sample(&self, subject: &str, value: u64, most: u64, unit: &str) {
        if self.detail >= Detail::Steps && !self.mode.plan {
            let (subject, unit) = (subject.to_owned(), unit.to_owned());
            self.tell(Event::Sample { subject, value, most, unit });
        }
    }

    /// Names where to read on; `what` is `man`, `shell`, `lesson` or `book`.
    pub fn see(&self, what: &str, reference: &str) {
        if self.tells() {
            self.tell(Event::See { what: what.to_owned(), reference: reference.to_owned() });
        }
    }

    /// Tells that the command has ended.
    pub fn done(&self, status: i32) {
        if self.detail >= Detail::Steps {
            self.tell(Event::Done { status });
        }
    }

    /// Makes one part of a command, unless the user left it out.
    pub fn part<T: Default>(&self, name: &'static str, make: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        if self.mode.parts.wants(name) {
            return make(self);
        }
        if self.detail >= Detail::Steps {
            self.tell(Event::Left { part: name.to_owned() });
        }
        Ok(T::default())
    }

    /// True if the user did not leave this part out.
    pub fn wants(&self, part: &'static str) -> bool {
        self.mode.parts.wants(part)
    }

    /// Makes one system call and tells it: arguments as they went in, the
    /// result, the time it took. `args` is not evaluated when nobody listens.
    #[track_caller]
    fn call<T: Outcome>(
        &self,
        name: &str,
        args: impl Fn() -> Vec<String>,
        call: impl FnOnce() -> nix::Result<T>,
    ) -> Result<T> {
        self.call_from(Location::caller(), name, args, call)
    }

    fn call_from<T: Outcome>(
        &self,
        source: &Location<'_>,
        name: &str,
        args: impl Fn() -> Vec<String>,
        call: impl FnOnce() -> nix::Result<T>,
    ) -> Result<T> {
        if self.mode.plan || self.rehearses() {
            let ret = if self.mode.plan { "?" } else { "0" };
            self.tell_call(name, args, ret.to_owned(), None, 0, source);
            return T::planned().map_err(|errno| self.failed(name, Vec::new(), errno, source));
        }
        if !self.tells() {
            return call().map_err(|errno| self.failed(name, args(), errno, source));
        }
        let spelled = args();
        let started = Instant::now();
        let outcome = call();
        self.tell_outcome(name, spelled, &outcome, started, source);
        outcome.map_err(|errno| self.failed(name, args(), errno, source))
    }

    /// [`Kernel::call`] for a call that fills in one of its arguments.
    #[track_caller]
    fn call_spelled_after<T: Outcome>(
        &self,
        name: &str,
        args: impl Fn() -> Vec<String>,
        call: impl FnOnce() -> nix::Result<T>,
    ) -> Result<T> {
        let source = Location::caller();
        if self.mode.plan || !self.tells() {
            return self.call(name, args, call);
        }
        let started = Instant::now();
        let outcome = call();
        self.tell_outcome(name, args(), &outcome, started, source);
        outcome.map_err(|errno| self.failed(name, args(), errno, source))
    }

    /// [`Kernel::call`] for a call that may fail with `expected`: that is no event,
    /// and its result is `None`.
    #[track_caller]
    fn call_unless<T: Outcome>(
        &self,
        expected: Errno,
        name: &str,
        args: impl Fn() -> Vec<String>,
        call: impl FnOnce() -> nix::Result<T>,
    ) -> Result<Option<T>> {
        let source = Location::caller();
        if self.mode.plan {
            return self.call(name, args, call).map(Some);
        }
        let started = Instant::now();
        let outcome = call();
        if matches!(&outcome, Err(errno) if *errno == expected) {
            return Ok(None);
        }
        if self.tells() {
            self.tell_outcome(name, args(), &outcome, started, source);
        }
        outcome.map(Some).map_err(|errno| self.failed(name, args(), errno, source))
    }

    /// A descriptor argument; in a plan there is none yet.
    fn fd(&self, descriptor: &impl AsRawFd) -> String {
        if self.mode.plan { "?".to_owned() } else { decode::fd(descriptor) }
    }

    fn tell_outcome<T: Outcome>(
        &self,
        name: &str,
        args: Vec<String>,
        outcome: &nix::Result<T>,
        started: Instant,
        source: &Location<'_>,
    ) {
        let nanoseconds = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let (ret, errno) = match outcome {
            Ok(value) => (value.spelled(), None),
            Err(errno) => ("-1".to_owned(), Some(*errno)),
        };
        self.tell_call(name, || args.clone(), ret, errno, nanoseconds, source);
    }

    /// [`Kernel::call`] for what even a plan does, since it changes nothing that lasts.
    #[track_caller]
    fn call_even_in_a_plan<T: Outcome>(
        &self,
        name: &str,
        args: impl Fn() -> Vec<String>,
        call: impl FnOnce() -> nix::Result<T>,
    ) -> Result<T> {
        if !self.mode.plan {
            return self.call(name, args, call);
        }
        let source = Location::caller();
        self.tell_call(name, &args, "?".to_owned(), None, 0, source);
        call().map_err(|errno| self.failed(name, args(), errno, source))
    }

    fn tell_call(
        &self,
        name: &str,
        args: impl Fn() -> Vec<String>,
        ret: String,
        errno: Option<Errno>,
        ns: u64,
        source: &Location<'_>,
    ) {
        if self.tells() {
            self.tell(Event::Call {
                name: name.to_owned(),
                args: args(),
                ret,
                errno: errno.map(|errno| decode::errno_name(errno as i32)),
                ns,
                source: place(source),
            });
        }
    }

    fn failed(&self, name: &str, args: Vec<String>, errno: Errno, source: &Location<'_>) -> Error {
        let spelled = format!("{name}({})", args.join(", "));
        let error = Error::call(spelled, errno as i32, place(source));
        let error = error.in_step(self.step.borrow().as_ref().map(ToString::to_string));
        match hint::of(name, args.first().map_or("", String::as_str), errno) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    /// Passes one event of this process on.
    fn tell(&self, event: Event) {
        let pid = proc::own_pid();
        let record = Record { event, seq: 0, role: self.role.to_owned(), pid };
        if let Some(record) = self.rehearse(record) {
            self.pass_on(record);
        }
    }

    /// Passes an event on, of this process or of a child of it. A trace that
    /// can't be written is no reason to stop halfway: it is dropped.
    fn pass_on(&self, mut record: Record) {
        self.seq.set(self.seq.get() + 1);
        record.seq = self.seq.get();
        if self.mode.pause && self.link.borrow().is_none() {
            if matches!(record.event, Event::Step { .. } | Event::Announce { .. }) {
                let _ = self.observer.borrow_mut().settle();
            }
            self.pauser.borrow_mut().before(&record, self.signals.borrow().as_ref());
        }
        let _ = self.observer.borrow_mut().observe(&record);
    }
}

/// `src/primitives/ns/uts.rs` → `ns.uts`; `src/container/init.rs` → `container.init`.
fn primitive(file: &str) -> String {
    let file = file.rsplit_once("src/").map_or(file, |(_, rest)| rest);
    let file = file.strip_prefix("primitives/").unwrap_or(file);
    file.trim_end_matches(".rs").replace('/', ".")
}

fn place(source: &Location<'_>) -> String {
    format!("{}:{}", source.file(), source.line())
}

/// A random identifier of `bytes` bytes in hexadecimal, from getrandom(2).
pub fn random_hex(bytes: usize) -> Result<String> {
    let mut random = vec![0_u8; bytes];
    // SAFETY: the buffer is valid for `bytes` bytes and outlives the call.
    let got = unsafe { libc::getrandom(random.as_mut_ptr().cast(), bytes, 0) };
    if usize::try_from(got) != Ok(bytes) {
        return Err(Error::io("cannot get random bytes", &std::io::Error::last_os_error()));
    }
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::primitive;

    #[test]
    fn a_primitive_is_named_after_its_file() {
        assert_eq!(primitive("src/primitives/ns/uts.rs"), "ns.uts");
        assert_eq!(primitive("src/container/init.rs"), "container.init");
    }
}
