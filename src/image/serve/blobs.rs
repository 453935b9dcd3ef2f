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

/// What a `Range` asks for of so many bytes.
#[derive(Debug, PartialEq)]
enum Part {
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
        let mut file = match File::open(self.store.layout.blob(digest)) {
            Ok(file) => file,
            Err(_) => return self.mirrored_blob(reference, digest, request),
        };
        let length = file.metadata().or_fail(|| format!("cannot read {digest}"))?.len();
        let why = match request.method {
            Method::HEAD => "The client asks whether a blob is here before it sends or fetches it",
            _ => "A layer or configuration, by its digest: nothing else can be it",
        };
        let cut = Cut::of(length, request)?;
        file.seek(SeekFrom::Start(cut.from)).or_fail(|| "cannot read the blob".into())?;
        let answer = cut.answer(file.take(cut.count));
        Ok(answer.with("docker-content-digest", digest).because(why))
    }
}

pub fn unknown() -> Refusal {
    Refusal::new(404, "BLOB_UNKNOWN", "no blob with this digest is here")
}

/// The part that was asked for, of a blob that has so many bytes.
pub struct Cut {
    pub from: u64,
    pub count: u64,
    whole: Option<u64>,
}

impl Cut {
    pub fn of(length: u64, request: &Request) -> Result<Self, Refusal> {
        match range(request.header("range"), length) {
            Part::Whole => Ok(Self { from: 0, count: length, whole: None }),
            Part::Some(from, count) => Ok(Self { from, count, whole: Some(length) }),
            Part::Nothing => {
                let refusal = Refusal::new(416, "SIZE_INVALID", format!("the blob has {length} bytes"));
                Err(refusal.with("content-range", format!("bytes */{length}")))
            }
        }
    }

    /// The answer that holds it.
    #[track_caller]
    pub fn answer(&self, content: impl Read + 'static) -> Answer {
        let status = if self.whole.is_some() { 206 } else { 200 };
        let answer = Answer::new(status, self.count, content);
        let answer = answer.with("content-type", "application/octet-stream").with("accept-ranges", "bytes");
        let last = self.from + self.count.saturating_sub(1);
        match self.whole {
            Some(length) => answer.with("content-range", format!("bytes {}-{last}/{length}", self.from)),
            None => answer,
        }
    }
}

/// One range only; a list of several may be ignored, and is.
fn range(header: Option<&str>, length: u64) -> Part {
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
