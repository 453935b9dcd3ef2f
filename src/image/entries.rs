//! What is in a layer: the entries of its tar archive, one after the other.
//!
//! Beside files a layer holds *whiteouts*: `.wh.NAME` says that NAME of the layers below is gone,
//! `.wh..wh..opq` that a directory shows nothing of them. It does *not* write anything.
//! See tar(5), and the OCI image specification, layer.md.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use tar::{Archive, EntryType};

use crate::error::{Error, IoContext, Result};
use crate::kernel::clean;

/// The name of a whiteout begins with this.
const WHITEOUT: &[u8] = b".wh.";
/// The whiteout of everything below in this directory.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Extended attributes are PAX records with this prefix.
pub const XATTR: &str = "SCHILY.xattr.";

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From the root of the layer, without a slash before it; empty for the root itself.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Seconds since 1970.
    pub mtime: u64,
    /// Bytes of a regular file.
    pub size: u64,
    /// Extended attributes, xattr(7).
    pub xattrs: BTreeMap<String, Vec<u8>>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link, and where it leads to.
    Symlink(PathBuf),
    /// A second name of a file.
    Link(PathBuf),
    /// A character device: its major and minor number.
    Character(u32, u32),
    /// A block device.
    Block(u32, u32),
    /// A named pipe.
    Fifo,
    /// The path is gone.
    Whiteout,
    /// The directory at the path shows nothing of the layers below.
    Opaque,
}

/// Reads a layer; `each` gets every entry with its content.
pub fn read(layer: impl Read, each: &mut dyn FnMut(Entry, &mut dyn Read) -> Result<()>) -> Result<()> {
    let doing = || "cannot read the layer".to_owned();
    let mut archive = Archive::new(layer);
    for found in archive.entries().or_fail(doing)? {
        let mut found = found.or_fail(doing)?;
        if let Some(entry) = entry(&mut found)? {
            each(entry, &mut found)?;
        }
    }
    Ok(())
}

fn entry(found: &mut tar::Entry<'_, impl Read>) -> Result<Option<Entry>> {
    let path = clean(Path::new(OsStr::from_bytes(&found.path_bytes())))?;
    let doing = || format!("cannot read {} in the layer", path.display());
    let xattrs = xattrs(found).or_fail(doing)?;
    let header = found.header();
    let device = || -> io::Result<(u32, u32)> {
        Ok((header.device_major()?.unwrap_or_default(), header.device_minor()?.unwrap_or_default()))
    };
    let link = || found.link_name_bytes().map(|name| PathBuf::from(std::ffi::OsString::from_vec(name.into_owned())));
    let missing = || Error::new(format!("{}: the link does not say where to", doing()));
    let kind = match header.entry_type() {
        EntryType::Directory => Kind::Directory,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::File,
        EntryType::Symlink => Kind::Symlink(link().ok_or_else(missing)?),
        EntryType::Link => Kind::Link(clean(&link().ok_or_else(missing)?)?),
        EntryType::Char => device().map(|(major, minor)| Kind::Character(major, minor)).or_fail(doing)?,
        EntryType::Block => device().map(|(major, minor)| Kind::Block(major, minor)).or_fail(doing)?,
        EntryType::Fifo => Kind::Fifo,
        // A comment on the archive as a whole; it is no file.
        EntryType::XGlobalHeader => return Ok(None),
        other => return Err(Error::new(format!("{}: it is of no known kind ({other:?})", doing()))),
    };
    let numbers = || -> io::Result<(u32, u64, u64, u64)> {
        Ok((header.mode()? & 0o7777, header.uid()?, header.gid()?, header.mtime()?))
    };
    let (mode, uid, gid, mtime) = numbers().or_fail(doing)?;
    let size = if kind == Kind::File { found.size() } else { 0 };
    let Some((path, kind)) = whiteout(path, kind) else { return Ok(None) };
    Ok(Some(Entry { path, kind, mode, uid, gid, mtime, size, xattrs }))
}

/// A whiteout gets the path that it is about; `None` for what aufs kept for itself.
fn whiteout(path: PathBuf, kind: Kind) -> Option<(PathBuf, Kind)> {
    let directory = path.parent().unwrap_or(Path::new(""));
    match path.file_name().map(OsStr::as_bytes) {
        Some(OPAQUE) => Some((directory.to_owned(), Kind::Opaque)),
        Some(name) if name.starts_with(b".wh..wh.") => None,
        Some(name) if name.starts_with(WHITEOUT) && name.len() > WHITEOUT.len() => {
            Some((directory.join(OsStr::from_bytes(&name[WHITEOUT.len()..])), Kind::Whiteout))
        }
        _ => Some((path, kind)),
    }
}

fn xattrs(found: &mut tar::Entry<'_, impl Read>) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut xattrs = BTreeMap::new();
    for record in found.pax_extensions()?.into_iter().flatten() {
        let record = record?;
        let name = record.key().ok().and_then(|key| key.strip_prefix(XATTR));
        xattrs.extend(name.map(|name| (name.to_owned(), record.value_bytes().to_vec())));
    }
    Ok(xattrs)
}
