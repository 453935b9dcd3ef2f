//! For authors: an exercise must fail untouched, pass by its solution, and refuse each
//! typical wrong attempt with the message that is meant for it.

use std::time::{Duration, Instant};

use super::definition::{Exercise, Wrong};
use super::judge::{Judged, Judgement, State};
use super::place::{Place, Site};
use crate::error::Result;

/// How long it must then stay so.
const STEADY: Duration = Duration::from_millis(150);

/// What was tried, and what is wrong with it, if anything is.
#[derive(Debug)]
pub struct Tried {
    /// `untouched`, `solution.sh`, `wrong/x.sh`
    pub what: String,
    /// In words.
    pub fault: Option<String>,
}

/// Tries all of it, each attempt in a place of its own. `patience`: how long what a script has
/// started may take to be as it will be. What is right at once does not wait.
pub fn verify(site: &Site<'_>, exercise: &Exercise, patience: Duration) -> Result<Vec<Tried>> {
    let mut tried = Vec::new();
    let mut add = |what: &str, fault: Option<String>| tried.push(Tried { what: what.to_owned(), fault });
    add(
        "untouched",
        attempt(site, exercise, None, patience, |judgement| match judgement.passed() {
            true => Some("it passes before anything is done".to_owned()),
            false => None,
        })?,
    );
    let solution = Some(("solution.sh", exercise.solution.as_str()));
    add(
        "solution.sh",
        attempt(site, exercise, solution, patience, |judgement| {
            let missing = judgement.checks.iter().find(|check| check.state != State::Passed);
            missing.map(|check| format!("it does not pass: {}", told(check)))
        })?,
    );
    for wrong in &exercise.wrong {
        let script = Some((wrong.file.as_str(), wrong.script.as_str()));
        add(&wrong.file, attempt(site, exercise, script, patience, |judgement| refused(wrong, judgement))?);
    }
    let few = (exercise.wrong.len() < 3).then(|| "there are fewer than three wrong attempts".to_owned());
    if few.is_some() {
        add("wrong/", few);
    }
    Ok(tried)
}

/// `None` if this is how it must be refused.
fn refused(wrong: &Wrong, judgement: &Judgement) -> Option<String> {
    if judgement.passed() {
        return Some("it passes".to_owned());
    }
    let named = |check: &&Judged| check.id == wrong.check;
    let check = judgement.checks.iter().find(named)?;
    let given = check.diagnosis.as_ref().map(|(id, _)| id.as_str());
    if check.state != State::Passed && given == wrong.diagnosis.as_deref() {
        return None;
    }
    let wanted = wrong.diagnosis.as_ref().map_or_else(|| wrong.check.clone(), |id| format!("{}/{id}", wrong.check));
    let others = judgement.checks.iter().filter(|check| check.state != State::Passed);
    let others: Vec<String> = others.map(told).collect();
    Some(format!("it is not refused by {wanted}, but by {}", others.join("; ")))
}

/// `check/diagnosis: what it says`
fn told(check: &Judged) -> String {
    match &check.diagnosis {
        Some((id, says)) => format!("{}/{id}: {} {says}", check.id, check.says).trim_end().to_owned(),
        None => format!("{}: {}", check.id, check.says),
    }
}

/// Runs a script in a place of its own and judges until it is as it must be; then it must
/// stay so, since a program that is still on its way could become anything.
fn attempt(
    site: &Site<'_>,
    exercise: &Exercise,
    script: Option<(&str, &str)>,
    patience: Duration,
    fault: impl Fn(&Judgement) -> Option<String>,
) -> Result<Option<String>> {
    let (mut place, ledger) = Place::trial(site, exercise)?;
    let outcome = tried(site, &mut place, exercise, script, patience, fault);
    // Also after a failure; the first one counts.
    let cleared = ledger.clear(site.k);
    outcome.and_then(|fault| cleared.map(|()| fault))
}

fn tried(
    site: &Site<'_>,
    place: &mut Place<'_>,
    exercise: &Exercise,
    script: Option<(&str, &str)>,
    patience: Duration,
    fault: impl Fn(&Judgement) -> Option<String>,
) -> Result<Option<String>> {
    let Some((file, text)) = script else { return place.judge(exercise).map(|judgement| fault(&judgement)) };
    let (status, said) = place.script(file, text)?;
    let end = Instant::now() + patience;
    loop {
        let mut found = fault(&place.judge(exercise)?);
        if found.is_none() {
            site.k.let_pass(STEADY)?;
            found = fault(&place.judge(exercise)?);
        }
        match found {
            None => return Ok(None),
            Some(fault) if Instant::now() > end => {
                let last = said.trim().lines().last().map(|line| format!(": {line}")).unwrap_or_default();
                return Ok(Some(format!("{fault} (the script ended with status {status}{last})")));
            }
            Some(_) => site.k.let_pass(Duration::from_millis(30))?,
        }
    }
}
