//! Who the program runs as: `--user`, looked up in the container's own
//! /etc/passwd and /etc/group. passwd(5), group(5)

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;

use crate::error::{Error, Result};
use crate::kernel::Kernel;

/// Files longer than this are no list of users.
const LIMIT: u64 = 1 << 20;

/// Ids, groups and home of the program's user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Home directory.
    pub home: String,
    /// The user namespace forbids setgroups(2).
    pub groups_fixed: bool,
}

impl Identity {
    /// `USER[:GROUP]`, each by name or number; root without one. The caller's root
    /// directory is already that of the container.
    pub fn find(k: &Kernel, user: Option<&str>, more: &[String], groups_fixed: bool) -> Result<Self> {
        let user = user.filter(|user| !user.is_empty()).unwrap_or("0");
        if k.plans() {
            return Ok(Self { uid: 0, gid: 0, groups: Vec::new(), home: "/root".to_owned(), groups_fixed });
        }
        if groups_fixed && !more.is_empty() {
            return Err(Error::new("cannot give the program other groups than this user has").hint(
                "In a user namespace with a single id setgroups(2) is forbidden: it needs a range\n\
                 of ids in /etc/subuid and /etc/subgid.",
            ));
        }
        let group = read("/etc/group");
        let mut found = Self::among(user, &read("/etc/passwd"), &group)?;
        for name in more {
            found.groups.push(group_id(name, &group)?);
        }
        Ok(Self { groups_fixed, ..found })
    }

    fn among(user: &str, passwd: &str, group: &str) -> Result<Self> {
        let (user, own_group) = user.split_once(':').map_or((user, None), |(user, group)| (user, Some(group)));
        let entry = lines(passwd).find(|fields| fields[0] == user || fields.get(2) == Some(&user));
        let uid = match &entry {
            Some(fields) => number(fields.get(2)),
            None => user.parse().ok(),
        };
        let uid = uid.ok_or_else(|| unknown("user", user, "/etc/passwd"))?;
        let mut gid = entry.as_ref().and_then(|fields| number(fields.get(3))).unwrap_or(0);
        let mut groups = Vec::new();
        match own_group {
            Some(name) => {
                gid = group_id(name, group)?;
            }
            None => groups = memberships(group, entry.as_ref().map_or("", |fields| fields[0])),
        }
        let home = entry.and_then(|fields| fields.get(5).map(|home| (*home).to_owned()));
        Ok(Self { uid, gid, groups, home: home.unwrap_or_else(|| "/".to_owned()), groups_fixed: false })
    }

    /// Becomes that user: groups first, since root's right to change them goes last.
    pub fn assume(&self, k: &Kernel) -> Result<()> {
        k.step("Become the user of the program: groups first, root's rights last");
        if !self.groups_fixed {
            k.setgroups(&self.groups)?;
        }
        k.setresgid(self.gid)?;
        k.setresuid(self.uid)?;
        // Changed credentials have taken this wish back. prctl(2)
        k.die_with_parent()
    }

    /// The environment with HOME, unless it is set.
    pub fn environment(&self, env: &[OsString]) -> Vec<OsString> {
        let mut env = env.to_vec();
        if !env.iter().any(|entry| entry.as_encoded_bytes().starts_with(b"HOME=")) {
            env.push(format!("HOME={}", self.home).into());
        }
        env
    }
}

/// The groups that list this user; a user without a name is in none.
fn memberships(group: &str, name: &str) -> Vec<u32> {
    let lists = |fields: &Vec<&str>| fields.get(3).is_some_and(|list| list.split(',').any(|member| member == name));
    let listed = lines(group).filter(|fields| !name.is_empty() && lists(fields));
    listed.filter_map(|fields| number(fields.get(2))).collect()
}

fn unknown(kind: &str, name: &str, file: &str) -> Error {
    Error::new(format!("there is no {kind} '{name}' in the container"))
        .hint(format!("Its {file} does not know that name. A number works without an entry."))
}

fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(':').collect())
}

fn number(field: Option<&&str>) -> Option<u32> {
    field.and_then(|field| field.parse().ok())
}

/// A file of the image: not trusted to be short, or a file at all.
fn read(path: &str) -> String {
    let mut text = String::new();
    let regular = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    if regular {
        let read = File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text));
        if read.is_err() {
            text.clear();
        }
    }
    text
}

/// A group by name or number.
fn group_id(name: &str, group: &str) -> Result<u32> {
    let found = lines(group).find(|fields| fields[0] == name).and_then(|fields| number(fields.get(2)));
    found.or_else(|| name.parse().ok()).ok_or_else(|| unknown("group", name, "/etc/group"))
}

#[cfg(test)]
mod tests {
    use super::Identity;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33:web:/var/www:/bin/false\n";
    const GROUP: &str = "root:x:0:\nwww:x:33:\nmedia:x:44:www,other\n";

    fn find(user: &str) -> Option<(u32, u32, Vec<u32>, String)> {
        Identity::among(user, PASSWD, GROUP).ok().map(|found| (found.uid, found.gid, found.groups, found.home))
    }

    #[test]
    fn users_are_found_by_name_and_number() {
        assert_eq!(find("www"), Some((33, 33, vec![44], "/var/www".into())));
        assert_eq!(find("33"), find("www"));
        assert_eq!(find("www:root"), Some((33, 0, vec![], "/var/www".into())));
        assert_eq!(find("1000:1001"), Some((1000, 1001, vec![], "/".into())));
        assert_eq!(find("1000"), Some((1000, 0, vec![], "/".into())));
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert_eq!(find("nobody"), None);
        assert_eq!(find("www:nogroup"), None);
    }
}
