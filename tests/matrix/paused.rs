//! Drives a command with `--pause`: Enter comes from a pipe, since the command has
//! no terminal, and the next thing seen decides what to do. Nothing waits for time.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::place::Place;
use crate::common::process::{LIMIT, finish};

/// What the program inside says once it runs.
pub const READY: &str = "ready";

/// What a prompt of `--pause` holds.
const PROMPT: &str = "Enter: go on (";

/// What was seen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It waits between two steps.
    Prompt,
    /// Its program runs.
    Program,
    /// It has ended.
    End,
}

/// A command under way.
#[derive(Debug)]
pub struct Paused {
    child: Child,
    input: Option<File>,
    screen: File,
    output: File,
    /// All that it wrote to standard error.
    pub text: String,
    printed: String,
    prompts: usize,
    /// Its JSON trace.
    pub trace: PathBuf,
}

impl Paused {
    /// Starts `boxlab WORDS... --pause`, without a terminal.
    pub fn start(place: &Place, words: &[&str]) -> Result<Self, String> {
        let trace = place.trace("paused.json");
        let mut command = place.boxlab(&["--trace", "json", "--trace-file", &trace.to_string_lossy()]);
        command.args(place.words(words));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // SAFETY: setsid(2) may be called between fork and exec.
        unsafe { command.pre_exec(|| Ok(nix::unistd::setsid().map(drop)?)) };
        let mut child = command.spawn().map_err(|error| format!("cannot start boxlab: {error}"))?;
        let input = child.stdin.take().map(|pipe| File::from(std::os::fd::OwnedFd::from(pipe)));
        let screen = File::from(std::os::fd::OwnedFd::from(child.stderr.take().expect("a pipe")));
        let output = File::from(std::os::fd::OwnedFd::from(child.stdout.take().expect("a pipe")));
        Ok(Self { child, input, screen, output, text: String::new(), printed: String::new(), prompts: 0, trace })
    }

    /// Presses Enter.
    pub fn enter(&mut self) -> Result<(), String> {
        let input = self.input.as_mut().ok_or("no input")?;
        input.write_all(b"\n").map_err(|error| format!("Enter: {error}"))
    }

    /// Waits for the next prompt, the program, or the end.
    pub fn next(&mut self) -> Result<Seen, String> {
        let (mut screen_open, mut output_open) = (true, true);
        loop {
            if self.text.matches(PROMPT).count() > self.prompts && self.text.ends_with(") ") {
                self.prompts += 1;
                return Ok(Seen::Prompt);
            }
            if self.printed.contains(READY) {
                self.printed.clear();
                return Ok(Seen::Program);
            }
            if !screen_open && !output_open {
                return Ok(Seen::End);
            }
            let (screen, output) = ready(&self.screen, screen_open, &self.output, output_open)?;
            if screen {
                screen_open = read_some(&mut self.screen, &mut self.text);
            }
            if output {
                output_open = read_some(&mut self.output, &mut self.printed);
            }
        }
    }

    /// Goes on to prompt number `point`, from 1; what was seen if it comes sooner.
    pub fn go_to(&mut self, point: usize) -> Result<Seen, String> {
        let mut seen = self.next()?;
        for _ in 1..point {
            if seen != Seen::Prompt {
                break;
            }
            self.enter()?;
            seen = self.next()?;
        }
        Ok(seen)
    }

    /// The process that waits at the last prompt: `Enter: go on (child is process 7) `.
    pub fn waiting(&self) -> Option<String> {
        let prompt = self.text.rsplit(PROMPT).next()?;
        prompt
            .split([' ', ')'])
            .find(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()))
            .map(str::to_owned)
    }

    /// Sends a signal to the process that the user started, and to no other.
    pub fn signal(&self, signal: Signal) -> Result<(), String> {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process number"));
        kill(pid, signal).map_err(|errno| format!("{signal}: {errno}"))
    }

    /// Waits until that process has ended, and for nothing else.
    pub fn finish(&mut self) -> Result<ExitStatus, String> {
        finish(&mut self.child)
    }

    /// What is left to read once everything has ended.
    pub fn rest(&mut self) -> String {
        while read_some(&mut self.screen, &mut self.text) {}
        self.text.clone()
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        // Ended already in every trial that went well: then this does nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Which of the two streams can be read.
fn ready(screen: &File, screen_open: bool, output: &File, output_open: bool) -> Result<(bool, bool), String> {
    let events = |open: bool| if open { PollFlags::POLLIN } else { PollFlags::empty() };
    let mut waiting =
        [PollFd::new(screen.as_fd(), events(screen_open)), PollFd::new(output.as_fd(), events(output_open))];
    let limit = PollTimeout::try_from(LIMIT).unwrap_or(PollTimeout::MAX);
    match poll(&mut waiting, limit) {
        Ok(0) => Err(format!("nothing happened for {} s", LIMIT.as_secs())),
        Ok(_) => {
            let got = |index: usize, open: bool| open && waiting[index].any().unwrap_or(true);
            Ok((got(0, screen_open), got(1, output_open)))
        }
        Err(errno) => Err(format!("poll: {errno}")),
    }
}

/// False at the end.
fn read_some(stream: &mut File, text: &mut String) -> bool {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer) {
        Ok(0) | Err(_) => false,
        Ok(length) => {
            text.push_str(&String::from_utf8_lossy(&buffer[..length]));
            true
        }
    }
}
