//! One stream of events, rendered as narration, as JSON lines, or not at all.
//!
//! Reading order: [`event`] (what is told), [`decode`] (how it is spelled),
//! [`narrate`] with [`fold`] and [`samples`] (what is drawn live), and [`json`] (two
//! renderings), [`exchange`] (how a request to a server looks), [`record`] (in memory), [`relay`]
//! (how a child's events reach its parent).

pub mod decode;
pub mod event;
mod exchange;
pub mod fold;
pub mod json;
pub mod narrate;
pub mod record;
pub mod relay;
pub mod samples;

use std::io;

pub use event::{Event, Exchange, Record};

/// How much of the stream an observer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing: no argument is formatted.
    Off,
    /// Why: the steps.
    Steps,
    /// Why and what: steps, calls and the state around them.
    Full,
}

/// Whoever is told the events.
pub trait Observer {
    /// What it wants to be told; asked once, when the `Kernel` is made.
    fn detail(&self) -> Detail;

    /// Is told one event, in the order in which they happened.
    fn observe(&mut self, record: &Record) -> io::Result<()>;

    /// Shows what it may still hold back: somebody is about to look.
    fn settle(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The observer of `--trace off`.
#[derive(Debug)]
pub struct Silent;

impl Observer for Silent {
    fn detail(&self) -> Detail {
        Detail::Off
    }

    fn observe(&mut self, _record: &Record) -> io::Result<()> {
        Ok(())
    }
}
