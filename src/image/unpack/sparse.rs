//! Sparse files: of a file with holes, the archive holds only what lies between them.
//!
//! There are four ways to say where that goes. GNU's old format has a table of numbers in the
//! header (type `S`). The newer ones are records of an ordinary file: 0.0 repeats
//! `GNU.sparse.offset` and `GNU.sparse.numbytes`, 0.1 has all in one `GNU.sparse.map`, and 1.0 puts
//! the table before the content, as lines of text.
//! See GNU tar's manual, "Sparse Formats".

use tar::GnuSparseHeader;

use super::archive::{BLOCK, damaged, number};
use super::pax::decimal;
use crate::error::{Error, Result};

/// More pieces are no file, but an attempt to fill the memory.
const MOST: usize = 100_000;

/// A part of the file that is no hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins in the file.
    pub offset: u64,
    /// Its bytes.
    pub length: u64,
}

/// What the records say.
#[derive(Default)]
pub(super) struct Map {
    /// The size of the file, with its holes. Without it, the file is none of these.
    pub size: Option<u64>,
    pub name: Option<Vec<u8>>,
    pub pieces: Vec<Piece>,
    /// The table is the beginning of the content.
    pub in_content: bool,
}

impl Map {
    /// Takes one record; `None` if it makes no sense.
    pub(super) fn record(&mut self, key: &[u8], value: Vec<u8>) -> Option<()> {
        match key {
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.size = Some(decimal(&value)?),
            b"GNU.sparse.name" => self.name = Some(value),
            b"GNU.sparse.major" => self.in_content = decimal(&value)? == 1,
            b"GNU.sparse.offset" => self.pieces.push(Piece { offset: decimal(&value)?, length: 0 }),
            b"GNU.sparse.numbytes" => self.pieces.last_mut()?.length = decimal(&value)?,
            b"GNU.sparse.map" => self.pieces = pairs(value.split(|byte| *byte == b','))?,
            // The number of pieces, and the minor version.
            _ => {}
        }
        Some(())
    }
}

fn pairs<'a>(mut numbers: impl Iterator<Item = &'a [u8]>) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    while let Some(offset) = numbers.next() {
        pieces.push(Piece { offset: decimal(offset)?, length: decimal(numbers.next()?)? });
    }
    Some(pieces)
}

/// The table of GNU's old format; true if more of it follows.
pub(super) fn fields(table: &[GnuSparseHeader], more: u8, pieces: &mut Vec<Piece>) -> Result<bool> {
    // The first unused place ends the table.
    for place in table.iter().take_while(|place| place.offset[0] != 0 && place.numbytes[0] != 0) {
        let value = |field| number(field).and_then(|value| u64::try_from(value).ok()).ok_or_else(wrong);
        pieces.push(Piece { offset: value(&place.offset)?, length: value(&place.numbytes)? });
    }
    if pieces.len() > MOST { Err(wrong()) } else { Ok(more != 0) }
}

/// The table of format 1.0: the number of pieces, then offset and length of each, a line each,
/// filled up to whole blocks.
pub(super) fn in_content(mut block: impl FnMut() -> Result<[u8; BLOCK]>) -> Result<Vec<Piece>> {
    let mut text = Vec::new();
    let mut numbers = Vec::new();
    let mut wanted = 1;
    while numbers.len() < wanted {
        text.extend(block()?);
        while numbers.len() < wanted
            && let Some(end) = text.iter().position(|byte| *byte == b'\n')
        {
            let line: Vec<u8> = text.drain(..=end).collect();
            numbers.push(decimal(&line[..end]).ok_or_else(wrong)?);
            if numbers.len() == 1 {
                let pieces = usize::try_from(numbers[0]).ok().filter(|pieces| *pieces <= MOST);
                wanted = 1 + 2 * pieces.ok_or_else(wrong)?;
            }
        }
        // Half a number may be left, but none is that long.
        if numbers.len() < wanted && text.len() >= BLOCK {
            return Err(wrong());
        }
    }
    Ok(numbers[1..].chunks_exact(2).map(|pair| Piece { offset: pair[0], length: pair[1] }).collect())
}

/// In order, apart from each other, within the file, and together all that there is. Only
/// the last one may fill its last block partly: Go's reader and GNU tar disagree about what
/// comes after it.
pub(super) fn check(pieces: &[Piece], size: u64, content: u64) -> Result<()> {
    // No file is longer than lseek(2) can reach.
    if i64::try_from(size).is_err() {
        return Err(wrong());
    }
    let mut end = 0;
    let mut sum = 0_u64;
    for piece in pieces {
        let is_aligned = piece.length == 0 || sum.is_multiple_of(BLOCK as u64);
        if piece.offset < end || !is_aligned {
            return Err(wrong());
        }
        end = piece.offset.checked_add(piece.length).filter(|end| *end <= size).ok_or_else(wrong)?;
        sum += piece.length;
    }
    if sum == content { Ok(()) } else { Err(wrong()) }
}

fn wrong() -> Error {
    damaged("the table of a sparse file makes no sense")
}
