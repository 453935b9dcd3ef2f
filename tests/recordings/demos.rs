//! The demos of the lessons, recorded as data: `snapshots/book/LESSON.DEMO.jsonl`.
//!
//! A recording keeps what was measured as it was; only what is the same in each run is compared,
//! and a recording that still holds is not written anew.

use std::path::{Path, PathBuf};

use boxlab::learn::book::recording::{Line, Mark, Recording};
use boxlab::learn::pack::{Lesson, Step};
use boxlab::trace::{Event, Record};

use crate::list::{Compared, LOOSELY, NOT_RECORDED};
use crate::stage::Stage;
use crate::support::{self, check};
use crate::{OnEveryKernel, Outcome, needs_the_same_host};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/book")
}

/// What is recorded of a step: the name of its recording.
fn name(lesson: &Lesson, step: &Step) -> Option<String> {
    let name = match step {
        Step::Demo(demo) => Some(format!("{}.{}", lesson.folder, demo.id)),
        Step::Look(look) => Some(format!("{}.look-{}", lesson.folder, look.section)),
        _ => None,
    };
    name.filter(|name| !NOT_RECORDED.contains(&name.as_str()))
}

/// Runs the demos of a lesson one after the other, as the lesson does, and compares each with
/// its recording.
pub fn recorded(lesson: &Lesson) -> Outcome {
    support::needs_root_for("the demos are recorded as root")?;
    let place = support::scratch(&format!("demos-{}", lesson.name));
    let makes_the_image =
        lesson.steps.iter().any(|step| matches!(step, Step::Demo(demo) if demo.run.contains("boxlab image host")));
    let root = if makes_the_image { place.join("root") } else { support::store().to_owned() };
    if !makes_the_image {
        support::stdout(&["image", "host"])?;
    }
    let mut stage = Stage::new(root, place.join("lesson"))?;
    let mut runs = Vec::new();
    for step in &lesson.steps {
        match (step, name(lesson, step)) {
            (Step::Demo(demo), Some(name)) => runs.extend(stage.demo(name, demo)?),
            (Step::Look(look), Some(name)) => stage.look(name, look)?,
            _ => {}
        }
    }
    runs.extend(stage.end()?);
    let mut wrong = Vec::new();
    for (name, run) in runs {
        if let Err(failed) = compare(&name, &run) {
            match failed.message() {
                // What this host lacks may be what makes it differ: the others are looked at all the same.
                Some(text) if text.starts_with("this needs ") && wrong.is_empty() => return Err(failed),
                text => wrong.push(text.unwrap_or_default().to_owned()),
            }
        }
    }
    check(wrong.is_empty(), wrong.join("\n"))
}

/// True where what is recorded is to be written anew.
fn writes() -> bool {
    std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always")
}

fn compare(name: &str, run: &Recording) -> Outcome {
    let path = folder().join(format!("{name}.jsonl"));
    let known = match std::fs::read_to_string(&path).ok().map(|text| Recording::read(&text)).transpose() {
        Err(_) if writes() => None,
        known => known?,
    };
    let depends = |known: &Recording| known.text().is_ok_and(|text| text.contains("cgroup"));
    if known.as_ref().is_none_or(depends) {
        needs_the_same_host()?;
    }
    let entry =
        LOOSELY.iter().find(|(prefix, _)| name == *prefix || (prefix.ends_with('.') && name.starts_with(prefix)));
    let how = entry.map_or(Compared::Closely, |(_, how)| *how);
    let new = comparable(run, how);
    let old = known.as_ref().map(|known| comparable(known, how)).unwrap_or_default();
    if new == old {
        return Ok(());
    }
    if writes() {
        std::fs::create_dir_all(folder())?;
        return Ok(std::fs::write(path, run.text()?)?);
    }
    let place = new.iter().zip(&old).position(|(new, old)| new != old).unwrap_or(new.len().min(old.len()));
    let line = |lines: &[String]| lines.get(place).cloned().unwrap_or_else(|| "(nothing more)".to_owned());
    Err(format!("differs from {}:\nrecorded {}\nnow      {}", path.display(), line(&old), line(&new)).into())
}

/// What is the same in each run: the events, and after them what was printed, since a program and
/// boxlab may write at the same time.
fn comparable(run: &Recording, how: Compared) -> Vec<String> {
    let mut every = OnEveryKernel::default();
    let mut lines = vec![run.command.clone()];
    let mut output = String::new();
    for line in &run.lines {
        match line {
            Line::Told(record) if every.has(record) => lines.extend(same(record, how)),
            Line::Mark(Mark::Output { text }) => output.push_str(text),
            _ => {}
        }
    }
    if run.records().any(|record| matches!(record.event, Event::Exchange(_))) {
        // Several layers are on their way at the same time.
        lines.sort();
    }
    lines.push(format!("status {}", run.status));
    if how != Compared::Calls {
        lines.extend(output.lines().map(|line| numbers(&dates(&random(line)), how)));
    }
    lines
}

