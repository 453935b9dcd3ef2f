//! A layer becomes a directory again.
//!
//! What it builds: directories, files, symlinks and hard links, each
//! resolved beneath the directory (`kernel::Beneath`). Other kinds of entries are refused by
//! name: the host image has no devices, whiteouts or extended attributes.
//! The digest is checked on the way: what was unpacked is what the image names.
//! See tar(5), and the OCI image specification, layer.md.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use oci_spec::image::Digest;
use tar::{Archive, Entry, EntryType};

use super::digest::Hashing;
use crate::error::{Error, IoContext, Result};
use crate::kernel::{Attributes, Beneath, clean};

/// Files are copied in pieces of this size.
const PIECE: usize = 256 * 1024;

/// Whose the files can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// Anybody's: this is the host's root.
    All,
    /// Those that the user namespace has.
    Mapped,
    /// There is only one: owners are lost.
    One,
}

/// What may be unpacked.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whose the files can be.
    pub ids: Ids,
    /// Bytes of a layer, unpacked.
    pub max_bytes: u64,
    /// Entries of a layer.
    pub max_entries: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { ids: Ids::All, max_bytes: 64 << 30, max_entries: 1_000_000 }
    }
}

/// What was unpacked, and what could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Entries of the archive.
    pub entries: u64,
    /// Those that are regular files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Files of the layers below that are hidden.
    pub whiteouts: u64,
    /// Directories that hide all that the layers below have there.
    pub opaque: u64,
    /// Directories that the layer passes through without naming them, the upper ones first.
    pub implied: Vec<PathBuf>,
    /// Entries whose owner could not be set.
    pub owners_lost: u64,
    /// Device nodes that only the host's root may make.
    pub devices_skipped: Vec<PathBuf>,
}

