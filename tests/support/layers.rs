//! Layers made by hand, byte by byte, and trees described so that two can be compared.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// One entry of a layer.
#[derive(Clone)]
pub struct Made {
    pub path: String,
    pub kind: u8,
    pub link: String,
    pub content: Vec<u8>,
    pub mode: u32,
    pub owner: (u64, u64),
    pub device: (u32, u32),
    /// What is written before the header (pax(1p)).
    pub records: Vec<(String, Vec<u8>)>,
}

/// An entry of that type flag, `0` for a file.
pub fn entry(kind: u8, path: &str) -> Made {
    let mode = if kind == b'5' { 0o755 } else { 0o644 };
    Made {
        path: path.into(),
        kind,
        link: String::new(),
        content: Vec::new(),
        mode,
        owner: (0, 0),
        device: (0, 0),
        records: Vec::new(),
    }
}

pub fn file(path: &str, content: &str) -> Made {
    Made { content: content.into(), ..entry(b'0', path) }
}

pub fn link(kind: u8, path: &str, target: &str) -> Made {
    Made { link: target.into(), ..entry(kind, path) }
}

impl Made {
    pub fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub fn owner(self, uid: u64, gid: u64) -> Self {
        Self { owner: (uid, gid), ..self }
    }

    pub fn device(self, major: u32, minor: u32) -> Self {
        Self { device: (major, minor), ..self }
    }

    pub fn record(mut self, key: &str, value: &[u8]) -> Self {
        self.records.push((key.into(), value.to_owned()));
        self
    }

    fn append(&self, archive: &mut Vec<u8>) {
        let mut records = self.records.clone();
        if self.path.len() > 100 {
            records.push(("path".into(), self.path.clone().into_bytes()));
        }
        if self.link.len() > 100 {
            records.push(("linkpath".into(), self.link.clone().into_bytes()));
        }
        if !records.is_empty() {
            let text: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
            block(archive, b'x', b"records", b"", &text, self);
        }
        block(archive, self.kind, self.path.as_bytes(), self.link.as_bytes(), &self.content, self);
    }
}

/// The archive, with the two blocks of zeros at its end.
pub fn archive(entries: &[Made]) -> Vec<u8> {
    let mut archive = Vec::new();
    entries.iter().for_each(|entry| entry.append(&mut archive));
    archive.extend([0; 1024]);
    archive
}

/// `LENGTH KEY=VALUE\n`, the length with itself.
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let length = (1..).map(|digits| rest + digits).find(|length| length.to_string().len() + rest == *length);
    [format!("{} {key}=", length.expect("a length")).as_bytes(), value, b"\n"].concat()
}

fn block(archive: &mut Vec<u8>, kind: u8, path: &[u8], link: &[u8], content: &[u8], of: &Made) {
    let mut header = tar::Header::new_ustar();
    let fields = header.as_ustar_mut().expect("a header of that kind");
    fields.name[..path.len().min(100)].copy_from_slice(&path[..path.len().min(100)]);
    fields.linkname[..link.len().min(100)].copy_from_slice(&link[..link.len().min(100)]);
    header.as_old_mut().linkflag = [kind];
    header.set_mode(of.mode);
    header.set_uid(of.owner.0);
    header.set_gid(of.owner.1);
    header.set_size(content.len() as u64);
    header.set_mtime(1_500_000_000);
    header.set_device_major(of.device.0).expect("a number that fits");
    header.set_device_minor(of.device.1).expect("a number that fits");
    header.set_cksum();
    archive.extend(header.as_bytes());
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
}

/// All that a tree holds, a line a path: what two trees must have in common.
pub fn describe(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut names: BTreeMap<u64, PathBuf> = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        let seen = path.symlink_metadata().expect("a file that is there");
        let inside = path.strip_prefix(root).expect("beneath the root").to_owned();
        if seen.is_dir() {
            let mut entries: Vec<_> =
                fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
            entries.sort();
            open.extend(entries.into_iter().rev());
        }
        // Names of one file are said to be so by the first of them.
        let first = names.entry(seen.ino()).or_insert_with(|| inside.clone()).clone();
        let same = if seen.is_dir() || first == inside { String::new() } else { format!(" same as {first:?}") };
        let line = format!(
            "{:o} {}:{} {}.{:09} {:x}{same} {} {:?}",
            seen.mode(),
            seen.uid(),
            seen.gid(),
            seen.mtime(),
            seen.mtime_nsec(),
            seen.rdev(),
            content(&path, &seen),
            xattrs(&path),
        );
        found.insert(inside, line);
    }
    found
}

/// What differs between two trees; nothing if they are the same.
pub fn differences(one: &Path, other: &Path) -> Vec<String> {
    let (one, other) = (describe(one), describe(other));
    let paths: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let differ = |path: &&&PathBuf| one.get(**path) != other.get(**path);
    paths
        .iter()
        .filter(differ)
        .map(|path| format!("{path:?}: {:?} against {:?}", one.get(*path), other.get(*path)))
        .collect()
}

fn content(path: &Path, seen: &fs::Metadata) -> String {
    let kind = seen.file_type();
    if kind.is_symlink() {
        return format!("-> {:?}", fs::read_link(path).expect("a symlink"));
    }
    if kind.is_dir() || kind.is_fifo() || kind.is_char_device() || kind.is_block_device() {
        return String::new();
    }
    if seen.len() > 1 << 30 {
        return format!("{} bytes, {} blocks", seen.len(), seen.blocks());
    }
    let bytes = fs::read(path).expect("a file that can be read");
    let sum = bytes.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte) + 1));
    format!("{} bytes {sum:x}", bytes.len())
}

/// Extended attributes, and their values as text or numbers.
pub fn xattrs(path: &Path) -> BTreeMap<String, String> {
    let path = CString::new(path.as_os_str().as_bytes()).expect("no zero byte");
    let mut names = vec![0_u8; 65_536];
    // SAFETY: the path is a C string, and the buffer is as long as is said.
    let length = unsafe { libc::llistxattr(path.as_ptr(), names.as_mut_ptr().cast(), names.len()) };
    let names = &names[..usize::try_from(length).unwrap_or(0)];
    let value = |name: &[u8]| {
        let name = CString::new(name).expect("no zero byte");
        let mut value = vec![0_u8; 65_536];
        // SAFETY: path and name are C strings, and the buffer is as long as is said.
        let length = unsafe { libc::lgetxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
        value[..usize::try_from(length).unwrap_or(0)].escape_ascii().to_string()
    };
    let named = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    named.map(|name| (String::from_utf8_lossy(name).into_owned(), value(name))).collect()
}
