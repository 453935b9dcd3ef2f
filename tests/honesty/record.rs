//! Puts both accounts of a command side by side, process by process.
//!
//! With `--init`, and where a namespace begins with a process's next child, a
//! process of boxlab's outlives the start of the program with no one left to tell:
//! it only waits then, and is found out here if it makes a taught call.

use std::collections::BTreeMap;
use std::fs;

use super::compare::{Difference, compare};
use crate::common::call::Call;
use crate::common::place::Place;
use crate::common::strace::{Streams, Watched, watch};
use crate::common::strace_lines::parse;

/// One process's two accounts.
#[derive(Debug, Clone)]
pub struct Process {
    /// As strace saw it.
    pub strace: Vec<Call>,
    /// As it is told.
    pub events: Vec<Call>,
}

/// All processes of one command.
#[derive(Debug)]
pub struct Recorded {
    /// Exit status of boxlab.
    pub status: i32,
    /// What it printed.
    pub output: String,
    /// Its processes, by number.
    pub processes: BTreeMap<i32, Process>,
}

impl Recorded {
    /// How many events were judged.
    pub fn told(&self) -> usize {
        self.processes.values().map(|process| process.events.len()).sum()
    }

    /// All differences, with the process in which they are.
    pub fn differences(&self) -> Vec<(i32, Difference)> {
        let judged = self.processes.iter().map(|(pid, process)| (*pid, compare(&process.strace, &process.events)));
        judged.flat_map(|(pid, found)| found.into_iter().map(move |difference| (pid, difference))).collect()
    }
}

/// Runs `boxlab WORDS...` under strace, in a directory of its own of the place.
pub fn record(place: &Place, name: &str, words: &[&str], streams: Streams) -> Result<Recorded, String> {
    let directory = place.trace(name);
    let trace = directory.join("trace.json");
    let mut all = vec!["--trace".to_owned(), "json".to_owned(), "--trace-file".to_owned()];
    all.push(trace.to_string_lossy().into_owned());
    all.extend(place.words(words));
    let watched = watch(place, &directory, &[], &all, streams)?;
    let events = events(&fs::read_to_string(&trace).unwrap_or_default())?;
    side_by_side(watched, events)
}

fn events(trace: &str) -> Result<BTreeMap<i32, Vec<Call>>, String> {
    let mut events: BTreeMap<i32, Vec<Call>> = BTreeMap::new();
    for line in trace.lines() {
        if let Some((pid, call)) = Call::of_event(line)? {
            events.entry(pid).or_default().push(call);
        }
    }
    Ok(events)
}

fn side_by_side(watched: Watched, mut events: BTreeMap<i32, Vec<Call>>) -> Result<Recorded, String> {
    let mut processes = BTreeMap::new();
    for (pid, lines) in watched.processes {
        processes.insert(pid, Process { strace: parse(&lines)?, events: events.remove(&pid).unwrap_or_default() });
    }
    // What is told of a process that is not boxlab's has nothing to be found in.
    for (pid, events) in events {
        processes.insert(pid, Process { strace: Vec::new(), events });
    }
    Ok(Recorded { status: watched.status, output: watched.output, processes })
}
