//! Where cgroups lie on this host: one tree for all controllers (v2), a tree for
//! each (v1), or some of both (hybrid). Reading changes nothing, so none of it is
//! told. cgroups(7)

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::{euid, proc};
use crate::error::{Error, Result};

/// The controllers that a container is given cgroups of; v1's names, `io` is v2's
/// for `blkio`.
pub const CONTROLLERS: [&str; 9] = ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "io", "pids"];

/// The two interfaces of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// A tree for each controller, or for some that are mounted together.
    V1,
    /// One tree for all.
    V2,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        })
    }
}

/// One mounted tree of cgroups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Its interface.
    pub version: Version,
    /// What it controls: `["cpu", "cpuacct"]`; on v2 what its root offers.
    pub controllers: Vec<String>,
    /// Where it is mounted.
    pub mount: PathBuf,
    /// The caller's own cgroup in it.
    pub own: PathBuf,
}

impl Hierarchy {
    /// The topmost cgroup in which this user may make another: the root of the
    /// tree for root, the delegated part of it for others. `None` if there is none.
    pub fn base(&self) -> Option<&Path> {
        let above: Vec<&Path> = self.own.ancestors().take_while(|path| path.starts_with(&self.mount)).collect();
        above.into_iter().rev().find(|path| self.may_make_in(path))
    }

    fn may_make_in(&self, cgroup: &Path) -> bool {
        let needed: &[&str] = match self.version {
            Version::V1 => &["."],
            Version::V2 => &[".", "cgroup.procs", "cgroup.subtree_control"],
        };
        needed.iter().all(|name| proc::writable(&cgroup.join(name)))
    }

    /// Its short name: `memory`, `cpu,cpuacct`, `v2`.
    pub fn name(&self) -> String {
        match self.version {
            Version::V1 => self.controllers.join(","),
            Version::V2 => "v2".to_owned(),
        }
    }
}

/// All mounted trees that control something, and v2 in any case, in the order in
/// which they were mounted. v1's named ones, such as systemd's, control nothing.
pub fn hierarchies() -> Vec<Hierarchy> {
    hierarchies_of("self")
}

/// [`hierarchies`], with the cgroups of another process as the own ones.
pub fn hierarchies_of(pid: &str) -> Vec<Hierarchy> {
    let own = proc::cgroups(pid);
    let mut seen = BTreeSet::new();
    let mounts = proc::mounts("self").unwrap_or_default();
    let found = mounts.iter().filter_map(|mount| hierarchy(mount, &own));
    found.filter(|found| seen.insert(found.name())).collect()
}

fn hierarchy(mount: &proc::Mount, own: &[proc::Cgroup]) -> Option<Hierarchy> {
    let (version, controllers) = match mount.kind.as_str() {
        "cgroup" => (Version::V1, v1_controllers(&mount.super_options)?),
        "cgroup2" => (Version::V2, words(&mount.point.join("cgroup.controllers"))),
        _ => return None,
    };
    let is_this = |cgroup: &&proc::Cgroup| match version {
        Version::V1 => cgroup.controllers.split(',').eq(controllers.iter().map(String::as_str)),
        Version::V2 => cgroup.controllers.is_empty(),
    };
    // A mount may show only a part of the tree: `root` of mountinfo(5).
    let path = Path::new(&own.iter().find(is_this)?.path);
    let inside = path.strip_prefix(&mount.root).unwrap_or(Path::new(""));
    let own = if inside.as_os_str().is_empty() { mount.point.clone() } else { mount.point.join(inside) };
    Some(Hierarchy { version, controllers, mount: mount.point.clone(), own })
}

/// `rw,cpu,cpuacct` → `cpu`, `cpuacct`; `None` if nothing is controlled.
fn v1_controllers(options: &str) -> Option<Vec<String>> {
    let known = |name: &&str| CONTROLLERS.contains(name);
    let names: Vec<String> = options.split(',').filter(known).map(str::to_owned).collect();
    (!names.is_empty()).then_some(names)
}

