//! Images out of an archive or a directory. Everything is checked before it is stored: each blob
//! against its digest, each layer against its diff ID.
//!
//! What it understands: an OCI layout, and what `docker save` has written over the years; from version 25
//! on that is both at once, and then the layout counts, as its digests say more.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use oci_spec::image::{Descriptor, Digest, ImageConfiguration, ImageIndex, ImageManifest, MediaType};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::source::{self, Source};
use crate::error::{Error, IoContext, Result};
use crate::image::decompress::decompress_any;
use crate::image::digest::{self, Hashing};
use crate::image::index::is_index;
use crate::image::manifest::{Compression, check_image};
use crate::image::plain::Plain;
use crate::image::queries::familiar;
use crate::image::scratch::Scratch;
use crate::image::{Platform, Reference, Store, describe, platform, reference};

/// An image that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// By its name.
    Name(String),
    /// By its ID, as it has no name.
    Id(String),
}

/// A line of manifest.json.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

impl Store {
    /// Loads all images of an archive.
    pub fn load(&self, input: impl Read + Send) -> Result<Vec<Loaded>> {
        let _shared = self.share()?;
        let scratch = self.scratch()?;
        let source = Source::archive(input, scratch.path()).map_err(|error| self.explain(error))?;
        self.load_from(&source, &scratch)
    }

    /// Loads all images of an OCI layout.
    pub fn load_directory(&self, directory: &Path) -> Result<Vec<Loaded>> {
        let _shared = self.share()?;
        self.load_from(&Source::Directory(directory.to_owned()), &self.scratch()?)
    }

    fn load_from(&self, source: &Source, scratch: &Scratch) -> Result<Vec<Loaded>> {
        self.layout.create(scratch.path())?;
        let loader = Loader { store: self, source, scratch };
        let loaded = if source.file("oci-layout")?.is_some() {
            loader.layout()
        } else if source.file("manifest.json")?.is_some() {
            loader.docker()
        } else {
            Err(Error::new("cannot load it: it holds no image").hint(
                "An archive made by `docker save`, `podman save` or `boxlab save` can be loaded, and\nan OCI layout. A root filesystem becomes an image by `boxlab import`.",
            ))
        };
        loaded.map_err(|error| self.explain(error))
    }
}

struct Loader<'a> {
    store: &'a Store,
    source: &'a Source,
    scratch: &'a Scratch,
}

