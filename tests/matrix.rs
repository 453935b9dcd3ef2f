//! Whatever happens, nothing is left on the host: `kill -9` and Ctrl-C at every
//! step (`matrix/kill.rs`), each call failing once (`matrix/fault.rs`), and many
//! runs in a row (`matrix/many.rs`). As root and as ordinary users.

mod common;
#[path = "matrix/fault.rs"]
mod fault;
#[path = "matrix/kill.rs"]
mod kill;
#[path = "matrix/late.rs"]
mod late;
#[path = "matrix/many.rs"]
mod many;
#[path = "matrix/paused.rs"]
mod paused;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::Trial;

use common::people::{Person, people};
use common::place::{self, Ground};
use common::strace;
use common::trials::{self, skipped};

/// What all trials together have done.
#[derive(Debug, Default)]
pub struct Sums {
    points: AtomicUsize,
    faults: AtomicUsize,
    leftovers: AtomicUsize,
}

fn main() {
    let sums = Arc::new(Sums::default());
    let ground = Arc::new(Ground::new(env!("CARGO_BIN_EXE_boxlab")));
    let all = match place::obstacle() {
        Some(reason) => vec![skipped("nothing is left", reason)],
        None => people().into_iter().flat_map(|person| trials_of(&ground, person, &sums)).collect(),
    };
    drop(ground);
    trials::run(all, move || {
        let count = |sum: &AtomicUsize| sum.load(Ordering::Relaxed);
        let (points, faults) = (count(&sums.points), count(&sums.faults));
        println!(
            "matrix: {points} points interrupted, {faults} faults injected, {} leftovers or wrong ends",
            count(&sums.leftovers)
        );
    })
}

fn trials_of(ground: &Arc<Ground>, person: Result<Person, String>, sums: &Arc<Sums>) -> Vec<Trial> {
    let person = match person {
        Ok(person) => person,
        Err(reason) => return vec![skipped("as an ordinary user", reason)],
    };
    let template = ground.place(&person, "template");
    let made = template.make_host_image();
    if let Err(reason) = made {
        return vec![trials::trial(format!("{}: the host image", person.label()), move || Err(reason))];
    }
    let mut all = kill::trials(ground, &person, &template, sums);
    all.extend(many::trials(ground, &person));
    match strace::obstacle() {
        Some(reason) => all.push(skipped(format!("{}: faults", person.label()), reason)),
        None => all.extend(fault::trials(ground, &person, &template, sums)),
    }
    all
}
