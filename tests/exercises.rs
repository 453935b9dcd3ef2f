//! The exercises: each of boxlab's own fails untouched, passes by its solution and refuses what
//! is wrong, as root and as an ordinary user; so does each word of their vocabulary; and
//! whatever happens to an exercise, nothing of it is left.

mod common;
#[path = "exercises/engine.rs"]
mod engine;
#[path = "exercises/pack.rs"]
mod pack;
#[path = "exercises/terminal.rs"]
mod terminal;
#[path = "exercises/words.rs"]
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use boxlab::learn::Pack;
use boxlab::learn::exercise::definition;
use libtest_mimic::{Completion, Failed, Trial};

use common::people::{Person, Rights, people};
use common::place::Ground;
use common::trials::{self, skipped, trial};

fn main() {
    let ground = Arc::new(Ground::new(env!("CARGO_BIN_EXE_boxlab")));
    let mut all: Vec<Trial> = people().into_iter().flat_map(|person| trials_of(&ground, person)).collect();
    all.extend(engine::TRIALS.iter().chain(terminal::TRIALS).map(|(name, body)| {
        let ground = Arc::clone(&ground);
        trial(*name, move || body(&ground))
    }));
    drop(ground);
    trials::run_waiting(all, || ());
}

fn trials_of(ground: &Arc<Ground>, person: Result<Person, String>) -> Vec<Trial> {
    let person = match person {
        Ok(person) => person,
        Err(reason) => return vec![skipped("as an ordinary user", reason)],
    };
    let own = Pack::open(None).expect("the lessons that come with boxlab can be read");
    let mut names = definition::list(&own).expect("their exercises can be found");
    // With a single id not all can be done, as their texts say; each claim can be made with it.
    names.retain(|_| person.rights != Rights::Single);
    let mut all: Vec<Trial> = names.into_iter().map(|name| verified(ground, &person, name.text, None)).collect();
    let made: Vec<_> = words::WORDS.iter().map(words::Word::made).collect();
    let words = pack::write(&ground.place(&person, "words").home, &made);
    all.extend(made.iter().map(|made| verified(ground, &person, format!("test/{}", made.name), Some(words.clone()))));
    all
}

/// `exercise verify` as this person; what can't be done here, it says.
fn verified(ground: &Arc<Ground>, person: &Person, name: String, lessons: Option<PathBuf>) -> Trial {
    let (ground, person) = (Arc::clone(ground), person.clone());
    Trial::ignorable_test(format!("{}: {name}", person.label()), move || {
        let place = ground.place(&person, &name);
        let mut command = place.boxlab(&["exercise", "verify", &name]);
        if let Some(lessons) = lessons {
            command.arg("--lessons").arg(lessons);
        }
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if let Some(reason) = said.strip_prefix("skipped ") {
            // What an ordinary user can't do here, root's trial does.
            let required = person.uid == 0 && std::env::var_os("BOXLAB_REQUIRE").is_some_and(|value| value == "all");
            let reason = reason.trim();
            return if required { Err(reason.into()) } else { Ok(Completion::ignored_with(reason)) };
        }
        let left = common::leftovers::of(&place);
        common::leftovers::end(&place);
        if output.status.success() && said.starts_with("good ") && left.is_empty() {
            return Ok(Completion::Completed);
        }
        Err(Failed::from(format!("{said}{}left: {left:?}", String::from_utf8_lossy(&output.stderr))))
    })
}
