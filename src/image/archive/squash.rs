//! The root filesystem of an image as one archive: of every path only what the last word is.
//!
//! Everything without content comes first, directories before what is in them; then the files, layer
//! by layer as they are stored, each with its other names after it. A file whose first
//! name is gone lives on under another one.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::write::Writer;
use crate::error::Result;
use crate::image::entries::{self, Entry, Kind};
use crate::image::merged::{Merged, Place};
use crate::image::plain::Plain;
use crate::image::{Image, Store};

impl Store {
    /// Writes the root filesystem of an image as a tar archive.
    pub fn export<W: Write>(&self, image: &Image, output: W) -> Result<W> {
        // The first reading has checked every digest before anything is written.
        let merged = self.merged(image, false)?;
        let mut archive = Writer::new(output);
        for (path, node) in &merged.nodes {
            if node.content.is_none() {
                archive.entry(path, &node.entry, &mut io::empty())?;
            }
        }
        let names = names(&merged);
        for layer in 0..image.stack.len() {
            self.export_files(image, layer, &names, &mut archive)?;
        }
        archive.finish()
    }

    fn export_files<W: Write>(
        &self,
        image: &Image,
        layer: usize,
        names: &HashMap<Place, Vec<&Path>>,
        archive: &mut Writer<W>,
    ) -> Result<()> {
        let mut plain = Plain::open(&self.layout.blob(image.stack[layer].descriptor.digest()))?;
        let mut number = 0;
        entries::read(&mut plain, &mut |entry: Entry, content: &mut dyn Read| {
            let place = Place { layer, entry: number };
            number += 1;
            let Some((first, others)) = names.get(&place).and_then(|names| names.split_first()) else {
                return Ok(());
            };
            archive.entry(first, &entry, content)?;
            let link = Entry { kind: Kind::Link(PathBuf::from(first)), ..entry };
            others.iter().try_for_each(|name| archive.entry(name, &link, &mut io::empty()))
        })?;
        plain.finish(&image.stack[layer].diff_id)
    }
}

/// The names of each file that is still to be seen.
fn names(merged: &Merged) -> HashMap<Place, Vec<&Path>> {
    let mut names: HashMap<Place, Vec<&Path>> = HashMap::new();
    for (path, node) in &merged.nodes {
        if let Some(place) = node.content {
            names.entry(place).or_default().push(path);
        }
    }
    names
}
