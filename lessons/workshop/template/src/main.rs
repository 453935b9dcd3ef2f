//! A container runtime of your own. This file reads the command line, and is complete;
//! each other file is a stage: `boxlab workshop contract STAGE` says what it must do.

mod child;
mod limit;
mod overlay;
mod pid;
mod pivot;
mod pull;
mod run;
mod seal;
mod unpack;
mod user;
mod uts;

use std::path::Path;

/// What can go wrong: anything that can be shown.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The runtime itself has failed.
pub const FAILED: i32 = 125;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let program = words.get(end + 1..).unwrap_or_default();
    let own: Vec<&str> = words[..end].iter().map(String::as_str).collect();
    let status = stage(&own, program).unwrap_or_else(|error| {
        eprintln!("mycontainer: {error}");
        FAILED
    });
    std::process::exit(status);
}

fn stage(own: &[&str], program: &[String]) -> Result<i32> {
    match *own {
        ["child"] => child::run(program),
        ["uts", name] => uts::run(name, program),
        ["pivot", root] => pivot::run(Path::new(root), program),
        ["pid", root] => pid::run(Path::new(root), program),
        ["user", root] => user::run(Path::new(root), program),
        ["limit", "--memory", memory, "--pids", pids, root] => {
            limit::run(memory.parse()?, pids.parse()?, Path::new(root), program)
        }
        ["seal", root] => seal::run(Path::new(root), program),
        ["overlay", lowers] => overlay::run(lowers, program),
        ["unpack", image, directory] => unpack::run(image, Path::new(directory)),
        ["pull", image, layout] => pull::run(image, Path::new(layout)),
        ["run", image] => run::run(image, program),
        _ => Err("this is not in the contract: see `boxlab workshop contract`".into()),
    }
}
