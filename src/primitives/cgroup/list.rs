//! The cgroups of this machine: its trees, which cgroups in them are limited, and
//! what limits one process. It only reads. cgroups(7), systemd-cgls(1)

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::kernel::cgroup::{Hierarchy, Version, children, hierarchies, hierarchies_of, processes};
use crate::kernel::gauge::{LIMITS, Limit};

/// One tree.
#[derive(Debug, Serialize)]
pub struct Tree {
    /// `v1` or `v2`.
    pub version: String,
    /// What it controls.
    pub controllers: Vec<String>,
    /// Where it is mounted.
    pub mount: PathBuf,
    /// This process's cgroup in it.
    pub own: PathBuf,
    /// The topmost cgroup in which this user may make others.
    pub may_make_in: Option<PathBuf>,
}

/// One limit of one cgroup.
#[derive(Debug, Serialize)]
pub struct Reading {
    /// What is limited.
    pub what: &'static str,
    /// Whose limit it is.
    pub cgroup: PathBuf,
    /// Its interface.
    pub version: String,
    /// The file of v1.
    pub v1: &'static str,
    /// The file of v2.
    pub v2: &'static str,
    /// What the file says.
    pub limit: String,
    /// True unless that is the same as no limit.
    pub limited: bool,
    /// What is used of it.
    pub used: Option<String>,
    /// How many processes are right in the cgroup.
    pub processes: usize,
}

/// All trees.
pub fn trees() -> Vec<Tree> {
    let tree = |tree: Hierarchy| Tree {
        version: tree.version.to_string(),
        may_make_in: tree.base().map(Path::to_owned),
        controllers: tree.controllers,
        mount: tree.mount,
        own: tree.own,
    };
    hierarchies().into_iter().map(tree).collect()
}

/// Every limit that is set somewhere.
pub fn limited() -> Vec<Reading> {
    let all = hierarchies()
        .into_iter()
        .flat_map(|tree| beneath(&tree.mount).into_iter().map(move |path| (tree.version, path)));
    all.flat_map(|(version, path)| cgroup(version, &path)).filter(|reading| reading.limited).collect()
}

/// A cgroup and all beneath it.
fn beneath(cgroup: &Path) -> Vec<PathBuf> {
    let below = children(cgroup).iter().flat_map(|child| beneath(child)).collect();
    [vec![cgroup.to_owned()], below].concat()
}

/// What limits a process: its own cgroups, and of those above whatever is limited.
pub fn of_process(pid: &str) -> Vec<Reading> {
    let of_tree = |tree: &Hierarchy| {
        let above = tree.own.ancestors().skip(1).take_while(|path| path.starts_with(&tree.mount));
        let above = above.flat_map(|path| cgroup(tree.version, path)).filter(|reading| reading.limited);
        cgroup(tree.version, &tree.own).into_iter().chain(above).collect::<Vec<_>>()
    };
    hierarchies_of(pid).iter().flat_map(of_tree).collect()
}

/// The limits of a cgroup; `None` if the path is none.
pub fn of_path(path: &Path) -> Option<Vec<Reading>> {
    let tree = hierarchies().into_iter().find(|tree| path.starts_with(&tree.mount) && path.is_dir())?;
    Some(cgroup(tree.version, path))
}

fn cgroup(version: Version, path: &Path) -> Vec<Reading> {
    let reading = |Limit { what, limit, used }: &Limit| {
        let text = limit.read(version, path)?;
        Some(Reading {
            what,
            cgroup: path.to_owned(),
            version: version.to_string(),
            limited: limit.limits(version, path, &text),
            limit: text,
            used: used.read(version, path),
            v1: limit.v1,
            v2: limit.v2,
            processes: processes(path).len(),
        })
    };
    LIMITS.iter().filter_map(reading).collect()
}
