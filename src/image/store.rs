//! The store: images and their unpacked layers in one directory.
//!
//! ```text
//! ROOT/oci/                  the images, as an OCI image layout (layout.rs)
//! ROOT/layers/CHAIN/         each layer unpacked, once; containers share it
//! ROOT/fresh/BOOT/CHAIN/     the same, unpacked since the machine was started
//! ROOT/host.json             of which files the host image was made (host.rs)
//! ROOT/lock, claims, ...     who may do what at the same time (locks.rs)
//! ROOT/tmp/                  work in progress (scratch.rs)
//! ```
//!
//! Everything is made in tmp/ and moved to its place by rename(2) when it is whole. Blobs and
//! documents are put on the disk before; for the thousands of files of a layer that would take longer
//! than fetching it. So an unpacked layer lies in a directory that is named by the machine's
//! boot ID: after a power cut nobody looks there any more, and the layer is unpacked anew,
//! from its blob. A boxlab that is killed leaves at most a directory in tmp/, and
//! [`Store::remove_leftovers`] takes it away.
//! It does *not* know how an image is made or fetched.
//! See rename(2), flock(2), random(4) for the boot ID.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use oci_spec::image::{Descriptor, Digest};

use super::decompress::decompress;
use super::durable::sync_directory;
use super::layout::{Layout, Named};
use super::locks::{self, Held};
use super::manifest::compression;
use super::scratch::{self, Scratch};
use super::unpack::{Options, Unpacked, unpack_verified};
use super::{Image, Layer, Reference, digest, host, implied};
use crate::error::{Error, IoContext, Result};
use crate::kernel::errno::{EACCES, EDQUOT, ENOSPC, ENOTDIR, EPERM, EROFS};
use crate::paths;

/// What is being done, for a progress bar: cheap to make and to ignore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many files were found to be needed.
    Found {
        /// So far.
        files: usize,
    },
    /// So many bytes of the layer are written; `total` is an estimate from below.
    Packed {
        /// So far.
        bytes: u64,
        /// In the end.
        total: u64,
    },
    /// So many bytes of the layer are unpacked.
    Unpacked {
        /// So far.
        bytes: u64,
        /// In the end.
        total: u64,
    },
    /// The kernel puts it all on the disk.
    Saving,
}

/// A directory with images.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    pub(super) layout: Layout,
}

