//! How long a whole process takes, from its start to its end: `boxlab run` of a
//! trivial program, beside other runtimes and beside the least that any of them
//! must do (the *floor*).
//!
//! It measures processes and not functions, since that is what a user waits for.
//! Everything runs in turn, in a new order each round, so that a slow moment of
//! the machine falls on all alike. `cargo bench --bench latency -- --help`

mod bundle;
mod contenders;
mod floor;
mod ground;
mod measure;
mod report;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use contenders::Contender;
use ground::Ground;

/// `cargo bench --bench latency -- [OPTIONS]`
#[derive(Debug, Parser)]
#[command(name = "latency", about = "Whole-process latency of boxlab, other runtimes and the floor")]
struct Options {
    /// How often each is run
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Write the results to a file, with every single time
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
    /// Fail if a bar is broken
    #[arg(long)]
    check: bool,
    /// Measure only those whose name holds this text
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Measure another build of boxlab as well, in the same rounds
    #[arg(long, value_name = "BOXLAB")]
    against: Vec<PathBuf>,
    /// Where root filesystems, images and storage are put [default: the directory for temporary files]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Where all keep their state [default: /run for root, else as --scratch]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Given by `cargo bench`; without it (`cargo test --benches`) nothing is timed
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    // Before anything else: the floor is measured as a process too.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() == Some(OsStr::new(floor::NAME)) {
        return floor::run(arguments);
    }
    // `cargo test --all-targets` starts it too, with arguments that are not for it.
    if !std::env::args_os().any(|argument| argument == "--bench") {
        println!("Nothing is timed in a test. Measure with: cargo bench --bench latency");
        return ExitCode::SUCCESS;
    }
    match compare(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("latency: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Measures everything and shows it; false if it is not as it has to be.
fn compare(options: &Options) -> Result<bool, String> {
    let ground = Ground::prepare(options.scratch.as_deref(), options.state.as_deref())?;
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|text| name.contains(text.as_str()));
    let mut contenders = contenders::all(&ground, &options.against);
    contenders.retain(|contender| wanted(&contender.name));
    let (present, missing) = set_apart(contenders);

    let results = measure::interleaved(&ground, &present, options.rounds)?;
    let report = report::Report::new(options.rounds, results, missing);
    print!("{}", report.markdown());
    if let Some(path) = &options.json {
        std::fs::write(path, report.json()).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    let complete = report.missing.is_empty() || std::env::var("BOXLAB_REQUIRE").as_deref() != Ok("all");
    if !complete {
        eprintln!("latency: BOXLAB_REQUIRE=all, and not everything could be measured");
    }
    Ok(complete && (!options.check || report.keeps_all_bars()))
}

/// Those that run here, and the names of the others with the reason.
fn set_apart(contenders: Vec<Contender>) -> (Vec<Contender>, Vec<(String, String)>) {
    let mut missing = Vec::new();
    let mut present = Vec::new();
    for contender in contenders {
        match contender.missing() {
            Some(reason) => missing.push((contender.name, reason)),
            None => present.push(contender),
        }
    }
    (present, missing)
}
