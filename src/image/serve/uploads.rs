//! Uploads: a blob comes in one piece or in several, and counts once its digest is right.
//!
//! An upload is a file in the store's work directory that grows; its digest is computed while
//! it does. It is known by a random ID, until it is finished, cancelled, or the registry ends.
//! See the OCI distribution specification, "Pushing blobs".

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

use oci_spec::image::Digest;

use super::answer::{Answer, Refusal};
use super::connection::{Body, Request};
use super::route::Upload;
use super::{Shared, locked};
use crate::error::{Error, IoContext};
use crate::image::digest::Hashing;
use crate::image::reference::parse_digest;
use crate::image::scratch::Scratch;
use crate::image::{Reference, locks::Held};
use crate::kernel::random_hex;

/// So many may be under way.
const MOST: usize = 256;
/// One that nobody goes on with is forgotten.
const IDLE: Duration = Duration::from_secs(3600);

/// Those under way.
#[derive(Default)]
pub struct Uploads(Mutex<HashMap<String, Arc<Mutex<Growing>>>>);

/// A blob that grows.
pub struct Growing {
    repository: String,
    path: PathBuf,
    file: Hashing<File>,
    touched: Instant,
    /// The directory that it is in, as long as it is.
    _scratch: Arc<Scratch>,
}

impl Growing {
    /// Takes in all that comes. What came before the connection broke, stays.
    fn append(&mut self, body: &mut dyn Read) -> Result<(), Refusal> {
        self.touched = Instant::now();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) => {
                    return Err(Refusal::new(400, "BLOB_UPLOAD_INVALID", format!("the body broke off: {error}")));
                }
            };
            self.file.write_all(&buffer[..read]).or_fail(|| "cannot store the upload".into())?;
        }
    }

    fn bytes(&self) -> u64 {
        Hashing::bytes(&self.file)
    }

    /// `0-99`: what is here; an empty upload looks as if it had a byte.
    fn range(&self) -> String {
        format!("0-{}", self.bytes().saturating_sub(1))
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        // Gone already if it has become a blob.
        std::fs::remove_file(&self.path).ok();
    }
}

impl Uploads {
    /// Drops them all.
    pub fn forget(&self) {
        locked(&self.0).clear();
    }

    fn add(&self, id: String, growing: Growing) -> Result<(), Refusal> {
        let mut uploads = locked(&self.0);
        let fresh = |growing: &Arc<Mutex<Growing>>| match growing.try_lock() {
            Ok(growing) => growing.touched.elapsed() < IDLE,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Poisoned(_)) => false,
        };
        uploads.retain(|_, growing| fresh(growing));
        if uploads.len() >= MOST {
            return Err(Refusal::new(429, "TOOMANYREQUESTS", "too many uploads are under way").with("retry-after", 5));
        }
        uploads.insert(id, Arc::new(Mutex::new(growing)));
        Ok(())
    }

    fn get(&self, id: &str, repository: &Reference) -> Result<Arc<Mutex<Growing>>, Refusal> {
        let unknown = || Refusal::new(404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload (any more)");
        let found = locked(&self.0).get(id).cloned().ok_or_else(unknown)?;
        let belongs = found.try_lock().map_or(true, |growing| growing.repository == repository.repository);
        if belongs { Ok(found) } else { Err(unknown()) }
    }

    fn remove(&self, id: &str) {
        locked(&self.0).remove(id);
    }
}

impl Shared {
    /// POST: begins one, does it all at once, or finds that it isn't needed.
    pub fn start_upload(
        &self,
        repository: &Reference,
        request: &Request,
        body: &mut Body<'_, '_>,
    ) -> Result<Answer, Refusal> {
        if let Some(mount) = request.parameter("mount") {
            let digest = read_digest(mount)?;
            if self.store.layout.blob(&digest).is_file() {
                let why = "The blob is here, from another repository: nothing need be sent";
                return Ok(stored(repository, &digest).because(why));
            }
        }
        let scratch = self.scratch()?;
        let id = random_hex(16)?;
        let path = scratch.path().join(&id);
        let file = File::create(&path)
            .or_fail(|| "cannot begin the upload".into())
            .map_err(|error| self.store.explain(error))?;
        let mut growing = Growing {
            repository: repository.repository.clone(),
            path,
            file: Hashing::new(file),
            touched: Instant::now(),
            _scratch: scratch,
        };
        if let Some(digest) = request.parameter("digest") {
            let digest = read_digest(digest)?;
            growing.append(body)?;
            return self.finish(growing, repository, &digest);
        }
        // As a client without chunks may: all that it has to say is in later requests.
        let answer = under_way(202, repository, &id, &growing.range());
        self.uploads.add(id, growing)?;
        Ok(answer.because("A blob is about to be sent: tell the client where to"))
    }

