//! Makes each taught call of `run` fail once, with EIO, through `strace -e inject`.
//!
//! strace counts calls by name and process: `when=N` fails the N-th of that name in
//! every process that gets so far. So a run can be disturbed at more than one call,
//! and a call can be out of reach, since another process's fails first. What was
//! hit is read from strace's own account; the rest is left to `late`, and what even
//! that can't reach is said in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use libtest_mimic::Trial;

use crate::Sums;
use crate::common::call::Call;
use crate::common::leftovers;
use crate::common::people::{Person, Rights};
use crate::common::place::{Ground, Place};
use crate::common::strace::{Streams, Watched, hidden, watch};
use crate::common::strace_lines::parse;
use crate::common::taught::is_taught;
use crate::common::trials::{Verdict, made_by_root, trial};
use crate::late::{self, Wanted};

/// Together they make every kind of call that `run` can make.
const COMMANDS: &[(&[&str], Streams)] = &[
    (&["run", "--name", "fault", "host", "true"], Streams::Pipes),
    (&["run", "--name", "fault", "-it", "--init", "--rootfs", "{rootfs}", "/bin/true"], Streams::Terminal),
    (
        &["run", "--without", "pid", "-v", "{shared}:/b/c:ro", "--tmpfs", "/t", "-w", "/made/up", "host", "true"],
        Streams::Pipes,
    ),
    (
        &["run", "--read-only", "--network", "host", "--user", "0:0", "--rootfs", "{rootfs}", "/bin/true"],
        Streams::Pipes,
    ),
];

/// With limits, which only root can set where no cgroups are delegated.
const LIMITED: &[(&[&str], Streams)] = &[
    (
        &[
            "run",
            "--memory",
            "32m",
            "--memory-reservation",
            "16m",
            "--cpus",
            "0.5",
            "--cpu-shares",
            "100",
            "--pids-limit",
            "20",
            "--cpuset-cpus",
            "0",
            "--device",
            "/dev/zero:/z",
            "--ulimit",
            "core=0",
            "--oom-score-adj",
            "500",
            "--sysctl",
            "net.ipv4.ip_forward=1",
            "--rootfs",
            "{rootfs}",
            "/bin/true",
        ],
        Streams::Pipes,
    ),
    (
        &["run", "--memory", "32m", "--userns", "private", "--device", "/dev/zero:/z", "--init", "host", "true"],
        Streams::Pipes,
    ),
    (&["run", "--user", "33", "--cap-drop", "CHOWN", "--rootfs", "{rootfs}", "/bin/true"], Streams::Pipes),
];

/// A call of the good run: the N-th of its name in one process.
type Point = (usize, String, usize);

/// One trial a command and person.
pub fn trials(ground: &Arc<Ground>, person: &Person, template: &Place, sums: &Arc<Sums>) -> Vec<Trial> {
    // Traced by an ordinary user newuidmap has no privilege: no run would be good.
    if person.rights == Rights::Ranges && !person.other {
        let reason = "a tracer who is not root takes newuidmap's privilege; root's tests do this";
        return vec![made_by_root(format!("{}: faults", person.label()), reason.to_owned())];
    }
    let make = |(index, (words, streams)): (usize, &(&'static [&'static str], Streams))| {
        let (ground, person, template, sums) = (ground.clone(), person.clone(), template.clone(), sums.clone());
        let (words, streams) = (*words, *streams);
        let name = format!("{}: each call of {} fails once", person.label(), words.join(" "));
        if let Some(reason) = hidden(&person, words) {
            return made_by_root(name, reason);
        }
        trial(name, move || {
            let place = ground.place_with_image(&person, &format!("fault-{index}"), &template)?;
            each_call_fails(&place, words, streams, &sums)
        })
    };
    let limited = LIMITED.iter().filter(|_| person.rights == Rights::Root);
    COMMANDS.iter().chain(limited).enumerate().map(make).collect()
}

