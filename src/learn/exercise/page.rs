//! How a judgement is put on a terminal: a mark and the goal of each check, and of one
//! that has not passed what was expected, what was found, where to look.

use colored::Colorize;

use super::judge::{Judged, Judgement, State};
use crate::learn::markdown;
use crate::learn::phrases::Phrases;

/// Columns of the marks.
const INDENT: usize = 5;

/// All checks, in lines of at most `width` columns.
pub fn judgement(phrases: &Phrases, judgement: &Judgement, width: usize) -> String {
    judgement.checks.iter().map(|check| judged(phrases, check, width)).collect()
}

fn judged(phrases: &Phrases, check: &Judged, width: usize) -> String {
    let say = |key: &str| phrases.say(key, &[]);
    // The mark is a word: colour is never the only sign.
    let mark = |key: &str| format!("{:<INDENT$}", say(key));
    let mark = match check.state {
        State::Passed => mark("exercise.mark_passed").green(),
        State::Failed => mark("exercise.mark_failed").red().bold(),
        State::Unknown => mark("exercise.mark_unknown").yellow().bold(),
    };
    let mut text = paragraph(&mark.to_string(), &check.goal, width);
    if check.state == State::Passed {
        return text;
    }
    let mut add = |value: &str| text.push_str(&paragraph(&" ".repeat(INDENT), value, width));
    add(&check.says);
    if let Some((_, says)) = check.diagnosis.as_ref().filter(|(_, says)| !says.is_empty()) {
        add(says);
    }
    let mut rows = Vec::new();
    if !check.tells_both && !check.expected.is_empty() {
        rows.extend([(say("exercise.expected"), &check.expected), (say("exercise.found"), &check.found)]);
    }
    rows.extend(check.look.as_ref().map(|look| (say("exercise.look"), look)));
    let wide = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    for (label, value) in rows {
        text.push_str(&format!("{:INDENT$}{:<wide$} {value}\n", "", label.as_str()));
    }
    text
}

/// A paragraph of Markdown behind a mark.
fn paragraph(mark: &str, text: &str, width: usize) -> String {
    let text = markdown::render(text, width.saturating_sub(INDENT));
    let lines = text.lines().filter(|line| !line.is_empty());
    let indent = " ".repeat(INDENT);
    let put = |(index, line): (usize, &str)| format!("{}{line}\n", if index == 0 { mark } else { &indent });
    lines.enumerate().map(put).collect()
}
