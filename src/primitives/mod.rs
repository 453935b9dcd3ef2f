//! The lessons in code: one file, one primitive, one screen.
//!
//! Each is written against [`crate::kernel::Kernel`] alone, says why with `step`,
//! and knows nothing of its neighbours; `cli` and `container` compose them. In a
//! file, the child's half stands first, the parent's half after it.

pub mod cgroup;
pub mod mount;
pub mod net;
pub mod ns;
pub mod security;
