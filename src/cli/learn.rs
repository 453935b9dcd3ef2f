//! `boxlab learn`: the guided path. `boxlab lesson`: its lessons one by one.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use colored::Colorize;
use jiff::ZonedDateTime;
use jiff::civil::Time;
use serde::Serialize;

use super::Trace;
use super::context::{Context, width};
use super::output;
use crate::error::{Error, Result};
use crate::kernel::{Kernel, Mode};
use crate::learn::desk::{Desk, ENTER, Manner};
use crate::learn::host::{Host, missing};
use crate::learn::lesson::{End, Options, Run};
use crate::learn::pack::{Lesson, Step};
use crate::learn::progress::Progress;
use crate::learn::verify::{Verdict, verify};
use crate::learn::{Pack, markdown};

/// What all commands of the classroom take.
#[derive(Debug, Clone, Args)]
pub struct Room {
    /// Other lessons than those that come with boxlab
    #[arg(long, env = "BOXLAB_LESSONS", value_name = "DIR")]
    pub lessons: Option<PathBuf>,
}

impl Room {
    /// The lessons.
    pub fn pack(&self) -> Result<Pack> {
        Pack::open(self.lessons.as_deref())
    }
}

/// How to be spoken with.
#[derive(Debug, Clone, Args)]
struct Speech {
    /// Nothing but lines of text: for screen readers and slow lines
    #[arg(long)]
    plain: bool,
    /// Wait for nothing
    #[arg(short, long)]
    yes: bool,
    /// Show the notes for the teacher
    #[arg(long)]
    teacher: bool,
}

impl Speech {
    fn manner(&self) -> Manner {
        Manner { plain: self.plain, hurried: self.yes, width: width(std::io::stdout()) }
    }
}

/// The guided path: lessons that run, one after the other; it goes on where you left
#[derive(Debug, Args)]
#[command(after_help = "It can be left at any time (q, or Ctrl-C); what is done is remembered.")]
pub struct Learn {
    /// The lesson to begin with [default: the first that is not done]
    lesson: Option<String>,
    /// The way through the lessons
    #[arg(long, value_name = "TRACK")]
    track: Option<String>,
    /// Plan what fits before a time of day
    #[arg(long, value_name = "HH:MM")]
    until: Option<String>,
    /// Say what is done, and what is next
    #[arg(long, conflicts_with_all = ["lesson", "until"])]
    status: bool,
    /// List the lessons of the track
    #[arg(long, conflicts_with_all = ["lesson", "until", "status"])]
    list: bool,
    /// Pass over the lesson, for this reason
    #[arg(long, value_name = "REASON", requires = "lesson")]
    skip: Option<String>,
    /// Write what you have done into a file (-: print it), for a teacher or another machine
    #[arg(long, value_name = "FILE", conflicts_with = "lesson")]
    export: Option<PathBuf>,
    /// Take over what such a file says (-: read it from standard input)
    #[arg(long, value_name = "FILE", conflicts_with = "lesson")]
    import: Option<PathBuf>,
    #[command(flatten)]
    speech: Speech,
    #[command(flatten)]
    room: Room,
}

/// `boxlab lesson`.
#[derive(Debug, Subcommand)]
pub enum LessonCommand {
    /// The lessons, with their minutes
    Ls(Ls),
    /// The text of a lesson, without running anything
    Show(Show),
    /// Run a lesson
    Run(RunLesson),
    /// For authors: does every demo do what its lesson says?
    Verify(Verify),
}

/// List the lessons
#[derive(Debug, Args)]
pub struct Ls {
    /// Only those of this way through them
    #[arg(long, value_name = "TRACK")]
    track: Option<String>,
    /// `table` or `json`
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
    #[command(flatten)]
    room: Room,
}

/// Show a lesson's text
#[derive(Debug, Args)]
pub struct Show {
    /// Its name
    lesson: String,
    /// Show the notes for the teacher
    #[arg(long)]
    teacher: bool,
    #[command(flatten)]
    room: Room,
}

/// Run a lesson
#[derive(Debug, Args)]
pub struct RunLesson {
    /// Its name
    lesson: String,
    /// Begin with this step, by its number
    #[arg(long, value_name = "STEP")]
    from: Option<usize>,
    #[command(flatten)]
    speech: Speech,
    #[command(flatten)]
    room: Room,
}

