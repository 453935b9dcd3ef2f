//! `image push`: an image of the store becomes one of a registry.
//!
//! 1. Send the layers and the configuration, several at a time; what is there is skipped.
//! 2. Store the manifest, which names them: until then the registry shows nothing.
//! 3. With several platforms, store an index that names the manifests.
//!
//! Blobs and manifest are sent byte by byte as they lie in the store, so the digests stay. It
//! does *not* compress anything: the layer of a host image goes as the plain archive that it is.
//! See the OCI distribution specification, "Push".

use std::fs::{self, File};
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use oci_spec::image::{Descriptor, Digest, ImageIndex, ImageManifest, MediaType, SCHEMA_VERSION};

use super::layout::Named;
use super::manifest::{blobs, media_type};
use super::platform::Platform;
use super::registry::{Access, Pushed, Registry, Settings, Source, Witness};
use super::{Reference, Store, host, manifest};
use crate::error::{Error, IoContext, Result};
use crate::kernel::nearest;
use crate::trace::Exchange;

/// So many blobs are sent at a time, as docker does it.
const AT_A_TIME: usize = 4;

/// What is to be pushed, and where to.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The image as the user calls it.
    pub image: String,
    /// Under which name it is pushed, if it isn't its own.
    pub destination: Option<Reference>,
    /// Not this one alone, but all that came with it for other platforms.
    pub all_platforms: bool,
    /// How to reach registries.
    pub settings: Settings,
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
    /// Where it goes, and of what it is made.
    Begun {
        /// The name there.
        destination: Reference,
        /// Layers and configurations.
        blobs: Vec<Descriptor>,
    },
    /// So many bytes of the blob of that place are sent.
    Sent(usize, u64),
    /// The blob of that place is there.
    Done(usize, Pushed),
}

/// Where the news go; it is told by several threads.
pub type Tell = Arc<dyn Fn(News) + Send + Sync>;

struct Teller(Tell);

impl Witness for Teller {
    fn exchanged(&self, why: &'static str, exchange: Exchange) {
        (self.0)(News::Exchange { why, exchange: Box::new(exchange) });
    }
}

/// An image to be pushed: its manifest as it is stored.
struct Found {
    named: Named,
    bytes: Vec<u8>,
    manifest: ImageManifest,
}

/// Pushes an image; gives the digest and the size of what its name stands for then.
pub fn push(store: &Store, wanted: &Wanted, tell: &Tell) -> Result<(Digest, u64)> {
    let _held = store.share()?;
    let (name, destination) = names(wanted)?;
    let images = images(store, &name, wanted)?;
    let mut all: Vec<Descriptor> = Vec::new();
    for blob in images.iter().flat_map(|image| blobs(&image.manifest)) {
        if all.iter().all(|other| other.digest() != blob.digest()) {
            all.push(blob.clone());
        }
    }
    tell(News::Begun { destination: destination.clone(), blobs: all.clone() });
    let witness: Arc<dyn Witness> = Arc::new(Teller(Arc::clone(tell)));
    let registry = Registry::connect(&destination, Access::Push, &wanted.settings, witness)?;
    send(store, &registry, &destination, &all, tell)?;
    let tag = destination.tag_or_digest();
    let pushed = match images.as_slice() {
        [image] if !wanted.all_platforms => (one(&registry, image, &tag)?, image.bytes.len() as u64),
        _ => index(&registry, &images, &tag)?,
    };
    remember(store, &destination, &pushed.0)?;
    Ok(pushed)
}

/// The name in the store, and the one in the registry.
fn names(wanted: &Wanted) -> Result<(String, Reference)> {
    let own = match wanted.image.as_str() {
        host::NAME => None,
        name => Some(Reference::parse(name)?),
    };
    let destination = wanted.destination.clone().or_else(|| own.clone()).ok_or_else(|| {
        Error::usage("the host image has no name in a registry")
            .hint("Give it one: boxlab push host localhost:5000/host")
    })?;
    if destination.digest.is_some() {
        return Err(Error::usage(format!("cannot push to {destination}: the digest results from what is pushed"))
            .hint("Name a tag, as in localhost:5000/name:tag."));
    }
    Ok((own.map_or_else(|| host::NAME.to_owned(), |own| own.stored_name()), destination))
}

fn images(store: &Store, name: &str, wanted: &Wanted) -> Result<Vec<Found>> {
    let Some(named) = store.layout.find(name)? else { return Err(unknown(store, name, wanted)) };
    let read = |named: Named| {
        let path = store.layout.blob(named.manifest.digest());
        let bytes = fs::read(&path).or_fail(|| format!("cannot read {}", path.display()))?;
        match manifest::parse(None, &bytes)? {
            manifest::Document::Manifest(manifest) => Ok(Found { named, bytes, manifest }),
            manifest::Document::Index(_) => Err(Error::new(format!("{name} is an index where a manifest should be"))),
        }
    };
    let mut found = vec![read(named)?];
    if wanted.all_platforms {
        let came_as = found[0].named.repository_digest.clone();
        for entry in store.layout.read_index()?.manifests() {
            let known = found.iter().any(|other| other.named.manifest.digest() == entry.digest());
            if !known
                && let Ok(named) = store.layout.named(entry)
                && came_as.is_some()
                && named.repository_digest == came_as
            {
                found.push(read(named)?);
            }
        }
    }
    Ok(found)
}

