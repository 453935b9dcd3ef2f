//! The command line: clap types and thin command functions, one file a noun.

mod book;
mod cgroup;
mod cgroups;
mod cleanup;
mod compare;
mod context;
mod doctor;
mod exercise;
mod explain;
mod filter;
mod guards;
mod image;
mod lab;
mod learn;
mod limits;
mod login;
mod manifest;
mod manual;
mod mount;
mod mounts;
mod ns;
mod output;
mod page;
mod progress;
mod pull;
mod push;
mod registry;
mod registry_options;
mod run;
mod seccomp;
mod security;
mod size;
mod table;
mod template;
mod units;
mod workshop;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::catalog::{about, after_help};
use crate::error::Result;
use context::Context;

/// A container lab: build containers step by step and watch the system calls.
#[derive(Debug, Parser)]
#[command(name = "boxlab", version, propagate_version = false, max_term_width = 100)]
#[command(
    after_help = "Start here: `boxlab learn` is the guided path. `boxlab run` opens a shell in a container made \
                  of this machine's own programs; `boxlab ns uts` builds the smallest piece of one."
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// How much to tell: nothing, why, why and what, or JSON lines [default: by command]
    #[arg(long, global = true, value_enum, env = "BOXLAB_TRACE", value_name = "HOW", help_heading = "Global options")]
    trace: Option<Trace>,
    /// Write the trace to a file instead of standard error
    #[arg(long, global = true, value_name = "PATH", help_heading = "Global options")]
    trace_file: Option<PathBuf>,
    /// Keep images and state beneath this directory
    #[arg(long, global = true, env = "BOXLAB_ROOT", value_name = "DIR", help_heading = "Global options")]
    root: Option<PathBuf>,
    /// When to use colour (NO_COLOR is honoured)
    #[arg(long, global = true, value_enum, value_name = "WHEN", help_heading = "Global options")]
    color: Option<Color>,
    /// No narration and no progress
    #[arg(short, long, help_heading = "Global options")]
    quiet: bool,
}

/// `--trace`: nothing; why; why and what; all of it as JSON lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Trace {
    Off,
    Steps,
    Full,
    Json,
}

/// `--color`: if standard error is a terminal; even in a pipe; never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// The nouns. Only the one that is called gets built (`defer`): building them all
/// takes a tenth of the time of `run`, and longer with each command.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    /// The guided path: lessons that run, one after the other; it goes on where you left
    Learn(Box<learn::Learn>),
    /// Lessons: the chapters of the guided path, one by one
    Lesson {
        #[command(subcommand)]
        command: learn::LessonCommand,
    },
    /// Exercises: something to make true, checked by looking at the kernel
    Exercise {
        #[command(subcommand)]
        command: exercise::ExerciseCommand,
    },
    /// The workshop: write a container runtime of your own, judged stage by stage
    Workshop {
        #[command(subcommand)]
        command: workshop::WorkshopCommand,
    },
    /// Namespaces: what a process sees of the machine
    Ns {
        #[command(subcommand)]
        command: ns::Ns,
    },
    /// Mounts: the files that a process sees
    Mount {
        #[command(subcommand)]
        command: mount::Mount,
    },
    /// Cgroups: how much a group of processes may use
    Cgroup {
        #[command(subcommand)]
        command: cgroup::Cgroup,
    },
    /// Security: what root in a container may not do
    Security {
        #[command(subcommand)]
        command: security::Security,
    },
    /// Images: the files that containers are made of
    Image {
        #[command(subcommand)]
        command: image::ImageCommand,
    },
    /// Manifests: what an image is made of, as its registry says it
    Manifest {
        #[command(subcommand)]
        command: manifest::Manifest,
    },
    #[command(about = about("image pull"), after_help = after_help("image pull"))]
    Pull(Box<pull::Pull>),
    #[command(about = about("image push"), after_help = after_help("image push"))]
    Push(Box<push::Push>),
    /// Tell boxlab who you are to a registry
    Login(login::Login),
    /// Make boxlab forget who you are to a registry
    Logout(login::Logout),
    /// Which images there are: `image ls`
    Images(image::Ls),
    /// All that is known about an image: `image inspect`
    Inspect(image::Inspect),
    /// Which instruction made which layer: `image history`
    History(image::History),
    /// Give an image another name: `image tag`
    Tag(image::Tag),
    /// Remove images, or names of images: `image rm`
    Rmi(image::Rm),
    /// Write images into a file: `image save`
    Save(image::Save),
    /// Get images out of a file: `image load`
    Load(image::Load),
    /// Make an image of a root filesystem: `image import`
    Import(image::Import),
    #[command(about = about("run"), after_help = after_help("run"), disable_help_flag = true)]
    Run(Box<run::Run>),
    /// Registries: hand images to others
    Registry {
        #[command(subcommand)]
        command: registry::Registry,
    },
    /// What isolates a process: any process, whoever made it
    Explain(explain::Explain),
    /// What does one process isolate that another does not?
    Compare(compare::Compare),
    /// What works on this host, found out by trying
    Doctor(doctor::Doctor),
    /// Find, name and remove what a killed command left behind
    Cleanup(cleanup::Cleanup),
    /// The book of the lessons, in a browser: recorded runs to step through, offline
    Book(book::Book),
    /// Put lessons and recorded runs into anyone's mdBook: its preprocessor
    Mdbook(book::Mdbook),
    /// Print the script that completes commands in a shell
    Completions(manual::Completions),
    /// Print the manual, or write its pages into a directory
    Man(manual::Man),
}

impl Cli {
    /// Does what the command line asks for; its result is the exit status.
    pub fn run(self) -> Result<i32> {
        let context = Context::new(self.global)?;
        match self.command {
            Command::Learn(command) => command.run(&context),
            Command::Lesson { command } => command.run(&context),
            Command::Exercise { command } => command.run(&context),
            Command::Workshop { command } => command.run(&context),
            Command::Ns { command } => command.run(&context),
            Command::Mount { command } => command.run(&context),
            Command::Cgroup { command } => command.run(&context),
            Command::Security { command } => command.run(&context),
            Command::Image { command } => command.run(&context),
            Command::Manifest { command } => command.run(&context),
            Command::Pull(command) => command.run(&context),
            Command::Push(command) => command.run(&context),
            Command::Login(command) => command.run(&context),
            Command::Logout(command) => command.run(&context),
            Command::Images(command) => command.run(&context),
            Command::Inspect(command) => command.run(&context),
            Command::History(command) => command.run(&context),
            Command::Tag(command) => command.run(&context),
            Command::Rmi(command) => command.run(&context),
            Command::Save(command) => command.run(&context),
            Command::Load(command) => command.run(&context),
            Command::Import(command) => command.run(&context),
            Command::Run(command) => command.run(&context),
            Command::Registry { command } => command.run(&context),
            Command::Explain(command) => command.run(&context),
            Command::Compare(command) => command.run(&context),
            Command::Doctor(command) => command.run(&context),
            Command::Cleanup(command) => command.run(&context),
            Command::Book(command) => command.run(&context),
            Command::Mdbook(command) => command.run(),
            Command::Completions(command) => command.run(),
            Command::Man(command) => command.run(),
        }
    }
}