/// Try the demos of lessons
#[derive(Debug, Args)]
pub struct Verify {
    /// Their names [default: all]
    names: Vec<String>,
    #[command(flatten)]
    room: Room,
}

/// A lesson in a list.
#[derive(Debug, Serialize)]
struct Line<'a> {
    name: &'a str,
    title: &'a str,
    minutes: u32,
    state: &'static str,
}

impl LessonCommand {
    /// Does what was asked for.
    pub fn run(self, context: &Context) -> Result<i32> {
        match self {
            Self::Ls(ls) => ls.run(context),
            Self::Show(show) => show.run(context),
            Self::Run(run) => run.run(context),
            Self::Verify(verify) => verify.run(context),
        }
    }
}

impl Ls {
    fn run(self, context: &Context) -> Result<i32> {
        let pack = self.room.pack()?;
        let progress = Progress::open(context.root())?;
        let lessons = lessons(&pack, self.track.as_deref())?;
        let lines: Vec<Line<'_>> = lessons.iter().map(|lesson| line(lesson, &progress)).collect();
        if self.format == "json" {
            return output::json(&lines).map(|()| 0);
        }
        context.color_the_result();
        output::print(&list(&pack, &lines)).map(|()| 0)
    }
}

impl Show {
    fn run(self, context: &Context) -> Result<i32> {
        let pack = self.room.pack()?;
        context.color_the_result();
        let lesson = pack.lesson(&self.lesson)?;
        let mut text = format!("# {}\n\n", lesson.title);
        for step in &lesson.steps {
            match step {
                Step::Teacher(_) if !self.teacher => {}
                Step::Demo(demo) => text.push_str(&format!("```\n$ {}\n```\n\n", demo.run)),
                Step::Look(look) => {
                    text.push_str(&format!("{}\n```\n$ {}\n```\n\n", lesson.section(&look.section), look.run));
                }
                Step::Quiz(quiz) => {
                    text.push_str(&format!("{}\n\n", quiz.question));
                    quiz.answers.iter().for_each(|answer| text.push_str(&format!("- {}\n", answer.text)));
                    text.push('\n');
                }
                Step::Task(name) => text.push_str(&format!("`boxlab exercise start {}/{name}`\n\n", lesson.name)),
                Step::Text(section) | Step::Teacher(section) => {
                    text.push_str(&format!("{}\n", lesson.section(section)))
                }
                Step::Try(tried) => text.push_str(&format!("{}\n", lesson.section(&tried.section))),
            }
        }
        output::print(&markdown::render(&text, width(std::io::stdout()).min(80))).map(|()| 0)
    }
}

impl RunLesson {
    fn run(self, context: &Context) -> Result<i32> {
        let pack = self.room.pack()?;
        let mut progress = Progress::open(context.root())?;
        let lesson = pack.lesson(&self.lesson)?;
        let classroom = Classroom { context, pack: &pack, room: &self.room, speech: &self.speech };
        classroom.sit_down(|k, desk| {
            // Asked for by name: from its beginning, though it may be done.
            classroom.lesson(k, lesson, desk, &mut progress, Some(self.from.unwrap_or(1))).map(drop)
        })
    }
}

impl Verify {
    fn run(self, context: &Context) -> Result<i32> {
        let pack = self.room.pack()?;
        context.color_the_result();
        let k = context.kernel(Trace::Off, Mode::default())?;
        k.take_signals()?;
        let chosen: Vec<&Lesson> = match self.names.is_empty() {
            true => pack.lessons.iter().collect(),
            false => self.names.iter().map(|name| pack.lesson(name)).collect::<Result<_>>()?,
        };
        let mut bad = 0;
        for lesson in chosen {
            let host = Host::new(&k, &context.paths, context.root(), self.room.lessons.as_deref())?;
            let missing = missing(&lesson.needs, context.root())?;
            for (step, verdict) in verify(lesson, &host, &missing)? {
                let text = match verdict {
                    Verdict::Good => format!("{} {}: {step}\n", "good".green(), lesson.name),
                    Verdict::Skipped(why) => format!("{} {}: {step}: {why}\n", "skipped".yellow(), lesson.name),
                    Verdict::Bad(why) => {
                        bad += 1;
                        format!("{} {}: {step}: {why}\n", "BAD".red(), lesson.name)
                    }
                };
                output::print(&text)?;
            }
            host.clear()?;
        }
        Ok(i32::from(bad > 0))
    }
}

