//! Ids by name, and the ranges that an ordinary user may map. subuid(5)
//!
//! The files are read as they are: a static program does not ask NSS.

use std::fs;
use std::path::PathBuf;

/// A range of host ids that a user may map into user namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubordinateIds {
    /// First id of the range, on the host.
    pub first: u32,
    /// How many ids it has.
    pub count: u32,
}

/// The user's largest range in /etc/subuid or /etc/subgid.
pub fn subordinate_ids(file: &str, uid: u32) -> Option<SubordinateIds> {
    let text = fs::read_to_string(file).ok()?;
    let name = user_name(uid);
    let ranges = text.lines().filter_map(|line| range(line, uid, name.as_deref()));
    ranges.max_by_key(|range| range.count)
}

/// The first id after all ranges that the file grants.
pub fn subordinate_ids_end(file: &str) -> u32 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let end = |line: &str| {
        let mut fields = line.split(':').skip(1).map(|field| field.trim().parse::<u32>().ok());
        fields.next()??.checked_add(fields.next()??)
    };
    text.lines().filter_map(end).max().unwrap_or(0)
}

/// `alice:100000:65536`, by name or by number.
fn range(line: &str, uid: u32, name: Option<&str>) -> Option<SubordinateIds> {
    let mut fields = line.trim().split(':');
    let owner = fields.next()?;
    if Some(owner) != name && owner.parse() != Ok(uid) {
        return None;
    }
    let first = fields.next()?.parse().ok()?;
    let count = fields.next()?.parse().ok()?;
    (count > 0).then_some(SubordinateIds { first, count })
}

/// The login name of a user id in /etc/passwd. passwd(5)
pub fn user_name(uid: u32) -> Option<String> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// Where a program lies, in `PATH` or where the system keeps its own.
pub fn program_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let directories = std::env::split_paths(&path).chain(system.map(PathBuf::from));
    directories.map(|directory| directory.join(name)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::{SubordinateIds, range};

    #[test]
    fn a_range_is_found_by_name_or_number() {
        let expected = Some(SubordinateIds { first: 100_000, count: 65_536 });
        assert_eq!(range("alice:100000:65536", 1000, Some("alice")), expected);
        assert_eq!(range("1000:100000:65536", 1000, None), expected);
        assert_eq!(range("bob:100000:65536", 1000, Some("alice")), None);
        assert_eq!(range("alice:100000", 1000, Some("alice")), None);
    }
}
