//! `boxlab doctor`: what works on this host, chapter by chapter, found out by
//! trying. Each command of the catalog is run for real, in a directory of its own.

mod example;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::Args;
use colored::{ColoredString, Colorize};
use serde::Serialize;

use super::context::Context;
use super::output;
use crate::catalog::{self, CATALOG, Row};
use crate::error::{IoContext, Result};
use crate::kernel::lsm::Labels;
use crate::kernel::{euid, load, maps, proc, program_path, user_name};
use crate::paths;

/// What works on this host, found out by trying
#[derive(Debug, Args)]
pub struct Doctor {
    /// Only these commands, such as "ns uts" [default: all]
    commands: Vec<String>,
    /// `table` or `json`
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

/// How well a command works here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Works,
    Partly,
    Cannot,
}

/// A line of the report.
#[derive(Debug, Serialize)]
struct Line {
    command: &'static str,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Doctor {
    /// Tries everything; 0 even if something does not work, since the report is
    /// what was asked for.
    pub fn run(self, context: &Context) -> Result<i32> {
        paths::make(&context.paths.store)?;
        let root = tempfile::Builder::new().prefix("doctor-").tempdir_in(&context.paths.store);
        let root = root.or_fail(|| format!("cannot make a directory in {}", context.paths.store.display()))?;
        let boxlab = std::env::current_exe().or_fail(|| "cannot find this program".to_owned())?;
        let rows: Vec<&'static Row> = match self.commands.is_empty() {
            true => CATALOG.iter().collect(),
            false => self.commands.iter().map(|command| catalog::find(command)).collect::<Result<_>>()?,
        };
        let lines: Vec<Line> = rows.iter().map(|row| examine(row, &boxlab, root.path())).collect::<Result<_>>()?;
        if self.format == "json" {
            return output::json(&lines).map(|()| 0);
        }
        output::print(&(host() + &report(&lines)))?;
        Ok(0)
    }
}

/// Runs the command as a learner would, with a program that ends at once.
fn examine(row: &'static Row, boxlab: &Path, root: &Path) -> Result<Line> {
    let mut command = Command::new(boxlab);
    command.args(["--trace", "off", "--color", "never", "--root"]).arg(root).args(row.command.split(' '));
    match row.command {
        "ns ls" | "cgroup ls" | "cgroup show" => {}
        "ns enter" => return entering(row, boxlab, root),
        "image pull" | "image push" | "manifest inspect" => return asking(row, boxlab, root),
        "registry serve" => return serving(row, boxlab, root),
        "image host" | "image ls" => {}
        image if image.starts_with("image ") => {
            let words = example::words(image, boxlab, root)?;
            command.args(words);
        }
        "run" => drop(command.args(["host", "true"])),
        // Its program is found in another root.
        "mount pivot" => drop(command.args(["--", "true"])),
        // Long enough to see whether the limit bites.
        "cgroup cpu" | "cgroup io" => drop(command.args(["--seconds", "0.2", "--"]).arg(boxlab).arg("--version")),
        _ => drop(command.arg("--").arg(boxlab).arg("--version")),
    }
    let output = command.stdin(Stdio::null()).output().or_fail(|| "cannot run boxlab itself".to_owned())?;
    Ok(judge(row, &output))
}

/// Docker Hub, or the mirror in front of it, is asked for a document of a few hundred bytes. If
/// it can't be reached, nearer registries can: `registry serve` is tried by itself.
fn asking(row: &'static Row, boxlab: &Path, root: &Path) -> Result<Line> {
    let mut command = Command::new(boxlab);
    command.args(["--trace", "off", "--color", "never", "--root"]).arg(root);
    let output = command.args(["manifest", "inspect", "hello-world"]).stdin(Stdio::null()).output();
    let line = judge(row, &output.or_fail(|| "cannot run boxlab itself".to_owned())?);
    if line.verdict != Verdict::Cannot {
        return Ok(line);
    }
    let why = format!("Docker Hub is out of reach: {}", line.why.unwrap_or_default());
    let remedy = "A registry that is nearer will do, or a mirror of it: BOXLAB_MIRROR=http://ADDRESS:PORT.";
    let remedy = format!("{} {remedy}", line.remedy.unwrap_or_default());
    Ok(Line { verdict: Verdict::Partly, why: Some(why), remedy: Some(remedy.trim().to_owned()), ..line })
}

