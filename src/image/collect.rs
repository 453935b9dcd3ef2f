//! Images go, and with them what no other image needs.
//!
//! First the name is taken off the index, then blobs and unpacked layers that
//! nothing refers to any more are removed: whoever is killed in between leaves a store that is whole,
//! with some bytes too many, which `image prune` finds. The store is held alone meanwhile,
//! so nobody adds, or starts to use, what is about to go.
//! It does *not* ask: that is for the command line.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use oci_spec::image::Digest;

use super::index::Entry;
use super::locks::Held;
use super::queries::{by_name, familiar};
use super::scratch::Scratch;
use super::{Found, Image, Reference, Store, host, reference};
use crate::error::{Error, IoContext, Result};
use crate::kernel::Kernel;
use crate::ledger::{remove_directory, users_of};
use crate::paths::Paths;

/// What happened to an image, as Docker says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// A name was taken off.
    Untagged(String),
    /// A document or layer is gone, by its digest.
    Deleted(String),
}

/// What a removal has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In order.
    pub removed: Vec<Removed>,
    /// Bytes that are free again.
    pub reclaimed: u64,
}

/// Everything that the images of the index are made of.
#[derive(Debug, Default)]
struct Reachable {
    blobs: BTreeSet<String>,
    chains: BTreeSet<String>,
}

impl Store {
    /// Gives an image another name.
    pub fn add_name(&self, source: &str, name: &str) -> Result<()> {
        if name == host::NAME {
            return Err(Error::usage(format!("'{name}' can't be given to an image"))
                .hint("It is the image that `boxlab image host` makes."));
        }
        let target = Reference::parse(name)?;
        if target.digest.is_some() {
            return Err(Error::usage(format!("'{name}' can't be given to an image: a digest is no name")));
        }
        let _shared = self.share()?;
        let image = self.resolve(source)?.image;
        let scratch = self.scratch()?;
        let entries = self.entries()?;
        let entry = entries.iter().find(|entry| entry.manifest.digest().to_string() == image.manifest_digest);
        let entry = entry.ok_or_else(|| Error::new(format!("there is no image '{source}' here")))?;
        // The registry that it came from knows it only under the repository that it came from.
        let repository = format!("{}@", target.name());
        let digest = entry.repository_digest.as_deref().filter(|digest| digest.starts_with(&repository));
        self.tag(&scratch, entry.manifest.clone(), &target.to_string(), digest)
    }

    /// Removes an image, or one of its names where it has several.
    pub fn remove(&self, k: &Kernel, paths: &Paths, text: &str, force: bool) -> Result<Outcome> {
        let alone = self.exclude()?;
        let entries = self.entries()?;
        // An image whose documents are damaged can't be opened, yet removed by its name.
        if let Some(entry) = by_name(&entries, text)
            && self.open_entry(entry).is_err()
        {
            let digest = entry.manifest.digest().clone();
            return self.untag(k, &alone, &|other| *other.manifest.digest() == digest);
        }
        let found = self.resolve(text)?;
        let users = users_of(paths, &found.image.id)?;
        if found.by_name && found.names.len() > 1 {
            let name = found.image.name.clone();
            return self.untag(k, &alone, &|entry| entry.name == name);
        }
        if !found.by_name && found.names.len() > 1 && !force {
            return Err(several_names(text, &found));
        }
        match users.first() {
            Some(user) if force && found.by_name => {
                // What runs keeps its files; the image stays without a name.
                let name = found.image.name.clone();
                self.take_name(&name)?;
                let note = format!("{} (container {} still uses the image)", familiar(&name).unwrap_or_default(), user);
                Ok(Outcome { removed: vec![Removed::Untagged(note)], reclaimed: 0 })
            }
            Some(user) => Err(in_use(text, &found.image, user)),
            None => {
                let manifests = self.manifests_of(&entries, &found.image);
                self.untag(k, &alone, &|entry| manifests.contains(&entry.manifest.digest().to_string()))
            }
        }
    }

    /// Removes the images that `unwanted` picks, and then everything that belongs to none: blobs,
    /// unpacked layers, and what killed commands left behind. What containers use stays.
    pub fn prune(&self, k: &Kernel, paths: &Paths, unwanted: &dyn Fn(&Image) -> bool) -> Result<Outcome> {
        let alone = self.exclude()?;
        let mut going = BTreeSet::new();
        for image in self.images()? {
            if unwanted(&image) && users_of(paths, &image.id)?.is_empty() {
                going.insert((image.name, image.manifest_digest));
            }
        }
        let goes = |entry: &Entry| going.contains(&(entry.name.clone(), entry.manifest.digest().to_string()));
        let mut outcome = self.untag(k, &alone, &goes)?;
        self.sweep(k, &alone, None, &mut outcome)?;
        outcome.reclaimed += self.sweep_work(k)?;
        Ok(outcome)
    }

