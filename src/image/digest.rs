//! Digests: the name of a blob is the SHA-256 of its bytes.
//!
//! So a blob can't change without changing its name, two equal blobs are one,
//! and whoever fetched a blob can tell whether it is the right one.
//! See the OCI image specification, descriptor.md, "Digests".

use std::io::{self, Read, Write};
use std::str::FromStr;

use oci_spec::image::{Digest, Sha256Digest};
use sha2::{Digest as _, Sha256};

// ANCHOR: identity
/// The digest of `bytes`.
pub fn of(bytes: &[u8]) -> Digest {
    finish(Sha256::new_with_prefix(bytes))
}

/// The chain ID of a layer on top of those `below`: it names the layer *together with
/// all below it* (OCI image specification, config.md, "Layer ChainID").
pub fn on_top(below: Option<&Digest>, diff_id: &Digest) -> Digest {
    below.map_or_else(|| diff_id.clone(), |below| of(format!("{below} {diff_id}").as_bytes()))
}
// ANCHOR_END: identity

fn finish(hash: Sha256) -> Digest {
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    match Sha256Digest::from_str(&hex) {
        Ok(digest) => digest.into(),
        Err(_) => unreachable!("a SHA-256 has 64 hexadecimal digits"),
    }
}

/// Passes bytes on, in either direction, and learns their digest on the way.
pub struct Hashing<Inner> {
    inner: Inner,
    hash: Sha256,
    bytes: u64,
}

impl<Inner> Hashing<Inner> {
    /// Nothing has passed yet.
    pub fn new(inner: Inner) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    /// How many bytes have passed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What was wrapped, the digest, and the number of bytes.
    pub fn finish(self) -> (Inner, Digest, u64) {
        (self.inner, finish(self.hash), self.bytes)
    }

    fn passed(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<Inner: Write> Write for Hashing<Inner> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.passed(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<Inner: Read> Read for Hashing<Inner> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.passed(&bytes[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::{Hashing, of, on_top};
    use std::io::Write;

    #[test]
    fn the_digest_of_nothing_is_the_well_known_one() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(of(b"").to_string(), empty);
        let mut hashing = Hashing::new(Vec::new());
        hashing.write_all(b"boxlab").unwrap();
        assert_eq!(hashing.finish(), (b"boxlab".to_vec(), of(b"boxlab"), 6));
    }

    #[test]
    fn a_chain_of_one_layer_is_its_diff_id() {
        let (bottom, top) = (of(b"a"), of(b"b"));
        assert_eq!(on_top(None, &bottom), bottom);
        let both = of(format!("{bottom} {top}").as_bytes());
        assert_eq!(on_top(Some(&bottom), &top), both);
    }
}
