//! What a process may not do, even as root.

pub mod ambient;
pub mod bounding;
pub mod caps;
pub mod landlock;
pub mod lsm;
pub mod no_new_privs;
pub mod rlimit;
pub mod userns;
pub mod seccomp;
