//! The list of all names, and what stands behind each.
//!
//! An entry of index.json is a manifest, or the index of several platforms, with annotations: its
//! name, and what its registry calls it. It does *not* lock: see `Store::index_lock`.
//! See the OCI image specification, image-index.md and annotations.md.

use std::path::Path;

use oci_spec::image::{Descriptor, Digest, ImageIndex, ImageManifest, MediaType};

use super::layout::{Layout, REFERENCE, REPOSITORY_DIGEST, annotation, without_needless};
use super::manifest::DOCKER_LIST;
use crate::error::Result;

/// A line of the index.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name; empty if another image has it now.
    pub name: String,
    pub manifest: Descriptor,
    /// See [`super::Image::repository_digest`].
    pub repository_digest: Option<String>,
}

impl Entry {
    fn new(descriptor: &Descriptor) -> Self {
        Self {
            name: annotation(descriptor, REFERENCE).unwrap_or_default().to_owned(),
            manifest: descriptor.clone(),
            repository_digest: annotation(descriptor, REPOSITORY_DIGEST).map(str::to_owned),
        }
    }

    /// An index of several platforms is none.
    pub fn is_image(&self) -> bool {
        !is_index(&self.manifest)
    }

    fn descriptor(self) -> Descriptor {
        let mut descriptor = self.manifest;
        let mut annotations = descriptor.annotations().clone().unwrap_or_default();
        let name = (!self.name.is_empty()).then_some(self.name);
        for (key, value) in [(REFERENCE, name), (REPOSITORY_DIGEST, self.repository_digest)] {
            match value {
                Some(value) => annotations.insert(key.to_owned(), value),
                None => annotations.remove(key),
            };
        }
        descriptor.set_annotations(Some(annotations));
        descriptor
    }
}

impl Layout {
    /// The list of all names, as it is needed most.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        Ok(self.read_index()?.manifests().iter().map(Entry::new).collect())
    }

    /// Writes the list of all names. See `Store::index_lock`.
    pub fn write_entries(&self, scratch: &Path, entries: Vec<Entry>) -> Result<()> {
        let mut index = self.read_index()?;
        index.set_manifests(without_needless(entries.into_iter().map(Entry::descriptor).collect()));
        self.write_index(scratch, &index)
    }

    /// The digest of the configuration of an entry.
    pub fn id(&self, entry: &Entry) -> Result<Digest> {
        let manifest: ImageManifest = self.read(&entry.manifest)?;
        Ok(manifest.config().digest().clone())
    }

    /// A document as it is stored.
    pub fn document(&self, digest: &Digest) -> Result<serde_json::Value> {
        self.read(&Descriptor::new(MediaType::ImageConfig, 0, digest.clone()))
    }

    /// Visits a manifest or index and all that it refers to, as far as it is here.
    pub fn walk(&self, descriptor: &Descriptor, visit: &mut dyn FnMut(&Digest)) -> Result<()> {
        visit(descriptor.digest());
        if is_index(descriptor) {
            let index: ImageIndex = self.read(descriptor)?;
            let here = |manifest: &&Descriptor| self.blob(manifest.digest()).exists();
            return index.manifests().iter().filter(here).try_for_each(|manifest| self.walk_manifest(manifest, visit));
        }
        self.walk_manifest(descriptor, visit)
    }

    fn walk_manifest(&self, descriptor: &Descriptor, visit: &mut dyn FnMut(&Digest)) -> Result<()> {
        let manifest: ImageManifest = self.read(descriptor)?;
        visit(descriptor.digest());
        visit(manifest.config().digest());
        manifest.layers().iter().for_each(|layer| visit(layer.digest()));
        Ok(())
    }

    /// Puts a manifest into the index without a name.
    pub fn add_unnamed(&self, scratch: &Path, manifest: Descriptor) -> Result<()> {
        let mut index = self.read_index()?;
        let mut entries = index.manifests().clone();
        entries.push(manifest);
        index.set_manifests(without_needless(entries));
        self.write_index(scratch, &index)
    }
}

/// An index lists a manifest for each platform.
pub(super) fn is_index(descriptor: &Descriptor) -> bool {
    *descriptor.media_type() == MediaType::ImageIndex || descriptor.media_type().as_ref() == DOCKER_LIST
}
