//! Which of the few questions of a registry it is: method and path.
//!
//! Names, tags and digests are read by the same parser as those that a user types, so
//! nothing else gets any further: no `..`, no slash where none belongs.
//! See the OCI distribution specification, "Endpoints".

use oci_spec::image::Digest;
use ureq_proto::http::Method;

use super::answer::Refusal;
use super::connection::Request;
use crate::image::Reference;
use crate::image::reference::parse_digest;

/// A question, understood.
#[derive(Debug, PartialEq)]
pub enum Question {
    Ping,
    Catalog,
    Tags(Reference),
    /// GET and HEAD; with a tag or a digest.
    Manifest(Reference),
    PutManifest(Reference),
    DeleteManifest(Reference),
    Referrers(Reference),
    /// GET and HEAD; with a digest.
    Blob(Reference),
    /// Into the repository.
    Upload(Reference, Upload),
}

/// What is done to an upload, by its ID.
#[derive(Debug, PartialEq)]
pub enum Upload {
    Start,
    Append(String),
    Finish(String),
    Status(String),
    Cancel(String),
}

impl Question {
    /// Reads it; `own` is by which name of a registry this one goes.
    pub fn read(request: &Request, own: &str) -> Result<Self, Refusal> {
        let unknown = || Refusal::new(404, "UNSUPPORTED", format!("a registry has no {}", request.path));
        let path = request.path.strip_prefix("/v2/").or((request.path == "/v2").then_some("")).ok_or_else(unknown)?;
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        match path {
            "" => return if reads { Ok(Self::Ping) } else { Err(not_allowed("GET, HEAD")) },
            "_catalog" => return if reads { Ok(Self::Catalog) } else { Err(not_allowed("GET, HEAD")) },
            _ => {}
        }
        // From the right, since the name of a repository may have any number of parts.
        let mut parts = path.rsplitn(3, '/');
        let (last, kind, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        match (rest, kind, last) {
            (Some(name), Some("tags"), "list") => {
                let repository = repository(own, name)?;
                if reads { Ok(Self::Tags(repository)) } else { Err(not_allowed("GET, HEAD")) }
            }
            (Some(name), Some("manifests"), text) => manifest(&request.method, named(own, name, text)?),
            (Some(name), Some("referrers"), text) => {
                let reference = with_digest(own, name, text)?;
                if reads { Ok(Self::Referrers(reference)) } else { Err(not_allowed("GET, HEAD")) }
            }
            // A lone `/v2/NAME/blobs/uploads`, or one with a slash behind it.
            (Some(name), Some("blobs"), "uploads") => upload(&request.method, own, name, ""),
            (Some(name), Some("uploads"), id) if name.ends_with("/blobs") => {
                upload(&request.method, own, name.trim_end_matches("/blobs"), id)
            }
            (Some(name), Some("blobs"), text) => blob(&request.method, with_digest(own, name, text)?),
            _ => Err(unknown()),
        }
    }

    /// Whether it changes what the registry holds.
    pub fn changes(&self) -> bool {
        matches!(self, Self::PutManifest(_) | Self::DeleteManifest(_) | Self::Upload(..))
    }
}

fn manifest(method: &Method, reference: Reference) -> Result<Question, Refusal> {
    match *method {
        Method::GET | Method::HEAD => Ok(Question::Manifest(reference)),
        Method::PUT => Ok(Question::PutManifest(reference)),
        Method::DELETE => Ok(Question::DeleteManifest(reference)),
        _ => Err(not_allowed("GET, HEAD, PUT, DELETE")),
    }
}

fn blob(method: &Method, reference: Reference) -> Result<Question, Refusal> {
    match *method {
        Method::GET | Method::HEAD => Ok(Question::Blob(reference)),
        // Images share blobs: `image prune` knows which of them no image needs any more.
        Method::DELETE => {
            Err(Refusal::new(405, "UNSUPPORTED", "blobs go when no image needs them: boxlab image prune"))
        }
        _ => Err(not_allowed("GET, HEAD")),
    }
}

fn upload(method: &Method, own: &str, name: &str, id: &str) -> Result<Question, Refusal> {
    let repository = repository(own, name)?;
    let id = id.to_owned();
    let upload = match *method {
        Method::POST if id.is_empty() => Upload::Start,
        _ if id.is_empty() => return Err(not_allowed("POST")),
        Method::PATCH => Upload::Append(id),
        Method::PUT => Upload::Finish(id),
        Method::GET | Method::HEAD => Upload::Status(id),
        Method::DELETE => Upload::Cancel(id),
        _ => return Err(not_allowed("GET, HEAD, PATCH, PUT, DELETE")),
    };
    Ok(Question::Upload(repository, upload))
}

/// `a/b`
fn repository(own: &str, name: &str) -> Result<Reference, Refusal> {
    let invalid = |_| Refusal::new(400, "NAME_INVALID", format!("'{name}' is no name of a repository"));
    let reference = Reference::parse(&format!("{own}/{name}")).map_err(invalid)?;
    // A colon would have been taken for the start of a tag.
    if reference.repository == name { Ok(reference) } else { Err(invalid(crate::error::Error::new(""))) }
}

/// `a/b` and a tag or digest.
fn named(own: &str, name: &str, text: &str) -> Result<Reference, Refusal> {
    if text.contains(':') {
        return with_digest(own, name, text);
    }
    let repository = repository(own, name)?;
    let invalid = |_| Refusal::new(400, "MANIFEST_INVALID", format!("'{text}' is no tag"));
    let reference = Reference::parse(&format!("{}:{text}", repository.name())).map_err(invalid)?;
    // A slash can't be in it, so what came behind the colon is all of it.
    Ok(reference)
}

fn with_digest(own: &str, name: &str, text: &str) -> Result<Reference, Refusal> {
    let digest: Digest = parse_digest(text).map_err(|why| Refusal::new(400, "DIGEST_INVALID", why))?;
    Ok(repository(own, name)?.with_digest(&digest))
}

fn not_allowed(methods: &str) -> Refusal {
    Refusal::new(405, "UNSUPPORTED", format!("this can be asked with {methods} only")).with("allow", methods)
}

#[cfg(test)]
mod tests {
    use super::{Question, Upload};
    use crate::image::serve::connection::Request;
    use proptest::prelude::*;
    use ureq_proto::http::{HeaderMap, Method};

