//! What the cgroups of a process say: limits, counters, whether it is frozen. v1 and v2.
//! cgroups(7)

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::explain::limits::Cgroups;
use crate::kernel::cgroup::{Hierarchy, Version, children, hierarchies, hierarchies_of};
use crate::kernel::gauge::Gauge;
use crate::kernel::peer;
use crate::learn::exercise::look::{bounded, bytes};
use crate::learn::exercise::scene::{Finding, Look, Scene, Verdict, unknown};
use crate::learn::exercise::vocabulary::{Event, Frozen, Happening, Limit, Resource};

fn cgroups(pid: i32) -> Result<Cgroups, Verdict> {
    let status = peer::Status::of(pid).map_err(unknown)?;
    Ok(Cgroups::of(pid, &status))
}

/// The tightest limit, from its own cgroup upwards.
pub fn limit(scene: &Scene<'_>, claim: &Limit) -> Look {
    let pid = scene.pid(&claim.of)?;
    let hidden = || unknown(scene.say("checks.no_cgroup", &[]));
    let found = cgroups(pid)?;
    let number = |limit: Option<u64>| limit.map(|limit| limit as f64);
    let wanted = [&claim.at_most, &claim.at_least, &claim.is];
    let (limit, spell): (Option<f64>, fn(f64) -> String) = match claim.resource {
        Resource::Memory => (number(found.memory.ok_or_else(hidden)?.limit), bytes),
        Resource::Swap => (number(found.swap.ok_or_else(hidden)?.limit), bytes),
        Resource::Pids => (number(found.pids.ok_or_else(hidden)?.limit), |number| number.to_string()),
        Resource::Cpu => (found.cpu.ok_or_else(hidden)?.quota, |number| number.to_string()),
        Resource::Io => {
            let brakes = found.io.iter().filter(|brake| brake.what.ends_with("bps"));
            (number(brakes.map(|brake| brake.limit).min()), bytes)
        }
        Resource::Cpuset => return cpuset(scene, pid, claim),
    };
    Ok(bounded(scene, limit, wanted, spell))
}

/// A list of processors, as the cgroup has it: a process may have chosen fewer.
fn cpuset(scene: &Scene<'_>, pid: i32, claim: &Limit) -> Look {
    let gauge = Gauge::new("cpuset.effective_cpus", "cpuset.cpus.effective");
    let trees = hierarchies_of(&pid.to_string());
    let tree = trees.iter().find(|tree| tree.controllers.iter().any(|name| name == "cpuset"));
    // Where v2 does not pass the controller on, the cgroup above decides.
    let found = tree.and_then(|tree| tree.own.ancestors().find_map(|cgroup| gauge.read(tree.version, cgroup)));
    let found = found.ok_or_else(|| unknown(scene.say("checks.no_cgroup", &[])))?;
    let wanted = match &claim.is {
        Some(super::super::vocabulary::Amount::Text(text)) => text.clone(),
        Some(amount) => amount.number().map(|number| number.to_string()).unwrap_or_default(),
        None => String::new(),
    };
    Ok(Finding::of(found == wanted, found, wanted))
}

/// True while its cgroup keeps it stopped.
pub fn frozen(scene: &Scene<'_>, claim: &Frozen) -> Look {
    let pid = scene.pid(&claim.of)?;
    let frozen = cgroups(pid)?.frozen.ok_or_else(|| unknown(scene.say("checks.no_cgroup", &[])))?;
    let text = |frozen: bool| scene.say(if frozen { "checks.frozen" } else { "checks.thawed" }, &[]);
    Ok(Finding::of(frozen, text(frozen), text(true)))
}

/// The controller that counts it, and the file with the counter.
fn counter(name: Happening) -> (&'static str, Gauge) {
    match name {
        Happening::OomKill => ("memory", Gauge::new("memory.oom_control oom_kill", "memory.events oom_kill")),
        Happening::MemoryMax => ("memory", Gauge::new("memory.failcnt", "memory.events max")),
        Happening::PidsMax => ("pids", Gauge::new("pids.events max", "pids.events max")),
        Happening::Throttled => ("cpu", Gauge::new("cpu.stat nr_throttled", "cpu.stat nr_throttled")),
    }
}

/// How often it has happened since the exercise began.
pub fn event(scene: &Scene<'_>, claim: &Event) -> Look {
    let (controller, gauge) = counter(claim.name);
    let found = match &claim.of {
        Some(of) => {
            let trees = hierarchies_of(&scene.pid(of)?.to_string());
            let tree = with(&trees, controller).ok_or_else(|| unknown(scene.say("checks.no_cgroup", &[])))?;
            count(scene.counters, &gauge, tree.version, &tree.own)
        }
        None => {
            let trees = hierarchies();
            let tree = with(&trees, controller).ok_or_else(|| unknown(scene.say("checks.no_cgroup", &[])))?;
            let ours = scene.sandbox.cgroups().into_iter().filter(|cgroup| cgroup.starts_with(&tree.mount));
            let all = ours.flat_map(with_children);
            all.map(|cgroup| count(scene.counters, &gauge, tree.version, &cgroup)).max().unwrap_or(0)
        }
    };
    let times = |count: u64| scene.say("checks.times", &[("count", &count)]);
    let expected = scene.say("checks.at_least", &[("value", &times(claim.at_least))]);
    Ok(Finding::of(found >= claim.at_least, times(found), expected))
}

fn with<'t>(trees: &'t [Hierarchy], controller: &str) -> Option<&'t Hierarchy> {
    trees.iter().find(|tree| tree.controllers.iter().any(|name| name == controller))
}

fn with_children(cgroup: PathBuf) -> Vec<PathBuf> {
    let beneath: Vec<PathBuf> = children(&cgroup).into_iter().flat_map(with_children).collect();
    std::iter::once(cgroup).chain(beneath).collect()
}

fn count(before: &BTreeMap<String, u64>, gauge: &Gauge, version: Version, cgroup: &Path) -> u64 {
    let now: u64 = gauge.read(version, cgroup).and_then(|text| text.parse().ok()).unwrap_or(0);
    now.saturating_sub(before.get(&key(gauge, version, cgroup)).copied().unwrap_or(0))
}

fn key(gauge: &Gauge, version: Version, cgroup: &Path) -> String {
    format!("{}/{}", cgroup.display(), gauge.name(version))
}

/// What is counted already where the exercise begins: in the learner's own cgroups, and
/// in those that the setup has made.
pub fn counters(events: &[&Event], made: &[PathBuf]) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for tree in hierarchies() {
        let made = made.iter().filter(|cgroup| cgroup.starts_with(&tree.mount)).cloned();
        let places: Vec<PathBuf> = made.flat_map(with_children).chain([tree.own.clone()]).collect();
        for event in events {
            let (controller, gauge) = counter(event.name);
            for place in places.iter().filter(|_| tree.controllers.iter().any(|name| name == controller)) {
                let now = gauge.read(tree.version, place).and_then(|text| text.parse().ok());
                found.extend(now.map(|now| (key(&gauge, tree.version, place), now)));
            }
        }
    }
    found
}