/// What `registry serve` hands out, another store must be able to fetch.
fn serving(row: &'static Row, boxlab: &Path, root: &Path) -> Result<Line> {
    let failed = || "cannot run boxlab itself".to_owned();
    example::words("image inspect", boxlab, root)?;
    let mut server = Command::new(boxlab);
    server.args(["--color", "never", "--root"]).arg(root).args(["registry", "serve", "--listen", "127.0.0.1:0"]);
    let mut server =
        server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().or_fail(failed)?;
    let mut address = String::new();
    if let Some(stdout) = server.stdout.take() {
        BufReader::new(stdout).read_line(&mut address).or_fail(failed)?;
    }
    let mut learner = Command::new(boxlab);
    learner.args(["--trace", "off", "--color", "never", "--root"]).arg(root.join("learner")).arg("pull");
    let output = learner.arg(format!("{}/library/example", address.trim())).stdin(Stdio::null()).output();
    server.kill().and_then(|()| server.wait()).or_fail(failed)?;
    Ok(judge(row, &output.or_fail(failed)?))
}

/// `ns enter` needs someone to enter: another lab, which waits for its input to end.
fn entering(row: &'static Row, boxlab: &Path, root: &Path) -> Result<Line> {
    let failed = || "cannot run boxlab itself".to_owned();
    let mut host = Command::new(boxlab);
    host.args(["--trace", "json", "--root"]).arg(root).args(["ns", "uts", "--", "cat"]);
    let mut host = host.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().or_fail(failed)?;
    let target = host.stderr.take().and_then(|trace| started(BufReader::new(trace)));
    let line = match target {
        Some(pid) => {
            let mut command = Command::new(boxlab);
            command.args(["--trace", "off", "--color", "never", "--root"]).arg(root);
            let command =
                command.args(["ns", "enter", &pid.to_string(), "--"]).arg(boxlab).arg("--version").stdin(Stdio::null());
            judge(row, &command.output().or_fail(failed)?)
        }
        None => cannot(row, "no namespace could be made to enter".to_owned(), None),
    };
    drop(host.stdin.take());
    host.wait().or_fail(failed)?;
    Ok(line)
}

/// The process whose program has started, from a JSON trace. The rest of the
/// trace is read too, so that its writer never meets a closed pipe.
fn started(trace: impl BufRead) -> Option<i64> {
    for line in trace.lines() {
        let event: serde_json::Value = serde_json::from_str(&line.ok()?).ok()?;
        if event["name"] == "execve" && event["ret"] == "0" && event["role"] == "child" {
            return event["pid"].as_i64();
        }
    }
    None
}

fn judge(row: &'static Row, output: &Output) -> Line {
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with("at the step:"));
        let why = lines.next().unwrap_or("it failed without a word").trim_start_matches("boxlab: ").to_owned();
        let remedy: Vec<&str> = lines.collect();
        return cannot(row, why, (!remedy.is_empty()).then(|| remedy.join(" ")));
    }
    match limits(row, output) {
        Some((why, remedy)) => {
            Line { command: row.command, verdict: Verdict::Partly, why: Some(why), remedy: Some(remedy) }
        }
        None => Line { command: row.command, verdict: Verdict::Works, why: None, remedy: None },
    }
}

fn cannot(row: &'static Row, why: String, remedy: Option<String>) -> Line {
    Line { command: row.command, verdict: Verdict::Cannot, why: Some(why), remedy }
}

