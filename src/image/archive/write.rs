//! Writes a tar archive that every tool reads: ustar headers, and PAX records for what they
//! can't hold. See tar(5), pax(1).

use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tar::{Builder, EntryType, Header};

use crate::error::{IoContext, Result};
use crate::image::entries::{Entry, Kind, XATTR};

/// The archive.
pub struct Writer<W: Write> {
    archive: Builder<W>,
}

impl<W: Write> Writer<W> {
    pub fn new(output: W) -> Self {
        Self { archive: Builder::new(output) }
    }

    /// Writes the end of the archive.
    pub fn finish(self) -> Result<W> {
        self.archive.into_inner().and_then(|mut output| output.flush().map(|()| output)).or_fail(cannot_write)
    }

    /// An entry as it was in a layer, at `path`; a file with its content.
    pub fn entry(&mut self, path: &Path, entry: &Entry, content: &mut dyn Read) -> Result<()> {
        let (kind, link) = match &entry.kind {
            Kind::Directory => (EntryType::Directory, None),
            Kind::File => (EntryType::Regular, None),
            Kind::Symlink(target) => (EntryType::Symlink, Some(target.as_path())),
            Kind::Link(target) => (EntryType::Link, Some(target.as_path())),
            Kind::Character(..) => (EntryType::Char, None),
            Kind::Block(..) => (EntryType::Block, None),
            Kind::Fifo => (EntryType::Fifo, None),
            Kind::Whiteout | Kind::Opaque => return Ok(()),
        };
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(entry.mode);
        header.set_uid(entry.uid);
        header.set_gid(entry.gid);
        header.set_mtime(entry.mtime);
        header.set_size(if kind == EntryType::Regular { entry.size } else { 0 });
        if let Kind::Character(major, minor) | Kind::Block(major, minor) = entry.kind {
            header.set_device_major(major).and_then(|()| header.set_device_minor(minor)).or_fail(cannot_write)?;
        }
        let mut name = if path.as_os_str().is_empty() { ".".into() } else { path.as_os_str().to_owned() };
        if kind == EntryType::Directory {
            name.push("/");
        }
        let mut records: Vec<(String, Vec<u8>)> =
            entry.xattrs.iter().map(|(name, value)| (format!("{XATTR}{name}"), value.clone())).collect();
        if header.set_path(&name).is_err() {
            records.push(("path".to_owned(), name.as_bytes().to_vec()));
        }
        if let Some(link) = link.map(|link| link.as_os_str().as_bytes())
            && header.set_link_name_literal(link).is_err()
        {
            records.push(("linkpath".to_owned(), link.to_vec()));
        }
        self.append(header, &records, content)
    }

    /// A file of the archive's own: a document, or a whole layer.
    pub fn file(&mut self, name: &str, size: u64, content: &mut dyn Read) -> Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(size);
        header.set_path(name).or_fail(cannot_write)?;
        self.append(header, &[], content)
    }

    fn append(&mut self, mut header: Header, records: &[(String, Vec<u8>)], content: &mut dyn Read) -> Result<()> {
        if !records.is_empty() {
            let records = records.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
            self.archive.append_pax_extensions(records).or_fail(cannot_write)?;
        }
        header.set_cksum();
        let size = header.size().or_fail(cannot_write)?;
        let mut content = content.take(size);
        self.archive.append(&header, &mut content).or_fail(cannot_write)?;
        match content.limit() {
            0 => Ok(()),
            // The archive would be out of step from here on.
            _ => Err(io::Error::from(io::ErrorKind::UnexpectedEof)).or_fail(cannot_write),
        }
    }
}

fn cannot_write() -> String {
    "cannot write the archive".to_owned()
}
