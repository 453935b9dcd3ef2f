//! `boxlab compare`: two processes side by side, whoever made them.

use clap::Args;
use colored::Colorize;
use serde::Serialize;

use super::context::{Context, width};
use super::explain::find;
use super::output;
use super::page::plain;
use crate::error::Result;
use crate::explain::Portrait;
use crate::explain::compare::{Better, Comparison, Row};

/// What does one process isolate that another does not?
#[derive(Debug, Args)]
#[command(after_help = "The first look at each is `boxlab explain`. A container of runc, podman or docker is\n\
given by its PID: `podman inspect --format '{{.State.Pid}}' NAME`.")]
pub struct Compare {
    /// A process, or a running container of boxlab's by name or ID
    #[arg(value_name = "PID|CONTAINER")]
    a: String,
    /// The other
    #[arg(value_name = "PID|CONTAINER")]
    b: String,
    /// Show what is alike too
    #[arg(long)]
    all: bool,
    /// `text` or `json`
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

/// Who is compared, for programs.
#[derive(Serialize)]
struct Compared<'c> {
    a: Side<'c>,
    b: Side<'c>,
    #[serde(flatten)]
    comparison: &'c Comparison,
}

#[derive(Serialize)]
struct Side<'c> {
    pid: i32,
    command: &'c str,
}

impl Compare {
    /// Looks at both and tells.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let a = Portrait::of(find(context, &self.a)?)?;
        let b = Portrait::of(find(context, &self.b)?)?;
        let comparison = Comparison::of(&a, &b);
        if self.format == "json" {
            let [a, b] = [&a, &b].map(|of| Side { pid: of.pid, command: &of.command });
            return output::json(&Compared { a, b, comparison: &comparison }).map(|()| 0);
        }
        context.color_the_result();
        output::print(&self.page(&a, &b, &comparison)).map(|()| 0)
    }

    fn page(&self, a: &Portrait, b: &Portrait, comparison: &Comparison) -> String {
        let table = Table::new();
        let names = [(&self.a, a), (&self.b, b)].map(|(given, of)| name(given, of));
        let mut text = table.line("", &names, None);
        text.push_str(&table.line("", &[a, b].map(|of| cut(&of.command, table.column)), None));
        text.push('\n');
        let shown: Vec<&Row> = comparison.rows.iter().filter(|row| row.differs || self.all).collect();
        for row in &shown {
            let values = [&row.a, &row.b].map(|side| plain(side.value.as_deref().unwrap_or("-")));
            text.push_str(&table.line(row.aspect, &values, row.better()));
        }
        let alike = comparison.rows.len() - shown.len();
        let kinds = comparison.together.join(" ");
        for (say, line) in [
            (shown.is_empty(), "They are alike in all that can be seen.".to_owned()),
            (
                alike > 0 && !shown.is_empty(),
                format!("+ isolates more. Alike in {alike} other aspects (--all shows them)."),
            ),
            (!kinds.is_empty(), format!("They live together in these namespaces, apart from the host: {kinds}.")),
        ] {
            if say {
                text.push_str(&format!("\n{line}\n"));
            }
        }
        let [a, b] = &names;
        text + &table.isolates(a, b, &comparison.only_a) + &table.isolates(b, a, &comparison.only_b)
    }
}

/// `web (PID 716)`, or the PID alone.
fn name(given: &str, of: &Portrait) -> String {
    if given.parse() == Ok(of.pid) { format!("PID {}", of.pid) } else { format!("{given} (PID {})", of.pid) }
}

fn cut(text: &str, columns: usize) -> String {
    plain(text).chars().take(columns).collect()
}

/// Columns of the aspects' names.
const LABEL: usize = 14;

/// A table of two columns, in which `+` marks who isolates more.
struct Table {
    width: usize,
    column: usize,
}

impl Table {
    /// As wide as where standard output goes.
    fn new() -> Self {
        let width = width(std::io::stdout());
        Self { width, column: (width - LABEL - 6) / 2 }
    }

    fn line(&self, label: &str, values: &[String; 2], better: Option<Better>) -> String {
        let [a, b] = values.each_ref().map(|value| textwrap::wrap(value, self.column));
        let mark = |who: Better, index: usize| if better == Some(who) && index == 0 { "+ " } else { "  " };
        let mut text = String::new();
        for index in 0..a.len().max(b.len()) {
            let cell = |lines: &[std::borrow::Cow<'_, str>], who: Better| {
                let value = lines.get(index).map_or("", |line| line.as_ref());
                let cell = format!("{}{value:<1$}", mark(who, index), self.column);
                if better == Some(who) { cell.green().to_string() } else { cell }
            };
            let label = if index == 0 { label } else { "" };
            let line = format!("{:<LABEL$}{} {}", label, cell(&a, Better::A), cell(&b, Better::B));
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// The summary of one side.
    fn isolates(&self, who: &str, other: &str, aspects: &[&str]) -> String {
        let title = format!("{who} isolates, {other} does not or only in part:");
        let names = if aspects.is_empty() { "nothing".to_owned() } else { aspects.join(", ") };
        let names = textwrap::wrap(&names, self.width - 2).join("\n  ");
        format!("\n{}\n  {names}\n", title.bold())
    }
}
