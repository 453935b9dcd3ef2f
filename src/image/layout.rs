//! How images lie on disk: blobs, and the index that gives them names.
//!
//! What it builds: an OCI image layout, a directory that other tools read too
//! (`skopeo inspect oci:DIR:host`):
//!
//! ```text
//! oci/oci-layout            the version of this format
//! oci/index.json            names, each with the digest of a manifest
//! oci/blobs/sha256/DIGEST   a manifest, a configuration or a layer
//! ```
//!
//! A manifest lists the digests of one configuration and of the layers; so one name
//! pins every byte of an image. It does *not* unpack layers: that is `store.rs`.
//! See the OCI image specification, image-layout.md, manifest.md and config.md.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use oci_spec::image::{Descriptor, Digest, ImageConfiguration, ImageIndex, ImageManifest, MediaType};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::digest;
use super::durable::{sync_directory, write_whole};
use crate::error::{Error, IoContext, Result};
use crate::paths;

/// The annotation that gives a manifest its name (annotations.md).
pub(super) const REFERENCE: &str = "org.opencontainers.image.ref.name";
/// The annotation that keeps what the registry calls an image, `NAME@sha256:...`.
pub(super) const REPOSITORY_DIGEST: &str = "boxlab.repository.digest";
/// What oci-layout says: the version of the layout, not of boxlab.
const VERSION: &str = "{\"imageLayoutVersion\":\"1.0.0\"}";

/// The directory.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

/// What a name stands for.
pub struct Named {
    /// The name; empty if another image has it now.
    pub name: String,
    pub manifest: Descriptor,
    /// See [`super::Image::repository_digest`].
    pub repository_digest: Option<String>,
    /// The digest of the configuration.
    pub id: Digest,
    pub config: ImageConfiguration,
    /// Each layer as it is stored, and its diff ID: the digest of its plain tar archive.
    pub layers: Vec<(Descriptor, Digest)>,
}

impl Layout {
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where the blob of that digest is, or would be.
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        self.blobs().join(digest.digest())
    }

    /// Where all blobs are.
    pub fn blobs(&self) -> PathBuf {
        self.root.join("blobs/sha256")
    }

    fn index(&self) -> PathBuf {
        self.root.join("index.json")
    }

    /// What the image of that name is; `None`: there is none.
    pub fn find(&self, name: &str) -> Result<Option<Named>> {
        let index = self.read_index()?;
        let called = |descriptor: &&Descriptor| is_called(descriptor, name);
        index.manifests().iter().find(called).map(|descriptor| self.named(descriptor)).transpose()
    }

    /// Reads the documents behind an entry of the index.
    pub fn named(&self, descriptor: &Descriptor) -> Result<Named> {
        let manifest: ImageManifest = self.read(descriptor)?;
        let config: ImageConfiguration = self.read(manifest.config())?;
        let diff_ids: Vec<Digest> = config.rootfs().diff_ids().iter().flat_map(|id| id.parse()).collect();
        if diff_ids.len() != manifest.layers().len() {
            let path = self.blob(manifest.config().digest());
            return Err(damaged(&path, "it doesn't list the layers of the manifest"));
        }
        Ok(Named {
            name: annotation(descriptor, REFERENCE).unwrap_or_default().to_owned(),
            manifest: descriptor.clone(),
            repository_digest: annotation(descriptor, REPOSITORY_DIGEST).map(str::to_owned),
            id: manifest.config().digest().clone(),
            config,
            layers: manifest.layers().iter().cloned().zip(diff_ids).collect(),
        })
    }

    /// Makes the empty layout, where it is missing.
    pub fn create(&self, scratch: &Path) -> Result<()> {
        let blobs = self.blobs();
        // Images may hold secrets: they are their owner's.
        paths::make_private(&self.root)?;
        fs::create_dir_all(&blobs).or_fail(|| format!("cannot make {}", blobs.display()))?;
        let version = self.root.join("oci-layout");
        if version.exists() {
            return Ok(());
        }
        write_whole(scratch, &version, VERSION.as_bytes())
    }

    /// Stores a JSON document as a blob.
    pub fn write(&self, scratch: &Path, kind: MediaType, document: &impl Serialize) -> Result<Descriptor> {
        let bytes = json(document)?;
        let digest = digest::of(&bytes);
        write_whole(scratch, &self.blob(&digest), &bytes)?;
        Ok(Descriptor::new(kind, bytes.len() as u64, digest))
    }

    /// Stores a document byte by byte as it was fetched, since its digest was that of these.
    pub fn write_bytes(&self, scratch: &Path, digest: &Digest, bytes: &[u8]) -> Result<()> {
        write_whole(scratch, &self.blob(digest), bytes)
    }

    /// Moves a finished file into the layout, as the blob of that digest.
    pub fn adopt(&self, file: &Path, digest: &Digest) -> Result<()> {
        let blob = self.blob(digest);
        fs::rename(file, &blob).or_fail(|| format!("cannot store {}", blob.display()))?;
        sync_directory(&self.blobs())
    }

    /// Gives a manifest a name. An image that had it until now stays without one, until
    /// `image prune`: containers may use it.
    pub fn name(
        &self,
        scratch: &Path,
        mut manifest: Descriptor,
        name: &str,
        repository_digest: Option<&str>,
    ) -> Result<()> {
        let mut index = self.read_index()?;
        let mut entries = index.manifests().clone();
        for entry in entries.iter_mut().filter(|entry| annotation(entry, REFERENCE) == Some(name)) {
            take_name(entry);
        }
        let mut annotations = HashMap::from([(REFERENCE.to_owned(), name.to_owned())]);
        annotations.extend(repository_digest.map(|digest| (REPOSITORY_DIGEST.to_owned(), digest.to_owned())));
        manifest.set_annotations(Some(annotations));
        entries.push(manifest);
        index.set_manifests(without_needless(entries));
        self.write_index(scratch, &index)
    }

    /// Writes the list of all names: the one file that changes. See `Store::index_lock`.
    pub fn write_index(&self, scratch: &Path, index: &ImageIndex) -> Result<()> {
        write_whole(scratch, &self.index(), &json(index)?)
    }

    /// The list of all names.
    pub fn read_index(&self) -> Result<ImageIndex> {
        let path = self.index();
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(empty_index()),
            other => other.or_fail(|| format!("cannot read {}", path.display()))?,
        };
        parse(&path, &bytes)
    }

    /// Reads a JSON document, and checks that it is the one of that digest.
    pub(super) fn read<Document: DeserializeOwned>(&self, descriptor: &Descriptor) -> Result<Document> {
        let path = self.blob(descriptor.digest());
        let bytes = fs::read(&path).or_fail(|| format!("cannot read {}", path.display()))?;
        if digest::of(&bytes) != *descriptor.digest() {
            return Err(damaged(&path, "its content has another digest"));
        }
        parse(&path, &bytes)
    }
}

