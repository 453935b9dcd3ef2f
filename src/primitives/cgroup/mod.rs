//! Cgroups: how much a group of processes may use.

pub mod cpu;
pub mod cpuset;
pub mod devices;
pub mod disk;
pub mod freeze;
pub mod group;
pub mod io;
pub mod list;
pub mod mem;
pub mod mounts;
pub mod pids;
