//! A recorded run: the command line, the events of its JSON trace, and what its programs printed,
//! in the order in which a terminal showed them. One object a line.
//!
//! `boxlab --trace json COMMAND 2>&1` makes such a stream; [`Recording::capture`] reads it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::trace::{Event, Record};

/// A line of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// What the trace does not tell.
    Mark(Mark),
    /// An event of the trace.
    Told(Record),
}

/// What belongs to a run beside its trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Mark {
    /// What was typed.
    Command {
        /// The command line.
        line: String,
    },
    /// What the programs printed.
    Output {
        /// As it is.
        text: String,
    },
    /// How it ended.
    End {
        /// The exit status.
        status: i32,
    },
}

/// A run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recording {
    /// What was typed.
    pub command: String,
    /// What happened, in order.
    pub lines: Vec<Line>,
    /// The exit status.
    pub status: i32,
}

/// What every event of the trace begins with.
const EVENT: &str = "{\"event\":\"";

impl Recording {
    /// Reads one that was written.
    pub fn read(text: &str) -> Result<Self> {
        let mut recording = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line: Line = serde_json::from_str(line)
                .map_err(|error| Error::new(format!("line {} is no event of a recorded run: {error}", index + 1)))?;
            match line {
                Line::Mark(Mark::Command { line }) => recording.command = line,
                Line::Mark(Mark::End { status }) => recording.status = status,
                other => recording.lines.push(other),
            }
        }
        Ok(recording)
    }

    /// Takes events and output apart, which came on one stream.
    pub fn capture(command: &str, stream: &str, status: i32) -> Self {
        let mut recording = Self { command: command.to_owned(), status, lines: Vec::new() };
        for line in stream.split_inclusive('\n') {
            // A program may have printed half a line before.
            let start = line.find(EVENT).unwrap_or(line.len());
            let (printed, event) = line.split_at(start);
            match serde_json::from_str::<Record>(event) {
                Ok(record) => {
                    recording.print(printed);
                    recording.tell(record);
                }
                Err(_) => recording.print(line),
            }
        }
        recording
    }

    fn print(&mut self, more: &str) {
        if more.is_empty() {
            return;
        }
        match self.lines.last_mut() {
            Some(Line::Mark(Mark::Output { text })) => text.push_str(more),
            _ => self.lines.push(Line::Mark(Mark::Output { text: more.to_owned() })),
        }
    }

    /// A program may have printed before boxlab learns of the calls that led to it, up to its
    /// execve(2): they came first.
    fn tell(&mut self, record: Record) {
        let begins = matches!(&record.event, Event::Call { name, errno: None, .. } if name == "execve");
        let pid = record.pid;
        self.lines.push(Line::Told(record));
        if begins {
            let born = self.lines.iter().rposition(|line| is_birth(line, pid));
            let first = || self.lines.iter().position(|line| matches!(line, Line::Told(told) if told.pid == pid));
            let since = self.lines.split_off(born.or_else(first).unwrap_or_default());
            let (printed, told): (Vec<Line>, Vec<Line>) =
                since.into_iter().partition(|line| matches!(line, Line::Mark(_)));
            self.lines.extend(told);
            for line in printed {
                if let Line::Mark(Mark::Output { text }) = line {
                    self.print(&text);
                }
            }
        }
    }

    /// As it is written.
    pub fn text(&self) -> Result<String> {
        let first = Line::Mark(Mark::Command { line: self.command.clone() });
        let last = Line::Mark(Mark::End { status: self.status });
        let mut text = String::new();
        for line in std::iter::once(&first).chain(&self.lines).chain(std::iter::once(&last)) {
            let line = serde_json::to_string(line).map_err(|error| Error::new(format!("cannot write it: {error}")))?;
            text.push_str(&line);
            text.push('\n');
        }
        Ok(text)
    }

    /// The events of the trace.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.lines.iter().filter_map(|line| match line {
            Line::Told(record) => Some(record),
            Line::Mark(_) => None,
        })
    }
}

/// True for the call that made this process.
fn is_birth(line: &Line, pid: i32) -> bool {
    let Line::Told(Record { event: Event::Call { name, ret, .. }, .. }) = line else { return false };
    name.starts_with("clone") && *ret == pid.to_string()
}

#[cfg(test)]
mod tests {
    use super::{Line, Mark, Recording};

    const BIRTH: &str =
        r#"{"event":"call","name":"clone3","args":[],"ret":"2","ns":0,"source":"","seq":1,"role":"host","pid":1}"#;
    const STEP: &str = r#"{"event":"step","primitive":"","text":"x","source":"","seq":1,"role":"child","pid":2}"#;
    const EXEC: &str =
        r#"{"event":"call","name":"execve","args":[],"ret":"0","ns":0,"source":"","seq":2,"role":"child","pid":2}"#;
    const DONE: &str = r#"{"event":"done","status":0,"seq":3,"role":"host","pid":1}"#;

    #[test]
    fn events_and_output_are_told_apart() {
        let stream = format!("half {BIRTH}\n{STEP}\n{EXEC}\na line\n{{\"event\":\"mine\"}}\n{DONE}\n");
        let stream = stream.replacen("half ", "before\n", 1).replacen(STEP, &format!("half {STEP}"), 1);
        let run = Recording::capture("x", &stream, 0);
        let kinds: Vec<&str> =
            run.lines.iter().map(|line| if matches!(line, Line::Told(_)) { "e" } else { "o" }).collect();
        assert_eq!(kinds, ["o", "e", "e", "e", "o", "e"], "the execve stands before what its program printed");
        let Line::Mark(Mark::Output { text }) = &run.lines[4] else { panic!("{run:?}") };
        assert_eq!(text, "half a line\n{\"event\":\"mine\"}\n");
        assert_eq!(Recording::read(&run.text().expect("text")).expect("the same"), run);
    }

    #[test]
    fn what_is_no_recording_is_refused_by_its_line() {
        let error =
            Recording::read("{\"event\":\"command\",\"line\":\"x\"}\n{\"event\":\"mine\"}\n").expect_err("refused");
        assert!(error.to_string().starts_with("line 2 "), "{error}");
    }
}