/// What a command that works can't show here, and what would help.
fn limits(row: &Row, output: &Output) -> Option<(String, String)> {
    let missing_ranges = || {
        let helpers = program_path("newuidmap").and(program_path("newgidmap"));
        let user = user_name(euid()).unwrap_or_else(|| "USER".to_owned());
        let remedy = match helpers {
            None => "install newuidmap and newgidmap (package uidmap or shadow-utils)".to_owned(),
            Some(_) => format!("as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}"),
        };
        ("only one id can be mapped: no ranges in /etc/subuid and /etc/subgid".to_owned(), remedy)
    };
    match row.command {
        "ns user" if maps::needed().is_some() && maps::ranges().is_none() => Some(missing_ranges()),
        "run" if maps::needed().is_some() && maps::ranges().is_none() => Some(missing_ranges()),
        "security caps" | "security no-new-privs" | "security userns"
            if maps::needed().is_some() && maps::ranges().is_none() =>
        {
            Some(missing_ranges())
        }
        "security userns" if maps::needed().is_some() => {
            Some(("only root can start a process without a user namespace".to_owned(), "run as root".to_owned()))
        }
        "security lsm" if ![Labels::AppArmor, Labels::Selinux].iter().any(|module| module.active()) => Some((
            "neither AppArmor nor SELinux is at work: there is nothing to apply".to_owned(),
            "a kernel that has one, started with the boot parameter security=apparmor or security=selinux".to_owned(),
        )),
        "ns cgroup" if !proc::own_cgroup().is_some_and(|own| proc::writable(&own)) => Some((
            "no cgroup can be made without delegation; the present ones serve".to_owned(),
            "run as root, or by `systemd-run --user --scope -p Delegate=yes boxlab ...`".to_owned(),
        )),
        "cgroup mem" if !proc::has_swap() => Some((
            "without swap its limit can be set, but not be seen at work".to_owned(),
            "as root: fallocate -l 256M FILE; chmod 600 FILE; mkswap FILE; swapon FILE".to_owned(),
        )),
        "cgroup cpuset" if load::processors().len() == 1 => Some((
            "with a single processor there is nothing to choose from".to_owned(),
            "a virtual machine with more of them".to_owned(),
        )),
        "image host" => {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let missing = text.lines().find_map(|line| line.strip_prefix("not on this machine: "))?;
            let missing: Vec<&str> = missing.split(", ").collect();
            let more =
                if missing.len() > SHOWN { format!(" and {} more", missing.len() - SHOWN) } else { String::new() };
            let first = missing[..missing.len().min(SHOWN)].join(", ");
            Some((
                format!("not on this machine: {first}{more}"),
                "install them, if you want them in the image".to_owned(),
            ))
        }
        _ => None,
    }
}

/// So many missing programs are named.
const SHOWN: usize = 12;

/// A few facts that explain the verdicts.
fn host() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let who = if maps::needed().is_none() { "root" } else { "an ordinary user, so a user namespace comes first" };
    let mounts = proc::mounts("self").unwrap_or_default();
    let has = |kind: &str| mounts.iter().any(|mount| mount.kind == kind);
    let cgroups = match (has("cgroup"), has("cgroup2")) {
        (true, true) => "v1 and v2 (hybrid)",
        (true, false) => "v1",
        (false, true) => "v2",
        (false, false) => "none mounted",
    };
    format!("Linux {}, as {who}; cgroups: {cgroups}\n\n", release.trim())
}

fn report(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&format!("{:<22} {}\n", line.command, word(line.verdict)));
        for (label, detail) in [("why", &line.why), ("do", &line.remedy)] {
            let Some(detail) = detail else { continue };
            for (index, row) in textwrap::wrap(detail, 50).iter().enumerate() {
                let label = if index == 0 { label } else { "" };
                text.push_str(&format!("{:<22} {label:>4}  {row}\n", ""));
            }
        }
    }
    text
}

fn word(verdict: Verdict) -> ColoredString {
    match verdict {
        Verdict::Works => "works".green(),
        Verdict::Partly => "works partly".yellow(),
        Verdict::Cannot => "can't".red().bold(),
    }
}
