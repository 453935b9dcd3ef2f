//! Manifests and indexes: handed out by tag or digest, taken after a careful look.
//!
//! Under a name the store keeps one image, that for this machine where an index has several. A pushed
//! index is kept beside it, and the images for other machines under their digests; and the index is
//! handed out again as long as all of it is here. What is no image (a chart, a signature) is
//! taken only as a part of an index, since under a tag the store could not run it.
//! See the OCI distribution specification, "Pulling manifests" and "Pushing manifests".

use std::fs;
use std::io::Read;

use oci_spec::image::{Descriptor, Digest, ImageConfiguration, ImageIndex, ImageManifest};

use super::Shared;
use super::answer::{Answer, Refusal};
use super::connection::{Body, Request};
use super::names::Offer;
use crate::error::IoContext;
use crate::image::manifest::{self, Document, LONGEST};
use crate::image::platform::{Platform, choose, is_image};
use crate::image::{Reference, digest};

/// A document as it is stored.
pub struct Stored {
    pub bytes: Vec<u8>,
    pub digest: Digest,
    pub media_type: String,
    pub document: Document,
}

impl Stored {
    /// Reads what it is; `None` if it is no manifest.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let document = manifest::parse(None, &bytes).ok()?;
        let media_type = manifest::media_type(&document).to_string();
        Some(Self { digest: digest::of(&bytes), bytes, media_type, document })
    }

    pub fn answer(self, why: &'static str) -> Answer {
        let answer = Answer::bytes(200, &self.media_type, self.bytes);
        answer.with("docker-content-digest", self.digest).because(why)
    }
}

impl Shared {
    /// GET and HEAD.
    pub fn manifest(&self, reference: &Reference, request: &Request) -> Result<Answer, Refusal> {
        let offers = self.repository(&reference.repository)?;
        let own: Vec<Offer> = offers.iter().filter(|offer| offer.is_own).cloned().collect();
        if let Some(stored) = self.held(&own, reference, request)? {
            return Ok(stored.answer("What was pushed here under this name: these bytes, to the last one"));
        }
        if let Some(answer) = self.mirrored_manifest(reference, &offers, request)? {
            return Ok(answer);
        }
        match self.held(&offers, reference, request)? {
            Some(stored) => Ok(stored.answer("An image of the store, under the name it would have in its registry")),
            None => Err(unknown(reference)),
        }
    }

    /// What the store has under that name.
    pub fn held(&self, offers: &[Offer], reference: &Reference, request: &Request) -> Result<Option<Stored>, Refusal> {
        if let Some(digest) = &reference.digest {
            for offer in offers {
                if offer.manifest.digest() == digest || offer.index.as_ref() == Some(digest) {
                    return self.stored(digest);
                }
                let Some(index) = self.index(offer)? else { continue };
                if index.manifests().iter().any(|entry| entry.digest() == digest) {
                    return self.stored(digest);
                }
            }
            return Ok(None);
        }
        let Some(offer) = offers.iter().find(|offer| offer.tag == reference.tag) else { return Ok(None) };
        if let Some(index) = self.index(offer)?
            && index.manifests().iter().all(|entry| self.store.layout.blob(entry.digest()).is_file())
            && let Some(stored) = offer.index.as_ref().map(|digest| self.stored(digest)).transpose()?.flatten()
            && accepts(request, &stored.media_type)
        {
            return Ok(Some(stored));
        }
        self.stored(offer.manifest.digest())
    }

    /// The index that an image was taken from, if that is here.
    fn index(&self, offer: &Offer) -> Result<Option<ImageIndex>, Refusal> {
        let Some(digest) = &offer.index else { return Ok(None) };
        Ok(self.stored(digest)?.and_then(|stored| match stored.document {
            Document::Index(index) => Some(index),
            Document::Manifest(_) => None,
        }))
    }

    /// A manifest or index, if it is here.
    pub fn stored(&self, digest: &Digest) -> Result<Option<Stored>, Refusal> {
        Ok(self.document(digest)?.and_then(Stored::new).filter(|stored| stored.digest == *digest))
    }

