//! `boxlab image diff`: what one image has that another has not.

use clap::Args;
use serde_json::{Map, Value, json};

use super::open;
use crate::catalog::{about, after_help};
use crate::cli::context::Context;
use crate::cli::output;
use crate::error::Result;
use crate::image::{Change, Difference};

/// What must change in one image to get another
#[derive(Debug, Args)]
#[command(about = about("image diff"), after_help = after_help("image diff"))]
pub struct Diff {
    /// The image to start from
    from: String,
    /// The image to get
    to: String,
    /// `text` or `json`
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

impl Diff {
    /// Prints A (added), C (changed) or D (deleted) and each path, then the settings that differ.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let store = open(context)?;
        let (from, to) = (store.resolve(&self.from)?.image, store.resolve(&self.to)?.image);
        let difference = store.difference(&from, &to)?;
        if self.format == "json" {
            return output::json(&as_json(&difference)).map(|()| 0);
        }
        let mut text: String = difference
            .files
            .iter()
            .map(|(change, path)| format!("{} /{}\n", letter(*change), path.display()))
            .collect();
        for (key, from, to) in &difference.settings {
            text += &format!("{key}: {} -> {}\n", shown(from), shown(to));
        }
        output::print(&text).map(|()| 0)
    }
}

fn letter(change: Change) -> char {
    match change {
        Change::Added => 'A',
        Change::Changed => 'C',
        Change::Deleted => 'D',
    }
}

fn shown(value: &Value) -> String {
    if value.is_null() { "(not set)".to_owned() } else { value.to_string() }
}

fn as_json(difference: &Difference) -> Value {
    let files: Vec<Value> = difference
        .files
        .iter()
        .map(|(change, path)| json!({"Kind": letter(*change).to_string(), "Path": format!("/{}", path.display())}))
        .collect();
    let settings: Map<String, Value> =
        difference.settings.iter().map(|(key, from, to)| (key.clone(), json!({"From": from, "To": to}))).collect();
    json!({"Files": files, "Config": settings})
}