    /// Takes entries off the index, and removes what only they needed.
    fn untag(&self, k: &Kernel, alone: &Held, goes: &dyn Fn(&Entry) -> bool) -> Result<Outcome> {
        let entries = self.entries()?;
        let (going, staying): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| goes(entry));
        let mut outcome = Outcome::default();
        for entry in &going {
            let names = [Some(entry.name.as_str()), entry.repository_digest.as_deref()];
            let names = names.into_iter().flatten().flat_map(familiar);
            outcome.removed.extend(names.map(Removed::Untagged));
        }
        if going.is_empty() {
            return Ok(outcome);
        }
        let mut needed_until_now = Reachable::default();
        for entry in &going {
            // What can't be read now was not needed; `image prune` takes it.
            self.reach(entry, &mut needed_until_now).ok();
        }
        self.write_entries(staying)?;
        self.sweep(k, alone, Some(&needed_until_now), &mut outcome)?;
        Ok(outcome)
    }

    fn write_entries(&self, entries: Vec<Entry>) -> Result<()> {
        let scratch = self.scratch()?;
        let _index = self.index_lock()?;
        self.layout.write_entries(scratch.path(), entries).map_err(|error| self.explain(error))
    }

    fn take_name(&self, name: &str) -> Result<()> {
        let mut entries = self.entries()?;
        for entry in entries.iter_mut().filter(|entry| entry.name == name) {
            entry.name.clear();
        }
        self.write_entries(entries)
    }

    fn manifests_of(&self, entries: &[Entry], image: &Image) -> BTreeSet<String> {
        let same = |entry: &&Entry| self.layout.id(entry).is_ok_and(|id| id.to_string() == image.id);
        let mut manifests: BTreeSet<String> =
            entries.iter().filter(same).map(|entry| entry.manifest.digest().to_string()).collect();
        manifests.insert(image.manifest_digest.clone());
        manifests
    }

    /// Removes what nothing refers to: of `candidates`, or of everything.
    fn sweep(&self, k: &Kernel, _alone: &Held, candidates: Option<&Reachable>, outcome: &mut Outcome) -> Result<()> {
        let mut needed = Reachable::default();
        for entry in self.entries()? {
            match self.reach(&entry, &mut needed) {
                Ok(()) => {}
                // It can't be told what a damaged image needs.
                Err(_) if candidates.is_some() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let scratch = self.scratch()?;
        for directory in self.layer_directories()? {
            let wanted = |name: &str| needed.chains.contains(name) && self.is_current(&directory);
            for name in names(&directory)? {
                if !wanted(&name) && candidates.is_none_or(|candidates| candidates.chains.contains(&name)) {
                    outcome.reclaimed += self.discard(k, &directory.join(&name), &scratch)?;
                }
            }
        }
        for name in names(&self.layout.blobs())? {
            if needed.blobs.contains(&name) || candidates.is_some_and(|candidates| !candidates.blobs.contains(&name)) {
                continue;
            }
            let path = self.layout.blobs().join(&name);
            outcome.reclaimed += fs::symlink_metadata(&path).map_or(0, |found| found.len());
            fs::remove_file(&path)
                .or_fail(|| format!("cannot remove {}", path.display()))
                .map_err(|error| self.explain(error))?;
            outcome.removed.push(Removed::Deleted(format!("sha256:{name}")));
        }
        Ok(())
    }

    /// What killed commands left in the work directory; its size.
    fn sweep_work(&self, k: &Kernel) -> Result<u64> {
        let sizes: u64 = self.leftovers()?.iter().map(|path| disk_usage(path)).sum();
        self.remove_leftovers(&|path| remove_directory(k, path))?;
        Ok(sizes)
    }

    /// All blobs and unpacked layers that an entry of the index stands for.
    fn reach(&self, entry: &Entry, needed: &mut Reachable) -> Result<()> {
        self.layout.walk(&entry.manifest, &mut |digest| {
            needed.blobs.insert(digest.digest().to_owned());
        })?;
        if let Some(index) = entry.repository_digest.as_deref().and_then(|name| name.rsplit_once('@')) {
            let index: Digest = reference::parse_digest(index.1).map_err(Error::new)?;
            needed.blobs.insert(index.digest().to_owned());
        }
        if entry.is_image() {
            let stack = self.open_entry(entry)?.stack;
            needed.chains.extend(stack.iter().map(|layer| layer.chain.digest().to_owned()));
        }
        Ok(())
    }

    /// Directories whose names are chain IDs.
    fn layer_directories(&self) -> Result<Vec<PathBuf>> {
        let fresh = self.root().join("fresh");
        let mut directories: Vec<PathBuf> = names(&fresh)?.iter().map(|boot| fresh.join(boot)).collect();
        directories.push(self.root().join("layers"));
        Ok(directories)
    }

    /// False for layers that were unpacked before the machine was last started.
    fn is_current(&self, directory: &Path) -> bool {
        let fresh = self.root().join("fresh");
        directory.parent() != Some(&fresh) || *directory == self.fresh_layers()
    }

    /// Moves a layer out of its place before it is removed: half a layer would be taken for a whole one.
    fn discard(&self, k: &Kernel, layer: &Path, scratch: &Scratch) -> Result<u64> {
        let doing = || format!("cannot remove {}", layer.display());
        let size = disk_usage(layer);
        let away = scratch.path().join("discarded");
        fs::rename(layer, &away).or_fail(doing).map_err(|error| self.explain(error))?;
        remove_directory(k, &away)?;
        Ok(size)
    }
}

fn several_names(text: &str, found: &Found) -> Error {
    Error::new(format!("cannot remove the image {text}: it has several names: {}", found.names.join(", ")))
        .hint("Remove one by its name, or all of them with --force.")
}

fn in_use(text: &str, image: &Image, user: &str) -> Error {
    let id = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
    let id = &id[..id.len().min(12)];
    Error::new(format!("cannot remove the image {text}: container {} uses it ({id})", user))
        .hint("End that container first. With --force the image loses its name and stays until then.")
}

/// The entries of a directory; none where it is missing.
fn names(directory: &Path) -> Result<Vec<String>> {
    let doing = || format!("cannot read {}", directory.display());
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.or_fail(doing)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.or_fail(doing)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// The bytes of all files below; what can't be read counts nothing.
fn disk_usage(path: &Path) -> u64 {
    let own = fs::symlink_metadata(path);
    let below = match &own {
        Ok(found) if found.is_dir() => {
            fs::read_dir(path).into_iter().flatten().flatten().map(|entry| disk_usage(&entry.path())).sum()
        }
        _ => 0,
    };
    below + own.map_or(0, |found| if found.is_file() { found.len() } else { 0 })
}
