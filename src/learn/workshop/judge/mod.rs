//! What must be seen of each stage. A judge runs the program with inputs that it could not
//! know before, and compares what the kernel says outside and inside.

mod child;
mod container;
mod limit;
mod overlay;
mod pid;
mod pivot;
mod pull;
mod run;
mod seal;
mod unpack;
mod user;
mod uts;

pub use overlay::file_inside;

use serde::Serialize;

use super::bench::Bench;
use super::plan::Stage;
use super::run::Seen;
use super::snapshot::Snapshot;
use super::source::spelled;
use crate::error::{Error, Result};
use crate::kernel::tracer::Call;

/// What has come of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is so.
    Passed,
    /// It isn't.
    Failed,
    /// It can't be judged here.
    Skipped,
    /// What comes before it has failed.
    Unreached,
}

/// A check and what has come of it, in words.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// `new-namespace`
    pub check: String,
    /// What has come of it.
    pub state: State,
    /// What must be so.
    pub goal: String,
    /// What kind of wrong it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// What was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was found instead; for one that was skipped, why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// Where to look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look: Option<String>,
    /// The call that did it, as strace(1) shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Why such a call often fails, if it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub often: Option<String>,
    /// Where that stands in the learner's source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The calls of which one would have been needed, if none was made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What the program said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// What is wrong: its key in the lessons, and what is filled in.
#[derive(Debug)]
pub struct Fault {
    key: &'static str,
    values: Vec<(&'static str, String)>,
}

/// `fault("same", &[("namespace", name)])`
pub fn fault(key: &'static str, values: &[(&'static str, &dyn std::fmt::Display)]) -> Option<Fault> {
    Some(Fault { key, values: values.iter().map(|(name, value)| (*name, value.to_string())).collect() })
}

/// What is found of one stage.
#[derive(Debug)]
pub struct Findings<'a> {
    /// Where it is judged.
    pub bench: &'a Bench<'a>,
    stage: &'a Stage,
    list: Vec<Finding>,
}

impl Findings<'_> {
    /// A check: `None` if it is so.
    pub fn check(&mut self, seen: &Seen, id: &str, fault: Option<Fault>) -> Result<()> {
        let check = self.stage.check(id)?.clone();
        let mut finding = unreached(&check.id, &check.goal);
        finding.state = State::Passed;
        if let Some(Fault { key, values }) = fault {
            let found = check.found.get(key).ok_or_else(|| {
                Error::new(format!("the lessons lack `found.{key}` of the check {id} in the stage {}", self.stage.name))
            })?;
            let fill = |text: &str| {
                values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
            };
            finding.state = State::Failed;
            finding.kind = Some(key);
            finding.expected = Some(fill(&check.expected)).filter(|text| !text.is_empty());
            finding.found = Some(fill(found));
            finding.look = Some(fill(&check.look)).filter(|text| !text.is_empty());
            finding.said = Some(seen.errors.trim().to_owned()).filter(|said| !said.is_empty());
            match self.nearest(seen, &check.calls) {
                Some(call) => {
                    finding.call = Some(spelled(call));
                    finding.often = call.hint();
                    finding.source = self.bench.lines.of(call, &self.stage.file);
                }
                None => finding.missing = check.calls,
            }
        }
        self.list.push(finding);
        Ok(())
    }

    /// The call that has to do with it: the last of them that failed, else the last. For a
    /// check without calls of its own: the last call at all that failed.
    fn nearest<'s>(&self, seen: &'s Seen, names: &[String]) -> Option<&'s Call> {
        let meant = |call: &&Call| names.is_empty() || names.iter().any(|name| name == call.name);
        // Of the program that it runs, it is not to blame for any.
        let own = |call: &&Call| call.origin.is_some() || self.bench.lines.is_silent();
        let calls: Vec<&Call> = seen.calls.iter().filter(|call| meant(call) && own(call)).collect();
        let failed = calls.iter().rev().find(|call| call.outcome.is_err()).copied();
        failed.or(if names.is_empty() { None } else { calls.last().copied() })
    }

    /// A check that can't be made here, and why.
    pub fn skip(&mut self, id: &str, why: &str) -> Result<()> {
        let check = self.stage.check(id)?;
        let mut finding = unreached(&check.id, &check.goal);
        finding.state = State::Skipped;
        finding.found = Some(why.to_owned());
        self.list.push(finding);
        Ok(())
    }

    /// None can be made here, and why.
    pub fn skip_all(&mut self, why: &str) -> Result<()> {
        let ids: Vec<String> = self.stage.checks.iter().map(|check| check.id.clone()).collect();
        ids.iter().try_for_each(|id| self.skip(id, why))
    }

    /// A check that can't be made here; why, the lessons say.
    pub fn skip_phrase(&mut self, id: &str) -> Result<()> {
        let why = self.stage.check(id)?.found.get("skipped").cloned().unwrap_or_default();
        self.skip(id, &why)
    }

    /// The first check of a stage that runs no program: yours has done its work. True if so.
    pub fn finished(&mut self, seen: &Seen) -> Result<bool> {
        let wrong = match seen.status() {
            Some(0) => None,
            Some(status) => fault("failed", &[("status", &status)]),
            None => fault("hangs", &[]),
        };
        let is_fine = wrong.is_none();
        self.check(seen, "finished", wrong).map(|()| is_fine)
    }

    /// The first check of all: the program was run. Without that there is nothing to be seen.
    pub fn started<'s>(&mut self, seen: &'s Seen, inner: &[String]) -> Result<Option<&'s Snapshot>> {
        let wrong = match (&seen.inner, seen.status()) {
            (Some(_), _) => None,
            (None, Some(status)) => fault("ended", &[("status", &status), ("program", &inner.join(" "))]),
            (None, None) => fault("hangs", &[("program", &inner.join(" "))]),
        };
        self.check(seen, "started", wrong)?;
        Ok(seen.inner.as_ref())
    }

    /// The last one, mostly: its status is that of the program.
    pub fn status(&mut self, seen: &Seen, wanted: i32) -> Result<()> {
        self.status_of(seen, "status", wanted)
    }

    /// [`Findings::status`] under another name.
    pub fn status_of(&mut self, seen: &Seen, id: &str, wanted: i32) -> Result<()> {
        let wrong = match seen.status() {
            Some(found) if found == wanted => None,
            Some(found) => fault("other", &[("found", &found), ("wanted", &wanted)]),
            None => fault("hangs", &[("wanted", &wanted)]),
        };
        self.check(seen, id, wrong)
    }

    /// A namespace of its own.
    pub fn own(&mut self, seen: &Seen, inner: &Snapshot, id: &str, kind: &str) -> Result<()> {
        let (outside, inside) = (seen.outside.namespace(kind), inner.namespace(kind));
        self.check(seen, id, if inside == outside { fault("same", &[("namespace", &inside)]) } else { None })
    }
}

