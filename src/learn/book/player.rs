//! A recorded run as HTML that can be stepped through.
//!
//! Without JavaScript it is the narration as text; `book/player/player.js` shows the controls,
//! which are there all the time, and marks the stop that the reader is at. Each file of the player
//! stands in every page that needs it, so that no other file must be served along.

use super::markup::{escape, inline};
use super::recording::Recording;
use super::stops::{Stop, stops};
use crate::learn::phrases::Phrases;
use crate::trace::{Event, Record, decode};

const STYLE: &str = include_str!("../../../book/player/player.css");
const SCRIPT: &str = include_str!("../../../book/player/player.js");

/// What a page with players needs before the first of them.
pub fn head() -> String {
    format!("<style>\n{}</style>\n", without_comments(STYLE))
}

/// What it needs after the last.
pub fn foot() -> String {
    format!("<script>\n{}</script>\n", without_comments(SCRIPT))
}

/// A blank line would end it, as Markdown has it; comments are for who reads the source.
fn without_comments(text: &str) -> String {
    let kept = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    text.lines()
        .filter(kept)
        .filter(|line| !line.trim_start().starts_with("/*"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The run, as one block of HTML without a blank line.
pub fn html(run: &Recording, phrases: &Phrases) -> String {
    let stops = stops(run);
    let label = phrases.say("player.label", &[("command", &run.command.replace('\n', " "))]);
    let mut text = format!("<section class=\"boxlab-run\" aria-label=\"{}\">\n", escape(&label));
    text += &format!("<pre class=\"boxlab-typed\">{}</pre>\n", escape(&typed(&run.command)));
    if stops.len() > 1 {
        text += &controls(stops.len(), phrases);
    }
    text += "<ol class=\"boxlab-stops\">\n";
    let mut speaker = "";
    for stop in &stops {
        text += &item(stop, &mut speaker, phrases);
    }
    text += "</ol>\n";
    if run.status != 0 {
        let ended = phrases.say("player.ended", &[("status", &run.status)]);
        text += &format!("<p class=\"boxlab-end\">{}</p>\n", escape(&ended));
    }
    without_blank_lines(&(text + "</section>\n"))
}

fn typed(command: &str) -> String {
    format!("$ {}", command.replace('\n', "\n> "))
}

/// A blank line would end the block: in a text it becomes a space that Markdown does not see.
fn without_blank_lines(text: &str) -> String {
    text.lines().map(|line| if line.trim().is_empty() { "&#32;\n".to_owned() } else { format!("{line}\n") }).collect()
}

fn controls(count: usize, phrases: &Phrases) -> String {
    let say = |key: &str| escape(&phrases.say(key, &[]));
    let button = |go: &str, mark: &str, name: String| {
        format!("<button type=\"button\" data-go=\"{go}\" aria-label=\"{name}\" title=\"{name}\">{mark}</button>\n")
    };
    let mut text =
        format!("<div class=\"boxlab-controls\" role=\"group\" aria-label=\"{}\" hidden>\n", say("player.controls"));
    text += &button("first", "&#x21E4;", say("player.first"));
    text += &button("back", "&#x2190;", say("player.previous"));
    text += &format!(
        "<input type=\"range\" min=\"1\" max=\"{count}\" value=\"1\" aria-label=\"{}\" title=\"{}\">\n",
        say("player.place"),
        say("player.keys")
    );
    text += &button("next", "&#x2192;", say("player.next"));
    text += &button("last", "&#x21E5;", say("player.last"));
    text += &format!("<span class=\"boxlab-place\">1 / {count}</span>\n</div>\n");
    text + "<div class=\"boxlab-explained\" aria-live=\"polite\" hidden></div>\n"
}

fn item<'a>(stop: &'a Stop<'_>, speaker: &mut &'a str, phrases: &Phrases) -> String {
    let mut text = "<li class=\"boxlab-stop\">\n".to_owned();
    if let Some(record) = stop.heading {
        let words = match &record.event {
            Event::Step { text, .. } => text.clone(),
            _ => super::stops::narrated(record).split_once("▸ ").map_or(String::new(), |(_, words)| words.to_owned()),
        };
        *speaker = &record.role;
        text += &format!("<p class=\"boxlab-step\">{} {}</p>\n", role(&record.role), escape(&words));
    }
    if let Some(record) = stop.call {
        let other = *speaker != record.role;
        *speaker = &record.role;
        let who = if other { role(&record.role) + " " } else { String::new() };
        text += &match &record.event {
            Event::Call { name, args, ret, errno, .. } => format!(
                "<div class=\"boxlab-call\">{who}<b>{}</b>({}) {}</div>\n",
                escape(name),
                escape(&args.join(", ")),
                result(ret, errno.as_deref())
            ),
            _ => format!("<pre class=\"boxlab-seen\">{}</pre>\n", escape(&super::stops::narrated(record))),
        };
    }
    for seen in &stop.seen {
        text += &format!("<pre class=\"boxlab-seen\">{}</pre>\n", escape(seen));
    }
    if let Some(output) = stop.output {
        text += &format!("<pre class=\"boxlab-output\">{}</pre>\n", escape(output.trim_end_matches('\n')));
    }
    text += &format!("<div class=\"boxlab-more\" hidden>{}</div>\n", explained(stop, phrases));
    text + "</li>\n"
}

fn role(role: &str) -> String {
    format!("<span class=\"boxlab-role boxlab-{0}\">{0}</span>", escape(role))
}

fn result(ret: &str, errno: Option<&str>) -> String {
    match errno {
        Some(errno) => {
            let meaning = decode::errno_meaning(errno).unwrap_or_default();
            format!("<span class=\"boxlab-failed\">= {} {errno} ({})</span>", escape(ret), escape(meaning))
        }
        None => format!("<span class=\"boxlab-result\">= {}</span>", escape(ret)),
    }
}

/// What the reader is told who stops here.
fn explained(stop: &Stop<'_>, phrases: &Phrases) -> String {
    let mut parts = Vec::new();
    match stop.call.map(|record| &record.event) {
        Some(Event::Call { name, ret, errno, .. }) => {
            parts.push(call(name, phrases));
            parts.push(match errno {
                Some(errno) => {
                    let meaning = decode::errno_meaning(errno).unwrap_or_default();
                    phrases.say("player.failed", &[("errno", errno), ("meaning", &meaning)])
                }
                None if name == "execve" => phrases.say("player.taken_over", &[]),
                None => phrases.say("player.returned", &[("ret", ret)]),
            });
        }
        Some(_) => parts.push(phrases.say("player.exchange", &[])),
        None if stop.output.is_some() => parts.push(phrases.say("player.printed", &[])),
        None if stop.measured => parts.push(phrases.say("player.measured", &[])),
        None if !stop.seen.is_empty() => parts.push(phrases.say("player.shown", &[])),
        None if stop.why.is_none() => parts.push(phrases.say("player.left", &[])),
        None => {}
    }
    if stop.call.is_some() && !stop.seen.is_empty() {
        parts.push(phrases.say(if stop.measured { "player.measured" } else { "player.seen" }, &[]));
    }
    let mut html = format!("<p>{}</p>", inline(&parts.join(" ")));
    if let Some(why) = stop.why {
        html += &format!("<p>{}</p>", inline(&phrases.say("player.why", &[("text", &why)])));
    }
    if let Some(record) = stop.record().filter(|record| !matches!(record.event, Event::Left { .. })) {
        html += &format!("<p>{}</p>", inline(&who(record, phrases)));
    }
    html
}

fn call(name: &str, phrases: &Phrases) -> String {
    let key = format!("calls.{}", name);
    let meaning = Some(phrases.say(&key, &[])).filter(|meaning| *meaning != key);
    let meaning = meaning.unwrap_or_else(|| phrases.say("player.other_call", &[]));
    let link = super::markup::manual(name, "2");
    phrases.say("player.call", &[("name", &name), ("link", &link), ("meaning", &meaning)])
}

fn who(record: &Record, phrases: &Phrases) -> String {
    let source = match &record.event {
        Event::Step { source, .. } | Event::Call { source, .. } => source.as_str(),
        Event::Exchange(exchange) => &exchange.source,
        _ => "",
    };
    phrases.say("player.who", &[("role", &record.role), ("pid", &record.pid), ("source", &source)])
}
