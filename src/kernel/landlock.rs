//! Landlock: a process takes access away from itself, without privilege, for good.
//! landlock(7)

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

use super::{Kernel, is_directory};
use crate::error::Result;
use crate::trace::decode;

/// What can be done to files, in the order of the bits, and the ABI that knew it
/// first. linux/landlock.h
const ACCESS: [(u32, &str); 16] = [
    (1, "LANDLOCK_ACCESS_FS_EXECUTE"),
    (1, "LANDLOCK_ACCESS_FS_WRITE_FILE"),
    (1, "LANDLOCK_ACCESS_FS_READ_FILE"),
    (1, "LANDLOCK_ACCESS_FS_READ_DIR"),
    (1, "LANDLOCK_ACCESS_FS_REMOVE_DIR"),
    (1, "LANDLOCK_ACCESS_FS_REMOVE_FILE"),
    (1, "LANDLOCK_ACCESS_FS_MAKE_CHAR"),
    (1, "LANDLOCK_ACCESS_FS_MAKE_DIR"),
    (1, "LANDLOCK_ACCESS_FS_MAKE_REG"),
    (1, "LANDLOCK_ACCESS_FS_MAKE_SOCK"),
    (1, "LANDLOCK_ACCESS_FS_MAKE_FIFO"),
    (1, "LANDLOCK_ACCESS_FS_MAKE_BLOCK"),
    (1, "LANDLOCK_ACCESS_FS_MAKE_SYM"),
    (2, "LANDLOCK_ACCESS_FS_REFER"),
    (3, "LANDLOCK_ACCESS_FS_TRUNCATE"),
    (5, "LANDLOCK_ACCESS_FS_IOCTL_DEV"),
];

/// The newest ABI whose kinds of access this file has.
const NEWEST: u32 = 5;

/// Kinds of access to files. landlock(7)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access(u64);

impl Access {
    /// Reading files and directories, running programs.
    pub const READ: Self = Self(0b1101);
    /// Reading and writing what is there, devices above all; nothing is made or removed.
    pub const USE: Self = Self(0b1100_0000_0000_1110);
    /// What a rule on a file, not a directory, may allow.
    const OF_A_FILE: Self = Self(0b1100_0000_0000_0111);

    /// All that this version of Landlock knows: what is not asked for stays free.
    pub fn known_by(abi: u32) -> Self {
        let known = ACCESS.iter().enumerate().filter(|(_, (since, _))| *since <= abi);
        Self(known.fold(0, |bits, (bit, _)| bits | 1 << bit))
    }

    /// Only what is in both.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn spelled(self) -> String {
        let table: Vec<(u64, &str)> = ACCESS.iter().enumerate().map(|(bit, (_, name))| (1 << bit, *name)).collect();
        decode::bits(&table, self.0)
    }
}

/// `struct landlock_path_beneath_attr`
#[repr(C, packed)]
struct PathBeneath {
    allowed_access: u64,
    parent_fd: i32,
}

/// `LANDLOCK_RULE_PATH_BENEATH`
const RULE_PATH_BENEATH: u64 = 1;
/// `LANDLOCK_CREATE_RULESET_VERSION`
const CREATE_RULESET_VERSION: u64 = 1;

impl Kernel {
    /// The version of Landlock; a plan assumes the newest that boxlab knows.
    /// landlock_create_ruleset(2)
    #[track_caller]
    pub fn landlock_abi(&self) -> Result<u32> {
        let args = || [decode::NULL, "0", "LANDLOCK_CREATE_RULESET_VERSION"].map(str::to_owned).to_vec();
        let abi = self.call("landlock_create_ruleset", args, || {
            let none: *const u64 = std::ptr::null();
            // SAFETY: with this flag the kernel reads nothing.
            let abi =
                unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0_usize, CREATE_RULESET_VERSION) };
            Errno::result(abi).map(|abi| i32::try_from(abi).unwrap_or(i32::MAX))
        })?;
        Ok(if self.plans() { NEWEST } else { abi.unsigned_abs() })
    }

    /// A set of rules that forbids these kinds of access wherever no rule allows
    /// them. landlock_create_ruleset(2)
    #[track_caller]
    pub fn landlock_create_ruleset(&self, handled: Access) -> Result<OwnedFd> {
        let args = || {
            let size = size_of_val(&handled.0).to_string();
            vec![format!("{{handled_access_fs={}}}", handled.spelled()), size, "0".to_owned()]
        };
        self.call("landlock_create_ruleset", args, || {
            let size = size_of_val(&handled.0);
            // SAFETY: the kernel reads `size` bytes of an attribute whose first field,
            // handled_access_fs, is all that is given; it outlives the call.
            let made = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const handled.0, size, 0_u64) };
            let made = Errno::result(made)?;
            // SAFETY: a non-negative result is a new descriptor, ours alone.
            Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(made).unwrap_or(-1)) })
        })
    }

    /// Allows this beneath a directory, or to a file. landlock_add_rule(2)
    #[track_caller]
    pub fn landlock_add_rule(&self, ruleset: &OwnedFd, allowed: Access, parent: &OwnedFd) -> Result<()> {
        let whole = self.plans() || is_directory(parent);
        let allowed = if whole { allowed } else { allowed.within(Access::OF_A_FILE) };
        let args = || {
            let rule = format!("{{allowed_access={}, parent_fd={}}}", allowed.spelled(), self.fd(parent));
            vec![self.fd(ruleset), "LANDLOCK_RULE_PATH_BENEATH".to_owned(), rule, "0".to_owned()]
        };
        let rule = PathBeneath { allowed_access: allowed.0, parent_fd: parent.as_raw_fd() };
        self.call("landlock_add_rule", args, || {
            let ruleset = ruleset.as_raw_fd();
            // SAFETY: the kernel reads one `PathBeneath`, which outlives the call.
            Errno::result(unsafe {
                libc::syscall(libc::SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &raw const rule, 0_u64)
            })
            .map(drop)
        })
    }

    /// Subjects this process, and all that come from it, to the rules.
    /// landlock_restrict_self(2)
    #[track_caller]
    pub fn landlock_restrict_self(&self, ruleset: &OwnedFd) -> Result<()> {
        let args = || vec![self.fd(ruleset), "0".to_owned()];
        self.call("landlock_restrict_self", args, || {
            // SAFETY: takes plain numbers.
            Errno::result(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u64) })
                .map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Access;

    #[test]
    fn an_older_kernel_is_asked_for_less() {
        assert_eq!(Access::known_by(1), Access(0x1fff));
        assert_eq!(Access::known_by(7), Access(0xffff));
        assert_eq!(Access::known_by(4), Access::known_by(3));
        assert_eq!(
            Access::READ.spelled(),
            "LANDLOCK_ACCESS_FS_EXECUTE|LANDLOCK_ACCESS_FS_READ_FILE|LANDLOCK_ACCESS_FS_READ_DIR"
        );
    }
}
