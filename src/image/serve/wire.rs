//! A socket with a buffer, and a limit to its patience.
//!
//! A client may be slow, since a class shares one wifi; but one that sends a byte every
//! minute would hold a thread for days. So whoever is served gets half a minute, and
//! more for what has been transferred. See socket(7), SO_RCVTIMEO.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// For a question to arrive, and for the next bytes.
const SILENCE: Duration = Duration::from_secs(30);
/// The slowest client that is served, in bytes a second.
const SLOWEST: u64 = 4096;
/// Of the buffer.
const SIZE: usize = 32 * 1024;
/// What is still read of a client that was refused, so that it reads why.
const LINGER: Duration = Duration::from_secs(2);

pub struct Wire<'a> {
    stream: &'a TcpStream,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    began: Instant,
    moved: u64,
}

impl<'a> Wire<'a> {
    pub fn new(stream: &'a TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        Ok(Self { stream, buffer: vec![0; SIZE].into(), start: 0, end: 0, began: Instant::now(), moved: 0 })
    }

    /// A new exchange: patience begins anew.
    pub fn begin(&mut self) {
        (self.began, self.moved) = (Instant::now(), 0);
    }

    /// What has arrived and was not used yet.
    pub fn arrived(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// So much of it was used.
    pub fn used(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Waits for more; false at the end, or if there is no room.
    pub fn fill(&mut self) -> io::Result<bool> {
        self.keeps_pace()?;
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let read = self.stream.read(&mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read > 0)
    }

    /// Sends all of it.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.transferred(bytes.len());
        self.keeps_pace()
    }

    /// So many bytes of a body have passed, in either direction.
    pub fn transferred(&mut self, count: usize) {
        self.moved += count as u64;
    }

    fn keeps_pace(&self) -> io::Result<()> {
        let allowed = SILENCE + Duration::from_secs(self.moved / SLOWEST);
        if self.began.elapsed() > allowed { Err(ErrorKind::TimedOut.into()) } else { Ok(()) }
    }

    /// Ends the connection so that the client can read the last answer: what it is still
    /// sending would else make the kernel drop it. tcp(7)
    pub fn end(&mut self) {
        let until = Instant::now() + LINGER;
        let _ = self.stream.shutdown(Shutdown::Write);
        let _ = self.stream.set_read_timeout(Some(LINGER));
        while Instant::now() < until && self.stream.read(&mut self.buffer).is_ok_and(|read| read > 0) {}
    }
}
