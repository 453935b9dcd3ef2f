//! A folder of lessons, read and checked: `lessons/README.md` describes the format.
//!
//! A lesson is data (`lesson.toml`: its steps in order) and text (`lesson.md`, cut into sections
//! by mdBook's own comment lines, so that the book includes the same text).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::embedded::LESSONS;
use super::phrases::Phrases;
use crate::error::{Error, IoContext, Result};
use crate::kernel::nearest;

/// The version of the format that is understood.
const FORMAT: u32 = 1;

/// Where the texts lie.
#[derive(Debug, Clone)]
enum Source {
    Embedded,
    Folder(PathBuf),
}

impl Source {
    fn read(&self, path: &str) -> Result<Option<String>> {
        match self {
            Self::Embedded => Ok(LESSONS.get_file(path).and_then(|file| file.contents_utf8()).map(str::to_owned)),
            Self::Folder(folder) => match std::fs::read_to_string(folder.join(path)) {
                Ok(text) => Ok(Some(text)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Error::io(format!("cannot read {}", folder.join(path).display()), &error)),
            },
        }
    }

    fn must_read(&self, path: &str) -> Result<String> {
        let hint = "Is that a folder of lessons? lessons/README.md of boxlab's source says what is in one.";
        self.read(path)?.ok_or_else(|| Error::new(format!("the lessons lack the file {path}")).hint(hint))
    }

    /// What is in a directory, sorted; nothing if there is none.
    fn names(&self, directory: &str) -> Result<Vec<String>> {
        let mut names: Vec<String> = match self {
            Self::Embedded => {
                let found = if directory.is_empty() { Some(&LESSONS) } else { LESSONS.get_dir(directory) };
                found.into_iter().flat_map(|found| found.entries()).map(|entry| last(entry.path())).collect()
            }
            Self::Folder(folder) => match std::fs::read_dir(folder.join(directory)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !directory.is_empty() => Vec::new(),
                entries => {
                    let entries = entries.or_fail(|| format!("cannot read {}", folder.join(directory).display()))?;
                    entries.flatten().map(|entry| last(&entry.path())).collect()
                }
            },
        };
        names.sort();
        Ok(names)
    }
}

fn last(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// `pack.toml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    tracks: Vec<Track>,
}

/// A way through the lessons.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// `quick`
    pub name: String,
    /// What it is, in a line.
    pub title: String,
    /// The names of its lessons, in order.
    pub lessons: Vec<String>,
}

/// `lesson.toml`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    title: String,
    minutes: u32,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    primitives: Vec<String>,
    steps: Vec<Step>,
}

/// One lesson.
#[derive(Debug, Clone)]
pub struct Lesson {
    /// `uts`
    pub name: String,
    /// `01-uts`
    pub folder: String,
    /// What it is about, in a line.
    pub title: String,
    /// How long it takes.
    pub minutes: u32,
    /// The commands of the catalog that its demos need.
    pub needs: Vec<String>,
    /// The commands of the catalog that it teaches.
    pub primitives: Vec<String>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    sections: BTreeMap<String, String>,
}

/// A step: one of these.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// A section of the text.
    Text(String),
    /// A section for the teacher alone.
    Teacher(String),
    /// A command that is run for real.
    Demo(Demo),
    /// A shell in which to try something.
    Try(Try),
    /// A command that looks from the other side at what a demo has left running.
    Look(Look),
    /// A question.
    Quiz(Quiz),
    /// An exercise, by its folder's name.
    Task(String),
}

/// A command that is run for real, exactly as a learner would type it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demo {
    /// Its name, by which progress and book know it.
    pub id: String,
    /// The command line, for sh(1).
    pub run: String,
    /// How it must end.
    #[serde(default)]
    pub status: i32,
    /// What must be among its output and narration.
    #[serde(default)]
    pub shows: Vec<String>,
    /// What must not be.
    #[serde(default)]
    pub hides: Vec<String>,
    /// Goes on while the next steps are shown, up to the next demo: it prints a line once it is
    /// ready, and ends with its input.
    #[serde(default)]
    pub stays: bool,
    /// What to run where the lesson's needs are not met; otherwise nothing is.
    pub instead: Option<String>,
    /// What the learner is asked before.
    pub predict: Option<Quiz>,
}

