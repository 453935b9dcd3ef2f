//! Parse, run, print the error.

use std::process::ExitCode;

use boxlab::cli::Cli;
use boxlab::error::Error;
use boxlab::kernel::keep_ended_children;
use clap::Parser;
use colored::Colorize;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!(
            "boxlab: this is a bug: {panic}\nPlease report it with the command that you ran. `boxlab cleanup` tidies up."
        );
    }));
    keep_ended_children();
    let status = match Cli::parse().run() {
        Ok(status) => status,
        Err(error) => {
            report(&error);
            error.failure().status
        }
    };
    ExitCode::from(u8::try_from(status).unwrap_or(125))
}

/// One line for what happened, then where, why and what to do.
fn report(error: &Error) {
    let failure = error.failure();
    eprintln!("{} {error}", "boxlab:".red().bold());
    if let Some(step) = &failure.step {
        let place = failure.source.as_deref().map(|source| format!(" ({source})")).unwrap_or_default();
        eprintln!("  at the step: {step}{}", place.dimmed());
    }
    for line in failure.hint.iter().flat_map(|hint| hint.lines()) {
        eprintln!("  {line}");
    }
}
