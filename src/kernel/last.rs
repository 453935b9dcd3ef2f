//! The last calls before a program takes over. Once a seccomp filter is loaded this
//! process may not be able to tell anything any more, and after execve(2) it is not
//! there: so they are told beforehand, as what is about to happen, and then made.
//!
//! The parent passes them on as events only when the program has started, which
//! proves that each of them succeeded. If one fails, what did happen is told.

use std::convert::Infallible;

use super::{Kernel, reset_signals};
use crate::error::{Error, Result};
use crate::trace::{Detail, Event, Record};

/// What becomes of that which a process tells.
#[derive(Debug, Default)]
pub(super) enum Phase {
    /// It is told as it happens.
    #[default]
    Live,
    /// It is kept: no call is made.
    Rehearsal(Vec<Record>),
    /// It has been told; the calls are made.
    Muted,
}

impl Kernel {
    /// Child: makes the last calls, execve at their end, and tells the parent before.
    /// `calls` runs twice: without making them, then making them.
    pub fn last(&self, calls: impl Fn(&Self) -> Result<Infallible>) -> Result<Infallible> {
        // Also true for an execve among the last calls.
        if self.plans() || !matches!(*self.phase.borrow(), Phase::Live) {
            return calls(self);
        }
        let told = self.rehearsed(&calls);
        self.announce(told.clone())?;
        // Before any of them: a filter among them may forbid this.
        reset_signals();
        self.phase.replace(Phase::Muted);
        let failed = calls(self);
        self.phase.replace(Phase::Live);
        failed.inspect_err(|error| self.tell_until(told, error))
    }

    fn rehearsed(&self, calls: impl Fn(&Self) -> Result<Infallible>) -> Vec<Record> {
        if self.detail == Detail::Off {
            return Vec::new();
        }
        self.phase.replace(Phase::Rehearsal(Vec::new()));
        // Ends with execve, which has no result in a rehearsal.
        let _ = calls(self);
        match self.phase.replace(Phase::Live) {
            Phase::Rehearsal(told) => told,
            _ => Vec::new(),
        }
    }

    /// The calls up to the one that failed, and that one.
    fn tell_until(&self, told: Vec<Record>, error: &Error) {
        let failed = error.failure().call.clone().unwrap_or_default();
        for mut record in told {
            let this = match &record.event {
                Event::Call { name, args, .. } => format!("{name}({})", args.join(", ")) == failed,
                _ => false,
            };
            if let (true, Event::Call { ret, errno, .. }) = (this, &mut record.event) {
                *ret = "-1".to_owned();
                *errno = error.errno().map(crate::trace::decode::errno_name);
            }
            self.pass_on(record);
            if this {
                return;
            }
        }
    }

    pub(super) fn rehearses(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Rehearsal(_))
    }

    pub(super) fn is_muted(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Muted)
    }

    /// Keeps a record for later in a rehearsal; else gives it back.
    pub(super) fn rehearse(&self, record: Record) -> Option<Record> {
        match &mut *self.phase.borrow_mut() {
            Phase::Live => Some(record),
            Phase::Rehearsal(told) => {
                told.push(record);
                None
            }
            Phase::Muted => None,
        }
    }
}
