//! What a claim is held against: the kernel, as it is at this moment.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::definition::Exercise;
use super::look::{answer, cgroup, process, view};
use super::script::Surroundings;
use super::vocabulary::{Claim, HOST};
use crate::explain::namespaces::Host;
use crate::kernel::Kernel;
use crate::learn::phrases::Phrases;
use crate::ledger::Sandbox;

/// How a claim stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is true.
    Holds,
    /// It is not.
    Fails,
    /// The process that it is about does not run.
    Absent(String),
    /// That can't be seen, for this reason.
    Unknown(String),
}

/// How a claim stands, and why.
#[derive(Debug, Clone)]
pub struct Finding {
    /// How it stands.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

impl Finding {
    /// True if the claim holds.
    pub fn holds(&self) -> bool {
        self.verdict == Verdict::Holds
    }

    /// Something was found: is it right?
    pub fn of(holds: bool, found: impl Display, expected: impl Display) -> Self {
        let verdict = if holds { Verdict::Holds } else { Verdict::Fails };
        Self { verdict, found: found.to_string(), expected: expected.to_string() }
    }
}

/// What a look returns: the way out of one that can't look is its verdict.
pub type Look = Result<Finding, Verdict>;

/// Something could not be read.
pub fn unknown(error: impl Display) -> Verdict {
    Verdict::Unknown(error.to_string())
}

/// Who looks, and at what.
#[derive(Debug)]
pub struct Scene<'a> {
    /// Makes what calls it takes.
    pub k: &'a Kernel,
    /// How it is put.
    pub phrases: &'a Phrases,
    /// Where the exercise is done.
    pub sandbox: &'a Sandbox,
    /// What the exercise is.
    pub exercise: &'a Exercise,
    /// How its programs are run.
    pub surroundings: &'a Surroundings,
    /// What was counted when it began.
    pub counters: &'a BTreeMap<String, u64>,
    subjects: BTreeMap<String, i32>,
    host: Host,
}

impl<'a> Scene<'a> {
    /// Finds the subjects, once for all claims.
    pub fn new(
        k: &'a Kernel,
        phrases: &'a Phrases,
        sandbox: &'a Sandbox,
        exercise: &'a Exercise,
        surroundings: &'a Surroundings,
        counters: &'a BTreeMap<String, u64>,
    ) -> Self {
        let mut subjects = BTreeMap::new();
        for subject in &exercise.definition.subjects {
            subjects.extend(sandbox.subject(&subject.argv).map(|pid| (subject.name.clone(), pid)));
        }
        Self { k, phrases, sandbox, exercise, surroundings, counters, subjects, host: Host::find() }
    }

    /// A text of the table `checks`.
    pub fn say(&self, key: &str, values: &[(&str, &dyn Display)]) -> String {
        self.phrases.say(key, values)
    }

    /// The process that a claim speaks of.
    pub fn pid(&self, of: &str) -> Result<i32, Verdict> {
        if of == HOST {
            return Ok(self.host.pid);
        }
        self.subjects.get(of).copied().ok_or_else(|| Verdict::Absent(of.to_owned()))
    }

    /// The processes of the subjects, by their names.
    pub fn subjects(&self) -> impl Iterator<Item = (&str, i32)> {
        self.subjects.iter().map(|(name, pid)| (name.as_str(), *pid))
    }

    /// How a reader would start a subject: its arguments.
    pub fn command(&self, subject: &str) -> String {
        self.exercise.subject(subject).map_or_else(String::new, |subject| subject.argv.join(" "))
    }

    /// Puts PIDs where `{box}` stands.
    pub fn fill(&self, text: &str) -> String {
        let subjects = self.exercise.definition.subjects.iter();
        let filled = subjects.fold(text.to_owned(), |text, subject| {
            let pid = self.subjects.get(&subject.name).map_or_else(|| "PID".to_owned(), ToString::to_string);
            text.replace(&format!("{{{}}}", subject.name), &pid)
        });
        filled.replace("{host}", &self.host.pid.to_string())
    }

    /// [`Scene::fill`], unless it names a subject that does not run.
    pub fn filled(&self, text: &str) -> Option<String> {
        let mut subjects = self.exercise.definition.subjects.iter();
        let is_missing = |name: &str| !self.subjects.contains_key(name) && text.contains(&format!("{{{name}}}"));
        (!subjects.any(|subject| is_missing(&subject.name))).then(|| self.fill(text))
    }