impl Learn {
    /// Goes on with the guided path, or says where on it one is.
    pub fn run(self, context: &Context) -> Result<i32> {
        let pack = self.room.pack()?;
        let mut progress = Progress::open(context.root())?;
        if let Some(file) = &self.import {
            progress.import(file)?;
        }
        match &self.export {
            Some(file) if file.as_os_str() == "-" => return output::print(&progress.text()?).map(|()| 0),
            Some(file) => progress.write(file)?,
            None => {}
        }
        if let (Some(name), Some(reason)) = (&self.lesson, &self.skip) {
            let lesson = pack.lesson(name)?;
            progress.lesson(&lesson.name).skipped = Some(reason.clone());
            progress.save()?;
            return output::print(&format!("{}\n", pack.phrases.say("learn.skipped", &[("lesson", &lesson.name)])))
                .map(|()| 0);
        }
        let track = self.track.as_deref().or(pack.tracks.first().map(|track| track.name.as_str()));
        let way = lessons(&pack, track)?;
        if self.status || self.list || self.import.is_some() || self.export.is_some() {
            context.color_the_result();
            let lines: Vec<Line<'_>> = way.iter().map(|lesson| line(lesson, &progress)).collect();
            return output::print(&list(&pack, &lines)).map(|()| 0);
        }
        let classroom = Classroom { context, pack: &pack, room: &self.room, speech: &self.speech };
        classroom.sit_down(|k, desk| self.follow(&classroom, k, desk, &way, &mut progress))
    }

    /// One lesson after the other, until the learner leaves or the way ends.
    fn follow(
        &self,
        classroom: &Classroom<'_>,
        k: &Kernel,
        desk: &mut Desk<'_>,
        way: &[&Lesson],
        progress: &mut Progress,
    ) -> Result<()> {
        if progress.lessons.is_empty() {
            desk.say("learn.welcome", &[])?;
        }
        let mut way: Vec<&Lesson> = way.to_vec();
        if let Some(time) = &self.until {
            way.retain(|lesson| !progress.is_settled(&lesson.name));
            way = fitting(desk, way, time)?;
        }
        let mut next = match &self.lesson {
            Some(name) => Some(classroom.pack.lesson(name)?),
            None => way.iter().copied().find(|lesson| !progress.is_settled(&lesson.name)),
        };
        while let Some(lesson) = next {
            if classroom.lesson(k, lesson, desk, progress, None)? == End::Left {
                return Ok(());
            }
            next = way.iter().copied().find(|lesson| !progress.is_settled(&lesson.name));
            let Some(lesson) = next else { break };
            desk.say("learn.next", &[("title", &lesson.title), ("minutes", &lesson.minutes)])?;
            if desk.key("", &[(ENTER, "keys.next"), ('q', "keys.quit")])? == 'q' {
                return Ok(());
            }
        }
        desk.say("learn.end", &[])
    }
}

/// The lessons that can be done by then.
fn fitting<'a>(desk: &Desk<'_>, way: Vec<&'a Lesson>, until: &str) -> Result<Vec<&'a Lesson>> {
    let time: Time = until
        .parse()
        .or_else(|_| format!("{until}:00").parse())
        .map_err(|_| Error::usage(format!("'{until}' is no time of day")).hint("A time of day looks like 11:30."))?;
    let left = minutes_until(time, ZonedDateTime::now().time()).ok_or_else(|| {
        Error::usage(format!("{until} is over")).hint("Give the time of day at which you want to be done.")
    })?;
    let mut sum = 0;
    let fits = |lesson: &&Lesson| {
        sum += i64::from(lesson.minutes);
        sum <= left
    };
    let way: Vec<&Lesson> = way.into_iter().take_while(fits).collect();
    let minutes: u32 = way.iter().map(|lesson| lesson.minutes).sum();
    desk.say("learn.plan", &[("count", &way.len()), ("minutes", &minutes), ("until", &until)])?;
    for lesson in &way {
        desk.line(&format!("  {:>3} min  {:<14} {}", lesson.minutes, lesson.name, lesson.title))?;
    }
    desk.line("")?;
    Ok(way)
}

