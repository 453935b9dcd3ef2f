//! A tree of files becomes a layer: one tar archive.
//!
//! What it builds: the archive, the same bytes for the same tree. Entries are in
//! order of their paths, everything belongs to root, times are whole
//! seconds, and no name or number of this machine's users gets in.
//! The archive is *not* compressed: nothing is downloaded, so compressing would only
//! cost time; and as the digest of the archive (the diff ID) is then also the
//! digest of the blob, the layer's two names are one.
//! See tar(5), and the OCI image specification, layer.md.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use oci_spec::image::Digest;
use tar::{Builder, EntryType, Header};

use super::digest::Hashing;
use crate::error::{Error, IoContext, Result};
use crate::kernel::O_NOFOLLOW;

/// A tree of files by absolute path; a directory sorts before what is in it.
pub type Tree = BTreeMap<PathBuf, Node>;

/// One file of a tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Permission bits.
    pub mode: u32,
    /// Seconds since 1970. Directories and files made up have none of their own.
    pub mtime: Option<u64>,
    pub content: Content,
}

/// What is in a file of a tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Directory,
    Symlink(PathBuf),
    /// Bytes that exist nowhere yet.
    Made(Vec<u8>),
    /// A file of this machine, at the same path.
    Host {
        device: u64,
        inode: u64,
        links: u64,
        size: u64,
    },
}

impl Node {
    /// The bytes that it adds to the layer.
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::Made(bytes) => bytes.len() as u64,
            Content::Host { size, .. } => *size,
            Content::Directory | Content::Symlink(_) => 0,
        }
    }
}

/// The newest time in a tree: what directories and made-up files get. It depends on the
/// files alone; the host's own times of directories change with whatever else is installed.
pub fn newest(tree: &Tree) -> u64 {
    tree.values().filter_map(|node| node.mtime).max().unwrap_or(0)
}

/// Writes the layer; its digest and size. `progress` is told the bytes written so far.
pub fn pack<W: Write>(tree: &Tree, output: W, progress: &mut dyn FnMut(u64)) -> Result<(W, Digest, u64)> {
    let mut packer =
        Packer { archive: Builder::new(Hashing::new(output)), otherwise: newest(tree), packed: HashMap::new() };
    for (path, node) in tree {
        packer.entry(path, node)?;
        progress(packer.archive.get_ref().bytes());
    }
    let hashing = packer.archive.into_inner().or_fail(cannot_write)?;
    Ok(hashing.finish())
}

fn cannot_write() -> String {
    "cannot write the layer".into()
}

struct Packer<W: Write> {
    archive: Builder<Hashing<W>>,
    /// The time of what has none.
    otherwise: u64,
    /// Files with several names: device and inode, and the name that holds the content.
    packed: HashMap<(u64, u64), PathBuf>,
}

impl<W: Write> Packer<W> {
    fn entry(&mut self, path: &Path, node: &Node) -> Result<()> {
        match &node.content {
            Content::Directory => self.append(path, node, EntryType::Directory, None),
            Content::Symlink(target) => self.append(path, node, EntryType::Symlink, Some(target.as_os_str())),
            Content::Made(bytes) => self.file(path, node, bytes.len() as u64, bytes.as_slice()),
            Content::Host { device, inode, links, size } => {
                let identity = (*device, *inode);
                let first = self.packed.get(&identity).cloned();
                if let Some(first) = first.filter(|_| *links > 1) {
                    let first = relative(&first).as_os_str();
                    return self.append(path, node, EntryType::Link, Some(first));
                }
                self.packed.insert(identity, path.to_owned());
                self.file(path, node, *size, open(path, identity, *size)?)
            }
        }
    }

    /// An entry without content.
    fn append(&mut self, path: &Path, node: &Node, kind: EntryType, link: Option<&OsStr>) -> Result<()> {
        let header = self.header(path, node, kind, link)?;
        self.archive.append(&header, io::empty()).or_fail(cannot_write)
    }

    fn file(&mut self, path: &Path, node: &Node, size: u64, content: impl Read) -> Result<()> {
        let mut header = self.header(path, node, EntryType::Regular, None)?;
        header.set_size(size);
        header.set_cksum();
        let mut content = Exactly { inner: content, left: size };
        self.archive.append(&header, &mut content).or_fail(|| format!("cannot pack {} into the layer", path.display()))
    }

