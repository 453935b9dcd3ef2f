//! The dynamic loader's telephone book: /etc/ld.so.cache.
//!
//! ldconfig(8) writes down where each library lies, so that the loader needn't
//! search directories. The file is a header, a table of fixed-size entries,
//! and the strings that they point to (in glibc: sysdeps/generic/dl-cache.h).
//! This reads it, and writes one for the host image that lists
//! only the libraries which are in that image. It does *not* choose between the
//! variants for newer processors (glibc-hwcaps): the image takes the plain
//! library, which runs on every machine of this kind.
//! See ldconfig(8) and ld.so(8). Try `ldconfig --print-cache`.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Where the loader looks for it.
pub const PATH: &str = "/etc/ld.so.cache";

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER_SIZE: usize = 48;
const ENTRY_SIZE: usize = 24;
/// Where the header keeps the number of entries, the length of all strings, and the byte order.
const COUNT_AT: usize = 20;
const STRINGS_LENGTH_AT: usize = 24;
const BYTE_ORDER_AT: usize = 28;

/// One library: what it is called, and where it lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Kind of library and machine, as ldconfig encodes them; only copied here.
    flags: u32,
    /// What DT_NEEDED asks for: `libc.so.6`.
    pub name: OsString,
    /// Where it lies.
    pub path: PathBuf,
}

/// The parsed cache.
#[derive(Debug, Default)]
pub struct LdCache {
    entries: Vec<Entry>,
    by_name: HashMap<OsString, Vec<usize>>,
    byte_order: u8,
}

impl LdCache {
    /// Parses the file's bytes. `None`: not glibc's format (musl has no cache).
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        // Until glibc 2.32 an older table stood before this one.
        let start = bytes.windows(MAGIC.len()).position(|window| window == MAGIC)?;
        let bytes = &bytes[start..];
        let count = number(bytes, COUNT_AT)? as usize;
        let mut cache = Self { byte_order: *bytes.get(BYTE_ORDER_AT)?, ..Self::default() };
        let table = bytes.get(HEADER_SIZE..)?.chunks_exact(ENTRY_SIZE).take(count);
        for row in table {
            if is_plain(row)? {
                cache.push(Entry {
                    flags: number(row, 0)?,
                    name: string(bytes, number(row, 4)? as usize)?,
                    path: string(bytes, number(row, 8)? as usize)?.into(),
                });
            }
        }
        Some(cache)
    }

    fn push(&mut self, entry: Entry) {
        let known = self.by_name.entry(entry.name.clone()).or_default();
        known.push(self.entries.len());
        self.entries.push(entry);
    }

    /// The entries of that name, the best first.
    pub fn lookup(&self, name: &OsStr) -> impl Iterator<Item = &Entry> {
        let places = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|place| &self.entries[*place])
    }

    /// A cache that lists only the entries that `keep` wants. The loader searches the
    /// table by halves, so it must be sorted as ldconfig sorts; a part of
    /// a sorted table in the same order is sorted.
    pub fn only(&self, keep: impl Fn(&Path) -> bool) -> Vec<u8> {
        let kept: Vec<&Entry> = self.entries.iter().filter(|entry| keep(&entry.path)).collect();
        let mut strings = Vec::new();
        let strings_at = HEADER_SIZE + ENTRY_SIZE * kept.len();
        let mut place = |text: &OsStr| {
            let at = (strings_at + strings.len()) as u32;
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
            at
        };
        let mut table = Vec::new();
        for entry in &kept {
            let numbers = [entry.flags, place(&entry.name), place(entry.path.as_os_str())];
            table.extend(numbers.into_iter().flat_map(u32::to_ne_bytes));
            table.extend([0; 12]); // osversion and hwcap: for every system and processor
        }
        let mut bytes = self.header(kept.len(), strings.len());
        bytes.extend(table);
        bytes.extend(strings);
        bytes
    }

    fn header(&self, count: usize, strings_length: usize) -> Vec<u8> {
        let mut header = MAGIC.to_vec();
        header.extend((count as u32).to_ne_bytes());
        header.extend((strings_length as u32).to_ne_bytes());
        header.push(self.byte_order);
        header.resize(HEADER_SIZE, 0);
        debug_assert_eq!(number(&header, STRINGS_LENGTH_AT), Some(strings_length as u32));
        header
    }
}

/// Whether the entry is for any processor: its `hwcap` word is zero.
fn is_plain(row: &[u8]) -> Option<bool> {
    Some(number(row, 16)? == 0 && number(row, 20)? == 0)
}

/// A number as this machine writes it: the cache is made by and for one machine.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(four.try_into().ok()?))
}

fn string(bytes: &[u8], at: usize) -> Option<OsString> {
    let rest = bytes.get(at..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some(OsString::from_vec(rest[..end].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::{LdCache, PATH};
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::process::Command;

    /// `name => path` of all plain entries, as `ldconfig --print-cache` prints them.
    fn ldconfig(cache: &Path) -> BTreeSet<String> {
        let ldconfig = ["/sbin/ldconfig", "/usr/sbin/ldconfig"];
        let program = ldconfig.iter().find(|path| Path::new(path).exists()).unwrap();
        let output = Command::new(program).arg("-p").arg("-C").arg(cache).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().skip(1).filter(|line| line.contains(" => "));
        let plain = lines.filter(|line| !line.contains("hwcap"));
        plain
            .map(|line| {
                let (left, path) = line.trim().split_once(" => ").unwrap();
                format!("{} => {path}", left.split(" (").next().unwrap())
            })
            .collect()
    }

    fn ours(cache: &LdCache) -> BTreeSet<String> {
        let show = |entry: &super::Entry| format!("{} => {}", entry.name.display(), entry.path.display());
        cache.entries.iter().map(show).collect()
    }

    #[test]
    fn reads_what_ldconfig_reads() {
        let Ok(bytes) = std::fs::read(PATH) else {
            return eprintln!("skipped: this machine has no {PATH}");
        };
        let cache = LdCache::parse(&bytes).unwrap();
        assert_eq!(ours(&cache), ldconfig(Path::new(PATH)));
        let libc = cache.lookup("libc.so.6".as_ref()).next().unwrap();
        assert!(libc.path.exists());
        assert!(cache.lookup("libnothing.so.9".as_ref()).next().is_none());
    }

    #[test]
    fn ldconfig_reads_what_we_write() {
        let Ok(bytes) = std::fs::read(PATH) else {
            return eprintln!("skipped: this machine has no {PATH}");
        };
        let whole = LdCache::parse(&bytes).unwrap();
        let written = whole.only(|path| path.to_string_lossy().contains("libc"));
        let part = LdCache::parse(&written).unwrap();
        assert!(!part.entries.is_empty() && part.entries.len() < whole.entries.len());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &written).unwrap();
        assert_eq!(ours(&part), ldconfig(file.path()));
    }

    #[test]
    fn a_broken_cache_is_refused() {
        assert!(LdCache::parse(b"").is_none());
        assert!(LdCache::parse(b"glibc-ld.so.cache1.1").is_none());
        let mut bytes = LdCache::default().only(|_| true);
        assert!(LdCache::parse(&bytes).is_some());
        bytes[super::COUNT_AT] = 1;
        bytes.extend([0xff; super::ENTRY_SIZE]);
        assert_eq!(LdCache::parse(&bytes).map(|cache| cache.entries.len()), Some(0));
    }
}
