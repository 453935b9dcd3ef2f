//! Images made for a judgement: what is in them, nobody could know before.
//! OCI image specification, image-layout.md

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use crate::error::{IoContext, Result};
use crate::image::Platform;

/// An entry of a layer.
#[derive(Debug, Clone)]
pub enum Entry<'a> {
    /// A directory.
    Directory(&'a str),
    /// A file with this text and these permission bits.
    File(&'a str, &'a str, u32),
    /// A file of this user and this group.
    Owned(&'a str, u64, u64),
    /// A symbolic link, and where it leads.
    Symlink(&'a str, &'a str),
    /// Another name of a file.
    Link(&'a str, &'a str),
}

/// The archive of these entries. Names are put in as they are: also such as `../x`.
pub fn archive(entries: &[Entry<'_>]) -> Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    let added = entries.iter().try_for_each(|entry| append(&mut archive, entry));
    added.and_then(|()| archive.into_inner()).or_fail(|| "cannot make a layer".to_owned())
}

fn append(archive: &mut Builder<Vec<u8>>, entry: &Entry<'_>) -> io::Result<()> {
    let mut header = Header::new_gnu();
    let (name, kind, mode, text) = match entry {
        Entry::Directory(name) => (*name, EntryType::Directory, 0o755, ""),
        Entry::File(name, text, mode) => (*name, EntryType::Regular, *mode, *text),
        Entry::Owned(name, ..) => (*name, EntryType::Regular, 0o644, ""),
        Entry::Symlink(name, target) => {
            header.set_link_name_literal(target)?;
            (*name, EntryType::Symlink, 0o777, "")
        }
        Entry::Link(name, target) => {
            header.set_link_name(target)?;
            (*name, EntryType::Link, 0o644, "")
        }
    };
    let (uid, gid) = if let Entry::Owned(_, uid, gid) = entry { (*uid, *gid) } else { (0, 0) };
    header.set_uid(uid);
    header.set_gid(gid);
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(1_000_000_000);
    header.set_size(text.len() as u64);
    // set_path refuses what leads out of a directory, which is just what some are for.
    if let Some(gnu) = header.as_gnu_mut() {
        gnu.name.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    }
    header.set_cksum();
    archive.append(&header, text.as_bytes())
}

/// The same, compressed.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).or_fail(|| "cannot compress a layer".to_owned())
}

/// `sha256:...`
pub fn digest(bytes: &[u8]) -> String {
    crate::image::digest::of(bytes).to_string()
}

/// Where a layout keeps a blob.
pub fn blob(layout: &Path, digest: &str) -> PathBuf {
    layout.join("blobs").join(digest.replace(':', "/"))
}

/// One image of a layout.
#[derive(Debug)]
pub struct Image<'a> {
    /// Its name there.
    pub tag: &'a str,
    /// The part `config` of its configuration.
    pub config: Value,
    /// The archives of its layers, the lowest first, and whether they are compressed.
    pub layers: &'a [(&'a [u8], bool)],
}

/// Writes a layout; the digests of the manifests.
pub fn write(directory: &Path, images: &[Image<'_>]) -> Result<Vec<String>> {
    let failed = || format!("cannot write the image {}", directory.display());
    fs::create_dir_all(directory.join("blobs/sha256")).or_fail(failed)?;
    let put = |bytes: &[u8], kind: &str| -> Result<Value> {
        let digest = digest(bytes);
        fs::write(blob(directory, &digest), bytes).or_fail(failed)?;
        Ok(json!({ "mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest, "size": bytes.len() }))
    };
    let mut index = Vec::new();
    for image in images {
        let mut layers = Vec::new();
        for (archive, compressed) in image.layers {
            layers.push(match compressed {
                true => put(&gzip(archive)?, "layer.v1.tar+gzip")?,
                false => put(archive, "layer.v1.tar")?,
            });
        }
        let platform = Platform::this();
        let config = json!({
            "architecture": platform.architecture,
            "os": platform.os,
            "config": image.config,
            "rootfs": { "type": "layers", "diff_ids": image.layers.iter().map(|(archive, _)| digest(archive)).collect::<Vec<_>>() },
        });
        let config = put(config.to_string().as_bytes(), "config.v1+json")?;
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers });
        let mut entry = put(manifest.to_string().as_bytes(), "manifest.v1+json")?;
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": image.tag });
        index.push(entry);
    }
    let digests = index.iter().filter_map(|entry| entry["digest"].as_str().map(str::to_owned)).collect();
    fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).or_fail(failed)?;
    let index = json!({ "schemaVersion": 2, "manifests": index });
    fs::write(directory.join("index.json"), index.to_string()).or_fail(failed)?;
    Ok(digests)
}
