//! What /proc says of a process. proc_pid_status(5), namespaces(7)

use crate::kernel::{CapSet, egid, euid, limits, peer, proc};
use crate::learn::exercise::look::{bounded, list};
use crate::learn::exercise::scene::{Finding, Look, Scene, Verdict, unknown};
use crate::learn::exercise::vocabulary::{
    Capabilities, IdMap, Me, Namespace, PidInside, Rlimit, Running, Set, Status, Who,
};

/// A process with these arguments.
pub fn running(scene: &Scene<'_>, claim: &Running) -> Look {
    let pid = scene.pid(&claim.subject)?;
    Ok(Finding::of(true, scene.say("checks.process", &[("pid", &pid)]), scene.command(&claim.subject)))
}

/// The links in /proc/PID/ns are equal, or they are not.
pub fn namespace(scene: &Scene<'_>, claim: &Namespace) -> Look {
    let name = |of: &str| {
        let pid = scene.pid(of)?;
        proc::namespace(&pid.to_string(), &claim.kind).map_err(unknown)
    };
    let found = name(&claim.of)?;
    Ok(match (&claim.differs_from, &claim.same_as) {
        (Some(other), _) => {
            let other = name(other)?;
            Finding::of(found != other, &found, scene.say("checks.another_than", &[("what", &other)]))
        }
        (None, Some(other)) => {
            let other = name(other)?;
            Finding::of(found == other, &found, &other)
        }
        (None, None) => Finding::of(false, found, ""),
    })
}

/// One of the five sets.
pub fn capabilities(scene: &Scene<'_>, claim: &Capabilities) -> Look {
    let pid = scene.pid(&claim.of)?;
    let sets = proc::capabilities(&pid.to_string()).ok_or_else(|| Verdict::Absent(claim.of.clone()))?;
    let found = match claim.set {
        Set::Effective => sets.effective,
        Set::Permitted => sets.permitted,
        Set::Bounding => sets.bounding,
        Set::Inheritable => sets.inheritable,
        Set::Ambient => sets.ambient,
    };
    let set = |names: &[String]| {
        let sets = names.iter().map(|name| CapSet::from_name(name));
        sets.collect::<Result<Vec<_>, _>>()
            .map_err(unknown)
            .map(|sets| sets.into_iter().fold(CapSet::of(&[]), CapSet::union))
    };
    if let Some(exactly) = &claim.exactly {
        let wanted = set(exactly)?;
        return Ok(Finding::of(found == wanted, found.described(), wanted.described()));
    }
    let (missing, surplus) = (set(&claim.has)?.minus(found), set(&claim.lacks)?.intersection(found));
    let mut expected = Vec::new();
    if !claim.has.is_empty() {
        expected.push(scene.say("checks.with", &[("what", &claim.has.join(" "))]));
    }
    if !claim.lacks.is_empty() {
        expected.push(scene.say("checks.without", &[("what", &claim.lacks.join(" "))]));
    }
    Ok(Finding::of(missing.is_empty() && surplus.is_empty(), found.described(), expected.join(", ")))
}

/// A line of /proc/PID/status.
pub fn status(scene: &Scene<'_>, claim: &Status) -> Look {
    let pid = scene.pid(&claim.of)?;
    let found = proc::status(&pid.to_string(), &claim.field);
    let text = found.clone().unwrap_or_else(|| scene.say("checks.nothing", &[]));
    Ok(Finding::of(found == Some(claim.is.to_string()), text, &claim.is))
}

/// A line of /proc/PID/limits.
pub fn rlimit(scene: &Scene<'_>, claim: &Rlimit) -> Look {
    let pid = scene.pid(&claim.of)?;
    let all = limits::of(&pid.to_string());
    let found = all.iter().find(|limit| limit.resource.name == claim.name);
    let found = found.ok_or_else(|| unknown(format!("{}?", claim.name)))?;
    let number = if claim.hard { found.hard } else { found.soft };
    let number = (number != limits::UNLIMITED).then_some(number as f64);
    Ok(bounded(scene, number, [&claim.at_most, &claim.at_least, &claim.is], |number| number.to_string()))
}

/// A line of /proc/PID/uid_map or gid_map.
pub fn id_map(scene: &Scene<'_>, claim: &IdMap) -> Look {
    let pid = scene.pid(&claim.of)?;
    let maps = peer::id_map(&pid.to_string(), if claim.groups { "gid_map" } else { "uid_map" });
    let outside = match claim.outside {
        Who::Number(number) => number,
        Who::Me(Me::Me) if claim.groups => egid(),
        Who::Me(Me::Me) => euid(),
    };
    let line = maps.iter().find(|map| map.has(claim.inside));
    let is_right = |map: &&crate::kernel::IdMap| {
        map.outside.checked_add(claim.inside - map.inside) == Some(outside)
            && claim.count.is_none_or(|count| map.count >= count)
    };
    let put = |inside: u32, outside: u32, count: u32| {
        scene.say("checks.mapped", &[("inside", &inside), ("outside", &outside), ("count", &count)])
    };
    let lines: Vec<String> = maps.iter().map(|map| put(map.inside, map.outside, map.count)).collect();
    let found = if lines.is_empty() { scene.say("checks.nothing", &[]) } else { lines.join(", ") };
    Ok(Finding::of(line.filter(is_right).is_some(), found, put(claim.inside, outside, claim.count.unwrap_or(1))))
}

/// The last number of the line NSpid: the one in the innermost namespace.
pub fn pid_inside(scene: &Scene<'_>, claim: &PidInside) -> Look {
    let pid = scene.pid(&claim.of)?;
    let numbers = proc::status(&pid.to_string(), "NSpid").ok_or_else(|| Verdict::Absent(claim.of.clone()))?;
    let found = numbers.split(' ').next_back().unwrap_or_default();
    Ok(Finding::of(found == claim.is.to_string(), list(scene, &[found]), claim.is))
}
