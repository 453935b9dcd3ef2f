//! The store: images and their unpacked layers in one directory.
//!
//! ```text
//! ROOT/oci/             the images, as an OCI image layout (layout.rs)
//! ROOT/layers/CHAIN/    each layer unpacked, once; containers share it
//! ROOT/host.json        of which files the host image was made (host.rs)
//! ROOT/lock             held by whoever adds something
//! ROOT/tmp/             work in progress
//! ```
//!
//! Everything is made in tmp/ and moved to its place by rename(2) when it is whole and on
//! the disk. So a boxlab that is killed, or a machine that loses power, leaves at most a
//! directory in tmp/, and [`Store::remove_leftovers`] takes it away. Whoever only reads needs no lock.
//! It does *not* know how an image is made or fetched.
//! See rename(2), flock(2).

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use oci_spec::image::{Descriptor, Digest};
use tempfile::TempDir;

use super::durable::{sync_directory, sync_tree};
use super::layout::{Layout, Named};
use super::{Image, digest, unpack};
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
        let found = self.layout.find(name).map_err(|error| self.explain(error))?;
        Ok(found.map(|named| self.image(name, &named)))
    }

    /// Unpacks those layers of an image that are not unpacked yet.
    pub fn unpack(&self, image: &Image, report: &mut dyn FnMut(Progress)) -> Result<()> {
        if image.is_unpacked() {
            return Ok(());
        }
        let _lock = self.lock()?;
        let scratch = self.scratch()?;
        let Some(named) = self.layout.find(&image.name)? else {
            return Ok(());
        };
        let layers = named.layers.iter().zip(&image.layers);
        for ((layer, diff_id), place) in layers.filter(|(_, place)| !place.is_dir()) {
            let blob = self.layout.blob(layer.digest());
            let unpacked = self.unpack_blob(&blob, layer, diff_id, &scratch, report)?;
            scratch.sync(report)?;
            self.adopt_layer(&unpacked, place)?;
        }
        Ok(())
    }

    /// Unpacks one layer into the work directory. Only plain tar yet: nothing stores others.
    pub(super) fn unpack_blob(
        &self,
        blob: &Path,
        layer: &Descriptor,
        diff_id: &Digest,
        scratch: &Scratch,
        report: &mut dyn FnMut(Progress),
    ) -> Result<PathBuf> {
        let unpacked = scratch.path().join("layer");
        let total = layer.size();
        fs::create_dir(&unpacked).or_fail(|| format!("cannot make {}", unpacked.display()))?;
        let file = File::open(blob).or_fail(|| format!("cannot read {}", blob.display()))?;
        unpack::unpack(file, diff_id, &unpacked, &mut |bytes| {
            report(Progress::Unpacked { bytes, total });
        })
        .map_err(|error| self.explain(error))?;
        Ok(unpacked)
    }

    /// Moves an unpacked layer to its place. One that is there stays: containers may use it.
    pub(super) fn adopt_layer(&self, unpacked: &Path, place: &Path) -> Result<()> {
        if place.is_dir() {
            return Ok(());
        }
        let layers = self.root.join("layers");
        let doing = || format!("cannot store {}", place.display());
        paths::make_private(&layers)?;
        fs::rename(unpacked, place).or_fail(doing)?;
        sync_directory(&layers)
    }

    /// Where a stack of layers, named by its chain ID, is unpacked.
    pub(super) fn layer(&self, chain: &Digest) -> PathBuf {
        self.root.join("layers").join(chain.digest())
    }

    fn image(&self, name: &str, named: &Named) -> Image {
        let diff_ids: Vec<Digest> = named.layers.iter().map(|layer| layer.1.clone()).collect();
        let stacks = (1..=diff_ids.len()).filter_map(|height| digest::chain(&diff_ids[..height]));
        Image {
            name: name.to_owned(),
            id: named.id.to_string(),
            manifest_digest: named.manifest_digest.to_string(),
            config: named.config.clone(),
            layers: stacks.map(|chain| self.layer(&chain)).collect(),
            size: named.layers.iter().map(|layer| layer.0.size()).sum(),
        }
    }

    /// Waits until nobody else adds something. The lock ends with the file, or with the process.
    pub(super) fn lock(&self) -> Result<File> {
        let path = self.root.join("lock");
        fs::create_dir_all(&self.root)
            .and_then(|()| File::options().create(true).append(true).open(&path))
            .and_then(|file| file.lock().map(|()| file))
            .or_fail(|| format!("cannot lock {}", path.display()))
            .map_err(|error| self.explain(error))
    }

    /// A work directory of one's own.
    pub(super) fn scratch(&self) -> Result<Scratch> {
        let work = self.root.join("tmp");
        paths::make_private(&work)?;
        Scratch::create(&work)
            .or_fail(|| format!("cannot make a work directory in {}", work.display()))
            .map_err(|error| self.explain(error))
    }

    /// Work directories whose owner has ended without removing them.
    pub fn leftovers(&self) -> Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for (path, lock) in self.abandoned()? {
            // Not only closed: a child that is just being started may hold it open, too.
            lock.unlock().or_fail(|| format!("cannot unlock {}", path.display()))?;
            paths.push(path);
        }
        Ok(paths)
    }

    /// Removes them, and says which.
    pub fn remove_leftovers(&self) -> Result<Vec<PathBuf>> {
        let mut removed = Vec::new();
        // The lock is held until the directory is gone: nobody can take it over meanwhile.
        for (path, _lock) in self.abandoned()? {
            remove(&path).or_fail(|| format!("cannot remove {}", path.display()))?;
            removed.push(path);
        }
        Ok(removed)
    }

    /// Each with its lock: an owner that lives would hold it.
    fn abandoned(&self) -> Result<Vec<(PathBuf, File)>> {
        let work = self.root.join("tmp");
        let doing = || format!("cannot read {}", work.display());
        let entries = match fs::read_dir(&work) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.or_fail(doing)?,
        };
        let mut abandoned = Vec::new();
        for entry in entries {
            let path = entry.or_fail(doing)?.path();
            let Ok(file) = File::open(&path) else {
                continue;
            };
            match file.try_lock() {
                Ok(()) => abandoned.push((path, file)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error).or_fail(doing),
            }
        }
        abandoned.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(abandoned)
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

/// A directory that may have directories closed to its owner in it.
fn remove(path: &Path) -> io::Result<()> {
    match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

/// A work directory, locked by its owner, and removed with it.
pub(super) struct Scratch {
    directory: TempDir,
    _lock: File,
}

impl Scratch {
    fn create(work: &Path) -> io::Result<Self> {
        loop {
            let directory = tempfile::Builder::new().prefix("work-").tempdir_in(work)?;
            let lock = File::open(directory.path())?;
            lock.lock()?;
            // Between making and locking it, a cleanup may have taken it for abandoned.
            if directory.path().exists() {
                return Ok(Self { directory, _lock: lock });
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Puts all that was written on the disk.
    pub(super) fn sync(&self, report: &mut dyn FnMut(Progress)) -> Result<()> {
        report(Progress::Saving);
        sync_tree(self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::Store;
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
        let error = store.lock().unwrap_err();
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
        assert_eq!(store.remove_leftovers().unwrap(), expected);
        assert!(!dead.exists() && alive.path().exists());
        let path = alive.path().to_owned();
        drop(alive);
        assert!(!path.exists());
    }
}
