//! What a registry is told when an image is pushed: blobs first, the manifest that names
//! them last.
//!
//! A blob that it has is not sent again, and one that another of its repositories has is
//! **mounted** from there. Otherwise an upload is opened, which has an address of its own, and
//! closed with the digest: all in one piece (PUT), or in chunks (PATCH) for registries
//! with a limit in front of them.
//! See the OCI distribution specification, "Push".

use std::io::{self, Read};
use std::thread;

use oci_spec::image::{Descriptor, Digest, MediaType};
use ureq::http::{HeaderName, Method, Uri, header};

use super::endpoint::{Endpoint, Failure, Request, Target};
use super::http::{Answer, Content, join};
use super::retry::{self, ATTEMPTS};
use super::{Registry, here};
use crate::error::{Error, IoContext, Result};
use crate::image::{digest, reference};

/// Chunks are of this size where nobody asks for another: they are held in memory.
const CHUNK: u64 = 8 * 1024 * 1024;
const OCTETS: &str = "application/octet-stream";
/// A registry may want chunks of so many bytes at least.
const LEAST: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// What it took to have a blob there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It was there already.
    Existed,
    /// Another repository of the registry had it.
    Mounted,
    /// It was sent.
    Sent,
}

/// A blob to be sent: it is opened once for each attempt.
pub struct Source<'a> {
    /// Its digest and size.
    pub descriptor: &'a Descriptor,
    /// Its content from the start.
    pub open: &'a dyn Fn() -> io::Result<Box<dyn Read + Send>>,
    /// Is told how many bytes of it are sent.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// An upload ended in another way than it should.
enum Broken {
    /// It may go better from the start.
    Passing(Error),
    /// It may go better in chunks.
    InOne,
    Final(Error),
}

impl Registry {
    /// Whether the repository has this blob.
    pub fn has_blob(&self, descriptor: &Descriptor) -> Result<bool> {
        self.exists(descriptor, &format!("cannot ask for the blob {}", descriptor.digest()))
    }

    /// Sends a blob, unless it is there. `mount_from` is another repository of this registry
    /// that is likely to have it.
    pub fn push_blob(&self, source: &Source<'_>, mount_from: Option<&str>) -> Result<Pushed> {
        if self.exists(source.descriptor, &doing(source))? {
            return Ok(Pushed::Existed);
        }
        let mut chunk = self.settings.chunk;
        let mut attempt = 1;
        loop {
            match self.upload(source, mount_from, chunk) {
                Ok(pushed) => return Ok(pushed),
                Err(Broken::InOne) if chunk.is_none() => chunk = Some(CHUNK),
                Err(Broken::InOne) => return Err(Error::new(format!("{}: it is too large", doing(source)))),
                Err(Broken::Final(error)) => return Err(error),
                Err(Broken::Passing(error)) => {
                    let wait = retry::wait(attempt, None, &self.settings.timeouts);
                    let Some(wait) = wait.filter(|_| attempt < ATTEMPTS) else { return Err(error) };
                    thread::sleep(wait);
                    attempt += 1;
                }
            }
        }
    }

    /// Gives a manifest, whose blobs are there, a tag or its digest as a name.
    pub fn push_manifest(&self, tag_or_digest: &str, media_type: &MediaType, bytes: &[u8]) -> Result<Digest> {
        let doing = format!("cannot push the manifest of {}/{}", self.name, self.repository);
        let why = "Store the manifest: from now on the name stands for this image";
        let path = self.path(&format!("manifests/{tag_or_digest}"));
        let headers = vec![(header::CONTENT_TYPE, media_type.to_string())];
        let (answer, endpoint) =
            self.ask(&request(why, Method::PUT, Target::Path(path), headers, Content::Bytes(bytes)), &doing)?;
        if !matches!(answer.status, 200..=204) {
            return Err(self.refused(&doing, &answer, endpoint));
        }
        let own = digest::of(bytes);
        let said = answer.header("docker-content-digest").and_then(|text| reference::parse_digest(text).ok());
        match said.filter(|said| *said != own) {
            Some(said) => Err(Error::new(format!("{doing}: {} has stored something else", endpoint.name))
                .hint(format!("sent   {own}\nstored {said}"))),
            None => Ok(own),
        }
    }