    /// The header; what doesn't fit in it goes before it as PAX records.
    fn header(&mut self, path: &Path, node: &Node, kind: EntryType, link: Option<&OsStr>) -> Result<Header> {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(node.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        header.set_mtime(node.mtime.unwrap_or(self.otherwise));
        let mut path = relative(path).as_os_str().to_owned();
        if kind == EntryType::Directory {
            path.push("/");
        }
        let mut records = Vec::new();
        if header.set_path(&path).is_err() {
            records.push(("path", path.as_bytes()));
        }
        if let Some(link) = link
            && header.set_link_name_literal(link.as_bytes()).is_err()
        {
            records.push(("linkpath", link.as_bytes()));
        }
        if !records.is_empty() {
            self.archive.append_pax_extensions(records).or_fail(cannot_write)?;
        }
        header.set_cksum();
        Ok(header)
    }
}

/// Paths in a layer begin at its root, without a slash.
fn relative(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

/// Opens a file of this machine, if it still is the one that was seen.
fn open(path: &Path, identity: (u64, u64), size: u64) -> Result<impl Read> {
    let doing = || format!("cannot pack {} into the layer", path.display());
    let file = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW.bits()).open(path).or_fail(doing)?;
    let now = file.metadata().or_fail(doing)?;
    if (now.dev(), now.ino()) != identity || now.size() != size {
        return Err(Error::new(format!("{}: it has just changed", doing()))
            .hint("Programs are being installed or updated: try again when that is done."));
    }
    Ok(file)
}

/// A header has promised so many bytes: neither fewer nor more may follow.
struct Exactly<Inner> {
    inner: Inner,
    left: u64,
}

impl<Inner: Read> Read for Exactly<Inner> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let wanted = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.inner.read(&mut bytes[..wanted])?;
        if read == 0 && wanted > 0 {
            return Err(io::Error::other("the file became shorter while it was read"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, Node, Tree, pack};
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    fn node(content: Content, mtime: Option<u64>) -> Node {
        Node { mode: 0o644, mtime, content }
    }

    fn archive(tree: &Tree) -> Vec<u8> {
        pack(tree, Vec::new(), &mut |_| {}).unwrap().0
    }

    fn listing(bytes: &[u8]) -> Vec<(String, u64, tar::EntryType)> {
        let mut archive = tar::Archive::new(bytes);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            let path = String::from_utf8(entry.path_bytes().to_vec()).unwrap();
            (path, header.mtime().unwrap(), header.entry_type())
        });
        entries.collect()
    }

    #[test]
    fn entries_are_in_order_and_times_come_from_the_files() {
        let tree = Tree::from([
            ("/b/made".into(), node(Content::Made(b"text".to_vec()), None)),
            ("/b".into(), node(Content::Directory, None)),
            ("/a".into(), node(Content::Symlink("b".into()), Some(77))),
        ]);
        let kinds = [tar::EntryType::Symlink, tar::EntryType::Directory, tar::EntryType::Regular];
        let expected = ["a", "b/", "b/made"].map(String::from);
        let listed = listing(&archive(&tree));
        for (entry, (path, kind)) in listed.iter().zip(expected.into_iter().zip(kinds)) {
            assert_eq!(*entry, (path, 77, kind));
        }
        assert_eq!(listed.len(), 3);
        assert_eq!(archive(&tree), archive(&tree.clone()));
    }

    #[test]
    fn long_names_go_into_pax_records() {
        let long = format!("/{}/{}", "d".repeat(200), "f".repeat(200));
        let tree = Tree::from([(long.clone().into(), node(Content::Symlink(long.into()), None))]);
        let bytes = archive(&tree);
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path_bytes().len(), 401);
        assert_eq!(entry.link_name_bytes().unwrap().len(), 402);
    }

    #[test]
    fn a_file_with_two_names_is_packed_once_and_a_changed_one_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let names = ["one", "two"].map(|name| directory.path().join(name));
        std::fs::write(&names[0], "content").unwrap();
        std::fs::hard_link(&names[0], &names[1]).unwrap();
        let host = |path: &Path, size| {
            let seen = path.metadata().unwrap();
            let (device, inode, links) = (seen.dev(), seen.ino(), seen.nlink());
            node(Content::Host { device, inode, links, size }, Some(1))
        };
        let mut tree: Tree = names.iter().map(|path| (path.clone(), host(path, 7))).collect();
        let kinds: Vec<_> = listing(&archive(&tree)).into_iter().map(|entry| entry.2).collect();
        assert_eq!(kinds, [tar::EntryType::Regular, tar::EntryType::Link]);
        tree.insert(names[0].clone(), host(&names[0], 6));
        let error = pack(&tree, Vec::new(), &mut |_| {}).err().unwrap();
        assert!(error.to_string().contains("just changed"), "{error}");
    }
}
