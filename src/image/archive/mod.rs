//! Images as files that can be carried: on a stick, by mail, without a registry.
//!
//! - `write`: one entry of a tar archive after the other
//! - `squash`: the root filesystem of an image as one archive
//! - `rootfs`: the same as a directory
//! - `import`: the other way: a root filesystem becomes an image of one layer
//! - `change`: `--change "CMD sh"`: a line of a Dockerfile changes a configuration
//! - `save`: images with their layers, in the two formats that other tools read
//! - `source`: the files of such an archive, by names that touch nothing on this machine
//! - `load`: the other way again: everything is checked before it is stored
//!
//! See docker-save(1), docker-load(1), docker-export(1), docker-import(1), and the OCI image
//! specification, image-layout.md.

mod change;
mod import;
mod load;
mod rootfs;
mod save;
mod source;
mod squash;
mod write;

pub use import::Import;
pub use load::Loaded;
pub use save::Format;
