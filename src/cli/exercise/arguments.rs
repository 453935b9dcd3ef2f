//! What `boxlab exercise` is told on its command line.

use clap::{Args, Subcommand};

use crate::cli::learn::Room;

/// `boxlab exercise`.
#[derive(Debug, Subcommand)]
pub enum ExerciseCommand {
    /// The exercises, with their minutes and what you have done
    Ls(Ls),
    /// Start one, or go on with it: its task, and a shell in a place made for it
    Start(Start),
    /// Is it done? What is missing, and where to look
    Check(Check),
    /// A hint; asked again, the next one
    Hint(Named),
    /// Check again whenever something changes
    Watch(WatchIt),
    /// Show the solution
    Solution(Solution),
    /// Make it as it was at the start
    Reset(Named),
    /// End it: nothing of it stays
    Stop(Stop),
    /// Pass over one, for a reason
    Skip(Skip),
    /// For authors: does it fail untouched, pass by its solution, refuse what is wrong?
    Verify(Verify),
}

/// List the exercises
#[derive(Debug, Args)]
pub struct Ls {
    /// `table` or `json`
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    pub format: String,
    #[command(flatten)]
    pub room: Room,
}

/// Start an exercise
#[derive(Debug, Args)]
pub struct Start {
    /// Its name: LESSON/EXERCISE, or the last part alone
    pub name: String,
    /// Open no shell
    #[arg(long)]
    pub no_shell: bool,
    #[command(flatten)]
    pub room: Room,
}

/// Check an exercise
#[derive(Debug, Args)]
pub struct Check {
    /// Its name [default: the one that was started last]
    pub name: Option<String>,
    /// `text` or `json`
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
    #[command(flatten)]
    pub room: Room,
}

/// What needs no more than a name.
#[derive(Debug, Args)]
pub struct Named {
    /// Its name [default: the one that was started last]
    pub name: Option<String>,
    #[command(flatten)]
    pub room: Room,
}

/// Watch an exercise
#[derive(Debug, Args)]
pub struct WatchIt {
    /// Its name [default: the one that was started last]
    pub name: Option<String>,
    /// Nothing but lines of text: for screen readers and slow lines
    #[arg(long)]
    pub plain: bool,
    #[command(flatten)]
    pub room: Room,
}

/// Show the solution
#[derive(Debug, Args)]
pub struct Solution {
    /// Its name [default: the one that was started last]
    pub name: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    #[command(flatten)]
    pub room: Room,
}

/// End an exercise
#[derive(Debug, Args)]
pub struct Stop {
    /// Its name [default: the one that was started last]
    pub name: Option<String>,
    /// All that were started
    #[arg(long, conflicts_with = "name")]
    pub all: bool,
    #[command(flatten)]
    pub room: Room,
}

/// Pass over an exercise
#[derive(Debug, Args)]
pub struct Skip {
    /// Its name
    pub name: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub because: String,
    /// Do what the solution does, so that the next one can build on it
    #[arg(long)]
    pub prepare: bool,
    #[command(flatten)]
    pub room: Room,
}

/// Try exercises
#[derive(Debug, Args)]
pub struct Verify {
    /// Their names [default: all]
    pub names: Vec<String>,
    /// How long what a script starts may take until it is as it will be, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub patience: u64,
    #[command(flatten)]
    pub room: Room,
}
