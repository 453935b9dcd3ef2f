//! A lesson under way: its steps one after the other, at the learner's pace.
//!
//! What is shown is what happens: a demo is the real command, with its own narration, and what it
//! must show is compared with what it did (`verify.rs`; on a terminal, its exit status).

use super::desk::{Desk, ENTER, Key};
use super::host::{Host, Missing, Staying};
use super::pack::{Demo, Lesson, Look, Quiz, Step, Try};
use super::progress::Progress;
use crate::catalog::CATALOG;
use crate::error::Result;
use jiff::Timestamp;

/// How a lesson is run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// From this step on (its number, from 1), whatever was done before.
    pub from: Option<usize>,
    /// With the notes for the teacher.
    pub teacher: bool,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its last step is done.
    Done,
    /// The learner has left.
    Left,
}

/// Where to go after a step.
enum Next {
    On,
    Back,
    Leave,
}

impl Next {
    /// The keys that mean the same everywhere.
    fn of(key: char) -> Option<Self> {
        match key {
            'n' => Some(Self::On),
            'b' => Some(Self::Back),
            'q' => Some(Self::Leave),
            _ => None,
        }
    }
}

/// A lesson, and all that it takes.
pub struct Run<'a, 'd> {
    /// Which.
    pub lesson: &'a Lesson,
    /// Who is spoken with.
    pub desk: &'a mut Desk<'d>,
    /// Where commands are run.
    pub host: &'a Host<'a>,
    /// What is remembered.
    pub progress: &'a mut Progress,
    /// How.
    pub options: Options,
    missing: Vec<Missing>,
    staying: Option<Staying>,
    place: String,
}

const GO_ON: [Key; 3] = [(ENTER, "keys.next"), ('b', "keys.back"), ('q', "keys.quit")];
const AGAIN: [Key; 4] = [(ENTER, "keys.next"), ('r', "keys.again"), ('b', "keys.back"), ('q', "keys.quit")];
const PAUSING: [Key; 5] =
    [(ENTER, "keys.next"), ('r', "keys.again"), ('p', "keys.pausing"), ('b', "keys.back"), ('q', "keys.quit")];

impl<'a, 'd> Run<'a, 'd> {
    /// `missing` is what does not work here of all that it needs.
    pub fn new(
        lesson: &'a Lesson,
        desk: &'a mut Desk<'d>,
        host: &'a Host<'a>,
        progress: &'a mut Progress,
        missing: Vec<Missing>,
        options: Options,
    ) -> Self {
        Self { lesson, desk, host, progress, options, missing, staying: None, place: String::new() }
    }

    /// Runs it to its end, or until the learner leaves.
    pub fn run(&mut self) -> Result<End> {
        let lesson = self.lesson;
        self.desk.say("lesson.title", &[("title", &lesson.title), ("minutes", &lesson.minutes)])?;
        for missing in &self.missing {
            let Missing { command, why, remedy, .. } = missing;
            self.desk.say("lesson.missing", &[("command", command), ("why", why), ("remedy", remedy)])?;
        }
        let steps: Vec<&Step> =
            lesson.steps.iter().filter(|step| self.options.teacher || !matches!(step, Step::Teacher(_))).collect();
        let mut index = self.begin_at(&steps)?;
        while let Some(step) = steps.get(index) {
            self.place = format!("[{}/{}]", index + 1, steps.len());
            match self.step(step)? {
                Next::On => {
                    self.progress.lesson(&lesson.name).steps.insert(step.id());
                    self.progress.save()?;
                    index += 1;
                }
                Next::Back => index = index.saturating_sub(1),
                Next::Leave => {
                    self.desk.say("lesson.left", &[("lesson", &lesson.name)])?;
                    return Ok(End::Left);
                }
            }
        }
        self.staying = None;
        self.progress.lesson(&lesson.name).done = Some(Timestamp::now());
        self.progress.save()?;
        self.desk.say("lesson.done", &[("title", &lesson.title)])?;
        Ok(End::Done)
    }

