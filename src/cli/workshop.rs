//! `boxlab workshop`: write a container runtime of your own, stage by stage.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Trace;
use super::context::{Context, width};
use super::learn::Room;
use super::output;
use crate::error::{Error, IoContext, Result};
use crate::kernel::{Exit, Mode};
use crate::learn::markdown;
use crate::learn::phrases::Phrases;
use crate::learn::sources;
use crate::learn::workshop::bench::{Bench, Ground};
use crate::learn::workshop::judge::{Finding, State, judge};
use crate::learn::workshop::{Plan, Project, Stage, page};

/// The workshop: write a container runtime of your own, judged stage by stage
#[derive(Debug, Subcommand)]
pub enum WorkshopCommand {
    /// Begin: write a project in Rust, a file a stage
    Init(Init),
    /// Build it, run it, and judge it by what the kernel says
    Check(Check),
    /// The stages, with their minutes and what you have passed
    Status(Status),
    /// What the program must do in a stage, whatever it is written in
    Contract(Named),
    /// How boxlab itself does it: its own source
    Reference(Reference),
}

/// Begin a workshop
#[derive(Debug, Args)]
pub struct Init {
    /// A directory that is empty, or does not exist yet
    directory: PathBuf,
    #[command(flatten)]
    room: Room,
}

/// Judge a program
#[derive(Debug, Args)]
pub struct Check {
    /// The stage, by name or number [default: the first that is not passed]
    stage: Option<String>,
    /// A program that is there already, in any language: it must follow the contract
    #[arg(long, value_name = "PROGRAM")]
    program: Option<PathBuf>,
    /// All stages
    #[arg(long, conflicts_with = "stage")]
    all: bool,
    /// The project [default: where you are]
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    directory: PathBuf,
    /// `text` or `json`
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
    #[command(flatten)]
    room: Room,
}

/// Say what is passed
#[derive(Debug, Args)]
pub struct Status {
    /// The project [default: where you are]
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    directory: PathBuf,
    /// `text` or `json`
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
    #[command(flatten)]
    room: Room,
}

/// Show the contract
#[derive(Debug, Args)]
pub struct Named {
    /// The stage, by name or number [default: all of them]
    stage: Option<String>,
    #[command(flatten)]
    room: Room,
}

/// Show boxlab's own source
#[derive(Debug, Args)]
pub struct Reference {
    /// The stage, by name or number
    stage: String,
    #[command(flatten)]
    room: Room,
}

/// What is said of a stage that was judged.
#[derive(Debug, Serialize)]
struct Judged<'a> {
    stage: &'a str,
    passed: bool,
    /// Nothing of it can be judged here.
    skipped: bool,
    /// It had been passed before.
    again: bool,
    findings: Vec<Finding>,
}

/// A stage in a list.
#[derive(Debug, Serialize)]
struct Line<'a> {
    number: usize,
    stage: &'a str,
    title: &'a str,
    minutes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    passed: Option<jiff::Timestamp>,
}

impl<'a> Line<'a> {
    fn of(stage: &'a Stage, project: &Project) -> Self {
        let Stage { name, number, title, minutes, .. } = stage;
        Self { number: *number, stage: name, title, minutes: *minutes, passed: project.passed(name) }
    }
}

impl WorkshopCommand {
    /// Does what was asked for.
    pub fn run(self, context: &Context) -> Result<i32> {
        context.color_the_result();
        match self {
            Self::Init(command) => command.run(),
            Self::Check(command) => command.run(context),
            Self::Status(command) => command.run(),
            Self::Contract(command) => command.run(),
            Self::Reference(command) => command.run(),
        }
    }
}

impl Init {
    fn run(&self) -> Result<i32> {
        let pack = self.room.pack()?;
        let plan = Plan::read(&pack)?;
        let project = Project::begin(&pack, &self.directory)?;
        let first = plan.stages.first().map_or("", |stage| stage.file.as_str());
        let directory = project.directory.display();
        show(&pack.phrases.say("workshop.begun", &[("directory", &directory), ("file", &first)])).map(|()| 0)
    }
}

