//! `boxlab completions` and `boxlab man`: made from the command line's own types,
//! so that they can't go stale.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, output};
use crate::error::{Error, IoContext, Result};
use crate::paths;

/// Print the script that completes commands in a shell
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell to complete for
    shell: Shell,
}

/// Print the manual, or write its pages into a directory
#[derive(Debug, Args)]
pub struct Man {
    /// Write all pages into this directory [default: print the first]
    directory: Option<PathBuf>,
}

impl Completions {
    /// Prints the script that the shell reads.
    pub fn run(&self) -> Result<i32> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "boxlab", &mut script);
        output::print(&String::from_utf8_lossy(&script)).map(|()| 0)
    }
}

impl Man {
    /// Prints boxlab(1), or writes it and a page for each command.
    pub fn run(&self) -> Result<i32> {
        if let Some(directory) = &self.directory {
            paths::make(directory)?;
            let written = clap_mangen::generate_to(Cli::command(), directory);
            return written.or_fail(|| format!("cannot write into {}", directory.display())).map(|()| 0);
        }
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
        rendered.map_err(|error| Error::io("cannot render the page", &error))?;
        output::print(&String::from_utf8_lossy(&page)).map(|()| 0)
    }
}
