//! A group of processes that is counted and limited together: a directory in each
//! tree of cgroups, with the processes written into it.
//!
//! It limits nothing by itself; `mem`, `cpu`, `pids`, ... do.
//! cgroups(7); kernel documentation, admin-guide/cgroup-v1 and cgroup-v2

use std::os::fd::OwnedFd;
use std::path::Path;

use crate::error::{Context, Result};
use crate::kernel::cgroup::{Group, Place, Version, children, processes, words};
use crate::kernel::errno::EBUSY;
use crate::kernel::{Kernel, O_DIRECTORY, O_PATH, proc};

/// Makes the cgroups. A directory is all it takes; the kernel fills it with files.
pub fn make(k: &Kernel, group: &Group) -> Result<()> {
    k.step("Make cgroups of its own: a directory in each tree is one");
    for place in &group.places {
        if place.version == Version::V2 {
            pass_on(k, place)?;
        }
        k.mkdir(&place.path, 0o755).doing(|| format!("cannot make the cgroup {}", place.path.display()))?;
    }
    match group.find(&["cpuset"]) {
        Some(place) if place.version == Version::V1 => fill_cpuset(k, place),
        _ => Ok(()),
    }
}

/// v2: a cgroup has the controllers that its parent passes on to its children. They
/// stay passed on, since by then somebody else's cgroup beside it may need them.
fn pass_on(k: &Kernel, place: &Place) -> Result<()> {
    let file = place.parent.join("cgroup.subtree_control");
    let given = words(&file);
    let missing: Vec<String> =
        place.controllers.iter().filter(|name| !given.contains(name)).map(|name| format!("+{name}")).collect();
    if missing.is_empty() {
        return Ok(());
    }
    k.write_to(&file, &missing.join(" ")).hint(|error| (error.errno() == Some(EBUSY)).then(|| occupied(&place.parent)))
}

fn occupied(parent: &Path) -> String {
    format!(
        "v2 passes controllers on from a cgroup only if no process is in it, and some are in\n{}.\n\
         In a container of another engine: move them into a cgroup beneath it first.",
        parent.display()
    )
}

/// v1: a new cpuset is empty, and no process can be in it until it is filled.
fn fill_cpuset(k: &Kernel, place: &Place) -> Result<()> {
    k.step("v1's new cpuset has no processor and no memory node: take the parent's");
    for file in ["cpuset.cpus", "cpuset.mems"] {
        k.set(&place.path.join(file), &words(&place.parent.join(file)).join(","))?;
    }
    Ok(())
}

/// Opens the cgroup of v2, for a child to be born in. clone3(2), `CLONE_INTO_CGROUP`
pub fn open_v2(k: &Kernel, group: &Group) -> Result<Option<OwnedFd>> {
    group.v2().map(|place| k.open(&place.path, O_PATH | O_DIRECTORY, 0)).transpose()
}

/// Child: moves itself, and so all its children, into the cgroups of v1. The file
/// `tasks` and the number 0 spare the kernel a lock that takes milliseconds.
pub fn enter_v1(k: &Kernel, group: &Group) -> Result<()> {
    let mut places = group.places.iter().filter(|place| place.version == Version::V1).peekable();
    if places.peek().is_some() {
        k.step("Move into the cgroups before anything is used or started");
    }
    places.try_for_each(|place| k.write_to(&place.path.join("tasks"), "0"))
}

/// Parent: moves a process in, with all its threads.
pub fn put(k: &Kernel, group: &Group, pid: i32) -> Result<()> {
    group.places.iter().try_for_each(|place| k.write_to(&place.path.join("cgroup.procs"), &pid.to_string()))
}

/// Takes the cgroups away again, and ends what still runs in them.
pub fn remove(k: &Kernel, group: &Group) -> Result<()> {
    k.step("Remove the cgroups: they would stay, empty as they are");
    if let Some(place) = group.find(&["freezer"]) {
        thaw(k, &place.path)?;
    }
    group.places.iter().rev().try_for_each(|place| clear(k, &place.path))
}

/// Lets frozen processes go on: those of v1 can't even be killed.
pub fn thaw(k: &Kernel, cgroup: &Path) -> Result<()> {
    let frozen = words(&cgroup.join("freezer.state")).iter().any(|state| state != "THAWED");
    if frozen { k.write_to(&cgroup.join("freezer.state"), "THAWED") } else { Ok(()) }
}

/// Removes a cgroup; if it is not empty, ends all its processes and removes those
/// beneath it first.
pub fn clear(k: &Kernel, cgroup: &Path) -> Result<()> {
    match k.rmdir(cgroup) {
        Err(error) if error.errno() == Some(EBUSY) => {}
        removed => return removed,
    }
    children(cgroup).iter().try_for_each(|child| clear(k, child))?;
    // Who forks is faster than who kills one by one, but not for long.
    for _ in 0..100 {
        let processes = processes(cgroup);
        if processes.is_empty() {
            break;
        }
        if proc::exists(&cgroup.join("cgroup.kill")) {
            k.write_to(&cgroup.join("cgroup.kill"), "1")?;
            processes.into_iter().try_for_each(|(pid, start)| k.until_ended(pid, start))?;
        } else {
            processes.into_iter().try_for_each(|(pid, start)| k.end_process(pid, start))?;
        }
    }
    k.rmdir(cgroup)
}
