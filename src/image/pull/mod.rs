//! `image pull`: a name becomes an image in the store.
//!
//! 1. Ask the registry which manifest the name stands for.
//! 2. Of several platforms take one (`platform.rs`).
//! 3. Fetch the configuration; it names the layers once more, as plain archives.
//! 4. Fetch, verify and unpack the layers (`stack.rs`, `flow.rs`, `pipe.rs`).
//! 5. Store configuration and manifest, and then the name: nothing in the store ever
//!    names what is not there.
//!
//! The caller's thread tells and draws; all that takes time is done by others, which end with
//! the pull. See the OCI distribution specification, "Pull".

mod flow;
mod pipe;
mod stack;

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use oci_spec::image::{Descriptor, Digest, ImageConfiguration, ImageManifest};

use super::manifest::{self, Document};
use super::platform::{self, Platform};
use super::registry::{Access, Registry, Settings, Witness, unwrapped};
use super::scratch::Scratch;
use super::unpack::Options;
use super::{Image, Layer, Reference, Store, digest};
use crate::error::{Error, Result};
use crate::trace::Exchange;

pub use stack::{Arrival, LayerNews};
use stack::{Means, Stack};

/// Bytes of a configuration, at most.
const LONGEST_CONFIGURATION: u64 = 8 << 20;

/// What is to be pulled, and how.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The image.
    pub reference: Reference,
    /// Another platform than this machine's.
    pub platform: Option<Platform>,
    /// How to reach registries.
    pub settings: Settings,
    /// What may be unpacked.
    pub options: Options,
}

/// What happens meanwhile.
#[derive(Debug, Clone)]
pub enum News {
    /// A request was answered.
    Exchange {
        /// Why it was made.
        why: &'static str,
        /// Request and answer.
        exchange: Box<Exchange>,
    },
    /// It is made in this directory, which goes when it is done.
    Work(PathBuf),
    /// These layers it has.
    Layers(Vec<Layer>),
    /// Something about the layer of that place in the stack.
    Layer(usize, LayerNews),
}

/// How it ended.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// The image, unpacked.
    pub image: Image,
    /// The digest by which the registry knows it: of the index, if there is one.
    pub digest: Digest,
    /// True if it was there before.
    pub up_to_date: bool,
}

/// Where the news go; it may be told by several threads.
pub type Tell = Arc<dyn Fn(News) + Send + Sync>;

/// Forwards the exchanges of the registry client.
struct Forward(Tell);

impl Witness for Forward {
    fn exchanged(&self, why: &'static str, exchange: Exchange) {
        (self.0)(News::Exchange { why, exchange: Box::new(exchange) });
    }
}

/// Pulls an image. Ends soon after `stop` is set, with what is verified kept.
pub fn pull(store: &Store, wanted: &Wanted, tell: &Tell, stop: &AtomicBool) -> Result<Pulled> {
    let pull = Pull { store, wanted, tell, stop };
    pull.run().map_err(|error| store.explain(error))
}

struct Pull<'a> {
    store: &'a Store,
    wanted: &'a Wanted,
    tell: &'a Tell,
    stop: &'a AtomicBool,
}

/// A manifest as it was fetched, and what the registry calls the image.
struct Found {
    descriptor: Descriptor,
    bytes: Vec<u8>,
    manifest: ImageManifest,
    /// Of the index, if there is one, else of the manifest.
    digest: Digest,
}

