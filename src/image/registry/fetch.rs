//! What a registry is asked when an image is pulled: manifests, blobs, tags.
//!
//! A tag may move from one manifest to another at any time; a digest names these bytes and
//! no others, and whatever is asked for by a digest is checked against it.
//! See the OCI distribution specification, "Pulling Manifests" and "Pulling Blobs".

use oci_spec::image::{Descriptor, Digest};
use serde::Deserialize;
use ureq::http::{HeaderName, Method, header};

use super::endpoint::{Endpoint, Request, Target};
use super::http::{Answer, Content, broke_off};
use super::{Blob, Registry, failure, here};
use crate::error::{Error, Result};
use crate::image::manifest::{ACCEPT, LONGEST};
use crate::image::{digest, reference};
use crate::kernel::nearest;

/// The registry's word for the digest of what it sends.
const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// Tags are asked for in lists; so many lists at most.
const LISTS: usize = 1000;
/// So many of them are named when the right one is missing.
const FEW: usize = 8;

/// What a registry says about a manifest without sending it.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Its digest.
    pub digest: Digest,
    /// What it is.
    pub media_type: Option<String>,
    /// Its length in bytes.
    pub size: u64,
}

/// A manifest, as it was sent: its digest is that of these very bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    /// The document.
    pub bytes: Vec<u8>,
    /// What the registry calls it.
    pub media_type: Option<String>,
    /// The digest of the bytes.
    pub digest: Digest,
}

#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

impl Registry {
    /// Which manifest a tag stands for; `None`: there is none, and [`Registry::manifest`] has the
    /// words for it.
    pub fn head_manifest(&self, tag_or_digest: &str) -> Result<Option<Head>> {
        let why = "Ask which manifest the name stands for, without fetching it";
        let (answer, endpoint) = self.ask_manifest(why, Method::HEAD, tag_or_digest)?;
        match answer.status {
            200 => {}
            404 => return Ok(None),
            _ => return Err(self.refused(&self.doing(tag_or_digest), &answer, endpoint)),
        }
        let said = answer.header(DIGEST).and_then(|text| reference::parse_digest(text).ok());
        let length = answer.header(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        if let (Some(digest), Some(size)) = (said, length) {
            return Ok(Some(Head { digest, media_type: media_type(&answer), size }));
        }
        drop(answer);
        let Fetched { bytes, media_type, digest } = self.manifest(tag_or_digest)?;
        Ok(Some(Head { digest, media_type, size: bytes.len() as u64 }))
    }

    /// A manifest or an index, checked.
    pub fn manifest(&self, tag_or_digest: &str) -> Result<Fetched> {
        let doing = self.doing(tag_or_digest);
        let why = "Fetch the manifest: the list of all that the image is made of";
        let (mut answer, endpoint) = self.ask_manifest(why, Method::GET, tag_or_digest)?;
        match answer.status {
            200 => {}
            404 => return Err(self.missing(&doing, tag_or_digest, &answer, endpoint)),
            _ => return Err(self.refused(&doing, &answer, endpoint)),
        }
        let bytes = answer.bytes(LONGEST).map_err(|error| broke_off(&error, &answer.url).explain(&doing))?;
        let found = digest::of(&bytes);
        let asked = reference::parse_digest(tag_or_digest).ok();
        let said = answer.header(DIGEST).and_then(|text| reference::parse_digest(text).ok());
        if let Some(wanted) = asked.or(said).filter(|wanted| *wanted != found) {
            return Err(Error::new(format!("{doing}: {} does not send what was asked for", endpoint.name)).hint(format!(
                "asked for {wanted}\nsent      {found}\nThe registry, or somebody on the way, has changed it. Nothing of it is used."
            )));
        }
        Ok(Fetched { media_type: media_type(&answer), bytes, digest: found })
    }

    /// The content of a blob, as it arrives. Whoever reads it checks its digest.
    pub fn blob(&self, descriptor: &Descriptor) -> Result<Blob<'_>> {
        Blob::open(self, descriptor)
    }

