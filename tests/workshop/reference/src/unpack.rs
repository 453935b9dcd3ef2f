//! Stage 9: from an image to files. OCI image specification: image-layout.md, manifest.md, layer.md

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tar::Archive;

use super::Result;

/// Unpacks the image of a layout, `LAYOUT:TAG`, into a directory; its one image, for `LAYOUT`.
pub fn run(image: &str, directory: &Path) -> Result<i32> {
    let (layout, tag) = image.rsplit_once(':').map_or((image, None), |(layout, tag)| (layout, Some(tag)));
    unpack(Path::new(layout), tag, directory).map(|_| 0)
}

/// Unpacks all layers, the lowest first; the image's configuration.
pub fn unpack(layout: &Path, tag: Option<&str>, directory: &Path) -> Result<Value> {
    let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json"))?)?;
    let is_meant =
        |image: &&Value| tag.is_none_or(|tag| image["annotations"]["org.opencontainers.image.ref.name"] == tag);
    let image = list(&index["manifests"]).iter().find(is_meant).ok_or("there is no such tag")?;
    let manifest: Value = serde_json::from_slice(&blob(layout, image)?)?;
    fs::create_dir_all(directory)?;
    for layer in list(&manifest["layers"]) {
        apply(&blob(layout, layer)?, &directory.canonicalize()?)?;
    }
    Ok(serde_json::from_slice(&blob(layout, &manifest["config"])?)?)
}

/// The elements of a list; none if it is none.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn blob(layout: &Path, descriptor: &Value) -> Result<Vec<u8>> {
    let digest = descriptor["digest"].as_str().unwrap_or_default();
    verified(fs::read(layout.join("blobs").join(digest.replace(':', "/")))?, digest)
}

/// The digest of these bytes.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// These bytes; an error if they have another digest.
pub fn verified(bytes: Vec<u8>, wanted: &str) -> Result<Vec<u8>> {
    if digest(&bytes) == wanted { Ok(bytes) } else { Err(format!("that is not the content of {wanted}").into()) }
}

/// Puts a layer on top of what is there.
fn apply(layer: &[u8], directory: &Path) -> Result<()> {
    let mut plain = Vec::new();
    let mut reader: Box<dyn Read> =
        if layer.starts_with(b"\x1f\x8b") { Box::new(GzDecoder::new(layer)) } else { Box::new(layer) };
    reader.read_to_end(&mut plain)?;
    // What `.wh.NAME` and `.wh..wh..opq` remove is of the layers below: so that comes first.
    for entry in Archive::new(&plain[..]).entries()? {
        let path = entry?.path()?.into_owned();
        let (Some(hidden), Some(parent)) = (whiteout(&path), parent(&path, directory)) else { continue };
        match hidden {
            ".wh..opq" => fs::read_dir(parent)?.try_for_each(|entry| remove(&entry?.path()))?,
            name => remove(&parent.join(name))?,
        }
    }
    let mut archive = Archive::new(&plain[..]);
    archive.set_preserve_permissions(true);
    // In a user namespace with few ids, files can't belong to the others.
    archive.set_preserve_ownerships(fs::read_to_string("/proc/self/uid_map")?.contains("4294967295"));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if whiteout(&path).is_some() {
            continue;
        }
        if let (Some(parent), Some(name)) = (parent(&path, directory), path.file_name()) {
            let there = parent.join(name);
            // A directory on a directory adds to it; anything else takes the place of what was there.
            if !(entry.header().entry_type().is_dir() && there.is_dir() && !there.is_symlink()) {
                remove(&there)?;
            }
        }
        if !entry.unpack_in(directory)? {
            return Err(format!("{} leads out of the directory", path.display()).into());
        }
    }
    Ok(())
}

fn whiteout(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_prefix(".wh.")
}

/// The directory in which that lies, if it is there: a link in the image could lead to one of the host.
fn parent(path: &Path, directory: &Path) -> Option<PathBuf> {
    let parent = directory.join(path.strip_prefix("/").unwrap_or(path).parent()?);
    parent.canonicalize().ok().filter(|found| found.starts_with(directory))
}

fn remove(path: &Path) -> std::io::Result<()> {
    let Ok(found) = path.symlink_metadata() else { return Ok(()) };
    if found.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
