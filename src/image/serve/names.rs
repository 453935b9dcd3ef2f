//! Which images are served under which names.
//!
//! A name in the store begins with the registry that the image came from; a registry is asked without
//! that. So `docker.io/library/debian:12` is served as `library/debian:12`,
//! `localhost:5000/x:1` as `x:1`, and the host image as `host:latest`. If two images would get one
//! name, that counts which was pushed here, then the host image, then Docker Hub's, then
//! the first of the alphabet. What is pushed here as `x:1` is kept as `ADDRESS:PORT/x:1`, where
//! this registry listens: `boxlab images` shows it so, and `boxlab run ADDRESS:PORT/x:1` runs it.

use std::collections::BTreeMap;

use oci_spec::image::{Descriptor, Digest};

use super::Shared;
use super::answer::Refusal;
use crate::image::index::Entry;
use crate::image::reference::{DEFAULT_REGISTRY, DEFAULT_TAG, parse_digest};
use crate::image::{Reference, host};

/// An image that is served.
#[derive(Debug, Clone)]
pub struct Offer {
    pub repository: String,
    /// An image may also be known by its digest alone.
    pub tag: Option<String>,
    /// The name in the store.
    pub name: String,
    /// Of the image's own manifest.
    pub manifest: Descriptor,
    /// Of the index from which it was taken, if it was.
    pub index: Option<Digest>,
    /// Pushed to this registry.
    pub is_own: bool,
}

impl Offer {
    fn rank(&self, registry: &str) -> (u8, String) {
        let place = match registry {
            _ if self.is_own => 0,
            host::NAME => 1,
            DEFAULT_REGISTRY => 2,
            _ => 3,
        };
        (place, self.name.clone())
    }
}

impl Shared {
    /// All that is served, by repository and tag; those with a digest alone behind.
    pub fn offers(&self) -> Result<Vec<Offer>, Refusal> {
        let mut tagged: BTreeMap<(String, String), ((u8, String), Offer)> = BTreeMap::new();
        let mut others = Vec::new();
        for Entry { name, manifest, repository_digest } in self.store.entries()? {
            let (registry, repository, tag) = if name == host::NAME {
                (host::NAME.to_owned(), host::NAME.to_owned(), Some(DEFAULT_TAG.to_owned()))
            } else if let Ok(reference) = Reference::parse(&name) {
                (reference.registry, reference.repository, reference.tag)
            } else if let Some(Ok(reference)) = repository_digest.as_deref().map(Reference::parse) {
                // Another image has its name now; by its digest it can still be asked for.
                (reference.registry, reference.repository, None)
            } else {
                continue;
            };
            let index = repository_digest.and_then(|called| parse_digest(called.split_once('@')?.1).ok());
            let index = index.filter(|index| index != manifest.digest());
            let is_own = registry == self.own;
            let offer = Offer { repository, tag: tag.clone(), name, manifest, index, is_own };
            let Some(tag) = tag else {
                others.push(offer);
                continue;
            };
            let rank = offer.rank(&registry);
            let key = (offer.repository.clone(), tag);
            if tagged.get(&key).is_none_or(|known| rank < known.0) {
                if let Some(worse) = tagged.insert(key, (rank, offer)) {
                    others.push(Offer { tag: None, ..worse.1 });
                }
            } else {
                others.push(Offer { tag: None, ..offer });
            }
        }
        Ok(tagged.into_values().map(|(_, offer)| offer).chain(others).collect())
    }

    /// What one repository holds.
    pub fn repository(&self, repository: &str) -> Result<Vec<Offer>, Refusal> {
        Ok(self.offers()?.into_iter().filter(|offer| offer.repository == repository).collect())
    }
}
