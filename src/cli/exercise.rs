//! `boxlab exercise`: start one, have it checked, get a hint, end it.

mod arguments;
mod verify;

use dialoguer::Confirm;
use jiff::Timestamp;
use serde::Serialize;

pub use arguments::ExerciseCommand;
use arguments::Skip;

use super::Trace;
use super::context::{Context, draws, width};
use super::learn::Room;
use super::output;
use crate::error::{Error, Result};
use crate::kernel::{CloneFlags, Mode, euid, is_terminal, is_terminal_input};
use crate::learn::exercise::definition;
use crate::learn::exercise::watch::{End, Watch};
use crate::learn::exercise::{Exercise, Place, Site, page};
use crate::learn::host::{Missing, missing};
use crate::learn::progress::{ExerciseProgress, Progress};
use crate::learn::{Pack, markdown};

/// An exercise in a list.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    title: String,
    minutes: u32,
    state: &'static str,
    #[serde(flatten)]
    progress: ExerciseProgress,
}

impl ExerciseCommand {
    /// Does what was asked for.
    pub fn run(self, context: &Context) -> Result<i32> {
        context.color_the_result();
        match self {
            Self::Ls(command) => command.room.open(context, |class| class.list(&command.format)),
            Self::Start(command) => command.room.open(context, |class| class.start(&command.name, command.no_shell)),
            Self::Check(command) => {
                command.room.open(context, |class| class.check(command.name.as_deref(), &command.format))
            }
            Self::Hint(command) => command.room.open(context, |class| class.hint(command.name.as_deref())),
            Self::Watch(command) => {
                command.room.open(context, |class| class.watch(command.name.as_deref(), command.plain))
            }
            Self::Solution(command) => {
                command.room.open(context, |class| class.solution(command.name.as_deref(), command.yes))
            }
            Self::Reset(command) => command.room.open(context, |class| class.reset(command.name.as_deref())),
            Self::Stop(command) => command.room.open(context, |class| class.stop(command.name.as_deref(), command.all)),
            Self::Skip(command) => command.room.open(context, |class| class.skip(&command)),
            Self::Verify(command) => command.room.open(context, |class| class.verify(&command)),
        }
    }
}

impl Room {
    /// Opens the lessons, and does something with their exercises.
    fn open(&self, context: &Context, work: impl FnOnce(&Class<'_>) -> Result<i32>) -> Result<i32> {
        let pack = self.pack()?;
        let k = context.kernel(Trace::Off, Mode::default())?;
        let site = Site {
            k: &k,
            paths: &context.paths,
            phrases: &pack.phrases,
            root: context.root(),
            lessons: self.lessons.as_deref(),
        };
        work(&Class { context, pack: &pack, site: &site })
    }
}

/// What all commands work with.
struct Class<'a> {
    context: &'a Context,
    pack: &'a Pack,
    site: &'a Site<'a>,
}

impl<'a> Class<'a> {
    /// Text in Markdown, by its key in `phrases.toml`.
    fn say(&self, key: &str, values: &[(&str, &dyn std::fmt::Display)]) -> Result<()> {
        show(&self.pack.phrases.say(key, values))
    }

    fn progress(&self, change: impl FnOnce(&mut Progress)) -> Result<Progress> {
        let mut progress = Progress::open(self.context.root())?;
        change(&mut progress);
        progress.save()?;
        Ok(progress)
    }

    fn read(&self, name: &str) -> Result<Exercise> {
        Exercise::read(self.pack, &definition::find(self.pack, name)?)
    }

    /// The one that is meant, and where it is done.
    fn under_way(&self, name: Option<&str>) -> Result<(Exercise, Place<'a>)> {
        let Some(name) = name else {
            let place = Place::all(self.site)?.into_iter().next();
            let place = place.ok_or_else(|| {
                let error = Error::usage("no exercise is started");
                error.hint("`boxlab exercise ls` lists them, `boxlab exercise start NAME` starts one.")
            })?;
            return Ok((self.read(place.name())?, place));
        };
        let exercise = self.read(name)?;
        let name = &exercise.name.text;
        let place = Place::open(self.site, name)?.ok_or_else(|| {
            let error = Error::usage(format!("the exercise {name} is not started"));
            error.hint(format!("`boxlab exercise start {name}` starts it."))
        })?;
        Ok((exercise, place))
    }

