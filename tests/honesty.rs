//! Every call that the trace shows did happen, with those arguments and that
//! result, in that order; and no call of the kinds that are taught happens untold.
//! strace(1) is the judge. All lab commands and `run` in its variants, as root and
//! as ordinary users; see `honesty/compare.rs` for the rules, and `honesty/red.rs`
//! for the proof that this test can fail.

#[path = "honesty/bpf.rs"]
mod bpf;
#[path = "honesty/cases.rs"]
mod cases;
mod common;
#[path = "honesty/compare.rs"]
mod compare;
#[path = "honesty/disk.rs"]
mod disk;
#[path = "honesty/enter.rs"]
mod enter;
#[path = "honesty/lines.rs"]
mod lines;
#[path = "honesty/record.rs"]
mod record;
#[path = "honesty/red.rs"]
mod red;
#[path = "honesty/spelling.rs"]
mod spelling;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use libtest_mimic::Trial;

use cases::{Case, LABS, RUNS};
use common::people::{Person, Rights, people};
use common::place::{self, Ground, Place};
use common::strace;
use common::trials::{self, Verdict, made_by_root, skipped, trial};
use record::Recorded;

/// What all trials together have judged.
#[derive(Debug, Default)]
pub struct Sums {
    commands: AtomicUsize,
    calls: AtomicUsize,
    differences: AtomicUsize,
    /// Kinds of calls of which one was falsified; see `red`.
    kinds: Mutex<BTreeSet<String>>,
}

fn main() {
    let sums = Arc::new(Sums::default());
    let mut all = vec![trial("strace's lines are understood", lines::are_understood)];
    match strace::obstacle().or_else(place::obstacle) {
        Some(reason) => all.push(skipped("the trace is true", reason)),
        None => all.extend(judged(&sums)),
    }
    trials::run(all, move || {
        let count = |sum: &AtomicUsize| sum.load(Ordering::Relaxed);
        let (commands, calls) = (count(&sums.commands), count(&sums.calls));
        println!("honesty: {commands} commands, {calls} calls compared, {} differences", count(&sums.differences));
        let kinds = sums.kinds.lock().map(|kinds| kinds.iter().cloned().collect::<Vec<_>>()).unwrap_or_default();
        println!("honesty: at least one of each of these kinds was falsified and found out: {}", kinds.join(" "));
    })
}

/// The trials of everybody who is here.
fn judged(sums: &Arc<Sums>) -> Vec<Trial> {
    let ground = Arc::new(Ground::new(env!("CARGO_BIN_EXE_boxlab")));
    let mut all = Vec::new();
    for person in people() {
        match person {
            Ok(person) => all.extend(trials_of(&ground, &person, sums)),
            Err(reason) => all.push(skipped("as an ordinary user", reason)),
        }
    }
    all
}

fn trials_of(ground: &Arc<Ground>, person: &Person, sums: &Arc<Sums>) -> Vec<Trial> {
    let place = ground.place(person, "honesty");
    let prepared = Arc::new(OnceLock::new());
    let mut all = Vec::new();
    for (index, case) in LABS.iter().chain(RUNS).enumerate() {
        let (ground, place, sums, prepared) = (ground.clone(), place.clone(), sums.clone(), prepared.clone());
        let name = format!("{}: {}", person.label(), case.name());
        if let Some(reason) = strace::hidden(person, case.words) {
            all.push(made_by_root(name, reason));
            continue;
        }
        all.push(trial(name, move || {
            prepared.get_or_init(|| place.make_host_image()).clone()?;
            let recorded = record::record(&place, &format!("case-{index}"), case.words, case.streams)?;
            drop(ground);
            judge(&recorded, &sums)?;
            ended_well(&recorded, case, &place)
        }));
    }
    all.extend(enter::trials(ground, &place, sums));
    if person.rights == Rights::Root {
        all.extend(bpf::trials(ground, &place, sums));
        all.extend(disk::trials(ground, &place, sums));
    }
    if !person.other {
        all.extend(red::trials(ground, &place));
    }
    all
}

/// No difference at all.
pub fn judge(recorded: &Recorded, sums: &Sums) -> Verdict {
    let differences = recorded.differences();
    sums.commands.fetch_add(1, Ordering::Relaxed);
    sums.calls.fetch_add(recorded.told(), Ordering::Relaxed);
    sums.differences.fetch_add(differences.len(), Ordering::Relaxed);
    if differences.is_empty() {
        let mut kinds = sums.kinds.lock().map_err(|_| "another trial panicked")?;
        return red::each_new_kind(recorded, &mut kinds);
    }
    let lines = differences.iter().map(|(pid, difference)| format!("  process {pid}: {difference}"));
    Err(format!("{} differences:\n{}", differences.len(), lines.collect::<Vec<_>>().join("\n")))
}

/// It did what it was to do, or the comparison was one of failures.
fn ended_well(recorded: &Recorded, case: &Case, place: &Place) -> Verdict {
    let person = &place.person;
    let refused = recorded.told() == 0 && recorded.status == 125;
    if refused && case.may_be_refused(person.rights) {
        return Ok(());
    }
    if recorded.told() == 0 {
        return Err(format!("nothing was told:\n{}", recorded.output));
    }
    // Traced by an ordinary user, the setuid helpers get no privilege: what is
    // compared is then the trace of a command that ends there.
    let helpless = person.rights == Rights::Ranges && !person.other;
    let wanted = case.status(person.rights);
    if recorded.status == wanted || (helpless && recorded.status == 125) {
        return Ok(());
    }
    Err(format!("status {}, not {wanted}:\n{}", recorded.status, recorded.output))
}