    /// The first step that is not done, or the one that was asked for.
    fn begin_at(&mut self, steps: &[&Step]) -> Result<usize> {
        let known = self.progress.lesson(&self.lesson.name);
        if let Some(from) = self.options.from {
            return Ok(from.saturating_sub(1).min(steps.len().saturating_sub(1)));
        }
        let first = steps.iter().position(|step| !known.steps.contains(&step.id()));
        match first {
            Some(first) if first > 0 => {
                // What a demo has left running, a later step looks at: begin with that demo.
                let stays = |step: &&Step| matches!(step, Step::Demo(demo) if demo.stays);
                let looks = |step: &&Step| matches!(step, Step::Look(_));
                let begin = match steps.get(first).filter(|step| looks(step)) {
                    Some(_) => steps[..first].iter().rposition(stays).unwrap_or(first),
                    None => first,
                };
                self.desk.say("lesson.resumed", &[("step", &(begin + 1))])?;
                Ok(begin)
            }
            _ => Ok(0),
        }
    }

    fn step(&mut self, step: &Step) -> Result<Next> {
        match step {
            Step::Text(section) => self.section(section)?,
            Step::Teacher(section) => {
                self.desk.say("lesson.teacher", &[])?;
                self.section(section)?;
            }
            Step::Demo(demo) => return self.demo(demo),
            Step::Try(tried) => return self.try_it(tried),
            Step::Look(look) => self.look(look)?,
            Step::Quiz(quiz) => {
                let answer = self.desk.choose(quiz)?;
                self.judge(quiz, answer)?;
            }
            Step::Task(exercise) => return self.task(exercise),
        }
        self.go_on(&GO_ON)
    }

    fn go_on(&mut self, keys: &[Key]) -> Result<Next> {
        Ok(Next::of(self.desk.key(&self.place, keys)?).unwrap_or(Next::On))
    }

    fn section(&self, name: &str) -> Result<()> {
        self.desk.show(self.lesson.section(name))
    }

    fn judge(&mut self, quiz: &Quiz, answer: Option<usize>) -> Result<()> {
        let right = quiz.answers.iter().find(|answer| answer.right);
        let Some(given) = answer.and_then(|index| quiz.answers.get(index)) else {
            let (text, because) = right.map_or(("", ""), |right| (&right.text, &right.because));
            return self.desk.say("quiz.solution", &[("answer", &text), ("because", &because)]);
        };
        let known = self.progress.lesson(&self.lesson.name);
        let key = if given.right {
            known.right += 1;
            "quiz.right"
        } else {
            known.wrong += 1;
            "quiz.wrong"
        };
        self.desk.say(key, &[("because", &given.because)])?;
        match right.filter(|_| !given.right) {
            Some(right) => self.desk.say("quiz.solution", &[("answer", &right.text), ("because", &right.because)]),
            None => Ok(()),
        }
    }

    fn demo(&mut self, demo: &Demo) -> Result<Next> {
        self.staying = None;
        let line = match (self.missing.is_empty(), &demo.instead) {
            (true, _) => demo.run.as_str(),
            (false, Some(instead)) => instead,
            (false, None) => {
                self.desk.command(&demo.run)?;
                self.desk.say("lesson.not_here", &[])?;
                return self.go_on(&GO_ON);
            }
        };
        let guess = match &demo.predict {
            Some(quiz) => self.desk.choose(quiz)?,
            None => None,
        };
        self.desk.command(line)?;
        self.run_demo(demo, line)?;
        if let Some(quiz) = &demo.predict {
            self.judge(quiz, guess)?;
        }
        let pausing = pausing(line);
        let keys: &[Key] = if self.staying.is_some() {
            &GO_ON
        } else if pausing.is_some() {
            &PAUSING
        } else {
            &AGAIN
        };
        loop {
            let again = match self.desk.key(&self.place, keys)? {
                'r' => line,
                'p' => pausing.as_deref().unwrap_or(line),
                key => return Ok(Next::of(key).unwrap_or(Next::On)),
            };
            self.desk.command(again)?;
            self.host.run(again)?;
        }
    }

    fn run_demo(&mut self, demo: &Demo, line: &str) -> Result<()> {
        if demo.stays && line == demo.run {
            let (staying, first) = self.host.start(line)?;
            self.desk.line(first.trim_end())?;
            self.staying = Some(staying);
            return self.desk.say("lesson.stays", &[]);
        }
        let status = self.host.run(line)?;
        self.desk.line("")?;
        if status != demo.status && line == demo.run {
            return self.desk.say("lesson.other_status", &[("expected", &demo.status), ("found", &status)]);
        }
        Ok(())
    }