    fn list(&self, format: &str) -> Result<i32> {
        let progress = Progress::open(self.context.root())?;
        let started: Vec<String> = Place::all(self.site)?.iter().map(|place| place.name().to_owned()).collect();
        let mut lines = Vec::new();
        for name in definition::list(self.pack)? {
            let exercise = Exercise::read(self.pack, &name)?;
            let known = progress.exercises.get(&name.text).cloned().unwrap_or_default();
            let state = match &known {
                _ if started.contains(&name.text) => "started",
                known if known.done.is_some() => "done",
                known if known.skipped.is_some() => "skipped",
                _ => "open",
            };
            let definition::Definition { title, minutes, .. } = exercise.definition;
            lines.push(Line { name: name.text, title, minutes, state, progress: known });
        }
        if format == "json" {
            return output::json(&lines).map(|()| 0);
        }
        let mut text = String::new();
        for line in &lines {
            let state = self.pack.phrases.say(&format!("state.{}", line.state), &[]);
            text.push_str(&format!("{state:<8} {:>3} min  {:<24} {}\n", line.minutes, line.name, line.title));
        }
        output::print(&text).map(|()| 0)
    }

    fn start(&self, name: &str, no_shell: bool) -> Result<i32> {
        let exercise = self.read(name)?;
        let name = &exercise.name.text;
        self.site.k.take_signals()?;
        let place = match Place::open(self.site, name)? {
            Some(place) => {
                self.say("exercise.continued", &[("name", name)])?;
                place
            }
            None => {
                self.works_here(&exercise)?;
                Place::start(self.site, &exercise)?
            }
        };
        let task = format!("# {}\n\n{}", exercise.definition.title, exercise.task);
        show(&task)?;
        let is_inside = std::env::var(crate::ledger::TOKEN).is_ok_and(|token| token == place.token());
        if no_shell || !is_terminal() || is_inside {
            self.say("exercise.where", &[("directory", &place.directory().display()), ("token", &place.token())])?;
            return self.say("exercise.commands", &[]).map(|()| 0);
        }
        self.say("exercise.commands", &[])?;
        self.say("exercise.shell", &[])?;
        let program = place.shell()?;
        let directory = place.directory();
        let mut shell = self.site.k.clone3_untied("shell", CloneFlags::empty(), |k| {
            k.chdir(&directory)?;
            k.execve(&program)
        })?;
        self.site.k.watch(&mut shell)?;
        self.say("exercise.left", &[("name", name)])?;
        Ok(0)
    }

    /// An error if it can't be done here, with the reason.
    fn works_here(&self, exercise: &Exercise) -> Result<()> {
        match self.obstacle(exercise)? {
            None => Ok(()),
            Some((why, remedy)) => {
                let error = Error::new(format!("the exercise {} can't be done here: {why}", exercise.name.text));
                Err(error
                    .hint(remedy)
                    .hint(format!("`boxlab exercise skip {} --because TEXT` passes over it.", exercise.name.text)))
            }
        }
    }

    /// Why it can't be done here, and what would help.
    fn obstacle(&self, exercise: &Exercise) -> Result<Option<(String, String)>> {
        if exercise.definition.root && euid() != 0 {
            return Ok(Some(("only root can do it".to_owned(), "Run boxlab as root.".to_owned())));
        }
        let missing = missing(&exercise.definition.needs, self.site.root)?;
        let put =
            |missing: Missing| (format!("`boxlab {}` does not work: {}", missing.command, missing.why), missing.remedy);
        Ok(missing.into_iter().next().map(put))
    }

    fn check(&self, name: Option<&str>, format: &str) -> Result<i32> {
        let (exercise, mut place) = self.under_way(name)?;
        let name = &exercise.name.text;
        let judgement = place.judge(&exercise)?;
        self.progress(|progress| {
            let known = progress.exercise(name);
            known.checks += 1;
            if judgement.passed() {
                known.done.get_or_insert_with(Timestamp::now);
            }
        })?;
        if format == "json" {
            output::json(&judgement)?;
        } else {
            output::print(&page::judgement(&self.pack.phrases, &judgement, columns()))?;
            if judgement.passed() {
                self.say("exercise.passed", &[("title", &exercise.definition.title)])?;
                show(&exercise.debrief)?;
                self.say("exercise.after", &[("name", name)])?;
            } else {
                self.say("exercise.not_yet", &[])?;
            }
        }
        Ok(i32::from(!judgement.passed()))
    }