fn unknown(store: &Store, name: &str, wanted: &Wanted) -> Error {
    let error = Error::new(format!("cannot push {}: there is no image of that name here", wanted.image));
    let names = || -> Result<Vec<String>> {
        let index = store.layout.read_index()?;
        index.manifests().iter().map(|entry| store.layout.named(entry).map(|named| named.name)).collect()
    };
    match nearest(name, names().unwrap_or_default().iter().map(String::as_str)) {
        Some(near) => error.hint(format!("Did you mean {near}?")),
        None => error.hint("`boxlab images` lists what is here."),
    }
}

/// Sends blobs in several threads. The first error ends them all.
fn send(store: &Store, registry: &Registry, destination: &Reference, all: &[Descriptor], tell: &Tell) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<Error>> = Mutex::new(None);
    let failure = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    let known = elsewhere(store, destination)?;
    let work = || {
        while failure().is_none() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(descriptor) = all.get(index) else { return };
            let path = store.layout.blob(descriptor.digest());
            let open = || File::open(&path).map(|file| Box::new(file) as Box<dyn Read + Send>);
            let progress = |bytes| tell(News::Sent(index, bytes));
            let source = Source { descriptor, open: &open, progress: &progress };
            let from = known.iter().find(|(_, digest)| digest == descriptor.digest());
            match check(&open, descriptor).and_then(|()| registry.push_blob(&source, from.map(|from| from.0.as_str())))
            {
                Ok(pushed) => tell(News::Done(index, pushed)),
                Err(error) => drop(failure().get_or_insert(error)),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(all.len()) {
            scope.spawn(work);
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// That it is there before anybody is asked to take it.
fn check(open: &dyn Fn() -> io::Result<Box<dyn Read + Send>>, descriptor: &Descriptor) -> Result<()> {
    let doing = || format!("cannot read the blob {} of the store", descriptor.digest());
    open().map(drop).or_fail(doing).map_err(|error| error.hint("Pull the image again: its layers are not all here."))
}

/// Which blobs other repositories of the same registry have, as far as one knows here.
fn elsewhere(store: &Store, destination: &Reference) -> Result<Vec<(String, Digest)>> {
    let mut known = Vec::new();
    for entry in store.layout.read_index()?.manifests() {
        let Ok(named) = store.layout.named(entry) else { continue };
        let came_as = named.repository_digest.as_deref().and_then(|name| Reference::parse(name).ok());
        let Some(from) = came_as.filter(|from| from.registry == destination.registry) else { continue };
        if from.repository != destination.repository {
            known.extend(named.layers.iter().map(|layer| (from.repository.clone(), layer.0.digest().clone())));
        }
    }
    Ok(known)
}

fn one(registry: &Registry, image: &Found, name: &str) -> Result<Digest> {
    let kind = media_type(&manifest::Document::Manifest(image.manifest.clone()));
    registry.push_manifest(name, &kind, &image.bytes)
}

/// Stores each manifest by its digest, and an index of them by the tag.
fn index(registry: &Registry, images: &[Found], tag: &str) -> Result<(Digest, u64)> {
    let mut entries = Vec::new();
    for image in images {
        let digest = one(registry, image, image.named.manifest.digest().as_ref())?;
        let kind = image.named.manifest.media_type().clone();
        let mut entry = Descriptor::new(kind, image.bytes.len() as u64, digest);
        entry.set_platform(Some(Platform::of_image(&image.named.config).described()));
        entries.push(entry);
    }
    let mut index = ImageIndex::default();
    index.set_schema_version(SCHEMA_VERSION);
    index.set_media_type(Some(MediaType::ImageIndex));
    index.set_manifests(entries);
    let bytes = serde_json::to_vec(&index).map_err(|error| Error::new(format!("cannot write an index: {error}")))?;
    Ok((registry.push_manifest(tag, &MediaType::ImageIndex, &bytes)?, bytes.len() as u64))
}

/// If the store has an image of the name that was pushed to, it is the registry's now.
fn remember(store: &Store, destination: &Reference, digest: &Digest) -> Result<()> {
    let name = destination.to_string();
    let Some(named) = store.layout.find(&name)? else { return Ok(()) };
    let called = destination.with_digest(digest).to_string();
    if named.repository_digest.as_ref() == Some(&called) {
        return Ok(());
    }
    let scratch = store.scratch()?;
    store.tag(&scratch, named.manifest, &name, Some(&called))
}

#[cfg(test)]
mod tests {
    use super::{Wanted, names};
    use crate::image::Reference;
    use crate::image::registry::Settings;

    fn wanted(image: &str, destination: Option<&str>) -> Wanted {
        Wanted {
            image: image.to_owned(),
            destination: destination.map(|name| Reference::parse(name).unwrap()),
            all_platforms: false,
            settings: Settings::new(std::collections::BTreeMap::new()),
        }
    }

    #[test]
    fn an_image_goes_to_its_own_name_or_another() {
        let (name, destination) = names(&wanted("localhost:5000/x:1", None)).unwrap();
        assert_eq!((name.as_str(), destination.to_string().as_str()), ("localhost:5000/x:1", "localhost:5000/x:1"));
        let (name, destination) = names(&wanted("host", Some("h.example/y"))).unwrap();
        assert_eq!((name.as_str(), destination.to_string().as_str()), ("host", "h.example/y:latest"));
        assert!(names(&wanted("host", None)).unwrap_err().to_string().contains("host image"));
        let digest = format!("h.example/y@sha256:{}", "a".repeat(64));
        assert!(names(&wanted("host", Some(&digest))).is_err());
    }
}
