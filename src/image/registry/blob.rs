//! A blob that arrives: taken up again where the connection broke, and never longer than
//! the manifest says.
//!
//! It does *not* compare the digest; whoever reads it hashes it on the way (`digest::Hashing`).
//! See RFC 9110, section 14, "Range Requests".

use std::io::{self, Read};
use std::thread;

use oci_spec::image::Descriptor;
use ureq::http::{HeaderName, Method, header};

use super::endpoint::{Request, Target};
use super::fault::Fault;
use super::http::{Answer, Content, broke_off};
use super::retry::{self, ATTEMPTS};
use super::{Registry, here};
use crate::error::{Error, Result};

/// A connection that brought so much was worth it; the next may break as well.
const WORTH: u64 = 64 * 1024;

/// The content of a blob, as it comes in.
pub struct Blob<'registry> {
    registry: &'registry Registry,
    descriptor: Descriptor,
    answer: Answer,
    /// Bytes that have been passed on.
    position: u64,
    /// Where this connection began.
    began: u64,
    /// Connections in a row that were not worth it.
    fruitless: u32,
}

impl<'registry> Blob<'registry> {
    pub(super) fn open(registry: &'registry Registry, descriptor: &Descriptor) -> Result<Self> {
        let answer = ask(registry, descriptor, 0)?;
        Ok(Self { registry, descriptor: descriptor.clone(), answer, position: 0, began: 0, fruitless: 0 })
    }

    /// Takes it up again after `fault`.
    fn again(&mut self, fault: &Fault) -> Result<()> {
        self.fruitless = if self.position - self.began >= WORTH { 1 } else { self.fruitless + 1 };
        let timeouts = &self.registry.settings.timeouts;
        let wait = retry::wait(self.fruitless, None, timeouts).filter(|_| self.fruitless < ATTEMPTS);
        let Some(wait) = wait else { return Err(fault.explain(&doing(&self.descriptor))) };
        thread::sleep(wait);
        self.answer = ask(self.registry, &self.descriptor, self.position)?;
        self.began = self.position;
        Ok(())
    }

    /// After the last byte there must be none. Reading on frees the connection, too.
    fn end(&mut self) -> io::Result<usize> {
        match self.answer.body.read(&mut [0; 1]) {
            Ok(1..) => Err(io::Error::other(longer(&self.descriptor))),
            _ => Ok(0),
        }
    }
}

impl Read for Blob<'_> {
    /// An error holds an `Error`; see [`unwrapped`].
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.descriptor.size() - self.position;
        if bytes.is_empty() {
            return Ok(0);
        }
        if left == 0 {
            return self.end();
        }
        let most = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        loop {
            let error = match self.answer.body.read(&mut bytes[..most]) {
                Ok(0) => io::Error::new(io::ErrorKind::UnexpectedEof, "it ended too early"),
                Ok(read) => {
                    self.position += read as u64;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            let fault = broke_off(&error, &self.answer.url);
            self.again(&fault).map_err(io::Error::other)?;
        }
    }
}

/// The error that a [`Blob`] was read with, whole again.
pub fn unwrapped(error: io::Error, doing: impl FnOnce() -> String) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::io(doing(), &error),
    }
}

fn doing(descriptor: &Descriptor) -> String {
    format!("cannot fetch the blob {}", descriptor.digest())
}

fn longer(descriptor: &Descriptor) -> Error {
    Error::new(format!(
        "{}: the registry sends more than the {} bytes that the manifest says",
        doing(descriptor),
        descriptor.size()
    ))
}

/// Asks for a blob from a position on.
fn ask(registry: &Registry, descriptor: &Descriptor, position: u64) -> Result<Answer> {
    let mut headers: Vec<(HeaderName, String)> = Vec::new();
    let mut why = "Fetch a blob by its digest: whoever sends it, it can be checked";
    if position > 0 {
        headers.push((header::RANGE, format!("bytes={position}-")));
        why = "Fetch the rest: the connection broke, but what has come is good";
    }
    let path = registry.path(&format!("blobs/{}", descriptor.digest()));
    let (method, content, source) = (Method::GET, Content::Nothing, here());
    let request = Request { why, method, target: Target::Path(path), headers, content, source };
    let (mut answer, endpoint) = registry.ask(&request, &doing(descriptor))?;
    match answer.status {
        200 => {}
        206 => return from_range(answer, descriptor, position),
        _ => return Err(registry.refused(&doing(descriptor), &answer, endpoint)),
    }
    let length = answer.header(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if let Some(length) = length.filter(|length| *length != descriptor.size()) {
        let what = format!("the registry has {length} bytes, and the manifest says {}", descriptor.size());
        return Err(Error::new(format!("{}: {what}", doing(descriptor)))
            .hint("The image is damaged there. Push it again, or ask its owner to do so."));
    }
    // It knows no ranges: what has come before comes again, and is passed over.
    let skipped = io::copy(&mut Read::take(&mut answer.body, position), &mut io::sink());
    skipped.map_err(|error| broke_off(&error, &answer.url).explain(&doing(descriptor)))?;
    Ok(answer)
}

/// `Content-Range: bytes 5-9/10`
fn from_range(answer: Answer, descriptor: &Descriptor, position: u64) -> Result<Answer> {
    let range = answer.header(header::CONTENT_RANGE).unwrap_or_default();
    let start = range.strip_prefix("bytes ").and_then(|range| range.split('-').next()?.parse::<u64>().ok());
    if start == Some(position) {
        return Ok(answer);
    }
    let range = super::secret::tamed(range);
    Err(Error::new(format!("{}: asked for what follows byte {position}, it sends '{range}'", doing(descriptor))))
}