pub(super) fn annotation<'a>(descriptor: &'a Descriptor, key: &str) -> Option<&'a str> {
    descriptor.annotations().as_ref()?.get(key).map(String::as_str)
}

/// By its name, by the digest that the registry has for it (of an index, perhaps), or
/// by that of its own manifest.
fn is_called(descriptor: &Descriptor, name: &str) -> bool {
    let known = [annotation(descriptor, REFERENCE), annotation(descriptor, REPOSITORY_DIGEST)];
    let repository = |known: &str| known.split('@').next().map(str::to_owned);
    let own = known[1].and_then(repository).map(|repository| format!("{repository}@{}", descriptor.digest()));
    known.contains(&Some(name)) || own.is_some_and(|own| own == name)
}

fn take_name(entry: &mut Descriptor) {
    let mut annotations = entry.annotations().clone().unwrap_or_default();
    annotations.remove(REFERENCE);
    entry.set_annotations(Some(annotations));
}

/// An image that has a name needs no entry without one; nor two of those.
pub(super) fn without_needless(entries: Vec<Descriptor>) -> Vec<Descriptor> {
    let mut kept: Vec<Descriptor> = Vec::new();
    for entry in &entries {
        let same = |other: &&Descriptor| other.digest() == entry.digest();
        let named = |entry: &Descriptor| annotation(entry, REFERENCE).is_some();
        let needless = entries.iter().filter(same).any(named) || kept.iter().any(|other| same(&other));
        if named(entry) || !needless {
            kept.push(entry.clone());
        }
    }
    kept
}

fn empty_index() -> ImageIndex {
    let mut index = ImageIndex::default();
    index.set_schema_version(oci_spec::image::SCHEMA_VERSION);
    index.set_media_type(Some(MediaType::ImageIndex));
    index
}

fn json(document: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(document).map_err(|error| Error::new(format!("cannot write a document as JSON: {error}")))
}

fn parse<Document: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<Document> {
    serde_json::from_slice(bytes).map_err(|error| damaged(path, &error.to_string()))
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::new(format!("cannot use {}: it is damaged ({why})", path.display()))
        .hint("`boxlab image host` makes the host image anew; pull other images again.")
}

#[cfg(test)]
mod tests {
    use super::Layout;
    use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifest, MediaType};
    use std::path::Path;

    fn image(layout: &Layout, scratch: &Path, author: &str) -> Descriptor {
        let mut config = ImageConfiguration::default();
        config.set_author(Some(author.into()));
        let config = layout.write(scratch, MediaType::ImageConfig, &config).unwrap();
        let manifest = oci_spec::image::ImageManifestBuilder::default()
            .schema_version(2_u32)
            .config(config)
            .layers(Vec::new())
            .build()
            .unwrap();
        let manifest: &ImageManifest = &manifest;
        layout.write(scratch, MediaType::ImageManifest, manifest).unwrap()
    }

    #[test]
    fn a_name_moves_to_the_newer_image() {
        let place = tempfile::tempdir().unwrap();
        let layout = Layout::new(place.path().join("oci"));
        assert!(layout.find("host").unwrap().is_none());
        layout.create(place.path()).unwrap();
        for author in ["first", "second"] {
            let manifest = image(&layout, place.path(), author);
            layout.name(place.path(), manifest, "host", None).unwrap();
        }
        let other = image(&layout, place.path(), "other");
        layout.name(place.path(), other, "other", None).unwrap();
        let author = |name| {
            let found = layout.find(name).unwrap().unwrap();
            found.config.author().clone().unwrap()
        };
        assert_eq!([author("host"), author("other")], ["second", "other"]);
    }

    #[test]
    fn a_damaged_blob_is_noticed() {
        let place = tempfile::tempdir().unwrap();
        let layout = Layout::new(place.path().join("oci"));
        layout.create(place.path()).unwrap();
        let manifest = image(&layout, place.path(), "author");
        layout.name(place.path(), manifest.clone(), "host", None).unwrap();
        std::fs::write(layout.blob(manifest.digest()), "{}").unwrap();
        let error = layout.find("host").err().unwrap();
        assert!(error.to_string().contains("another digest"), "{error}");
    }
}
