//! The learner's project: written once, built for each check, with a small file that
//! remembers which stages have been passed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plan::FOLDER;
use crate::error::{Error, IoContext, Result};
use crate::learn::Pack;
use crate::paths;

/// What is remembered lies here.
const FILE: &str = "boxlab-workshop.json";

/// The version of that file.
const FORMAT: u32 = 1;

/// Where the project to begin with lies in the pack.
const TEMPLATE: &str = "template";

#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    format: u32,
    /// By the stage's name: since when.
    passed: BTreeMap<String, Timestamp>,
}

/// A project.
#[derive(Debug)]
pub struct Project {
    /// Where it lies.
    pub directory: PathBuf,
    remembered: Remembered,
}

impl Project {
    /// Writes a new one; nothing that is there is replaced.
    pub fn begin(pack: &Pack, directory: &Path) -> Result<Self> {
        if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Error::usage(format!("cannot begin in {}: it is not empty", directory.display()))
                .hint("Name a directory that does not exist yet."));
        }
        copy(pack, &format!("{FOLDER}/{TEMPLATE}"), directory)?;
        let directory = directory.canonicalize().or_fail(|| format!("cannot find {}", directory.display()))?;
        let project = Self { directory, remembered: Remembered { format: FORMAT, passed: BTreeMap::new() } };
        project.save()?;
        Ok(project)
    }

    /// The one in this directory or in one above it; `None` if there is none.
    pub fn find(start: &Path) -> Result<Option<Self>> {
        let start = start.canonicalize().or_fail(|| format!("cannot find {}", start.display()))?;
        let Some(directory) = start.ancestors().find(|directory| directory.join(FILE).is_file()) else {
            return Ok(None);
        };
        let path = directory.join(FILE);
        let text = fs::read_to_string(&path).or_fail(|| format!("cannot read {}", path.display()))?;
        let remembered: Remembered = serde_json::from_str(&text).map_err(|error| {
            Error::new(format!("cannot understand {}: {error}", path.display()))
                .hint("It holds which stages are passed. Without it, `boxlab workshop check --all` finds that out again:\nput {\"format\":1,\"passed\":{}} into it.")
        })?;
        if remembered.format != FORMAT {
            let found = remembered.format;
            return Err(Error::new(format!("cannot use {}: it has format {found}, not {FORMAT}", path.display())));
        }
        Ok(Some(Self { directory: directory.to_owned(), remembered }))
    }

    /// Since when a stage is passed.
    pub fn passed(&self, stage: &str) -> Option<Timestamp> {
        self.remembered.passed.get(stage).copied()
    }

    /// Remembers that a stage is passed.
    pub fn pass(&mut self, stage: &str) -> Result<()> {
        self.remembered.passed.entry(stage.to_owned()).or_insert_with(Timestamp::now);
        self.save()
    }

    fn save(&self) -> Result<()> {
        let path = self.directory.join(FILE);
        let doing = || format!("cannot write {}", path.display());
        let mut text = serde_json::to_vec_pretty(&self.remembered).map_err(std::io::Error::other).or_fail(doing)?;
        text.push(b'\n');
        paths::write_whole(&path, &text)
    }

    /// True if it has been built before, as far as this directory says.
    pub fn is_built(&self) -> bool {
        self.directory.join("target").is_dir()
    }

    /// Builds it, with cargo's own words for what is wrong; the program, or `None` if it
    /// does not build.
    pub fn build(&self, quiet: bool) -> Result<Option<PathBuf>> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--message-format=json-render-diagnostics"]).current_dir(&self.directory);
        command.args(quiet.then_some("--quiet"));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            Error::io("cannot run cargo", &error)
                .hint("The workshop is in Rust: https://rustup.rs installs it. A program in any other language is\njudged by `boxlab workshop check --program PROGRAM`.")
        })?;
        let mut program = None;
        for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
            let line = line.or_fail(|| "cannot read what cargo says".to_owned())?;
            let message: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            program = message["executable"].as_str().map(PathBuf::from).or(program);
        }
        let status = child.wait().or_fail(|| "cannot wait for cargo".to_owned())?;
        match (status.success(), program) {
            (false, _) => Ok(None),
            (true, Some(program)) => Ok(Some(program)),
            (true, None) => Err(Error::new("cargo has built no program").hint("The project needs a src/main.rs.")),
        }
    }
}

/// Writes a folder of the pack.
fn copy(pack: &Pack, folder: &str, target: &Path) -> Result<()> {
    fs::create_dir_all(target).or_fail(|| format!("cannot make {}", target.display()))?;
    for name in pack.names(folder)? {
        let (path, target) = (format!("{folder}/{name}"), target.join(&name));
        if pack.names(&path).is_ok_and(|names| !names.is_empty()) {
            copy(pack, &path, &target)?;
        } else if let Some(text) = pack.file(&path)? {
            fs::write(&target, text).or_fail(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}
