//! All layers of an image as one tree: what a container would see.
//!
//! It is made from the archives alone, without unpacking: of every path it is known which
//! layer it comes from. A layer's whiteouts count for those below it, never for itself, so
//! they are applied first. A path beneath what is no directory makes it one, as it is in
//! a stack of directories (overlayfs), where nothing follows a symlink of another layer.
//! See the OCI image specification, layer.md, "Applying Changesets".

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use oci_spec::image::Digest;

use super::digest::Hashing;
use super::entries::{self, Entry, Kind};
use super::plain::Plain;
use super::{Image, Store};
use crate::error::{IoContext, Result};
use crate::kernel::Time;

/// Where an entry is: the number of the layer from the bottom, and of the entry in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Of the layer, the bottom one is 0.
    pub layer: usize,
    /// Of the entry in its archive.
    pub entry: usize,
}

/// A path of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What is known about it.
    pub entry: Entry,
    /// Which layer has the last word about it.
    pub layer: usize,
    /// Of a file: where its content is. Several names of one file share it.
    pub content: Option<Place>,
    /// Of a file: the digest of its content, if that was asked for.
    pub digest: Option<Digest>,
}

/// The tree. A directory sorts before what is in it, and that before its neighbours.
#[derive(Debug, Default)]
pub struct Merged {
    /// By path.
    pub nodes: BTreeMap<PathBuf, Node>,
}

/// What one layer does to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Added,
    /// It was there.
    Changed,
    /// It is not there any more.
    Deleted,
}

impl Store {
    /// The entries of one layer, with the digests of their contents if `digests` is set.
    pub fn layer_entries(&self, image: &Image, layer: usize, digests: bool) -> Result<Vec<(Entry, Option<Digest>)>> {
        let layer = &image.stack[layer];
        let mut plain = Plain::open(&self.layout.blob(layer.descriptor.digest()))?;
        let mut found = Vec::new();
        entries::read(&mut plain, &mut |entry, content| {
            let mut digest = None;
            if digests && entry.kind == Kind::File {
                let mut hashing = Hashing::new(io::sink());
                io::copy(content, &mut hashing).or_fail(|| "cannot read the layer".to_owned())?;
                digest = Some(hashing.finish().1);
            }
            found.push((entry, digest));
            Ok(())
        })?;
        plain.finish(&layer.diff_id)?;
        Ok(found)
    }

    /// The tree of an image.
    pub fn merged(&self, image: &Image, digests: bool) -> Result<Merged> {
        let mut merged = Merged::default();
        for layer in 0..image.stack.len() {
            merged.apply(layer, self.layer_entries(image, layer, digests)?);
        }
        Ok(merged)
    }
}

impl Merged {
    // ANCHOR: apply
    /// Puts a layer on top.
    pub fn apply(&mut self, layer: usize, entries: Vec<(Entry, Option<Digest>)>) {
        for (entry, _) in &entries {
            match entry.kind {
                Kind::Whiteout => self.remove(&entry.path, true),
                Kind::Opaque => self.remove(&entry.path, false),
                _ => {}
            }
        }
        for (number, (entry, digest)) in entries.into_iter().enumerate() {
            if !matches!(entry.kind, Kind::Whiteout | Kind::Opaque) {
                self.add(Place { layer, entry: number }, entry, digest);
            }
        }
    }

    fn add(&mut self, place: Place, entry: Entry, digest: Option<Digest>) {
        self.make_parents(&entry.path, place.layer);
        let path = entry.path.clone();
        if entry.kind != Kind::Directory || !self.is_directory(&path) {
            self.remove(&path, true);
        }
        let mut node = Node { entry, layer: place.layer, content: None, digest };
        match &node.entry.kind {
            Kind::File => node.content = Some(place),
            // A link to what is not there can't be: the name is nothing then.
            Kind::Link(target) => {
                let Some(target) = self.nodes.get(target).cloned() else { return };
                node = Node { layer: place.layer, ..target };
                node.entry.path = path.clone();
            }
            _ => {}
        }
        self.nodes.insert(path, node);
    }