/// A shell in which to try something.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Try {
    /// The section that says what.
    pub section: String,
    /// What is run instead of the learner's shell, such as `boxlab ns uts`.
    pub run: Option<String>,
    /// What a script types into it, so that a test can walk the same way.
    #[serde(default)]
    pub types: Vec<String>,
    /// What must be seen then.
    #[serde(default)]
    pub shows: Vec<String>,
}

/// A look from the other side.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// The section that says at what.
    pub section: String,
    /// The command line, for sh(1); `{pid}` is the program of the demo that stays.
    pub run: String,
    /// What must be among its output.
    #[serde(default)]
    pub shows: Vec<String>,
}

/// A question with answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiz {
    /// What is asked.
    pub question: String,
    /// What may be answered; one is right.
    pub answers: Vec<Answer>,
}

/// An answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// What it says.
    pub text: String,
    /// Whether it is right.
    #[serde(default)]
    pub right: bool,
    /// Why it is right or wrong.
    #[serde(default)]
    pub because: String,
}

impl Step {
    /// By what progress knows it.
    pub fn id(&self) -> String {
        match self {
            Self::Text(section) => format!("text {section}"),
            Self::Teacher(section) => format!("teacher {section}"),
            Self::Demo(demo) => format!("demo {}", demo.id),
            Self::Try(tried) => format!("try {}", tried.section),
            Self::Look(look) => format!("look {}", look.section),
            Self::Quiz(quiz) => format!("quiz {}", quiz.question),
            Self::Task(exercise) => format!("task {exercise}"),
        }
    }

    /// The section of the text that it shows.
    pub fn section(&self) -> Option<&str> {
        match self {
            Self::Text(section) | Self::Teacher(section) => Some(section),
            Self::Try(tried) => Some(&tried.section),
            Self::Look(look) => Some(&look.section),
            Self::Demo(_) | Self::Quiz(_) | Self::Task(_) => None,
        }
    }
}

impl Lesson {
    /// A section of its text, in Markdown.
    pub fn section(&self, name: &str) -> &str {
        self.sections.get(name).map_or("", String::as_str)
    }

    fn read(source: &Source, folder: &str) -> Result<Self> {
        let path = format!("{folder}/lesson.toml");
        let definition: Definition = toml::from_str(&source.must_read(&path)?)
            .map_err(|error| Error::new(format!("cannot understand {path}: {}", error.to_string().trim())))?;
        let sections = sections(&source.must_read(&format!("{folder}/lesson.md"))?);
        let Definition { title, minutes, needs, primitives, steps } = definition;
        let name = folder.split_once('-').map_or(folder, |(_, name)| name).to_owned();
        let lesson = Self { name, folder: folder.to_owned(), title, minutes, needs, primitives, steps, sections };
        lesson.check(source)?;
        Ok(lesson)
    }

    /// What the types can't say.
    fn check(&self, source: &Source) -> Result<()> {
        let wrong = |what: String| Err(Error::new(format!("cannot use {}/lesson.toml: {what}", self.folder)));
        for (index, step) in self.steps.iter().enumerate() {
            if let Some(section) = step.section().filter(|section| !self.sections.contains_key(*section)) {
                return wrong(format!("lesson.md has no section '{section}'"));
            }
            if self.steps[..index].iter().any(|other| other.id() == step.id()) {
                return wrong(format!("'{}' is there twice", step.id()));
            }
            let quiz = match step {
                Step::Quiz(quiz) => Some(quiz),
                Step::Demo(demo) => demo.predict.as_ref(),
                Step::Task(exercise) => {
                    let path = format!("{}/exercises/{exercise}/exercise.toml", self.folder);
                    source.must_read(&path)?;
                    None
                }
                _ => None,
            };
            if let Some(quiz) = quiz
                && (quiz.answers.iter().filter(|answer| answer.right).count() != 1
                    || quiz.answers.iter().any(|answer| answer.because.is_empty()))
            {
                return wrong(format!("'{}' needs one right answer, and a `because` for each", quiz.question));
            }
        }
        Ok(())
    }
}

