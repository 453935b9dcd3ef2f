//! What the judge says of programs that are there.

use serde_json::Value;

use crate::Workshop;
use crate::common::leftovers;
use crate::common::people::{Person, Rights};
use crate::common::place::Place;
use crate::programs::Wrong;

/// The names of the stages, in order.
pub const STAGES: [&str; 11] =
    ["child", "uts", "pivot", "pid", "user", "limit", "seal", "overlay", "unpack", "pull", "run"];

/// All that a judge says, as JSON; and nothing of it is left.
pub fn judge(place: &Place, words: &[&str]) -> Result<Vec<Value>, String> {
    let mut command = place.boxlab(&["workshop", "check", "--format", "json"]);
    let output = command.args(words).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    let judged: Vec<Value> = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{words:?}: {error}: {said}{}", String::from_utf8_lossy(&output.stdout)))?;
    // A stage is one of them: passed, skipped or failed.
    let good = judged.iter().all(|stage| (stage["passed"] == true) != (stage["skipped"] == true));
    if output.status.code() != Some(i32::from(!good)) {
        return Err(format!("{words:?}: {}, and {judged:#?}", output.status));
    }
    let left = leftovers::of(place);
    leftovers::end(place);
    if left.is_empty() { Ok(judged) } else { Err(format!("{words:?} left {left:?}")) }
}

/// [`judge`] of all stages: none is left out.
fn all_stages(place: &Place, program: &str) -> Result<Vec<Value>, String> {
    let judged = judge(place, &["--all", "--program", program])?;
    let names: Vec<&str> = judged.iter().filter_map(|stage| stage["stage"].as_str()).collect();
    if names == STAGES { Ok(judged) } else { Err(format!("these stages were judged: {names:?}")) }
}

/// What is said of a check.
pub fn finding<'v>(stage: &'v Value, check: &str) -> Result<&'v Value, String> {
    let findings = stage["findings"].as_array().ok_or("no findings")?;
    findings.iter().find(|finding| finding["check"] == check).ok_or(format!("there is no check {check}: {stage:#}"))
}

/// All stages pass. What is skipped is skipped for a reason, and never for root.
pub fn reference(workshop: &Workshop, person: &Person) -> Result<(), String> {
    let place = workshop.ground.place(person, "reference");
    let program = workshop.programs.as_ref()?.named("reference");
    for stage in &all_stages(&place, &program)? {
        for finding in stage["findings"].as_array().into_iter().flatten() {
            let may_be_skipped =
                person.rights != Rights::Root && (stage["stage"] == "limit" || finding["check"] == "owners");
            match finding["state"].as_str() {
                Some("passed") => {}
                Some("skipped") if may_be_skipped && finding["found"].is_string() => {}
                _ => return Err(format!("{}: {finding:#}", stage["stage"])),
            }
        }
    }
    Ok(())
}

/// The first check of each stage fails, and says that nothing is written yet.
pub fn template(workshop: &Workshop, person: &Person) -> Result<(), String> {
    let place = workshop.ground.place(person, "template");
    let program = workshop.programs.as_ref()?.named("template");
    for stage in all_stages(&place, &program)? {
        if stage["stage"] == "limit" && person.rights != Rights::Root {
            continue;
        }
        let first = &stage["findings"][0];
        let file = format!("src/{}.rs is not written yet", stage["stage"].as_str().unwrap_or_default());
        let says_so = first["said"].as_str().is_some_and(|said| said.contains(&file));
        if first["state"] != "failed" || !says_so {
            return Err(format!("{stage:#}"));
        }
    }
    Ok(())
}

/// A wrong program is refused for what is wrong with it.
pub fn refused(workshop: &Workshop, person: &Person, wrong: &Wrong) -> Result<(), String> {
    let place = workshop.ground.place(person, &format!("{}-{}", wrong.stage, wrong.name));
    let program = workshop.programs.as_ref()?.wrong(wrong);
    let judged = judge(&place, &[&wrong.stage, "--program", &program])?;
    let stage = judged.first().ok_or("nothing was judged")?;
    let (check, kind) = wrong.refusal(person.rights);
    let found = finding(stage, check)?;
    let is_named = wrong.source.as_ref().is_none_or(|file| {
        found["source"]
            .as_str()
            .is_some_and(|source| source.split([' ', ',']).any(|part| part.contains(&format!("/{file}:"))))
    });
    let is_told =
        ["found", "goal"].iter().all(|key| found[key].as_str().is_some_and(|text| !text.contains(['{', '}'])));
    if found["state"] == "failed" && found["kind"] == kind && is_named && is_told {
        return Ok(());
    }
    let failed = stage["findings"].as_array().into_iter().flatten().filter(|finding| finding["state"] != "passed");
    Err(format!("expected {check}/{kind}, found {:#?}", failed.collect::<Vec<_>>()))
}
