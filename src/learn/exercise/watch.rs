//! Judging again and again: whenever a file of the sandbox changes, a subject ends, or
//! half a second has passed. It shows which keys do something now, and goes nowhere by itself.

use std::io::{IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use colored::Colorize;
use jiff::Timestamp;

use super::definition::Exercise;
use super::judge::Judgement;
use super::page;
use super::place::{Place, Site};
use crate::error::{IoContext, Result};
use crate::kernel::{Changes, Signal, interrupted};
use crate::learn::desk::read_keys;
use crate::learn::markdown;
use crate::learn::progress::Progress;

/// Where nothing tells of a change, it is looked for this often.
const PULSE: Duration = Duration::from_millis(500);

/// What Ctrl-C and Ctrl-D are in raw mode. ascii(7)
const LEAVING: [u8; 2] = [3, 4];

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The learner has left; true if the exercise is done.
    Left(bool),
    /// The learner wants the next one.
    Next,
}

/// One exercise being watched.
#[derive(Debug)]
pub struct Watch<'a> {
    /// What it takes.
    pub site: &'a Site<'a>,
    /// Which.
    pub exercise: &'a Exercise,
    /// What is remembered of it.
    pub progress: &'a mut Progress,
    /// The name of the one that comes after it.
    pub next: Option<String>,
    /// Nothing but lines: what has changed is said below what was.
    pub plain: bool,
    /// Columns.
    pub width: usize,
}

/// What is on the screen.
#[derive(Debug, Default)]
struct Screen {
    shown: String,
    /// How often the learner has asked.
    asked: u32,
    hint: Option<String>,
    /// It has been done; what is tried afterwards does not take that back.
    done: bool,
}

