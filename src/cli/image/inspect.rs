//! `boxlab inspect`: all that is known about an image, as Docker says it.

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::open;
use crate::catalog::{about, after_help};
use crate::cli::context::Context;
use crate::cli::output;
use crate::cli::template::Template;
use crate::error::{Error, Result};
use crate::image::{Found, Store};

/// All that is known about an image
#[derive(Debug, Args)]
#[command(about = about("image inspect"), after_help = after_help("image inspect"))]
pub struct Inspect {
    /// Names, IDs, or the beginnings of IDs
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    /// `json`, or a Go template: '{{json .Config}}'
    #[arg(short, long, value_name = "FORMAT")]
    format: Option<String>,
}

/// An image in Docker's words and order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: String,
    repo_tags: Vec<String>,
    repo_digests: Vec<String>,
    comment: String,
    created: Value,
    author: String,
    config: Value,
    architecture: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    variant: String,
    os: String,
    size: u64,
    graph_driver: Value,
    #[serde(rename = "RootFS")]
    root_fs: Value,
    descriptor: Value,
}

impl Inspect {
    /// Prints those that there are, and says which one there is not.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let store = open(context)?;
        let template = self.format.as_deref().filter(|format| *format != "json").map(Template::parse).transpose()?;
        let mut found = Vec::new();
        let mut missing: Option<Error> = None;
        for image in &self.images {
            match store.resolve(image).and_then(|image| inspected(&store, &image)) {
                Ok(image) => found.push(image),
                Err(error) => missing = missing.or(Some(error)),
            }
        }
        match (template, &self.format) {
            (Some(template), _) => {
                for image in &found {
                    output::print(&(template.render(&value(image)?)? + "\n"))?;
                }
            }
            (None, Some(_)) => output::print(&(value(&found)?.to_string() + "\n"))?,
            (None, None) if found.is_empty() => {}
            (None, None) => output::json(&found)?,
        }
        missing.map_or(Ok(0), Err)
    }
}

fn value(of: &impl Serialize) -> Result<Value> {
    serde_json::to_value(of).map_err(|error| Error::new(format!("cannot make JSON: {error}")))
}

fn inspected(store: &Store, found: &Found) -> Result<Inspected> {
    let image = &found.image;
    let config = store.configuration(image)?;
    let text = |key: &str| config[key].as_str().unwrap_or_default().to_owned();
    let diff_ids: Vec<String> = image.stack.iter().map(|layer| layer.diff_id.to_string()).collect();
    let history = config["history"].as_array().and_then(|history| history.last());
    let comment = history.and_then(|last| last["comment"].as_str()).unwrap_or_default().to_owned();
    // overlayfs names the topmost directory first.
    let layers: Vec<String> = image.layers().iter().rev().map(|layer| layer.display().to_string()).collect();
    Ok(Inspected {
        id: image.id.clone(),
        repo_tags: found.names.clone(),
        repo_digests: found.repository_digests.clone(),
        comment,
        created: config["created"].clone(),
        author: text("author"),
        config: config["config"].clone(),
        architecture: text("architecture"),
        variant: text("variant"),
        os: text("os"),
        size: image.size(),
        graph_driver: json!({"Name": "overlay", "Data": image.is_unpacked().then(|| json!({"LowerDir": layers.join(":")}))}),
        root_fs: json!({"Type": "layers", "Layers": diff_ids}),
        descriptor: json!({"digest": image.manifest_digest}),
    })
}