    fn hint(&self, name: Option<&str>) -> Result<i32> {
        let (exercise, place) = self.under_way(name)?;
        let (number, text) = Progress::open(self.context.root())?.next_hint(&exercise)?;
        let (count, text) = (exercise.definition.hints.len(), place.scene(&exercise).fill(&text));
        self.say("exercise.hint", &[("number", &number), ("count", &count), ("text", &text)])?;
        if number == count {
            self.say("exercise.last_hint", &[])?;
        }
        Ok(0)
    }

    fn watch(&self, name: Option<&str>, plain: bool) -> Result<i32> {
        self.site.k.take_signals()?;
        let (mut exercise, mut place) = self.under_way(name)?;
        let plain = plain || !draws(std::io::stdout());
        loop {
            let mut progress = Progress::open(self.context.root())?;
            let next = self.after(&exercise.name.text, &progress)?;
            let site = self.site;
            let mut watch = Watch {
                site,
                exercise: &exercise,
                progress: &mut progress,
                next: next.clone(),
                plain,
                width: columns(),
            };
            match (watch.run(&mut place)?, next) {
                (End::Next, Some(next)) => {
                    exercise = self.read(&next)?;
                    place = match Place::open(self.site, &next)? {
                        Some(place) => place,
                        None => {
                            self.works_here(&exercise)?;
                            Place::start(self.site, &exercise)?
                        }
                    };
                    self.say(
                        "exercise.where",
                        &[("directory", &place.directory().display()), ("token", &place.token())],
                    )?;
                }
                (End::Left(done), _) => return Ok(i32::from(!done)),
                (End::Next, None) => return Ok(0),
            }
        }
    }

    /// The first exercise behind this one that is neither done nor passed over.
    fn after(&self, name: &str, progress: &Progress) -> Result<Option<String>> {
        let settled = |name: &String| {
            progress.exercises.get(name).is_some_and(|known| known.done.is_some() || known.skipped.is_some())
        };
        let names = definition::list(self.pack)?.into_iter().map(|name| name.text);
        Ok(names.skip_while(|other| other != name).skip(1).find(|name| !settled(name)))
    }

    fn solution(&self, name: Option<&str>, yes: bool) -> Result<i32> {
        let (exercise, _) = self.under_way(name)?;
        if !yes {
            if !is_terminal_input() {
                return Err(Error::new("the solution is not shown, since there is no terminal to ask on")
                    .hint("`boxlab exercise solution --yes` shows it."));
            }
            let prompt = self.pack.phrases.say("exercise.solution_ask", &[]);
            let asked = Confirm::new().with_prompt(prompt).default(false).interact_opt();
            let agreed = asked.map_err(|error| Error::new(format!("cannot ask: {error}")))?;
            if !agreed.unwrap_or(false) {
                return Ok(1);
            }
        }
        self.progress(|progress| progress.exercise(&exercise.name.text).solution = true)?;
        output::print(&exercise.solution).map(|()| 0)
    }

    fn reset(&self, name: Option<&str>) -> Result<i32> {
        let (exercise, mut place) = self.under_way(name)?;
        place.reset(&exercise)?;
        self.say("exercise.reset", &[("name", &exercise.name.text)]).map(|()| 0)
    }

    fn stop(&self, name: Option<&str>, all: bool) -> Result<i32> {
        let places = match (name, all) {
            (_, true) => Place::all(self.site)?,
            (Some(name), _) => {
                let name = self.read(name).map(|exercise| exercise.name.text)?;
                vec![self.under_way(Some(&name))?.1]
            }
            (None, _) => vec![self.under_way(None)?.1],
        };
        for place in places {
            let name = place.name().to_owned();
            place.stop()?;
            self.say("exercise.stopped", &[("name", &name)])?;
        }
        Ok(0)
    }

    fn skip(&self, skip: &Skip) -> Result<i32> {
        let exercise = self.read(&skip.name)?;
        let name = &exercise.name.text;
        if skip.prepare {
            self.works_here(&exercise)?;
            let place = match Place::open(self.site, name)? {
                Some(mut place) => {
                    place.reset(&exercise)?;
                    place
                }
                None => Place::start(self.site, &exercise)?,
            };
            place.must("solution.sh", &exercise.solution)?;
            self.say("exercise.prepared", &[("name", name), ("directory", &place.directory().display())])?;
        }
        self.progress(|progress| progress.exercise(name).skipped = Some(skip.because.clone()))?;
        self.say("exercise.skipped", &[("name", name)]).map(|()| 0)
    }
}

fn show(text: &str) -> Result<()> {
    output::print(&format!("{}\n", markdown::render(text, columns())))
}

/// As many as read well.
fn columns() -> usize {
    width(std::io::stdout()).min(80)
}
