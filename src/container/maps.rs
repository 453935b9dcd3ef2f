//! Which id maps a user namespace gets, by what this user may map.

use crate::kernel::{egid, euid, proc, program_path, subordinate_ids};
use crate::primitives::ns::user::{IdMap, Maps};

const CAP_SYS_ADMIN: u64 = 1 << 21;

/// True if this process may make namespaces without a user namespace around them.
pub fn privileged() -> bool {
    let effective = proc::status("self", "CapEff").and_then(|mask| u64::from_str_radix(&mask, 16).ok());
    effective.is_some_and(|mask| mask & CAP_SYS_ADMIN != 0)
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

/// Root inside is this user, and the ids from 1 on are the user's subordinate
/// ones. `None` if the host grants none or lacks the helpers.
pub fn ranges() -> Option<Maps> {
    program_path("newuidmap").and(program_path("newgidmap"))?;
    let users = range("/etc/subuid", euid())?;
    let groups = range("/etc/subgid", egid())?;
    Some(Maps::Helped { users, groups })
}

fn range(file: &str, own: u32) -> Option<Vec<IdMap>> {
    let granted = subordinate_ids(file, euid())?;
    let root = IdMap { inside: 0, outside: own, count: 1 };
    Some(vec![root, IdMap { inside: 1, outside: granted.first, count: granted.count }])
}
