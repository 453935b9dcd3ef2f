//! What a process may not do, even as root.

pub mod caps;
pub mod seccomp;
