//! The lessons: each demo does what its lesson says, each lesson can be walked from its start to
//! its end on a real terminal, and whatever happens on the way nothing is left behind.

mod common;
#[path = "lessons/classroom.rs"]
mod classroom;
mod support;
#[path = "lessons/walk.rs"]
mod walk;

use boxlab::learn::Pack;
use common::trials::{self, Verdict, skipped, trial};
use libtest_mimic::Trial;

fn main() {
    let pack = Pack::open(None).expect("the lessons that come with boxlab can be read");
    let mut all: Vec<Trial> = Vec::new();
    for lesson in &pack.lessons {
        let (name, other) = (lesson.name.clone(), lesson.clone());
        all.push(trial(format!("demos of {name}"), move || demos(&name)));
        let name = lesson.name.clone();
        match walk::obstacle(&name) {
            Some(reason) => all.push(skipped(format!("walk through {name}"), reason)),
            None => all.push(trial(format!("walk through {name}"), move || walk::walk(&other))),
        }
    }
    all.extend(classroom::TRIALS.iter().map(|(name, body)| trial(*name, body)));
    trials::run(all, || drop(std::fs::remove_dir_all(support::store())));
}

/// The author's own command; what can't be run here, it says.
fn demos(lesson: &str) -> Verdict {
    let ran = support::run(&["lesson", "verify", lesson]);
    if ran.status == 0 { Ok(()) } else { Err(format!("{}{}", ran.stdout, ran.stderr)) }
}
