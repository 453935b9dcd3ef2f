//! seccomp: a program of the kernel's own small machine that is run before each
//! system call and answers it: allow, an errno, death. seccomp(2), bpf(4)
//!
//! Reading order: `default.json` (what a container gets), [`profile`] (what that
//! says), [`json`] (how it is written), [`syscalls`] (names and numbers), [`select`]
//! (which rules apply here), [`compile`] (the program), [`evaluate`] (the same
//! machine in Rust, to ask what a program would answer).

pub mod compile;
pub mod evaluate;
pub mod json;
pub mod profile;
pub mod select;
pub mod syscalls;

use std::fmt;

use crate::error::{Error, Result};
use crate::kernel::{CapSet, SeccompFlags, SockFilter, nearest, proc};
use crate::trace::decode;

pub use profile::{Condition, Profile, Rule};
pub use select::{Case, Verdict};
pub use syscalls::{Arch, CALLS, Call};

/// The default profile, in the format that Docker and podman read too.
pub const DEFAULT: &str = include_str!("default.json");

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The whole process dies of SIGSYS.
    KillProcess,
    /// The thread dies of SIGSYS.
    KillThread,
    /// The thread gets SIGSYS, which it may handle.
    Trap,
    /// The call is not made and fails with this errno.
    Errno(u16),
    /// Another process decides, which listens at a descriptor.
    Notify,
    /// A tracer decides, who is told this number.
    Trace(u16),
    /// The call is made and logged.
    Log,
    /// The call is made.
    Allow,
}

impl Action {
    /// What a filter returns to say this. linux/seccomp.h
    pub const fn to_return(self) -> u32 {
        match self {
            Self::KillProcess => 0x8000_0000,
            Self::KillThread => 0,
            Self::Trap => 0x0003_0000,
            Self::Errno(errno) => 0x0005_0000 | errno as u32,
            Self::Notify => 0x7fc0_0000,
            Self::Trace(message) => 0x7ff0_0000 | message as u32,
            Self::Log => 0x7ffc_0000,
            Self::Allow => 0x7fff_0000,
        }
    }

    /// What a filter has said with this; the kernel takes what it does not know for
    /// [`Action::KillProcess`].
    pub const fn from_return(value: u32) -> Self {
        let data = (value & 0xffff) as u16;
        match value & 0xffff_0000 {
            0 => Self::KillThread,
            0x0003_0000 => Self::Trap,
            0x0005_0000 => Self::Errno(data),
            0x7fc0_0000 => Self::Notify,
            0x7ff0_0000 => Self::Trace(data),
            0x7ffc_0000 => Self::Log,
            0x7fff_0000 => Self::Allow,
            _ => Self::KillProcess,
        }
    }

    /// True if the call is made.
    pub const fn lets_pass(self) -> bool {
        matches!(self, Self::Allow | Self::Log)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillProcess => f.write_str("kills the process"),
            Self::KillThread => f.write_str("kills the thread"),
            Self::Trap => f.write_str("SIGSYS"),
            Self::Errno(errno) => f.write_str(&decode::errno_name(i32::from(*errno))),
            Self::Notify => f.write_str("asks a listener"),
            Self::Trace(_) => f.write_str("asks a tracer"),
            Self::Log => f.write_str("allowed and logged"),
            Self::Allow => f.write_str("allowed"),
        }
    }
}

/// Whom a profile is compiled for: its rules may ask for either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The capabilities that the process keeps.
    pub caps: CapSet,
    /// The running kernel's version.
    pub kernel: (u32, u32),
}

impl Target {
    /// A process with these capabilities on this machine.
    pub fn here(caps: CapSet) -> Self {
        Self { caps, kernel: proc::kernel_version() }
    }
}

/// A program for the kernel, ready to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The program.
    pub instructions: Vec<SockFilter>,
    /// How it is loaded.
    pub flags: SeccompFlags,
}

impl Filter {
    /// What the filter answers to this call; `arch` as in [`Arch::audit`].
    pub fn answer(&self, number: u32, arch: u32, args: &[u64; 6]) -> Action {
        let value = evaluate::run(&self.instructions, &evaluate::Data { number, arch, args: *args });
        // A program that does not end is one that the kernel refuses to load.
        value.map_or(Action::KillProcess, Action::from_return)
    }
}

impl Profile {
    /// What a container gets unless told otherwise.
    pub fn default_profile() -> Result<Self> {
        Self::from_json(DEFAULT)
    }

    /// Everything is allowed but these calls, which fail with `errno`.
    pub fn blocking(names: &[String], errno: u16) -> Result<Self> {
        let calls: Result<Vec<_>> = names.iter().map(|name| call(name)).collect();
        Ok(Self::with_one_rule(Action::Allow, calls?, Action::Errno(errno)))
    }
}

/// The call of this name; if there is none, perhaps it is spelled otherwise.
pub fn call(name: &str) -> Result<&'static Call> {
    Call::named(name).ok_or_else(|| {
        let error = Error::usage(format!("there is no system call '{name}'"));
        match nearest(name, CALLS.iter().map(|call| call.name)) {
            Some(near) => error.hint(format!("Did you mean '{near}'? syscalls(2) lists them all.")),
            None => error.hint("syscalls(2) lists them all."),
        }
    })
}
