//! The narration: steps as headings, calls beneath, for a terminal of 80 columns.
//!
//! Colour is never the only sign: a failure also says `-1 EPERM`, a step has its
//! mark, the actor stands at the left edge.

use std::io::{self, Write};

use colored::{ColoredString, Colorize};

use super::event::Announced;
use super::fold::{Fold, Folded};
use super::samples::Samples;
use super::{Detail, Event, Exchange, Observer, Record, decode, exchange};

/// Columns of the actor at the left edge.
const MARGIN: usize = 9;

/// Renders events as text.
pub struct Narrator<W: Write> {
    out: W,
    detail: Detail,
    width: usize,
    marks: Marks,
    speaker: String,
    announced: Announced,
    fold: Fold,
    seen: Option<String>,
    samples: Samples,
}

/// The few signs beyond ASCII, and what stands for them elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    step: &'static str,
    becomes: &'static str,
    micro: &'static str,
    bar: &'static str,
    utf8: bool,
}

impl Marks {
    /// For a terminal that shows UTF-8, or not.
    pub fn new(utf8: bool) -> Self {
        if utf8 {
            Self { step: "▸", becomes: "→", micro: "µs", bar: "│", utf8 }
        } else {
            Self { step: ">", becomes: "->", micro: "us", bar: "|", utf8 }
        }
    }
}

impl<W: Write> Narrator<W> {
    /// A narrator that writes lines of `width` columns.
    pub fn new(out: W, detail: Detail, width: usize, marks: Marks) -> Self {
        Self {
            out,
            detail,
            width,
            marks,
            speaker: String::new(),
            announced: Announced::default(),
            fold: Fold::default(),
            seen: None,
            samples: Samples::new(false, marks.utf8),
        }
    }

    /// The same on a terminal, where a line can be drawn anew.
    pub fn on_terminal(mut self, terminal: bool) -> Self {
        self.samples = Samples::new(terminal, self.marks.utf8);
        self
    }

    fn render(&mut self, record: &Record) -> String {
        let role = record.role.as_str();
        match &record.event {
            Event::Step { text, .. } => self.step(role, text),
            Event::Call { name, args, ret, errno, ns, .. } => {
                self.call(role, name, args, ret, errno.as_deref(), Some(*ns))
            }
            Event::Announce { of } => {
                self.announced.announce(record, of);
                match of.as_ref() {
                    Event::Call { name, args, .. } => self.call(role, name, args, "", None, None),
                    other => self.render(&Record { event: other.clone(), role: record.role.clone(), ..*record }),
                }
            }
            Event::Exchange(exchange) => self.exchange(role, exchange),
            Event::State { subject, before, after } => self.state(subject, before, after),
            Event::Show { title, lines } => self.show(title, lines),
            Event::Left { part } => self.step(role, &format!("Left out, as you asked: {part}")),
            Event::See { what, reference } => self.see(what, reference),
            Event::Sample { .. } | Event::Look { .. } | Event::Done { .. } => String::new(),
        }
    }

    /// What was kept back, after the call that it is like.
    fn unfold(&mut self) -> String {
        match self.fold.take() {
            None => String::new(),
            Some(Folded::Each(records)) => records.iter().map(|record| self.render(record)).collect(),
            Some(Folded::List(differing)) => {
                let text = format!("... and {} more like it: {}", differing.len(), differing.join(", "));
                let margin = " ".repeat(MARGIN);
                let lines = textwrap::wrap(&text, self.width - MARGIN - 2);
                lines.iter().map(|line| format!("{margin}  {line}\n")).collect()
            }
        }
    }

    fn step(&mut self, role: &str, text: &str) -> String {
        let gap = if self.speaker.is_empty() || self.detail == Detail::Steps { "" } else { "\n" };
        self.speaker = role.to_owned();
        let mark = self.marks.step.bold();
        format!("{gap}{} {mark} {}\n", actor(role), wrap_words(text, self.width - MARGIN).bold())
    }

