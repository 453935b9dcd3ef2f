//! A layer becomes a directory again.
//!
//! What it builds: each entry of the archive (`archive.rs`) with its mode, owner, time and
//! extended attributes, holes as holes, resolved beneath the directory (`kernel::Beneath`), and
//! what the layer removes (`name.rs`) in the form that overlayfs reads. What it does *not*:
//! check the digest, which belongs to the bytes and not to the files, or clean up after an
//! error: both are the caller's. The layer is written by strangers; what it asks for and can't have
//! is refused by name.
//! See tar(5), and the OCI image specification, layer.md.

pub mod archive;
pub mod name;
mod pax;
pub mod sparse;

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use oci_spec::image::Digest;

use self::archive::{Archive, Entry, Kind};
use self::name::{MALICIOUS, Name, clean, refused, shown};
use self::sparse::Piece;
use super::digest::Hashing;
use crate::error::{Error, Result};
use crate::kernel::errno::{EINVAL, ELOOP, ENOENT, ENOTDIR};
use crate::kernel::{Attributes, Beneath, Node, Time, euid, maps};

/// Extended attributes by name.
type Xattrs = Vec<(CString, Vec<u8>)>;

/// An extended attribute is no longer than that (xattr(7), XATTR_SIZE_MAX).
const LONGEST_XATTR: usize = 65_536;
/// What overlayfs believes about a directory or file. A layer could name others' files with it.
const OVERLAYFS: [&[u8]; 2] = [b"trusted.overlay.", b"user.overlay."];
/// An entry needs a header, and often a second one with records.
const PER_ENTRY: u64 = 4096;

/// Whose the files may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// Anybody's, and devices can be made: root on the host.
    All,
    /// Those of a range: root of a user namespace. Others are refused.
    Mapped,
    /// One user's: owners are dropped.
    One,
}

impl Ids {
    /// What this process may give away. user_namespaces(7)
    pub fn of_this_process() -> Self {
        match (euid() == 0, maps::on_the_host()) {
            (true, true) => Self::All,
            (true, false) if maps::has_others() => Self::Mapped,
            _ => Self::One,
        }
    }
}

/// What a layer may do.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whose its files may be.
    pub ids: Ids,
    /// How much it may hold, unpacked.
    pub max_bytes: u64,
    /// How many files it may hold.
    pub max_entries: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { ids: Ids::of_this_process(), max_bytes: 64 << 30, max_entries: 1_000_000 }
    }
}

/// What was in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// All entries.
    pub entries: u64,
    /// Those that are regular files.
    pub files: u64,
    /// What they hold together, without holes.
    pub bytes: u64,
    /// Files and directories of lower layers that are removed.
    pub whiteouts: u64,
    /// Directories that hide what lower layers have in them.
    pub opaque: u64,
    /// The root hides all layers below. Overlayfs does *not* see that on the root of a
    /// layer: whoever mounts it leaves those layers away.
    pub opaque_root: bool,
    /// Directories that are used but not named; the root, which has an empty path, among them.
    /// They have mode 0755 and belong to root, and hide what the directory below is like.
    pub implied: Vec<PathBuf>,
    /// Entries of other owners, which are the user's now (`Ids::One`).
    pub owners_lost: u64,
    /// Devices that only root may make.
    pub devices_skipped: Vec<PathBuf>,
    /// Extended attributes that can't be had: not on this filesystem, or not by this user.
    pub xattrs_lost: u64,
    /// Extended attributes that only overlayfs may set.
    pub xattrs_forged: u64,
}

/// Unpacks the archive into the existing, empty directory `directory`, and reads it to its
/// very end. `progress` is told the bytes read so far.
pub fn unpack(tar: impl Read, directory: &Path, options: &Options, progress: &mut dyn FnMut(u64)) -> Result<Unpacked> {
    let most = options.max_bytes.saturating_add(options.max_entries.saturating_mul(PER_ENTRY));
    let archive = Archive::new(tar, most);
    let beneath = Beneath::open(directory)?;
    let mut unpacker = Unpacker { archive, beneath, options, progress, done: Unpacked::default() };
    while let Some(entry) = unpacker.archive.next_entry()? {
        unpacker.entry(entry)?;
        (unpacker.progress)(unpacker.archive.position());
    }
    unpacker.archive.finish()?;
    (unpacker.progress)(unpacker.archive.position());
    let (lost, implied) = unpacker.beneath.finish(&IMPLIED)?;
    let mut done = unpacker.done;
    done.xattrs_lost += lost;
    done.implied = implied;
    Ok(done)
}

