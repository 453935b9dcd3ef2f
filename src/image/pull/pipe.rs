//! Bytes on their way from one thread to the next, in bounded memory.
//!
//! Fetching, decompressing and unpacking a layer take turns being the slow one. Each has a
//! thread of its own, and between them a few pieces of memory go round: filled by one,
//! emptied by the next, handed back. Who is faster waits; nothing grows with the layer.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes of a piece.
const PIECE: usize = 128 * 1024;
/// Pieces that are under way at most.
const PIECES: usize = 8;

/// The end that is written to.
pub struct Sink {
    filled: SyncSender<Vec<u8>>,
    emptied: Receiver<Vec<u8>>,
    piece: Vec<u8>,
}

/// The end that is read from.
pub struct Source {
    filled: Receiver<Vec<u8>>,
    emptied: SyncSender<Vec<u8>>,
    piece: Vec<u8>,
    read: usize,
}

/// A new pair.
pub fn pipe() -> (Sink, Source) {
    let (fill, filled) = sync_channel(PIECES);
    let (empty, emptied) = sync_channel(PIECES + 2);
    let sink = Sink { filled: fill, emptied, piece: Vec::with_capacity(PIECE) };
    (sink, Source { filled, emptied: empty, piece: Vec::new(), read: 0 })
}

impl Sink {
    /// Hands on what is written so far.
    fn send(&mut self) -> io::Result<()> {
        let next = self.emptied.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE));
        let piece = std::mem::replace(&mut self.piece, next);
        self.filled.send(piece).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() { Ok(()) } else { self.send() }
    }
}

impl Read for Source {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.read == self.piece.len() {
            // The other end is gone: it was dropped after its last flush.
            let Ok(next) = self.filled.recv() else { return Ok(0) };
            let mut emptied = std::mem::replace(&mut self.piece, next);
            self.read = 0;
            emptied.clear();
            if emptied.capacity() > 0 {
                self.emptied.try_send(emptied).ok();
            }
        }
        let taken = bytes.len().min(self.piece.len() - self.read);
        bytes[..taken].copy_from_slice(&self.piece[self.read..self.read + taken]);
        self.read += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::{PIECE, pipe};
    use std::io::{Read, Write};

    #[test]
    fn everything_arrives_in_order() {
        let bytes: Vec<u8> = (0..PIECE * 40 + 17).map(|place| (place / 7) as u8).collect();
        let (mut sink, mut source) = pipe();
        let arrived = std::thread::scope(|scope| {
            scope.spawn(|| {
                for part in bytes.chunks(100_003) {
                    sink.write_all(part).unwrap();
                }
                sink.flush().unwrap();
                drop(sink);
            });
            let mut arrived = Vec::new();
            source.read_to_end(&mut arrived).unwrap();
            arrived
        });
        assert!(arrived == bytes);
    }

    #[test]
    fn a_writer_without_a_reader_is_told() {
        let (mut sink, source) = pipe();
        drop(source);
        assert!(sink.write_all(&vec![0; PIECE]).is_err());
    }
}