/// What stands between `ANCHOR: name` and `ANCHOR_END: name`, as mdBook reads it.
fn sections(text: &str) -> BTreeMap<String, String> {
    let mut sections: BTreeMap<String, String> = BTreeMap::new();
    let mut open: Option<String> = None;
    let name = |line: &str, mark: &str| {
        let (_, rest) = line.split_once(mark)?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    for line in text.lines() {
        if name(line, "ANCHOR_END:").is_some() {
            open = None;
        } else if let Some(found) = name(line, "ANCHOR:") {
            sections.entry(found.clone()).or_default();
            open = Some(found);
        } else if let Some(section) = open.as_ref().and_then(|name| sections.get_mut(name)) {
            section.push_str(line);
            section.push('\n');
        }
    }
    sections
}

/// All lessons, read and checked.
#[derive(Debug)]
pub struct Pack {
    /// The ways through them.
    pub tracks: Vec<Track>,
    /// In the order of their numbers.
    pub lessons: Vec<Lesson>,
    /// What the commands say.
    pub phrases: Phrases,
    source: Source,
}

impl Pack {
    /// Those of a folder, or those that come with boxlab.
    pub fn open(folder: Option<&Path>) -> Result<Self> {
        let source = folder.map_or(Source::Embedded, |folder| Source::Folder(folder.to_owned()));
        let header = source.must_read("pack.toml")?;
        let header: Header = toml::from_str(&header)
            .map_err(|error| Error::new(format!("cannot understand pack.toml: {}", error.to_string().trim())))?;
        if header.format != FORMAT {
            return Err(Error::new(format!(
                "cannot use these lessons: they have format {}, and this boxlab knows format {FORMAT}",
                header.format
            )));
        }
        let phrases = Phrases::read(&source.must_read("phrases.toml")?)?;
        let mut lessons = Vec::new();
        for folder in source.names("")? {
            // A folder may hold exercises alone.
            if folder.starts_with(|letter: char| letter.is_ascii_digit())
                && source.read(&format!("{folder}/lesson.toml"))?.is_some()
            {
                lessons.push(Lesson::read(&source, &folder)?);
            }
        }
        let pack = Self { tracks: header.tracks, lessons, phrases, source };
        for track in &pack.tracks {
            track.lessons.iter().try_for_each(|name| pack.lesson(name).map(drop))?;
        }
        Ok(pack)
    }

    /// A lesson by its name, with or without the number.
    pub fn lesson(&self, name: &str) -> Result<&Lesson> {
        let found = self.lessons.iter().find(|lesson| lesson.name == name || lesson.folder == name);
        found.ok_or_else(|| {
            let error = Error::usage(format!("there is no lesson '{name}'"));
            match nearest(name, self.lessons.iter().map(|lesson| lesson.name.as_str())) {
                Some(near) => error.hint(format!("Did you mean {near}?")),
                None => error.hint("`boxlab lesson ls` lists them."),
            }
        })
    }

    /// A track by its name.
    pub fn track(&self, name: &str) -> Result<&Track> {
        let found = self.tracks.iter().find(|track| track.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.tracks.iter().map(|track| track.name.as_str()).collect();
            Error::usage(format!("there is no track '{name}'")).hint(format!("There are: {}.", names.join(", ")))
        })
    }

    /// The names in a directory of the pack, sorted; none if there is no such directory.
    pub fn names(&self, directory: &str) -> Result<Vec<String>> {
        self.source.names(directory)
    }

    /// A file of the pack, by its path in it.
    pub fn file(&self, path: &str) -> Result<Option<String>> {
        self.source.read(path)
    }
}

#[cfg(test)]
mod tests {
    use super::sections;

    #[test]
    fn sections_are_cut_as_mdbook_cuts_them() {
        let text = "# A\n<!-- ANCHOR: idea -->\none\n\ntwo\n<!-- ANCHOR_END: idea -->\nlost\n<!-- ANCHOR: b -->\n<!-- ANCHOR_END: b -->\n";
        let found = sections(text);
        assert_eq!(found["idea"], "one\n\ntwo\n");
        assert_eq!(found["b"], "");
        assert_eq!(found.len(), 2);
    }
}