/// [`unpack`], and checks that it is the layer of that diff ID.
pub fn unpack_verified(
    layer: impl Read,
    diff_id: &Digest,
    directory: &Path,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Unpacked> {
    let mut layer = Hashing::new(layer);
    let unpacked = unpack(&mut layer, directory, options, progress)?;
    let (_, found, _) = layer.finish();
    if found == *diff_id {
        return Ok(unpacked);
    }
    Err(Error::new(format!("cannot unpack the layer {diff_id}: its content has the digest {found}"))
        .hint("The stored layer is damaged. Remove the image and get or make it again."))
}

/// What is used without being named.
const IMPLIED: Attributes =
    Attributes { mode: 0o755, owner: None, modified: Time { seconds: 0, nanoseconds: 0 }, xattrs: Vec::new() };

struct Unpacker<'a, Source> {
    archive: Archive<Source>,
    beneath: Beneath,
    options: &'a Options,
    progress: &'a mut dyn FnMut(u64),
    done: Unpacked,
}

impl<Source: Read> Unpacker<'_, Source> {
    fn entry(&mut self, entry: Entry) -> Result<()> {
        self.done.entries += 1;
        let name = Name::new(&entry.path)?;
        if self.done.entries > self.options.max_entries {
            let why = format!("the layer has more than {} entries", self.options.max_entries);
            return Err(refused(
                Path::new(OsStr::from_bytes(&entry.path)),
                &why,
                "So many files would fill the disk's table of files.",
            ));
        }
        match name {
            Name::File(path) => self.file_of_any_kind(&path, entry),
            Name::Whiteout(path) => {
                self.done.whiteouts += 1;
                self.beneath.whiteout(&path).map_err(|error| cannot(&path, &error))
            }
            Name::Opaque(path) => {
                self.done.opaque += 1;
                self.done.opaque_root |= path.as_os_str().is_empty();
                self.beneath.opaque(&path).map_err(|error| cannot(&path, &error))
            }
            Name::Internal => Ok(()),
        }
    }

    fn file_of_any_kind(&mut self, path: &Path, mut entry: Entry) -> Result<()> {
        if path.as_os_str().is_empty() && entry.kind != Kind::Directory {
            return Err(refused(path, "it must be a directory", MALICIOUS));
        }
        let attributes = self.attributes(path, &mut entry)?;
        let owner = attributes.owner;
        let made = match entry.kind {
            Kind::Directory => self.beneath.directory(path, attributes).map(|()| 0),
            Kind::File => self.file(path, &entry, &attributes)?,
            Kind::Symlink => self.beneath.symlink(path, OsStr::from_bytes(&entry.link), &attributes),
            Kind::HardLink => return self.hard_link(path, &entry.link),
            Kind::Fifo => self.beneath.node(path, Node::Fifo, &attributes),
            Kind::Character(0, 0) => return self.skip_device(path), // overlayfs would take it for a whiteout
            Kind::Character(..) | Kind::Block(..) if self.options.ids != Ids::All => return self.skip_device(path),
            Kind::Character(major, minor) => self.beneath.node(path, Node::Character(major, minor), &attributes),
            Kind::Block(major, minor) => self.beneath.node(path, Node::Block(major, minor), &attributes),
            Kind::Other(flag) => return Err(unknown(path, flag)),
        };
        self.done.xattrs_lost += made.map_err(|error| match owner {
            Some(owner) if error.raw_os_error() == Some(EINVAL) && !maps::has(owner) => unmapped(path, owner),
            _ => cannot(path, &error),
        })?;
        Ok(())
    }

    fn file(&mut self, path: &Path, entry: &Entry, attributes: &Attributes) -> Result<io::Result<u64>> {
        self.done.files += 1;
        self.done.bytes = self.done.bytes.saturating_add(self.archive.left());
        if self.done.bytes > self.options.max_bytes {
            let why = format!("with it, the layer has more than {} bytes", self.options.max_bytes);
            return Err(refused(path, &why, "It is larger than it may be; more can be allowed."));
        }
        let file = self.beneath.file(path, attributes).map_err(|error| cannot(path, &error))?;
        let whole = [Piece { offset: 0, length: entry.size }];
        for piece in entry.pieces.as_deref().unwrap_or(&whole) {
            self.write(path, &file, *piece)?;
        }
        if entry.pieces.is_some() {
            // There may be a hole at its end.
            file.set_len(entry.size).map_err(|error| cannot(path, &error))?;
        }
        Ok(self.beneath.finish_file(&file, attributes))
    }

    /// Writes the next bytes of the content, right out of the archive's buffer.
    fn write(&mut self, path: &Path, file: &File, piece: Piece) -> Result<()> {
        let mut written = 0;
        while written < piece.length {
            let bytes = self.archive.content()?;
            let wanted = usize::try_from(piece.length - written).unwrap_or(usize::MAX);
            let bytes = &bytes[..bytes.len().min(wanted)];
            file.write_all_at(bytes, piece.offset + written).map_err(|error| cannot(path, &error))?;
            let length = bytes.len();
            self.archive.consume(length);
            written += length as u64;
            if written < piece.length {
                (self.progress)(self.archive.position());
            }
        }
        Ok(())
    }

    fn hard_link(&mut self, path: &Path, target: &[u8]) -> Result<()> {
        let target = clean(target)?;
        self.beneath.hard_link(path, &target).map_err(|error| match error.raw_os_error() {
            Some(ENOENT | ENOTDIR) => {
                let why = format!("it is another name for {}, which is not in this layer", shown(&target));
                refused(path, &why, "A layer can only link to its own files. The image is damaged.")
            }
            _ => cannot(path, &error).hint(format!("It is another name for {}.", shown(&target))),
        })
    }

    fn skip_device(&mut self, path: &Path) -> Result<()> {
        self.done.devices_skipped.push(path.to_owned());
        Ok(())
    }

    fn attributes(&mut self, path: &Path, entry: &mut Entry) -> Result<Attributes> {
        Ok(Attributes {
            mode: entry.mode,
            owner: self.owner(path, entry)?,
            modified: entry.modified,
            xattrs: self.xattrs(path, std::mem::take(&mut entry.xattrs))?,
        })
    }

    fn owner(&mut self, path: &Path, entry: &Entry) -> Result<Option<(u32, u32)>> {
        // The highest number means "nobody" to chown(2).
        let id = |id: u64| u32::try_from(id).ok().filter(|id| *id != u32::MAX);
        let (Some(user), Some(group)) = (id(entry.uid), id(entry.gid)) else {
            let why = format!("its owner {}:{} is no user and group", entry.uid, entry.gid);
            return Err(refused(path, &why, MALICIOUS));
        };
        if self.options.ids == Ids::One {
            self.done.owners_lost += u64::from((user, group) != (0, 0));
            return Ok(None);
        }
        Ok(Some((user, group)))
    }

    fn xattrs(&mut self, path: &Path, named: Xattrs) -> Result<Xattrs> {
        let is_forged = |name: &[u8]| OVERLAYFS.iter().any(|prefix| name.starts_with(prefix));
        let (forged, wanted): (Xattrs, Xattrs) = named.into_iter().partition(|named| is_forged(named.0.to_bytes()));
        self.done.xattrs_forged += forged.len() as u64;
        if let Some((name, value)) = wanted.iter().find(|(_, value)| value.len() > LONGEST_XATTR) {
            let why = format!("its attribute {name:?} has {} bytes, {LONGEST_XATTR} at most are possible", value.len());
            return Err(refused(path, &why, MALICIOUS));
        }
        Ok(wanted)
    }
}

fn unknown(path: &Path, flag: u8) -> Error {
    let why = format!("it is an entry of an unknown kind (tar type '{}')", char::from(flag).escape_default());
    refused(path, &why, "Layers hold files, directories, links, devices and named pipes.")
}

fn unmapped(path: &Path, (user, group): (u32, u32)) -> Error {
    let why = format!("its owner {user}:{group} does not exist in this user namespace");
    refused(path, &why, "More ids can be granted in /etc/subuid and /etc/subgid: see subuid(5) and newuidmap(1).")
}

/// The system said no.
fn cannot(path: &Path, error: &io::Error) -> Error {
    let failed = Error::io(format!("cannot unpack {}", shown(path)), error);
    match error.raw_os_error() {
        Some(ENOENT | ENOTDIR | ELOOP) => {
            failed.hint("A part of its path is a file, or a symlink that leads nowhere in this layer.")
        }
        _ => failed,
    }
}

#[cfg(test)]
mod tests;
