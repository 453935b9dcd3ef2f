//! How a judgement is put on a terminal.

use colored::Colorize;

use super::judge::{Finding, State};
use crate::learn::markdown;
use crate::learn::phrases::Phrases;

/// Columns of the marks.
const INDENT: usize = 9;

/// No more lines are shown of what the program said.
const MOST: usize = 6;

/// All findings, in lines of at most `width` columns.
pub fn findings(phrases: &Phrases, findings: &[Finding], width: usize) -> String {
    // Where nothing can be judged, there is one reason for all.
    let is_skipped = |finding: &&Finding| finding.state == State::Skipped;
    let shown_ones = if findings.iter().filter(is_skipped).count() == findings.len() { 1 } else { findings.len() };
    findings.iter().take(shown_ones).map(|finding| shown(phrases, finding, width)).collect::<String>() + "\n"
}

fn shown(phrases: &Phrases, finding: &Finding, width: usize) -> String {
    // The mark is a word: colour is never the only sign.
    let mark = |key: &str| format!("{:<INDENT$}", phrases.say(key, &[]));
    let mark = match finding.state {
        State::Passed => mark("workshop.mark_passed").green(),
        State::Failed => mark("workshop.mark_failed").red().bold(),
        State::Skipped => mark("workshop.mark_skipped").yellow(),
        State::Unreached => mark("workshop.mark_unreached").dimmed(),
    };
    let mut text = paragraph(&mark.to_string(), &finding.goal, INDENT, width);
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut add = |key: &str, value: &Option<String>| {
        rows.extend(value.as_ref().map(|value| (phrases.say(key, &[]), value.clone())));
    };
    if finding.state == State::Skipped {
        add("workshop.because", &finding.found);
    } else {
        add("workshop.expected", &finding.expected);
        add("workshop.found", &finding.found);
        add("workshop.look", &finding.look);
        add("workshop.source", &finding.source);
        add("workshop.call", &finding.call);
        let missing = (!finding.missing.is_empty())
            .then(|| phrases.say("workshop.missing", &[("calls", &finding.missing.join(", "))]));
        add("workshop.call", &missing);
        add("workshop.often", &finding.often.as_deref().map(|often| often.replace('\n', " ")));
        add("workshop.said", &finding.said.as_deref().map(last_lines));
    }
    let wide = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    for (label, value) in rows {
        let label = format!("{:INDENT$}{label:<wide$}  ", "");
        let indent = INDENT + wide + 2;
        // What a program said and what it called is shown as it is.
        let is_plain = [&finding.call, &finding.source].iter().any(|known| known.as_ref() == Some(&value));
        if is_plain || finding.said.as_deref().map(last_lines).as_ref() == Some(&value) {
            let lines = value.lines().collect::<Vec<_>>().join(&format!("\n{:indent$}", ""));
            text.push_str(&format!("{label}{lines}\n"));
        } else {
            text.push_str(&paragraph(&label, &value, indent, width));
        }
    }
    text
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(MOST)..].join("\n")
}

/// A paragraph of Markdown behind a label.
fn paragraph(label: &str, text: &str, indent: usize, width: usize) -> String {
    let text = markdown::render(text, width.saturating_sub(indent));
    let lines = text.lines().filter(|line| !line.is_empty());
    let put = |(index, line): (usize, &str)| match index {
        0 => format!("{label}{line}\n"),
        _ => format!("{:indent$}{line}\n", ""),
    };
    lines.enumerate().map(put).collect()
}
