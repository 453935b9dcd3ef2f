//! The test of the test: a recorded pair is green; each way to falsify it is red.

use std::collections::BTreeSet;
use std::sync::Arc;

use libtest_mimic::Trial;

use crate::common::call::Call;
use crate::common::place::{Ground, Place};
use crate::common::strace::{self, Streams};
use crate::common::taught::is_taught;
use crate::common::trials::{Verdict, made_by_root, trial};
use crate::compare::compare;
use crate::record::{Process, Recorded, record};

/// Together they make calls of nearly every kind that is taught so far.
const COMMANDS: [(&[&str], Streams); 4] = [
    (&["run", "-it", "--init", "-v", "{shared}:/b:ro", "--rootfs", "{rootfs}", "/bin/true"], Streams::Terminal),
    (&["ns", "all", "--", "/bin/true"], Streams::Pipes),
    (&["ns", "user", "--", "/bin/true"], Streams::Pipes),
    (&["mount", "pivot", "--rootfs", "{rootfs}", "--", "/bin/true"], Streams::Pipes),
];

/// One trial a command.
pub fn trials(ground: &Arc<Ground>, place: &Place) -> Vec<Trial> {
    let make = |(index, (words, streams)): (usize, (&'static [&'static str], Streams))| {
        let (ground, place) = (ground.clone(), place.clone());
        let name = format!("a false trace is found out: {}", words.join(" "));
        if let Some(reason) = strace::hidden(&place.person, words) {
            return made_by_root(name, reason);
        }
        trial(name, move || {
            let recorded = record(&place, &format!("red-{index}"), words, streams)?;
            drop(ground);
            let mut tally = Tally::default();
            recorded.processes.values().for_each(|process| falsify(process, &mut tally));
            tally.verdict(words)
        })
    };
    COMMANDS.into_iter().enumerate().map(make).collect()
}

/// Falsifies the first call of every kind that is not among `kinds` yet, so that
/// each kind that occurs in any command is known to be judged.
pub fn each_new_kind(recorded: &Recorded, kinds: &mut BTreeSet<String>) -> Verdict {
    let mut tally = Tally::default();
    for process in recorded.processes.values() {
        for (index, event) in process.events.iter().enumerate() {
            if kinds.insert(event.name.clone()) {
                falsify_event(index, event, &process.strace, &process.events, &mut tally);
            }
        }
    }
    if tally.missed.is_empty() { Ok(()) } else { Err(format!("not found out:\n{}", tally.missed.join("\n"))) }
}

/// How many falsifications there were, and which were not found out.
#[derive(Debug, Default)]
struct Tally {
    tried: usize,
    kinds: BTreeSet<String>,
    missed: Vec<String>,
}

impl Tally {
    fn expect_red(&mut self, what: &str, call: &Call, strace: &[Call], events: &[Call]) {
        self.tried += 1;
        self.kinds.insert(call.name.clone());
        if compare(strace, events).is_empty() {
            self.missed.push(format!("{what}: {call}"));
        }
    }

    fn verdict(self, words: &[&str]) -> Verdict {
        if self.tried == 0 {
            return Err("there was nothing to falsify".to_owned());
        }
        if !self.missed.is_empty() {
            return Err(format!(
                "{} of {} were not found out:\n{}",
                self.missed.len(),
                self.tried,
                self.missed.join("\n")
            ));
        }
        let kinds: Vec<String> = self.kinds.into_iter().collect();
        println!("red: {} falsifications found out ({}) in: {}", self.tried, kinds.join(" "), words.join(" "));
        Ok(())
    }
}

/// Falsifies the account of one process in every way, each alone.
fn falsify(process: &Process, tally: &mut Tally) {
    let (strace, events) = (&process.strace, &process.events);
    // What is judged red must be green before; else red would mean nothing.
    let before = compare(strace, events);
    if let Some(difference) = before.first() {
        tally.missed.push(format!("not green to begin with: {difference}"));
        return;
    }
    for (index, event) in events.iter().enumerate() {
        falsify_event(index, event, strace, events, tally);
    }
    for (index, call) in strace.iter().enumerate().filter(|(_, call)| is_taught(call)) {
        tally.expect_red("a call that did not happen", call, &without(strace, index), events);
        let failed = Call { ret: "-1".to_owned(), errno: Some("EIO".to_owned()), ..call.clone() };
        tally.expect_red("a call that failed", call, &with(strace, index, failed), events);
    }
}

fn falsify_event(index: usize, event: &Call, strace: &[Call], events: &[Call], tally: &mut Tally) {
    for argument in 0..event.args.len() {
        let mut args = event.args.clone();
        args[argument] = altered(&args[argument]);
        let changed = with(events, index, Call { args, ..event.clone() });
        tally.expect_red(&format!("argument {argument} altered"), event, strace, &changed);
    }
    let ret = altered(&event.ret);
    tally.expect_red("result altered", event, strace, &with(events, index, Call { ret, ..event.clone() }));
    let errno = if event.errno.is_some() { None } else { Some("EPERM".to_owned()) };
    tally.expect_red("errno altered", event, strace, &with(events, index, Call { errno, ..event.clone() }));
    let made_up = Call { args: vec!["\"/made/up\"".to_owned()], ..event.clone() };
    tally.expect_red("an event made up", event, strace, &with_more(events, index, made_up));
    // An untaught call may happen untold, so only what is taught is missed, and only
    // with one that is taught does the order of two count.
    if is_taught(event) {
        tally.expect_red("an event dropped", event, strace, &without(events, index));
        tally.expect_red("an event told twice", event, strace, &with_more(events, index, event.clone()));
    }
    // An untaught call that is made again later would be found there.
    let once = |call: &Call| is_taught(call) || strace.iter().filter(|other| other.name == call.name).count() == 1;
    let both = |next: &&Call| *next != event && (is_taught(event) || is_taught(next)) && once(event) && once(next);
    if let Some(next) = events.get(index + 1).filter(both) {
        let mut swapped = events.to_vec();
        swapped.swap(index, index + 1);
        tally.expect_red(&format!("swapped with {next}"), event, strace, &swapped);
    }
}

/// Another value of the same kind: a flag fewer, a number more, another letter.
fn altered(arg: &str) -> String {
    if let Some((head, path)) = arg.split_once("</") {
        // Of a descriptor with a path both count in a write, else the number.
        let number: i64 = head.parse().unwrap_or_default();
        return format!("{}</{path}", number + 1);
    }
    if let Ok(number) = arg.parse::<i64>() {
        return (number + 1).to_string();
    }
    if let Some((fewer, _)) = arg.rsplit_once('|').filter(|_| !arg.starts_with(['"', '{'])) {
        return fewer.to_owned();
    }
    match arg.find(|c: char| c.is_ascii_alphanumeric()) {
        Some(at) => format!("{}{}{}", &arg[..at], if &arg[at..=at] == "q" { "p" } else { "q" }, &arg[at + 1..]),
        None => format!("{arg}q"),
    }
}

fn with(calls: &[Call], index: usize, call: Call) -> Vec<Call> {
    let mut calls = calls.to_vec();
    calls[index] = call;
    calls
}

fn with_more(calls: &[Call], index: usize, call: Call) -> Vec<Call> {
    let mut calls = calls.to_vec();
    calls.insert(index, call);
    calls
}

fn without(calls: &[Call], index: usize) -> Vec<Call> {
    let mut calls = calls.to_vec();
    calls.remove(index);
    calls
}