fn each_call_fails(place: &Place, words: &[&str], streams: Streams, sums: &Sums) -> Verdict {
    // The first run of a place makes directories that later ones find.
    faulty(place, words, streams, "first", &[])?;
    let good = faulty(place, words, streams, "good", &[])?;
    if good.status != 0 {
        return Err(format!("undisturbed it ends with {}:\n{}", good.status, good.output));
    }
    let targets = targets(&good)?;
    let mut hit = BTreeSet::new();
    let mut wrong = Vec::new();
    let distinct: BTreeSet<(&String, usize)> = targets.keys().map(|(_, name, number)| (name, *number)).collect();
    for (name, number) in distinct {
        let inject = format!("inject={name}:error=EIO:when={number}");
        let run = faulty(place, words, streams, &format!("{name}-{number}"), &["-e", &inject])?;
        let injected = injected(&run)?;
        sums.faults.fetch_add(1, Ordering::Relaxed);
        let taught = injected.values().find(|call| is_taught(call));
        let cgroups = cgroups_made(&run);
        if let Err(error) = judge(place, run.status, &run.output, &cgroups, taught) {
            wrong.push(format!("{name} {number}: {error}"));
        }
        hit.extend(injected.into_keys());
    }
    let missed: Vec<&Point> = targets.keys().filter(|point| !hit.contains(*point)).collect();
    let far = if missed.is_empty() {
        Vec::new()
    } else {
        reach(place, (words, streams), &targets, &missed, sums, &mut wrong)?
    };
    println!("faults: all but {} of {} calls hit: {}", far.len(), targets.len(), words.join(" "));
    far.iter().for_each(|call| println!("  out of reach: {call}"));
    sums.leftovers.fetch_add(wrong.len(), Ordering::Relaxed);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// The calls that another process's fault has kept from being reached, one by one;
/// those that can't be reached at all.
fn reach(
    place: &Place,
    command: (&[&str], Streams),
    targets: &BTreeMap<Point, Call>,
    missed: &[&Point],
    sums: &Sums,
    wrong: &mut Vec<String>,
) -> Result<Vec<String>, String> {
    let roles = roles(place, command)?;
    // Enter comes from a pipe here, which can't be a terminal's input too.
    let mut words: Vec<&str> = command.0.iter().map(|word| if *word == "-it" { "-t" } else { word }).collect();
    words.insert(1, "--pause");
    let good = late::good_run(place, &words)?;
    let mut far = Vec::new();
    for point in missed {
        let call = &targets[*point];
        let wanted = wanted(targets, &roles, point);
        let attempt = wanted.map_or(Ok(None), |wanted| late::fail(place, &words, &good, &wanted))?;
        let Some(attempt) = attempt.filter(|attempt| attempt.hit) else {
            far.push(format!("process {}: {call}", point.0));
            continue;
        };
        sums.faults.fetch_add(1, Ordering::Relaxed);
        let judged = judge(place, attempt.status, &attempt.output, &attempt.cgroups, Some(call));
        wrong.extend(judged.err().map(|error| format!("{call}: {error}")));
    }
    Ok(far)
}

fn roles(place: &Place, (words, streams): (&[&str], Streams)) -> Result<Vec<(String, usize)>, String> {
    let directory = place.trace("roles");
    let trace = directory.join("trace.json");
    let mut all: Vec<String> = ["--trace", "json", "--trace-file"].map(str::to_owned).into();
    all.push(trace.to_string_lossy().into_owned());
    all.extend(place.words(words));
    late::roles(&watch(place, &directory, &[], &all, streams)?, &trace)
}

/// The same call as the JSON trace tells it: by the role of its process.
fn wanted(targets: &BTreeMap<Point, Call>, roles: &[(String, usize)], point: &Point) -> Option<Wanted> {
    let (process, name, last) = point;
    let before = targets.keys().filter(|(other, called, number)| (other, called) == (process, name) && number <= last);
    Some(Wanted { who: roles.get(*process)?.clone(), name: name.clone(), number: before.count() })
}

fn faulty(place: &Place, words: &[&str], streams: Streams, name: &str, options: &[&str]) -> Result<Watched, String> {
    let mut all = vec!["--trace".to_owned(), "off".to_owned()];
    all.extend(place.words(words));
    watch(place, &place.trace(name), options, &all, streams)
}

/// The taught calls, by process, name and number.
fn targets(good: &Watched) -> Result<BTreeMap<Point, Call>, String> {
    let mut targets = numbered(good)?;
    targets.retain(|_, call| is_taught(call));
    Ok(targets)
}

/// All calls, by process, name and number.
fn numbered(watched: &Watched) -> Result<BTreeMap<Point, Call>, String> {
    let mut numbered = BTreeMap::new();
    for (process, (_, lines)) in watched.processes.iter().enumerate() {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for call in parse(lines)? {
            let count = counts.entry(call.name.clone()).or_default();
            *count += 1;
            numbered.insert((process, call.name.clone(), *count), call);
        }
    }
    Ok(numbered)
}

/// The calls that strace made fail.
fn injected(run: &Watched) -> Result<BTreeMap<Point, Call>, String> {
    let mut injected = BTreeMap::new();
    let all = numbered(run)?;
    for (process, (_, lines)) in run.processes.iter().enumerate() {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for line in lines.lines().filter(|line| !line.starts_with("---") && !line.starts_with("+++")) {
            let name = line.split('(').next().unwrap_or_default();
            let count = counts.entry(name).or_default();
            *count += 1;
            if line.ends_with("(INJECTED)") {
                let key = (process, name.to_owned(), *count);
                injected.extend(all.get(&key).map(|call| (key, call.clone())));
            }
        }
    }
    Ok(injected)
}

/// The cgroups that strace saw made.
fn cgroups_made(run: &Watched) -> Vec<PathBuf> {
    let lines = run.processes.iter().flat_map(|(_, text)| text.lines());
    let path = |line: &str| Some(line.strip_prefix("mkdir(\"/sys/fs/cgroup/")?.split_once('"')?.0.to_owned());
    lines.filter_map(path).map(|path| Path::new("/sys/fs/cgroup").join(path)).collect()
}

/// A clear error that names call and step, the right status, and nothing left. What
/// a call that is not taught leads to is not judged, but for what it leaves.
fn judge(place: &Place, status: i32, output: &str, cgroups: &[PathBuf], call: Option<&Call>) -> Verdict {
    let mut left = leftovers::of(place);
    left.extend(leftovers::cgroups(cgroups));
    if !left.is_empty() {
        leftovers::end(place);
        let _ = place.boxlab(&["-q", "cleanup", "--yes"]).output();
        return Err(format!("left behind:\n  {}\n{output}", left.join("\n  ")));
    }
    if output.contains("this is a bug") || output.contains("panicked") {
        return Err(format!("a panic:\n{output}"));
    }
    let Some(call) = call else { return Ok(()) };
    // The exec of the program itself is the user's to mend; any other is boxlab's.
    let program = call.name == "execve" && call.args.first().is_some_and(|path| path.ends_with("/true\""));
    let right = if program { 126 } else { 125 };
    let spelled = format!("{}(", call.name);
    let wanted = [spelled.as_str(), "EIO", "at the step: "];
    if let Some(missing) = wanted.iter().find(|wanted| !output.contains(**wanted)) {
        return Err(format!("status {status}, and '{missing}' is not in the message on {call}:\n{output}"));
    }
    if status == right { Ok(()) } else { Err(format!("status {status}, not {right}:\n{output}")) }
}
