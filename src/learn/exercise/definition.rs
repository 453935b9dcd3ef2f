//! An exercise as its author has written it: `exercise.toml` and the files beside it.

use serde::Deserialize;
use toml::Spanned;

use super::vocabulary::{Claim, HOST};
use crate::error::{Error, Result};
use crate::kernel::nearest;
use crate::learn::Pack;

/// Where an exercise is in a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// `uts/own-name`
    pub text: String,
    /// `01-uts/exercises/own-name`
    pub folder: String,
}

/// An exercise.
#[derive(Debug)]
pub struct Exercise {
    /// Where it is.
    pub name: Name,
    /// What is in its exercise.toml.
    pub definition: Definition,
    /// What must be true at the end, in Markdown.
    pub task: String,
    /// Why, and what to try next, in Markdown.
    pub debrief: String,
    /// A script that does it.
    pub solution: String,
    /// A script that makes what is there at the start.
    pub setup: Option<String>,
    /// Scripts that do it wrong.
    pub wrong: Vec<Wrong>,
}

/// A typical wrong attempt, and what must be said to it.
#[derive(Debug)]
pub struct Wrong {
    /// `wrong/renamed-host.sh`
    pub file: String,
    /// The script.
    pub script: String,
    /// The check that refuses it.
    pub check: String,
    /// The diagnosis that is given.
    pub diagnosis: Option<String>,
}

/// `exercise.toml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// In a line.
    pub title: String,
    /// How long it takes.
    pub minutes: u32,
    /// Commands of the catalog that must work here.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Only root can do it.
    #[serde(default)]
    pub root: bool,
    /// What helps, little first.
    pub hints: Vec<String>,
    /// The processes that the checks speak of.
    #[serde(default)]
    pub subjects: Vec<Subject>,
    /// What must be true.
    pub checks: Vec<Check>,
}

/// A process, by its arguments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What the checks call it.
    pub name: String,
    /// Its arguments, all of them.
    pub argv: Vec<String>,
}

/// Something that must be true.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its name.
    pub id: Spanned<String>,
    /// What it is about, for a list; else the name is shown.
    pub goal: Option<String>,
    /// What must be true.
    pub that: Claim,
    /// It counts once it has been seen, and need not be true any more.
    #[serde(default)]
    pub happened: bool,
    /// What is said if it is not.
    pub says: String,
    /// A command that shows it.
    pub look: Option<String>,
    /// How it is known that a negative claim means something: the opposite was true at the start.
    pub baseline: Option<Baseline>,
    /// Or: this is true at the same time.
    pub control: Option<Claim>,
    /// What else can be said; the first whose `when` is true.
    #[serde(default)]
    pub diagnoses: Vec<Diagnosis>,
}

/// `baseline = "start"`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Baseline {
    /// Right after the setup.
    Start,
}

/// Why a check may have failed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnosis {
    /// Its name.
    pub id: String,
    /// How it is recognized.
    pub when: Claim,
    /// What is said then.
    pub says: String,
}

/// All exercises of a pack, lesson by lesson.
pub fn list(pack: &Pack) -> Result<Vec<Name>> {
    let mut found = Vec::new();
    for folder in pack.names("")?.into_iter().filter(|name| name.starts_with(|letter: char| letter.is_ascii_digit())) {
        let lesson = folder.split_once('-').map_or(folder.as_str(), |(_, lesson)| lesson);
        for name in pack.names(&format!("{folder}/exercises"))? {
            let folder = format!("{folder}/exercises/{name}");
            if pack.file(&format!("{folder}/exercise.toml"))?.is_some() {
                found.push(Name { text: format!("{lesson}/{name}"), folder });
            }
        }
    }
    Ok(found)
}

/// The one that is meant: `uts/own-name`, or `own-name` if no other lesson has one of that name.
pub fn find(pack: &Pack, wanted: &str) -> Result<Name> {
    let all = list(pack)?;
    let is_meant = |name: &&Name| name.text == wanted || name.text.ends_with(&format!("/{wanted}"));
    let mut found: Vec<&Name> = all.iter().filter(is_meant).collect();
    match (found.pop(), found.pop()) {
        (Some(name), None) => Ok(name.clone()),
        (Some(one), Some(other)) => Err(Error::usage(format!("there are several exercises '{wanted}'"))
            .hint(format!("Say which: {}, {}.", other.text, one.text))),
        (None, _) => Err(unknown(wanted, &all)),
    }
}

