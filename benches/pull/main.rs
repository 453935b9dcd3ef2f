//! How long it takes until an image from a registry could be run: `boxlab pull` beside
//! `podman pull`, and beside the least that anybody must do: `curl | pigz -dc | tar x`.
//!
//! A real registry on loopback serves them all; each pulls into a fresh directory, in turn, in a
//! new order each round. `cargo bench --bench pull -- --rounds 7`

mod images;
mod registry;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;

use images::Made;
use registry::Registry;

/// `cargo bench --bench pull -- [OPTIONS]`
#[derive(Debug, Parser)]
#[command(name = "pull", about = "How long a pull takes, and how much memory")]
struct Options {
    /// How often each is run
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Fail if a bar is broken
    #[arg(long)]
    check: bool,
    /// Where everything is put [default: /var/tmp]
    #[arg(long, value_name = "DIR", default_value = "/var/tmp")]
    scratch: PathBuf,
    /// Given by `cargo bench`; without it (`cargo test --benches`) nothing is timed
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    if !std::env::args_os().any(|argument| argument == "--bench") {
        println!("Nothing is timed in a test. Measure with: cargo bench --bench pull");
        return ExitCode::SUCCESS;
    }
    match compare(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("pull: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// One of those that are compared.
struct Contender {
    name: &'static str,
    /// The command that pulls image `reference` with `layers` into an empty directory.
    command: fn(&Ground, &Made, &Path) -> Command,
}

/// What all of them need.
struct Ground {
    registry: Registry,
    scratch: tempfile::TempDir,
}

const CONTENDERS: [Contender; 4] = [
    Contender { name: "boxlab pull", command: boxlab },
    Contender { name: "podman pull", command: podman },
    Contender { name: "skopeo copy (not unpacked)", command: skopeo },
    Contender { name: "curl | pigz | tar", command: floor },
];

fn boxlab(_: &Ground, image: &Made, root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boxlab"));
    command.arg("-q").arg("--root").arg(root).args(["pull", &image.reference]);
    command
}

fn podman(_: &Ground, image: &Made, root: &Path) -> Command {
    let mut command = Command::new("podman");
    command.arg("--root").arg(root.join("root")).arg("--runroot").arg(root.join("run"));
    command.args(["--storage-driver", "overlay", "pull", "--quiet", "--tls-verify=false", &image.reference]);
    command
}

fn skopeo(_: &Ground, image: &Made, root: &Path) -> Command {
    let mut command = Command::new("skopeo");
    let from = format!("docker://{}", image.reference);
    command.args(["copy", "--quiet", "--src-tls-verify=false", &from]);
    command.arg(format!("oci:{}:image", root.join("oci").display()));
    command
}

/// No digest is checked, no blob is kept, no whiteout is understood.
fn floor(_: &Ground, image: &Made, root: &Path) -> Command {
    let mut script = String::from("set -e\n");
    for (place, url) in image.layers.iter().enumerate() {
        let layer = root.join(place.to_string());
        script.push_str(&format!("mkdir {0}; curl -sf {url} | pigz -dc | tar x -C {0}\n", layer.display()));
    }
    let mut command = Command::new("sh");
    command.args(["-c", &script]);
    command
}

/// A run of one of them.
struct Run {
    took: Duration,
    /// The most memory that one of its processes had, in KiB.
    memory: i64,
}

fn run(command: &mut Command) -> Result<Run, String> {
    let started = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("cannot run {command:?}: {error}"))?;
    let mut said = String::new();
    if let Some(stderr) = &mut child.stderr {
        std::io::Read::read_to_string(stderr, &mut said).map_err(|error| error.to_string())?;
    }
    let pid = i32::try_from(child.id()).map_err(|error| error.to_string())?;
    let mut status = 0;
    // SAFETY: all zero is a valid rusage; it is written by the call below.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers lead to variables that live across the call.
    if unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) } != pid || status != 0 {
        return Err(format!("{command:?} failed:\n{said}"));
    }
    Ok(Run { took: started.elapsed(), memory: usage.ru_maxrss })
}

