//! Who a process is: its ids as the reader counts them, and as its own user
//! namespace does. credentials(7), user_namespaces(7)

use std::fs;

use serde::Serialize;

use super::namespaces::Namespaces;
use crate::kernel::maps::IdMap;
use crate::kernel::peer::{self, Status};
use crate::kernel::user_name;

/// The four ids of a kind that each process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ids {
    /// Who started it.
    pub real: u32,
    /// Who it acts as.
    pub effective: u32,
    /// Who it may act as again.
    pub saved: u32,
    /// Who it opens files as.
    pub filesystem: u32,
}

/// Who it is.
#[derive(Debug, Clone, Serialize)]
pub struct Identity {
    /// Login name of the effective user, on this host.
    pub user: Option<String>,
    /// User ids, as the reader counts.
    pub uid: Ids,
    /// Group ids, as the reader counts.
    pub gid: Ids,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Its number in each PID namespace, from the reader's inwards.
    pub pids: Vec<i32>,
    /// The same user, from within.
    pub user_namespace: UserNamespace,
}

/// The user namespace in which it lives.
#[derive(Debug, Clone, Serialize)]
pub struct UserNamespace {
    /// Its effective user id inside; `None` if that is not mapped.
    pub uid: Option<u32>,
    /// Its effective group id inside.
    pub gid: Option<u32>,
    /// Who its root is outside; `None` if it has none.
    pub root: Option<u32>,
    /// Lines of uid_map.
    pub uid_map: Vec<IdMap>,
    /// Lines of gid_map.
    pub gid_map: Vec<IdMap>,
    /// Whether its processes may change their groups: `allow` or `deny`.
    pub setgroups: Option<String>,
    /// Who made it; `None` if that is hidden.
    pub owner: Option<u32>,
}

impl Identity {
    /// Reads it.
    pub fn of(pid: i32, status: &Status, namespaces: &Namespaces) -> Self {
        let (uid, gid) = (ids(status, "Uid"), ids(status, "Gid"));
        let file = pid.to_string();
        let [uid_map, gid_map] = ["uid_map", "gid_map"].map(|name| peer::id_map(&file, name));
        // In the reader's own user namespace the reader's numbers are the inner ones.
        let shared = namespaces.get("user").and_then(|namespace| namespace.reader).unwrap_or(false);
        let inner = |map: &[IdMap], id: u32| if shared { Some(id) } else { inside(map, id) };
        let setgroups = fs::read_to_string(format!("/proc/{pid}/setgroups")).ok();
        let user_namespace = UserNamespace {
            uid: inner(&uid_map, uid.effective),
            gid: inner(&gid_map, gid.effective),
            root: outside(&uid_map, 0),
            owner: peer::user_namespace_owner(pid),
            setgroups: setgroups.map(|text| text.trim().to_owned()),
            uid_map,
            gid_map,
        };
        Self {
            user: user_name(uid.effective),
            uid,
            gid,
            groups: status.numbers("Groups"),
            pids: status.numbers("NSpid"),
            user_namespace,
        }
    }

    /// True if it acts as root of its user namespace.
    pub fn is_root(&self) -> bool {
        self.user_namespace.uid == Some(0)
    }
}

fn ids(status: &Status, name: &str) -> Ids {
    let numbers: Vec<u32> = status.numbers(name);
    let id = |index: usize| numbers.get(index).copied().unwrap_or(u32::MAX);
    Ids { real: id(0), effective: id(1), saved: id(2), filesystem: id(3) }
}

/// An id of the outside, as the namespace numbers it.
fn inside(map: &[IdMap], id: u32) -> Option<u32> {
    let line = map.iter().find(|line| id >= line.outside && id - line.outside < line.count)?;
    Some(line.inside + (id - line.outside))
}

/// An id of the namespace, as it is outside.
fn outside(map: &[IdMap], id: u32) -> Option<u32> {
    let line = map.iter().find(|line| id >= line.inside && id - line.inside < line.count)?;
    Some(line.outside + (id - line.inside))
}

#[cfg(test)]
mod tests {
    use super::{IdMap, inside, outside};

    #[test]
    fn ids_are_translated_both_ways() {
        let map = [IdMap { inside: 0, outside: 1000, count: 1 }, IdMap { inside: 1, outside: 100_000, count: 65_536 }];
        assert_eq!([inside(&map, 1000), inside(&map, 100_032), inside(&map, 0)], [Some(0), Some(33), None]);
        assert_eq!([outside(&map, 0), outside(&map, 33), outside(&map, 70_000)], [Some(1000), Some(100_032), None]);
    }
}
