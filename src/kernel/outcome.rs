//! What calls return, how it is spelled, and what stands for it in a plan.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;

use super::Kernel;
use crate::error::{Error, Result};

impl Kernel {
    /// A call that is made to be refused with this errno; any other end is an error.
    pub fn refused<T>(&self, outcome: Result<T>, errno: i32, otherwise: &str) -> Result<()> {
        match outcome {
            Err(error) if error.errno() == Some(errno) => Ok(()),
            Err(error) => Err(error),
            Ok(_) if self.plans() => Ok(()),
            Ok(_) => Err(Error::new(otherwise)),
        }
    }
}

/// A result of a system call.
pub trait Outcome: Sized {
    /// As strace prints it.
    fn spelled(&self) -> String;

    /// Stands for the result in a plan, where the call is not made.
    fn planned() -> nix::Result<Self>;
}

impl Outcome for () {
    fn spelled(&self) -> String {
        "0".to_owned()
    }

    fn planned() -> nix::Result<Self> {
        Ok(())
    }
}

impl Outcome for i32 {
    fn spelled(&self) -> String {
        self.to_string()
    }

    fn planned() -> nix::Result<Self> {
        Ok(0)
    }
}

impl Outcome for usize {
    fn spelled(&self) -> String {
        self.to_string()
    }

    fn planned() -> nix::Result<Self> {
        Ok(0)
    }
}

impl Outcome for OwnedFd {
    fn spelled(&self) -> String {
        self.as_raw_fd().to_string()
    }

    fn planned() -> nix::Result<Self> {
        let file = std::fs::File::open("/dev/null");
        file.map(Self::from).map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
    }
}

impl Outcome for OsString {
    fn spelled(&self) -> String {
        self.len().to_string()
    }

    fn planned() -> nix::Result<Self> {
        Ok(Self::new())
    }
}

impl Outcome for std::convert::Infallible {
    fn spelled(&self) -> String {
        match *self {}
    }

    fn planned() -> nix::Result<Self> {
        Err(Errno::ENOSYS)
    }
}
