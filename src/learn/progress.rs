//! What a learner has done: one small file, which can be taken to another machine.
//!
//! `$XDG_STATE_HOME/boxlab/progress.json`, or beneath `--root`. Written whole or not at all,
//! after each step, so that nothing is lost by Ctrl-C or a flat battery.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, IoContext, Result};
use crate::paths;

/// The version of the file.
const FORMAT: u32 = 1;

/// All that is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    format: u32,
    /// By the lesson's name.
    #[serde(default)]
    pub lessons: BTreeMap<String, LessonProgress>,
    /// By `LESSON/EXERCISE`.
    #[serde(default)]
    pub exercises: BTreeMap<String, ExerciseProgress>,
    #[serde(skip)]
    path: PathBuf,
}

/// What is remembered of a lesson.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LessonProgress {
    /// The steps that are done.
    #[serde(default)]
    pub steps: BTreeSet<String>,
    /// Questions answered right at once, and not.
    #[serde(default)]
    pub right: u32,
    /// See `right`.
    #[serde(default)]
    pub wrong: u32,
    /// When its last step was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Timestamp>,
    /// Why it was passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

/// What is remembered of an exercise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExerciseProgress {
    /// How often it was checked.
    #[serde(default)]
    pub checks: u32,
    /// How many hints were given.
    #[serde(default)]
    pub hints: u32,
    /// Whether the solution was shown.
    #[serde(default)]
    pub solution: bool,
    /// When it was passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Timestamp>,
    /// Why it was passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

impl Progress {
    /// Reads the learner's own; none yet is an empty one.
    pub fn open(root: Option<&Path>) -> Result<Self> {
        let path = root.map_or_else(paths::progress, |root| root.join("progress.json"));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { format: FORMAT, lessons: BTreeMap::new(), exercises: BTreeMap::new(), path });
            }
            Err(error) => return Err(Error::io(format!("cannot read {}", path.display()), &error)),
        };
        Ok(Self { path: path.clone(), ..Self::parse(&text, &path)? })
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let parsed: Self = serde_json::from_str(text).map_err(|error| {
            Error::new(format!("cannot understand {}: {error}", path.display()))
                .hint("It holds what you have done. If it can't be mended, move it away: a new one begins.")
        })?;
        match parsed.format {
            FORMAT => Ok(parsed),
            other => Err(Error::new(format!(
                "cannot use {}: it has format {other}, and this boxlab knows format {FORMAT}",
                path.display()
            ))),
        }
    }

    /// Takes over what another file says (`-`: standard input): what is done here or there is done.
    pub fn import(&mut self, path: &Path) -> Result<()> {
        let read = if path == Path::new("-") {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(path)
        };
        let text = read.or_fail(|| format!("cannot read {}", path.display()))?;
        let other = Self::parse(&text, path)?;
        for (name, theirs) in other.lessons {
            let own = self.lessons.entry(name).or_default();
            own.steps.extend(theirs.steps);
            own.right = own.right.max(theirs.right);
            own.wrong = own.wrong.max(theirs.wrong);
            own.done = own.done.or(theirs.done);
            own.skipped = own.skipped.take().or(theirs.skipped);
        }
        for (name, theirs) in other.exercises {
            let own = self.exercises.entry(name).or_default();
            own.checks = own.checks.max(theirs.checks);
            own.hints = own.hints.max(theirs.hints);
            own.solution |= theirs.solution;
            own.done = own.done.or(theirs.done);
            own.skipped = own.skipped.take().or(theirs.skipped);
        }
        self.save()
    }

    /// Writes it, whole or not at all.
    pub fn save(&self) -> Result<()> {
        self.write(&self.path)
    }

    /// Writes it into another file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        paths::make(directory)?;
        paths::write_whole(path, self.text()?.as_bytes())
    }

    /// What such a file holds.
    pub fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::other);
        Ok(text.or_fail(|| "cannot write down what is done".to_owned())? + "\n")
    }

    /// What is known of a lesson.
    pub fn lesson(&mut self, name: &str) -> &mut LessonProgress {
        self.lessons.entry(name.to_owned()).or_default()
    }

    /// What is known of an exercise, `LESSON/EXERCISE`.
    pub fn exercise(&mut self, name: &str) -> &mut ExerciseProgress {
        self.exercises.entry(name.to_owned()).or_default()
    }

    /// Whether a lesson needs no more attention: done, or passed over.
    pub fn is_settled(&self, lesson: &str) -> bool {
        self.lessons.get(lesson).is_some_and(|known| known.done.is_some() || known.skipped.is_some())
    }
}
