//! The parent's half of a container's terminal: keys go in, output comes out,
//! the size follows. termios(3), ioctl_tty(2), poll(2)

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use crate::error::{IoContext, Result};
use crate::kernel::{Child, Events, Exit, Kernel, RawMode, Ready, is_terminal_input, window_size};

/// Keys that may wait for a program that does not read.
const BACKLOG: usize = 64 * 1024;

/// The two ends that are connected.
#[derive(Debug)]
pub struct Attached {
    master: File,
    /// Keys that the terminal has not taken yet.
    pending: Vec<u8>,
    input: bool,
}

impl Attached {
    /// Takes the end that the child has passed.
    pub fn new(k: &Kernel, master: OwnedFd, input: bool) -> Result<Self> {
        if let Some(size) = window_size(io::stdin().as_fd()).or_else(|| window_size(io::stdout().as_fd())) {
            k.set_window_size(&master, size)?;
        }
        Ok(Self { master: File::from(master), pending: Vec::new(), input })
    }

    /// Connects until the container's first process has ended; the user's own
    /// terminal is given back on every way out.
    pub fn run(mut self, k: &Kernel, child: &Child) -> Result<Exit> {
        let raw = if self.input && is_terminal_input() {
            k.step("Pass every key on; Ctrl-C and job control are the program's");
            Some(k.raw_mode(io::stdin().as_fd())?)
        } else {
            None
        };
        k.nonblocking(&self.master)?;
        loop {
            let events =
                Events { input: self.input && self.pending.len() < BACKLOG, writable: !self.pending.is_empty() };
            let ready = k.wait_for_events(child, self.master.as_fd(), events)?;
            self.take_signals(k, child)?;
            self.serve(&ready)?;
            if ready.ended {
                self.drain()?;
                let exit = k.wait(child)?;
                return raw.map_or(Ok(()), RawMode::restore).map(|()| exit);
            }
        }
    }

    fn serve(&mut self, ready: &Ready) -> Result<()> {
        if ready.output {
            self.output()?;
        }
        if ready.input {
            self.keys()?;
        }
        if ready.writable {
            self.flush()?;
        }
        Ok(())
    }

    /// From the container to the user's screen. True while there may be more.
    fn output(&mut self) -> Result<bool> {
        let mut buffer = [0; 16 * 1024];
        match self.master.read(&mut buffer) {
            // EIO: no process has the other end open any more.
            Ok(0) | Err(_) => Ok(false),
            Ok(length) => {
                let mut screen = io::stdout();
                let shown = screen.write_all(&buffer[..length]).and_then(|()| screen.flush());
                shown.or_fail(|| "cannot write the container's output".to_owned())?;
                Ok(true)
            }
        }
    }

    /// What the program printed last, before it ended.
    fn drain(&mut self) -> Result<()> {
        while self.output()? {}
        Ok(())
    }

    fn keys(&mut self) -> Result<()> {
        let mut buffer = [0; 4096];
        let length = io::stdin().lock().read(&mut buffer).or_fail(|| "cannot read standard input".to_owned())?;
        if length == 0 {
            // End of file on a pipe: what Ctrl-D is on a keyboard. termios(3), VEOF
            self.pending.push(4);
            self.input = false;
        }
        self.pending.extend_from_slice(&buffer[..length]);
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        match self.master.write(&self.pending) {
            Ok(written) => {
                self.pending.drain(..written);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.pending.clear(),
        }
        Ok(())
    }

    /// The size follows; whatever else is sent to boxlab is meant for the program.
    fn take_signals(&self, k: &Kernel, child: &Child) -> Result<()> {
        while let Some(signal) = k.signal() {
            if signal != crate::kernel::Signal::SIGWINCH {
                k.pidfd_send_signal(child, signal)?;
            } else if let Some(size) = window_size(io::stdin().as_fd()) {
                k.set_window_size(&self.master, size)?;
            }
        }
        Ok(())
    }
}