impl Status {
    fn run(&self) -> Result<i32> {
        let pack = self.room.pack()?;
        let plan = Plan::read(&pack)?;
        let project = Project::find(&self.directory)?.ok_or_else(no_project)?;
        let lines: Vec<Line<'_>> = plan.stages.iter().map(|stage| Line::of(stage, &project)).collect();
        if self.format == "json" {
            return output::json(&lines).map(|()| 0);
        }
        let row = |line: &Line<'_>| {
            let state = if line.passed.is_some() { "workshop.passed" } else { "workshop.open" };
            let state = pack.phrases.say(state, &[]);
            format!("{state:<8} {:>3} min  {:>2} {:<10} {}\n", line.minutes, line.number, line.stage, line.title)
        };
        output::print(&lines.iter().map(row).collect::<String>()).map(|()| 0)
    }
}

impl Named {
    fn run(&self) -> Result<i32> {
        let pack = self.room.pack()?;
        let plan = Plan::read(&pack)?;
        let stages: Vec<&Stage> = match &self.stage {
            Some(name) => vec![plan.stage(name)?],
            None => plan.stages.iter().collect(),
        };
        if self.stage.is_none() {
            show(&plan.contract)?;
        }
        for stage in stages {
            show(&format!("## {}: {}\n\n{}", stage.number, stage.title, stage.text))?;
        }
        Ok(0)
    }
}

impl Reference {
    fn run(&self) -> Result<i32> {
        let pack = self.room.pack()?;
        let plan = Plan::read(&pack)?;
        let stage = plan.stage(&self.stage)?;
        for path in &stage.reference {
            let source = sources::source(path).ok_or_else(|| Error::new(format!("there is no source {path}")))?;
            output::print(&format!("// {path}\n{source}\n"))?;
        }
        Ok(0)
    }
}

impl Check {
    fn run(&self, context: &Context) -> Result<i32> {
        let pack = self.room.pack()?;
        let plan = Plan::read(&pack)?;
        let project = match &self.program {
            None => Some(Project::find(&self.directory)?.ok_or_else(no_project)?),
            Some(_) => None,
        };
        let stages = self.stages(&plan, project.as_ref())?;
        let program = match (&self.program, &project) {
            (Some(program), _) => existing(program)?,
            (None, Some(project)) => match self.built(project, &pack.phrases)? {
                Some(program) => program,
                None => return show(&pack.phrases.say("workshop.does_not_build", &[])).map(|()| 1),
            },
            (None, None) => return Err(no_project()),
        };
        let k = context.kernel(Trace::Off, Mode::default())?;
        k.take_signals()?;
        let directory = project.as_ref().map(|project| project.directory.clone());
        let mut ground = Ground::new(&k, &context.paths)?;
        let mut session = Session { check: self, phrases: &pack.phrases, project, judged: Vec::new() };
        let pulls = stages.iter().any(|stage| stage.pulls());
        let judged = (if pulls { ground.serve() } else { Ok(()) })
            .and_then(|()| ground.judge(&k, &program, directory.as_deref(), |bench| session.judge(bench, &stages)));
        // Also after a failure; the first one counts.
        let cleared = ground.clear(&k);
        let exit = judged?;
        cleared.map(|()| Exit::status(exit))
    }

    /// Builds the project. The first time takes long, and cargo then says what it does.
    fn built(&self, project: &Project, phrases: &Phrases) -> Result<Option<PathBuf>> {
        let is_first = !project.is_built();
        if is_first && self.format == "text" {
            show(&phrases.say("workshop.first_build", &[]))?;
        }
        project.build(!is_first)
    }

    /// Which are to be judged: those that are passed, again, and then what is asked for; or
    /// all that is still to come, of which the first counts that can be judged here.
    fn stages<'p>(&self, plan: &'p Plan, project: Option<&Project>) -> Result<Vec<&'p Stage>> {
        let is_passed = |stage: &&Stage| project.is_some_and(|project| project.passed(&stage.name).is_some());
        let asked: Vec<&Stage> = match &self.stage {
            Some(name) => vec![plan.stage(name)?],
            None if self.all || project.is_none() => return Ok(plan.stages.iter().collect()),
            None => plan.stages.iter().filter(|stage| !is_passed(stage)).collect(),
        };
        let is_asked = |stage: &Stage| asked.iter().any(|asked| asked.name == stage.name);
        let again = plan.stages.iter().filter(|stage| is_passed(stage) && !is_asked(stage));
        Ok(again.chain(asked.iter().copied()).collect())
    }

    /// True if this stage is named.
    fn names(&self, stage: &Stage) -> bool {
        self.stage.as_ref().is_some_and(|name| *name == stage.name || *name == stage.number.to_string())
    }
}

