//! The workshop: a learner writes a container runtime of their own, and each stage is judged
//! from outside: by the calls that the program makes, and by what the kernel says meanwhile.
//!
//! What it builds: a project to begin with (`project`), a place in which a program can do no
//! harm (`bench`), what is seen of a run (`run`, `snapshot`), what must be seen (`judge`), and
//! how that is told (`page`). What it does *not*: hold a word of what learners read. That is
//! in `lessons/workshop/`.

pub mod bench;
pub mod judge;
pub mod layout;
pub mod page;
pub mod plan;
pub mod project;
pub mod run;
pub mod served;
pub mod snapshot;
pub mod source;

pub use plan::{Plan, Stage};
pub use project::Project;
