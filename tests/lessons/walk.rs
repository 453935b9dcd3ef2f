//! A learner made of keys: walks through a lesson on a real terminal, opens every shell and
//! types what the lesson suggests.

use std::process::Command;

use boxlab::learn::pack::{Lesson, Step, Try};
use rexpect::session::{PtySession, spawn_command};

use crate::common::trials::Verdict;
use crate::support;

/// How long a slow machine may take for a demo, in milliseconds.
const PATIENCE: Option<u64> = Some(60_000);
/// What stands before the cursor when a key is wanted.
const PROMPT: &str = " > ";

/// A lesson under way.
pub struct Walker {
    session: PtySession,
    /// All that was shown so far.
    seen: String,
}

impl Walker {
    pub fn start(arguments: &[&str], root: &std::path::Path) -> Result<Self, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boxlab"));
        command.args(arguments).env("BOXLAB_ROOT", root).env("XDG_CONFIG_HOME", root).env("SHELL", "/bin/bash");
        command.env("PS1", "in the shell$ ").env_remove("BOXLAB_TRACE").env("LANG", "C.UTF-8").env("TERM", "dumb");
        let session = spawn_command(command, PATIENCE).map_err(|error| error.to_string())?;
        Ok(Self { session, seen: String::new() })
    }

    pub fn until(&mut self, text: &str) -> Result<String, String> {
        let shown = self.session.exp_string(text).map_err(|error| {
            let last: String = self.seen.chars().rev().take(1500).collect::<Vec<_>>().into_iter().rev().collect();
            format!("waiting for '{text}': {error}\nbefore that:\n{last}")
        })?;
        self.seen.push_str(&shown);
        self.seen.push_str(text);
        Ok(shown)
    }

    /// Waits until a key is wanted, and presses it.
    pub fn press(&mut self, key: &str) -> Result<(), String> {
        self.until(PROMPT)?;
        self.session.send_line(key).map(drop).map_err(|error| error.to_string())
    }

    pub fn control(&mut self, letter: char) -> Result<(), String> {
        self.until(PROMPT)?;
        self.session.send_control(letter).map_err(|error| error.to_string())
    }

    /// `kill -9`
    pub fn kill(mut self) -> Result<(), String> {
        let killed = self.session.process_mut().kill(rexpect::process::Signal::SIGKILL);
        killed.map(drop).map_err(|error| error.to_string())
    }

    /// Its exit status.
    pub fn end(mut self) -> Result<(i32, String), String> {
        let rest = self.session.exp_eof().map_err(|error| error.to_string())?;
        self.seen.push_str(&rest);
        match self.session.process().wait() {
            Ok(rexpect::process::WaitStatus::Exited(_, status)) => Ok((status, self.seen)),
            other => Err(format!("{other:?}")),
        }
    }

    /// Opens the shell of a `try`, types, and leaves it.
    fn try_it(&mut self, tried: &Try) -> Result<(), String> {
        self.press("")?;
        let mut lines = tried.types.clone();
        lines.push("exit".to_owned());
        for line in &lines {
            self.session.send_line(line).map_err(|error| error.to_string())?;
        }
        let shown = self.until("Back in the lesson.")?;
        match tried.shows.iter().find(|text| !shown.contains(*text)) {
            Some(text) => Err(format!("'{}' does not show '{text}':\n{shown}", tried.section)),
            None => self.press(""),
        }
    }

    fn step(&mut self, step: &Step, works_here: bool) -> Result<(), String> {
        match step {
            Step::Teacher(_) => Ok(()),
            Step::Quiz(_) => {
                self.press("2")?;
                self.press("")
            }
            Step::Demo(demo) if demo.predict.is_some() => {
                self.press("1")?;
                self.press("")
            }
            Step::Text(_) | Step::Demo(_) | Step::Look(_) => self.press(""),
            Step::Try(Try { run: Some(_), .. }) if !works_here => self.press(""),
            Step::Try(tried) => self.try_it(tried),
            // Exercises are tested by themselves.
            Step::Task(_) => self.press("n"),
        }
    }
}

/// From the first step to the last.
pub fn walk(lesson: &Lesson) -> Verdict {
    let root = support::scratch(&format!("walk-{}", lesson.name));
    let mut walker = Walker::start(&["lesson", "run", &lesson.name, "--plain"], &root)?;
    let doctor: Vec<&str> = ["doctor", "--format", "json"].into_iter().chain(needs(lesson)).collect();
    let works_here = lesson.needs.is_empty() || !support::stdout(&doctor).is_ok_and(|said| said.contains("cannot"));
    for step in &lesson.steps {
        walker.step(step, works_here).map_err(|error| format!("at {}: {error}", step.id()))?;
    }
    let (status, seen) = walker.end()?;
    let odd = ["expected to end with status", "boxlab: ", "\u{1b}["];
    if let Some(odd) = odd.iter().find(|odd| seen.contains(**odd) && !is_meant(lesson, odd)) {
        return Err(format!("{odd:?} was shown:\n{seen}"));
    }
    let progress = std::fs::read_to_string(root.join("progress.json")).map_err(|error| error.to_string())?;
    match status == 0 && progress.contains("\"done\"") {
        true => Ok(()),
        false => Err(format!("it ended with {status}, and remembers {progress}\n{seen}")),
    }
}

fn needs(lesson: &Lesson) -> impl Iterator<Item = &str> {
    lesson.needs.iter().map(String::as_str)
}

/// Whether a demo shows it on purpose.
fn is_meant(lesson: &Lesson, text: &str) -> bool {
    let fails = |step: &Step| matches!(step, Step::Demo(demo) if demo.status != 0 || demo.run.contains("||"));
    text == "boxlab: " && lesson.steps.iter().any(fails)
}
