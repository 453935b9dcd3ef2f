//! How two images differ: in their files, and in how they are run.
//!
//! Compared are kind, content, mode, owner, link target, device number and extended
//! attributes. Not the times: two images that were made at different moments would differ in
//! every file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use super::merged::{Change, Merged, Node};
use super::{Image, Store};
use crate::error::Result;

/// What must be done to the first image to get the second.
#[derive(Debug, Default)]
pub struct Difference {
    /// In order of the paths.
    pub files: Vec<(Change, PathBuf)>,
    /// Of the configuration: the key, and its value in each.
    pub settings: Vec<(String, Value, Value)>,
}

impl Store {
    /// How `other` differs from `one`.
    pub fn difference(&self, one: &Image, other: &Image) -> Result<Difference> {
        let same_stack =
            one.stack.iter().map(|layer| &layer.diff_id).eq(other.stack.iter().map(|layer| &layer.diff_id));
        let files = match same_stack {
            true => Vec::new(),
            false => files(&self.merged(one, true)?, &self.merged(other, true)?),
        };
        Ok(Difference { files, settings: settings(&self.configuration(one)?, &self.configuration(other)?) })
    }
}

fn files(one: &Merged, other: &Merged) -> Vec<(Change, PathBuf)> {
    let paths: BTreeSet<&PathBuf> = one.nodes.keys().chain(other.nodes.keys()).collect();
    let change = |path: &PathBuf| match (one.nodes.get(path), other.nodes.get(path)) {
        (None, Some(_)) => Some(Change::Added),
        (Some(_), None) => Some(Change::Deleted),
        (Some(one), Some(other)) if !same(one, other) => Some(Change::Changed),
        _ => None,
    };
    paths.into_iter().filter_map(|path| change(path).map(|change| (change, path.clone()))).collect()
}

fn same(one: &Node, other: &Node) -> bool {
    let (a, b) = (&one.entry, &other.entry);
    (&a.kind, a.mode, a.uid, a.gid, &a.xattrs, &one.digest) == (&b.kind, b.mode, b.uid, b.gid, &b.xattrs, &other.digest)
}

/// Keys of the configuration whose values differ; of `config` each by itself.
fn settings(one: &Value, other: &Value) -> Vec<(String, Value, Value)> {
    let mut settings = Vec::new();
    for key in ["architecture", "variant", "os", "author"] {
        compare(key.to_owned(), &one[key], &other[key], &mut settings);
    }
    let keys =
        |config: &Value| config["config"].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
    let all: BTreeSet<String> = [keys(one), keys(other)].into_iter().flat_map(|keys: Vec<String>| keys).collect();
    for key in all {
        compare(key.clone(), &one["config"][&key], &other["config"][&key], &mut settings);
    }
    settings
}

/// What is missing is the same as what is empty: tools differ in which they write.
fn compare(key: String, one: &Value, other: &Value, settings: &mut Vec<(String, Value, Value)>) {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(truth) => !truth,
        Value::Number(_) => false,
    };
    if one != other && !(empty(one) && empty(other)) {
        settings.push((key, one.clone(), other.clone()));
    }
}