    fn read(method: &Method, path: &str) -> Option<Question> {
        let request = Request {
            peer: [127, 0, 0, 1].into(),
            method: method.clone(),
            target: path.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: HeaderMap::new(),
        };
        Question::read(&request, "127.0.0.1:5000").ok()
    }

    #[test]
    fn names_may_look_like_endpoints() {
        for name in ["x", "a/b", "tags/list", "blobs/uploads", "manifests/manifests"] {
            let tags = read(&Method::GET, &format!("/v2/{name}/tags/list"));
            assert!(matches!(tags, Some(Question::Tags(found)) if found.repository == name), "{name}");
            let manifest = read(&Method::GET, &format!("/v2/{name}/manifests/1"));
            assert!(matches!(manifest, Some(Question::Manifest(found)) if found.repository == name), "{name}");
            for end in ["", "/"] {
                let start = read(&Method::POST, &format!("/v2/{name}/blobs/uploads{end}"));
                assert!(matches!(start, Some(Question::Upload(found, Upload::Start)) if found.repository == name));
            }
            let going_on = read(&Method::PATCH, &format!("/v2/{name}/blobs/uploads/ab12"));
            assert!(matches!(going_on, Some(Question::Upload(_, Upload::Append(id))) if id == "ab12"));
        }
    }

    proptest! {
        /// Whatever is asked for, it is of this registry, and its name has no way out.
        #[test]
        fn nothing_leads_elsewhere(path in "/v2/([a-z.%:@/-]|\\.\\./|sha256:){0,12}/(manifests|blobs|referrers|tags|blobs/uploads)/[a-z0-9.:/@]{0,9}") {
            for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE] {
                let reference = match read(&method, &path) {
                    Some(Question::Tags(found) | Question::Manifest(found) | Question::PutManifest(found)) => found,
                    Some(Question::DeleteManifest(found) | Question::Referrers(found) | Question::Blob(found)) => found,
                    Some(Question::Upload(found, _)) => found,
                    Some(Question::Ping | Question::Catalog) | None => continue,
                };
                prop_assert_eq!(&reference.registry, "127.0.0.1:5000");
                prop_assert!(!reference.repository.contains("..") && !reference.repository.contains(':'));
                prop_assert!(!reference.repository.starts_with('/') && !reference.repository.ends_with('/'));
            }
        }
    }
}
