//! Images: plain files, packed in layers, described by three small JSON documents.
//!
//! What it builds: a store of images on disk (an OCI image layout), and the
//! **host image**, which is made of this machine's own programs. What it does
//! *not*: start anything, mount anything, or speak to a network.
//! In reading order:
//!
//! - `elf`: what a program asks for, read from its own header
//! - `ld_cache`: the dynamic loader's telephone book, /etc/ld.so.cache
//! - `loader`: where the dynamic loader finds each library
//! - `sources`: which files were looked at, to tell later whether one changed
//! - `layer`: a tree of files becomes a layer (a tar archive)
//! - `gather`: from the names of programs to a tree of files
//! - `base`: the programs wanted, and the few files that are made up
//! - `recipe`: all of these together: what goes into the host image
//! - `unpack`: a layer becomes a directory again
//! - `digest`: the names of blobs
//! - `describe`: the two documents that make an image of a layer
//! - `durable`: what survives a power cut
//! - `layout`: blobs, manifest, index: how an image lies on disk
//! - [`Store`]: all of it in one directory, safe from crashes and races
//! - [`host`]: the host image, from the first step to the last
//!
//! See the OCI image specification, <https://github.com/opencontainers/image-spec>.

mod base;
mod describe;
mod digest;
mod durable;
mod elf;
mod gather;
pub mod host;
mod layer;
mod layout;
mod ld_cache;
mod loader;
mod recipe;
mod reference;
mod sources;
mod store;
mod unpack;

use std::path::PathBuf;

use oci_spec::image::ImageConfiguration;

pub use host::{DEFAULT_PROGRAMS, HostImage, Made, Notes, Programs, Unresolved};
pub use reference::Reference;
pub use store::{Progress, Store};

/// One image of a store, ready to be run once its layers are unpacked.
#[derive(Debug, Clone)]
pub struct Image {
    /// The name by which it was asked for.
    pub name: String,
    /// The digest of its configuration, `sha256:...`: what docker calls the image ID.
    pub id: String,
    /// The digest of its manifest: what a registry calls it.
    pub manifest_digest: String,
    /// How to run it: environment, command, user, working directory.
    pub config: ImageConfiguration,
    /// The unpacked layers, the bottom one first.
    pub layers: Vec<PathBuf>,
    /// The size of all layers in bytes, as they are stored.
    pub size: u64,
}

impl Image {
    /// Whether every layer lies unpacked in the store.
    pub fn is_unpacked(&self) -> bool {
        self.layers.iter().all(|layer| layer.is_dir())
    }
}