impl Loader<'_> {
    /// An OCI layout: what each line of its index stands for.
    fn layout(&self) -> Result<Vec<Loaded>> {
        let index: ImageIndex = self.parse("index.json", &self.needed("index.json")?)?;
        let mut loaded = Vec::new();
        for entry in index.manifests() {
            let annotations = entry.annotations().clone().unwrap_or_default();
            let names = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
            let name = names.iter().find_map(|name| annotations.get(*name));
            loaded.push(self.layout_image(entry, name.map(String::as_str))?);
        }
        if loaded.is_empty() {
            return Err(Error::new("cannot load it: its index lists no image"));
        }
        Ok(loaded)
    }

    fn layout_image(&self, entry: &Descriptor, name: Option<&str>) -> Result<Loaded> {
        let descriptor = self.of_this_machine(entry)?;
        let bytes = self.blob_document(&descriptor)?;
        let manifest: ImageManifest = self.parse("a manifest", &bytes)?;
        check_image(&manifest)?;
        let config_bytes = self.blob_document(manifest.config())?;
        let config: ImageConfiguration = self.parse("a configuration", &config_bytes)?;
        let diff_ids = diff_ids(&config, manifest.layers().len())?;
        for (layer, diff_id) in manifest.layers().iter().zip(&diff_ids) {
            let name = blob_name(layer.digest())?;
            let stored = self.layer(&name, diff_id, Some(layer.digest()))?;
            if stored.size() != layer.size() {
                return Err(Error::new(format!(
                    "cannot load {name}: it has {} bytes, not {}",
                    stored.size(),
                    layer.size()
                )));
            }
        }
        self.keep(&config_bytes)?;
        self.keep(&bytes)?;
        let mut descriptor =
            Descriptor::new(descriptor.media_type().clone(), bytes.len() as u64, descriptor.digest().clone());
        descriptor.set_annotations(None);
        self.enter(descriptor, name, manifest.config().digest())
    }

    /// Of an index of several platforms the image for this machine; only some may be here.
    fn of_this_machine(&self, entry: &Descriptor) -> Result<Descriptor> {
        if !is_index(entry) {
            return Ok(entry.clone());
        }
        let mut index: ImageIndex = self.parse("an index", &self.blob_document(entry)?)?;
        let here = index.manifests().iter().filter(|manifest| self.has(manifest.digest())).cloned().collect();
        index.set_manifests(here);
        platform::choose(&index, &Platform::this()).cloned()
    }

    fn has(&self, digest: &Digest) -> bool {
        blob_name(digest).and_then(|name| self.source.file(&name)).is_ok_and(|found| found.is_some())
    }

    /// manifest.json: what `docker save` writes.
    fn docker(&self) -> Result<Vec<Loaded>> {
        let images: Vec<DockerImage> = self.parse("manifest.json", &self.needed("manifest.json")?)?;
        let mut loaded = Vec::new();
        for image in images {
            let config_bytes = self.needed(&image.config)?;
            let config: ImageConfiguration = self.parse(&image.config, &config_bytes)?;
            let mut layers = Vec::new();
            for (name, diff_id) in image.layers.iter().zip(diff_ids(&config, image.layers.len())?) {
                layers.push(self.layer(name, &diff_id, None)?);
            }
            let config = Descriptor::new(MediaType::ImageConfig, config_bytes.len() as u64, self.keep(&config_bytes)?);
            let id = config.digest().clone();
            let manifest = describe::manifest(config, layers)?;
            let manifest = self.store.layout.write(self.scratch.path(), MediaType::ImageManifest, &manifest)?;
            let names = image.repo_tags.unwrap_or_default();
            for name in &names {
                loaded.push(self.enter(manifest.clone(), Some(name), &id)?);
            }
            if names.is_empty() {
                loaded.push(self.enter(manifest, None, &id)?);
            }
        }
        Ok(loaded)
    }

    /// A name that can't be one is left out: the image is then known by its ID.
    fn enter(&self, manifest: Descriptor, name: Option<&str>, id: &Digest) -> Result<Loaded> {
        let name = name.and_then(|name| Reference::parse(name).ok()).filter(|name| name.digest.is_none());
        let name = name.map(|name| name.to_string());
        self.store.enter(self.scratch, manifest, name.as_deref())?;
        Ok(match name.as_deref().and_then(familiar) {
            Some(name) => Loaded::Name(name),
            None => Loaded::Id(id.to_string()),
        })
    }

    /// Checks a layer and stores it as it is.
    fn layer(&self, name: &str, diff_id: &Digest, expected: Option<&Digest>) -> Result<Descriptor> {
        let path = self.source.file(name)?.ok_or_else(|| missing(name))?;
        let doing = || format!("cannot load {name}");
        let kept = self.scratch.path().join("layer");
        let kind = layer_kind(&path)?;
        let mut hashing = Hashing::new(source::open(&path).or_fail(doing)?);
        let mut file = File::create(&kept).or_fail(|| format!("cannot write {}", kept.display()))?;
        io::copy(&mut hashing, &mut file).or_fail(|| format!("cannot write {}", kept.display()))?;
        let (_, digest, size) = hashing.finish();
        if let Some(expected) = expected.filter(|expected| **expected != digest) {
            return Err(Error::new(format!("{}: it should have the digest {expected} and has {digest}", doing())));
        }
        Plain::open(&kept)?.finish(diff_id).map_err(|error| Error::new(doing()).because(&error))?;
        file.sync_all().or_fail(doing)?;
        self.store.adopt_blob(&kept, &digest)?;
        Ok(Descriptor::new(kind, size, digest))
    }

    /// Stores a document as it is.
    fn keep(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = digest::of(bytes);
        self.store.layout.write_bytes(self.scratch.path(), &digest, bytes)?;
        Ok(digest)
    }

    fn needed(&self, name: &str) -> Result<Vec<u8>> {
        self.source.document(name)?.ok_or_else(|| missing(name))
    }

    fn blob_document(&self, descriptor: &Descriptor) -> Result<Vec<u8>> {
        let name = blob_name(descriptor.digest())?;
        let bytes = self.needed(&name)?;
        let found = digest::of(&bytes);
        if found != *descriptor.digest() {
            return Err(Error::new(format!("cannot load {name}: it has the digest {found}")));
        }
        Ok(bytes)
    }

    fn parse<Document: DeserializeOwned>(&self, name: &str, bytes: &[u8]) -> Result<Document> {
        serde_json::from_slice(bytes)
            .map_err(|error| Error::new(format!("cannot understand {name} of the archive: {error}")))
    }
}

fn missing(name: &str) -> Error {
    Error::new(format!("cannot load it: {name} is missing")).hint("The archive is not complete.")
}

/// Where a layout has the blob of that digest.
fn blob_name(digest: &Digest) -> Result<String> {
    let digest = reference::parse_digest(digest.as_ref()).map_err(Error::new)?;
    Ok(format!("blobs/sha256/{}", digest.digest()))
}

fn diff_ids(config: &ImageConfiguration, layers: usize) -> Result<Vec<Digest>> {
    let listed = config.rootfs().diff_ids();
    if listed.len() != layers {
        return Err(Error::new(format!(
            "cannot load it: the configuration lists {} layers, the manifest {layers}",
            listed.len()
        )));
    }
    listed.iter().map(|id| reference::parse_digest(id).map_err(Error::new)).collect()
}

/// The media type by what is in the file.
fn layer_kind(path: &Path) -> Result<MediaType> {
    let file = source::open(path).or_fail(|| format!("cannot read {}", path.display()))?;
    Ok(match decompress_any(file)?.0 {
        Compression::None => MediaType::ImageLayer,
        Compression::Gzip => MediaType::ImageLayerGzip,
        Compression::Zstd => MediaType::ImageLayerZstd,
    })
}
