//! Exercises: something that must be true at the end, and a place in which the learner
//! makes it true with any tool. Checked by looking at the kernel, never at what was typed.
//!
//! `definition` reads what an author has written in the words of `vocabulary` (and `claim`); `place` is
//! where a learner does it; `scene` and `look` find out how things are there; `judge` says
//! what is right and what is not; `watch` does so again and again; `trial` tries the exercise
//! itself.

mod claim;
pub mod definition;
pub mod judge;
pub(crate) mod look;
pub mod page;
pub mod place;
pub mod scene;
mod script;
pub mod trial;
pub mod vocabulary;
pub mod watch;

pub use definition::Exercise;
pub use place::{Place, Site};
