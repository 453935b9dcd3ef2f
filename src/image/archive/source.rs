//! The files of an archive, by the names that they have in it.
//!
//! An archive comes from strangers. No name in it is ever used as a path on this machine: each file
//! is kept in the work directory under a number, and a link in the archive leads to
//! another name of the archive or nowhere.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use tar::{Archive, EntryType};

use crate::error::{Error, IoContext, Result};
use crate::image::decompress::decompress_any;
use crate::kernel::O_NOFOLLOW;

/// More files than any image has layers.
const MOST_FILES: usize = 100_000;
/// A document that is longer is none.
const LONGEST_DOCUMENT: u64 = 16 << 20;
/// So many links may lead to one another.
const MOST_LINKS: usize = 8;

/// Where files come from.
#[derive(Debug)]
pub enum Source {
    /// An archive: names, and what is behind each.
    Archive(HashMap<PathBuf, Found>),
    /// A directory that the user named.
    Directory(PathBuf),
}

/// What a name in an archive stands for.
#[derive(Debug)]
pub enum Found {
    /// A file in the work directory.
    File(PathBuf),
    /// Another name.
    Link(PathBuf),
}

impl Source {
    /// Keeps all files of an archive in the directory `scratch`.
    pub fn archive(input: impl Read + Send, scratch: &Path) -> Result<Self> {
        let doing = || "cannot read the archive".to_owned();
        let mut archive = Archive::new(decompress_any(input)?.1);
        let mut files = HashMap::new();
        for entry in archive.entries().or_fail(doing)? {
            let mut entry = entry.or_fail(doing)?;
            if files.len() >= MOST_FILES {
                return Err(Error::new(format!("cannot read the archive: it holds more than {MOST_FILES} files")));
            }
            let name = PathBuf::from(std::ffi::OsStr::from_bytes(&entry.path_bytes()));
            let link = entry.link_name_bytes().map(|name| PathBuf::from(std::ffi::OsStr::from_bytes(&name)));
            let found = match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                    let kept = scratch.join(format!("file-{}", files.len()));
                    let cannot_write = || format!("cannot write {}", kept.display());
                    let mut file = File::create(&kept).or_fail(cannot_write)?;
                    io::copy(&mut entry, &mut file).or_fail(cannot_write)?;
                    Found::File(kept)
                }
                EntryType::Symlink => match link {
                    Some(link) => Found::Link(name.parent().unwrap_or(Path::new("")).join(link)),
                    None => continue,
                },
                EntryType::Link => match link {
                    Some(link) => Found::Link(link),
                    None => continue,
                },
                _ => continue,
            };
            files.extend(normal(&name).map(|name| (name, found)));
        }
        // What follows the archive is read, too: a pipe's writer must not be cut off.
        io::copy(&mut archive.into_inner(), &mut io::sink()).or_fail(doing)?;
        Ok(Self::Archive(files))
    }

    /// The file of that name, to be read.
    pub fn file(&self, name: &str) -> Result<Option<PathBuf>> {
        match self {
            Self::Directory(root) => {
                let path = normal(Path::new(name)).map(|name| root.join(name));
                Ok(path.filter(|path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file())))
            }
            Self::Archive(files) => {
                let mut name = normal(Path::new(name));
                for _ in 0..MOST_LINKS {
                    match name.as_ref().and_then(|name| files.get(name)) {
                        None => return Ok(None),
                        Some(Found::File(path)) => return Ok(Some(path.clone())),
                        Some(Found::Link(target)) => name = normal(target),
                    }
                }
                Err(Error::new(format!("cannot read {name:?} in the archive: too many links lead to it")))
            }
        }
    }

    /// The bytes of a document.
    pub fn document(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(path) = self.file(name)? else { return Ok(None) };
        let doing = || format!("cannot read {name} of the archive");
        let mut bytes = Vec::new();
        let file = open(&path).or_fail(doing)?;
        file.take(LONGEST_DOCUMENT + 1).read_to_end(&mut bytes).or_fail(doing)?;
        if bytes.len() as u64 > LONGEST_DOCUMENT {
            return Err(Error::new(format!("{}: it is longer than any document of an image", doing())));
        }
        Ok(Some(bytes))
    }
}

/// Opens a file that is no symlink.
pub fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(O_NOFOLLOW.bits()).open(path)
}

/// A name without `.` and `..`; `None` for one that leads out.
fn normal(name: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in name.components() {
        match component {
            Component::Normal(part) => normal.push(part),
            Component::CurDir => {}
            Component::ParentDir if normal.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::{Source, normal};
    use std::path::Path;

    #[test]
    fn names_stay_in_the_archive() {
        for (name, expected) in [
            ("a/./b", Some("a/b")),
            ("a/../b", Some("b")),
            ("../b", None),
            ("/etc/passwd", None),
            ("a/../../b", None),
            ("./manifest.json", Some("manifest.json")),
        ] {
            assert_eq!(normal(Path::new(name)).as_deref(), expected.map(Path::new), "{name}");
        }
    }

    #[test]
    fn links_lead_to_names_of_the_archive_or_nowhere() {
        let mut archive = tar::Builder::new(Vec::new());
        let mut add = |name: &str, kind: tar::EntryType, link: &str, content: &str| {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(kind);
            header.set_link_name_literal(link).unwrap();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(content.len() as u64);
            header.set_cksum();
            archive.append(&header, content.as_bytes()).unwrap();
        };
        add("a/layer.tar", tar::EntryType::Symlink, "../real.tar", "");
        add("real.tar", tar::EntryType::Regular, "", "content");
        add("hard.tar", tar::EntryType::Link, "real.tar", "");
        add("out", tar::EntryType::Symlink, "/etc/passwd", "");
        add("up", tar::EntryType::Symlink, "../../../../etc/passwd", "");
        add("loop", tar::EntryType::Symlink, "loop", "");
        add("../evil", tar::EntryType::Regular, "", "evil");
        let bytes = archive.into_inner().unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let source = Source::archive(std::io::Cursor::new(bytes), scratch.path()).unwrap();
        for name in ["a/layer.tar", "real.tar", "hard.tar"] {
            assert_eq!(source.document(name).unwrap().unwrap(), b"content", "{name}");
        }
        for name in ["out", "up", "../evil", "/etc/passwd", "nothing"] {
            assert!(source.document(name).unwrap().is_none(), "{name}");
        }
        assert!(source.document("loop").is_err());
        assert!(!scratch.path().parent().unwrap().join("evil").exists());
    }
}
