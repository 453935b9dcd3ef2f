//! Writes a tar archive that every tool reads: ustar headers, and PAX records for what they
//! can't hold. See tar(5), pax(1).

use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tar::{Builder, EntryType, Header};

use crate::error::{IoContext, Result};
use crate::image::entries::{Entry, Kind};
use crate::kernel::Time;

/// Extended attributes are PAX records with this prefix.
const XATTR: &[u8] = b"SCHILY.xattr.";

/// A key and its value.
type Record = (Vec<u8>, Vec<u8>);

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
        header.set_mtime(u64::try_from(entry.modified.seconds).unwrap_or(0));
        header.set_size(if kind == EntryType::Regular { entry.size } else { 0 });
        if let Kind::Character(major, minor) | Kind::Block(major, minor) = entry.kind {
            header.set_device_major(major).and_then(|()| header.set_device_minor(minor)).or_fail(cannot_write)?;
        }
        let mut name = if path.as_os_str().is_empty() { ".".into() } else { path.as_os_str().to_owned() };
        if kind == EntryType::Directory {
            name.push("/");
        }
        let mut records: Vec<Record> =
            entry.xattrs.iter().map(|(name, value)| ([XATTR, name].concat(), value.clone())).collect();
        records.extend(time(entry.modified).map(|time| (b"mtime".to_vec(), time.into_bytes())));
        if header.set_path(&name).is_err() {
            records.push((b"path".to_vec(), name.as_bytes().to_vec()));
        }
        if let Some(link) = link.map(|link| link.as_os_str().as_bytes())
            && header.set_link_name_literal(link).is_err()
        {
            records.push((b"linkpath".to_vec(), link.to_vec()));
        }
        self.append(header, &records, content)
    }

    /// A file of the archive's own: a document, or a whole layer.
    pub fn file(&mut self, name: &str, size: u64, content: &mut dyn Read) -> Result<()> {
        self.own(EntryType::Regular, 0o644, name, size, content)
    }

    /// A directory of the archive's own.
    pub fn directory(&mut self, name: &str) -> Result<()> {
        self.own(EntryType::Directory, 0o755, name, 0, &mut io::empty())
    }

    fn own(&mut self, kind: EntryType, mode: u32, name: &str, size: u64, content: &mut dyn Read) -> Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(size);
        header.set_path(name).or_fail(cannot_write)?;
        self.append(header, &[], content)
    }

    fn append(&mut self, mut header: Header, records: &[Record], content: &mut dyn Read) -> Result<()> {
        if !records.is_empty() {
            let text: Vec<u8> = records.iter().flat_map(record).collect();
            let mut before = Header::new_ustar();
            before.set_entry_type(EntryType::XHeader);
            before.set_path("PaxHeader").or_fail(cannot_write)?;
            before.set_mode(0o644);
            before.set_size(text.len() as u64);
            before.set_cksum();
            self.archive.append(&before, text.as_slice()).or_fail(cannot_write)?;
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

/// What a header can't say: parts of a second, and times before 1970.
fn time(modified: Time) -> Option<String> {
    let Time { seconds, nanoseconds } = modified;
    match (seconds, nanoseconds) {
        (0.., 0) => None,
        (0.., _) => Some(format!("{seconds}.{nanoseconds:09}")),
        (_, 0) => Some(seconds.to_string()),
        // -0.25 is second -1 and 0.75 of the next.
        (_, _) => Some(format!("-{}.{:09}", -(seconds + 1), 1_000_000_000 - nanoseconds)),
    }
}

/// `LENGTH KEY=VALUE` and a line break; the length counts its own digits, too. pax(1)
fn record((key, value): &Record) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    // One more digit may have become necessary by counting the digits.
    length = rest + length.to_string().len();
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::{Time, record, time};

    #[test]
    fn records_count_themselves() {
        for length in [1, 5, 85, 86, 87, 88, 89, 90, 985, 986, 987, 988, 989, 990, 9990] {
            let record = record(&(b"path".to_vec(), vec![b'x'; length]));
            let said: usize = String::from_utf8_lossy(&record).split(' ').next().unwrap().parse().unwrap();
            assert_eq!(said, record.len());
        }
    }

    #[test]
    fn times_that_a_header_can_not_say() {
        let time = |seconds, nanoseconds| time(Time { seconds, nanoseconds });
        assert_eq!(time(1, 0), None);
        assert_eq!(time(1, 5).as_deref(), Some("1.000000005"));
        assert_eq!(time(-5, 0).as_deref(), Some("-5"));
        assert_eq!(time(-1, 750_000_000).as_deref(), Some("-0.250000000"));
    }
}