fn unreached(id: &str, goal: &str) -> Finding {
    Finding {
        check: id.to_owned(),
        state: State::Unreached,
        goal: goal.to_owned(),
        kind: None,
        expected: None,
        found: None,
        look: None,
        call: None,
        often: None,
        source: None,
        missing: Vec::new(),
        said: None,
    }
}

/// All checks of a stage, in its order.
pub fn judge(bench: &Bench<'_>, stage: &Stage) -> Result<Vec<Finding>> {
    let mut findings = Findings { bench, stage, list: Vec::new() };
    match stage.name.as_str() {
        "child" => child::judge(&mut findings),
        "uts" => uts::judge(&mut findings),
        "pivot" => pivot::judge(&mut findings),
        "pid" => pid::judge(&mut findings),
        "user" => user::judge(&mut findings),
        "limit" => limit::judge(&mut findings),
        "seal" => seal::judge(&mut findings),
        "overlay" => overlay::judge(&mut findings),
        "unpack" => unpack::judge(&mut findings),
        "pull" => pull::judge(&mut findings),
        "run" => run::judge(&mut findings),
        other => Err(Error::new(format!("nobody here can judge the workshop's stage {other}"))),
    }?;
    let mut found = findings.list;
    let order = stage.checks.iter().map(|check| {
        let index = found.iter().position(|finding| finding.check == check.id);
        index.map_or_else(|| unreached(&check.id, &check.goal), |index| found.swap_remove(index))
    });
    Ok(order.collect())
}

/// `sh -c SCRIPT TOKEN`: a program that nobody could mistake for another.
pub fn shell(bench: &Bench<'_>, script: &str) -> Result<Vec<String>> {
    Ok(["sh", "-c", script, &bench.token()?].map(str::to_owned).to_vec())
}

/// The words of a command line of the contract.
pub fn words<'a>(own: &[&'a str], inner: &'a [String]) -> Vec<&'a str> {
    own.iter().copied().chain(["--"]).chain(inner.iter().map(String::as_str)).collect()
}