    /// All tags of the repository.
    pub fn tags(&self) -> Result<Vec<String>> {
        let doing = format!("cannot list the tags of {}/{}", self.name, self.repository);
        let list = self.list(&doing)?;
        list.map_err(|(answer, endpoint)| self.refused(&doing, &answer, endpoint))
    }

    /// The tags, or what is answered instead.
    fn list(&self, doing: &str) -> Result<std::result::Result<Vec<String>, (Answer, &Endpoint)>> {
        let mut tags = Vec::new();
        let mut path = self.path("tags/list");
        for _ in 0..LISTS {
            let request = Request {
                why: "Ask which tags there are",
                method: Method::GET,
                target: Target::Path(path),
                headers: vec![(header::ACCEPT, "application/json".to_owned())],
                content: Content::Nothing,
                source: here(),
            };
            let (mut answer, endpoint) = self.ask(&request, doing)?;
            if answer.status != 200 {
                return Ok(Err((answer, endpoint)));
            }
            let bytes = answer.bytes(LONGEST).map_err(|error| broke_off(&error, &answer.url).explain(doing))?;
            let list: Tags = serde_json::from_slice(&bytes)
                .map_err(|_| Error::new(format!("{doing}: {} sends no list", endpoint.name)))?;
            tags.extend(list.tags.unwrap_or_default());
            match next(&answer) {
                Some(next) => path = next,
                None => break,
            }
        }
        Ok(Ok(tags))
    }

    fn doing(&self, tag_or_digest: &str) -> String {
        let separator = if tag_or_digest.contains(':') { '@' } else { ':' };
        format!("cannot fetch {}/{}{separator}{tag_or_digest}", self.name, self.repository)
    }

    fn ask_manifest(&self, why: &'static str, method: Method, tag_or_digest: &str) -> Result<(Answer, &Endpoint)> {
        let request = Request {
            why,
            method,
            target: Target::Path(self.path(&format!("manifests/{tag_or_digest}"))),
            headers: vec![(header::ACCEPT, ACCEPT.to_owned())],
            content: Content::Nothing,
            source: here(),
        };
        self.ask(&request, &self.doing(tag_or_digest))
    }

    /// No such tag: perhaps another one was meant. Some registries tell only a list of tags
    /// apart from a repository that does not exist.
    fn missing(&self, doing: &str, tag_or_digest: &str, answer: &Answer, endpoint: &Endpoint) -> Error {
        let is_digest = tag_or_digest.contains(':');
        let what = format!("{} {tag_or_digest}", if is_digest { "manifest" } else { "tag" });
        let of = |answer: &Answer| failure::of_manifest(doing, answer, &endpoint.name, &self.repository, &what);
        let error = of(answer);
        if is_digest || !failure::says(answer, failure::NO_MANIFEST) {
            return error;
        }
        let mut tags = match self.list(doing) {
            Ok(Ok(tags)) => tags,
            Ok(Err((answer, _))) if failure::says(&answer, failure::NO_REPOSITORY) => return of(&answer),
            _ => return error,
        };
        if let Some(near) = nearest(tag_or_digest, tags.iter().map(String::as_str)) {
            return error.hint(format!("Did you mean {}/{}:{near}?", self.name, self.repository));
        }
        let more = if tags.len() > FEW { ", ..." } else { "" };
        tags.truncate(FEW);
        match tags.is_empty() {
            true => error.hint("It has no tag at all."),
            false => error.hint(format!("It has: {}{more}", tags.join(", "))),
        }
    }
}

fn media_type(answer: &Answer) -> Option<String> {
    answer.header(header::CONTENT_TYPE).map(str::to_owned)
}

/// `Link: </v2/x/tags/list?last=b&n=2>; rel="next"` (RFC 8288)
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header(header::LINK)?;
    let (address, rest) = link.trim_start().strip_prefix('<')?.split_once('>')?;
    let joined = super::http::join(&answer.url, address)?;
    let is_next = rest.contains("rel=\"next\"") || rest.contains("rel=next");
    is_next.then(|| joined.path_and_query().map(ToString::to_string)).flatten()
}
