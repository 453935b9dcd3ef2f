//! Waiting for a process without asking the clock again and again: a pidfd, and a
//! limit after which the process is killed and the trial has failed.

use std::io::Read;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::process::{Child, ExitStatus};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// No command of these tests may take longer, however slow the machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Waits for a child of this process; kills it after [`LIMIT`].
pub fn finish(child: &mut Child) -> Result<ExitStatus, String> {
    let pidfd = pidfd(child.id()).map_err(|errno| format!("no pidfd for {}: {errno}", child.id()))?;
    if ended(&pidfd, LIMIT) {
        return child.wait().map_err(|error| error.to_string());
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(format!("process {} did not end within {} s", child.id(), LIMIT.as_secs()))
}

/// True once the process has ended; false after the limit.
pub fn ended(pidfd: &OwnedFd, limit: Duration) -> bool {
    let timeout = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
    let mut waiting = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    loop {
        match poll(&mut waiting, timeout) {
            Err(Errno::EINTR) => {}
            other => return other == Ok(1),
        }
    }
}

/// A handle on a process. pidfd_open(2)
pub fn pidfd(pid: u32) -> Result<OwnedFd, Errno> {
    // SAFETY: takes plain numbers; a non-negative result is a new descriptor, ours alone.
    let opened = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(opened).expect("a descriptor")) })
}

/// Reads a stream to its end meanwhile, so that its writer is never blocked.
pub fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // EIO is how a terminal ends; what came before it counts.
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