    fn exists(&self, descriptor: &Descriptor, doing: &str) -> Result<bool> {
        let path = self.path(&format!("blobs/{}", descriptor.digest()));
        let why = "Ask whether this blob is there already";
        let request = request(why, Method::HEAD, Target::Path(path), Vec::new(), Content::Nothing);
        let (answer, endpoint) = self.ask(&request, doing)?;
        match answer.status {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(self.refused(doing, &answer, endpoint)),
        }
    }

    fn upload(
        &self,
        source: &Source<'_>,
        mount_from: Option<&str>,
        chunk: Option<u64>,
    ) -> std::result::Result<Pushed, Broken> {
        let upload = match self.begin(source, mount_from)? {
            Some(upload) => upload,
            None => return Ok(Pushed::Mounted),
        };
        match chunk {
            None => self.in_one(source, &upload.0)?,
            Some(chunk) => self.in_chunks(source, upload, chunk)?,
        }
        Ok(Pushed::Sent)
    }

    /// Opens an upload: its address, and the least size of a chunk. `None`: none is needed.
    fn begin(&self, source: &Source<'_>, mount_from: Option<&str>) -> std::result::Result<Option<(Uri, u64)>, Broken> {
        let doing = doing(source);
        let mut path = self.path("blobs/uploads/");
        let mut why = "Open an upload: the registry says where to send the blob";
        if let Some(from) = mount_from {
            path.push_str(&format!("?mount={}&from={}", source.descriptor.digest(), super::auth::encode(from)));
            why = "Ask to take the blob over from another repository, unsent";
            self.endpoints.iter().for_each(|endpoint| endpoint.auth.wants(&format!("repository:{from}:pull")));
        }
        let question = request(why, Method::POST, Target::Path(path), Vec::new(), Content::Nothing);
        let (answer, endpoint) = self.ask(&question, &doing).map_err(Broken::Final)?;
        match answer.status {
            201 if mount_from.is_some() => Ok(None),
            202 => {
                let least = answer.header(LEAST).and_then(|text| text.parse().ok()).unwrap_or(0);
                location(&answer, &doing).map(|url| Some((url, least)))
            }
            // Whoever may push here need not be allowed to read there.
            401 | 403 | 404 | 405 if mount_from.is_some() => self.begin(source, None),
            _ => Err(Broken::Final(self.refused(&doing, &answer, endpoint))),
        }
    }

