//! `boxlab book`: the book, offline. `boxlab mdbook`: the preprocessor for mdBook.

use std::io::{IsTerminal, Read, stdin, stdout};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{Args, Subcommand};

use super::context::Context;
use super::learn::Room;
use super::output;
use crate::error::{Error, IoContext, Result};
use crate::kernel::program_path;
use crate::learn::book::recording::Recording;
use crate::learn::book::{Book as Made, preprocessor};
use crate::paths;

/// The book of the lessons, in a browser: recorded runs to step through, offline
#[derive(Debug, Args)]
#[command(after_help = "Without a display it prints the address of the page, and nothing else.")]
pub struct Book {
    /// A lesson or a command: `uts`, `ns uts` [default: the first page]
    #[arg(value_name = "PAGE")]
    page: Vec<String>,
    /// Open no browser
    #[arg(long)]
    no_open: bool,
    /// Print the path of the page instead of its address, and open no browser
    #[arg(long)]
    print_path: bool,
    /// Write the pages into this directory, to hand them out
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    room: Room,
}

impl Book {
    /// Makes the pages, says where, and opens the one that is meant.
    pub fn run(self, context: &Context) -> Result<i32> {
        let made = Made { pack: self.room.pack()?, recordings: None, html: true };
        let page = made.page_of(&self.page)?;
        let directory = match &self.output {
            Some(directory) => std::path::absolute(directory).unwrap_or_else(|_| directory.clone()),
            None => {
                paths::make(&context.paths.store)?;
                context.paths.book()
            }
        };
        made.write_pages(&directory)?;
        let path = directory.join(page);
        let address = if self.print_path { path.display().to_string() } else { address(&path) };
        output::print(&format!("{address}\n"))?;
        let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
        if !self.no_open && !self.print_path && self.output.is_none() && display && stdout().is_terminal() {
            open(&address)?;
        }
        Ok(0)
    }
}

/// A browser, if there is a way to ask for one. xdg-open(1)
fn open(address: &str) -> Result<()> {
    let Some(program) = program_path("xdg-open") else { return Ok(()) };
    let started = Command::new(program).arg(address).stdin(Stdio::null()).stderr(Stdio::null()).status();
    started.or_fail(|| "cannot start xdg-open".to_owned()).map(drop)
}

/// `file:///var/lib/boxlab/book/index.html` (RFC 8089)
fn address(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let letters = path.as_os_str().as_bytes().iter();
    let spelled = letters.map(|&byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    format!("file://{}", spelled.collect::<String>())
}

/// Put lessons and recorded runs into anyone's mdBook: its preprocessor
#[derive(Debug, Args)]
#[command(after_help = "In book.toml:\n\n\
    \u{20} [preprocessor.boxlab]\n\
    \u{20} command = \"boxlab mdbook\"\n\
    \u{20} lessons = \"../lessons\"        # else those that come with boxlab\n\
    \u{20} recordings = \"../recordings\"  # of their demos; else those that come with boxlab\n\n\
    In a chapter:\n\n\
    \u{20} {{#boxlab FILE.jsonl}}      a recorded run that can be stepped through\n\
    \u{20} {{#lesson NAME}}            a lesson: text, recorded demos, questions\n\
    \u{20} {{#lesson NAME SECTION}}    a section of its text\n\
    \u{20} {{#exercises NAME}}         its exercises\n\
    \u{20} {{#reading NAME}}           the man pages of its commands\n\n\
    `boxlab mdbook record 'boxlab ns uts -- uname -n' > FILE.jsonl` records one.")]
pub struct Mdbook {
    #[command(flatten)]
    room: Room,
    #[command(subcommand)]
    question: Option<Question>,
}

/// What mdBook asks before.
#[derive(Debug, Subcommand)]
enum Question {
    /// Exit with 0 if it can serve this renderer
    Supports {
        /// Its name
        renderer: String,
    },
    /// Run a command line, and print what happens as a recording
    Record {
        /// For sh(1); each boxlab in it tells its system calls, unless it is told not to
        line: String,
    },
}

impl Mdbook {
    /// Answers, or reads the book from standard input and prints it.
    pub fn run(&self) -> Result<i32> {
        match &self.question {
            // All of them: for others than `html` a run is a code block.
            Some(Question::Supports { renderer }) => return Ok(i32::from(renderer.is_empty())),
            Some(Question::Record { line }) => return record(line),
            None => {}
        }
        let mut input = String::new();
        stdin().read_to_string(&mut input).map_err(|error| Error::io("cannot read the book", &error))?;
        output::print(&preprocessor::process(&input, self.room.lessons.as_deref())?)?;
        Ok(0)
    }
}

/// Output and trace come on one stream, in the order in which a terminal would show them.
fn record(line: &str) -> Result<i32> {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1\n{line}")]).env("BOXLAB_TRACE", "json").stdin(Stdio::null());
    let ran = shell.stderr(Stdio::inherit()).output().or_fail(|| "cannot run sh".to_owned())?;
    let status = ran.status.code().unwrap_or(-1);
    let run = Recording::capture(line, &String::from_utf8_lossy(&ran.stdout), status);
    output::print(&run.text()?).map(|()| 0)
}
