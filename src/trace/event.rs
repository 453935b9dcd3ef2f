//! What is told: the events of the trace and who caused them.
//!
//! Their JSON form is the format of `--trace json`, one object a line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// Why the next calls are made.
    Step {
        /// Which primitive speaks: `ns.uts`, `mount.pivot`, `run`, ...
        primitive: String,
        /// The sentence, at most 72 characters.
        text: String,
        /// Source file and line.
        source: String,
    },
    /// A system call, spelled as strace(1) spells it.
    Call {
        /// Its name in the manual.
        name: String,
        /// Its arguments in the kernel's order, flags by name.
        args: Vec<String>,
        /// What it returned; `?` in a plan.
        ret: String,
        /// errno(3) by name, if it failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        errno: Option<String>,
        /// How long it took, in nanoseconds.
        ns: u64,
        /// Source file and line.
        source: String,
    },
    /// A question to a server, and its answer.
    Exchange(Exchange),
    /// What a call changed, read from the kernel before and after.
    State {
        /// What was looked at: `uts namespace`, `hostname`, ...
        subject: String,
        /// What it was.
        before: String,
        /// What it is now.
        after: String,
    },
    /// Something seen: a file's lines, a table, a picture.
    Show {
        /// What it is.
        title: String,
        /// Its lines, as they are.
        lines: Vec<String>,
    },
    /// A number that is measured again and again while something runs.
    Sample {
        /// What is measured: a file of the kernel, or something counted.
        subject: String,
        /// What it is now.
        value: u64,
        /// What it can be at most, or may be.
        most: u64,
        /// `bytes`, `ms`, ...; empty for a number of things.
        unit: String,
    },
    /// What can be looked at from another terminal while `--pause` waits.
    Look {
        /// A command line.
        command: String,
    },
    /// A part left out because of `--without` or `--only`.
    Left {
        /// The part's name.
        part: String,
    },
    /// A step or call right before a program takes this process over: it is shown
    /// now, and happens when nobody can tell of it any more.
    Announce {
        /// What it is.
        of: Box<Event>,
    },
    /// Where to read on, from the catalog.
    See {
        /// `man`, `shell`, `lesson`, `book`.
        what: String,
        /// The reference.
        reference: String,
    },
    /// The command ended.
    Done {
        /// Its exit status.
        status: i32,
    },
}

/// One HTTP request and what came back (RFC 9110). Secrets are left out of it: whoever
/// makes it has replaced them by `***`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// `GET`, `HEAD`, `PUT`, ...
    pub method: String,
    /// Whom and what it was sent to.
    pub url: String,
    /// The status code; none if no answer came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// What went wrong, if no answer came or it broke off.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<String>,
    /// The headers of the request that matter, names in lower case.
    pub request: BTreeMap<String, String>,
    /// The headers of the answer that matter.
    pub response: BTreeMap<String, String>,
    /// Bytes of the request's body.
    pub sent: u64,
    /// Bytes of the answer's body.
    pub received: u64,
    /// How long it took, in nanoseconds.
    pub ns: u64,
    /// Source file and line.
    pub source: String,
}

/// An event, and who caused it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// Place in the stream, from 1; given by the process that renders.
    #[serde(default)]
    pub seq: u64,
    /// Who acted: `host`, `child`, `init`, `helper`, ...
    pub role: String,
    /// The process, as the host numbers it.
    pub pid: i32,
}

/// What has been announced and is to come.
#[derive(Debug, Default)]
pub struct Announced(Vec<(i32, Event)>);

impl Announced {
    /// Notes that the process of this record has announced something.
    pub fn announce(&mut self, record: &Record, of: &Event) {
        self.0.push((record.pid, of.clone()));
    }

    /// True if this is what its process has announced, as it was announced.
    pub fn comes_true(&mut self, record: &Record) -> bool {
        let place = self.0.iter().position(|(pid, event)| *pid == record.pid && *event == record.event);
        place.map(|place| self.0.remove(place)).is_some()
    }
}