impl Pull<'_> {
    fn run(&self) -> Result<Pulled> {
        let _store = self.store.share()?;
        let reference = &self.wanted.reference;
        let held = self.held()?;
        if let (Some(digest), Some(image)) = (&reference.digest, &held) {
            // The name is a digest: what is here can't be anything else.
            return Ok(Pulled { image: image.clone(), digest: digest.clone(), up_to_date: true });
        }
        let witness: Arc<dyn Witness> = Arc::new(Forward(Arc::clone(self.tell)));
        let registry = Registry::connect(reference, Access::Pull, &self.wanted.settings, witness)?;
        if let Some(image) = held
            && let Some(head) = registry.head_manifest(&reference.tag_or_digest())?
            && image.repository_digest == Some(reference.with_digest(&head.digest).to_string())
        {
            return Ok(Pulled { image, digest: head.digest, up_to_date: true });
        }
        let scratch = self.store.scratch()?;
        (self.tell)(News::Work(scratch.path().to_owned()));
        self.store.layout.create(scratch.path())?;
        let found = self.manifest(&registry)?;
        let configuration = self.configuration(&registry, &found, &scratch)?;
        self.check_platform(&configuration)?;
        let layers = self.layers(&found, &configuration)?;
        (self.tell)(News::Layers(layers.clone()));
        self.fetch(&registry, &layers, &scratch)?;
        let image = self.save(&found, &scratch)?;
        Ok(Pulled { image, digest: found.digest, up_to_date: false })
    }

    /// The image as the store has it, whole and of the platform that is wanted.
    fn held(&self) -> Result<Option<Image>> {
        let found = self.store.find(&self.wanted.reference.to_string())?;
        let platform = self.wanted.platform.as_ref();
        let suits = |image: &Image| platform.is_none_or(|wanted| *wanted == Platform::of_image(&image.config));
        Ok(found.filter(|image| self.store.is_whole(image) && suits(image)))
    }

    /// Steps 1 and 2.
    fn manifest(&self, registry: &Registry) -> Result<Found> {
        let name = self.wanted.reference.tag_or_digest();
        let fetched = registry.manifest(&name)?;
        let digest = fetched.digest.clone();
        let (fetched, platform) = match manifest::parse(fetched.media_type.as_deref(), &fetched.bytes)? {
            Document::Manifest(_) => (fetched, None),
            Document::Index(index) => {
                let chosen = platform::choose(&index, &self.platform())?;
                (registry.manifest(chosen.digest().as_ref())?, chosen.platform().clone())
            }
        };
        let document = manifest::parse(fetched.media_type.as_deref(), &fetched.bytes)?;
        let kind = manifest::media_type(&document);
        let Document::Manifest(manifest) = document else {
            return Err(Error::new("the registry sent a list of manifests where a list names a manifest")
                .hint("boxlab follows one such list, as docker does."));
        };
        let size = fetched.bytes.len() as u64;
        let mut descriptor = Descriptor::new(kind, size, fetched.digest);
        descriptor.set_platform(platform);
        Ok(Found { descriptor, bytes: fetched.bytes, manifest, digest })
    }

    fn platform(&self) -> Platform {
        self.wanted.platform.clone().unwrap_or_else(Platform::this)
    }

    /// An image for one platform alone has no list in which another could be chosen.
    fn check_platform(&self, configuration: &ImageConfiguration) -> Result<()> {
        let found = Platform::of_image(configuration);
        match &self.wanted.platform {
            Some(wanted) if *wanted != found => {
                let name = self.wanted.reference.familiar();
                Err(Error::new(format!("{name} is there for {found}, but not for {wanted}"))
                    .hint("Leave --platform out to take it as it is; its programs may not run here."))
            }
            _ => Ok(()),
        }
    }

    /// Step 3. It is a blob as a layer is one, and kept as soon as it is verified.
    fn configuration(&self, registry: &Registry, found: &Found, scratch: &Scratch) -> Result<ImageConfiguration> {
        let descriptor = found.manifest.config();
        let doing = || format!("cannot fetch the configuration {}", descriptor.digest());
        if descriptor.size() > LONGEST_CONFIGURATION {
            return Err(Error::new(format!("{}: {} bytes are too many", doing(), descriptor.size())));
        }
        let stored = std::fs::read(self.store.blob(descriptor)).ok();
        let bytes = match stored.filter(|bytes| digest::of(bytes) == *descriptor.digest()) {
            Some(bytes) => bytes,
            None => {
                let mut bytes = Vec::new();
                let read = registry.blob(descriptor)?.read_to_end(&mut bytes);
                read.map_err(|error| unwrapped(error, doing))?;
                let arrived = digest::of(&bytes);
                if arrived != *descriptor.digest() {
                    return Err(Error::new(format!("{}: what came has the digest {arrived}", doing())));
                }
                self.store.layout.write_bytes(scratch.path(), descriptor.digest(), &bytes)?;
                bytes
            }
        };
        serde_json::from_slice(&bytes).map_err(|error| {
            Error::new(format!("{}: {error}", doing())).hint("Is it an image? Registries hold other artifacts, too.")
        })
    }

    /// What the manifest and the configuration say of each layer, put together.
    fn layers(&self, found: &Found, configuration: &ImageConfiguration) -> Result<Vec<Layer>> {
        let diff_ids = configuration.rootfs().diff_ids();
        let descriptors = found.manifest.layers();
        if diff_ids.len() != descriptors.len() {
            let (one, other) = (descriptors.len(), diff_ids.len());
            return Err(Error::new(format!("the manifest has {one} layers, the configuration {other}"))
                .hint("The image is broken, or no image but another kind of artifact."));
        }
        let mut below = None;
        let mut layers = Vec::new();
        for (descriptor, diff_id) in descriptors.iter().zip(diff_ids) {
            manifest::compression(descriptor.media_type())?;
            let diff_id = super::reference::parse_digest(diff_id).map_err(Error::new)?;
            let chain = digest::on_top(below.as_ref(), &diff_id);
            let place = self.store.layer(&chain);
            below = Some(chain.clone());
            layers.push(Layer { descriptor: descriptor.clone(), diff_id, chain, place });
        }
        Ok(layers)
    }

    /// Step 4.
    fn fetch(&self, registry: &Registry, layers: &[Layer], scratch: &Scratch) -> Result<()> {
        let options = &self.wanted.options;
        let means = Means { store: self.store, scratch, registry, options, stop: self.stop };
        let tell = |index, news| (self.tell)(News::Layer(index, news));
        Stack::fetch(&means, layers, &tell)
    }

    /// Step 5.
    fn save(&self, found: &Found, scratch: &Scratch) -> Result<Image> {
        self.store.layout.write_bytes(scratch.path(), found.descriptor.digest(), &found.bytes)?;
        let reference = &self.wanted.reference;
        let called = reference.with_digest(&found.digest).to_string();
        let name = reference.stored_name();
        self.store.tag(scratch, found.descriptor.clone(), &name, Some(&called))?;
        let image = self.store.find(&name)?;
        image.ok_or_else(|| Error::new(format!("cannot find {name}, which was just pulled")))
    }
}
