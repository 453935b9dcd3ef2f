//! The workshop: the project to begin with fails each stage by saying so, the reference passes all of
//! them, and each of the typical wrong programs is refused by the check that is meant for it, as
//! root and as ordinary users; programs in other languages count; whatever a program does, nothing of it stays.

mod common;
#[path = "workshop/debian.rs"]
mod debian;
#[path = "workshop/judged.rs"]
mod judged;
#[path = "workshop/material.rs"]
mod material;
#[path = "workshop/programs.rs"]
mod programs;
#[path = "workshop/project.rs"]
mod project;
#[path = "workshop/scripts.rs"]
mod scripts;

use std::sync::Arc;

use common::people::{Person, Rights, people};
use common::place::Ground;
use common::trials::{self, skipped, trial};
use libtest_mimic::Trial;
use programs::{Programs, Wrong};

type Body = Box<dyn Fn(&Workshop, &Person) -> Result<(), String> + Send>;

/// What all trials share.
pub struct Workshop {
    ground: Ground,
    programs: Result<Programs, String>,
    wrong: Vec<Wrong>,
}

fn main() {
    let wrong = programs::wrong();
    let is_listed = std::env::args().any(|word| word == "--list");
    let ground = Ground::new(env!("CARGO_BIN_EXE_boxlab"));
    let programs =
        if is_listed { Err("nothing is built for a list".to_owned()) } else { Programs::build(&ground, &wrong) };
    let workshop = Arc::new(Workshop { ground, programs, wrong });
    let mut all = Vec::new();
    for person in people() {
        match person {
            Ok(person) => all.extend(trials_of(&workshop, &person)),
            Err(reason) => all.push(skipped("as an ordinary user", reason)),
        }
    }
    let once = [material::TRIALS, project::TRIALS].concat();
    all.extend(once.into_iter().map(|(name, body)| {
        let workshop = Arc::clone(&workshop);
        trial(name, move || body(&workshop))
    }));
    all.push(debian::trial_of(&workshop));
    drop(workshop);
    trials::run(all, || ());
}

fn trials_of(workshop: &Arc<Workshop>, person: &Person) -> Vec<Trial> {
    let as_them = |name: String, body: Body| {
        let (workshop, person) = (Arc::clone(workshop), person.clone());
        trial(format!("{}: {name}", person.label()), move || body(&workshop, &person))
    };
    let mut all = vec![
        as_them("the reference passes".to_owned(), Box::new(judged::reference)),
        as_them("the template is not written yet".to_owned(), Box::new(judged::template)),
    ];
    all.extend(scripts::TRIALS.iter().map(|(name, body)| as_them((*name).to_owned(), Box::new(*body))));
    // One ordinary user is as good as another: what they may differ in, the reference has shown.
    if person.rights == Rights::Single && person.other {
        return all;
    }
    let can = |wrong: &&Wrong| person.rights == Rights::Root || !(wrong.needs_root() || wrong.stage == "limit");
    for wrong in workshop.wrong.iter().filter(can).cloned() {
        all.push(as_them(
            format!("{} refuses {}", wrong.stage, wrong.name),
            Box::new(move |workshop, person| judged::refused(workshop, person, &wrong)),
        ));
    }
    all
}