fn same(record: &Record, how: Compared) -> Option<String> {
    match &record.event {
        // They are measured, and so is how many there are.
        Event::Sample { .. } => None,
        // Which there are is this machine's business.
        Event::Show { title, .. } if title == "interfaces outside" => Some(title.clone()),
        Event::Exchange(exchange) => {
            let url = exchange.url.split(['/', '?', '=', ':']).map(|part| if is_digest(part) { "key" } else { part });
            let url = url.collect::<Vec<_>>().join("/");
            Some(numbers(&format!("{} {url} {:?} {:?}", exchange.method, exchange.status, exchange.failure), how))
        }
        Event::State { .. } | Event::Show { .. } => {
            let text = numbers(&format!("{} {:?}", record.role, record.event), how);
            // There may be one of them for each thread that got so far, and freezing takes a while.
            Some(text.replace("\"#\", \"#\"", "\"#\"").replace("FREEZING", "FROZEN"))
        }
        event => Some(random(&format!("{} {} {event:?}", record.role, record.pid))),
    }
}

/// A digest, or the name of an upload.
fn is_digest(part: &str) -> bool {
    part.len() >= 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Without numbers, or without those that say more than how many of a few things there are.
fn numbers(text: &str, how: Compared) -> String {
    let kept = |number: &str| number.len() == 1 && how == Compared::Closely;
    let mut masked = String::new();
    let mut number = String::new();
    for letter in text.chars().chain(['\0']) {
        if letter.is_ascii_digit() || (letter == '.' && !number.is_empty()) {
            number.push(letter);
            continue;
        }
        let (digits, dot) = number.strip_suffix('.').map_or((number.as_str(), ""), |digits| (digits, "."));
        match digits {
            "" => {}
            digits if kept(digits) => masked.push_str(digits),
            _ if masked.ends_with("# ") => drop(masked.pop()),
            _ if masked.ends_with('#') => {}
            _ => masked.push('#'),
        }
        masked.push_str(dot);
        number.clear();
        // Columns are as wide as the numbers in them.
        if letter != '\0' && !(letter == ' ' && masked.ends_with(' ')) {
            masked.push(letter);
        }
    }
    masked
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Nov 24`, as ls(1) has it, becomes `Jan 10`; what is seconds old is one second old;
/// so many milliseconds are ten.
fn dates(text: &str) -> String {
    let text = text.replace("Less than a second ago", "1 second ago").replace("seconds ago", "second ago");
    let mut words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    for index in 1..words.len() {
        if MONTHS.contains(&words[index - 1]) && words[index].bytes().all(|byte| byte.is_ascii_digit()) {
            (words[index - 1], words[index]) = (MONTHS[0], "10");
        }
        if ["ms", "s", "µs"].contains(&words[index]) && words[index - 1].bytes().all(|byte| byte.is_ascii_digit()) {
            words[index - 1] = "10";
        }
    }
    words.join(" ")
}

/// Without what is chosen at random: names by mktemp(1), addresses of network cards, keys, uploads.
fn random(text: &str) -> String {
    let is_key = |part: &str| {
        let digits = part.strip_prefix("0x").unwrap_or(part);
        is_digest(part) || digits.len() < part.len() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let word = |word: &str| -> String {
        if word.split('/').any(is_key) {
            return word.split('/').map(|part| if is_key(part) { "key" } else { part }).collect::<Vec<_>>().join("/");
        }
        let parts: Vec<&str> = word.split(':').collect();
        let pair = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        if parts.len() == 6 && parts.iter().all(pair) && !word.starts_with("00:00") && !word.starts_with("ff:ff") {
            return "an:address".to_owned();
        }
        match word.split_once("/note.") {
            Some((before, after)) if after.len() >= 6 => format!("{before}/note.XXXXXX{}", &after[6..]),
            _ => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A recording of a demo that is no more would be shown nowhere, and tested by nobody.
pub fn none_is_left_over() -> Outcome {
    let pack = boxlab::learn::Pack::open(None)?;
    let names = pack.lessons.iter().flat_map(|lesson| lesson.steps.iter().filter_map(|step| name(lesson, step)));
    let known: Vec<PathBuf> = names.map(|name| folder().join(format!("{name}.jsonl"))).collect();
    for entry in std::fs::read_dir(folder())?.flatten() {
        check(known.contains(&entry.path()), format!("{} belongs to no demo: remove it", entry.path().display()))?;
    }
    Ok(())
}