    fn call(
        &mut self,
        role: &str,
        name: &str,
        args: &[String],
        ret: &str,
        errno: Option<&str>,
        ns: Option<u64>,
    ) -> String {
        let margin = if role == self.speaker { ColoredString::from(" ".repeat(7)) } else { actor(role) };
        self.speaker = role.to_owned();
        let lines = wrap_args(name, args, self.width - MARGIN - 2);
        let last_width = lines.last().map_or(0, |line| line.chars().count()) + MARGIN;
        let mut text = format!("{margin}  {}", lines.join(&format!("\n{}", " ".repeat(MARGIN))));
        if ret.is_empty() {
            return text + "\n";
        }
        if let Some(errno) = errno {
            let meaning = decode::errno_meaning(errno).unwrap_or_default();
            let result = format!("= {ret} {errno} ({meaning})");
            let is_room = last_width + 1 + result.chars().count() <= self.width;
            let gap = if is_room { " ".to_owned() } else { format!("\n{}", " ".repeat(MARGIN + 4)) };
            return format!("{text}{gap}{}\n", result.red().bold());
        }
        let result = format!("= {ret}");
        text.push_str(&format!(" {}", result.dimmed()));
        let time = ns.filter(|ns| *ns > 0).map(|ns| duration(ns, self.marks.micro)).unwrap_or_default();
        let used = last_width + 1 + result.chars().count();
        if used + 1 + time.chars().count() < self.width {
            let gap = self.width - used - time.chars().count();
            text.push_str(&format!("{}{}", " ".repeat(gap), time.dimmed()));
        }
        text.trim_end().to_owned() + "\n"
    }

    fn exchange(&mut self, role: &str, exchange: &Exchange) -> String {
        let margin = if role == self.speaker { ColoredString::from(" ".repeat(7)) } else { actor(role) };
        self.speaker = role.to_owned();
        let (becomes, micro) = (self.marks.becomes, self.marks.micro);
        let lines = exchange::lines(exchange, becomes, &duration(exchange.ns, micro), self.width - MARGIN - 2);
        let margins = std::iter::once(margin).chain(std::iter::repeat(ColoredString::from(" ".repeat(7))));
        margins.zip(lines).map(|(margin, line)| format!("{margin}  {line}\n")).collect()
    }

    fn state(&self, subject: &str, before: &str, after: &str) -> String {
        let change = if before == after {
            format!("{after} (unchanged)").cyan()
        } else {
            format!("{before} {} {after}", self.marks.becomes).cyan()
        };
        format!("{}{} {change}\n", " ".repeat(MARGIN), format!("{subject}:").dimmed())
    }

    fn show(&self, title: &str, lines: &[String]) -> String {
        let bar = self.marks.bar.dimmed();
        let mut text = format!("{}{}\n", " ".repeat(MARGIN), format!("{title}:").dimmed());
        for line in lines {
            text.push_str(&format!("{}{bar} {line}\n", " ".repeat(MARGIN)));
        }
        text
    }

    fn see(&mut self, what: &str, reference: &str) -> String {
        let gap = if self.seen.is_none() { "\n" } else { "" };
        let label = if self.seen.as_deref() == Some(what) { "" } else { what };
        self.seen = Some(what.to_owned());
        // A line for the shell stays one, so that it can be copied.
        let text = if what == "shell" { reference.to_owned() } else { wrap_words(reference, self.width - MARGIN) };
        format!("{gap}{} {text}\n", format!("{label:>8}").dimmed())
    }
}

impl<W: Write> Observer for Narrator<W> {
    fn detail(&self) -> Detail {
        self.detail
    }

