//! A root filesystem, packed by whatever tool, becomes an image of one layer.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use jiff::Timestamp;
use oci_spec::image::{
    Config, Descriptor, HistoryBuilder, ImageConfiguration, ImageConfigurationBuilder, MediaType, Os, RootFsBuilder,
};

use super::change;
use crate::error::{Error, IoContext, Result};
use crate::image::decompress::decompress_any;
use crate::image::digest::Hashing;
use crate::image::scratch::Scratch;
use crate::image::{Reference, Store, describe, entries, host};

/// What to make of it.
#[derive(Debug, Default)]
pub struct Import<'a> {
    /// The name of the image, if it gets one.
    pub name: Option<&'a str>,
    /// Lines of a Dockerfile.
    pub changes: &'a [String],
    /// A word about it, for `history`.
    pub message: Option<&'a str>,
    /// Where it came from, for `history`.
    pub from: &'a str,
}

impl Store {
    /// Makes an image of a tar archive; its ID.
    pub fn import(&self, archive: impl Read + Send, wanted: &Import<'_>) -> Result<String> {
        let name = wanted.name.map(new_name).transpose()?;
        let mut config = Config::default();
        wanted.changes.iter().try_for_each(|line| change::apply(&mut config, line))?;
        let _shared = self.share()?;
        let scratch = self.scratch()?;
        let layer = self.import_layer(archive, wanted.from, &scratch)?;
        let config = configuration(config, wanted, &layer)?;
        let config = self.layout.write(scratch.path(), MediaType::ImageConfig, &config)?;
        let id = config.digest().to_string();
        let manifest = describe::manifest(config, vec![layer])?;
        let manifest = self.layout.write(scratch.path(), MediaType::ImageManifest, &manifest)?;
        self.enter(&scratch, manifest, name.as_deref())?;
        Ok(id)
    }

    /// Stores the archive as a plain layer, after a look whether it is one.
    fn import_layer(&self, archive: impl Read + Send, from: &str, scratch: &Scratch) -> Result<Descriptor> {
        let path = scratch.path().join("layer.tar");
        let doing = || format!("cannot import {from}");
        let cannot_write = || format!("cannot write {}", path.display());
        let (_, mut archive) = decompress_any(archive)?;
        let file = File::create(&path).or_fail(cannot_write)?;
        let mut output = BufWriter::with_capacity(1 << 18, Hashing::new(file));
        io::copy(&mut archive, &mut output).or_fail(doing).map_err(|error| self.explain(error))?;
        output.flush().or_fail(cannot_write).map_err(|error| self.explain(error))?;
        let hashing = output.into_inner().map_err(io::IntoInnerError::into_error).or_fail(cannot_write)?;
        let (file, digest, size) = hashing.finish();
        check(&path).map_err(|error| {
            Error::new(doing())
                .because(&error)
                .hint("It must be a tar archive of a root filesystem, plain or compressed with gzip or zstd.")
        })?;
        file.sync_all().or_fail(cannot_write)?;
        self.layout.create(scratch.path())?;
        self.adopt_blob(&path, &digest)?;
        Ok(Descriptor::new(MediaType::ImageLayer, size, digest))
    }

    /// Puts a manifest into the index, under a name or without one.
    pub(in crate::image) fn enter(&self, scratch: &Scratch, manifest: Descriptor, name: Option<&str>) -> Result<()> {
        if let Some(name) = name {
            return self.tag(scratch, manifest, name, None);
        }
        let _lock = self.index_lock()?;
        self.layout.add_unnamed(scratch.path(), manifest).map_err(|error| self.explain(error))
    }
}

/// A name that a new image may get, in full.
fn new_name(name: &str) -> Result<String> {
    let reference = Reference::parse(name)?;
    if name == host::NAME || reference.digest.is_some() {
        return Err(Error::usage(format!("'{name}' can't be given to an image"))
            .hint("`host` is the image that `boxlab image host` makes, and a digest is no name."));
    }
    Ok(reference.to_string())
}

/// Reads the archive to its end; it must hold something.
fn check(path: &Path) -> Result<()> {
    let file = File::open(path).or_fail(|| format!("cannot read {}", path.display()))?;
    let mut count = 0_usize;
    entries::read(io::BufReader::new(file), &mut |_, _| {
        count += 1;
        Ok(())
    })?;
    if count == 0 { Err(Error::new("there is nothing in it")) } else { Ok(()) }
}

fn configuration(config: Config, wanted: &Import<'_>, layer: &Descriptor) -> Result<ImageConfiguration> {
    let created = Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH).to_string();
    let comment = wanted.message.map_or_else(|| format!("Imported from {}", wanted.from), str::to_owned);
    let history = HistoryBuilder::default().created(created.clone()).comment(comment).build();
    let layers = RootFsBuilder::default().typ("layers").diff_ids(vec![layer.digest().to_string()]).build();
    let (history, layers) = (history.map_err(describe::invalid)?, layers.map_err(describe::invalid)?);
    ImageConfigurationBuilder::default()
        .created(created)
        .architecture(describe::architecture())
        .os(Os::Linux)
        .config(config)
        .rootfs(layers)
        .history(vec![history])
        .build()
        .map_err(describe::invalid)
}
