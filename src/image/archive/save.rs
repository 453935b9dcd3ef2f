//! Images with their layers in one file, or in a directory.
//!
//! Two formats are in use. An *OCI layout* is what the store itself is: blobs under their digests, and an
//! index of names. A *docker-archive* is older: the layers as plain archives, so that their digests
//! are the diff IDs, and manifest.json, which says which layers and which configuration make an image.
//! It does *not* change a byte of a document: a loaded image has the ID that it had here.
//! See docker-save(1), and the OCI image specification, image-layout.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use oci_spec::image::{Descriptor, Digest};
use serde_json::{Value, json};

use super::write::Writer;
use crate::error::{Error, IoContext, Result};
use crate::image::plain::Plain;
use crate::image::queries::familiar;
use crate::image::{Image, Reference, Store, reference};

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

/// An image, and the names by which it is saved.
type Chosen = (Image, BTreeSet<String>);

impl Store {
    /// Writes images into one archive.
    pub fn save<W: Write>(&self, wanted: &[String], format: Format, output: W) -> Result<W> {
        let _shared = self.share()?;
        let images = self.chosen(wanted)?;
        let mut archive = Writer::new(output);
        match format {
            Format::DockerArchive => self.save_docker(&images, &mut archive)?,
            Format::OciArchive | Format::OciDir => {
                // Unnamed, they would be root's to other tools, and an ordinary user can't unpack such.
                archive.directory("blobs/")?;
                archive.directory("blobs/sha256/")?;
                self.save_oci(&images, &mut |name, size, content| archive.file(name, size, content))?
            }
        }
        archive.finish()
    }

    /// Writes images into a directory, which is made.
    pub fn save_directory(&self, wanted: &[String], directory: &Path) -> Result<()> {
        let _shared = self.share()?;
        let images = self.chosen(wanted)?;
        let doing = || format!("cannot write {}", directory.display());
        fs::create_dir_all(directory.join("blobs/sha256")).or_fail(doing)?;
        if fs::read_dir(directory).or_fail(doing)?.count() > 1 {
            return Err(Error::new(format!("{}: something is in it already", doing()))
                .hint("Name a directory that is empty or not there."));
        }
        self.save_oci(&images, &mut |name, _, content| {
            let path = directory.join(name);
            let doing = || format!("cannot write {}", path.display());
            let mut file = File::create(&path).or_fail(doing)?;
            io::copy(content, &mut file).and_then(|_| file.sync_all()).or_fail(doing)
        })
    }

    /// Each image once, with the names that were asked for; asked for by its ID it has none.
    fn chosen(&self, wanted: &[String]) -> Result<Vec<Chosen>> {
        let mut chosen: Vec<Chosen> = Vec::new();
        for text in wanted {
            let found = self.resolve(text)?;
            let name = found.by_name.then(|| found.image.name.clone()).filter(|name| !name.is_empty());
            match chosen.iter_mut().find(|(image, _)| image.manifest_digest == found.image.manifest_digest) {
                Some((_, names)) => names.extend(name),
                None => chosen.push((found.image, name.into_iter().collect())),
            }
        }
        Ok(chosen)
    }

    fn save_oci(
        &self,
        images: &[Chosen],
        write: &mut dyn FnMut(&str, u64, &mut dyn io::Read) -> Result<()>,
    ) -> Result<()> {
        let mut document = |name: &str, value: &Value| {
            let bytes = value.to_string().into_bytes();
            write(name, bytes.len() as u64, &mut bytes.as_slice())
        };
        document("oci-layout", &json!({"imageLayoutVersion": "1.0.0"}))?;
        document("index.json", &self.index_of(images)?)?;
        let mut written = BTreeSet::new();
        for (image, _) in images {
            let documents =
                [&image.manifest_digest, &image.id].map(|digest| reference::parse_digest(digest).map_err(Error::new));
            let layers = image.stack.iter().map(|layer| Ok(layer.descriptor.digest().clone()));
            for digest in documents.into_iter().chain(layers) {
                let digest = digest?;
                if written.insert(digest.to_string()) {
                    let (mut file, size) = self.open_blob(&digest)?;
                    write(&format!("blobs/sha256/{}", digest.digest()), size, &mut file)?;
                }
            }
        }
        Ok(())
    }

    /// index.json: an entry for each name, and one for an image without.
    fn index_of(&self, images: &[Chosen]) -> Result<Value> {
        let entries = self.entries()?;
        let mut manifests = Vec::new();
        for (image, names) in images {
            let entry = entries.iter().find(|entry| entry.manifest.digest().to_string() == image.manifest_digest);
            let Some(entry) = entry else { continue };
            let mut plain: Descriptor = entry.manifest.clone();
            plain.set_annotations(None);
            let plain =
                serde_json::to_value(plain).map_err(|error| Error::new(format!("cannot write the index: {error}")))?;
            if names.is_empty() {
                manifests.push(plain.clone());
            }
            for name in names {
                let mut named = plain.clone();
                // The second is what containerd and Docker look for.
                named["annotations"] =
                    json!({"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name});
                manifests.push(named);
            }
        }
        let kind = "application/vnd.oci.image.index.v1+json";
        Ok(json!({"schemaVersion": 2, "mediaType": kind, "manifests": manifests}))
    }

    fn save_docker<W: Write>(&self, images: &[Chosen], archive: &mut Writer<W>) -> Result<()> {
        let mut manifest = Vec::new();
        let mut repositories: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut written = BTreeSet::new();
        for (image, names) in images {
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
            manifest.push(json!({"Config": config, "RepoTags": tags, "Layers": layers}));
        }
        for (name, value) in [("manifest.json", json!(manifest)), ("repositories", json!(repositories))] {
            let bytes = value.to_string().into_bytes();
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