/// One `check`, in the judge.
struct Session<'a> {
    check: &'a Check,
    phrases: &'a Phrases,
    project: Option<Project>,
    judged: Vec<Judged<'a>>,
}

impl<'a> Session<'a> {
    /// Judges the stages, and tells; the exit status.
    fn judge(&mut self, bench: &Bench<'_>, stages: &[&'a Stage]) -> Result<i32> {
        let is_text = self.check.format == "text";
        for stage in stages {
            let findings = judge(bench, stage)?;
            let skipped = findings.iter().all(|finding| finding.state == State::Skipped);
            let failed = findings.iter().any(|finding| matches!(finding.state, State::Failed | State::Unreached));
            let passed = !failed && !skipped;
            let is_asked = self.check.all || self.check.names(stage);
            let again = !is_asked && self.project.as_ref().is_some_and(|project| project.passed(&stage.name).is_some());
            if let Some(project) = self.project.as_mut().filter(|_| passed) {
                project.pass(&stage.name)?;
            }
            let judged = Judged { stage: &stage.name, passed, skipped, again, findings };
            if is_text {
                self.tell(stage, &judged)?;
            }
            self.judged.push(judged);
            // Without a project nobody knows how far it is: as far as this.
            let ends = if self.project.is_none() { failed } else { !again && !skipped };
            if ends && !self.check.all {
                break;
            }
        }
        if !is_text {
            output::json(&self.judged)?;
        }
        let none_failed = self.judged.iter().all(|judged| judged.passed || judged.skipped);
        if is_text && none_failed {
            self.tell_end(stages)?;
        }
        Ok(i32::from(!none_failed))
    }

    fn tell(&self, stage: &Stage, judged: &Judged<'_>) -> Result<()> {
        let values: [(&str, &dyn std::fmt::Display); 4] =
            [("number", &stage.number), ("stage", &stage.name), ("title", &stage.title), ("file", &stage.file)];
        if judged.again && judged.passed {
            return show(&self.phrases.say("workshop.still_passed", &values));
        }
        show(&self.phrases.say("workshop.stage", &values))?;
        output::print(&page::findings(self.phrases, &judged.findings, columns()))?;
        let key = match (judged.passed, judged.again) {
            _ if judged.skipped => return Ok(()),
            (true, _) => return show(&stage.debrief),
            (false, true) => "workshop.regression",
            (false, false) => "workshop.not_yet",
        };
        show(&self.phrases.say(key, &values))
    }

    /// What comes next, when nothing is wrong.
    fn tell_end(&self, stages: &[&Stage]) -> Result<()> {
        let Some(project) = &self.project else { return Ok(()) };
        let last = self.judged.last().map_or("", |judged| judged.stage);
        let key = match (project.passed(last).is_some(), self.judged.len() == stages.len()) {
            (false, _) => "workshop.skipped",
            (true, true) if self.check.stage.is_none() => "workshop.finished",
            (true, _) => "workshop.done",
        };
        show(&self.phrases.say(key, &[("stage", &last)]))
    }
}

fn no_project() -> Error {
    Error::usage("there is no workshop here")
        .hint("`boxlab workshop init DIR` begins one; then run this in DIR, or with --directory DIR.")
}

/// The program, by its absolute path: it is started elsewhere.
fn existing(program: &Path) -> Result<PathBuf> {
    program.canonicalize().or_fail(|| format!("cannot find the program {}", program.display()))
}

/// Text in Markdown.
fn show(text: &str) -> Result<()> {
    output::print(&format!("{}\n", markdown::render(text, columns())))
}

/// As many as read well.
fn columns() -> usize {
    width(std::io::stdout()).min(80)
}
