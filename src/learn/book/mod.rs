//! The book: chapters that weave the lessons' texts, the code and recorded runs.
//!
//! Reading order: [`recording`] (a run as data).

pub mod recording;
