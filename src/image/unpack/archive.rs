//! A tar archive, entry by entry.
//!
//! An archive is a row of blocks of 512 bytes: a header, then the content, filled up with
//! zeros. What does not fit into a header is an entry of its own before it: a long name
//! (GNU, types `L` and `K`), or records (POSIX, type `x`; `pax.rs`). The tar crate knows the
//! layout of a header; the rows are read here, since the crate reads records of
//! any length into memory, splits them at newlines (which extended attributes may contain) and
//! does not know POSIX's sparse files. What an entry *means* where tar(5) leaves room is what Go's
//! archive/tar says, with which Docker, podman and containerd read: a layer must not hold other
//! files for us than for the tool that checked it.
//! See tar(5), and pax(1p), "pax Interchange Format".

use std::ffi::{CString, OsStr};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tar::{GnuHeader, Header};

use super::name::shown;
use super::pax::{self, Records};
use super::sparse::{self, Piece};
use crate::error::{Error, Result};
use crate::kernel::Time;

/// The archive is read in pieces of this size; small files are written right out of it.
const BUFFER: usize = 256 * 1024;
/// Headers and contents fill whole blocks.
pub(super) const BLOCK: usize = 512;
/// Names and records before a header are kept in memory: no more than so many bytes.
const LONGEST: u64 = 1024 * 1024;

/// What errors begin with.
const CANNOT: &str = "cannot read the layer";

/// What kind of file an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// Another name for a file.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// Major and minor number.
    Character(u32, u32),
    /// Major and minor number.
    Block(u32, u32),
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
    /// Anything else; its type flag.
    Other(u8),
}

/// One entry, without its content.
#[derive(Debug)]
pub struct Entry {
    /// As it is written.
    pub path: Vec<u8>,
    /// Where a link leads to.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Permission bits, with setuid, setgid and sticky bit.
    pub mode: u32,
    /// Owner, which need not be one that the system can have.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Last change.
    pub modified: Time,
    /// The size of the file. Of a sparse file, most of it may be holes.
    pub size: u64,
    /// Extended attributes.
    pub xattrs: Vec<(CString, Vec<u8>)>,
    /// Where the content goes, if the file is sparse.
    pub pieces: Option<Vec<Piece>>,
}

/// An archive that is being read.
pub struct Archive<Source> {
    source: BufReader<Source>,
    position: u64,
    /// No more than so many bytes are read.
    most: u64,
    /// What is left of the content of the entry, and of the zeros after it.
    left: u64,
    padding: u64,
    /// The entry that was read last, for messages.
    near: Vec<u8>,
}

/// What comes before a header and belongs to it.
#[derive(Default)]
struct Before {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    records: Records,
}

impl<Source: Read> Archive<Source> {
    /// An archive of at most `most` bytes.
    pub fn new(source: Source, most: u64) -> Self {
        Self {
            source: BufReader::with_capacity(BUFFER, source),
            position: 0,
            most,
            left: 0,
            padding: 0,
            near: Vec::new(),
        }
    }

    /// How many bytes of the archive have been read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next entry; `None` at the end. What is left of the one before is passed over.
    pub fn next_entry(&mut self) -> Result<Option<Entry>> {
        self.read_next().map_err(|error| {
            // Not for what the source of the archive said.
            if self.near.is_empty() || !error.failure().doing.starts_with(CANNOT) {
                return error;
            }
            error.hint(format!("It happened at or after {}.", shown(Path::new(OsStr::from_bytes(&self.near)))))
        })
    }

    fn read_next(&mut self) -> Result<Option<Entry>> {
        let mut before = Before::default();
        let mut between = false;
        loop {
            self.pass_over(self.left.saturating_add(self.padding))?;
            let Some(header) = self.header()? else {
                return if between { Err(damaged("a name is followed by no entry")) } else { Ok(None) };
            };
            between = true;
            let size = number(&header.as_old().size).ok_or_else(|| damaged("a size is no number"))?;
            self.announce(u64::try_from(size).map_err(|_| damaged("a size is negative"))?);
            match header.as_old().linkflag[0] {
                b'L' => before.path = Some(self.name()?),
                b'K' => before.link = Some(self.name()?),
                b'x' => before.records = pax::records(&self.text()?)?,
                // Records for all that follows. Go's reader applies none of them, and
                // `git archive` writes a comment only.
                b'g' => between = false,
                _ => return self.entry(&header, before).map(Some),
            }
        }
    }

