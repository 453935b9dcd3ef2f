//! How a child speaks to the process that renders: one message a datagram.
//!
//! The socket is a `SOCK_SEQPACKET` pair that closes on exec, so end-of-file
//! after an announced execve means that the program started. See unix(7).

use std::io;
use std::os::unix::net::UnixDatagram;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{Detail, Event, Observer, Record};
use crate::error::Error;

/// What a child tells its parent.
#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    /// Something happened.
    Told(Record),
    /// Something happened in a child of the sender, and the number is that child's.
    PassedOn(Record),
    /// The child waits here until the parent answers.
    Gate(String),
    /// What comes last, execve at its end; true once that has succeeded.
    Announced(Vec<Record>),
    /// The child has failed and ends.
    Failed(Error),
}

/// The child's end of the link.
#[derive(Debug, Clone)]
pub struct Link(Rc<UnixDatagram>);

impl Link {
    /// Takes the child's end of the pair.
    pub fn new(socket: UnixDatagram) -> Self {
        Self(Rc::new(socket))
    }

    /// Sends one message.
    pub fn send(&self, message: &Message) -> io::Result<()> {
        self.0.send(&serde_json::to_vec(message)?).map(drop)
    }

    /// Waits for the parent's answer; an error if the parent is gone.
    pub fn wait(&self) -> io::Result<()> {
        match self.0.recv(&mut [0])? {
            0 => Err(io::ErrorKind::ConnectionAborted.into()),
            _ => Ok(()),
        }
    }

    /// The socket, to pass a descriptor over it.
    pub fn socket(&self) -> &UnixDatagram {
        &self.0
    }
}

/// The observer of a child: sends everything to the parent.
#[derive(Debug)]
pub struct Relay {
    /// Where to.
    pub link: Link,
    /// What the parent's observer wants.
    pub detail: Detail,
    /// Whether to wait after each step until the parent has shown it (`--pause`).
    pub in_step: bool,
}

impl Observer for Relay {
    fn detail(&self) -> Detail {
        self.detail
    }

    fn observe(&mut self, record: &Record) -> io::Result<()> {
        let own = u32::try_from(record.pid) == Ok(std::process::id());
        let message = if own { Message::Told } else { Message::PassedOn };
        self.link.send(&message(record.clone()))?;
        if self.in_step && matches!(record.event, Event::Step { .. }) {
            self.link.wait()?;
        }
        Ok(())
    }
}