    /// Directories that a layer uses without naming them.
    fn make_parents(&mut self, path: &Path, layer: usize) {
        let parents: Vec<&Path> = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()).collect();
        for parent in parents.into_iter().rev().filter(|parent| !self.is_directory(parent)).collect::<Vec<_>>() {
            self.remove(parent, true);
            let entry = Entry {
                path: parent.to_owned(),
                kind: Kind::Directory,
                mode: 0o755,
                uid: 0,
                gid: 0,
                modified: Time::default(),
                size: 0,
                xattrs: BTreeMap::new(),
            };
            self.nodes.insert(parent.to_owned(), Node { entry, layer, content: None, digest: None });
        }
    }

    /// The root is one, named or not.
    fn is_directory(&self, path: &Path) -> bool {
        path.as_os_str().is_empty() || self.nodes.get(path).is_some_and(|node| node.entry.kind == Kind::Directory)
    }

    /// Removes what is below a path, and perhaps the path itself.
    fn remove(&mut self, path: &Path, itself: bool) {
        let below = self.nodes.range(path.to_owned()..).map(|(found, _)| found);
        let gone: Vec<PathBuf> = below.take_while(|found| found.starts_with(path)).cloned().collect();
        for found in gone.iter().filter(|found| itself || *found != path) {
            self.nodes.remove(found);
        }
    }
    // ANCHOR_END: apply

    /// What the layer of these entries would do to `path`, and by which entry.
    pub fn change(&self, path: &Path, entries: &[(Entry, Option<Digest>)]) -> Option<(Change, Entry)> {
        let existed = self.nodes.contains_key(path);
        let names = |entry: &&(Entry, Option<Digest>)| {
            entry.0.path == path && !matches!(entry.0.kind, Kind::Whiteout | Kind::Opaque)
        };
        if let Some((entry, _)) = entries.iter().rev().find(names) {
            return Some((if existed { Change::Changed } else { Change::Added }, entry.clone()));
        }
        let hides = |entry: &&(Entry, Option<Digest>)| match entry.0.kind {
            Kind::Whiteout => path.starts_with(&entry.0.path),
            Kind::Opaque => path != entry.0.path && path.starts_with(&entry.0.path),
            // What is no directory now has nothing below it any more.
            Kind::Directory => false,
            _ => path != entry.0.path && path.starts_with(&entry.0.path),
        };
        let (entry, _) = entries.iter().find(hides)?;
        existed.then(|| (Change::Deleted, entry.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Merged};
    use crate::image::entries::{Entry, Kind};
    use std::collections::BTreeMap;
    use std::path::Path;

    fn layer(entries: &[(&str, Kind)]) -> Vec<(Entry, Option<oci_spec::image::Digest>)> {
        let entry = |(path, kind): &(&str, Kind)| Entry {
            path: (*path).into(),
            kind: kind.clone(),
            mode: 0o644,
            uid: 0,
            gid: 0,
            modified: Default::default(),
            size: 0,
            xattrs: BTreeMap::new(),
        };
        entries.iter().map(|made| (entry(made), None)).collect()
    }

    fn paths(merged: &Merged) -> Vec<String> {
        merged.nodes.keys().map(|path| path.display().to_string()).collect()
    }

    fn link(to: &str) -> Kind {
        Kind::Link(to.into())
    }

    #[test]
    fn whiteouts_hide_what_is_below_and_not_what_is_beside() {
        let mut merged = Merged::default();
        merged.apply(0, layer(&[("a/x", Kind::File), ("a.b", Kind::File), ("o/old", Kind::File), ("w", Kind::File)]));
        merged.apply(
            1,
            layer(&[
                ("w", Kind::File),
                ("o/new", Kind::File),
                ("o", Kind::Opaque),
                ("a", Kind::Whiteout),
                ("w", Kind::Whiteout),
            ]),
        );
        assert_eq!(paths(&merged), ["a.b", "o", "o/new", "w"]);
        assert_eq!(merged.nodes[Path::new("w")].layer, 1);
    }

    #[test]
    fn a_directory_replaces_a_symlink_and_a_file_a_directory() {
        let mut merged = Merged::default();
        merged.apply(
            0,
            layer(&[("lib", Kind::Symlink("usr/lib".into())), ("d/x/y", Kind::File), ("usr/lib/z", Kind::File)]),
        );
        merged.apply(1, layer(&[("lib/new", Kind::File), ("d", Kind::File)]));
        assert_eq!(paths(&merged), ["d", "lib", "lib/new", "usr", "usr/lib", "usr/lib/z"]);
        assert_eq!(merged.nodes[Path::new("lib")].entry.kind, Kind::Directory);
    }

    #[test]
    fn a_layer_that_names_the_root_hides_nothing() {
        let mut merged = Merged::default();
        merged.apply(0, layer(&[("x", Kind::File)]));
        merged.apply(1, layer(&[("", Kind::Directory), ("y", Kind::File)]));
        assert_eq!(paths(&merged), ["", "x", "y"]);
    }

    #[test]
    fn names_of_one_file_share_its_content() {
        let mut merged = Merged::default();
        merged.apply(0, layer(&[("a", Kind::File), ("b", link("a")), ("c", link("nothing"))]));
        merged.apply(1, layer(&[("a", Kind::File)]));
        let content = |name: &str| merged.nodes[Path::new(name)].content.map(|place| place.layer);
        assert_eq!((content("a"), content("b")), (Some(1), Some(0)));
        assert_eq!(paths(&merged), ["a", "b"]);
    }

    #[test]
    fn a_layer_adds_changes_or_deletes_a_path() {
        let mut merged = Merged::default();
        let first = layer(&[("a/b", Kind::File)]);
        let change = |merged: &Merged, entries: &[_]| merged.change(Path::new("a/b"), entries).map(|found| found.0);
        assert_eq!(change(&merged, &first), Some(Change::Added));
        merged.apply(0, first.clone());
        assert_eq!(change(&merged, &first), Some(Change::Changed));
        for gone in [("a", Kind::Whiteout), ("a", Kind::Opaque), ("a", Kind::Fifo), ("a/b", Kind::Whiteout)] {
            assert_eq!(change(&merged, &layer(&[gone])), Some(Change::Deleted));
        }
        assert_eq!(change(&merged, &layer(&[("a", Kind::Directory), ("c", Kind::Whiteout)])), None);
    }
}
