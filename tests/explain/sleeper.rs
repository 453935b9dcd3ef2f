//! Something that waits to be explained, and ends when its input does, also where a
//! trial fails.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use libtest_mimic::Failed;

use super::support::{boxlab, check, store};

/// A process that reads its input to the end.
#[derive(Debug)]
pub struct Sleeper {
    /// The process to be explained, as the host counts.
    pub pid: i32,
    child: Child,
    input: Option<ChildStdin>,
}

impl Sleeper {
    /// Starts a command that becomes cat(1), or has it run somewhere beneath it, and
    /// waits for its answer.
    pub fn start(mut command: Command) -> Result<Self, Failed> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let mut sleeper = Self { pid: 0, child, input };
        let mut answer = String::new();
        if let (Some(input), Some(output)) = (&mut sleeper.input, output) {
            // One that has failed already reads nothing.
            let _ = input.write_all(b"up\n");
            BufReader::new(output).read_line(&mut answer)?;
        }
        check(answer == "up\n", format!("it did not start: {command:?}"))?;
        sleeper.pid = beneath(i32::try_from(sleeper.child.id())?, "cat").ok_or("it is gone again")?;
        Ok(sleeper)
    }

    /// The identifier in the ledger of the boxlab that was started.
    pub fn ledger_id(&self) -> Result<String, Failed> {
        let owner = format!("\"pid\":{},", self.child.id());
        let entries = std::fs::read_dir(store().join("state/ledger"))?.flatten().map(|entry| entry.path());
        let is_ours = |path: &&Path| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            text.lines().next().is_some_and(|line| line.contains(&owner))
        };
        let paths: Vec<_> = entries.collect();
        let found = paths.iter().map(|path| path.as_path()).find(is_ours).ok_or("no ledger of it")?;
        Ok(found.file_stem().unwrap_or_default().to_string_lossy().into_owned())
    }

    /// A child of it.
    pub fn child(&self) -> Result<i32, Failed> {
        children(self.pid).first().copied().ok_or_else(|| "it has no child".into())
    }

    /// Ends it, and sees that it ends well.
    pub fn end(mut self) -> Result<(), Failed> {
        self.input.take();
        let status = self.child.wait()?;
        check(status.success(), format!("it ended with {status}"))
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.input.take();
        let _ = self.child.wait();
    }
}

/// The process of that name beneath another, or that one itself.
fn beneath(pid: i32, name: &str) -> Option<i32> {
    let own = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    if own.trim() == name { Some(pid) } else { children(pid).into_iter().find_map(|child| beneath(child, name)) }
}

fn children(pid: i32) -> Vec<i32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// A lab whose program waits.
pub fn spawn(lab: &[&str]) -> Result<Sleeper, Failed> {
    let mut command = boxlab();
    command.arg("-q").args(lab).args(["--", "cat"]);
    Sleeper::start(command)
}

/// A container whose program waits.
pub fn container(name: &str, options: &[&str]) -> Result<Sleeper, Failed> {
    let mut command = boxlab();
    command.args(["-q", "run", "-i", "--name", name]).args(options).args(["host", "cat"]);
    Sleeper::start(command)
}

/// What a command printed first.
pub fn first_line(command: &mut Command) -> Result<String, Failed> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    let status = child.wait()?;
    check(status.success(), format!("{command:?} ended with {status}"))?;
    Ok(line.trim().to_owned())
}
