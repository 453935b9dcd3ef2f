//! Runs a command under strace(1) and keeps the lines of each of boxlab's own processes.
//!
//! A process is followed until its execve succeeds: then it is the user's program,
//! or a helper, and no longer boxlab.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::pty::{Winsize, openpty};

use super::people::{Person, Rights};
use super::place::{Place, give};
use super::process::{collect, finish};
use super::strace_lines::translated;
use super::taught::watched;

/// What a command's standard streams are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// No input, output to a pipe.
    Pipes,
    /// A terminal of 30 rows and 100 columns.
    Terminal,
}

/// One command as strace saw it.
#[derive(Debug)]
pub struct Watched {
    /// Exit status of boxlab.
    pub status: i32,
    /// What it printed.
    pub output: String,
    /// The lines of each of its own processes, in the order in which they were made.
    pub processes: Vec<(i32, String)>,
}

/// Why no command can be watched here.
pub fn obstacle() -> Option<String> {
    let strace = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let works = strace.is_ok_and(|status| status.success());
    (!works).then(|| "strace does not work here (package strace; ptrace(2) must be allowed)".to_owned())
}

/// Runs `boxlab WORDS...` under strace with these options more, the output in a
/// directory of its own of the place; `directory` is made.
pub fn watch(
    place: &Place,
    directory: &Path,
    options: &[&str],
    words: &[String],
    streams: Streams,
) -> Result<Watched, String> {
    fs::create_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    give(directory, &place.person);
    let mut command = strace(place, directory, options);
    command.arg("--root").arg(place.store()).args(words);
    let (status, output) = run(&mut command, streams)?;
    let files = process_files(directory)?;
    Ok(Watched { status, output, processes: own_processes(&files)? })
}

/// Why this person's strace can't see what these words do: PID 1 under `--init` is not
/// dumpable, and then only root may read its memory, where the arguments lie.
pub fn hidden(person: &Person, words: &[&str]) -> Option<String> {
    let hidden = !person.other && person.rights != Rights::Root && words.contains(&"--init");
    hidden.then(|| "only root may look into a PID 1 that is not dumpable; root's tests do this".to_owned())
}

/// strace, up to the program that it runs.
fn strace(place: &Place, directory: &Path, options: &[&str]) -> Command {
    let mut command = place.command(Path::new("strace"));
    // Traced, newuidmap would not get its privileges; traced by root, it does.
    if place.person.other && place.person.rights != Rights::Root {
        command.args(["-u", &place.person.name]);
    }
    command.args(["-ff", "-y", "-s", "65536", "--pidns-translation", "-e"]);
    command.arg(format!("trace={}", watched())).args(options).arg("-o").arg(directory.join("strace"));
    command.arg("--").arg(place.program());
    command
}

fn run(command: &mut Command, streams: Streams) -> Result<(i32, String), String> {
    let terminal = match streams {
        Streams::Pipes => {
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            None
        }
        Streams::Terminal => Some(attach(command)),
    };
    let mut child = command.spawn().map_err(|error| format!("cannot start strace: {error}"))?;
    // The terminal's other end must be the child's alone, or it would never end.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut readers = Vec::new();
    readers.extend(child.stdout.take().map(collect));
    readers.extend(child.stderr.take().map(collect));
    readers.extend(terminal.map(|master| collect(fs::File::from(master))));
    let status = finish(&mut child)?;
    let output: Result<Vec<String>, _> = readers.into_iter().map(std::thread::JoinHandle::join).collect();
    let output = output.map_err(|_| "a reader panicked".to_owned())?.join("");
    Ok((status.code().ok_or_else(|| format!("strace: {status}"))?, output))
}

/// Makes a terminal the command's standard streams; its other end.
fn attach(command: &mut Command) -> OwnedFd {
    let size = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).expect("a terminal");
    let again = |end: &OwnedFd| Stdio::from(end.try_clone().expect("a descriptor"));
    command.stdin(again(&pty.slave)).stdout(again(&pty.slave)).stderr(again(&pty.slave));
    pty.master
}

/// strace's file of each process.
fn process_files(directory: &Path) -> Result<BTreeMap<i32, String>, String> {
    let entries = fs::read_dir(directory).map_err(|error| error.to_string())?;
    let paths = entries.flatten().map(|entry| entry.path());
    let pid = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("strace.")?.parse().ok();
    let files = paths.filter_map(|path| Some((pid(&path)?, path)));
    files.map(|(pid, path)| Ok((pid, fs::read_to_string(path).map_err(|error| error.to_string())?))).collect()
}

/// Only boxlab's own: the first, and those that one of them made before it became
/// another program.
fn own_processes(files: &BTreeMap<i32, String>) -> Result<Vec<(i32, String)>, String> {
    let made: Vec<i32> = files.values().flat_map(|text| children(text)).collect();
    let first = files.keys().find(|pid| !made.contains(pid)).copied().ok_or("strace saw no process")?;
    let mut processes = Vec::new();
    let mut open = vec![first];
    while let Some(pid) = open.pop() {
        let text = files.get(&pid).ok_or_else(|| format!("strace has no file of process {pid}"))?;
        let own = own_lines(text, pid == first);
        open.extend(children(&own).into_iter().rev());
        processes.push((pid, own));
    }
    Ok(processes)
}

/// The lines up to the execve that makes another program of the process; boxlab's
/// own execve, by strace, is not counted.
fn own_lines(text: &str, first: bool) -> String {
    let text = without_false_end(text);
    let mut lines = Vec::new();
    for line in text.lines().skip(usize::from(first)) {
        lines.push(line);
        if line.starts_with("execve(") && line.ends_with(" = 0") {
            break;
        }
    }
    lines.join("\n")
}

/// A process that is killed just as it enters a call can no longer be asked which:
/// strace 6.1 then prints the call of the process that it asked before. Such a call
/// was not made, whichever it is.
fn without_false_end(text: &str) -> &str {
    let Some(before) = text.strip_suffix("+++ killed by SIGKILL +++\n") else { return text };
    match before.trim_end().rsplit_once('\n') {
        Some((rest, last)) if last.contains("<unfinished ...>") || last.ends_with(" = ?") => rest,
        _ => before,
    }
}

/// The processes that these lines made.
fn children(text: &str) -> Vec<i32> {
    let makes = |line: &&str| ["clone(", "clone3(", "fork(", "vfork("].iter().any(|call| line.starts_with(call));
    text.lines().filter(makes).filter_map(translated).filter(|pid| *pid > 0).collect()
}
