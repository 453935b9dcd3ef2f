//! Who runs boxlab in a test: root, an ordinary user with ranges of ids, one
//! without. Only root can become the others; anybody else is tested as they are.

use std::fs;

use nix::unistd::{getegid, geteuid};

/// What a user may map into a user namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// Everything: no user namespace is needed.
    Root,
    /// The ranges of /etc/subuid, through newuidmap(1).
    Ranges,
    /// The own id alone.
    Single,
}

/// A user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// What the user may map.
    pub rights: Rights,
    /// Someone other than who runs the tests: only root becomes another.
    pub other: bool,
}

impl Person {
    /// For the name of a trial: `root`, `learner (ranges)`, `nobody (single id)`.
    pub fn label(&self) -> String {
        match self.rights {
            Rights::Root => "root".to_owned(),
            Rights::Ranges => format!("{} (ranges)", self.name),
            Rights::Single => format!("{} (single id)", self.name),
        }
    }
}

/// The people as whom commands are run here, or why there is none of a kind.
pub fn people() -> Vec<Result<Person, String>> {
    let own = geteuid().as_raw();
    if own != 0 {
        return vec![Ok(myself(own, getegid().as_raw()))];
    }
    let root = Person { name: "root".to_owned(), uid: 0, gid: 0, rights: Rights::Root, other: false };
    vec![Ok(root), with_ranges(), without_ranges()]
}

fn myself(uid: u32, gid: u32) -> Person {
    let name = passwd().into_iter().find(|person| person.uid == uid).map(|person| person.name);
    let name = name.unwrap_or_else(|| uid.to_string());
    let rights = rights(&name, uid);
    Person { name, uid, gid, rights, other: false }
}

/// `BOXLAB_TEST_USER`, else the first ordinary user to whom /etc/subuid grants ids.
fn with_ranges() -> Result<Person, String> {
    let wanted = std::env::var("BOXLAB_TEST_USER").ok();
    let named = |person: &Person| wanted.as_ref().is_none_or(|wanted| *wanted == person.name);
    let found = passwd().into_iter().find(|person| person.rights == Rights::Ranges && named(person));
    found.ok_or_else(|| match wanted {
        Some(name) => format!("BOXLAB_TEST_USER={name} is no user with a range in /etc/subuid and /etc/subgid"),
        None => "no ordinary user has a range in /etc/subuid and /etc/subgid; see BOXLAB_TEST_USER".to_owned(),
    })
}

fn without_ranges() -> Result<Person, String> {
    let mut single: Vec<Person> = passwd().into_iter().filter(|person| person.rights == Rights::Single).collect();
    single.sort_by_key(|person| person.name != "nobody");
    single.into_iter().next().ok_or_else(|| "every ordinary user here has a range in /etc/subuid".to_owned())
}

/// The ordinary users in /etc/passwd.
fn passwd() -> Vec<Person> {
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let person = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let (name, uid, gid) = (fields.first()?, fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?);
        let rights = rights(name, uid);
        (uid >= 1000).then(|| Person { name: (*name).to_owned(), uid, gid, rights, other: true })
    };
    text.lines().filter_map(person).collect()
}

fn rights(name: &str, uid: u32) -> Rights {
    let uid = uid.to_string();
    let granted = |file: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| line.split(':').next().is_some_and(|owner| owner == name || owner == uid))
    };
    let helpers = ["newuidmap", "newgidmap"].iter().all(|helper| {
        let directories = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
        directories.iter().any(|directory| fs::metadata(format!("{directory}/{helper}")).is_ok())
    });
    let ranges = granted("/etc/subuid") && granted("/etc/subgid") && helpers;
    if ranges { Rights::Ranges } else { Rights::Single }
}
