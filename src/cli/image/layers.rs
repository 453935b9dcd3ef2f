//! `boxlab image layers`: the stack, layer by layer, and where a file in it comes from.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::history::instruction;
use super::{familiar_name, open};
use crate::catalog::{about, after_help};
use crate::cli::context::{Context, utf8};
use crate::cli::{output, units};
use crate::error::{Error, Result};
use crate::image::{Change, Entry, Image, Kind, Merged, Store};

/// The layers of an image as a stack
#[derive(Debug, Args)]
#[command(about = about("image layers"), after_help = after_help("image layers"))]
pub struct Layers {
    /// A name, an ID, or the beginning of one
    image: String,
    /// Which layers add, change or delete this path, and which one is seen
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// `text` or `json`
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

/// A layer of the picture.
#[derive(Debug, Serialize)]
struct Shown {
    /// From the bottom, which is 1.
    number: usize,
    digest: String,
    diff_id: String,
    chain_id: String,
    media_type: String,
    size: u64,
    created_by: String,
    files: usize,
    bytes: u64,
    whiteouts: usize,
    shared_with: Vec<String>,
    unpacked: Option<PathBuf>,
}

/// What a layer does to the path that was asked for.
#[derive(Debug, Serialize)]
struct Touched {
    number: usize,
    created_by: String,
    change: &'static str,
    what: String,
    seen: bool,
}

impl Layers {
    /// Draws the stack, the top first.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let store = open(context)?;
        let image = store.resolve(&self.image)?.image;
        if let Some(path) = &self.file {
            return self.file(&store, &image, path);
        }
        let others = store.images()?;
        let mut shown = Vec::new();
        for number in 0..image.stack.len() {
            shown.push(layer(&store, &image, number, &others)?);
        }
        if self.format == "json" {
            return output::json(&shown).map(|()| 0);
        }
        output::print(&picture(&shown)).map(|()| 0)
    }

    fn file(&self, store: &Store, image: &Image, path: &Path) -> Result<i32> {
        let wanted = path.strip_prefix("/").unwrap_or(path);
        let mut merged = Merged::default();
        let mut touched = Vec::new();
        for (index, by) in created_by(image).into_iter().enumerate() {
            let entries = store.layer_entries(image, index, false)?;
            if let Some((change, entry)) = merged.change(wanted, &entries) {
                let what = what(change, &entry, wanted);
                touched.push(Touched { number: index + 1, created_by: by, change: word(change), what, seen: false });
            }
            merged.apply(index, entries);
        }
        if touched.is_empty() {
            return Err(Error::new(format!("no layer of {} has /{}", self.image, wanted.display()))
                .hint("Paths begin at the root of the image; symbolic links are not followed."));
        }
        let seen = merged.nodes.get(wanted).map(|node| node.layer + 1);
        touched.iter_mut().for_each(|touched| touched.seen = Some(touched.number) == seen);
        if self.format == "json" {
            return output::json(&touched).map(|()| 0);
        }
        let line = |touched: &Touched| {
            let mark = if touched.seen { "  <- this is what a container sees" } else { "" };
            let by = if touched.created_by.is_empty() { "" } else { "\n         by " };
            format!(
                "layer {:<2} {:<8} {}{mark}{by}{}\n",
                touched.number, touched.change, touched.what, touched.created_by
            )
        };
        let mut text: String = touched.iter().rev().map(line).collect();
        if seen.is_none() {
            text.push_str("A container does not see it.\n");
        }
        output::print(&text).map(|()| 0)
    }
}

