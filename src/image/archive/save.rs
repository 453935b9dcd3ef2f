//! Images with their layers in one file, or in a directory.
//!
//! Two formats are in use. An *OCI layout* is what the store itself is: blobs under their digests, and an
//! index of names. A *docker-archive* is older: the layers as plain archives, so that their digests
//! are the diff IDs, and manifest.json, which says which layers and which configuration make an image.
//! It does *not* change a byte of a document: a loaded image has the ID that it had here.
//! See docker-save(1), and the OCI image specification, image-layout.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use oci_spec::image::{Descriptor, Digest, ImageIndex, MediaType, SCHEMA_VERSION};

use super::write::Writer;
use crate::error::{Error, IoContext, Result};
use crate::image::digest::{self, Hashing};
use crate::image::layout::json;
use crate::image::plain::Plain;
use crate::image::queries::familiar;
use crate::image::{Image, Platform, Reference, Store, reference};

/// How to write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As `docker save`.
    DockerArchive,
    /// An OCI layout as a tar archive.
    OciArchive,
    /// An OCI layout as a directory.
    OciDir,
}

/// What is saved together under some names.
struct Chosen {
    /// The image that was asked for, and those of other platforms that came with it.
    images: Vec<Image>,
    names: BTreeSet<String>,
}

/// What takes a file: its name, its size and its content.
type Take<'a> = &'a mut dyn FnMut(&str, u64, &mut dyn Read) -> Result<()>;

impl Store {
    /// Writes images into one archive. With `all_platforms`, each comes with those of other
    /// platforms that came from the same index.
    pub fn save<W: Write>(&self, wanted: &[String], format: Format, all_platforms: bool, output: W) -> Result<W> {
        let _shared = self.share()?;
        let chosen = self.chosen(wanted, all_platforms)?;
        let mut archive = Writer::new(output);
        match format {
            Format::DockerArchive => self.save_docker(&chosen, &mut archive)?,
            Format::OciArchive | Format::OciDir => {
                // Unnamed, they would be root's to other tools, and an ordinary user can't unpack such.
                archive.directory("blobs/")?;
                archive.directory("blobs/sha256/")?;
                self.save_oci(&chosen, all_platforms, &mut |name, size, content| archive.file(name, size, content))?
            }
        }
        archive.finish()
    }

