//! A learner's way: begin, write, be judged, break what worked.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::Workshop;
use crate::common::people::people;
use crate::common::place::Place;
use crate::programs::{own, target};

type Body = fn(&Workshop) -> Result<(), String>;

/// By name.
pub const TRIALS: &[(&str, Body)] = &[("a learner's way", way)];

fn check(place: &Place, project: &Path, words: &[&str]) -> Result<(Output, String), String> {
    let mut command = place.boxlab(&["workshop"]);
    command.args(words).current_dir(project).env("CARGO_TARGET_DIR", target()).env("CARGO_NET_OFFLINE", "true");
    // Cargo itself, and what it needs, where whoever runs this test has them.
    for name in ["PATH", "HOME", "CARGO", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let output = command.output().map_err(|error| error.to_string())?;
    let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    Ok((output, text))
}

fn way(workshop: &Workshop) -> Result<(), String> {
    // Whoever runs the tests has cargo; other users may not.
    let person = people().into_iter().flatten().find(|person| !person.other).ok_or("nobody")?;
    let place = workshop.ground.place(&person, "project");
    let project = place.home.join("mine");
    let says = |words: &[&str], status: i32, wanted: &[&str]| -> Result<(), String> {
        let here = if project.exists() { &project } else { &place.home };
        let (output, text) = check(&place, here, words)?;
        let missing: Vec<_> = wanted.iter().filter(|part| !text.contains(**part)).collect();
        if output.status.code() != Some(status) || !missing.is_empty() {
            return Err(format!("{words:?}: {}, missing {missing:?}:\n{text}", output.status));
        }
        Ok(())
    };
    let write = |file: &str, change: &[(&str, &str)]| -> Result<(), String> {
        let text =
            fs::read_to_string(own("tests/workshop/reference/src").join(file)).map_err(|error| error.to_string())?;
        let text = change.iter().fold(text, |text, (from, to)| text.replace(from, to));
        fs::write(project.join("src").join(file), text).map_err(|error| error.to_string())
    };
    says(&["init", "mine"], 0, &["src/child.rs"])?;
    says(&["init", "."], 2, &["is not empty"])?;
    says(&["check"], 1, &["src/child.rs is not written yet", "boxlab workshop contract child"])?;
    write("child.rs", &[("waitpid(child, None)", "waitpid(child None)")])?;
    says(&["check"], 1, &["error: expected", "src/child.rs:", "does not build"])?;
    write("child.rs", &[])?;
    says(&["check"], 0, &["child passes"])?;
    // The next one, wrong: the line of the learner's own source is named.
    write("uts.rs", &[("CLONE_NEWUTS", "empty()")])?;
    says(&["check"], 1, &["child: still passes", "not ok", "src/child.rs:", "from src/uts.rs:11", "clone(0)"])?;
    write("uts.rs", &[])?;
    says(&["check"], 0, &["uts passes"])?;
    says(&["status"], 0, &["passed    20 min   1 child", "passed    10 min   2 uts", "-         30 min   3 pivot"])?;
    // What has worked does not any more.
    write("child.rs", &[("=> Ok(status)", "=> Ok(0)")])?;
    says(&["check", "uts"], 1, &["child has passed before, and does not any more", "status 0"])?;
    says(&["contract", "uts"], 0, &["mycontainer uts NAME -- PROGRAM"])?;
    says(&["reference", "uts"], 0, &["src/primitives/ns/uts.rs", "sethostname"])?;
    fs::write(project.join("boxlab-workshop.json"), "{").map_err(|error| error.to_string())?;
    says(&["status"], 125, &["cannot understand", "boxlab-workshop.json"])
}
