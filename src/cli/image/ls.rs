//! `boxlab images`: which images there are.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};

use super::{names, open, short};
use crate::catalog::{about, after_help};
use crate::cli::context::Context;
use crate::cli::filter::{self, Filter};
use crate::cli::table::List;
use crate::cli::{output, units};
use crate::error::{Error, Result};
use crate::image::{Image, Reference, Store};

/// Which images there are
#[derive(Debug, Args)]
#[command(about = about("image ls"), after_help = after_help("image ls"))]
pub struct Ls {
    /// Only images of this name, or of this name and tag
    name: Option<String>,
    /// Also images that are only a part of others: boxlab makes none
    #[arg(short, long)]
    all: bool,
    /// Show by which digest the registry knows each
    #[arg(long)]
    digests: bool,
    /// dangling=BOOL, reference=PATTERN, label=KEY[=VALUE], before=IMAGE, since=IMAGE
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// `table`, `json`, or a Go template: '{{.Repository}}:{{.Tag}}'
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Show whole IDs
    #[arg(long)]
    no_trunc: bool,
    /// Show IDs alone
    #[arg(short, long)]
    quiet: bool,
}

const HEADINGS: &[(&str, &str)] = &[
    ("Repository", "REPOSITORY"),
    ("Tag", "TAG"),
    ("Digest", "DIGEST"),
    ("ID", "IMAGE ID"),
    ("CreatedSince", "CREATED"),
    ("CreatedAt", "CREATED AT"),
    ("Size", "SIZE"),
    ("SharedSize", "SHARED SIZE"),
    ("UniqueSize", "UNIQUE SIZE"),
];
const PLAIN: List =
    List { default: "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}", headings: HEADINGS };
const WITH_DIGESTS: List = List {
    default: "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
    headings: HEADINGS,
};

impl Ls {
    /// Prints them, the newest first.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let store = open(context)?;
        let images = store.images()?;
        let wanted = self.wanted(&store)?;
        let uses = layer_uses(&images);
        let chosen: Vec<&Image> = images.iter().filter(|image| wanted.iter().all(|wanted| wanted(image))).collect();
        if self.quiet {
            let mut ids: Vec<String> = chosen.iter().map(|image| short(&image.id, self.no_trunc)).collect();
            ids.dedup();
            return output::print(&ids.iter().map(|id| format!("{id}\n")).collect::<String>()).map(|()| 0);
        }
        let rows: Vec<Value> = chosen.iter().map(|image| self.row(image, &uses)).collect();
        let list = if self.digests { WITH_DIGESTS } else { PLAIN };
        list.print(self.format.as_deref(), &rows).map(|()| 0)
    }

    fn row(&self, image: &Image, uses: &BTreeMap<String, usize>) -> Value {
        let (mut repository, tag) = names(image);
        let digest = image.repository_digest.as_deref().and_then(|name| name.rsplit_once('@'));
        if let (None, Some((name, _))) = (&repository, digest) {
            repository = Some(Reference::parse(name).map_or_else(|_| name.to_owned(), |name| name.familiar_name()));
        }
        let shared: u64 = image
            .stack
            .iter()
            .filter(|layer| uses.get(&layer.diff_id.to_string()).is_some_and(|count| *count > 1))
            .map(|layer| layer.descriptor.size())
            .sum();
        let none = || "<none>".to_owned();
        let created = image.config.created().as_deref().and_then(|time| time.parse().ok());
        json!({
            "Repository": repository.unwrap_or_else(none),
            "Tag": tag.unwrap_or_else(none),
            "Digest": digest.map_or_else(none, |(_, digest)| digest.to_owned()),
            "ID": short(&image.id, self.no_trunc),
            "CreatedSince": created.map_or_else(|| "N/A".to_owned(), units::ago),
            "CreatedAt": created.map_or_else(|| "N/A".to_owned(), units::at),
            "Size": units::size(image.size()),
            "SharedSize": units::size(shared),
            "UniqueSize": units::size(image.size() - shared),
        })
    }

    fn wanted(&self, store: &Store) -> Result<Vec<Filter<Image>>> {
        let mut wanted: Vec<Filter<Image>> = Vec::new();
        if let Some(name) = &self.name {
            let pattern = filter::Pattern::new(name)?;
            wanted.push(Box::new(move |image| matches(image, &pattern)));
        }
        for (key, value) in filter::pairs(&self.filter)? {
            wanted.push(match key {
                "dangling" => {
                    let dangling = filter::truth(value)?;
                    Box::new(move |image| image.name.is_empty() == dangling)
                }
                "reference" => {
                    let pattern = filter::Pattern::new(value)?;
                    Box::new(move |image| matches(image, &pattern))
                }
                "label" => filter::label(value),
                "before" | "since" => {
                    let time = created(&store.resolve(value)?.image);
                    let before = key == "before";
                    Box::new(move |image| if before { created(image) < time } else { created(image) > time })
                }
                _ => return Err(unknown(key, "dangling, reference, label, before, since")),
            });
        }
        Ok(wanted)
    }
}

fn created(image: &Image) -> String {
    image.config.created().clone().unwrap_or_default()
}

/// By the name, with or without the tag.
fn matches(image: &Image, pattern: &filter::Pattern) -> bool {
    match names(image) {
        (Some(repository), Some(tag)) => {
            pattern.matches(&repository)
                || pattern.matches(&format!("{repository}:{tag}"))
                || pattern.matches(&image.name)
        }
        _ => false,
    }
}

/// How many images have each layer.
fn layer_uses(images: &[Image]) -> BTreeMap<String, usize> {
    let mut ids = Vec::new();
    let mut uses = BTreeMap::new();
    for image in images {
        if !ids.contains(&&image.id) {
            ids.push(&image.id);
            image.stack.iter().for_each(|layer| *uses.entry(layer.diff_id.to_string()).or_default() += 1);
        }
    }
    uses
}

/// A filter that there is not.
pub fn unknown(key: &str, known: &str) -> Error {
    Error::usage(format!("there is no filter '{key}'")).hint(format!("There are: {known}."))
}
