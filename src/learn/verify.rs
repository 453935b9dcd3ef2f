//! What an author runs: every demo and every look of a lesson does what the lesson says.
//!
//! The tests of this project run the same. It does *not* judge exercises: those have their own
//! (`exercise verify`).

use super::host::{Host, Missing, Staying};
use super::pack::{Demo, Lesson, Step};
use crate::error::Result;

/// How a step went.
#[derive(Debug)]
pub enum Verdict {
    /// As the lesson says.
    Good,
    /// It can't be run on this host, for this reason.
    Skipped(String),
    /// Not as the lesson says, and what was seen.
    Bad(String),
}

/// Runs the commands of a lesson; a line a step. `missing` is what does not work here of all
/// that it needs.
pub fn verify(lesson: &Lesson, host: &Host<'_>, missing: &[Missing]) -> Result<Vec<(String, Verdict)>> {
    let lacks = missing.first().map(|missing| format!("{}: {}", missing.command, missing.why));
    let mut staying: Option<Staying> = None;
    let mut verdicts = Vec::new();
    for step in &lesson.steps {
        let verdict = match (step, &lacks) {
            (Step::Demo(Demo { instead: Some(line), .. }), Some(_)) => match host.capture(line)? {
                (0, _) => Verdict::Good,
                (status, said) => Verdict::Bad(format!("`{line}` ended with {status}:\n{said}")),
            },
            (Step::Demo(_) | Step::Look(_), Some(lacks)) => Verdict::Skipped(lacks.clone()),
            (Step::Demo(demo), None) if demo.stays => {
                drop(staying.take());
                let (started, first) = host.start(&demo.run)?;
                staying = Some(started);
                compare(0, 0, &first, &demo.shows, &demo.hides)
            }
            (Step::Demo(demo), None) => {
                drop(staying.take());
                let (status, said) = host.capture(&demo.run)?;
                compare(demo.status, status, &said, &demo.shows, &demo.hides)
            }
            (Step::Look(look), None) => match &staying {
                Some(staying) => {
                    let (status, said) = host.capture(&look.run.replace("{pid}", &staying.pid.to_string()))?;
                    compare(0, status, &said, &look.shows, &[])
                }
                None => Verdict::Bad("no demo stays for it to look at".to_owned()),
            },
            _ => continue,
        };
        verdicts.push((step.id(), verdict));
    }
    Ok(verdicts)
}

fn compare(expected: i32, status: i32, said: &str, shows: &[String], hides: &[String]) -> Verdict {
    if status != expected {
        return Verdict::Bad(format!("it ended with {status}, not with {expected}:\n{said}"));
    }
    // Wrapped lines must not matter.
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let contains = |text: &String| flat.contains(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if let Some(text) = shows.iter().find(|text| !contains(text)) {
        return Verdict::Bad(format!("it does not show '{text}':\n{said}"));
    }
    if let Some(text) = hides.iter().find(|text| contains(text)) {
        return Verdict::Bad(format!("it shows '{text}':\n{said}"));
    }
    Verdict::Good
}