fn unknown(wanted: &str, all: &[Name]) -> Error {
    let error = Error::usage(format!("there is no exercise '{wanted}'"));
    let short = |name: &Name| name.text.split_once('/').map_or("", |(_, last)| last).to_owned();
    let shorts: Vec<String> = all.iter().map(short).collect();
    let near = if wanted.contains('/') {
        nearest(wanted, all.iter().map(|name| name.text.as_str())).map(str::to_owned)
    } else {
        let near = nearest(wanted, shorts.iter().map(String::as_str));
        near.and_then(|near| shorts.iter().position(|short| short == near)).map(|index| all[index].text.clone())
    };
    match near {
        Some(near) => error.hint(format!("Did you mean {near}?")),
        None => error.hint("`boxlab exercise ls` lists them."),
    }
}

impl Exercise {
    /// Reads and checks one.
    pub fn read(pack: &Pack, name: &Name) -> Result<Self> {
        let file = |file: &str| pack.file(&format!("{}/{file}", name.folder));
        let must = |path: &str| {
            file(path)?.ok_or_else(|| Error::new(format!("the exercise {} lacks the file {path}", name.text)))
        };
        let path = format!("{}/exercise.toml", name.folder);
        let text = pack.file(&path)?.ok_or_else(|| Error::new(format!("the lessons lack the file {path}")))?;
        let definition = Definition::read(&path, &text)?;
        let mut wrong = Vec::new();
        for attempt in pack.names(&format!("{}/wrong", name.folder))? {
            if attempt.ends_with(".sh") {
                let path = format!("wrong/{attempt}");
                wrong.push(Wrong::read(&name.folder, path.clone(), must(&path)?, &definition)?);
            }
        }
        Ok(Self {
            definition,
            task: must("task.md")?,
            debrief: must("debrief.md")?,
            solution: must("solution.sh")?,
            setup: file("setup.sh")?,
            wrong,
            name: name.clone(),
        })
    }

    /// Whether it is done in a place that only it has: `SUBJECT` by its name.
    pub fn subject(&self, name: &str) -> Option<&Subject> {
        self.definition.subjects.iter().find(|subject| subject.name == name)
    }
}

impl Wrong {
    /// `# refused: CHECK` or `# refused: CHECK/DIAGNOSIS` is one of its first lines.
    fn read(folder: &str, file: String, script: String, definition: &Definition) -> Result<Self> {
        let fault = |what: &str| Error::new(format!("cannot use {folder}/{file}: {what}"));
        let header = script.lines().take(3).find_map(|line| line.strip_prefix("# refused:"));
        let header = header.ok_or_else(|| {
            fault("no line says how it is refused").hint("Its first line, after #!, is: # refused: CHECK/DIAGNOSIS")
        })?;
        let (id, diagnosis) = match header.trim().split_once('/') {
            Some((check, diagnosis)) => (check.trim(), Some(diagnosis.trim())),
            None => (header.trim(), None),
        };
        let check = definition.checks.iter().find(|check| check.id.get_ref() == id);
        let check = check.ok_or_else(|| fault(&format!("there is no check '{id}'")))?;
        if let Some(wanted) = diagnosis.filter(|wanted| *wanted != NOT_RUNNING)
            && !check.diagnoses.iter().any(|diagnosis| diagnosis.id == wanted)
        {
            return Err(fault(&format!("the check '{id}' has no diagnosis '{wanted}'")));
        }
        Ok(Self { check: id.to_owned(), diagnosis: diagnosis.map(str::to_owned), file, script })
    }
}

/// The diagnosis that every check has: its subject does not run.
pub const NOT_RUNNING: &str = "not-running";

impl Definition {
    /// Reads and checks it; what is wrong is told with its line.
    pub fn read(path: &str, text: &str) -> Result<Self> {
        let definition: Self = toml::from_str(text).map_err(|error| {
            let place = error.span().map_or_else(|| path.to_owned(), |span| place(path, text, span.start));
            let told = Error::new(format!("cannot understand {place}: {}", error.message().replace('\n', " ")));
            if error.message().contains("hints") {
                return told.hint("`hints` stands above [[subjects]] and [[checks]]: below, TOML takes it for theirs.");
            }
            told.hint("lessons/README.md of boxlab's source describes the format.")
        })?;
        definition.check(path, text)?;
        Ok(definition)
    }

