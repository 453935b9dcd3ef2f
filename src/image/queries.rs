//! Which images there are, and which one a user means.
//!
//! An image is meant by a name (`debian`, `debian:12`), by what its registry calls it
//! (`debian@sha256:...`), by its ID, or by the beginning of its ID. Several names can stand for one
//! image. It does *not* change anything.

use std::collections::BTreeMap;

use serde_json::Value;

use super::index::Entry;
use super::{Image, Reference, Store, host, reference};
use crate::error::{Error, Result};
use crate::kernel::nearest;

/// An image with everything that it is called.
#[derive(Debug, Clone)]
pub struct Found {
    /// Under the name that was asked for, if it was asked for by name.
    pub image: Image,
    /// Its names as people say them, in order of the alphabet.
    pub names: Vec<String>,
    /// What registries call it.
    pub repository_digests: Vec<String>,
    /// Whether a name was given, not an ID.
    pub by_name: bool,
}

impl Store {
    /// All images, each name by itself: the newest first.
    pub fn images(&self) -> Result<Vec<Image>> {
        let mut images = Vec::new();
        for entry in self.entries()?.iter().filter(|entry| entry.is_image()) {
            images.push(self.open_entry(entry)?);
        }
        let created = |image: &Image| image.config.created().clone().unwrap_or_default();
        images.sort_by(|one, other| created(other).cmp(&created(one)).then_with(|| one.name.cmp(&other.name)));
        Ok(images)
    }

    /// The image that is meant, with all of its names; an error if there is none or more than one.
    pub fn resolve(&self, text: &str) -> Result<Found> {
        match self.look_up(text)? {
            Some((image, by_name)) => self.found(image, by_name),
            None => Err(self.unknown(text)),
        }
    }

    /// The image that is meant; `None` if there is none, an error if there is more than one.
    pub fn lookup(&self, text: &str) -> Result<Option<Image>> {
        Ok(self.look_up(text)?.map(|(image, _)| image))
    }

    /// And whether a name was given.
    fn look_up(&self, text: &str) -> Result<Option<(Image, bool)>> {
        if let Some(entry) = by_name(&self.entries()?, text) {
            return self.open_entry(entry).map(|image| Some((image, true)));
        }
        let Some(id) = id_part(text) else { return Ok(None) };
        let images = self.images()?;
        let matching: BTreeMap<&str, &Image> =
            images.iter().filter(|image| has_id(image, id)).map(|image| (image.id.as_str(), image)).collect();
        let mut matching = matching.into_values();
        match (matching.next(), matching.next()) {
            (Some(one), Some(other)) => Err(Error::usage(format!("'{text}' is the beginning of several IDs"))
                .hint(format!("Among them are {} and {}.", described(one), described(other)))),
            (image, _) => Ok(image.map(|image| (image.clone(), false))),
        }
    }

    /// The documents of an image as they are stored: the configuration holds more than its
    /// specification names.
    pub fn configuration(&self, image: &Image) -> Result<Value> {
        let id = reference::parse_digest(&image.id).map_err(Error::new)?;
        self.layout.document(&id)
    }

    fn found(&self, image: Image, by_name: bool) -> Result<Found> {
        let entries = self.entries()?;
        let mut same = Vec::new();
        for entry in entries.iter().filter(|entry| entry.is_image()) {
            let is_same = entry.manifest.digest().to_string() == image.manifest_digest
                || self.layout.id(entry).is_ok_and(|id| id.to_string() == image.id);
            same.extend(is_same.then_some(entry));
        }
        // What was pulled by its digest has that for a name, which is no tag.
        let tagged = same.iter().filter(|entry| !entry.name.contains('@'));
        let mut names: Vec<String> = tagged.flat_map(|entry| familiar(&entry.name)).collect();
        let digests = same.iter().flat_map(|entry| &entry.repository_digest);
        let mut repository_digests: Vec<String> = digests.map(|digest| familiar(digest).unwrap_or_default()).collect();
        for list in [&mut names, &mut repository_digests] {
            list.sort();
            list.dedup();
        }
        Ok(Found { image, names, repository_digests, by_name })
    }

    pub(super) fn open_entry(&self, entry: &Entry) -> Result<Image> {
        let named = self.layout.named(&entry.manifest).map_err(|error| self.explain(error))?;
        Ok(self.image(&named))
    }

    pub(super) fn entries(&self) -> Result<Vec<Entry>> {
        self.layout.entries().map_err(|error| self.explain(error))
    }

    /// There is no such image: what may have been meant, or how to get it.
    pub fn unknown(&self, text: &str) -> Error {
        let error = Error::new(format!("there is no image '{text}' here"));
        if text == host::NAME {
            return error.hint("`boxlab image host` makes it.");
        }
        let entries = self.entries().unwrap_or_default();
        let names: Vec<String> = entries.iter().flat_map(|entry| familiar(&entry.name)).collect();
        // The host image can be had whether or not it has been made.
        let known = names.iter().flat_map(|name| [name.as_str(), without_tag(name)]).chain([host::NAME]);
        let near = nearest(text, known);
        let near = near.map(|near| format!("Did you mean '{near}'? ")).unwrap_or_default();
        match Reference::parse(text) {
            Ok(reference) => error.hint(format!("{near}`boxlab pull {}` gets it.", reference.familiar())),
            Err(_) if near.is_empty() => error.hint("`boxlab images` lists those that are here."),
            Err(_) => error.hint(near.trim_end().to_owned()),
        }
    }
}

/// The entry of that name; what a registry calls it counts as a name.
pub(super) fn by_name<'a>(entries: &'a [Entry], text: &str) -> Option<&'a Entry> {
    if text == host::NAME || text == "host:latest" {
        return entries.iter().find(|entry| entry.name == host::NAME);
    }
    let reference = Reference::parse(text).ok()?;
    let full = reference.stored_name();
    entries.iter().find(|entry| entry.name == full).or_else(|| {
        let digest = reference.digest.as_ref()?;
        let called = |entry: &&Entry| {
            let named = Reference::parse(&entry.name).is_ok_and(|named| named.name() == reference.name());
            entry.repository_digest.as_ref() == Some(&full) || (named && entry.manifest.digest() == digest)
        };
        entries.iter().find(called)
    })
}

/// A name in the index as people say it; `None` for no name.
pub(super) fn familiar(name: &str) -> Option<String> {
    match name {
        "" => None,
        host::NAME => Some("host:latest".to_owned()),
        _ => Some(Reference::parse(name).map_or_else(|_| name.to_owned(), |reference| reference.familiar())),
    }
}

fn without_tag(name: &str) -> &str {
    name.strip_suffix(":latest").unwrap_or(name)
}

/// The digits of an ID or of its beginning.
fn id_part(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && !digits.is_empty() && digits.len() <= 64).then_some(digits)
}

/// The ID, or in full the digest of the manifest.
fn has_id(image: &Image, digits: &str) -> bool {
    let begins = image.id.strip_prefix("sha256:").is_some_and(|id| id.starts_with(digits));
    begins || image.manifest_digest.strip_prefix("sha256:") == Some(digits)
}

fn described(image: &Image) -> String {
    let id = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
    let id = &id[..id.len().min(12)];
    familiar(&image.name).map_or_else(|| id.to_owned(), |name| format!("{id} ({name})"))
}
