//! Mounts: the files that a process sees. mount(2), mount_namespaces(7)

pub mod bind;
pub mod dev;
pub mod idmap;
pub mod mask;
pub mod overlay;
pub mod pivot;
pub mod proc;
pub mod propagation;
pub mod readonly;
pub mod sysfs;
pub mod target;
pub mod tmpfs;