    /// The next bytes of the entry's content; none at its end.
    pub fn content(&mut self) -> Result<&[u8]> {
        if self.left == 0 {
            return Ok(&[]);
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let bytes = available(&mut self.source)?;
        if bytes.is_empty() {
            return Err(truncated());
        }
        Ok(&bytes[..bytes.len().min(left)])
    }

    /// So many bytes of the content have been used.
    pub fn consume(&mut self, bytes: usize) {
        self.source.consume(bytes);
        self.position += bytes as u64;
        self.left -= bytes as u64;
    }

    /// How many bytes of the entry's content are still to come.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Reads what follows the last entry: zeros, mostly. A digest covers them as well.
    pub fn finish(&mut self) -> Result<()> {
        while !available(&mut self.source)?.is_empty() {
            let bytes = self.source.buffer().len();
            self.source.consume(bytes);
            self.advance(bytes)?;
        }
        Ok(())
    }

    fn announce(&mut self, content: u64) {
        self.left = content;
        self.padding = content.next_multiple_of(BLOCK as u64) - content;
    }

    /// The next header; `None` at the end: a block of zeros, or no block at all.
    fn header(&mut self) -> Result<Option<Header>> {
        if available(&mut self.source)?.is_empty() {
            return Ok(None);
        }
        let mut header = Header::new_old();
        self.fill(header.as_mut_bytes())?;
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let sum: i64 = header.as_bytes().iter().map(|byte| i64::from(*byte)).sum();
        // While it was computed, its own field was blank.
        let field = &header.as_old().cksum;
        let own: i64 = field.iter().map(|byte| i64::from(*byte)).sum();
        if number(field) != Some(sum - own + i64::from(b' ') * field.len() as i64) {
            return Err(damaged(&format!("the block before byte {} is no header", self.position)));
        }
        Ok(Some(header))
    }

    fn fill(&mut self, block: &mut [u8]) -> Result<()> {
        self.source.read_exact(block).map_err(failed)?;
        self.advance(block.len())
    }

    /// The content of an entry that only describes the next one.
    fn text(&mut self) -> Result<Vec<u8>> {
        if self.left > LONGEST {
            return Err(damaged(&format!("a name or its records are {} bytes long", self.left))
                .hint(format!("At most {LONGEST} are accepted: they are kept in memory.")));
        }
        let mut text = vec![0; usize::try_from(self.left).unwrap_or_default()];
        self.fill(&mut text)?;
        self.left = 0;
        Ok(text)
    }

    /// A long name ends with a zero byte.
    fn name(&mut self) -> Result<Vec<u8>> {
        let text = self.text()?;
        Ok(until_zero(&text).to_owned())
    }

    fn pass_over(&mut self, mut bytes: u64) -> Result<()> {
        while bytes > 0 {
            let available = available(&mut self.source)?.len();
            if available == 0 {
                return Err(truncated());
            }
            let passed = available.min(usize::try_from(bytes).unwrap_or(usize::MAX));
            self.source.consume(passed);
            self.advance(passed)?;
            bytes -= passed as u64;
        }
        self.announce(0);
        Ok(())
    }

    fn advance(&mut self, bytes: usize) -> Result<()> {
        self.position += bytes as u64;
        if self.position <= self.most {
            return Ok(());
        }
        Err(Error::new(format!("{CANNOT}: its archive is longer than {} bytes", self.most))
            .hint("Most of it becomes no file: it may be made to waste time."))
    }

    /// Puts together what a header says and what was said before it.
    fn entry(&mut self, header: &Header, before: Before) -> Result<Entry> {
        let old = header.as_old();
        let field = |field: &[u8]| number(field).ok_or_else(|| damaged("a field of a header is no number"));
        // A negative owner is none: it will be refused.
        let owner = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
        let mut entry = Entry {
            path: full_name(header),
            link: until_zero(&old.linkname).to_owned(),
            kind: kind(header),
            mode: (field(&old.mode)? & 0o7777) as u32,
            uid: owner(field(&old.uid)?),
            gid: owner(field(&old.gid)?),
            modified: Time { seconds: field(&old.mtime)?, nanoseconds: 0 },
            size: self.left,
            xattrs: Vec::new(),
            pieces: None,
        };
        let map = pax::apply(before.records, &mut entry)?;
        // Records may give another size; links and directories have no content, whatever they say.
        self.announce(if entry.has_content() { entry.size } else { 0 });
        // GNU's own names are the last to be written, and win.
        entry.path = before.path.unwrap_or(entry.path);
        entry.link = before.link.unwrap_or(entry.link);
        if old.linkflag[0] == 0 && entry.path.ends_with(b"/") {
            entry.kind = Kind::Directory; // before POSIX there was no type for it
        }
        self.near.clone_from(&entry.path);
        match header.as_gnu() {
            Some(gnu) if old.linkflag[0] == b'S' => self.old_sparse(gnu, &mut entry)?,
            _ => self.sparse(map, &mut entry)?,
        }
        if !entry.has_content() {
            entry.size = 0;
            self.announce(0);
        }
        Ok(entry)
    }

    /// GNU's old format: pieces in the header, and in blocks after it.
    fn old_sparse(&mut self, header: &GnuHeader, entry: &mut Entry) -> Result<()> {
        let mut pieces = Vec::new();
        let mut more = sparse::fields(&header.sparse, header.isextended[0], &mut pieces)?;
        while more {
            let mut block = tar::GnuExtSparseHeader::new();
            self.fill(block.as_mut_bytes())?;
            more = sparse::fields(&block.sparse, block.isextended[0], &mut pieces)?;
        }
        let size = number(&header.realsize).and_then(|size| u64::try_from(size).ok());
        self.spread(pieces, size.ok_or_else(|| damaged("the size of a sparse file is no number"))?, entry)
    }

    /// POSIX records say it, or announce that the content begins with it.
    fn sparse(&mut self, map: sparse::Map, entry: &mut Entry) -> Result<()> {
        let Some(size) = map.size.filter(|_| entry.kind == Kind::File) else {
            return Ok(());
        };
        if let Some(name) = map.name {
            entry.path = name;
        }
        let pieces = match map.in_content {
            false => map.pieces,
            true => sparse::in_content(|| {
                let mut block = [0; BLOCK];
                self.left = self.left.checked_sub(BLOCK as u64).ok_or_else(truncated)?;
                self.fill(&mut block)?;
                Ok(block)
            })?,
        };
        self.spread(pieces, size, entry)
    }

    fn spread(&mut self, pieces: Vec<Piece>, size: u64, entry: &mut Entry) -> Result<()> {
        sparse::check(&pieces, size, self.left)?;
        entry.size = size;
        entry.pieces = Some(pieces);
        Ok(())
    }
}

impl Entry {
    /// Only files have content, and what nobody knows.
    fn has_content(&self) -> bool {
        matches!(self.kind, Kind::File | Kind::Other(_))
    }
}

fn kind(header: &Header) -> Kind {
    let device = || {
        let part = |field: Option<&[u8; 8]>| field.and_then(|field| number(field)?.try_into().ok()).unwrap_or(0);
        let (ustar, gnu) = (header.as_ustar(), header.as_gnu());
        let major = ustar.map(|header| &header.dev_major).or(gnu.map(|header| &header.dev_major));
        let minor = ustar.map(|header| &header.dev_minor).or(gnu.map(|header| &header.dev_minor));
        (part(major), part(minor))
    };
    match header.as_old().linkflag[0] {
        // 7 was meant for files that lie in one piece on the disk; S is GNU's sparse file.
        0 | b'0' | b'7' | b'S' => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'3' => Kind::Character(device().0, device().1),
        b'4' => Kind::Block(device().0, device().1),
        b'5' => Kind::Directory,
        b'6' => Kind::Fifo,
        other => Kind::Other(other),
    }
}

/// POSIX has a second field for the first part of a long name.
fn full_name(header: &Header) -> Vec<u8> {
    let name = until_zero(&header.as_old().name);
    let prefix = header.as_ustar().map_or(&[][..], |header| until_zero(&header.prefix));
    if prefix.is_empty() { name.to_owned() } else { [prefix, b"/", name].concat() }
}

fn until_zero(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number of a header: octal digits, or, if they don't suffice, two's complement with the
/// highest bit of the field set (GNU's "base-256").
pub(super) fn number(field: &[u8]) -> Option<i64> {
    let first = *field.first()?;
    if first & 0x80 == 0 {
        let digits = until_zero(field).trim_ascii();
        let octal = std::str::from_utf8(digits).ok()?;
        return if octal.is_empty() { Some(0) } else { i64::from_str_radix(octal, 8).ok() };
    }
    // The sign is the bit below.
    let start = if first & 0x40 == 0 { i128::from(first & 0x3f) } else { i128::from(first & 0x3f) - 0x40 };
    let value = field[1..].iter().try_fold(start, |value, byte| value.checked_mul(256)?.checked_add((*byte).into()))?;
    value.try_into().ok()
}

/// What the buffer holds, after it was filled if it was empty.
fn available<Source: Read>(source: &mut BufReader<Source>) -> Result<&[u8]> {
    loop {
        match source.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
            Ok(_) => break,
        }
    }
    Ok(source.buffer())
}

/// An error of whoever gives us the archive passes through as it is.
fn failed(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof && error.get_ref().is_none_or(|inner| !inner.is::<Error>()) {
        return truncated();
    }
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) if error.raw_os_error().is_some() => Error::io(CANNOT, &error),
        Err(error) => Error::new(format!("{CANNOT}: {error}"))
            .hint("It is damaged, or needs too much memory (made with zstd --ultra or --long). Get or make it again."),
    }
}

fn truncated() -> Error {
    damaged("it ends in the middle of an entry")
}

/// The archive itself is wrong.
pub(super) fn damaged(why: &str) -> Error {
    Error::new(format!("{CANNOT}: {why}")).hint("It is no tar archive, or a damaged one. Get or make the image again.")
}
