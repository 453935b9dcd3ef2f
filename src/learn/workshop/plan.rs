//! The stages and what they say, read from `lessons/workshop/` and checked.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::kernel::nearest;
use crate::learn::Pack;

/// Where it lies in the pack.
pub const FOLDER: &str = "workshop";

/// `workshop.toml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    /// Checks that several stages have: a stage names them by their id.
    checks: Vec<Check>,
}

/// `NN-name/stage.toml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    title: String,
    minutes: u32,
    command: String,
    file: String,
    reference: Vec<String>,
    debrief: String,
    checks: Vec<Entry>,
}

/// A check of a stage's own, or the name of one that several have.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Common { common: String },
    Own(Check),
}

/// One thing that must be so.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// `new-namespace`
    pub id: String,
    /// What must be so, in a list of them.
    pub goal: String,
    /// What was expected, if it isn't.
    #[serde(default)]
    pub expected: String,
    /// Where to look, as a command or a manual page.
    #[serde(default)]
    pub look: String,
    /// The calls by which this is done: whose line is shown.
    #[serde(default)]
    pub calls: Vec<String>,
    /// What was found instead, by what is wrong.
    #[serde(default)]
    pub found: BTreeMap<String, String>,
}

/// A stage.
#[derive(Debug, Clone)]
pub struct Stage {
    /// `uts`
    pub name: String,
    /// From 1.
    pub number: usize,
    /// What it is about, in a line.
    pub title: String,
    /// How long it takes.
    pub minutes: u32,
    /// The command line of the contract.
    pub command: String,
    /// The file of the project that is written.
    pub file: String,
    /// How boxlab itself does it: its own sources.
    pub reference: Vec<String>,
    /// What has been learnt, and what to try next: said when it passes.
    pub debrief: String,
    /// What must be so, in order.
    pub checks: Vec<Check>,
    /// The contract, in Markdown.
    pub text: String,
}

impl Stage {
    /// True if a registry is needed to judge it.
    pub fn pulls(&self) -> bool {
        self.command.contains("HOST:PORT")
    }

    /// What is said of a check.
    pub fn check(&self, id: &str) -> Result<&Check> {
        let found = self.checks.iter().find(|check| check.id == id);
        found
            .ok_or_else(|| Error::new(format!("the lessons lack the check {id} of the workshop's stage {}", self.name)))
    }
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What holds for all stages, in Markdown.
    pub contract: String,
    /// In order.
    pub stages: Vec<Stage>,
}

impl Plan {
    /// Reads it.
    pub fn read(pack: &Pack) -> Result<Self> {
        let header: Header = parse(pack, &format!("{FOLDER}/workshop.toml"))?;
        let folders = pack.names(FOLDER)?;
        let folders = folders.iter().filter(|name| name.starts_with(|letter: char| letter.is_ascii_digit()));
        let stages = folders.enumerate().map(|(index, folder)| stage(pack, folder, index + 1, &header.checks));
        let contract = must_read(pack, &format!("{FOLDER}/contract.md"))?;
        Ok(Self { contract, stages: stages.collect::<Result<_>>()? })
    }

    /// A stage by its name or its number.
    pub fn stage(&self, name: &str) -> Result<&Stage> {
        let found = self.stages.iter().find(|stage| stage.name == name || stage.number.to_string() == name);
        found.ok_or_else(|| {
            let error = Error::usage(format!("the workshop has no stage '{name}'"));
            match nearest(name, self.stages.iter().map(|stage| stage.name.as_str())) {
                Some(near) => error.hint(format!("Did you mean {near}?")),
                None => error.hint("`boxlab workshop status` lists them."),
            }
        })
    }
}

fn stage(pack: &Pack, folder: &str, number: usize, common: &[Check]) -> Result<Stage> {
    let definition: Definition = parse(pack, &format!("{FOLDER}/{folder}/stage.toml"))?;
    let text = must_read(pack, &format!("{FOLDER}/{folder}/stage.md"))?;
    let name = folder.split_once('-').map_or(folder, |(_, name)| name).to_owned();
    let check = |entry: Entry| match entry {
        Entry::Own(check) => Ok(check),
        Entry::Common { common: id } => common.iter().find(|check| check.id == id).cloned().ok_or_else(|| {
            Error::new(format!("the lessons lack the check {id}, which the workshop's stage {name} names"))
        }),
    };
    let Definition { title, minutes, command, file, reference, debrief, checks } = definition;
    let checks = checks.into_iter().map(check).collect::<Result<_>>()?;
    Ok(Stage { name, number, title, minutes, command, file, reference, debrief, checks, text })
}

fn must_read(pack: &Pack, path: &str) -> Result<String> {
    pack.file(path)?.ok_or_else(|| Error::new(format!("the lessons lack the file {path}")))
}

fn parse<T: for<'a> Deserialize<'a>>(pack: &Pack, path: &str) -> Result<T> {
    toml::from_str(&must_read(pack, path)?)
        .map_err(|error| Error::new(format!("cannot understand {path}: {}", error.to_string().trim())))
}
