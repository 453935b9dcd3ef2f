//! What is in a layer, without unpacking it: its entries, one after the other.
//!
//! They are understood as the unpacker does (`unpack/`): the same reader, the same names, so that
//! what is shown here is what a container gets. It does *not* write anything.
//! See tar(5), and the OCI image specification, layer.md.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::unpack::archive::{self, Archive};
use super::unpack::name::{Name, clean, refused};
use super::unpack::sparse::Piece;
use crate::error::Result;
use crate::kernel::Time;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From the root of the layer, without a slash before it; empty for the root itself.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// When it was last changed.
    pub modified: Time,
    /// Bytes of a regular file.
    pub size: u64,
    /// Extended attributes, xattr(7).
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link, and where it leads to.
    Symlink(PathBuf),
    /// A second name of a file.
    Link(PathBuf),
    /// A character device: its major and minor number.
    Character(u32, u32),
    /// A block device.
    Block(u32, u32),
    /// A named pipe.
    Fifo,
    /// The path is gone.
    Whiteout,
    /// The directory at the path shows nothing of the layers below.
    Opaque,
}

/// Reads a layer to its end; `each` gets every entry with its content.
pub fn read(layer: impl Read, each: &mut dyn FnMut(Entry, &mut dyn Read) -> Result<()>) -> Result<()> {
    let mut archive = Archive::new(layer, u64::MAX);
    while let Some(found) = archive.next_entry()? {
        let whole = vec![Piece { offset: 0, length: found.size }];
        let pieces = found.pieces.clone().unwrap_or(whole);
        if let Some(entry) = entry(found)? {
            let size = entry.size;
            each(entry, &mut Content { archive: &mut archive, pieces: pieces.into_iter(), piece: None, at: 0, size })?;
        }
    }
    archive.finish()
}

/// `None` for bookkeeping, which is no file.
fn entry(found: archive::Entry) -> Result<Option<Entry>> {
    let link = || PathBuf::from(OsString::from_vec(found.link.clone()));
    let (path, kind) = match Name::new(&found.path)? {
        Name::Internal => return Ok(None),
        Name::Whiteout(path) => (path, Kind::Whiteout),
        Name::Opaque(path) => (path, Kind::Opaque),
        Name::File(path) => {
            let kind = match found.kind {
                archive::Kind::File => Kind::File,
                archive::Kind::HardLink => Kind::Link(clean(&found.link)?),
                archive::Kind::Symlink => Kind::Symlink(link()),
                archive::Kind::Character(major, minor) => Kind::Character(major, minor),
                archive::Kind::Block(major, minor) => Kind::Block(major, minor),
                archive::Kind::Directory => Kind::Directory,
                archive::Kind::Fifo => Kind::Fifo,
                archive::Kind::Other(flag) => {
                    let why = format!("it is of no known kind ('{}')", char::from(flag).escape_default());
                    return Err(refused(&path, &why, "The layer was made by a tool that boxlab does not know."));
                }
            };
            (path, kind)
        }
    };
    let size = if kind == Kind::File { found.size } else { 0 };
    let xattrs = found.xattrs.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
    let archive::Entry { mode, uid, gid, modified, .. } = found;
    Ok(Some(Entry { path, kind, mode, uid, gid, modified, size, xattrs }))
}

/// The content of a file, with zeros where it has holes.
struct Content<'a, Source> {
    archive: &'a mut Archive<Source>,
    pieces: std::vec::IntoIter<Piece>,
    /// The one that is being read, and what is left of it.
    piece: Option<Piece>,
    /// How much of the file has been read.
    at: u64,
    size: u64,
}

impl<Source: Read> Read for Content<'_, Source> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = loop {
            match self.piece.or_else(|| self.pieces.next()) {
                Some(piece) if piece.length == 0 => self.piece = None,
                other => break other,
            }
        };
        let room = buffer.len() as u64;
        let hole = piece.map_or(self.size, |piece| piece.offset).saturating_sub(self.at).min(room);
        if hole > 0 {
            self.piece = piece;
            self.at += hole;
            let hole = usize::try_from(hole).unwrap_or(buffer.len());
            buffer[..hole].fill(0);
            return Ok(hole);
        }
        let Some(piece) = piece else { return Ok(0) };
        let bytes = self.archive.content().map_err(|error| io::Error::other(error.to_string()))?;
        let count = bytes.len().min(buffer.len()).min(usize::try_from(piece.length).unwrap_or(usize::MAX));
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.archive.consume(count);
        self.at += count as u64;
        self.piece = Some(Piece { offset: self.at, length: piece.length - count as u64 });
        Ok(count)
    }
}