/// The words of a small file; none if it can't be read.
pub fn words(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

/// One cgroup of a group: a directory in one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The tree's interface.
    pub version: Version,
    /// What it controls: on v2, what its parent has to pass on.
    pub controllers: Vec<String>,
    /// The cgroup in which it is made.
    pub parent: PathBuf,
    /// The cgroup itself.
    pub path: PathBuf,
}

impl Place {
    fn new(parent: PathBuf, name: &str, tree: &Hierarchy) -> Self {
        let controllers = match tree.version {
            Version::V1 => tree.controllers.clone(),
            // A delegated part of the tree may have less than its root.
            Version::V2 => v2_controllers(&parent),
        };
        Self { version: tree.version, controllers, path: parent.join(name), parent }
    }
}

/// Those of the controllers that a cgroup of v2 can pass on.
fn v2_controllers(cgroup: &Path) -> Vec<String> {
    let known = |name: &String| CONTROLLERS.contains(&name.as_str());
    words(&cgroup.join("cgroup.controllers")).into_iter().filter(known).collect()
}

/// A cgroup of the same name in each tree that is needed: together, one group of
/// processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// One of them in each tree.
    pub places: Vec<Place>,
}

impl Group {
    /// What would be made under this name, in each tree where this user may.
    pub fn named(name: &str) -> Self {
        let place = |tree: Hierarchy| Some(Place::new(tree.base()?.to_owned(), name, &tree));
        Self { places: hierarchies().into_iter().filter_map(place).collect() }
    }

    /// [`Group::named`] for a plan, which everybody may make: where this user may
    /// make no cgroup, the own one is its parent; without cgroups at all, v2's root.
    pub fn planned(name: &str) -> Self {
        let place = |tree: Hierarchy| Place::new(tree.base().unwrap_or(&tree.own).to_owned(), name, &tree);
        let places: Vec<Place> = hierarchies().into_iter().map(place).collect();
        if !places.is_empty() {
            return Self { places };
        }
        let root = PathBuf::from("/sys/fs/cgroup");
        let controllers = ["cpuset", "cpu", "io", "memory", "pids"].map(str::to_owned).to_vec();
        Self { places: vec![Place { version: Version::V2, controllers, path: root.join(name), parent: root }] }
    }

    /// Only those that control one of these; of v2 nothing else is then passed on.
    pub fn only(mut self, controllers: &[&str]) -> Self {
        let wanted = |name: &String| controllers.contains(&name.as_str());
        for place in self.places.iter_mut().filter(|place| place.version == Version::V2) {
            place.controllers.retain(wanted);
        }
        self.places.retain(|place| place.controllers.iter().any(wanted));
        self
    }

    /// The cgroup of v2 alone, without any controller: what every cgroup of v2 can.
    pub fn only_v2(mut self) -> Self {
        self.places.retain(|place| place.version == Version::V2);
        self.places.iter_mut().for_each(|place| place.controllers.clear());
        self
    }

    /// Where a controller is, by v1's name or v2's.
    pub fn find(&self, controllers: &[&str]) -> Option<&Place> {
        controllers
            .iter()
            .find_map(|wanted| self.places.iter().find(|place| place.controllers.iter().any(|name| name == wanted)))
    }

    /// [`Group::find`], or why this host can't limit that.
    pub fn controller(&self, controllers: &[&str]) -> Result<&Place> {
        self.find(controllers).ok_or_else(|| missing(controllers))
    }

    /// [`Group::v2`], or why there is none.
    pub fn need_v2(&self) -> Result<&Place> {
        self.v2().ok_or_else(|| match hierarchies().iter().find(|tree| tree.version == Version::V2) {
            Some(tree) => undelegated(tree, "the tree of cgroup v2"),
            None => Error::new("cgroup v2 is not mounted on this host")
                .hint("As root: mount -t cgroup2 none /sys/fs/cgroup (beside v1: /sys/fs/cgroup/unified)."),
        })
    }

    /// The cgroup of v2, whatever it controls.
    pub fn v2(&self) -> Option<&Place> {
        self.places.iter().find(|place| place.version == Version::V2)
    }
}

