//! Namespaces: leaving shared ones, joining others. namespaces(7)

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sched::CloneFlags;

use super::Kernel;
use super::flags::{CLONE_NEWTIME, NAMESPACES};
use super::proc::OwnNamespaces;
use crate::error::Result;
use crate::trace::decode;

/// Flags by name; `CLONE_NEWTIME` is not in nix's list.
pub(super) fn spelled(flags: CloneFlags) -> String {
    let known = flags.difference(CLONE_NEWTIME);
    match (flags.contains(CLONE_NEWTIME), known.is_empty()) {
        (true, true) => "CLONE_NEWTIME".to_owned(),
        (true, false) => format!("CLONE_NEWTIME|{}", decode::flags(&known)),
        (false, _) => decode::flags(&known),
    }
}

impl Kernel {
    /// Stops sharing: new namespaces for the caller (for its future children in
    /// the case of PID and time). unshare(2)
    #[track_caller]
    pub fn unshare(&self, flags: CloneFlags) -> Result<()> {
        let before = self.namespaces(flags);
        self.call("unshare", || vec![spelled(flags)], || nix::sched::unshare(flags))?;
        self.tell_changes(flags, before.as_ref());
        Ok(())
    }

    /// Joins namespaces of a process, given by a pidfd, in one step. setns(2)
    #[track_caller]
    pub fn setns(&self, process: &OwnedFd, flags: CloneFlags) -> Result<()> {
        let before = self.namespaces(flags);
        let args = || vec![self.fd(process), spelled(flags)];
        self.call("setns", args, || nix::sched::setns(process.as_fd(), flags))?;
        self.tell_changes(flags, before.as_ref());
        Ok(())
    }

    /// A descriptor for a process. pidfd_open(2)
    #[track_caller]
    pub fn pidfd_open(&self, pid: i32) -> Result<OwnedFd> {
        self.call("pidfd_open", || vec![pid.to_string(), "0".to_owned()], || pidfd_open(pid))
    }

    /// What the caller is in before a change; nothing where nobody listens.
    fn namespaces(&self, flags: CloneFlags) -> Option<(OwnNamespaces, Vec<String>)> {
        if !self.tells() || self.plans() {
            return None;
        }
        let own = OwnNamespaces::open().ok()?;
        let before = chosen(flags).map(|(_, _, file, _)| own.read(file).unwrap_or_default()).collect();
        Some((own, before))
    }

    fn tell_changes(&self, flags: CloneFlags, found: Option<&(OwnNamespaces, Vec<String>)>) {
        let Some((own, before)) = found else { return };
        for ((_, _, file, word), before) in chosen(flags).zip(before) {
            // A new PID or time namespace has no inode until its first process.
            let after = own.read(file).unwrap_or_else(|_| "none yet".to_owned());
            self.state(
                &format!("{word} namespace{}", if file.contains('_') { " for children" } else { "" }),
                before,
                &after,
            );
        }
    }
}

/// The call itself.
pub(super) fn pidfd_open(pid: i32) -> nix::Result<OwnedFd> {
    // SAFETY: takes plain numbers; a non-negative result is a new descriptor.
    let opened = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    // SAFETY: see above; it is ours alone.
    Ok(unsafe { std::os::fd::FromRawFd::from_raw_fd(i32::try_from(opened).unwrap_or(-1)) })
}

fn chosen(flags: CloneFlags) -> impl Iterator<Item = (CloneFlags, &'static str, &'static str, &'static str)> {
    NAMESPACES.into_iter().filter(move |(flag, ..)| flags.contains(*flag))
}
