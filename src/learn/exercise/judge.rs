//! The judgement: all checks of an exercise against the kernel, and what is said of each.

use std::collections::BTreeSet;

use serde::Serialize;

use super::definition::{Baseline, Check, Diagnosis, NOT_RUNNING};
use super::scene::{Finding, Scene, Verdict};
use super::vocabulary::Claim;
use crate::error::{Error, Result};

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is as it should be.
    Passed,
    /// It is not.
    Failed,
    /// It can't be told.
    Unknown,
}

/// A check, and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Its name.
    pub id: String,
    /// What it is about.
    pub goal: String,
    /// How it stands.
    pub state: State,
    /// What is said of a check that has not passed.
    pub says: String,
    /// What would be right.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// True if the author's words tell both already.
    #[serde(skip)]
    pub tells_both: bool,
    /// A command that shows it.
    pub look: Option<String>,
    /// The name of the diagnosis, and what it says.
    pub diagnosis: Option<(String, String)>,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// In the author's order.
    pub checks: Vec<Judged>,
}

impl Judgement {
    /// True if the exercise is done.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.state == State::Passed)
    }

    /// The names of those that count once they have been seen, and hold now.
    fn seen(&self, checks: &[Check]) -> BTreeSet<String> {
        let passed = |check: &&Check| {
            let is_it = |judged: &&Judged| judged.id == *check.id.get_ref();
            self.checks.iter().find(is_it).is_some_and(|judged| judged.state == State::Passed)
        };
        checks.iter().filter(|check| check.happened).filter(passed).map(|check| check.id.get_ref().clone()).collect()
    }
}

/// Judges all checks. `seen` are those that need not hold any more; the ones that
/// hold now join them.
pub fn judge(scene: &Scene<'_>, seen: &mut BTreeSet<String>) -> Judgement {
    let checks = &scene.exercise.definition.checks;
    let judgement = Judgement { checks: checks.iter().map(|check| one(scene, check, seen)).collect() };
    seen.extend(judgement.seen(checks));
    judgement
}

fn one(scene: &Scene<'_>, check: &Check, seen: &BTreeSet<String>) -> Judged {
    let id = check.id.get_ref().clone();
    let goal = check.goal.as_deref().map_or_else(|| id.replace('-', " "), |goal| scene.fill(goal));
    let has_been = check.happened && seen.contains(&id);
    let finding = scene.look(&check.that);
    let state = if has_been { State::Passed } else { state(&finding.verdict) };
    let mut judged = Judged {
        id,
        goal,
        state,
        says: String::new(),
        expected: finding.expected.clone(),
        found: finding.found.clone(),
        tells_both: check.says.contains("{found}") && check.says.contains("{expected}"),
        look: check.look.as_ref().and_then(|look| scene.filled(look)),
        diagnosis: None,
    };
    match judged.state {
        State::Passed if has_been => {}
        State::Passed => controlled(scene, check, &mut judged),
        State::Failed | State::Unknown => fails(scene, check, &finding, &mut judged),
    }
    judged
}

fn state(verdict: &Verdict) -> State {
    match verdict {
        Verdict::Holds => State::Passed,
        Verdict::Fails | Verdict::Absent(_) => State::Failed,
        Verdict::Unknown(_) => State::Unknown,
    }
}

/// Nothing where something else is missing as well tells nothing.
fn controlled(scene: &Scene<'_>, check: &Check, judged: &mut Judged) {
    let Some(control) = &check.control else { return };
    let finding = scene.look(control);
    if finding.holds() {
        return;
    }
    judged.state = if matches!(finding.verdict, Verdict::Unknown(_)) { State::Unknown } else { State::Failed };
    let why = match &finding.verdict {
        Verdict::Absent(_) | Verdict::Unknown(_) => finding.found.clone(),
        _ => scene.say("checks.instead", &[("found", &finding.found), ("expected", &finding.expected)]),
    };
    judged.says = scene.say("checks.cannot_tell", &[("why", &why)]);
    (judged.expected, judged.found) = (String::new(), String::new());
    diagnose(scene, check, &finding, judged);
}

fn fails(scene: &Scene<'_>, check: &Check, finding: &Finding, judged: &mut Judged) {
    judged.says = match &finding.verdict {
        Verdict::Absent(of) if !is_about_running(&check.that) => {
            scene.say("checks.not_running", &[("command", &scene.command(of))])
        }
        Verdict::Unknown(_) => scene.say("checks.cannot_tell", &[("why", &finding.found)]),
        _ => put(scene, &check.says, finding),
    };
    diagnose(scene, check, finding, judged);
}

/// That a process does not run is a finding if that is what was asked, else a diagnosis.
fn is_about_running(claim: &Claim) -> bool {
    matches!(claim, Claim::Running(_))
}

fn diagnose(scene: &Scene<'_>, check: &Check, finding: &Finding, judged: &mut Judged) {
    let holds = |diagnosis: &&Diagnosis| scene.look(&diagnosis.when).holds();
    let found = check.diagnoses.iter().find(holds);
    judged.diagnosis = found.map(|diagnosis| (diagnosis.id.clone(), put(scene, &diagnosis.says, finding)));
    if judged.diagnosis.is_none() && matches!(finding.verdict, Verdict::Absent(_)) && !is_about_running(&check.that) {
        judged.diagnosis = Some((NOT_RUNNING.to_owned(), String::new()));
    }
}

fn put(scene: &Scene<'_>, text: &str, finding: &Finding) -> String {
    let text = text.replace("{found}", &finding.found).replace("{expected}", &finding.expected);
    scene.fill(&text)
}

/// The baseline: a negative check whose opposite was not true at the start would prove
/// nothing, so the exercise does not begin.
pub fn baseline(scene: &Scene<'_>) -> Result<()> {
    let checks = scene.exercise.definition.checks.iter();
    for check in checks.filter(|check| check.baseline == Some(Baseline::Start)) {
        let finding = scene.look(&check.that);
        if finding.verdict != Verdict::Fails {
            let (exercise, id) = (&scene.exercise.name.text, check.id.get_ref());
            let error = Error::new(format!("the exercise {exercise} can't begin: its check '{id}' proves nothing"));
            return Err(error.hint(format!(
                "It holds, or can't be told, before anything is done: {}.\nThis is a fault of the exercise, or of the place: setup.sh makes what the check wants gone.",
                finding.found
            )));
        }
    }
    Ok(())
}
