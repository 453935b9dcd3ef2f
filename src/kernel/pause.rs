//! `--pause`: between two steps, wait for Enter and say where to look.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::signal::Signals;
use crate::trace::event::Announced;
use crate::trace::{Event, Record};

/// Where Enter comes from, and what there is to look at.
#[derive(Debug, Default)]
pub struct Pauser {
    input: Option<Option<File>>,
    looks: Vec<String>,
    begun: bool,
    announced: Announced,
    over: bool,
}

impl Pauser {
    /// Called before each event is shown; waits before every step but the first,
    /// and before the program takes over.
    pub fn before(&mut self, record: &Record, signals: Option<&Signals>) {
        let event = match &record.event {
            Event::Announce { of } => {
                self.announced.announce(record, of);
                of
            }
            // Shown already, after a pause.
            _ if self.announced.comes_true(record) => return,
            event => event,
        };
        match event {
            Event::Look { command } => self.looks.push(command.clone()),
            Event::Step { .. } => {
                if self.begun && !self.over {
                    self.wait(record, signals);
                }
                self.begun = true;
            }
            _ => {}
        }
    }

    fn wait(&mut self, record: &Record, signals: Option<&Signals>) {
        let mut prompt = String::new();
        for look in self.looks.drain(..) {
            prompt.push_str(&format!("         look, in another terminal: {look}\n"));
        }
        prompt.push_str(&format!("         Enter: go on ({} is process {}) ", record.role, record.pid));
        let _ = std::io::stderr().write_all(prompt.as_bytes());
        let answered = self.read_line(signals);
        if !answered {
            self.over = true;
        }
        if !std::io::stdin().is_terminal() {
            let _ = std::io::stderr().write_all(b"\n");
        }
    }

    /// True after Enter; false at end of file or when a signal came in, which
    /// whoever waits next will deal with.
    fn read_line(&mut self, signals: Option<&Signals>) -> bool {
        let input = self.input.get_or_insert_with(|| File::open("/dev/tty").ok());
        let stdin = std::io::stdin();
        let input: BorrowedFd<'_> = input.as_ref().map_or_else(|| stdin.as_fd(), AsFd::as_fd);
        loop {
            let mut waiting = vec![PollFd::new(input, PollFlags::POLLIN)];
            waiting.extend(signals.map(|signals| PollFd::new(signals.as_fd(), PollFlags::POLLIN)));
            if poll(&mut waiting, PollTimeout::NONE).is_err() {
                return false;
            }
            if waiting.get(1).and_then(PollFd::any).unwrap_or(false) {
                return false;
            }
            match read_byte(input) {
                Some(b'\n') => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }
}

/// One byte at a time, so that nothing meant for the program is swallowed.
fn read_byte(input: BorrowedFd<'_>) -> Option<u8> {
    let mut byte = [0];
    let mut file = File::from(input.try_clone_to_owned().ok()?);
    (file.read(&mut byte).ok()? == 1).then_some(byte[0])
}