fn layer(store: &Store, image: &Image, index: usize, others: &[Image]) -> Result<Shown> {
    let layer = &image.stack[index];
    let entries = store.layer_entries(image, index, false)?;
    let hides = |entry: &Entry| matches!(entry.kind, Kind::Whiteout | Kind::Opaque);
    let has = |other: &&Image| other.id != image.id && other.stack.iter().any(|other| other.diff_id == layer.diff_id);
    let mut shared_with: Vec<String> = others.iter().filter(has).map(familiar_name).collect();
    shared_with.sort();
    Ok(Shown {
        number: index + 1,
        digest: layer.descriptor.digest().to_string(),
        diff_id: layer.diff_id.to_string(),
        chain_id: layer.chain.to_string(),
        media_type: layer.descriptor.media_type().to_string(),
        size: layer.descriptor.size(),
        created_by: created_by(image).swap_remove(index),
        files: entries.iter().filter(|(entry, _)| !hides(entry)).count(),
        bytes: entries.iter().map(|(entry, _)| entry.size).sum(),
        whiteouts: entries.iter().filter(|(entry, _)| hides(entry)).count(),
        shared_with,
        unpacked: layer.place.is_dir().then(|| layer.place.clone()),
    })
}

/// The instruction of each layer; those of steps without one are left out.
fn created_by(image: &Image) -> Vec<String> {
    let history = image.config.history().iter().flatten();
    let mut by: Vec<String> = history.filter(|step| !step.empty_layer().unwrap_or(false)).map(instruction).collect();
    by.resize(image.stack.len(), String::new());
    by
}

fn picture(shown: &[Shown]) -> String {
    let (corner, side, foot) = if utf8() { ("┌─", "│ ", "└─") } else { ("+-", "| ", "+-") };
    let mut text = String::new();
    for layer in shown.iter().rev() {
        let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let mut inside = plural(layer.files, "entry").replace("entrys", "entries");
        if layer.whiteouts > 0 {
            inside += &format!(", {} of the layers below", plural(layer.whiteouts, "whiteout"));
        }
        let size = format!("{} stored, {} of files, {inside}", units::size(layer.size), units::size(layer.bytes));
        text += &format!("{corner} layer {}: {size}\n", layer.number);
        let unpacked = layer.unpacked.as_ref().map_or_else(|| "no".to_owned(), |place| place.display().to_string());
        let mut rows = vec![("digest", layer.digest.clone())];
        // Where a layer is not compressed, its two names are one.
        if layer.digest != layer.diff_id {
            rows.push(("diff ID", layer.diff_id.clone()));
        }
        rows.extend([("chain ID", layer.chain_id.clone()), ("kind", layer.media_type.clone()), ("unpacked", unpacked)]);
        if !layer.created_by.is_empty() {
            rows.insert(0, ("made by", layer.created_by.clone()));
        }
        if !layer.shared_with.is_empty() {
            rows.push(("also in", layer.shared_with.join(", ")));
        }
        text.extend(rows.iter().map(|(label, value)| format!("{side}{label:<9}{value}\n")));
    }
    if text.is_empty() { "There are no layers.\n".to_owned() } else { text + foot + "\n" }
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Added => "adds",
        Change::Changed => "changes",
        Change::Deleted => "deletes",
    }
}

/// What is at the path, or what takes it away.
fn what(change: Change, entry: &Entry, wanted: &Path) -> String {
    let above = if entry.path == wanted { String::new() } else { format!(" /{}", entry.path.display()) };
    if change == Change::Deleted {
        return match entry.kind {
            Kind::Whiteout => format!("by the whiteout{above}"),
            Kind::Opaque => format!("by the opaque directory{above}"),
            _ => format!("since{above} is no directory any more"),
        };
    }
    let kind = match &entry.kind {
        Kind::File => format!("file, {}", units::size(entry.size)),
        Kind::Directory => "directory".to_owned(),
        Kind::Symlink(target) => format!("symbolic link to {}", target.display()),
        Kind::Link(target) => format!("another name of /{}", target.display()),
        Kind::Character(major, minor) => format!("character device {major}:{minor}"),
        Kind::Block(major, minor) => format!("block device {major}:{minor}"),
        Kind::Fifo => "named pipe".to_owned(),
        Kind::Whiteout | Kind::Opaque => "whiteout".to_owned(),
    };
    format!("{kind}, mode {:04o}, owner {}:{}", entry.mode, entry.uid, entry.gid)
}
