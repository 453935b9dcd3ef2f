//! One layer on its way: fetched, verified, stored, decompressed, verified again and
//! unpacked, all at the same time.
//!
//! ```text
//!   registry ─ fetch ──────────── pipe ─ decompress ─ pipe ─ unpack ─> directory
//!                ├ first digest                         └ second digest
//!                └─> blob
//! ```
//!
//! Two digests, since two questions are asked: did the bytes arrive that the manifest names
//! (the compressed blob), and are these the files that the configuration names (the plain
//! archive, whose digest stays the same however it is compressed). What fails either is
//! thrown away whole. Each of the three has a thread of its own.
//! See the OCI image specification, layer.md and config.md.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use oci_spec::image::{Descriptor, Digest};

use super::pipe::{Sink, Source, pipe};
use crate::error::{Error, IoContext, Result};
use crate::image::decompress::decompress;
use crate::image::digest::Hashing;
use crate::image::manifest::compression;
use crate::image::registry::unwrapped;
use crate::image::unpack::{Options, Unpacked, unpack};

/// Bytes that are read at a time.
const PIECE: usize = 128 * 1024;

/// Bytes between two words about it.
const STEP: u64 = 512 * 1024;

/// What a layer is, and where it goes.
pub struct Flow<'a> {
    /// As the manifest has it.
    pub descriptor: &'a Descriptor,
    /// As the configuration has it.
    pub diff_id: &'a Digest,
    /// Where the blob is written, unless it is stored already.
    pub blob: Option<&'a Path>,
    /// Where it is unpacked, unless it is already; it is made.
    pub directory: Option<&'a Path>,
    /// What may be unpacked.
    pub options: &'a Options,
    /// Set when somebody has pressed Ctrl-C or another layer has failed.
    pub stop: &'a AtomicBool,
}

impl Flow<'_> {
    /// Lets it flow. `arrived` is told how many bytes of the blob have come.
    pub fn run(&self, from: impl Read + Send, arrived: &(dyn Fn(u64) + Sync)) -> Result<Option<Unpacked>> {
        let Some(directory) = self.directory else {
            return self.fetch(from, None, arrived).map(|()| None);
        };
        std::fs::create_dir(directory).or_fail(|| format!("cannot make {}", directory.display()))?;
        let kind = compression(self.descriptor.media_type())?;
        let (compressed, source) = pipe();
        let (plain, archive) = pipe();
        // Bytes that can't be decompressed are fetched to their end all the same: then it
        // is known whether they are damaged. Those of a layer that is refused are not.
        let (broken, refused) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            let fetching = scope.spawn(|| self.fetch(from, Some((compressed, &refused)), arrived));
            let decompressing = scope.spawn(|| {
                let mut plain = plain;
                let pumped = decompress(kind, source).and_then(|archive| pump(archive, &mut plain));
                broken.store(pumped.is_err(), Ordering::SeqCst);
                pumped
            });
            let unpacked = self.unpack(archive, directory);
            refused.store(unpacked.is_err() && !broken.load(Ordering::SeqCst), Ordering::SeqCst);
            let decompressed = decompressing.join().unwrap_or_else(|_| Err(panicked()));
            let fetched = fetching.join().unwrap_or_else(|_| Err(panicked()));
            // Who comes first in the flow knows the cause; the others only see that less arrives.
            fetched.and(decompressed).and(unpacked).map(Some)
        })
    }

    /// First of the three: from the network, or from the store, to the blob and on.
    fn fetch(
        &self,
        mut from: impl Read,
        on: Option<(Sink, &AtomicBool)>,
        arrived: &(dyn Fn(u64) + Sync),
    ) -> Result<()> {
        let doing = || format!("cannot fetch the layer {}", self.descriptor.digest());
        let mut blob = match self.blob {
            Some(path) => Some(File::create(path).or_fail(|| format!("cannot write {}", path.display()))?),
            None => None,
        };
        let mut hashing = Hashing::new(io::sink());
        let (mut on, refused) = on.map_or((None, None), |(on, refused)| (Some(on), Some(refused)));
        let mut piece = vec![0; PIECE];
        let mut told = 0;
        loop {
            if refused.is_some_and(|refused| refused.load(Ordering::Relaxed)) {
                return Ok(()); // who refused says why
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(stopped());
            }
            let read = from.read(&mut piece).map_err(|error| unwrapped(error, doing))?;
            if read == 0 {
                break;
            }
            let bytes = &piece[..read];
            hashing.write_all(bytes).or_fail(doing)?;
            if let Some(blob) = &mut blob {
                blob.write_all(bytes).or_fail(doing)?;
            }
            if on.as_mut().is_some_and(|on| on.write_all(bytes).is_err()) {
                on = None;
            }
            if hashing.bytes() - told >= STEP {
                told = hashing.bytes();
                arrived(told);
            }
        }
        let (_, found, size) = hashing.finish();
        self.verify(&found, size)?;
        if let Some(mut on) = on {
            on.flush().ok();
        }
        // Only now, while the others are still at work: the disk takes its time.
        blob.map_or(Ok(()), |blob| blob.sync_data()).or_fail(doing)
    }

    fn verify(&self, found: &Digest, size: u64) -> Result<()> {
        let wanted = self.descriptor.digest();
        if found == wanted {
            return Ok(());
        }
        let told = self.descriptor.size();
        let lengths = if size == told { String::new() } else { format!(" ({size} bytes instead of {told})") };
        let error = format!("the layer {wanted} arrived damaged: what came has the digest {found}{lengths}");
        Err(Error::new(error).hint("Try again. If it stays so, the registry or a proxy on the way serves wrong bytes."))
    }

    /// Last of the three: from the plain archive to the files.
    fn unpack(&self, archive: Source, directory: &Path) -> Result<Unpacked> {
        let mut hashing = Hashing::new(archive);
        let unpacked = unpack(&mut hashing, directory, self.options, &mut |_| ())?;
        let (_, found, _) = hashing.finish();
        if found == *self.diff_id {
            return Ok(unpacked);
        }
        let error = format!("the layer {} unpacks to the digest {found}", self.descriptor.digest());
        Err(Error::new(format!("{error}, but its image names {}", self.diff_id))
            .hint("Whoever made the image made a mistake, or wants to deceive: it is not stored."))
    }
}

/// Second of the three: from the compressed bytes to the plain archive.
fn pump(mut from: impl Read, to: &mut Sink) -> Result<()> {
    match io::copy(&mut from, to).and_then(|_| to.flush()) {
        // Unpacking has refused the layer, and says why.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        pumped => pumped.or_fail(|| "cannot decompress the layer".to_owned()),
    }
}

/// The error of who stops because of another's.
pub fn stopped() -> Error {
    Error::new("stopped")
}

fn panicked() -> Error {
    Error::new("cannot go on: a part of boxlab has failed")
}
