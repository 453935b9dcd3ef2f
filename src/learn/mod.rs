//! The classroom: lessons that run, and what is remembered of them.
//!
//! What it builds: a guided path through the chapters (`lesson`), read from a folder of texts
//! and data (`pack`), shown on any terminal (`markdown`, `desk`), and remembered (`progress`).
//! What it does *not*: hold a word of what learners read. That is in `lessons/`, so that a
//! translation is another folder: `--lessons DIR`.

pub mod book;
pub mod desk;
pub mod embedded;
pub mod environment;
pub mod exercise;
pub mod host;
pub mod lesson;
pub mod markdown;
pub mod pack;
pub mod phrases;
pub mod progress;
pub mod sources;
pub mod verify;
pub mod workshop;

pub use pack::Pack;
