//! The two kinds of message queue that live in an IPC namespace. svipc(7), mq_overview(7)

use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;

use super::Kernel;
use crate::error::Result;
use crate::trace::decode;

/// A System V message queue's identifier in its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue(pub i32);

impl Kernel {
    /// Makes a System V message queue. msgget(2)
    #[track_caller]
    pub fn msgget(&self, key: i32) -> Result<Queue> {
        let args = || vec![format!("{key:#x}"), "IPC_CREAT|0600".to_owned()];
        // SAFETY: takes plain numbers.
        let made = self.call("msgget", args, || Errno::result(unsafe { libc::msgget(key, libc::IPC_CREAT | 0o600) }));
        made.map(Queue)
    }

    /// Makes a POSIX message queue and keeps it by its name. mq_open(3)
    #[track_caller]
    pub fn mq_open(&self, name: &std::ffi::CStr) -> Result<OwnedFd> {
        // glibc strips the leading slash before it asks the kernel.
        let bare = name.to_bytes().strip_prefix(b"/").unwrap_or(name.to_bytes());
        let args =
            || vec![decode::bytes(bare), "O_RDWR|O_CREAT|O_CLOEXEC".to_owned(), "0600".to_owned(), "NULL".to_owned()];
        self.call("mq_open", args, || {
            let flags = libc::O_RDWR | libc::O_CREAT | libc::O_CLOEXEC;
            let none: *const libc::mq_attr = std::ptr::null();
            // SAFETY: the name is NUL-terminated; a NULL attribute asks for the defaults.
            let opened = Errno::result(unsafe { libc::mq_open(name.as_ptr(), flags, 0o600 as libc::mode_t, none) })?;
            // SAFETY: on Linux a queue descriptor is a file descriptor, here a new one.
            Ok(unsafe { OwnedFd::from_raw_fd(opened) })
        })
    }
}
