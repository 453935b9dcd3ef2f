//! Faults in processes that strace(1) alone can't tell apart: it is attached only
//! when the process that is to fail, or its parent, waits at a prompt of `--pause`,
//! and so counts from there.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::common::leftovers;
use crate::common::place::Place;
use crate::common::process::{collect, finish};
use crate::common::strace::Watched;
use crate::paused::{Paused, Seen};

/// A call that is to fail: this one of those that a good run's trace tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Who makes it, and which of the processes in that role.
    pub who: (String, usize),
    /// Its name.
    pub name: String,
    /// How many calls of that name are told of the process by then, with this one.
    pub number: usize,
}

/// What came of one attempt.
#[derive(Debug)]
pub struct Attempt {
    /// Exit status of boxlab.
    pub status: i32,
    /// What it printed.
    pub output: String,
    /// True if it was this very call that failed.
    pub hit: bool,
    /// The cgroups that it has made.
    pub cgroups: Vec<PathBuf>,
}

/// The events of a good run with `--pause`, as the JSON trace tells them.
pub fn good_run(place: &Place, words: &[&str]) -> Result<Vec<Value>, String> {
    let mut paused = Paused::start(place, words)?;
    let mut seen = paused.next()?;
    while seen != Seen::End {
        paused.enter()?;
        seen = paused.next()?;
    }
    let status = paused.finish()?;
    if status.success() { events(&paused.trace) } else { Err(format!("{status}:\n{}", paused.rest())) }
}

/// Makes one call fail; `None` if no prompt stands before it.
pub fn fail(place: &Place, words: &[&str], good: &[Value], wanted: &Wanted) -> Result<Option<Attempt>, String> {
    let Some(Spot { prompt, number }) = spot(good, wanted) else { return Ok(None) };
    let mut paused = Paused::start(place, words)?;
    if paused.go_to(prompt)? != Seen::Prompt {
        return Err(format!("it ended before prompt {prompt}:\n{}", paused.rest()));
    }
    let pid = paused.waiting().ok_or("the prompt names no process")?;
    let inject = format!("inject={}:error=EIO:when={number}", wanted.name);
    let Some(mut strace) = attach(place, &pid, &inject)? else { return Ok(None) };
    let mut seen = Seen::Prompt;
    while seen != Seen::End {
        // It may be gone already: then there is no one to press Enter for.
        let _ = paused.enter();
        seen = paused.next()?;
    }
    let status = paused.finish()?;
    finish(&mut strace)?;
    let told = events(&paused.trace)?;
    let hit = told.iter().any(|event| is_fault(event, wanted) && who(&told, event) == wanted.who);
    let status = status.code().ok_or_else(|| status.to_string())?;
    let cgroups = leftovers::cgroups_made(&paused.trace);
    Ok(Some(Attempt { status, output: paused.rest(), hit, cgroups }))
}

/// strace, once it is attached; `None` if it may not be.
fn attach(place: &Place, pid: &str, inject: &str) -> Result<Option<Child>, String> {
    let mut command = place.command(Path::new("strace"));
    command.args(["-f", "-o", "/dev/null", "-e", inject, "-p", pid]).stderr(Stdio::piped());
    let mut strace = command.spawn().map_err(|error| error.to_string())?;
    let mut line = String::new();
    let mut stderr = BufReader::new(strace.stderr.take().expect("a pipe"));
    stderr.read_line(&mut line).map_err(|error| error.to_string())?;
    // It says more, of each new process, and would die of a pipe without a reader.
    collect(stderr);
    if line.contains(" attached") {
        return Ok(Some(strace));
    }
    finish(&mut strace)?;
    Ok(None)
}

/// The role of each process of a run that strace has watched and that told JSON.
pub fn roles(watched: &Watched, trace: &Path) -> Result<Vec<(String, usize)>, String> {
    let told = events(trace)?;
    let role = |pid: &i32| told.iter().find(|event| event["pid"] == *pid).map(|event| who(&told, event));
    Ok(watched.processes.iter().map(|(pid, _)| role(pid).unwrap_or_default()).collect())
}

fn events(trace: &Path) -> Result<Vec<Value>, String> {
    let text = fs::read_to_string(trace).map_err(|error| error.to_string())?;
    text.lines().map(|line| serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))).collect()
}

/// The role of an event's process, and its place among those of that role.
fn who(events: &[Value], event: &Value) -> (String, usize) {
    let mut pids: Vec<&Value> = Vec::new();
    for other in events.iter().filter(|other| other["role"] == event["role"]) {
        if !pids.contains(&&other["pid"]) {
            pids.push(&other["pid"]);
        }
    }
    let nth = pids.iter().position(|pid| **pid == event["pid"]).unwrap_or_default();
    (event["role"].as_str().unwrap_or_default().to_owned(), nth)
}

fn is_fault(event: &Value, wanted: &Wanted) -> bool {
    event["event"] == "call" && event["name"] == wanted.name.as_str() && event["errno"] == "EIO"
}

/// Where strace must be attached, and which call of the name fails from there on.
struct Spot {
    prompt: usize,
    number: usize,
}

/// The last prompt before the call at which its process waits, or, while that does
/// not exist, the process that makes it. The first step has no prompt.
fn spot(good: &[Value], wanted: &Wanted) -> Option<Spot> {
    let own = |event: &&Value| who(good, event) == wanted.who;
    let named = |event: &Value| event["event"] == "call" && event["name"] == wanted.name.as_str();
    let calls: Vec<usize> = (0..good.len()).filter(|at| named(&good[*at]) && own(&&good[*at])).collect();
    let target = *calls.get(wanted.number.checked_sub(1)?)?;
    let born = good.iter().position(|event| own(&event))?;
    let maker = (0..born).rev().find(|at| good[*at]["name"] == "clone3").map(|at| &good[at]["pid"]);
    let steps: Vec<usize> = (0..target).filter(|at| good[*at]["event"] == "step").collect();
    let waits =
        |at: &&usize| good[**at]["pid"] == good[target]["pid"] || (**at < born && Some(&good[**at]["pid"]) == maker);
    let step = steps.iter().rfind(waits)?;
    let prompt = steps.iter().position(|at| at == step)?;
    let number = calls.iter().filter(|at| **at > *step && **at <= target).count();
    // Whatever a child tells its parent it writes too, to a socket.
    let told = (step + 1..target).filter(|at| wanted.name == "write" && own(&&good[*at])).count();
    let number = number + if wanted.who.0 == "host" { 0 } else { told };
    (prompt > 0).then_some(Spot { prompt, number })
}
