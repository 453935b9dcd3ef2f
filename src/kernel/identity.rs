//! Who a process is: hostname, user and group ids, id maps.

use nix::unistd::{Gid, Uid};

use super::{Kernel, proc};
use crate::error::Result;
use crate::trace::decode;

impl Kernel {
    /// Names this UTS namespace. sethostname(2)
    #[track_caller]
    pub fn sethostname(&self, name: &str) -> Result<()> {
        let before = self.tells().then(proc::hostname);
        let args = || vec![decode::string(name), name.len().to_string()];
        self.call("sethostname", args, || nix::unistd::sethostname(name))?;
        if let Some(before) = before {
            self.state("hostname", &before, &proc::hostname());
        }
        Ok(())
    }

    /// Replaces the supplementary groups. setgroups(2)
    #[track_caller]
    pub fn setgroups(&self, groups: &[u32]) -> Result<()> {
        let args = || {
            let list: Vec<String> = groups.iter().map(ToString::to_string).collect();
            vec![groups.len().to_string(), format!("[{}]", list.join(", "))]
        };
        let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
        self.call("setgroups", args, || nix::unistd::setgroups(&groups))
    }

    /// Changes real, effective and saved group id. setresgid(2)
    #[track_caller]
    pub fn setresgid(&self, gid: u32) -> Result<()> {
        let id = Gid::from_raw(gid);
        self.call("setresgid", || vec![gid.to_string(); 3], || nix::unistd::setresgid(id, id, id))
    }

    /// Changes real, effective and saved user id. setresuid(2)
    #[track_caller]
    pub fn setresuid(&self, uid: u32) -> Result<()> {
        let id = Uid::from_raw(uid);
        self.call("setresuid", || vec![uid.to_string(); 3], || nix::unistd::setresuid(id, id, id))
    }
}

/// The effective user id. geteuid(2)
pub fn euid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The effective group id. getegid(2)
pub fn egid() -> u32 {
    nix::unistd::getegid().as_raw()
}