fn compare(options: &Options) -> Result<bool, String> {
    let scratch = tempfile::Builder::new().prefix("boxlab-pull-").tempdir_in(&options.scratch);
    let scratch = scratch.map_err(|error| error.to_string())?;
    let ground = Ground { registry: Registry::start(scratch.path())?, scratch };
    let images = [images::debian(&ground)?, images::eight_layers(&ground)?];
    let mut fits = true;
    for image in &images {
        fits &= measure(&ground, image, options.rounds)?;
    }
    again(&ground, &images[0], options.rounds)?;
    Ok(fits || !options.check)
}

/// All contenders in turn; false if a bar is broken.
fn measure(ground: &Ground, image: &Made, rounds: u32) -> Result<bool, String> {
    let mut runs: Vec<Vec<Run>> = CONTENDERS.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds as usize {
        for turn in 0..CONTENDERS.len() {
            let place = (round + turn) % CONTENDERS.len();
            // Kept until the end: removing it would slow down whoever comes next.
            let root = ground.scratch.path().join(format!("{}-{place}-{round}", image.name));
            std::fs::create_dir(&root).map_err(|error| error.to_string())?;
            runs[place].push(run(&mut (CONTENDERS[place].command)(ground, image, &root))?);
        }
    }
    println!("{}: {} layers, {:.1} MB\n", image.name, image.layers.len(), image.size as f64 / 1e6);
    println!("| | median s | fastest s | MiB | to podman |\n|---|---:|---:|---:|---:|");
    let medians: Vec<f64> = runs.iter().map(|runs| median(runs.iter().map(|run| run.took.as_secs_f64()))).collect();
    for (place, contender) in CONTENDERS.iter().enumerate() {
        let fastest = runs[place].iter().map(|run| run.took.as_secs_f64()).fold(f64::MAX, f64::min);
        let memory = runs[place].iter().map(|run| run.memory).max().unwrap_or(0) / 1024;
        let (median, ratio) = (medians[place], medians[place] / medians[1]);
        println!("| {} | {median:.2} | {fastest:.2} | {memory} | {ratio:.2} |", contender.name);
    }
    let memory = runs[0].iter().map(|run| run.memory).max().unwrap_or(0);
    println!();
    Ok(medians[0] <= medians[1] / 2.0 && memory < 64 * 1024)
}

/// A pull of what is there, and how long it takes until a program of it has begun, beside a
/// program of a plain directory with the same files.
fn again(ground: &Ground, image: &Made, rounds: u32) -> Result<(), String> {
    let root = ground.scratch.path().join("again");
    let directory = ground.scratch.path().join("directory");
    std::fs::create_dir(&root).map_err(|error| error.to_string())?;
    run(&mut boxlab(ground, image, &root))?;
    let own = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boxlab"));
        command.arg("-q").arg("--root").arg(&root);
        command
    };
    run(own().args(["image", "unpack", &image.reference]).arg(&directory))?;
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..rounds * 6 {
        times[0].push(run(&mut boxlab(ground, image, &root))?.took.as_secs_f64() * 1e3);
        times[1].push(until_it_speaks(own().args(["run", &image.reference, "/bin/echo"]))?);
        times[2].push(until_it_speaks(own().args(["run", "--rootfs"]).arg(&directory).arg("/bin/echo"))?);
    }
    let [pull, image, directory] = times.map(|times| median(times.into_iter()));
    println!("a pull of what is there: {pull:.1} ms");
    println!("until a program of it has begun: {image:.1} ms; of a plain directory: {directory:.1} ms");
    Ok(())
}

/// Milliseconds until the first byte of its output.
fn until_it_speaks(command: &mut Command) -> Result<f64, String> {
    let started = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("cannot run {command:?}: {error}"))?;
    let mut byte = [0];
    let said = child.stdout.take().map(|mut output| std::io::Read::read_exact(&mut output, &mut byte));
    let took = started.elapsed().as_secs_f64() * 1e3;
    match (said, child.wait()) {
        (Some(Ok(())), Ok(status)) if status.success() => Ok(took),
        (said, status) => Err(format!("{command:?} failed: {said:?}, {status:?}")),
    }
}

fn median(times: impl Iterator<Item = f64>) -> f64 {
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
