//! What the learner gets: the project, the contract, the reference.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use boxlab::learn::Pack;
use boxlab::learn::sources;
use boxlab::learn::workshop::Plan;

use crate::Workshop;
use crate::judged::STAGES;
use crate::programs::own;

type Body = fn(&Workshop) -> Result<(), String>;

/// By name.
pub const TRIALS: &[(&str, Body)] = &[
    ("each stage has its texts", texts),
    ("each stage has three wrong programs", three),
    ("the reference fits", fits),
    ("the reference is the template, filled in", same),
    ("the project needs nothing that boxlab does not need", locked),
];

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn texts(_: &Workshop) -> Result<(), String> {
    let pack = Pack::open(None).map_err(|error| error.to_string())?;
    let plan = Plan::read(&pack).map_err(|error| error.to_string())?;
    let names: Vec<&str> = plan.stages.iter().map(|stage| stage.name.as_str()).collect();
    if names != STAGES {
        return Err(format!("the stages are {names:?}"));
    }
    for stage in &plan.stages {
        if !stage.text.contains(&format!("mycontainer {}", stage.command)) {
            return Err(format!("{}: its contract does not say: mycontainer {}", stage.name, stage.command));
        }
        for path in &stage.reference {
            sources::source(path).ok_or(format!("{}: there is no source {path}", stage.name))?;
        }
        if !own("lessons/workshop/template").join(&stage.file).is_file() {
            return Err(format!("{}: the template lacks {}", stage.name, stage.file));
        }
    }
    Ok(())
}

fn three(workshop: &Workshop) -> Result<(), String> {
    let count = |stage: &str| workshop.wrong.iter().filter(|wrong| wrong.stage == stage).count();
    match STAGES.iter().find(|stage| count(stage) < 3) {
        Some(stage) => Err(format!("{stage} has only {}", count(stage))),
        None => Ok(()),
    }
}

fn files(directory: &str) -> Result<Vec<(String, String)>, String> {
    let entries = fs::read_dir(own(directory)).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for entry in entries.flatten() {
        found.push((entry.file_name().to_string_lossy().into_owned(), read(&entry.path())?));
    }
    found.sort();
    Ok(found)
}

/// All of it, with comments and blank lines.
fn fits(_: &Workshop) -> Result<(), String> {
    let lines: usize = files("tests/workshop/reference/src")?.iter().map(|(_, text)| text.lines().count()).sum();
    if lines < 600 { Ok(()) } else { Err(format!("it has {lines} lines")) }
}

/// The same files; and each function that the template declares for others.
fn same(_: &Workshop) -> Result<(), String> {
    let (template, reference) = (files("lessons/workshop/template/src")?, files("tests/workshop/reference/src")?);
    let names = |files: &[(String, String)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    if names(&template) != names(&reference) {
        return Err(format!("{:?} and {:?}", names(&template), names(&reference)));
    }
    let declared = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter(|line| line.trim_start().starts_with("pub fn "));
        lines.map(|line| line.replace("mut inside", "inside")).collect()
    };
    for ((name, template), (_, reference)) in template.iter().zip(&reference) {
        let missing: Vec<_> = declared(template).difference(&declared(reference)).cloned().collect();
        let is_main = name == "main.rs" && template != reference;
        if !missing.is_empty() || is_main {
            return Err(format!("{name}: {missing:?}"));
        }
    }
    for path in ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "tests/contract.rs"] {
        if read(&own("lessons/workshop/template").join(path))? != read(&own("tests/workshop/reference").join(path))? {
            return Err(format!("{path} differs"));
        }
    }
    Ok(())
}

/// Each crate in the very version that boxlab has: who could build boxlab can build it offline.
fn locked(_: &Workshop) -> Result<(), String> {
    let packages = |path: &str| -> Result<BTreeSet<(String, String)>, String> {
        let lock: toml::Table = toml::from_str(&read(&own(path))?).map_err(|error| error.to_string())?;
        let packages = lock["package"].as_array().cloned().unwrap_or_default();
        let text = |package: &toml::Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
        Ok(packages.iter().map(|package| (text(package, "name"), text(package, "version"))).collect())
    };
    let own = packages("Cargo.lock")?;
    let more: Vec<_> = packages("lessons/workshop/template/Cargo.lock")?.difference(&own).cloned().collect();
    let more: Vec<_> = more.iter().filter(|(name, _)| name != "mycontainer").collect();
    if more.is_empty() { Ok(()) } else { Err(format!("{more:?}")) }
}