    fn check(&self, path: &str, text: &str) -> Result<()> {
        let wrong = |place: &str, what: &str| Err(Error::new(format!("cannot use {place}: {what}")));
        if self.hints.is_empty() || self.checks.is_empty() {
            return wrong(path, "it needs hints and checks");
        }
        for subject in &self.subjects {
            if subject.name == HOST || subject.argv.is_empty() {
                return wrong(path, &format!("the subject '{}' needs another name, and arguments", subject.name));
            }
        }
        for (index, check) in self.checks.iter().enumerate() {
            let place = place(path, text, check.id.span().start);
            if self.checks[..index].iter().any(|other| other.id.get_ref() == check.id.get_ref()) {
                return wrong(&place, &format!("the check '{}' is there twice", check.id.get_ref()));
            }
            if let Some(fault) = self.fault(check) {
                return wrong(&place, &format!("the check '{}': {fault}", check.id.get_ref()));
            }
        }
        Ok(())
    }

    fn fault(&self, check: &Check) -> Option<String> {
        let claims = || {
            let diagnoses = check.diagnoses.iter().map(|diagnosis| &diagnosis.when);
            std::iter::once(&check.that).chain(&check.control).chain(diagnoses)
        };
        let known = |name: &str| name == HOST || self.subjects.iter().any(|subject| subject.name == name);
        if let Some(name) = claims().flat_map(Claim::names).find(|name| !known(name)) {
            return Some(format!("there is no subject '{name}'"));
        }
        if let Some(fault) = claims().find_map(Claim::fault) {
            return Some(fault);
        }
        if check.control.as_ref().is_some_and(Claim::is_negative) {
            return Some("its `control` is negative itself".to_owned());
        }
        if check.baseline.is_some() && check.control.is_some() {
            return Some("it has a `baseline` and a `control`; one is enough".to_owned());
        }
        if check.that.is_negative() && check.baseline.is_none() && check.control.is_none() {
            return Some(
                "it is negative, so it would also hold where nothing was done: it needs `baseline = \"start\"` \
                 (the opposite is true at the start) or a `control` (a claim that holds at the same time)"
                    .to_owned(),
            );
        }
        let twice = |(index, diagnosis): (usize, &Diagnosis)| {
            diagnosis.id == NOT_RUNNING || check.diagnoses[..index].iter().any(|other| other.id == diagnosis.id)
        };
        check.diagnoses.iter().enumerate().any(twice).then(|| "two diagnoses have the same name".to_owned())
    }
}

/// `01-uts/exercises/own-name/exercise.toml:12`
fn place(path: &str, text: &str, offset: usize) -> String {
    let line = text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1);
    format!("{path}:{line}")
}

#[cfg(test)]
mod tests {
    use super::Definition;

    const START: &str =
        "title = \"x\"\nminutes = 1\nhints = [\"x\"]\n[[subjects]]\nname = \"box\"\nargv = [\"sleep\"]\n";

    fn fault(check: &str) -> String {
        let read = Definition::read("x.toml", &format!("{START}[[checks]]\nid = \"c\"\nsays = \"\"\n{check}"));
        read.err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(fault("that = { running = { subject = \"box\" } }"), "");
        for (check, words) in [
            ("that = { runing = { subject = \"box\" } }", "x.toml:10: unknown variant `runing`"),
            ("that = { running = { subject = \"bx\" } }", "x.toml:8: the check 'c': there is no subject 'bx'"),
            ("that = { hostname = { of = \"box\" } }", "either `is` or `is_not`"),
            ("that = { hostname = { of = \"box\", is_not = \"x\" } }", "it is negative"),
            ("that = { not = { running = { subject = \"box\" } } }", "it is negative"),
            ("that = { capabilities = { of = \"box\", has = [\"CAP_NONE\"] } }", "CAP_NONE"),
            ("that = { limit = { of = \"box\", resource = \"memory\", at_most = \"much\" } }", "no number"),
            ("that = { output = { run = [\"sh\", \"-c\", \"x\"], is = \"x\" } }", "a shell"),
            ("that = { namespace = { kind = \"usr\", of = \"box\", differs_from = \"host\" } }", "no namespace 'usr'"),
        ] {
            assert!(fault(check).contains(words), "{check}: {}", fault(check));
        }
    }

    #[test]
    fn a_negative_check_with_a_baseline_or_a_control_is_one() {
        assert_eq!(fault("baseline = \"start\"\nthat = { file = { path = \"x\", absent = true } }"), "");
        let control = "control = { running = { subject = \"box\" } }";
        assert_eq!(fault(&format!("{control}\nthat = {{ file = {{ path = \"x\", absent = true }} }}")), "");
    }
}