    fn observe(&mut self, record: &Record) -> io::Result<()> {
        let live = self.samples.are_live() && matches!(record.event, Event::Sample { .. } | Event::Done { .. });
        if self.detail == Detail::Steps && !is_heading(&record.event) && !live {
            return Ok(());
        }
        if self.announced.comes_true(record) || self.fold.keep(record) {
            return Ok(());
        }
        let mut text = self.unfold();
        if !text.is_empty() {
            text = self.samples.above(&text, MARGIN, self.width);
        }
        let rendered = self.render(record);
        self.fold.shown(record);
        text += &match record.event {
            Event::Sample { .. } => self.samples.take(&record.event, MARGIN, self.width),
            // A measured number has its line beneath the calls that it is measured between.
            Event::Call { .. } => self.samples.above(&rendered, MARGIN, self.width),
            _ => self.samples.end(MARGIN, self.width) + &rendered,
        };
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    fn settle(&mut self) -> io::Result<()> {
        let mut text = self.unfold();
        if !text.is_empty() {
            text = self.samples.above(&text, MARGIN, self.width);
        }
        text += &self.samples.end(MARGIN, self.width);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

/// What is shown of the steps alone.
fn is_heading(event: &Event) -> bool {
    match event {
        Event::Step { .. } | Event::Left { .. } => true,
        Event::Announce { of } => is_heading(of),
        _ => false,
    }
}

/// A trace that ends early, as that of a failure, still ends with its last call.
impl<W: Write> Drop for Narrator<W> {
    fn drop(&mut self) {
        let _ = self.settle();
    }
}

fn actor(role: &str) -> ColoredString {
    let text = format!("{role:<7}");
    match role {
        "host" => text.blue(),
        "child" => text.green(),
        "helper" => text.yellow(),
        _ => text.magenta(),
    }
}

/// `12 µs`, `1.3 ms`, `2.1 s`.
fn duration(ns: u64, micro: &str) -> String {
    match ns {
        0..1_000_000 => format!("{} {micro}", ns.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{}.{} ms", ns / 1_000_000, ns / 100_000 % 10),
        _ => format!("{}.{} s", ns / 1_000_000_000, ns / 100_000_000 % 10),
    }
}

fn wrap_words(text: &str, width: usize) -> String {
    textwrap::wrap(text, width).join(&format!("\n{}", " ".repeat(MARGIN)))
}

/// Breaks a call after its commas, and between flags only where they alone fill a
/// line; strings stay whole, so that they can be copied.
fn wrap_args(name: &str, args: &[String], width: usize) -> Vec<String> {
    let whole = format!("{name}({})", args.join(", "));
    let mut lines = vec![String::new()];
    for piece in pieces(&whole, |byte, before| byte == b'(' || (byte == b' ' && before.ends_with(','))) {
        let long = length(piece) + INDENT.len() > width;
        let parts = if long { pieces(piece, |byte, _| byte == b'|') } else { vec![piece] };
        for part in parts {
            append(&mut lines, part, width);
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// What continues a call stands further in.
const INDENT: &str = "    ";

fn append(lines: &mut Vec<String>, part: &str, width: usize) {
    let used = lines.last().map_or(0, |line| length(line));
    let empty = used == 0 || lines.last().is_some_and(|line| line == INDENT);
    if !empty && used + length(part.trim_end()) > width {
        lines.push(INDENT.to_owned());
    }
    if let Some(line) = lines.last_mut() {
        line.push_str(part);
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// The text cut after each byte that `ends` a piece, outside of strings.
fn pieces(text: &str, ends: impl Fn(u8, &str) -> bool) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if !quoted && ends(byte, &text[..index]) => {
                pieces.push(&text[start..=index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::{Marks, Narrator, duration, wrap_args};
    use crate::trace::{Detail, Event, Observer, Record};

    fn record(role: &str, event: Event) -> Record {
        Record { event, seq: 1, role: role.to_owned(), pid: 7 }
    }

    fn call(name: &str, args: &[&str], ret: &str, errno: Option<&str>) -> Event {
        Event::Call {
            name: name.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            ret: ret.to_owned(),
            errno: errno.map(str::to_owned),
            ns: 12_345,
            source: "src/x.rs:1".to_owned(),
        }
    }

    #[test]
    fn steps_calls_state_and_failures_fit_80_columns() {
        colored::control::set_override(false);
        let mut out = Vec::new();
        let mut narrator = Narrator::new(&mut out, Detail::Full, 80, Marks::new(true));
        let step = Event::Step {
            primitive: "ns.uts".into(),
            text: "Stop sharing the host's name".into(),
            source: String::new(),
        };
        let state = Event::State { subject: "uts namespace".into(), before: "uts:[1]".into(), after: "uts:[2]".into() };
        for event in [
            step,
            call("unshare", &["CLONE_NEWUTS"], "0", None),
            state,
            call("sethostname", &["\"box\"", "3"], "-1", Some("EPERM")),
            call("chdir", &["\"/a/directory/that/is/not/there\""], "-1", Some("ENOENT")),
        ] {
            narrator.observe(&record("child", event)).expect("written to memory");
        }
        drop(narrator);
        let text = String::from_utf8(out).expect("text");
        insta::with_settings!({snapshot_path => "../../snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!("narration", text);
        });
    }

    #[test]
    fn a_long_call_breaks_after_a_comma() {
        let args = ["\"overlay\"", "\"/merged\"", "\"overlay\"", "MS_RDONLY|MS_NOSUID", "\"lowerdir=/a, b\""]
            .map(str::to_owned);
        let lines = wrap_args("mount", &args, 42);
        let expected = ["mount(\"overlay\", \"/merged\", \"overlay\",", "    MS_RDONLY|MS_NOSUID, \"lowerdir=/a, b\")"];
        assert_eq!(lines, expected);
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(900, "µs"), "1 µs");
        assert_eq!(duration(1_340_000, "µs"), "1.3 ms");
        assert_eq!(duration(2_100_000_000, "µs"), "2.1 s");
    }
}
