//! Message queues that live in an IPC namespace. svipc(7)

use nix::errno::Errno;

use super::Kernel;
use crate::error::Result;

impl Kernel {
    /// Makes a System V message queue; its identifier. msgget(2)
    #[track_caller]
    pub fn msgget(&self, key: i32) -> Result<i32> {
        let args = || vec![format!("{key:#x}"), "IPC_CREAT|0600".to_owned()];
        // SAFETY: takes plain numbers.
        self.call("msgget", args, || Errno::result(unsafe { libc::msgget(key, libc::IPC_CREAT | 0o600) }))
    }
}
