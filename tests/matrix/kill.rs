//! SIGKILL and SIGINT at every point at which a command can be stopped: before each
//! of its steps, and while its program runs.
//!
//! After SIGKILL, `boxlab cleanup --yes` must leave nothing; after SIGINT, which
//! boxlab notices, nothing may be left for it, and the status is 130.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;

use crate::Sums;
use crate::common::leftovers;
use crate::common::people::{Person, Rights};
use crate::common::place::{Ground, Place};
use crate::common::trials::{Verdict, trial};
use crate::paused::{Paused, Seen};

/// A program that says that it runs, and then does so until it is ended.
const LASTING: &str = "echo ready; exec sleep 1000";

/// Two processes, of which the second outlives the first if nobody ends it.
const SEVERAL: &str = "sleep 1000 & echo ready; wait";

/// What is killed: every way in which `run` makes something, and the lab commands.
const COMMANDS: &[&[&str]] = &[
    &["run", "--pause", "--name", "killed", "host", "sh", "-c", LASTING],
    &["run", "--pause", "--rootfs", "{rootfs}", "-v", "{shared}:/b/c:ro", "--tmpfs", "/t", "sh", "-c", LASTING],
    &["run", "--pause", "--rootfs", "{rootfs}", "-t", "--init", "--read-only", "sh", "-c", LASTING],
    &["run", "--pause", "--rootfs", "{rootfs}", "--without", "pid", "sh", "-c", SEVERAL],
    &["run", "--pause", "--userns", "private", "--init", "host", "sh", "-c", LASTING],
    &["ns", "uts", "--pause", "--", "sh", "-c", LASTING],
    &["ns", "mnt", "--pause", "--", "sh", "-c", LASTING],
    &["ns", "pid", "--pause", "--", "sh", "-c", LASTING],
    &["ns", "user", "--pause", "--", "sh", "-c", LASTING],
    &["ns", "cgroup", "--pause", "--", "sh", "-c", LASTING],
    &["ns", "all", "--pause", "--", "sh", "-c", LASTING],
    &["mount", "overlay", "--pause", "--", "sh", "-c", LASTING],
    &["mount", "bind", "--pause", "--", "sh", "-c", LASTING],
    &["mount", "tmpfs", "--pause", "--", "sh", "-c", LASTING],
    &["mount", "pivot", "--pause", "--", "sh", "-c", LASTING],
    &["security", "seccomp", "--pause", "--", "sh", "-c", LASTING],
    &["security", "seccomp", "--block", "sendto", "--pause", "--", "sh", "-c", LASTING],
];

/// Who may make cgroups.
const CGROUPS: &[&[&str]] = &[
    &["cgroup", "mem", "--memory", "8m", "--pause", "--", "sh", "-c", LASTING],
    &["cgroup", "cpu", "--seconds", "0.1", "--pause", "--", "sh", "-c", "sleep 1000 & echo ready; wait"],
    &["cgroup", "pids", "--pause", "--", "sh", "-c", LASTING],
    &["cgroup", "io", "--seconds", "0.1", "--pause", "--", "sh", "-c", LASTING],
    &["cgroup", "cpuset", "--pause", "--", "sh", "-c", LASTING],
    &["cgroup", "freeze", "--pause", "--", "sh", "-c", LASTING],
    &["cgroup", "freeze", "--tree", "v2", "--pause", "--", "sh", "-c", LASTING],
    &[
        "run",
        "--pause",
        "--memory",
        "32m",
        "--cpus",
        "0.5",
        "--pids-limit",
        "20",
        "--cpuset-cpus",
        "0",
        "--device",
        "/dev/zero:/z",
        "--oom-score-adj",
        "500",
        "--rootfs",
        "{rootfs}",
        "sh",
        "-c",
        LASTING,
    ],
    &["run", "--pause", "--memory", "32m", "--without", "pid", "--rootfs", "{rootfs}", "sh", "-c", SEVERAL],
    &["run", "--pause", "--memory", "32m", "--userns", "private", "host", "sh", "-c", SEVERAL],
];

/// A program that is setuid loses the wish to die with its parent at its exec.
const SETUID: &[&str] = &["run", "--pause", "--rootfs", "{rootfs}", "--user", "33", "/setuid/sh", "-c", LASTING];

