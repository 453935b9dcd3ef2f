//! Which descriptors a process has: what it gives up, what it passes on.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::stat::{SFlag, fstat};

use super::Kernel;
use crate::error::{Error, IoContext, Result};

impl Kernel {
    /// Closes every descriptor above standard error but these and the link to the
    /// parent: also those that whoever started boxlab left open. close_range(2)
    #[track_caller]
    pub fn close_others(&self, kept: &[OwnedFd]) -> Result<()> {
        let mut kept: Vec<u32> = kept.iter().map(number).chain(self.link_number()).collect();
        kept.sort_unstable();
        let mut first = 3;
        for last in kept.into_iter().chain([u32::MAX]) {
            // Between neighbours there is nothing to close.
            if first < last {
                self.close_range(first, if last == u32::MAX { last } else { last - 1 }, 0)?;
            }
            first = last.saturating_add(1);
        }
        Ok(())
    }

    /// Keeps every descriptor above standard error out of the next program.
    #[track_caller]
    pub fn close_on_exec_from(&self, first: u32) -> Result<()> {
        self.close_range(first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC)
    }

    #[track_caller]
    fn close_range(&self, first: u32, last: u32, flags: u32) -> Result<()> {
        let args = || {
            let flags = if flags == 0 { "0" } else { "CLOSE_RANGE_CLOEXEC" };
            vec![first.to_string(), last.to_string(), flags.to_owned()]
        };
        let closed = self.call("close_range", args, || {
            // SAFETY: takes plain numbers. Whatever is closed is owned by a copy of the
            // parent's variables, which this child neither uses nor drops.
            Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) }).map(drop)
        });
        match closed {
            // Before Linux 5.11 the flag is not known: one by one.
            Err(error) if matches!(error.errno(), Some(libc::EINVAL | libc::ENOSYS)) => {
                close_each(first, last, flags);
                Ok(())
            }
            closed => closed,
        }
    }

    fn link_number(&self) -> Option<u32> {
        self.link.borrow().as_ref().map(|link| number(link.socket()))
    }

    /// A pipe that nobody writes to: its reader finds the end at once. pipe(7)
    pub fn ended_pipe(&self) -> Result<OwnedFd> {
        let (reader, _) = std::io::pipe().or_fail(|| "cannot make a pipe".to_owned())?;
        Ok(reader.into())
    }

    /// Makes `number` (0, 1 or 2) lead where `file` leads. dup(2)
    pub fn dup_onto(&self, file: &OwnedFd, number: i32) -> Result<()> {
        // SAFETY: duplicates onto a standard descriptor, which std never closes.
        let done = Errno::result(unsafe { libc::dup2(file.as_raw_fd(), number) });
        done.map(drop).map_err(|errno| Error::io(format!("cannot replace descriptor {number}"), &errno.into()))
    }
}

fn number(descriptor: &impl AsRawFd) -> u32 {
    descriptor.as_raw_fd().unsigned_abs()
}

/// The old twin of close_range: every number that may be open.
fn close_each(first: u32, last: u32, flags: u32) {
    let limit = nix::unistd::sysconf(nix::unistd::SysconfVar::OPEN_MAX).ok().flatten().unwrap_or(1024);
    let limit = u32::try_from(limit).unwrap_or(u32::MAX).saturating_sub(1);
    for number in first..=last.min(limit) {
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        // SAFETY: as above; of a number that is not open they say EBADF.
        unsafe {
            if flags == 0 {
                libc::close(number);
            } else {
                libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
    }
}

/// True if a standard descriptor leads to a directory: whoever has it can go up
/// from there. stat(2)
pub fn leads_to_directory(number: i32) -> bool {
    // SAFETY: nothing is closed by it, and of a number that is not open it says EBADF.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    let kind = |mode| SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits());
    fstat(descriptor).is_ok_and(|found| kind(found.st_mode) == SFlag::S_IFDIR)
}
