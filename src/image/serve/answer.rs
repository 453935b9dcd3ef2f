//! What comes back: a status, headers and a body; or a refusal, in the form that clients know.
//! See the OCI distribution specification, "Error Codes".

use std::io::{Cursor, Read};
use std::panic::Location;

use crate::error::Error;
use crate::kernel::errno::{EDQUOT, ENOSPC};

/// An answer on its way.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    /// Of the body; also told where none is sent (HEAD).
    pub length: u64,
    pub content: Box<dyn Read>,
    /// For the narration.
    pub why: &'static str,
    /// Where in the source it was given.
    pub source: String,
}

impl Answer {
    #[track_caller]
    pub fn new(status: u16, length: u64, content: impl Read + 'static) -> Self {
        let place = Location::caller();
        let source = format!("{}:{}", place.file(), place.line());
        Self { status, headers: Vec::new(), length, content: Box::new(content), why: "", source }
    }

    #[track_caller]
    pub fn empty(status: u16) -> Self {
        Self::new(status, 0, std::io::empty())
    }

    #[track_caller]
    pub fn bytes(status: u16, content_type: &str, bytes: Vec<u8>) -> Self {
        Self::new(status, bytes.len() as u64, Cursor::new(bytes)).with("content-type", content_type)
    }

    #[track_caller]
    pub fn json(status: u16, text: impl ToString) -> Self {
        Self::bytes(status, "application/json", text.to_string().into_bytes())
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// Says why: a step of the narration, at most 72 characters.
    pub fn because(mut self, why: &'static str) -> Self {
        self.why = why;
        self
    }
}

/// No, and why.
#[derive(Debug)]
pub struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    header: Option<(&'static str, String)>,
    source: &'static Location<'static>,
}

impl Refusal {
    /// With a code of the specification.
    #[track_caller]
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), header: None, source: Location::caller() }
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.header = Some((name, value.to_string()));
        self
    }

    pub fn answer(self) -> Answer {
        let body = serde_json::json!({"errors": [{"code": self.code, "message": self.message, "detail": null}]});
        let mut answer = Answer::json(self.status, body).because("What was asked for can't be: say why, by a code");
        answer.headers.extend(self.header);
        answer.source = format!("{}:{}", self.source.file(), self.source.line());
        answer
    }
}

/// What goes wrong in the store is the server's fault, not the client's.
impl From<Error> for Refusal {
    #[track_caller]
    fn from(error: Error) -> Self {
        let status = if matches!(error.errno(), Some(ENOSPC | EDQUOT)) { 507 } else { 500 };
        Self::new(status, "UNKNOWN", error.to_string())
    }
}
