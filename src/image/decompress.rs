//! A compressed layer becomes a plain archive again, while it arrives.
//!
//! gzip since 1993, zstd since 2016: RFC 1952, RFC 8878. What the media type says is checked
//! against the first bytes. It does *not* look into the archive.

use std::fmt;
use std::io::{self, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::manifest::Compression;
use crate::error::{Error, IoContext, Result};

/// How each kind begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// After a first byte from 0x50 to 0x5f: a frame with notes, with which pzstd begins.
const ZSTD_NOTES: [u8; 3] = [0x2a, 0x4d, 0x18];
/// A zstd frame may ask its reader to remember up to 2^31 bytes. Compressors use 2^23 unless
/// told otherwise; this bounds the memory of three layers at a time. `zstd --long` asks for 2^27.
const LARGEST_WINDOW: u32 = 24;

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "plain tar",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// The plain bytes of a layer that is compressed in this way.
pub fn decompress<'a>(kind: Compression, from: impl Read + Send + 'a) -> Result<Box<dyn Read + Send + 'a>> {
    let (found, whole) = begin(from)?;
    if found != kind && !whole.get_ref().0.get_ref().is_empty() {
        return Err(Error::new(format!("cannot decompress the layer: it is said to be {kind}, but begins as {found}"))
            .hint("Whoever pushed the image gave the layer a wrong media type."));
    }
    plain(kind, whole)
}

/// The plain bytes of a file of which nobody said how it is compressed, and how it is.
pub fn decompress_any<'a>(from: impl Read + Send + 'a) -> Result<(Compression, Box<dyn Read + Send + 'a>)> {
    let (found, whole) = begin(from)?;
    Ok((found, plain(found, whole)?))
}

/// A file from its first byte on, though some have been read.
type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

/// How it begins; and all of it, from the first byte.
fn begin<R: Read>(mut from: R) -> Result<(Compression, Whole<R>)> {
    let mut first = Vec::new();
    from.by_ref().take(ZSTD.len() as u64).read_to_end(&mut first).or_fail(cannot)?;
    let found = if first.starts_with(&GZIP) {
        Compression::Gzip
    } else if first.starts_with(&ZSTD) || matches!(&first[..], [0x50..=0x5f, rest @ ..] if *rest == ZSTD_NOTES) {
        Compression::Zstd
    } else {
        Compression::None
    };
    Ok((found, Cursor::new(first).chain(from)))
}

fn plain<'a>(kind: Compression, whole: Whole<impl Read + Send + 'a>) -> Result<Box<dyn Read + Send + 'a>> {
    Ok(match kind {
        Compression::None => Box::new(whole),
        Compression::Gzip => Box::new(MultiGzDecoder::new(whole)),
        Compression::Zstd => Box::new(zstd(whole).or_fail(cannot)?),
    })
}

fn cannot() -> String {
    "cannot decompress the layer".to_owned()
}

fn zstd<R: Read>(from: Whole<R>) -> io::Result<impl Read + use<R>> {
    let mut decoder = zstd::stream::read::Decoder::new(from)?;
    decoder.window_log_max(LARGEST_WINDOW)?;
    Ok(decoder)
}

#[cfg(test)]
mod tests {
    use super::{Compression, decompress};
    use std::io::{Read, Write};

    fn read(kind: Compression, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut plain = Vec::new();
        let mut reader = decompress(kind, bytes).map_err(|error| error.to_string())?;
        reader.read_to_end(&mut plain).map_err(|error| error.to_string())?;
        Ok(plain)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn all_kinds_are_read_also_in_several_parts() {
        let parts = [&b"one "[..], b"two"];
        assert_eq!(read(Compression::None, b"plain").unwrap(), b"plain");
        assert_eq!(read(Compression::None, b"").unwrap(), b"");
        let members: Vec<u8> = parts.iter().flat_map(|part| gzip(part)).collect();
        assert_eq!(read(Compression::Gzip, &members).unwrap(), b"one two");
        let frames: Vec<u8> = parts.iter().flat_map(|part| zstd::encode_all(*part, 3).unwrap()).collect();
        assert_eq!(read(Compression::Zstd, &frames).unwrap(), b"one two");
        let noted = [&[0x52, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, b'x'], &frames[..]].concat();
        assert_eq!(read(Compression::Zstd, &noted).unwrap(), b"one two");
    }

    #[test]
    fn what_is_not_what_it_is_said_to_be_is_refused() {
        let error = read(Compression::Gzip, b"plain").unwrap_err();
        assert!(error.contains("said to be gzip, but begins as plain tar"), "{error}");
        assert!(read(Compression::None, &gzip(b"x")).is_err());
        let mut cut = gzip(&[7; 100_000]);
        cut.truncate(cut.len() - 9);
        assert!(read(Compression::Gzip, &cut).is_err());
    }

    #[test]
    fn a_frame_that_wants_too_much_memory_is_refused() {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(&[0; 1 << 20]).unwrap();
        let bytes = encoder.finish().unwrap();
        assert!(read(Compression::Zstd, &bytes).is_err());
    }
}
