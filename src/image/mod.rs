//! Images: plain files, packed in layers, described by three small JSON documents.
//!
//! What it builds: a store of images on disk (an OCI image layout), and the
//! **host image**, which is made of this machine's own programs, and the client of
//! registries. What it does *not*: start anything or mount anything.
//! In reading order:
//!
//! - [`Reference`]: what a user types becomes the address of an image
//! - [`manifest`]: the documents that a registry hands out
//! - [`platform`]: which of an image's platforms suits this machine
//! - [`registry`]: how both are fetched and stored, by HTTP
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
//! - `locks`, `scratch`: how several processes share the store, and what a killed one leaves
//! - [`Store`]: all of it in one directory, safe from crashes and races
//! - [`host`]: the host image, from the first step to the last
//! - `index`, `queries`: which images there are, and which one a user means
//! - `collect`: names and images go, and what nothing needs any more
//! - `plain`, `entries`, `merged`: what is in the layers, without unpacking them
//! - `changes`: how two images differ
//! - [`archive`]: images as files that can be carried
//!
//! See the OCI image specification, <https://github.com/opencontainers/image-spec>.

pub mod archive;
mod base;
mod changes;
mod collect;
mod decompress;
mod describe;
pub mod digest;
mod durable;
mod elf;
mod entries;
mod gather;
pub mod host;
mod implied;
mod index;
mod layer;
mod layout;
pub mod locks;
mod merged;
mod plain;
mod ld_cache;
mod loader;
pub mod manifest;
pub mod platform;
pub mod pull;
pub mod programs;
pub mod push;
mod queries;
mod recipe;
mod reference;
pub mod registry;
mod scratch;
pub mod serve;
mod sources;
mod store;
pub mod unpack;

use std::path::PathBuf;

use oci_spec::image::{Descriptor, Digest, ImageConfiguration};

use crate::kernel::is_opaque;

pub use changes::Difference;
pub use collect::{Outcome, Removed};
pub use entries::{Entry, Kind};
pub use host::{DEFAULT_PROGRAMS, HostImage, Made, Notes, Programs, Unresolved};
pub use merged::{Change, Merged};
pub use platform::Platform;
pub use queries::Found;
pub use reference::{DEFAULT_TAG, Reference};
pub use store::{Progress, Store};

/// One image of a store, ready to be run once its layers are unpacked.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its full name; empty for one that has lost its name to another.
    pub name: String,
    /// The digest of its configuration, `sha256:...`: what docker calls the image ID.
    pub id: String,
    /// The digest of its manifest.
    pub manifest_digest: String,
    /// What the registry calls it that it came from: `docker.io/library/debian@sha256:...`,
    /// the digest of the index where there are several platforms.
    pub repository_digest: Option<String>,
    /// How to run it: environment, command, user, working directory.
    pub config: ImageConfiguration,
    /// Its layers, the bottom one first.
    pub stack: Vec<Layer>,
}

/// A layer of an image.
#[derive(Debug, Clone)]
pub struct Layer {
    /// As it is stored and sent.
    pub descriptor: Descriptor,
    /// The digest of its plain tar archive.
    pub diff_id: Digest,
    /// The layer and all below it.
    pub chain: Digest,
    /// Where it is unpacked, or would be.
    pub place: PathBuf,
}

impl Image {
    /// Whether every layer lies unpacked in the store.
    pub fn is_unpacked(&self) -> bool {
        self.stack.iter().all(|layer| layer.place.is_dir())
    }

    /// The directories to be stacked, the bottom one first. Those below a layer that hides them
    /// all are left away: on the root of a layer, overlayfs would not see that.
    pub fn layers(&self) -> Vec<PathBuf> {
        let lowest = self.stack.iter().rposition(|layer| is_opaque(&layer.place)).unwrap_or(0);
        self.stack[lowest..].iter().map(|layer| layer.place.clone()).collect()
    }

    /// The size of all layers in bytes, as they are stored.
    pub fn size(&self) -> u64 {
        self.stack.iter().map(|layer| layer.descriptor.size()).sum()
    }
}