    fn look(&mut self, look: &Look) -> Result<()> {
        self.section(&look.section)?;
        let Some(staying) = &self.staying else { return self.desk.say("lesson.not_here", &[]) };
        let line = look.run.replace("{pid}", &staying.pid.to_string());
        self.desk.command(&line)?;
        self.host.run(&line)?;
        self.desk.line("")
    }

    fn try_it(&mut self, tried: &Try) -> Result<Next> {
        self.section(&tried.section)?;
        if tried.run.is_some() && !self.missing.is_empty() {
            self.desk.say("lesson.not_here", &[])?;
            return self.go_on(&GO_ON);
        }
        if self.desk.is_hurried() {
            return Ok(Next::On);
        }
        let before: [Key; 4] = [(ENTER, "keys.shell"), ('n', "keys.next"), ('b', "keys.back"), ('q', "keys.quit")];
        let after: [Key; 4] = [(ENTER, "keys.next"), ('r', "keys.shell"), ('b', "keys.back"), ('q', "keys.quit")];
        let key = self.desk.key(&self.place, &before)?;
        if key != ENTER || self.desk.is_hurried() {
            return Ok(Next::of(key).unwrap_or(Next::On));
        }
        loop {
            self.host.run(tried.run.as_deref().unwrap_or("exec \"${SHELL:-/bin/sh}\""))?;
            self.desk.say("lesson.back_from_shell", &[])?;
            match self.desk.key(&self.place, &after)? {
                'r' => {}
                key => return Ok(Next::of(key).unwrap_or(Next::On)),
            }
        }
    }

    /// The exercise has its own commands: they are used here as anywhere.
    fn task(&mut self, exercise: &str) -> Result<Next> {
        let name = format!("{}/{exercise}", self.lesson.name);
        self.desk.say("lesson.task", &[("exercise", &name)])?;
        if self.desk.is_hurried() {
            return Ok(Next::On);
        }
        let begin: [Key; 4] = [(ENTER, "keys.start"), ('n', "keys.later"), ('b', "keys.back"), ('q', "keys.quit")];
        let after: [Key; 6] = [
            (ENTER, "keys.check"),
            ('s', "keys.shell"),
            ('h', "keys.hint"),
            ('n', "keys.later"),
            ('b', "keys.back"),
            ('q', "keys.quit"),
        ];
        let mut keys: &[Key] = &begin;
        loop {
            let key = self.desk.key(&self.place, keys)?;
            let command = match (Next::of(key), key) {
                (Some(next), _) => return Ok(next),
                _ if self.desk.is_hurried() => return Ok(Next::On),
                (None, 's') => "start",
                (None, 'h') => "hint",
                _ if keys.len() == begin.len() => "start",
                _ => "check",
            };
            let words = ["boxlab", "exercise", command, name.as_str()].map(Into::into);
            let status = self.host.run_program(&words)?;
            if command == "check" && status == 0 {
                return self.go_on(&GO_ON);
            }
            keys = &after;
        }
    }
}

/// The same command with `--pause`, if it is one that can pause.
fn pausing(line: &str) -> Option<String> {
    let rest = line.strip_prefix("boxlab ")?;
    let row = CATALOG
        .iter()
        .find(|row| rest.strip_prefix(row.command).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))?;
    let pauses = ["ns ", "mount ", "cgroup ", "security ", "run"];
    let can = pauses.iter().any(|group| row.command.starts_with(group)) && !row.command.ends_with(" ls");
    let after = rest.strip_prefix(row.command)?;
    can.then(|| format!("boxlab {} --pause{after}", row.command))
}

#[cfg(test)]
mod tests {
    use super::pausing;

    #[test]
    fn lab_commands_can_pause() {
        assert_eq!(pausing("boxlab ns uts -- id").as_deref(), Some("boxlab ns uts --pause -- id"));
        assert_eq!(pausing("boxlab run host id").as_deref(), Some("boxlab run --pause host id"));
        assert_eq!(pausing("boxlab ns ls"), None);
        assert_eq!(pausing("boxlab images"), None);
        assert_eq!(pausing("lsns"), None);
    }
}