    /// Writes images into a directory, which is made.
    pub fn save_directory(&self, wanted: &[String], all_platforms: bool, directory: &Path) -> Result<()> {
        let _shared = self.share()?;
        let chosen = self.chosen(wanted, all_platforms)?;
        let doing = || format!("cannot write {}", directory.display());
        if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Error::new(format!("{}: something is in it already", doing()))
                .hint("Name a directory that is empty or not there."));
        }
        fs::create_dir_all(directory.join("blobs/sha256")).or_fail(doing)?;
        self.save_oci(&chosen, all_platforms, &mut |name, _, content| {
            let path = directory.join(name);
            let doing = || format!("cannot write {}", path.display());
            let mut file = File::create(&path).or_fail(doing)?;
            io::copy(content, &mut file).and_then(|_| file.sync_all()).or_fail(doing)
        })
    }

    /// Each image once, with the names that were asked for; asked for by its ID it has none.
    fn chosen(&self, wanted: &[String], all_platforms: bool) -> Result<Vec<Chosen>> {
        let mut chosen: Vec<Chosen> = Vec::new();
        for text in wanted {
            let found = self.resolve(text)?;
            let name =
                found.by_name.then(|| found.image.name.clone()).filter(|name| !name.is_empty() && !name.contains('@'));
            let same = |other: &&mut Chosen| other.images[0].manifest_digest == found.image.manifest_digest;
            match chosen.iter_mut().find(same) {
                Some(other) => other.names.extend(name),
                None => {
                    let others = if all_platforms { self.siblings(&found.image)? } else { Vec::new() };
                    let images = [vec![found.image], others].concat();
                    chosen.push(Chosen { images, names: name.into_iter().collect() });
                }
            }
        }
        Ok(chosen)
    }

    /// The images of other platforms that came from the same index.
    fn siblings(&self, image: &Image) -> Result<Vec<Image>> {
        let mut siblings: Vec<Image> = Vec::new();
        for other in self.images()? {
            let came_with = image.repository_digest.is_some() && other.repository_digest == image.repository_digest;
            let known =
                [image].into_iter().chain(&siblings).any(|known| known.manifest_digest == other.manifest_digest);
            if came_with && !known {
                siblings.push(other);
            }
        }
        Ok(siblings)
    }

    fn save_oci(&self, chosen: &[Chosen], all_platforms: bool, take: Take<'_>) -> Result<()> {
        let mut index = Vec::new();
        for chosen in chosen {
            let manifests = chosen.images.iter().map(|image| self.manifest_of(image)).collect::<Result<Vec<_>>>()?;
            let top = match manifests.as_slice() {
                [one] if !all_platforms => one.clone(),
                _ => {
                    let bytes = json(&index_of(manifests))?;
                    let digest = digest::of(&bytes);
                    take(&blob_name(&digest), bytes.len() as u64, &mut bytes.as_slice())?;
                    Descriptor::new(MediaType::ImageIndex, bytes.len() as u64, digest)
                }
            };
            index.extend(named(&top, &chosen.names));
        }
        for (name, bytes) in [("oci-layout", LAYOUT.as_bytes()), ("index.json", &json(&index_of(index))?)] {
            take(name, bytes.len() as u64, &mut { bytes })?;
        }
        let mut written = BTreeSet::new();
        for image in chosen.iter().flat_map(|chosen| &chosen.images) {
            let documents = [&image.manifest_digest, &image.id];
            let documents = documents.map(|digest| reference::parse_digest(digest).map_err(Error::new));
            let layers = image.stack.iter().map(|layer| Ok(layer.descriptor.digest().clone()));
            for digest in documents.into_iter().chain(layers) {
                let digest = digest?;
                if written.insert(digest.to_string()) {
                    self.save_blob(&digest, take)?;
                }
            }
        }
        Ok(())
    }

    /// The descriptor of an image's manifest, with its platform and without a name.
    fn manifest_of(&self, image: &Image) -> Result<Descriptor> {
        let entries = self.entries()?;
        let entry = entries.iter().find(|entry| entry.manifest.digest().to_string() == image.manifest_digest);
        let entry = entry.ok_or_else(|| Error::new(format!("the image {} has just been removed", image.id)))?;
        let mut manifest = entry.manifest.clone();
        manifest.set_annotations(None);
        manifest.set_platform(Some(Platform::of_image(&image.config).described()));
        Ok(manifest)
    }

    /// A blob as it is stored, checked on the way.
    fn save_blob(&self, digest: &Digest, take: Take<'_>) -> Result<()> {
        let (file, size) = self.open_blob(digest)?;
        let mut hashing = Hashing::new(file);
        take(&blob_name(digest), size, &mut hashing)?;
        let (_, found, _) = hashing.finish();
        if found == *digest {
            return Ok(());
        }
        Err(Error::new(format!("cannot save {digest}: it is damaged, its content has the digest {found}"))
            .hint("Remove the image and get it again."))
    }

    fn save_docker<W: Write>(&self, chosen: &[Chosen], archive: &mut Writer<W>) -> Result<()> {
        let mut manifest = Vec::new();
        let mut repositories: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut written = BTreeSet::new();
        for Chosen { images, names } in chosen {
            // One name, one image: this format knows of no platforms.
            let image = &images[0];
            let id = reference::parse_digest(&image.id).map_err(Error::new)?;
            let config = format!("{}.json", id.digest());
            if written.insert(config.clone()) {
                let (mut file, size) = self.open_blob(&id)?;
                archive.file(&config, size, &mut file)?;
            }
            let mut layers = Vec::new();
            for layer in &image.stack {
                let name = format!("{}.tar", layer.diff_id.digest());
                if written.insert(name.clone()) {
                    self.save_plain(&self.layout.blob(layer.descriptor.digest()), &layer.diff_id, &name, archive)?;
                }
                layers.push(name);
            }
            let top = image.stack.last().map(|layer| layer.chain.digest().to_owned()).unwrap_or_default();
            for name in names.iter().flat_map(|name| Reference::parse(name)) {
                let tags = repositories.entry(name.familiar_name()).or_default();
                tags.insert(name.tag.unwrap_or_default(), top.clone());
            }
            let tags: Vec<String> = names.iter().flat_map(|name| familiar(name)).collect();
            manifest.push(serde_json::json!({"Config": config, "RepoTags": tags, "Layers": layers}));
        }
        for (name, bytes) in [("manifest.json", json(&manifest)?), ("repositories", json(&repositories)?)] {
            archive.file(name, bytes.len() as u64, &mut bytes.as_slice())?;
        }
        Ok(())
    }

    /// A layer without its compression. A header says the size before the content comes, so it
    /// is read twice; the first time checks it.
    fn save_plain<W: Write>(&self, blob: &Path, diff_id: &Digest, name: &str, archive: &mut Writer<W>) -> Result<()> {
        let mut plain = Plain::open(blob)?;
        let size = io::copy(&mut plain, &mut io::sink()).or_fail(|| format!("cannot read {}", blob.display()))?;
        plain.finish(diff_id)?;
        archive.file(name, size, &mut Plain::open(blob)?)
    }

    fn open_blob(&self, digest: &Digest) -> Result<(File, u64)> {
        let path = self.layout.blob(digest);
        let opened = File::open(&path).and_then(|file| file.metadata().map(|found| (file, found.len())));
        opened.or_fail(|| format!("cannot read {}", path.display()))
    }
}

const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.digest())
}

/// An entry of the index for each name, and one for what has none.
fn named(top: &Descriptor, names: &BTreeSet<String>) -> Vec<Descriptor> {
    if names.is_empty() {
        return vec![top.clone()];
    }
    let entry = |name: &String| {
        let mut entry = top.clone();
        // The second is what containerd and Docker look for.
        let keys = ["org.opencontainers.image.ref.name", "io.containerd.image.name"];
        entry.set_annotations(Some(keys.map(|key| (key.to_owned(), name.clone())).into()));
        entry
    };
    names.iter().map(entry).collect()
}

fn index_of(manifests: Vec<Descriptor>) -> ImageIndex {
    let mut index = ImageIndex::default();
    index.set_schema_version(SCHEMA_VERSION);
    index.set_media_type(Some(MediaType::ImageIndex));
    index.set_manifests(manifests);
    index
}
