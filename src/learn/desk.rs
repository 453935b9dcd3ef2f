//! Where a learner sits: what is shown, what is asked, what is answered.
//!
//! Everything is lines: that works over a slow connection, on a dumb terminal and with a
//! screen reader. Without a terminal nothing waits: lines are read as long as there are some.

use std::collections::VecDeque;
use std::fmt::Display;
use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::os::fd::AsFd;

use colored::Colorize;

use super::markdown;
use super::pack::Quiz;
use super::phrases::Phrases;
use crate::error::{Error, IoContext, Result};
use crate::kernel::{Kernel, Signal, interrupted};

/// How a learner is spoken with.
#[derive(Debug)]
pub struct Desk<'a> {
    /// What is said.
    pub phrases: &'a Phrases,
    k: &'a Kernel,
    width: usize,
    manner: Manner,
    /// What was typed and not used yet.
    typed: VecDeque<u8>,
    ended: bool,
}

/// What the options say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// Nothing but lines of text (`--plain`).
    pub plain: bool,
    /// Wait for nothing (`--yes`).
    pub hurried: bool,
    /// Columns.
    pub width: usize,
}

/// What may be typed now: a letter, and what it does.
pub type Key = (char, &'static str);

/// Enter.
pub const ENTER: char = '\n';

impl<'a> Desk<'a> {
    /// Signals must be taken already (`Kernel::take_signals`): Ctrl-C is an answer, too.
    pub fn new(phrases: &'a Phrases, k: &'a Kernel, manner: Manner) -> Self {
        if manner.plain {
            colored::control::set_override(false);
        }
        Self { phrases, k, width: manner.width.min(80), manner, typed: VecDeque::new(), ended: false }
    }

    /// Whether nobody is there to answer.
    pub fn is_hurried(&self) -> bool {
        self.manner.hurried || self.ended
    }

    /// A text in Markdown.
    pub fn show(&self, text: &str) -> Result<()> {
        self.print(&format!("{}\n", markdown::render(text, self.width)))
    }

    /// A phrase, as a paragraph of its own.
    pub fn say(&self, key: &str, values: &[(&str, &dyn Display)]) -> Result<()> {
        self.show(&self.phrases.say(key, values))
    }

    /// A line as it is.
    pub fn line(&self, line: &str) -> Result<()> {
        self.print(&format!("{line}\n"))
    }

    /// A command line, as if it had been typed.
    pub fn command(&self, line: &str) -> Result<()> {
        self.print(&format!("{} {}\n", "$".dimmed(), line.bold()))
    }

    fn print(&self, text: &str) -> Result<()> {
        let mut output = std::io::stdout().lock();
        output.write_all(text.as_bytes()).and_then(|()| output.flush()).or_fail(|| "cannot write".to_owned())
    }

    /// Waits for one of these keys and Enter; Enter alone is the first of them.
    pub fn key(&mut self, place: &str, keys: &[Key]) -> Result<char> {
        let default = keys.first().map_or(ENTER, |key| key.0);
        if self.is_hurried() {
            return Ok(default);
        }
        let names: Vec<String> = keys
            .iter()
            .map(|(letter, phrase)| {
                let text = self.phrases.say(phrase, &[]);
                let letter = if *letter == ENTER { self.phrases.say("keys.enter", &[]) } else { letter.to_string() };
                format!("{} {text}", letter.bold())
            })
            .collect();
        loop {
            let line = self.ask(&format!("{} {} > ", place.dimmed(), names.join(" | ")))?;
            let Some(line) = line else { return Ok(default) };
            match line.trim().chars().next().map(|letter| letter.to_ascii_lowercase()) {
                None => return Ok(default),
                Some(letter) if keys.iter().any(|key| key.0 == letter) => return Ok(letter),
                Some(_) => self.say("keys.unknown", &[])?,
            }
        }
    }

    /// A line of text; `None`: there are no more.
    pub fn ask(&mut self, prompt: &str) -> Result<Option<String>> {
        self.print(prompt)?;
        let line = self.read_line()?;
        if !std::io::stdin().is_terminal() {
            self.print("\n")?; // nobody has seen Enter
        }
        Ok(line)
    }

    /// Asks a question; which answer was given, `None` if nobody answers.
    pub fn choose(&mut self, quiz: &Quiz) -> Result<Option<usize>> {
        self.show(&quiz.question)?;
        if self.is_hurried() {
            quiz.answers.iter().try_for_each(|answer| self.line(&format!("  - {}", answer.text)))?;
            return Ok(None);
        }
        let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if terminal && !dumb && !self.manner.plain && self.typed.is_empty() {
            return self.choose_on_terminal(quiz).map(Some);
        }
        for (index, answer) in quiz.answers.iter().enumerate() {
            self.line(&format!("  {}) {}", index + 1, answer.text))?;
        }
        loop {
            let prompt = self.phrases.say("quiz.number", &[("most", &quiz.answers.len())]);
            let Some(line) = self.ask(&format!("{prompt} > "))? else { return Ok(None) };
            match line.trim().parse::<usize>() {
                Ok(number) if (1..=quiz.answers.len()).contains(&number) => return Ok(Some(number - 1)),
                _ => self.say("quiz.unknown", &[("most", &quiz.answers.len())])?,
            }
        }
    }

    fn choose_on_terminal(&self, quiz: &Quiz) -> Result<usize> {
        let texts: Vec<&str> = quiz.answers.iter().map(|answer| answer.text.as_str()).collect();
        let prompt = self.phrases.say("quiz.arrows", &[]);
        let chosen = dialoguer::Select::new().with_prompt(prompt).items(&texts).default(0).interact();
        chosen.map_err(|error| {
            // It hides the cursor, and leaves it so.
            let _ = self.print("\x1b[?25h\n");
            match self.k.signal() {
                Some(signal) => interrupted(signal),
                None => Error::new(format!("cannot ask: {error}")).status(130),
            }
        })
    }

    fn read_line(&mut self) -> Result<Option<String>> {
        loop {
            if let Some(end) = self.typed.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.typed.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line).trim().to_owned()));
            }
            if self.ended {
                let line: Vec<u8> = self.typed.drain(..).collect();
                return Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).trim().to_owned()));
            }
            let stdin = std::io::stdin();
            if let Some(signal) = self.k.readable_or_signal(&stdin)?.filter(|signal| *signal != Signal::SIGWINCH) {
                self.print("\n")?;
                return Err(interrupted(signal));
            }
            let mut bytes = [0; 256];
            match read_keys(&mut bytes)? {
                [] => self.ended = true,
                keys => self.typed.extend(&*keys),
            }
        }
    }
}

/// What was typed; nothing at the end of the input. Not by the buffer of `Stdin`: what is in there,
/// poll(2) does not see.
pub fn read_keys(bytes: &mut [u8]) -> Result<&mut [u8]> {
    let failed = || "cannot read what was typed".to_owned();
    let descriptor = std::io::stdin().as_fd().try_clone_to_owned().or_fail(failed)?;
    let read = File::from(descriptor).read(bytes).or_fail(failed)?;
    Ok(&mut bytes[..read])
}
