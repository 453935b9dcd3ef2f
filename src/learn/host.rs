//! What a lesson needs of the host, and the commands that it runs there.
//!
//! Commands are run as the learner would run them, by sh(1), in a directory of the lesson's
//! own; `boxlab` is this very program.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child as Spawned, Command, Stdio};

use serde::Deserialize;

use crate::error::{Error, IoContext, Result};
use crate::kernel::{CloneFlags, Exit, Kernel, Program, proc};
use crate::ledger::{Item, Ledger};
use crate::paths::{self, Paths};

/// A place to run commands in, gone at its end.
#[derive(Debug)]
pub struct Host<'a> {
    k: &'a Kernel,
    ledger: Option<Ledger>,
    directory: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

/// What `boxlab doctor` says of a command that does not work here.
#[derive(Debug, Clone, Deserialize)]
pub struct Missing {
    /// `cgroup mem`
    pub command: String,
    /// `works`, `partly`, `cannot`
    verdict: String,
    /// Why it doesn't.
    #[serde(default)]
    pub why: String,
    /// What would help.
    #[serde(default)]
    pub remedy: String,
}

impl<'a> Host<'a> {
    /// Makes the place. `root` and `lessons` are what the options of this command say.
    pub fn new(k: &'a Kernel, paths: &Paths, root: Option<&Path>, lessons: Option<&Path>) -> Result<Self> {
        let mut ledger = Ledger::open(paths)?;
        let place = paths.writable(ledger.short_id());
        ledger.record(Item::Directory(place.clone()))?;
        paths::make_private(&place)?;
        let failed = || format!("cannot make {}", place.display());
        let (directory, programs) = (place.join("lesson"), place.join("bin"));
        for made in [&directory, &programs] {
            fs::DirBuilder::new().mode(0o755).create(made).or_fail(failed)?;
        }
        let boxlab = std::env::current_exe().or_fail(|| "cannot find this program".to_owned())?;
        symlink(boxlab, programs.join("boxlab")).or_fail(failed)?;
        let mut path = programs.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into()));
        let mut environment: Vec<(OsString, OsString)> =
            std::env::vars_os().filter(|(name, _)| name != "PATH").collect();
        environment.push(("PATH".into(), path));
        for (name, value) in [("BOXLAB_ROOT", root), ("BOXLAB_LESSONS", lessons)] {
            environment.extend(value.map(|value| (OsString::from(name), value.as_os_str().to_owned())));
        }
        Ok(Self { k, ledger: Some(ledger), directory, environment })
    }

    /// Which of these commands of the catalog don't work here, found out by trying.
    pub fn missing(&self, needs: &[String]) -> Result<Vec<Missing>> {
        if needs.is_empty() {
            return Ok(Vec::new());
        }
        let mut doctor = self.command("boxlab");
        doctor.args(["doctor", "--format", "json"]).args(needs);
        let output = doctor.stdin(Stdio::null()).output().or_fail(|| "cannot run boxlab itself".to_owned())?;
        let lines: Vec<Missing> = serde_json::from_slice(&output.stdout).map_err(|error| {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Error::new(format!("cannot find out what works here: {error}")).hint(said)
        })?;
        Ok(lines.into_iter().filter(|line| line.verdict == "cannot").collect())
    }

    /// Runs a command line on the learner's terminal. Ctrl-C is for it alone.
    pub fn run(&self, line: &str) -> Result<i32> {
        self.run_program(&["sh", "-c", line].map(OsString::from))
    }

    /// Runs a program on the learner's terminal.
    pub fn run_program(&self, words: &[OsString]) -> Result<i32> {
        let environment: Vec<OsString> = self
            .environment
            .iter()
            .map(|(name, value)| {
                let mut entry = name.clone();
                entry.push("=");
                entry.push(value);
                entry
            })
            .collect();
        let program = Program::find(words, &environment)?;
        let mut child = self.k.clone3("demo", CloneFlags::empty(), |k| {
            std::env::set_current_dir(&self.directory).or_fail(|| "cannot enter the lesson's directory".to_owned())?;
            k.execve(&program)
        })?;
        self.k.watch(&mut child).map(Exit::status)
    }

    /// Runs a command line with nothing to read; its status, and all that it said.
    pub fn capture(&self, line: &str) -> Result<(i32, String)> {
        // One pipe for both: so that their order is kept.
        let (mut reader, writer) = std::io::pipe().or_fail(|| "cannot make a pipe".to_owned())?;
        let other = writer.try_clone().or_fail(|| "cannot make a pipe".to_owned())?;
        let mut command = self.command("sh");
        command.args(["-c", line]).env("NO_COLOR", "1").stdin(Stdio::null()).stdout(writer).stderr(other);
        let mut child = command.spawn().or_fail(|| "cannot run sh".to_owned())?;
        drop(command); // with its ends of the pipe
        let mut said = Vec::new();
        reader.read_to_end(&mut said).or_fail(|| "cannot read from sh".to_owned())?;
        let status = child.wait().or_fail(|| "cannot wait for sh".to_owned())?;
        Ok((status.code().unwrap_or(128), String::from_utf8_lossy(&said).into_owned()))
    }

    /// Starts a command line that goes on by itself, and waits until it says that it is
    /// ready: its first line, which is returned with it.
    pub fn start(&self, line: &str) -> Result<(Staying, String)> {
        let mut command = self.command("sh");
        command.args(["-c", line]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().or_fail(|| "cannot run sh".to_owned())?;
        let mut first = String::new();
        let output = child.stdout.take().map(BufReader::new);
        let mut output = output.ok_or_else(|| Error::new("cannot read from sh"))?;
        output.read_line(&mut first).or_fail(|| "cannot read from sh".to_owned())?;
        let mut pid = i32::try_from(child.id()).unwrap_or_default();
        while let [.., last] = proc::children_of(pid)[..] {
            pid = last;
        }
        Ok((Staying { child, output, pid }, first))
    }

    fn command(&self, program: &str) -> Command {
        let path = self.environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value);
        let found = path.and_then(|path| {
            std::env::split_paths(path).map(|directory| directory.join(program)).find(|file| file.is_file())
        });
        let mut command = Command::new(found.unwrap_or_else(|| program.into()));
        command.env_clear().envs(self.environment.iter().cloned()).current_dir(&self.directory);
        command
    }

    /// Removes the place.
    pub fn clear(mut self) -> Result<()> {
        self.ledger.take().map_or(Ok(()), |ledger| ledger.clear(self.k))
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        // On the way out of a failure, which is told already.
        if let Some(ledger) = self.ledger.take() {
            let _ = ledger.clear(self.k);
        }
    }
}

/// A demo that goes on.
#[derive(Debug)]
pub struct Staying {
    child: Spawned,
    output: BufReader<std::process::ChildStdout>,
    /// The innermost of its processes.
    pub pid: i32,
}

impl Staying {
    /// Ends its input, and waits for its end. What it says last is returned.
    pub fn end(mut self) -> Result<String> {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).or_fail(|| "cannot read from the demo".to_owned())?;
        self.child.wait().or_fail(|| "cannot wait for the demo".to_owned())?;
        Ok(rest)
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