impl Store {
    /// The store at `root`. The directory is made when something is first put in it.
    pub fn open(root: &Path) -> Result<Self> {
        let root = std::path::absolute(root).or_fail(|| "cannot find the store".into())?;
        if root.exists() && !root.is_dir() {
            return Err(Error::usage(format!("cannot use {} as the store", root.display()))
                .hint("It is not a directory. Name one with --root DIR or BOXLAB_ROOT."));
        }
        let layout = Layout::new(root.join("oci"));
        Ok(Self { root, layout })
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The image of that name; `None`: there is none. Its layers need not be
    /// unpacked yet, see [`Store::unpack`].
    pub fn find(&self, name: &str) -> Result<Option<Image>> {
        let name = match name {
            host::NAME => name.to_owned(),
            _ => Reference::parse(name)?.stored_name(),
        };
        let found = self.layout.find(&name).map_err(|error| self.explain(error))?;
        Ok(found.map(|named| self.image(&named)))
    }

    /// Unpacks those layers of an image that are not unpacked (any more).
    pub fn unpack(&self, image: &Image, options: &Options, report: &mut dyn FnMut(Progress)) -> Result<()> {
        let mut below: Vec<PathBuf> = Vec::new();
        for layer in &image.stack {
            let mut place = layer.place.clone();
            if !place.is_dir() {
                place = self.lasting(&layer.chain);
                let _claim = self.claim(layer.descriptor.digest(), &mut || ())?;
                // While this one waited for the claim, another may have unpacked it.
                if !place.is_dir() {
                    let scratch = self.scratch()?;
                    let (directory, unpacked) =
                        self.unpack_blob(&layer.descriptor, &layer.diff_id, &scratch, options, report)?;
                    implied::inherit(&directory, &unpacked.implied, &below)?;
                    scratch.sync(report)?;
                    self.adopt_layer(&directory, &place)?;
                }
            }
            below.insert(0, place);
        }
        Ok(())
    }

    /// Unpacks one stored layer into the work directory.
    fn unpack_blob(
        &self,
        layer: &Descriptor,
        diff_id: &Digest,
        scratch: &Scratch,
        options: &Options,
        report: &mut dyn FnMut(Progress),
    ) -> Result<(PathBuf, Unpacked)> {
        let blob = self.blob(layer);
        let file = File::open(&blob).or_fail(|| format!("cannot read {}", blob.display()))?;
        let plain = decompress(compression(layer.media_type())?, file)?;
        self.unpack_into(plain, layer.size(), diff_id, scratch, options, report)
    }

    /// Unpacks a plain archive into the work directory.
    pub(super) fn unpack_into(
        &self,
        plain: impl Read,
        total: u64,
        diff_id: &Digest,
        scratch: &Scratch,
        options: &Options,
        report: &mut dyn FnMut(Progress),
    ) -> Result<(PathBuf, Unpacked)> {
        let directory = scratch.path().join("layer");
        fs::create_dir(&directory).or_fail(|| format!("cannot make {}", directory.display()))?;
        let mut progress = |bytes| report(Progress::Unpacked { bytes, total });
        let unpacked = unpack_verified(plain, diff_id, &directory, options, &mut progress);
        unpacked.map(|unpacked| (directory, unpacked)).map_err(|error| self.explain(error))
    }

    /// Where a blob is, or would be.
    pub(super) fn blob(&self, descriptor: &Descriptor) -> PathBuf {
        self.layout.blob(descriptor.digest())
    }

    /// Moves a verified blob to its place.
    pub(super) fn adopt_blob(&self, file: &Path, digest: &Digest) -> Result<()> {
        self.layout.adopt(file, digest)
    }

    /// True if all of it is here: each layer as it was sent, and unpacked.
    pub(super) fn is_whole(&self, image: &Image) -> bool {
        image.is_unpacked() && image.stack.iter().all(|layer| self.blob(&layer.descriptor).is_file())
    }

    /// Moves an unpacked layer to its place. One that is there stays: containers may use it.
    pub(super) fn adopt_layer(&self, unpacked: &Path, place: &Path) -> Result<()> {
        if place.is_dir() {
            return Ok(());
        }
        let layers = place.parent().unwrap_or(&self.root);
        let doing = || format!("cannot store {}", place.display());
        paths::make_private(layers)?;
        match fs::rename(unpacked, place) {
            // Somebody else was faster.
            Err(_) if place.is_dir() => return Ok(()),
            moved => moved.or_fail(doing)?,
        }
        sync_directory(layers)
    }

    /// Where the stack of layers of that chain ID is unpacked, or would be.
    pub(super) fn layer(&self, chain: &Digest) -> PathBuf {
        let lasting = self.lasting(chain);
        if lasting.is_dir() { lasting } else { self.fresh(chain) }
    }

    /// Where it outlasts a power cut: all of it must be on the disk before it is moved here.
    pub(super) fn lasting(&self, chain: &Digest) -> PathBuf {
        self.root.join("layers").join(chain.digest())
    }

    /// Where it is trusted until the machine starts anew.
    pub(super) fn fresh(&self, chain: &Digest) -> PathBuf {
        self.fresh_layers().join(chain.digest())
    }

    /// Where the layers are that were unpacked since the machine was started.
    pub(super) fn fresh_layers(&self) -> PathBuf {
        self.root.join("fresh").join(boot_id())
    }

    pub(super) fn image(&self, named: &Named) -> Image {
        let mut below: Option<Digest> = None;
        let stack = named.layers.iter().map(|(descriptor, diff_id)| {
            let chain = digest::on_top(below.as_ref(), diff_id);
            below = Some(chain.clone());
            let place = self.layer(&chain);
            Layer { descriptor: descriptor.clone(), diff_id: diff_id.clone(), chain, place }
        });
        Image {
            name: named.name.clone(),
            id: named.id.to_string(),
            manifest_digest: named.manifest.digest().to_string(),
            repository_digest: named.repository_digest.clone(),
            config: named.config.clone(),
            stack: stack.collect(),
        }
    }

    /// Nothing is removed from the store while this is held.
    pub fn share(&self) -> Result<Held> {
        self.lock("lock", locks::Mode::Shared)
    }

    /// Waits until nobody adds or starts to use anything, and keeps it so.
    pub fn exclude(&self) -> Result<Held> {
        self.lock("lock", locks::Mode::Alone)
    }

    /// For the moment in which the index is read, changed and written.
    pub(super) fn index_lock(&self) -> Result<Held> {
        self.lock("index.lock", locks::Mode::Alone)
    }

    fn lock(&self, name: &str, mode: locks::Mode) -> Result<Held> {
        locks::lock(&self.root.join(name), mode, &mut || ()).map_err(|error| self.explain(error))
    }

    /// The right to make what that digest names. `waiting` is told if it is being made.
    pub(super) fn claim(&self, digest: &Digest, waiting: &mut dyn FnMut()) -> Result<Held> {
        locks::claim(&self.root.join("claims"), digest, waiting).map_err(|error| self.explain(error))
    }

    /// A work directory of one's own.
    pub(super) fn scratch(&self) -> Result<Scratch> {
        Scratch::create(&self.work()).map_err(|error| self.explain(error))
    }

    fn work(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Gives a manifest a name. Another one may have had it until now, and then has none.
    pub(super) fn tag(
        &self,
        scratch: &Scratch,
        manifest: Descriptor,
        name: &str,
        repository_digest: Option<&str>,
    ) -> Result<()> {
        let _lock = self.index_lock()?;
        self.layout.name(scratch.path(), manifest, name, repository_digest).map_err(|error| self.explain(error))
    }

    /// Work directories whose owner has ended without removing them.
    pub fn leftovers(&self) -> Result<Vec<PathBuf>> {
        scratch::leftovers(&self.work())
    }

    /// Removes them, by way of `remove`: the files in them may have any owner.
    pub fn remove_leftovers(&self, remove: &dyn Fn(&Path) -> Result<()>) -> Result<()> {
        scratch::remove_leftovers(&self.work(), remove)
    }

    /// Adds what to do to the errors that any store can meet.
    pub(super) fn explain(&self, error: Error) -> Error {
        let root = self.root.display();
        let hint = match error.errno() {
            Some(EACCES | EPERM) => format!(
                "You may not write in {root}. Use sudo, or a store of your \
                 own: --root DIR or BOXLAB_ROOT."
            ),
            Some(ENOSPC | EDQUOT) => format!(
                "No space is left at {root}. Free some, or put the store elsewhere: \
                 --root DIR or BOXLAB_ROOT."
            ),
            Some(EROFS) => format!(
                "{root} is on a read-only filesystem. Put the store elsewhere: --root DIR \
                 or BOXLAB_ROOT."
            ),
            Some(ENOTDIR) => format!("A part of the path {root} is a file, not a directory."),
            _ => return error,
        };
        error.hint(hint)
    }
}

/// Names the time since the machine was started. random(4)
fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::Store;
    use crate::error::IoContext;
    use std::fs;

    #[test]
    fn an_empty_store_has_nothing_and_makes_nothing() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("store");
        let store = Store::open(&root).unwrap();
        assert!(store.find("host").unwrap().is_none());
        assert!(store.leftovers().unwrap().is_empty());
        assert!(!root.exists());
    }

    #[test]
    fn a_file_is_no_store() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Store::open(file.path()).is_err());
        let store = Store::open(&file.path().join("below")).unwrap();
        let error = store.share().unwrap_err();
        assert!(error.failure().hint.as_ref().unwrap().contains("not a directory"));
    }

    #[test]
    fn only_abandoned_work_is_a_leftover() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(place.path()).unwrap();
        let alive = store.scratch().unwrap();
        let dead = place.path().join("tmp/work-dead");
        fs::create_dir_all(dead.join("layer")).unwrap();
        let expected = vec![dead.clone()];
        assert_eq!(store.leftovers().unwrap(), expected);
        store.remove_leftovers(&|path| std::fs::remove_dir_all(path).or_fail(String::new)).unwrap();
        assert!(!dead.exists() && alive.path().exists());
        let path = alive.path().to_owned();
        drop(alive);
        assert!(!path.exists());
    }
}