/// Minutes from now to a time of day; after midnight if that is nearer than it is over.
/// `None`: it is over.
fn minutes_until(time: Time, now: Time) -> Option<i64> {
    const DAY: i64 = 24 * 60;
    match time.duration_since(now).as_mins() {
        left if left >= 0 => Some(left),
        left if left < -DAY / 2 => Some(left + DAY),
        _ => None,
    }
}

/// Where lessons are run.
struct Classroom<'a> {
    context: &'a Context,
    pack: &'a Pack,
    room: &'a Room,
    speech: &'a Speech,
}

impl Classroom<'_> {
    /// Ctrl-C is a way to leave, and no error.
    fn sit_down(&self, work: impl FnOnce(&Kernel, &mut Desk<'_>) -> Result<()>) -> Result<i32> {
        let k = Kernel::new(Box::new(crate::trace::Silent), Mode::default());
        k.take_signals()?;
        self.context.color_the_result();
        let mut desk = Desk::new(&self.pack.phrases, &k, self.speech.manner());
        match work(&k, &mut desk) {
            Ok(()) => Ok(0),
            Err(error) if error.failure().status == 130 => desk.say("learn.interrupted", &[]).map(|()| 130),
            Err(error) => Err(error),
        }
    }

    fn lesson(
        &self,
        k: &Kernel,
        lesson: &Lesson,
        desk: &mut Desk<'_>,
        progress: &mut Progress,
        from: Option<usize>,
    ) -> Result<End> {
        let host = Host::new(k, &self.context.paths, self.context.root(), self.room.lessons.as_deref())?;
        let options = Options { from, teacher: self.speech.teacher };
        let missing = missing(&lesson.needs, self.context.root())?;
        let end = Run::new(lesson, desk, &host, progress, missing, options).run();
        let cleared = host.clear();
        end.and_then(|end| cleared.map(|()| end))
    }
}

/// Those of a track, or all.
fn lessons<'a>(pack: &'a Pack, track: Option<&str>) -> Result<Vec<&'a Lesson>> {
    match track {
        Some(track) => pack.track(track)?.lessons.iter().map(|name| pack.lesson(name)).collect(),
        None => Ok(pack.lessons.iter().collect()),
    }
}

fn line<'a>(lesson: &'a Lesson, progress: &Progress) -> Line<'a> {
    let state = match progress.lessons.get(&lesson.name) {
        Some(known) if known.done.is_some() => "done",
        Some(known) if known.skipped.is_some() => "skipped",
        Some(known) if !known.steps.is_empty() => "begun",
        _ => "open",
    };
    Line { name: &lesson.name, title: &lesson.title, minutes: lesson.minutes, state }
}

fn list(pack: &Pack, lines: &[Line<'_>]) -> String {
    let mut text = String::new();
    for line in lines {
        let state = pack.phrases.say(&format!("state.{}", line.state), &[]);
        text.push_str(&format!("{:<8} {:>3} min  {:<16} {}\n", state, line.minutes, line.name, line.title));
    }
    let minutes = |which: &dyn Fn(&Line<'_>) -> bool| -> u32 {
        lines.iter().filter(|line| which(line)).map(|line| line.minutes).sum()
    };
    let (all, left) = (minutes(&|_| true), minutes(&|line| matches!(line.state, "open" | "begun")));
    text + &pack.phrases.say("state.sum", &[("all", &all), ("left", &left)]) + "\n"
}

#[cfg(test)]
mod tests {
    use super::{Time, minutes_until};

    #[test]
    fn a_time_of_day_is_over_or_still_to_come_also_after_midnight() {
        let time = |text: &str| text.parse::<Time>().expect("a time of day");
        for (now, until, left) in [
            ("09:00:00", "11:30:00", Some(150)),
            ("09:00:00", "09:00:00", Some(0)),
            ("14:00:00", "11:30:00", None),
            ("23:30:00", "01:00:00", Some(90)),
            ("00:06:00", "22:06:00", Some(22 * 60)),
        ] {
            assert_eq!(minutes_until(time(until), time(now)), left, "{now} until {until}");
        }
    }
}
