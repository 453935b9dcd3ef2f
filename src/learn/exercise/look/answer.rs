//! What the learner has written down, and what programs print.

use crate::kernel::proc;
use crate::learn::exercise::look::view::{read, shown};
use crate::learn::exercise::scene::{Finding, Look, Scene, Verdict, unknown};
use crate::learn::exercise::vocabulary::{Answer, Output};

/// A file in the sandbox says it. What it should say is for the learner to find out.
pub fn answer(scene: &Scene<'_>, claim: &Answer) -> Look {
    let right = || scene.say("checks.right_answer", &[]);
    let path = scene.path(&claim.file);
    let found = match read(&path) {
        Ok(text) => text.trim().to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = |key| scene.say(key, &[("path", &path.display())]);
            return Ok(Finding::of(false, text("checks.no_file"), text("checks.file")));
        }
        Err(error) => return Err(unknown(error)),
    };
    if let Some(namespace) = &claim.is_namespace {
        let name = proc::namespace(&scene.pid(&namespace.of)?.to_string(), &namespace.kind);
        let name = name.map_err(unknown)?;
        // `uts:[4026531838]`, or the number alone.
        let number = name.trim_start_matches(|letter| letter != '[').trim_matches(['[', ']']).to_owned();
        return Ok(Finding::of(found == name || found == number, shown(scene, &found), right()));
    }
    let wanted = match (&claim.is, &claim.is_output_of, &claim.is_pid_of) {
        (Some(text), ..) => text.trim().to_owned(),
        (_, Some(run), _) => printed(scene, run)?.1.trim().to_owned(),
        (.., Some(of)) => scene.pid(of)?.to_string(),
        _ => String::new(),
    };
    Ok(Finding::of(found == wanted, shown(scene, &found), right()))
}

/// A program prints it.
pub fn output(scene: &Scene<'_>, claim: &Output) -> Look {
    let (status, text) = printed(scene, &claim.run)?;
    let ended = |status: i32| scene.say("checks.status", &[("status", &status)]);
    if claim.fails {
        return Ok(Finding::of(status != 0, ended(status), scene.say("checks.another_than", &[("what", &ended(0))])));
    }
    if status != 0 {
        let found = format!("{}: {}", ended(status), shown(scene, &text));
        return Ok(Finding::of(false, found, ended(0)));
    }
    let found = shown(scene, &text);
    Ok(match (&claim.is, &claim.contains, &claim.has_line) {
        (Some(is), ..) => Finding::of(text.trim() == is.trim(), found, shown(scene, is)),
        (_, Some(part), _) => {
            Finding::of(text.contains(part), found, scene.say("checks.containing", &[("what", part)]))
        }
        (.., Some(line)) => {
            let has = text.lines().any(|found| found.trim() == line.trim());
            Finding::of(has, found, scene.say("checks.line", &[("what", line)]))
        }
        _ => Finding::of(false, found, ""),
    })
}

/// Status and output of a program that the learner could have run.
fn printed(scene: &Scene<'_>, run: &[String]) -> Result<(i32, String), Verdict> {
    let is_named = |name: &str| run.iter().any(|word| word.contains(&format!("{{{name}}}")));
    for subject in scene.exercise.definition.subjects.iter().filter(|subject| is_named(&subject.name)) {
        scene.pid(&subject.name)?;
    }
    let words: Vec<String> = run.iter().map(|word| scene.fill(word)).collect();
    let directory = scene.sandbox.directory();
    let ran = scene.surroundings.run(scene.k, &words, &directory).map_err(unknown)?;
    ran.ok_or_else(|| unknown(scene.say("checks.too_long", &[("command", &words.join(" "))])))
}
