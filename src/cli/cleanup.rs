//! `boxlab cleanup`: finds, names and removes what a killed command left behind.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use dialoguer::Confirm;
use serde::Serialize;

use super::Trace;
use super::context::Context;
use super::output;
use crate::error::{Error, Result};
use crate::image::Store;
use crate::kernel::Mode;
use crate::ledger::{self, Item, Leftover};

/// Find, name and remove what a killed command left behind
#[derive(Debug, Args)]
pub struct Cleanup {
    /// Remove without asking
    #[arg(short, long, conflicts_with = "dry_run")]
    yes: bool,
    /// Only list what is left
    #[arg(long)]
    dry_run: bool,
    /// End also the exercises that you are in the middle of
    #[arg(long)]
    exercises: bool,
    /// `text` or `json`
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

/// What is left of one command, for the list.
#[derive(Debug, Serialize)]
struct Entry {
    command: Option<String>,
    items: Vec<String>,
    /// No leftover: an exercise that a learner is in the middle of.
    under_way: bool,
}

impl Cleanup {
    /// Lists, asks, removes.
    pub fn run(self, context: &Context) -> Result<i32> {
        let mut left = ledger::leftovers(&context.paths)?;
        let store = Store::open(&context.paths.store)?;
        let unfinished = store.leftovers()?;
        self.list(&entries(&left, &unfinished))?;
        left.retain(|leftover| self.exercises || !leftover.is_under_way());
        if left.is_empty() && unfinished.is_empty() || self.dry_run || !self.agreed()? {
            return Ok(0);
        }
        let k = context.kernel(Trace::Off, Mode::default())?;
        let failures: Vec<Error> = left.iter().filter_map(|leftover| leftover.remove(&k).err()).collect();
        store.remove_leftovers(&|path| ledger::remove_directory(&k, path))?;
        failures.into_iter().next().map_or(Ok(0), Err)
    }

    fn list(&self, entries: &[Entry]) -> Result<()> {
        if self.format == "json" {
            return output::json(&entries);
        }
        if entries.is_empty() {
            return output::print("Nothing is left behind.\n");
        }
        let mut text = String::new();
        for entry in entries {
            let command = entry.command.as_deref().unwrap_or("(a command that is not known any more)");
            text.push_str(&format!("{command}\n"));
            if entry.under_way && !self.exercises {
                text.push_str("  (under way, and kept: `boxlab exercise stop` or `cleanup --exercises` ends it)\n");
            }
            text.extend(entry.items.iter().map(|item| format!("  {item}\n")));
        }
        output::print(&text)
    }

    fn agreed(&self) -> Result<bool> {
        if self.yes {
            return Ok(true);
        }
        if !std::io::stdin().is_terminal() {
            return Err(Error::new("nothing was removed, since there is no terminal to ask on")
                .hint("`boxlab cleanup --yes` removes it."));
        }
        let asked = Confirm::new().with_prompt("Remove all of this?").default(false).interact_opt();
        asked.map(|answer| answer.unwrap_or(false)).map_err(|error| Error::new(format!("cannot ask: {error}")))
    }
}

fn entries(left: &[Leftover], unfinished: &[PathBuf]) -> Vec<Entry> {
    let of_command = |leftover: &Leftover| Entry {
        command: leftover.owner.as_ref().map(|owner| owner.command.clone()),
        items: leftover.items.iter().map(Item::describe).collect(),
        under_way: leftover.is_under_way(),
    };
    let of_image = |path: &PathBuf| Entry {
        command: Some("an image that was not finished".to_owned()),
        items: vec![format!("directory {}", path.display())],
        under_way: false,
    };
    left.iter().map(of_command).chain(unfinished.iter().map(of_image)).collect()
}
