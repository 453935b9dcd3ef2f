//! What a lesson needs of the host, and the commands that it runs there.
//!
//! Commands are run as the learner would run them, by sh(1), in a directory of the lesson's
//! own; `boxlab` is this very program.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child as Spawned, Command, Stdio};

use serde::Deserialize;

use super::environment::{self, Environment};
use crate::error::{Error, IoContext, Result};
use crate::kernel::{CloneFlags, Exit, Kernel, Program, proc, with_fresh_signals};
use crate::ledger::{Item, Ledger};
use crate::paths::{self, Paths};

/// A place to run commands in, gone at its end.
#[derive(Debug)]
pub struct Host<'a> {
    k: &'a Kernel,
    ledger: Option<Ledger>,
    directory: PathBuf,
    environment: Environment,
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

/// Which of these commands of the catalog don't work here, found out by trying. `root` is what
/// the option says.
pub fn missing(needs: &[String], root: Option<&Path>) -> Result<Vec<Missing>> {
    if needs.is_empty() {
        return Ok(Vec::new());
    }
    let boxlab = std::env::current_exe().or_fail(|| "cannot find this program".to_owned())?;
    let mut doctor = Command::new(boxlab);
    doctor.args(["doctor", "--format", "json"]).args(needs).envs(root.map(|root| ("BOXLAB_ROOT", root)));
    let output = doctor.stdin(Stdio::null()).output().or_fail(|| "cannot run boxlab itself".to_owned())?;
    let lines: Vec<Missing> = serde_json::from_slice(&output.stdout).map_err(|error| {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Error::new(format!("cannot find out what works here: {error}")).hint(said)
    })?;
    Ok(lines.into_iter().filter(|line| line.verdict == "cannot").collect())
}

impl<'a> Host<'a> {
    /// Makes the place. `root` and `lessons` are what the options of this command say.
    pub fn new(k: &'a Kernel, paths: &Paths, root: Option<&Path>, lessons: Option<&Path>) -> Result<Self> {
        let mut ledger = Ledger::open(paths)?;
        let place = paths.writable(ledger.short_id());
        ledger.record(Item::Directory(place.clone()))?;
        paths::make_private(&place)?;
        let (directory, programs) = (place.join("lesson"), place.join("bin"));
        let made = fs::DirBuilder::new().mode(0o755).create(&directory);
        made.or_fail(|| format!("cannot make {}", directory.display()))?;
        environment::furnish(&programs)?;
        let environment = Environment::new(&programs, root, lessons);
        Ok(Self { k, ledger: Some(ledger), directory, environment })
    }

    /// Runs a command line on the learner's terminal. Ctrl-C is for it alone.
    pub fn run(&self, line: &str) -> Result<i32> {
        self.run_program(&["sh", "-c", line].map(OsString::from))
    }

    /// Runs a program on the learner's terminal.
    pub fn run_program(&self, words: &[OsString]) -> Result<i32> {
        let program = Program::find(words, &self.environment.entries())?;
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
        let mut command = self.command(line);
        command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(writer).stderr(other);
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
        let mut command = self.command(line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
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

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]).env_clear().envs(self.environment.pairs()).current_dir(&self.directory);
        with_fresh_signals(&mut command);
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

impl Drop for Staying {
    /// Ends its input, reads what it still says, and waits for its end.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = io::copy(&mut self.output, &mut io::sink());
        let _ = self.child.wait();
    }
}
