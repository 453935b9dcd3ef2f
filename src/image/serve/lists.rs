//! Lists: the repositories, the tags of one, and what refers to an image.
//!
//! Both lists come in pages if the client wants: `n` names after `last`, and in the header
//! `Link` where to go on (RFC 8288). See the OCI distribution specification, "Content Discovery".

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Shared;
use super::answer::{Answer, Refusal};
use super::connection::Request;
use crate::image::Reference;
use crate::image::manifest::{Document, OCI_INDEX, parse};

impl Shared {
    pub fn catalog(&self, request: &Request) -> Result<Answer, Refusal> {
        let names: BTreeSet<String> =
            self.offers()?.into_iter().filter(|offer| offer.tag.is_some()).map(|offer| offer.repository).collect();
        let (page, link) = page(names, request)?;
        let answer = linked(Answer::json(200, json!({"repositories": page})), link);
        Ok(answer.because("The client asks which repositories there are"))
    }

    pub fn tags(&self, repository: &Reference, request: &Request) -> Result<Answer, Refusal> {
        let name = &repository.repository;
        let offers = self.repository(name)?;
        if offers.is_empty() {
            return Err(Refusal::new(404, "NAME_UNKNOWN", format!("there is no repository {name} here")));
        }
        let (page, link) = page(offers.into_iter().filter_map(|offer| offer.tag).collect(), request)?;
        let answer = linked(Answer::json(200, json!({"name": name, "tags": page})), link);
        Ok(answer.because("The client asks which tags the repository has"))
    }

    /// Images whose manifests name the one as their subject.
    pub fn referrers(&self, subject: &Reference) -> Result<Answer, Refusal> {
        let mut entries: Vec<Value> = Vec::new();
        for offer in self.repository(&subject.repository)? {
            let Some(bytes) = self.document(offer.manifest.digest())? else { continue };
            let Ok(Document::Manifest(manifest)) = parse(None, &bytes) else { continue };
            let of = manifest.subject().as_ref().map(|subject| subject.digest().clone());
            if of.is_some() && of == subject.digest {
                let kind = manifest.artifact_type().as_ref().unwrap_or(manifest.config().media_type());
                let entry = json!({"mediaType": offer.manifest.media_type(), "size": offer.manifest.size(),
                    "digest": offer.manifest.digest(), "artifactType": kind, "annotations": manifest.annotations()});
                entries.push(entry);
            }
        }
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
        let answer = Answer::bytes(200, OCI_INDEX, index.to_string().into_bytes());
        Ok(answer.because("Something may refer to an image, as a signature does; images can"))
    }
}

/// The part that was asked for, and the query that asks for the next.
fn page(names: BTreeSet<String>, request: &Request) -> Result<(Vec<String>, Option<String>), Refusal> {
    let last = request.parameter("last").unwrap_or_default();
    let mut rest: Vec<String> = names.into_iter().filter(|name| last.is_empty() || name.as_str() > last).collect();
    let Some(number) = request.parameter("n") else { return Ok((rest, None)) };
    let invalid = |_| Refusal::new(400, "PAGINATION_NUMBER_INVALID", format!("n={number} is no number of names"));
    let number: usize = number.parse().map_err(invalid)?;
    let more = rest.len() > number;
    rest.truncate(number);
    let next =
        rest.last().filter(|_| more).map(|last| format!("<{}?n={number}&last={last}>; rel=\"next\"", request.path));
    Ok((rest, next))
}

fn linked(answer: Answer, link: Option<String>) -> Answer {
    match link {
        Some(link) => answer.with("link", link),
        None => answer,
    }
}
