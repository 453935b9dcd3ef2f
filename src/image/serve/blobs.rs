//! Blobs: whole, or a part of one (RFC 9110, section 14).
//!
//! A store keeps each blob once, whatever repositories it is in; so whoever knows a digest gets
//! the blob under the name of any of them. What has arrived halfway, the client asks for
//! the rest of: `Range: bytes=1000-`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use ureq_proto::http::Method;

use super::Shared;
use super::answer::{Answer, Refusal};
use super::connection::Request;
use crate::error::IoContext;
use crate::image::Reference;

const KIND: &str = "application/octet-stream";

/// What a `Range` asks for of so many bytes.
#[derive(Debug, PartialEq)]
pub enum Part {
    /// There is none, or one that may be ignored.
    Whole,
    /// From here so many.
    Some(u64, u64),
    /// It begins behind the end.
    Nothing,
}

impl Shared {
    pub fn blob(&self, reference: &Reference, request: &Request) -> Result<Answer, Refusal> {
        let digest = reference.digest.as_ref().ok_or_else(unknown)?;
        // It may be removed at any time; the file stays as long as it is open.
        let file = match File::open(self.store.layout.blob(digest)) {
            Ok(file) => file,
            Err(_) => return self.mirrored_blob(reference, digest, request),
        };
        let length = file.metadata().or_fail(|| format!("cannot read {digest}"))?.len();
        let why = match request.method {
            Method::HEAD => "The client asks whether a blob is here before it sends or fetches it",
            _ => "A layer or configuration, by its digest: nothing else can be it",
        };
        part(file, length, request).map(|answer| answer.with("docker-content-digest", digest).because(why))
    }
}

pub fn unknown() -> Refusal {
    Refusal::new(404, "BLOB_UNKNOWN", "no blob with this digest is here")
}

/// The part of a file that was asked for.
fn part(mut file: File, length: u64, request: &Request) -> Result<Answer, Refusal> {
    let (status, from, count) = match range(request.header("range"), length) {
        Part::Whole => (200, 0, length),
        Part::Some(from, count) => (206, from, count),
        Part::Nothing => {
            let refusal = Refusal::new(416, "SIZE_INVALID", format!("the blob has {length} bytes"));
            return Err(refusal.with("content-range", format!("bytes */{length}")));
        }
    };
    file.seek(SeekFrom::Start(from)).or_fail(|| "cannot read the blob".into())?;
    let answer = Answer::new(status, count, file.take(count)).with("content-type", KIND).with("accept-ranges", "bytes");
    Ok(match status {
        206 => answer.with("content-range", format!("bytes {from}-{}/{length}", from + count - 1)),
        _ => answer,
    })
}

/// One range only; a list of several may be ignored, and is.
pub fn range(header: Option<&str>, length: u64) -> Part {
    let Some((first, last)) =
        header.and_then(|header| header.strip_prefix("bytes=")).and_then(|range| range.split_once('-'))
    else {
        return Part::Whole;
    };
    let (first, last) = (first.trim().parse::<u64>(), last.trim().parse::<u64>().ok().filter(|_| !last.contains('+')));
    let open = header.is_some_and(|header| header.ends_with('-'));
    match (first, last) {
        (Ok(first), None) if open && first < length => Part::Some(first, length - first),
        (Ok(first), Some(last)) if first <= last && first < length => {
            Part::Some(first, last.min(length - 1) - first + 1)
        }
        (Ok(first), _) if first >= length && (open || last.is_some_and(|last| last >= first)) => Part::Nothing,
        // The last so many bytes.
        (Err(_), Some(0)) if header.is_some_and(|header| header.starts_with("bytes=-")) => Part::Nothing,
        (Err(_), Some(last)) if length > 0 && header.is_some_and(|header| header.starts_with("bytes=-")) => {
            let count = last.min(length);
            Part::Some(length - count, count)
        }
        _ => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, range};

    #[test]
    fn ranges_are_read() {
        for (header, expected) in [
            ("bytes=0-4", Part::Some(0, 5)),
            ("bytes=3-", Part::Some(3, 7)),
            ("bytes=3-100", Part::Some(3, 7)),
            ("bytes=-4", Part::Some(6, 4)),
            ("bytes=-40", Part::Some(0, 10)),
            ("bytes=9-9", Part::Some(9, 1)),
            ("bytes=10-", Part::Nothing),
            ("bytes=10-12", Part::Nothing),
            ("bytes=-0", Part::Nothing),
            ("bytes=4-3", Part::Whole),
            ("bytes=0-1,4-5", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=-", Part::Whole),
            ("lines=1-2", Part::Whole),
        ] {
            assert_eq!(range(Some(header), 10), expected, "{header}");
        }
        assert_eq!(range(None, 10), Part::Whole);
        assert_eq!(range(Some("bytes=0-"), 0), Part::Nothing);
    }
}
