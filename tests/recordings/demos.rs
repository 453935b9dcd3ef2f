//! The demos of the lessons, recorded as data: `snapshots/book/LESSON.DEMO.jsonl`.
//!
//! A recording keeps what was measured as it was; only what is the same in each run is compared,
//! and a recording that still holds is not written anew.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use boxlab::learn::book::recording::{Line, Mark, Recording};
use boxlab::learn::pack::{Demo, Lesson, Step};
use boxlab::trace::{Event, Record};
use libtest_mimic::Failed;

use crate::alike::Alike;
use crate::list::{Compared, LOOSELY};
use crate::support::{self, check};
use crate::{OnEveryKernel, Outcome, needs_the_same_host};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/book")
}

fn file(lesson: &Lesson, demo: &Demo) -> PathBuf {
    folder().join(format!("{}.{}.jsonl", lesson.folder, demo.id))
}

fn demos(lesson: &Lesson) -> impl Iterator<Item = &Demo> {
    lesson.steps.iter().filter_map(|step| if let Step::Demo(demo) = step { Some(demo) } else { None })
}

/// Runs the demos of a lesson one after the other, as the lesson does, and compares each with
/// its recording.
pub fn recorded(lesson: &Lesson) -> Outcome {
    support::needs_root_for("the demos are recorded as root")?;
    let place = support::scratch(&format!("demos-{}", lesson.name));
    let makes_the_image = demos(lesson).any(|demo| demo.run.contains("boxlab image host"));
    let root = if makes_the_image { place.join("root") } else { support::store().to_owned() };
    if !makes_the_image {
        support::stdout(&["image", "host"])?;
    }
    let mut wrong = Vec::new();
    for demo in demos(lesson) {
        if let Err(failed) = compare(lesson, demo, &root, &place.join("lesson")) {
            match failed.message() {
                // What this host lacks may be what makes it differ: the others are looked at all the same.
                Some(text) if text.starts_with("this needs ") && wrong.is_empty() => return Err(failed),
                text => wrong.push(format!("{}: {}", demo.id, text.unwrap_or_default())),
            }
        }
    }
    check(wrong.is_empty(), wrong.join("\n"))
}

fn compare(lesson: &Lesson, demo: &Demo, root: &Path, place: &Path) -> Outcome {
    let path = file(lesson, demo);
    let known = std::fs::read_to_string(&path).ok().map(|text| Recording::read(&text)).transpose()?;
    let depends = |known: &Recording| known.text().is_ok_and(|text| text.contains("cgroup"));
    if known.as_ref().is_none_or(depends) {
        needs_the_same_host()?;
    }
    let run = run(demo, root, place)?;
    let name = format!("{}.{}", lesson.folder, demo.id);
    let entry =
        LOOSELY.iter().find(|(prefix, _)| name == *prefix || (prefix.ends_with('.') && name.starts_with(prefix)));
    let how = entry.map_or(Compared::Closely, |(_, how)| *how);
    let new = comparable(&run, how);
    let old = known.as_ref().map(|known| comparable(known, how)).unwrap_or_default();
    if new == old {
        return Ok(());
    }
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::create_dir_all(folder())?;
        return Ok(std::fs::write(path, run.text()?)?);
    }
    let place = new.iter().zip(&old).position(|(new, old)| new != old).unwrap_or(new.len().min(old.len()));
    let line = |lines: &[String]| lines.get(place).cloned().unwrap_or_else(|| "(nothing more)".to_owned());
    Err(format!("differs from {}:\nrecorded {}\nnow      {}", path.display(), line(&old), line(&new)).into())
}

/// The demo as a learner would run it, but told in full and without a terminal.
fn run(demo: &Demo, root: &Path, place: &Path) -> Result<Recording, Failed> {
    std::fs::create_dir_all(place)?;
    let line = demo.run.trim();
    // The player shows steps and calls, whatever the lesson chooses.
    let told = line.replace("--trace steps ", "").replace("--trace full ", "");
    let boxlab = Path::new(env!("CARGO_BIN_EXE_boxlab")).parent().unwrap_or(place);
    let path = format!("{}:/usr/bin:/bin:/usr/sbin:/sbin", boxlab.display());
    let mut shell = Command::new("sh");
    // One stream, as on a terminal: in the order in which it was written.
    shell.args(["-c", &format!("exec 2>&1\n{told}")]).current_dir(place).stdin(Stdio::null()).stderr(Stdio::inherit());
    shell.env_clear().env("PATH", path).env("HOME", "/nowhere").env("LANG", "C.UTF-8").env("TZ", "UTC");
    let output = shell.env("BOXLAB_ROOT", root).env("BOXLAB_TRACE", "json").output()?;
    let status = output.status.code().unwrap_or(-1);
    check(status == demo.status || demo.stays, format!("{line}: it ended with {status}"))?;
    let stream = String::from_utf8_lossy(&output.stdout).replace(&*boxlab.to_string_lossy(), "/usr/local/bin");
    let mut run = Recording::capture(line, &stream, status);
    let mut alike = Alike::new(root, Some(place));
    for (index, line) in run.lines.iter_mut().enumerate() {
        match line {
            Line::Told(record) => {
                let mut told: Record = serde_json::from_str(&alike.line(&serde_json::to_string(record)?))?;
                told.seq = index as u64 + 1;
                without_line(&mut told.event);
                *record = told;
            }
            Line::Mark(Mark::Output { text }) => {
                let lines: Vec<String> = text.split('\n').map(|line| alike.text(line)).collect();
                *text = lines.join("\n");
            }
            Line::Mark(_) => {}
        }
    }
    Ok(run)
}

/// `src/x.rs:12` → `src/x.rs`: a line added above is no other run. No time is kept either.
fn without_line(event: &mut Event) {
    let source = match event {
        Event::Step { source, .. } => source,
        Event::Call { source, ns, .. } => {
            *ns = 0;
            source
        }
        Event::Exchange(exchange) => {
            exchange.ns = 0;
            &mut exchange.source
        }
        _ => return,
    };
    if let Some((file, _)) = source.rsplit_once(':') {
        *source = file.to_owned();
    }
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
        Event::State { .. } | Event::Show { .. } | Event::Exchange(_) => {
            let text = numbers(&format!("{} {:?}", record.role, record.event), how);
            // There may be one of them for each thread that got so far, and freezing takes a while.
            Some(text.replace("\"#\", \"#\"", "\"#\"").replace("FREEZING", "FROZEN"))
        }
        event => Some(random(&format!("{} {} {event:?}", record.role, record.pid))),
    }
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

/// `Nov 24`, as ls(1) has it, becomes `Jan 10`; what is seconds old is one second old.
fn dates(text: &str) -> String {
    let text = text.replace("Less than a second ago", "1 second ago").replace("seconds ago", "second ago");
    let mut words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    for index in 1..words.len() {
        if MONTHS.contains(&words[index - 1]) && words[index].bytes().all(|byte| byte.is_ascii_digit()) {
            (words[index - 1], words[index]) = (MONTHS[0], "10");
        }
    }
    words.join(" ")
}

/// Without what is chosen at random: names by mktemp(1), addresses of network cards.
fn random(text: &str) -> String {
    let word = |word: &str| -> String {
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
    let known: Vec<PathBuf> =
        pack.lessons.iter().flat_map(|lesson| demos(lesson).map(|demo| file(lesson, demo))).collect();
    for entry in std::fs::read_dir(folder())?.flatten() {
        check(known.contains(&entry.path()), format!("{} belongs to no demo: remove it", entry.path().display()))?;
    }
    Ok(())
}
