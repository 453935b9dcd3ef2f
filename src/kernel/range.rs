//! Locks on single bytes of a file, which need not be there. fcntl(2), "Open file
//! description locks": they belong to the open file, so that two threads of one process
//! can have one each, and end with it.

use std::fs::File;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

use crate::error::{Error, Result};

/// Locks the byte at `offset` for this open file alone; `waiting` is told if another has it.
pub fn lock_byte(file: &File, offset: i64, waiting: &mut dyn FnMut()) -> Result<()> {
    let lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: offset,
        l_len: 1,
        l_pid: 0,
    };
    let mut locked = fcntl(file, FcntlArg::F_OFD_SETLK(&lock));
    if matches!(locked, Err(Errno::EAGAIN | Errno::EACCES)) {
        waiting();
        locked = Err(Errno::EINTR);
        while locked == Err(Errno::EINTR) {
            locked = fcntl(file, FcntlArg::F_OFD_SETLKW(&lock));
        }
    }
    locked.map(drop).map_err(|errno| Error::io("cannot lock a byte", &errno.into()))
}
