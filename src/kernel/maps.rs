//! Id maps: which ids outside stand behind those of a user namespace, and which
//! maps this user may have. user_namespaces(7), subuid(5)

use serde::Serialize;

use super::capability::CAP_SYS_ADMIN;
use super::ids::subordinate_ids_end;
use super::{CapSets, egid, euid, program_path, subordinate_ids};

/// Ids from `inside` on are the host's from `outside` on, `count` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct IdMap {
    /// First id in the namespace.
    pub inside: u32,
    /// First id outside of it.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

impl IdMap {
    /// True if this id of the namespace is one of them.
    pub fn has(&self, id: u32) -> bool {
        id.checked_sub(self.inside).is_some_and(|above| above < self.count)
    }
}

/// Who writes the maps, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Maps {
    /// The parent writes them itself: its own id alone, or any range as root.
    Written {
        /// Lines of uid_map.
        users: Vec<IdMap>,
        /// Lines of gid_map.
        groups: Vec<IdMap>,
        /// Whether setgroups(2) must be given up for it.
        deny_setgroups: bool,
    },
    /// The setuid helpers write ranges that /etc/subuid grants.
    Helped {
        /// Lines of uid_map.
        users: Vec<IdMap>,
        /// Lines of gid_map.
        groups: Vec<IdMap>,
    },
}

impl Maps {
    /// True if they map a user besides root.
    pub fn have_others(&self) -> bool {
        let (Self::Written { users, .. } | Self::Helped { users, .. }) = self;
        users.iter().fold(0_u32, |sum, map| sum.saturating_add(map.count)) > 1
    }

    /// Which user and group outside are root inside.
    pub fn root(&self) -> (u32, u32) {
        let (Self::Written { users, groups, .. } | Self::Helped { users, groups }) = self;
        let outside = |maps: &[IdMap]| maps.iter().find(|map| map.inside == 0).map_or(u32::MAX, |map| map.outside);
        (outside(users), outside(groups))
    }
}

/// True if this process may make namespaces without a user namespace around them.
pub fn privileged() -> bool {
    CapSets::held().effective.contains(CAP_SYS_ADMIN)
}

/// True on the host itself, where every id is its own: else this process is in a
/// user namespace already, which may not make devices.
pub fn on_the_host() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}

/// True if the user namespace of this process has more than one user: someone whom
/// its root can become.
pub fn has_others() -> bool {
    own("uid_map").iter().fold(0, |sum: u32, map| sum.saturating_add(map.count)) > 1
}

/// True if this group exists in the user namespace of this process.
pub fn has_group(gid: u32) -> bool {
    own("gid_map").iter().any(|map| map.has(gid))
}

/// The map of the user namespace of this process: `uid_map` or `gid_map`.
pub fn own(file: &str) -> Vec<IdMap> {
    let text = std::fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    let map = |line: &str| {
        let numbers: Vec<u32> = line.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect();
        match numbers[..] {
            [inside, outside, count] => Some(IdMap { inside, outside, count }),
            _ => None,
        }
    };
    text.lines().filter_map(map).collect()
}

/// True if this process may not change its groups. user_namespaces(7)
pub fn groups_fixed() -> bool {
    std::fs::read_to_string("/proc/self/setgroups").is_ok_and(|text| text.trim() == "deny")
}

/// The maps for whoever needs a user namespace: the ranges of /etc/subuid where
/// the host has them, else the one id that anyone may map. `None` for root.
pub fn needed() -> Option<Maps> {
    if privileged() { None } else { Some(ranges().unwrap_or_else(single)) }
}

/// Root inside is this very user outside; no other id exists.
pub fn single() -> Maps {
    let map = |id| vec![IdMap { inside: 0, outside: id, count: 1 }];
    Maps::Written { users: map(euid()), groups: map(egid()), deny_setgroups: euid() != 0 }
}

/// Root's: every id inside is the same outside, and only the power is less.
pub fn identity() -> Maps {
    let same = |file| own(file).into_iter().map(|map| IdMap { outside: map.inside, ..map }).collect();
    Maps::Written { users: same("uid_map"), groups: same("gid_map"), deny_setgroups: false }
}

/// Root inside is this user, and the ids from 1 on are the user's subordinate
/// ones. `None` if the host grants none or lacks the helpers, and under no_new_privs,
/// which takes their setuid bit away.
pub fn ranges() -> Option<Maps> {
    if nix::sys::prctl::get_no_new_privs().unwrap_or_default() {
        return None;
    }
    program_path("newuidmap").and(program_path("newgidmap"))?;
    let users = range("/etc/subuid", euid())?;
    let groups = range("/etc/subgid", egid())?;
    Some(Maps::Helped { users, groups })
}

/// A whole range for root to map, which may write any: the one granted to it, or
/// one that /etc/subuid grants to nobody.
pub fn range_for_root() -> Maps {
    let free = |file| subordinate_ids_end(file).max(100_000);
    let map = |file| vec![IdMap { inside: 0, outside: free(file), count: 65_536 }];
    Maps::Written { users: map("/etc/subuid"), groups: map("/etc/subgid"), deny_setgroups: false }
}

fn range(file: &str, own: u32) -> Option<Vec<IdMap>> {
    let granted = subordinate_ids(file, euid())?;
    let root = IdMap { inside: 0, outside: own, count: 1 };
    Some(vec![root, IdMap { inside: 1, outside: granted.first, count: granted.count }])
}
