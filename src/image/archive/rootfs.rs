//! The root filesystem of an image in a directory, as other tools want it: one tree, with the
//! whiteouts carried out. (A container needs none: its layers are stacked, not copied.)
//!
//! A thread squashes the layers into an archive, and this one unpacks it; a pipe is between them. An
//! ordinary user does that as the root of a user namespace, who can give files away.
//! See user_namespaces(7), pipe(2).

use std::fs;
use std::io;
use std::path::Path;
use std::thread;

use crate::error::{Error, IoContext, Result};
use crate::image::unpack::{self, Options};
use crate::image::{Image, Store};
use crate::kernel::errno::EPIPE;
use crate::kernel::{Kernel, maps};
use crate::primitives::ns::user;

impl Store {
    /// Unpacks the root filesystem of an image into a directory, which is made if it is missing.
    pub fn unpack_root(&self, k: &Kernel, image: &Image, directory: &Path) -> Result<()> {
        let doing = || format!("cannot unpack into {}", directory.display());
        let is_new = !directory.exists();
        fs::create_dir_all(directory).or_fail(doing)?;
        if fs::read_dir(directory).or_fail(doing)?.next().is_some() {
            return Err(Error::new(format!("{}: something is in it already", doing()))
                .hint("Name a directory that is empty or not there."));
        }
        let _shared = self.share()?;
        let unpacked = match maps::needed() {
            None => self.squash_into(image, directory),
            Some(maps) => user::within(k, "unpacker", &maps, |_| self.squash_into(image, directory)).map(drop),
        };
        if unpacked.is_err() && is_new {
            // Half a root filesystem is of no use to anybody.
            crate::ledger::remove_directory(k, directory).ok();
        }
        unpacked
    }

    fn squash_into(&self, image: &Image, directory: &Path) -> Result<()> {
        let (reader, writer) = io::pipe().or_fail(|| "cannot make a pipe".to_owned())?;
        let options = Options::default();
        thread::scope(|scope| {
            let squashing = scope.spawn(|| self.export(image, io::BufWriter::with_capacity(1 << 16, writer)).map(drop));
            let unpacked = unpack::unpack(reader, directory, &options, &mut |_| ());
            let squashed = squashing.join().unwrap_or_else(|_| Err(Error::new("cannot read the layers")));
            // Whoever gives up first breaks the other's pipe.
            match (unpacked, squashed) {
                (Ok(_), Err(error)) => Err(error),
                (Err(_), Err(error)) if error.errno() != Some(EPIPE) => Err(error),
                (unpacked, _) => unpacked.map(drop),
            }
        })
    }
}