/// Two trials a command and person.
pub fn trials(ground: &Arc<Ground>, person: &Person, template: &Place, sums: &Arc<Sums>) -> Vec<Trial> {
    let mut all = Vec::new();
    let setuid = [SETUID].into_iter().filter(|_| person.rights != Rights::Single);
    let cgroups = CGROUPS.iter().copied().filter(|_| person.rights == Rights::Root);
    for (index, words) in COMMANDS.iter().copied().chain(setuid).chain(cgroups).enumerate() {
        for signal in [Signal::SIGKILL, Signal::SIGINT] {
            let (ground, person, template, sums) = (ground.clone(), person.clone(), template.clone(), sums.clone());
            let name = format!("{}: {signal} at every step of {}", person.label(), words.join(" "));
            all.push(trial(name, move || {
                let place = ground.place_with_image(&person, &format!("{signal}-{index}"), &template)?;
                at_every_point(&place, words, signal, &sums)
            }));
        }
    }
    all
}

/// Starts the command anew for each point, until it has none more.
fn at_every_point(place: &Place, words: &[&str], signal: Signal, sums: &Sums) -> Verdict {
    let mut named = BTreeSet::new();
    for point in 1.. {
        let mut paused = Paused::start(place, words)?;
        let seen = paused.go_to(point)?;
        if seen == Seen::End {
            return Err(format!("it ended by itself, after {} of its steps:\n{}", point - 1, paused.text));
        }
        // What SIGINT does to a running program is the program's to say.
        if seen == Seen::Program && signal == Signal::SIGINT {
            return end(place, &mut paused);
        }
        paused.signal(signal)?;
        let status = paused.finish()?;
        sums.points.fetch_add(1, Ordering::Relaxed);
        let where_ = format!("{signal} at point {point} ({})", last_step(&paused));
        let judged = match signal {
            Signal::SIGKILL => after_kill(place, &paused, &mut named),
            _ if status.code() == Some(130) => nothing_left(place, &paused),
            _ => Err(format!("{status} instead of 130:\n{}", paused.rest())),
        };
        judged.map_err(|error| {
            sums.leftovers.fetch_add(1, Ordering::Relaxed);
            leftovers::end(place);
            format!("{where_}: {error}")
        })?;
        if seen == Seen::Program {
            return if status.signal().is_some() && !named.is_empty() {
                Ok(())
            } else {
                Err(format!("{status}: nothing was ever left"))
            };
        }
    }
    Ok(())
}

/// Ends a command whose program would run on, and whatever that leaves.
fn end(place: &Place, paused: &mut Paused) -> Verdict {
    paused.signal(Signal::SIGKILL)?;
    paused.finish()?;
    leftovers::end(place);
    place.boxlab(&["cleanup", "--yes"]).output().map(drop).map_err(|error| error.to_string())
}

/// `cleanup`, at once, and then nothing is there. `named` collects what it named.
fn after_kill(place: &Place, paused: &Paused, named: &mut BTreeSet<String>) -> Verdict {
    let cleanup = place.boxlab(&["cleanup", "--yes"]).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&cleanup.stdout).into_owned();
    if !cleanup.status.success() {
        return Err(format!("cleanup: {}: {text}{}", cleanup.status, String::from_utf8_lossy(&cleanup.stderr)));
    }
    named.extend(text.lines().map(str::to_owned));
    nothing_left(place, paused).map_err(|error| format!("{error}\ncleanup had said:\n{text}"))
}

fn nothing_left(place: &Place, paused: &Paused) -> Verdict {
    let mut left = leftovers::of(place);
    left.extend(leftovers::cgroups(&leftovers::cgroups_made(&paused.trace)));
    if left.is_empty() { Ok(()) } else { Err(format!("left behind:\n  {}", left.join("\n  "))) }
}

/// The step of the trace that was told last.
fn last_step(paused: &Paused) -> String {
    let text = fs::read_to_string(&paused.trace).unwrap_or_default();
    let steps = text.lines().filter(|line| line.starts_with("{\"event\":\"step\""));
    let text = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok()?["text"].as_str().map(str::to_owned);
    steps.filter_map(text).next_back().unwrap_or_else(|| "before the first step".to_owned())
}