    /// What follows the POST.
    pub fn go_on(
        &self,
        repository: &Reference,
        upload: &Upload,
        request: &Request,
        body: &mut Body<'_, '_>,
    ) -> Result<Answer, Refusal> {
        let (Upload::Append(id) | Upload::Finish(id) | Upload::Status(id) | Upload::Cancel(id)) = upload else {
            return self.start_upload(repository, request, body);
        };
        let shared = self.uploads.get(id, repository)?;
        let busy = |_| Refusal::new(409, "BLOB_UPLOAD_INVALID", "another request is writing to this upload");
        let mut growing = shared.try_lock().map_err(busy)?;
        match upload {
            Upload::Status(_) => Ok(under_way(204, repository, id, &growing.range())
                .because("How much has arrived? From there the client goes on")),
            Upload::Cancel(_) => {
                self.uploads.remove(id);
                Ok(Answer::empty(204).because("The client has changed its mind: what came is thrown away"))
            }
            Upload::Append(_) => {
                in_order(&growing, repository, id, request)?;
                growing.append(body)?;
                let answer = under_way(202, repository, id, &growing.range());
                Ok(answer.because("A piece of a blob, which must begin where the last one ended"))
            }
            _ => {
                let wanted = request.parameter("digest").ok_or_else(|| invalid_digest("the query names no digest"))?;
                let digest = read_digest(wanted)?;
                in_order(&growing, repository, id, request)?;
                growing.append(body)?;
                drop(growing);
                self.uploads.remove(id);
                let gone = || Refusal::new(404, "BLOB_UPLOAD_UNKNOWN", "the upload was taken by another request");
                let growing = Arc::into_inner(shared).and_then(|growing| growing.into_inner().ok()).ok_or_else(gone)?;
                self.finish(growing, repository, &digest)
            }
        }
    }

    /// Checks what came, and makes it a blob of the store.
    fn finish(&self, mut growing: Growing, repository: &Reference, wanted: &Digest) -> Result<Answer, Refusal> {
        let hashing = std::mem::replace(&mut growing.file, Hashing::new(nowhere()?));
        let (file, digest, bytes) = hashing.finish();
        if digest != *wanted {
            return Err(invalid_digest(&format!("what came ({bytes} bytes) has the digest {digest}")));
        }
        let _store: Held = self.store.share()?;
        // On the disk first: a blob is trusted by its name ever after.
        file.sync_all().or_fail(|| "cannot write the blob to the disk".into())?;
        self.store.adopt_blob(&growing.path, &digest).map_err(|error| self.store.explain(error))?;
        Ok(stored(repository, &digest).because("All of it is here, and its digest is what the client says"))
    }
}

/// A file to put in the place of one that is moved out.
fn nowhere() -> Result<File, Error> {
    File::open("/dev/null").or_fail(|| "cannot open /dev/null".into())
}

/// `Content-Range: 100-199` must begin where the last piece ended, and be as long as it says.
fn in_order(growing: &Growing, repository: &Reference, id: &str, request: &Request) -> Result<(), Refusal> {
    let Some(text) = request.header("content-range") else { return Ok(()) };
    let out_of_order = |why: &str| {
        let place = location(repository, id);
        Refusal::new(416, "BLOB_UPLOAD_INVALID", format!("{why}; {} is here: see {place}", growing.range()))
            .with("range", growing.range())
    };
    let numbers = text.trim_start_matches("bytes ").split('/').next().and_then(|range| range.split_once('-'));
    let numbers = numbers.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
    let (first, last) = numbers.ok_or_else(|| out_of_order("the Content-Range is none"))?;
    if first != growing.bytes() || last < first {
        return Err(out_of_order("the piece does not begin where the last one ended"));
    }
    let length = request.header("content-length").and_then(|length| length.parse::<u64>().ok());
    match length {
        Some(length) if length != last - first + 1 => Err(out_of_order("the piece is not as long as it says")),
        _ => Ok(()),
    }
}

fn location(repository: &Reference, id: &str) -> String {
    format!("/v2/{}/blobs/uploads/{id}", repository.repository)
}

fn under_way(status: u16, repository: &Reference, id: &str, range: &str) -> Answer {
    let answer = Answer::empty(status).with("location", location(repository, id)).with("range", range);
    answer.with("docker-upload-uuid", id)
}

fn stored(repository: &Reference, digest: &Digest) -> Answer {
    let location = format!("/v2/{}/blobs/{digest}", repository.repository);
    Answer::empty(201).with("location", location).with("docker-content-digest", digest)
}

fn read_digest(text: &str) -> Result<Digest, Refusal> {
    parse_digest(text).map_err(|why| invalid_digest(&why))
}

fn invalid_digest(why: &str) -> Refusal {
    Refusal::new(400, "DIGEST_INVALID", why)
}