    /// A small blob, if it is here.
    pub fn document(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Refusal> {
        let mut bytes = Vec::new();
        let Ok(file) = fs::File::open(self.store.layout.blob(digest)) else { return Ok(None) };
        file.take(LONGEST + 1).read_to_end(&mut bytes).or_fail(|| format!("cannot read {digest}"))?;
        Ok(Some(bytes))
    }

    /// PUT, by tag or digest.
    pub fn put_manifest(
        &self,
        reference: &Reference,
        request: &Request,
        body: &mut Body<'_, '_>,
    ) -> Result<Answer, Refusal> {
        let invalid = |why: String| Refusal::new(400, "MANIFEST_INVALID", why);
        let mut bytes = Vec::new();
        let broke_off = |error: std::io::Error| invalid(format!("the body broke off: {error}"));
        body.take(LONGEST + 1).read_to_end(&mut bytes).map_err(broke_off)?;
        if bytes.len() as u64 > LONGEST {
            return Err(Refusal::new(413, "SIZE_INVALID", format!("a manifest has {LONGEST} bytes at most")));
        }
        let digest = digest::of(&bytes);
        if reference.digest.as_ref().is_some_and(|wanted| *wanted != digest) {
            return Err(Refusal::new(400, "DIGEST_INVALID", format!("what came has the digest {digest}")));
        }
        let document =
            manifest::parse(request.header("content-type"), &bytes).map_err(|error| invalid(error.to_string()))?;
        // From here on nothing is removed from the store.
        let _store = self.store.share()?;
        let own = Descriptor::new(manifest::media_type(&document), bytes.len() as u64, digest.clone());
        let named = match &document {
            Document::Manifest(manifest) => self.checked(manifest, reference.tag.is_some())?.then_some(own),
            Document::Index(index) => Some(self.chosen(index)?),
        };
        let scratch = self.store.scratch()?;
        self.store.layout.write_bytes(scratch.path(), &digest, &bytes).map_err(|error| self.store.explain(error))?;
        if let Some(descriptor) = named {
            let called = reference.with_digest(&digest).to_string();
            self.store.tag(&scratch, descriptor, &reference.stored_name(), Some(&called))?;
        }
        let location = format!("/v2/{}/manifests/{digest}", reference.repository);
        let answer = Answer::empty(201).with("location", location).with("docker-content-digest", &digest);
        let answer = answer.because("All that it lists is here: from now on the name stands for this image");
        Ok(match document {
            Document::Manifest(manifest) if manifest.subject().is_some() => {
                let subject = manifest.subject().as_ref().map(|subject| subject.digest().to_string());
                answer.with("oci-subject", subject.unwrap_or_default())
            }
            _ => answer,
        })
    }

    /// All that it needs must be here. Whether it is an image; under a tag it must be.
    fn checked(&self, manifest: &ImageManifest, must_be_image: bool) -> Result<bool, Refusal> {
        for blob in manifest::blobs(manifest) {
            self.must_be_here(blob)?;
        }
        let image = manifest::check_image(manifest).map_err(|error| error.to_string()).and_then(|()| {
            let configuration = self.document(manifest.config().digest()).ok().flatten().unwrap_or_default();
            let configuration: ImageConfiguration = serde_json::from_slice(&configuration)
                .map_err(|error| format!("its configuration is none: {error}"))?;
            let agree = configuration.rootfs().diff_ids().len() == manifest.layers().len();
            if agree { Ok(()) } else { Err("its configuration does not list its layers".to_owned()) }
        });
        match image {
            Ok(()) => Ok(true),
            Err(_) if !must_be_image => Ok(false),
            Err(why) => Err(Refusal::new(400, "MANIFEST_INVALID", format!("only images are kept here: {why}"))),
        }
    }

    /// The image of an index that its name will stand for in this store.
    fn chosen(&self, index: &ImageIndex) -> Result<Descriptor, Refusal> {
        for manifest in index.manifests() {
            self.must_be_here(manifest)?;
        }
        let any = || index.manifests().iter().find(|entry| is_image(entry));
        let chosen = choose(index, &Platform::this()).ok().or_else(any);
        let chosen = chosen.ok_or_else(|| Refusal::new(400, "MANIFEST_INVALID", "there is no image in this index"))?;
        match self.stored(chosen.digest())?.map(|stored| stored.document) {
            Some(Document::Manifest(manifest)) => self.checked(&manifest, true).map(|_| chosen.clone()),
            _ => Err(Refusal::new(400, "MANIFEST_INVALID", format!("{} is no manifest", chosen.digest()))),
        }
    }

    fn must_be_here(&self, descriptor: &Descriptor) -> Result<(), Refusal> {
        let digest = descriptor.digest();
        match fs::metadata(self.store.layout.blob(digest)) {
            Ok(found) if found.len() == descriptor.size() => Ok(()),
            Ok(found) => {
                let why = format!("{digest} has {} bytes here, and not {}", found.len(), descriptor.size());
                Err(Refusal::new(400, "SIZE_INVALID", why))
            }
            Err(_) => Err(Refusal::new(400, "MANIFEST_BLOB_UNKNOWN", format!("{digest} must be pushed first"))),
        }
    }

    /// DELETE: takes the tag or, by digest, all that it is known by here; `image prune` removes
    /// what has no name and is not used.
    pub fn delete_manifest(&self, reference: &Reference) -> Result<Answer, Refusal> {
        let wanted = |offer: &Offer| match &reference.digest {
            Some(digest) => offer.manifest.digest() == digest || offer.index.as_ref() == Some(digest),
            None => offer.tag == reference.tag,
        };
        let found: Vec<Offer> = self.repository(&reference.repository)?.into_iter().filter(wanted).collect();
        if found.is_empty() {
            return Err(unknown(reference));
        }
        let own: Vec<&Offer> = found.iter().filter(|offer| offer.is_own).collect();
        if own.is_empty() {
            let message = "the image was not pushed here, but is its owner's: `boxlab image rm` removes it";
            return Err(Refusal::new(403, "DENIED", message));
        }
        let scratch = self.store.scratch()?;
        let _index = self.store.index_lock()?;
        let mut entries = self.store.entries()?;
        for entry in &mut entries {
            let is_it = |offer: &&Offer| offer.name == entry.name && offer.manifest.digest() == entry.manifest.digest();
            if own.iter().any(is_it) {
                entry.name.clear();
                if reference.digest.is_some() {
                    entry.repository_digest = None;
                }
            }
        }
        self.store.layout.write_entries(scratch.path(), entries).map_err(|error| self.store.explain(error))?;
        Ok(Answer::empty(202).because("The name is taken off; `image prune` removes what has none"))
    }
}

/// Whether the client understands it: without `Accept` it takes anything (RFC 9110, 12.5.1).
fn accepts(request: &Request, media_type: &str) -> bool {
    let mut values = request.headers.get_all("accept").iter().filter_map(|value| value.to_str().ok()).peekable();
    let known = |value: &str| {
        let kind = value.split(';').next().unwrap_or_default().trim();
        kind == media_type || kind == "*/*" || kind == "application/*"
    };
    // An old client lists none of the kinds: it gets what it can't refuse.
    values.peek().is_none() || values.any(|value| value.split(',').any(known))
}

fn unknown(reference: &Reference) -> Refusal {
    let (repository, what) = (&reference.repository, reference.tag_or_digest());
    Refusal::new(404, "MANIFEST_UNKNOWN", format!("there is no {repository} with {what} here"))
}

#[cfg(test)]
mod tests {
    use super::Stored;
    use crate::image::manifest::Document;

    #[test]
    fn what_is_no_manifest_is_not_handed_out_as_one() {
        assert!(Stored::new(b"{}".to_vec()).is_none());
        assert!(Stored::new(b"\x1f\x8b".to_vec()).is_none());
        let index = Stored::new(br#"{"schemaVersion":2,"manifests":[]}"#.to_vec()).unwrap();
        assert!(matches!(index.document, Document::Index(_)));
        assert_eq!(index.media_type, crate::image::manifest::OCI_INDEX);
    }
}