    fn in_one(&self, source: &Source<'_>, url: &Uri) -> std::result::Result<(), Broken> {
        let open = || {
            let reporting = Reporting { inner: (source.open)()?, sent: 0, progress: source.progress };
            Ok(Box::new(reporting) as Box<dyn Read + Send + '_>)
        };
        let content = Content::Stream { open: &open, size: source.descriptor.size() };
        let why = "Send the blob in one piece, and say which digest it must have";
        let headers = vec![(header::CONTENT_TYPE, OCTETS.to_owned())];
        let target = Target::Url(with_digest(url, source.descriptor.digest()));
        match self.once(&request(why, Method::PUT, target, headers, content), source)?.0 {
            answer if matches!(answer.status, 200..=204) => Ok(()),
            answer if matches!(answer.status, 405 | 411 | 413 | 501) => Err(Broken::InOne),
            answer => Err(self.broken(&doing(source), &answer)),
        }
    }

    fn in_chunks(
        &self,
        source: &Source<'_>,
        (mut url, least): (Uri, u64),
        chunk: u64,
    ) -> std::result::Result<(), Broken> {
        let doing = doing(source);
        let mut reader = (source.open)().or_fail(|| doing.clone()).map_err(Broken::Final)?;
        let mut position = 0;
        while position < source.descriptor.size() {
            let mut bytes = Vec::new();
            let read = Read::take(&mut reader, chunk.max(least).max(1)).read_to_end(&mut bytes);
            read.or_fail(|| doing.clone()).map_err(Broken::Final)?;
            if bytes.is_empty() {
                return Err(Broken::Final(Error::new(format!("{doing}: it ends too early"))));
            }
            let next = position + bytes.len() as u64;
            let range = format!("{position}-{}", next - 1);
            let headers = vec![(header::CONTENT_TYPE, OCTETS.to_owned()), (header::CONTENT_RANGE, range)];
            let why = "Send a part of the blob";
            let question = request(why, Method::PATCH, Target::Url(url), headers, Content::Bytes(&bytes));
            let answer = self.once(&question, source)?.0;
            if answer.status == 413 && chunk > 1 {
                return Err(Broken::InOne);
            }
            if !matches!(answer.status, 200..=204) {
                return Err(self.broken(&doing, &answer));
            }
            url = location(&answer, &doing)?;
            position = next;
            (source.progress)(position);
        }
        let why = "Close the upload, and say which digest the whole must have";
        let target = Target::Url(with_digest(&url, source.descriptor.digest()));
        match self.once(&request(why, Method::PUT, target, Vec::new(), Content::Nothing), source)?.0 {
            answer if matches!(answer.status, 200..=204) => Ok(()),
            answer => Err(self.broken(&doing, &answer)),
        }
    }

    /// Asks a single time: a part that was sent twice would be there twice.
    fn once(&self, question: &Request<'_>, source: &Source<'_>) -> std::result::Result<(Answer, &Endpoint), Broken> {
        let Some(endpoint) = self.endpoints.last() else {
            return Err(Broken::Final(Error::new(doing(source))));
        };
        match endpoint.ask_once(question) {
            Ok(answer) => Ok((answer, endpoint)),
            Err(failure @ Failure::Fault(_)) if failure.is_passing() => {
                Err(Broken::Passing(failure.explain(&doing(source))))
            }
            Err(failure) => Err(Broken::Final(failure.explain(&doing(source)))),
        }
    }

    fn broken(&self, doing: &str, answer: &Answer) -> Broken {
        let user = self.endpoints.last().and_then(|endpoint| endpoint.auth.user());
        let error = super::failure::of(doing, answer, &self.name, user.as_deref());
        // An upload that the registry has forgotten is begun anew.
        let passing = retry::is_passing(answer.status) || matches!(answer.status, 404 | 416);
        if passing { Broken::Passing(error) } else { Broken::Final(error) }
    }
}

/// Says how much has been read.
struct Reporting<'a> {
    inner: Box<dyn Read + Send>,
    sent: u64,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Read for Reporting<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.sent += read as u64;
        (self.progress)(self.sent);
        Ok(read)
    }
}

fn doing(source: &Source<'_>) -> String {
    format!("cannot push the blob {}", source.descriptor.digest())
}

#[track_caller]
fn request<'a>(
    why: &'static str,
    method: Method,
    target: Target,
    headers: Vec<(HeaderName, String)>,
    content: Content<'a>,
) -> Request<'a> {
    Request { why, method, target, headers, content, source: here() }
}

/// Where the next part goes.
fn location(answer: &Answer, doing: &str) -> std::result::Result<Uri, Broken> {
    let location = answer.header(header::LOCATION).and_then(|location| join(&answer.url, location));
    let failed = |why: &str| Error::new(format!("{doing}: {why}"));
    let Some(location) = location else {
        return Err(Broken::Final(failed("the registry does not say where to send it")));
    };
    if answer.url.scheme_str() == Some("https") && location.scheme_str() != Some("https") {
        let hint = "A registry behind a proxy that speaks TLS must be told so: X-Forwarded-Proto, or `relativeurls`.";
        return Err(Broken::Final(failed("the registry wants it sent by plain HTTP").hint(hint)));
    }
    Ok(location)
}

fn with_digest(url: &Uri, digest: &Digest) -> Uri {
    let separator = if url.query().is_some() { '&' } else { '?' };
    format!("{url}{separator}digest={digest}").parse().unwrap_or_else(|_| url.clone())
}