/// Unpacks the archive `layer` into the existing, empty directory `directory`, and reads it to
/// its very end. `progress` is told the bytes read so far.
pub fn unpack(
    layer: impl Read,
    directory: &Path,
    _options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Unpacked> {
    let mut archive = Archive::new(layer);
    let mut unpacker = Unpacker {
        beneath: Beneath::open(directory)?,
        directories: vec![(PathBuf::new(), ROOT)],
        buffer: vec![0; PIECE],
    };
    let mut position = 0;
    let mut unpacked = Unpacked::default();
    for entry in archive.entries().or_fail(cannot_read)? {
        let mut entry = entry.or_fail(cannot_read)?;
        unpacker.entry(&mut entry)?;
        unpacked.entries += 1;
        unpacked.bytes += entry.size();
        unpacked.files += u64::from(entry.header().entry_type() == EntryType::Regular);
        position = position.max(entry.raw_file_position() + entry.size());
        progress(position);
    }
    unpacker.finish()?;
    io::copy(&mut archive.into_inner(), &mut io::sink()).or_fail(cannot_read)?;
    Ok(unpacked)
}

/// [`unpack`], and checks that it is the layer of that diff ID.
pub fn unpack_verified(
    layer: impl Read,
    diff_id: &Digest,
    directory: &Path,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Unpacked> {
    let mut hashing = Hashing::new(layer);
    let unpacked = unpack(&mut hashing, directory, options, progress)?;
    let (_, found, _) = hashing.finish();
    if found == *diff_id {
        return Ok(unpacked);
    }
    Err(Error::new(format!("cannot unpack the layer {diff_id}: its content has the digest {found}"))
        .hint("The stored layer is damaged. Remove the image and get or make it again."))
}

/// The root of a layer that says nothing about it.
const ROOT: Attributes = Attributes { mode: 0o755, uid: 0, gid: 0, mtime: 0 };

fn cannot_read() -> String {
    "cannot read the layer".into()
}

struct Unpacker {
    beneath: Beneath,
    /// Directories get their attributes last, when nothing is put in them any more.
    directories: Vec<(PathBuf, Attributes)>,
    buffer: Vec<u8>,
}

impl Unpacker {
    fn entry(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<()> {
        let path = clean(&path_of(&entry.path_bytes()))?;
        let doing = || format!("cannot unpack {}", path.display());
        let attributes = attributes(entry).or_fail(doing)?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::Directory => self.directory(&path, attributes).or_fail(doing),
            EntryType::Regular | EntryType::Continuous => self.file(&path, entry, attributes).or_fail(doing),
            EntryType::Symlink => {
                let target = link_of(entry)?;
                self.beneath.symlink(&path, target.as_os_str(), attributes).or_fail(doing)
            }
            EntryType::Link => {
                let target = clean(&link_of(entry)?)?;
                self.beneath.hard_link(&path, &target).or_fail(doing)
            }
            // A comment on the archive as a whole; it is no file.
            EntryType::XGlobalHeader => Ok(()),
            other => Err(unknown(&path, other)),
        }
    }

    fn directory(&mut self, path: &Path, attributes: Attributes) -> io::Result<()> {
        self.directories.push((path.to_owned(), attributes));
        match path.as_os_str().is_empty() {
            true => Ok(()), // the root of the layer: it exists
            false => self.beneath.directory(path),
        }
    }

    fn file(&mut self, path: &Path, content: &mut impl Read, attributes: Attributes) -> io::Result<()> {
        let mut file = self.beneath.file(path)?;
        loop {
            let read = content.read(&mut self.buffer)?;
            if read == 0 {
                break;
            }
            file.write_all(&self.buffer[..read])?;
        }
        self.beneath.finish(&file, attributes)
    }

    /// The deepest first, so that a directory can be closed to its owner; of several
    /// entries for one directory the last one counts.
    fn finish(self) -> Result<()> {
        let attributes: BTreeMap<_, _> = self.directories.into_iter().collect();
        for (path, attributes) in attributes.iter().rev() {
            self.beneath
                .finish_directory(path, *attributes)
                .or_fail(|| format!("cannot set the mode of {}", path.display()))?;
        }
        Ok(())
    }
}

fn unknown(path: &Path, kind: EntryType) -> Error {
    let name = match kind {
        EntryType::Char => "a character device",
        EntryType::Block => "a block device",
        EntryType::Fifo => "a named pipe",
        EntryType::GNUSparse => "a sparse file in GNU's old format",
        _ => "an entry of an unknown kind",
    };
    let type_flag = char::from(kind.as_byte()).escape_default();
    Error::new(format!("cannot unpack {}: it is {name} (tar type '{type_flag}')", path.display()))
        .hint("Layers with directories, files, symlinks and hard links can be unpacked.")
}

fn attributes(entry: &Entry<'_, impl Read>) -> io::Result<Attributes> {
    let header = entry.header();
    let number = |value: u64| u32::try_from(value).map_err(io::Error::other);
    Ok(Attributes {
        mode: header.mode()? & 0o7777,
        uid: number(header.uid()?)?,
        gid: number(header.gid()?)?,
        mtime: header.mtime()?,
    })
}

fn path_of(bytes: &[u8]) -> PathBuf {
    std::ffi::OsStr::from_bytes(bytes).into()
}

fn link_of(entry: &Entry<'_, impl Read>) -> Result<PathBuf> {
    let target = entry.link_name_bytes().map(|bytes| path_of(&bytes));
    target.ok_or_else(|| Error::new("cannot unpack a link: the layer does not say where to"))
}

#[cfg(test)]
mod tests {
    use super::{Options, unpack_verified};
    use crate::error::Result;
    use crate::image::digest;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;
    use tar::{Builder, EntryType, Header};

    /// One entry: path, kind, and the target of a link or the content of a file.
    type Made<'a> = (&'a str, EntryType, &'a str);

    /// Writes names as they are: the tar crate would refuse the bad ones.
    fn archive(entries: &[Made<'_>]) -> Vec<u8> {
        let mut archive = Builder::new(Vec::new());
        for (path, kind, text) in entries {
            let mut header = Header::new_ustar();
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(if *kind == EntryType::Directory { 0o750 } else { 0o640 });
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(1_000_000);
            let content = if *kind == EntryType::Regular { *text } else { "" };
            if content.is_empty() {
                header.set_link_name_literal(text).unwrap();
            }
            header.set_size(content.len() as u64);
            header.set_cksum();
            archive.append(&header, content.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap()
    }

    fn try_unpack(entries: &[Made<'_>], directory: &Path) -> Result<()> {
        let bytes = archive(entries);
        unpack_verified(bytes.as_slice(), &digest::of(&bytes), directory, &Options::default(), &mut |_| {}).map(drop)
    }

    fn refused(entries: &[Made<'_>]) -> String {
        let directory = tempfile::tempdir().unwrap();
        try_unpack(entries, directory.path()).unwrap_err().to_string()
    }

    #[test]
    fn each_kind_of_entry_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        try_unpack(
            &[
                ("d/", EntryType::Directory, ""),
                ("d/file", EntryType::Regular, "content"),
                ("d/link", EntryType::Symlink, "/nowhere"),
                ("second", EntryType::Link, "d/file"),
                ("missing/parents/file", EntryType::Regular, "x"),
            ],
            directory.path(),
        )
        .unwrap();
        assert_eq!(fs::read_to_string(path("second")).unwrap(), "content");
        assert_eq!(fs::read_link(path("d/link")).unwrap(), Path::new("/nowhere"));
        let (file, parent) = (path("d/file").metadata().unwrap(), path("d").metadata().unwrap());
        assert_eq!((file.nlink(), file.mtime(), parent.mtime()), (2, 1_000_000, 1_000_000));
        assert_eq!(file.permissions().mode() & 0o7777, 0o640);
        assert_eq!(parent.permissions().mode() & 0o7777, 0o750);
        assert_eq!(path("missing/parents").metadata().unwrap().permissions().mode() & 0o7777, 0o755);
    }

    #[test]
    fn a_later_entry_replaces_an_earlier_one() {
        let directory = tempfile::tempdir().unwrap();
        try_unpack(
            &[
                ("a", EntryType::Symlink, "elsewhere"),
                ("a", EntryType::Regular, "new"),
                ("b", EntryType::Symlink, "elsewhere"),
                ("b/", EntryType::Directory, ""),
            ],
            directory.path(),
        )
        .unwrap();
        assert_eq!(fs::read_to_string(directory.path().join("a")).unwrap(), "new");
        assert!(directory.path().join("b").symlink_metadata().unwrap().is_dir());
    }

    #[test]
    fn paths_out_of_the_layer_are_refused() {
        for path in ["../x", "/etc/x", "a/../../x", ".."] {
            let message = refused(&[(path, EntryType::Regular, "x")]);
            assert!(message.contains("points out of the layer"), "{path}: {message}");
        }
        let message = refused(&[("link", EntryType::Link, "/etc/passwd")]);
        assert!(message.contains("points out of the layer"), "{message}");
        let message = refused(&[("link", EntryType::Link, "../passwd")]);
        assert!(message.contains("points out of the layer"), "{message}");
    }

    /// Symlinks that point outside, used as directories by later entries: all end inside.
    #[test]
    fn symlinks_lead_nowhere_outside() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("layer");
        for target in ["..", "../..", outer.path().to_str().unwrap(), "/"] {
            fs::create_dir(&inner).unwrap();
            let entries = [
                ("out", EntryType::Symlink, target),
                ("out/planted", EntryType::Regular, "x"),
                ("again", EntryType::Symlink, "out"),
                ("again/planted2", EntryType::Regular, "x"),
                ("again/d/", EntryType::Directory, ""),
            ];
            let _ = try_unpack(&entries, &inner); // a target that is not inside is an error
            let left: Vec<_> = fs::read_dir(outer.path()).unwrap().collect();
            assert_eq!(left.len(), 1, "{target}");
            fs::remove_dir_all(&inner).unwrap();
        }
        assert!(!Path::new("/planted").exists());
    }

    #[test]
    fn what_it_does_not_know_it_names() {
        assert!(refused(&[("tty", EntryType::Char, "")]).contains("a character device"));
        assert!(refused(&[("pipe", EntryType::Fifo, "")]).contains("a named pipe"));
    }

    #[test]
    fn a_layer_with_another_digest_is_refused() {
        let bytes = archive(&[("file", EntryType::Regular, "content")]);
        let directory = tempfile::tempdir().unwrap();
        let result =
            unpack_verified(&bytes[..], &digest::of(b"other"), directory.path(), &Options::default(), &mut |_| {});
        assert!(result.unwrap_err().to_string().contains("has the digest"));
    }
}