    /// What a path of an exercise means: a relative one begins at the learner's directory.
    pub fn path(&self, path: &str) -> std::path::PathBuf {
        let directory = self.sandbox.directory();
        directory.canonicalize().unwrap_or(directory).join(self.fill(path))
    }

    /// Looks.
    pub fn look(&self, claim: &Claim) -> Finding {
        let looked = match claim {
            Claim::Running(claim) => process::running(self, claim),
            Claim::Namespace(claim) => process::namespace(self, claim),
            Claim::Capabilities(claim) => process::capabilities(self, claim),
            Claim::Status(claim) => process::status(self, claim),
            Claim::Rlimit(claim) => process::rlimit(self, claim),
            Claim::IdMap(claim) => process::id_map(self, claim),
            Claim::PidInside(claim) => process::pid_inside(self, claim),
            Claim::Hostname(claim) => view::hostname(self, claim),
            Claim::Mount(claim) => view::mount(self, claim),
            Claim::File(claim) => view::file(self, claim),
            Claim::ProcessesSeen(claim) => view::processes_seen(self, claim),
            Claim::Reaches(claim) => view::reaches(self, claim),
            Claim::Limit(claim) => cgroup::limit(self, claim),
            Claim::Event(claim) => cgroup::event(self, claim),
            Claim::Frozen(claim) => cgroup::frozen(self, claim),
            Claim::Answer(claim) => answer::answer(self, claim),
            Claim::Output(claim) => answer::output(self, claim),
            Claim::All(claims) => return self.all(claims),
            Claim::Any(claims) => return self.any(claims),
            Claim::Not(claim) => return self.not(claim),
        };
        looked.unwrap_or_else(|verdict| {
            let found = match &verdict {
                Verdict::Absent(of) => self.say("checks.absent", &[("command", &self.command(of))]),
                Verdict::Unknown(why) => self.say("checks.unknown", &[("why", why)]),
                Verdict::Holds | Verdict::Fails => String::new(),
            };
            Finding { verdict, found, expected: String::new() }
        })
    }

    /// The first that does not hold speaks for all.
    fn all(&self, claims: &[Claim]) -> Finding {
        let mut findings: Vec<Finding> = Vec::new();
        for claim in claims {
            let finding = self.look(claim);
            if !finding.holds() {
                return finding;
            }
            findings.push(finding);
        }
        joined(&findings, "; ", Verdict::Holds)
    }

    /// The first that holds speaks for all.
    fn any(&self, claims: &[Claim]) -> Finding {
        let mut findings: Vec<Finding> = Vec::new();
        for claim in claims {
            let finding = self.look(claim);
            if finding.holds() {
                return finding;
            }
            findings.push(finding);
        }
        let first = |is: fn(&Verdict) -> bool| findings.iter().map(|finding| &finding.verdict).find(|found| is(found));
        let verdict = first(|verdict| matches!(verdict, Verdict::Unknown(_)))
            .or_else(|| first(|verdict| matches!(verdict, Verdict::Fails)))
            .or_else(|| findings.first().map(|finding| &finding.verdict));
        let verdict = verdict.cloned().unwrap_or(Verdict::Fails);
        joined(&findings, &self.say("checks.or", &[]), verdict)
    }

    /// What can't be seen is not the opposite of what can.
    fn not(&self, claim: &Claim) -> Finding {
        let finding = self.look(claim);
        let verdict = match finding.verdict {
            Verdict::Holds => Verdict::Fails,
            Verdict::Fails => Verdict::Holds,
            // That a process does not run is the very opposite of that it does.
            Verdict::Absent(_) if matches!(claim, Claim::Running(_)) => Verdict::Holds,
            other => other,
        };
        let expected = self.say("checks.not", &[("what", &finding.expected)]);
        Finding { verdict, found: finding.found, expected }
    }
}

fn joined(findings: &[Finding], between: &str, verdict: Verdict) -> Finding {
    let join = |part: fn(&Finding) -> &str| {
        let mut parts: Vec<&str> = findings.iter().map(part).filter(|part| !part.is_empty()).collect();
        parts.dedup();
        parts.join(between)
    };
    Finding { verdict, found: join(|finding| &finding.found), expected: join(|finding| &finding.expected) }
}
