//! Namespaces: what a process sees of the machine. namespaces(7)

pub mod cgroup;
pub mod enter;
pub mod ipc;
pub mod list;
pub mod mnt;
pub mod net;
pub mod pid;
pub mod time;
pub mod user;
pub mod uts;
