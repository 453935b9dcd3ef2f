//! The lessons: each demo does what its lesson says, each lesson can be walked from its start to
//! its end on a real terminal, and whatever happens on the way nothing is left behind.

mod common;
#[path = "lessons/classroom.rs"]
mod classroom;
mod support;
#[path = "lessons/walk.rs"]
mod walk;

use boxlab::learn::Pack;
use common::trials::{self, trial};
use libtest_mimic::{Completion, Failed, Trial};

fn main() {
    // An author's folder, while it is being written, or those that come with boxlab.
    let folder = std::env::var_os("BOXLAB_LESSONS").map(std::path::PathBuf::from);
    let pack = Pack::open(folder.as_deref()).expect("the lessons can be read");
    let mut all: Vec<Trial> = Vec::new();
    for lesson in &pack.lessons {
        let (name, other) = (lesson.name.clone(), lesson.clone());
        all.push(trial(format!("walk through {name}"), move || walk::walk(&other)));
        all.push(Trial::ignorable_test(format!("demos of {name}"), move || demos(&name)));
    }
    all.extend(classroom::TRIALS.iter().map(|(name, body)| trial(*name, body)));
    trials::run_waiting(all, || drop(std::fs::remove_dir_all(support::store())));
}

/// The author's own command. What can't be run here it says, and root's run of these tests
/// makes it.
fn demos(lesson: &str) -> Result<Completion, Failed> {
    let ran = support::run(&["lesson", "verify", lesson]);
    if ran.status != 0 {
        return Err(format!("{}{}", ran.stdout, ran.stderr).into());
    }
    let skipped = ran.stdout.lines().find(|line| line.starts_with("skipped "));
    match skipped {
        None => Ok(Completion::Completed),
        Some(line) if support::is_root() && std::env::var_os("BOXLAB_REQUIRE").is_some() => {
            Err(format!("all is required, but {line}").into())
        }
        Some(line) => Ok(Completion::ignored_with(line)),
    }
}
