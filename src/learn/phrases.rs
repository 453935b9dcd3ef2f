//! What the commands say to a learner, by key: `lessons/phrases.toml`.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// Texts by key, such as `learn.keys`.
#[derive(Debug, Clone, Default)]
pub struct Phrases(BTreeMap<String, String>);

impl Phrases {
    /// Reads them: a table a command, a text a key.
    pub fn read(text: &str) -> Result<Self> {
        let tables: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(text)
            .map_err(|error| Error::new(format!("cannot understand phrases.toml: {}", error.to_string().trim())))?;
        let flat = tables.into_iter().flat_map(|(table, texts)| {
            texts.into_iter().map(move |(key, text)| (format!("{table}.{key}"), text.trim_end().to_owned()))
        });
        Ok(Self(flat.collect()))
    }

    /// The text of a key, with each `{name}` replaced. A translation may lack one: then its
    /// key is shown, and a test of the pack has said so before.
    pub fn say(&self, key: &str, values: &[(&str, &dyn std::fmt::Display)]) -> String {
        let mut text = self.0.get(key).cloned().unwrap_or_else(|| key.to_owned());
        for (name, value) in values {
            text = text.replace(&format!("{{{name}}}"), &value.to_string());
        }
        text
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
