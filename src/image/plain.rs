//! The plain tar archive of a stored layer, checked while it is read: whoever has read all of it has
//! read what the image names.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use oci_spec::image::Digest;

use super::decompress::decompress_any;
use super::digest::Hashing;
use crate::error::{Error, IoContext, Result};

/// Compressed bytes are read in pieces of this size.
const PIECE: usize = 256 * 1024;

/// A layer that is read.
pub struct Plain {
    inner: Hashing<Box<dyn Read + Send>>,
    doing: String,
}

impl Plain {
    /// The layer in that file, however it is compressed.
    pub fn open(path: &Path) -> Result<Self> {
        let doing = format!("cannot read {}", path.display());
        let file = File::open(path).or_fail(|| doing.clone())?;
        let (_, plain) = decompress_any(BufReader::with_capacity(PIECE, file))?;
        Ok(Self { inner: Hashing::new(plain), doing })
    }

    /// Reads what is left, and checks that this was the layer of that diff ID.
    pub fn finish(mut self, diff_id: &Digest) -> Result<()> {
        let doing = self.doing.clone();
        io::copy(&mut self, &mut io::sink()).or_fail(|| doing.clone())?;
        let (_, found, _) = self.inner.finish();
        if found == *diff_id {
            return Ok(());
        }
        Err(Error::new(format!("{doing}: it is damaged: it should have the digest {diff_id} and has {found}"))
            .hint("Remove the image and get it again."))
    }
}

impl Read for Plain {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.inner.read(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::Plain;
    use crate::image::digest;

    #[test]
    fn another_layer_is_noticed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "layer").unwrap();
        Plain::open(file.path()).unwrap().finish(&digest::of(b"layer")).unwrap();
        let error = Plain::open(file.path()).unwrap().finish(&digest::of(b"other")).unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
    }
}
