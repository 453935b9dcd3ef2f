//! Helpers that run without the learner's terminal, and waiting for whatever comes
//! first: a key, a change in a directory, the end of a process, a signal.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::CloneFlags;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::child::{Exit, Heard};
use super::{Kernel, Program, Signal, interrupted};
use crate::error::{Error, IoContext, Result};

impl Kernel {
    /// Runs a program to its end, in a session of its own and without input; what it
    /// and its children say goes into `said`. `None`: it took too long, and was ended.
    pub fn run_apart(&self, program: &Program, directory: &Path, said: &File, limit: Duration) -> Result<Option<Exit>> {
        let said: OwnedFd = said.try_clone().or_fail(|| "cannot keep a file".to_owned())?.into();
        let nothing: OwnedFd = File::open("/dev/null").or_fail(|| "cannot open /dev/null".to_owned())?.into();
        let mut child = self.clone3("script", CloneFlags::empty(), |k| {
            k.setsid()?;
            k.chdir(directory)?;
            k.dup_onto(&nothing, 0)?;
            k.dup_onto(&said, 1)?;
            k.dup_onto(&said, 2)?;
            k.execve(program)
        })?;
        while let Heard::Gate(_) | Heard::Descriptor(_) = self.hear(&mut child)? {
            self.answer(&child)?;
        }
        let pidfd = child.pidfd().try_clone().or_fail(|| "cannot keep a descriptor".to_owned())?;
        match self.first_of(&[pidfd.as_fd()], limit) {
            Ok(ended) if ended[0] => self.wait(&child).map(Some),
            Ok(_) => {
                self.kill(&mut child);
                Ok(None)
            }
            Err(error) => {
                self.kill(&mut child);
                Err(error)
            }
        }
    }

    /// Waits until one of these can be read, at most for a time: which ones. An error
    /// if a signal asks this process to end. poll(2)
    pub fn first_of(&self, files: &[BorrowedFd<'_>], time: Duration) -> Result<Vec<bool>> {
        let signals = self.signals.borrow();
        let files = files.iter().copied().chain(signals.iter().map(AsFd::as_fd));
        let mut waiting: Vec<PollFd<'_>> = files.map(|file| PollFd::new(file, PollFlags::POLLIN)).collect();
        let time = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
        match poll(&mut waiting, time) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::io("cannot wait", &errno.into())),
        }
        while let Some(signal) = signals.as_ref().and_then(super::signal::Signals::next) {
            if matches!(signal, Signal::SIGINT | Signal::SIGTERM | Signal::SIGHUP | Signal::SIGQUIT) {
                return Err(interrupted(signal));
            }
        }
        if signals.is_some() {
            waiting.pop();
        }
        Ok(waiting.iter().map(|file| file.any().unwrap_or(false)).collect())
    }
}

/// Something that can be read when a directory, or a file right in it, has changed. inotify(7)
#[derive(Debug)]
pub struct Changes(Inotify);

impl Changes {
    /// Of this directory, from now on.
    pub fn of(directory: &Path) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let events = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_CLOSE_WRITE;
        inotify.add_watch(directory, events)?;
        Ok(Self(inotify))
    }

    /// Forgets those that have happened.
    pub fn forget(&self) {
        while self.0.read_events().is_ok_and(|events| !events.is_empty()) {}
    }
}

impl AsFd for Changes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