/// Why there is no cgroup for a controller: not mounted, or not ours to make.
fn missing(controllers: &[&str]) -> Error {
    let trees = hierarchies();
    let has = |tree: &&Hierarchy| controllers.iter().find(|name| tree.controllers.iter().any(|known| known == *name));
    let Some((tree, controller)) = trees.iter().find_map(|tree| Some((tree, has(&tree)?))) else {
        return Error::new(format!("no cgroup controller '{}' works on this host", controllers.join("' or '")))
            .hint("`cat /proc/cgroups /sys/fs/cgroup/cgroup.controllers` lists those that do.");
    };
    undelegated(tree, &format!("the controller '{controller}'"))
}

/// Why a user may make no cgroup in a tree, or none with what is wanted.
fn undelegated(tree: &Hierarchy, what: &str) -> Error {
    let nowhere = format!("No cgroup at {} or above may be written to.", tree.own.display());
    if euid() == 0 && tree.base().is_none() {
        return Error::new(format!("{what} can't be used here")).hint(format!(
            "{nowhere}\nRoot is kept from it too, as in a container: run on the host itself, or in a container\nthat is started with --privileged."
        ));
    }
    let hint = match (tree.base(), tree.version) {
        (Some(base), Version::V2) => format!(
            "{} has only: {}.\nRun as root, or let systemd delegate more to user@.service:\nDelegate=cpu cpuset io memory pids (systemd.resource-control(5)).",
            base.display(),
            words(&base.join("cgroup.controllers")).join(" ")
        ),
        (None, Version::V2) => {
            format!("{nowhere}\nRun as root, or by `systemd-run --user --scope -p Delegate=yes boxlab ...`.")
        }
        (_, Version::V1) => format!("{nowhere}\nRun as root: v1 cgroups are rarely delegated."),
    };
    Error::new(format!("{what} is not delegated to this user")).hint(hint)
}

/// The processes in a cgroup, each with when it started, so that it is not taken
/// for another. Those of PID namespaces that can't be seen from here are left out.
pub fn processes(cgroup: &Path) -> Vec<(i32, u64)> {
    let pids = words(&cgroup.join("cgroup.procs"));
    let process = |pid: String| pid.parse().ok().and_then(|pid| Some((pid, proc::start_time(pid)?)));
    pids.into_iter().filter_map(process).collect()
}

/// The cgroups right beneath one.
pub fn children(cgroup: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(cgroup).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::{hierarchies, hierarchy, proc};

    fn mount(root: &str, kind: &str, options: &str) -> proc::Mount {
        proc::Mount {
            id: 31,
            device: "0:28".to_owned(),
            root: root.to_owned(),
            point: "/sys/fs/cgroup/x".into(),
            options: "rw".to_owned(),
            propagation: String::new(),
            kind: kind.to_owned(),
            source: "cgroup".to_owned(),
            super_options: options.to_owned(),
        }
    }

    fn own(controllers: &str, path: &str) -> Vec<proc::Cgroup> {
        vec![proc::Cgroup { controllers: controllers.to_owned(), path: path.to_owned() }]
    }

    #[test]
    fn the_own_cgroup_is_found_in_a_whole_tree_and_in_a_part_of_one() {
        let whole = hierarchy(&mount("/", "cgroup", "rw,cpu,cpuacct"), &own("cpu,cpuacct", "/a/b"));
        assert_eq!(whole.map(|tree| tree.own), Some("/sys/fs/cgroup/x/a/b".into()));
        let part = hierarchy(&mount("/a", "cgroup", "rw,memory"), &own("memory", "/a/b"));
        assert_eq!(part.map(|tree| tree.own), Some("/sys/fs/cgroup/x/b".into()));
        assert_eq!(hierarchy(&mount("/", "cgroup", "rw,name=systemd"), &own("name=systemd", "/")), None);
    }

    #[test]
    fn this_host_has_each_tree_once() {
        let trees = hierarchies();
        for (index, tree) in trees.iter().enumerate() {
            assert!(trees[..index].iter().all(|other| other.name() != tree.name()), "{trees:?}");
            assert!(tree.own.starts_with(&tree.mount));
        }
    }
}
