//! A recorded run cut into stops: one call, or one thing printed, with all that belongs to it.

use super::recording::{Line, Mark, Recording};
use crate::trace::narrate::{Marks, Narrator};
use crate::trace::samples::Samples;
use crate::trace::{Detail, Event, Observer, Record};

/// Columns of what is shown as it is, and of the narration.
pub const WIDTH: usize = 80;

/// One stop.
#[derive(Debug, Default)]
pub struct Stop<'a> {
    /// The step that begins here.
    pub heading: Option<&'a Record>,
    /// The step that it belongs to, in words.
    pub why: Option<&'a str>,
    /// The call, or the exchange with a server.
    pub call: Option<&'a Record>,
    /// What was read, shown or measured after it, as text.
    pub seen: Vec<String>,
    /// What was printed.
    pub output: Option<&'a str>,
    /// True if `seen` was measured.
    pub measured: bool,
}

impl Stop<'_> {
    fn is_empty(&self) -> bool {
        self.heading.is_none() && self.call.is_none() && self.seen.is_empty() && self.output.is_none()
    }

    /// Whoever acts.
    pub fn record(&self) -> Option<&Record> {
        self.call.or(self.heading)
    }
}

/// All stops, in order.
pub fn stops(run: &Recording) -> Vec<Stop<'_>> {
    let mut stops: Vec<Stop<'_>> = Vec::new();
    let mut now = Stop::default();
    let mut why = None;
    let mut samples = Vec::new();
    for line in &run.lines {
        let record = match line {
            Line::Told(record) => record,
            Line::Mark(Mark::Output { text }) => {
                finish(&mut stops, &mut now, &mut samples);
                finish(&mut stops, &mut Stop { output: Some(text), ..Stop::default() }, &mut samples);
                continue;
            }
            Line::Mark(_) => continue,
        };
        match &record.event {
            Event::Step { text, .. } => {
                finish(&mut stops, &mut now, &mut samples);
                why = Some(text.as_str());
                now = Stop { heading: Some(record), why, ..Stop::default() };
            }
            Event::Left { .. } => {
                finish(&mut stops, &mut now, &mut samples);
                now = Stop { heading: Some(record), ..Stop::default() };
            }
            Event::Call { .. } | Event::Exchange(_) => {
                if now.call.is_some() || now.output.is_some() || !now.seen.is_empty() || !samples.is_empty() {
                    finish(&mut stops, &mut now, &mut samples);
                }
                now.call = Some(record);
                now.why = why;
            }
            Event::Sample { .. } => samples.push(record),
            Event::State { .. } | Event::Show { .. } => {
                measured(&mut now, &mut samples);
                now.seen.push(narrated(record));
            }
            Event::See { .. } | Event::Look { .. } | Event::Done { .. } | Event::Announce { .. } => {}
        }
    }
    finish(&mut stops, &mut now, &mut samples);
    stops
}

fn finish<'a>(stops: &mut Vec<Stop<'a>>, now: &mut Stop<'a>, samples: &mut Vec<&'a Record>) {
    measured(now, samples);
    let done = std::mem::take(now);
    if !done.is_empty() {
        stops.push(done);
    }
}

/// Samples become a picture of their course, one for each subject.
fn measured(now: &mut Stop<'_>, samples: &mut Vec<&Record>) {
    let subject = |record: &Record| match &record.event {
        Event::Sample { subject, .. } => subject.clone(),
        _ => String::new(),
    };
    for group in samples.chunk_by(|one, other| subject(one) == subject(other)) {
        let mut picture = Samples::new(true, true);
        let mut drawn = String::new();
        for record in group {
            drawn = picture.take(&record.event, 0, WIDTH);
        }
        let line = drawn.rsplit('\u{1b}').next().unwrap_or_default();
        now.seen.push(line.trim_start_matches("[K").to_owned());
        now.measured = true;
    }
    samples.clear();
}

/// As the narration shows it, without the margin, who acts, and times that were not kept.
pub fn narrated(record: &Record) -> String {
    let mut text = Vec::new();
    // Written to memory, which does not fail.
    let _ = Narrator::new(&mut text, Detail::Full, WIDTH, Marks::new(true)).observe(record);
    let text = String::from_utf8_lossy(&text).replace("  0 µs", "");
    let text = match text.strip_prefix(record.role.as_str()) {
        Some(rest) => format!("{}{rest}", " ".repeat(record.role.len())),
        None => text,
    };
    let margin = text.lines().map(|line| line.len() - line.trim_start().len()).min().unwrap_or_default();
    text.lines().map(|line| line.get(margin..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The whole run as a terminal shows it: the narration, and what was printed.
pub fn text(run: &Recording) -> String {
    let mut text = format!("$ {}\n", run.command.replace('\n', "\n> ")).into_bytes();
    for part in run.lines.chunk_by(|one, other| matches!((one, other), (Line::Told(_), Line::Told(_)))) {
        let mut narrator = Narrator::new(&mut text, Detail::Full, WIDTH, Marks::new(true));
        for line in part {
            if let Line::Told(record) = line {
                let _ = narrator.observe(record);
            }
        }
        drop(narrator);
        if let [Line::Mark(Mark::Output { text: printed })] = part {
            text.extend_from_slice(printed.as_bytes());
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}