impl Watch<'_> {
    /// Watches until the learner leaves; without a terminal, until it is done. Signals
    /// must be taken already.
    pub fn run(&mut self, place: &mut Place<'_>) -> Result<End> {
        let stdin = std::io::stdin();
        let has_keys = stdin.is_terminal() && std::io::stdout().is_terminal();
        // Its Drop gives the terminal back, on every way out.
        let raw = (has_keys && !self.plain).then(|| self.site.k.raw_mode(stdin.as_fd())).transpose()?;
        let changes = Changes::of(&place.directory()).ok();
        let mut screen = Screen::default();
        let end = loop {
            let judgement = place.judge(self.exercise)?;
            self.remember(&judgement)?;
            screen.done |= judgement.passed();
            self.draw(&mut screen, &judgement, has_keys, raw.is_some())?;
            if !has_keys && judgement.passed() {
                break End::Left(true);
            }
            let subjects = self.subjects(place);
            let mut files: Vec<BorrowedFd<'_>> = Vec::new();
            files.extend(has_keys.then(|| stdin.as_fd()));
            files.extend(changes.iter().map(AsFd::as_fd));
            files.extend(subjects.iter().map(AsFd::as_fd));
            let ready = self.site.k.first_of(&files, PULSE)?;
            changes.iter().for_each(Changes::forget);
            if has_keys && ready[0] {
                let mut bytes = [0; 64];
                let keys = match read_keys(&mut bytes)? {
                    // The terminal is gone.
                    [] => &LEAVING,
                    keys => &*keys,
                };
                if let Some(end) = self.press(keys, place, &mut screen, &judgement)? {
                    break end;
                }
            }
        };
        if let Some(raw) = raw {
            raw.restore()?;
        }
        Ok(end)
    }

    fn remember(&mut self, judgement: &Judgement) -> Result<()> {
        let known = self.progress.exercise(&self.exercise.name.text);
        if judgement.passed() && known.done.is_none() {
            known.done = Some(Timestamp::now());
            self.progress.save()?;
        }
        Ok(())
    }

    /// Descriptors of the subjects: they can be read when those have ended.
    fn subjects(&self, place: &Place<'_>) -> Vec<OwnedFd> {
        let scene = place.scene(self.exercise);
        scene.subjects().filter_map(|(_, pid)| self.site.k.pidfd_open(pid).ok()).collect()
    }

    fn press(
        &mut self,
        keys: &[u8],
        place: &Place<'_>,
        screen: &mut Screen,
        judgement: &Judgement,
    ) -> Result<Option<End>> {
        for key in keys {
            match key {
                b'q' => return Ok(Some(End::Left(screen.done))),
                key if LEAVING.contains(key) => return Err(interrupted(Signal::SIGINT)),
                b'n' if screen.done && self.next.is_some() => return Ok(Some(End::Next)),
                b'h' if !judgement.passed() && self.hints_left() > 0 => {
                    let (number, text) = self.progress.next_hint(self.exercise)?;
                    let text = place.scene(self.exercise).fill(&text);
                    let count = self.exercise.definition.hints.len();
                    let values: [(&str, &dyn std::fmt::Display); 3] =
                        [("number", &number), ("count", &count), ("text", &text)];
                    screen.hint = Some(self.site.phrases.say("exercise.hint", &values));
                }
                b'c' if !judgement.passed() => {
                    screen.asked += 1;
                    self.progress.exercise(&self.exercise.name.text).checks += 1;
                    self.progress.save()?;
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn hints_left(&self) -> usize {
        let given = self.progress.exercises.get(&self.exercise.name.text).map_or(0, |known| known.hints);
        self.exercise.definition.hints.len().saturating_sub(usize::try_from(given).unwrap_or(0))
    }

    fn draw(&self, screen: &mut Screen, judgement: &Judgement, has_keys: bool, is_raw: bool) -> Result<()> {
        let mut text = self.page(screen, judgement);
        if has_keys {
            text.push_str(&self.keys(screen, judgement));
        }
        if text == screen.shown {
            return Ok(());
        }
        screen.shown.clone_from(&text);
        // From the upper left corner on; longer pages scroll, so that the keys can be seen.
        let page = if is_raw { format!("\x1b[H\x1b[2J{}", text.replace('\n', "\r\n")) } else { text };
        let mut output = std::io::stdout().lock();
        output.write_all(page.as_bytes()).and_then(|()| output.flush()).or_fail(|| "cannot write".to_owned())
    }

    fn page(&self, screen: &Screen, judgement: &Judgement) -> String {
        let show = |text: &str| format!("{}\n", markdown::render(text, self.width));
        let say = |key: &str, values: &[(&str, &dyn std::fmt::Display)]| show(&self.site.phrases.say(key, values));
        let definition = &self.exercise.definition;
        let mut text = show(&format!("# {}", definition.title));
        if !judgement.passed() {
            text.push_str(&show(&self.exercise.task));
        }
        text.push_str(&page::judgement(self.site.phrases, judgement, self.width));
        text.push('\n');
        if judgement.passed() {
            text.push_str(&say("exercise.passed", &[("title", &definition.title)]));
            text.push_str(&show(&self.exercise.debrief));
            return text;
        }
        if screen.done {
            text.push_str(&say("exercise.was_done", &[]));
        }
        if screen.asked > 0 {
            text.push_str(&say("exercise.asked", &[("count", &screen.asked)]));
        }
        screen.hint.iter().for_each(|hint| text.push_str(&show(hint)));
        text
    }

    /// Only those that do something now.
    fn keys(&self, screen: &Screen, judgement: &Judgement) -> String {
        let say = |key: &str| self.site.phrases.say(key, &[]);
        let mut keys = Vec::new();
        if !judgement.passed() {
            keys.push(("c", say("exercise.key_check")));
            if self.hints_left() > 0 {
                keys.push(("h", say("exercise.key_hint")));
            }
        }
        if let Some(next) = self.next.as_ref().filter(|_| screen.done) {
            keys.push(("n", self.site.phrases.say("exercise.key_next", &[("name", next)])));
        }
        keys.push(("q", say("exercise.key_leave")));
        keys.iter().map(|(key, text)| format!("{} {text}", key.bold())).collect::<Vec<_>>().join(" | ") + "\n"
    }
}

impl Progress {
    /// The next hint and its number, which is remembered; after the last, that one again.
    pub fn next_hint(&mut self, exercise: &Exercise) -> Result<(usize, String)> {
        let hints = &exercise.definition.hints;
        let known = self.exercise(&exercise.name.text);
        let number = usize::try_from(known.hints).unwrap_or(0).saturating_add(1).min(hints.len());
        known.hints = u32::try_from(number).unwrap_or(u32::MAX);
        self.save()?;
        Ok((number, hints.get(number.saturating_sub(1)).cloned().unwrap_or_default()))
    }
}
