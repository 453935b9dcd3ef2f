//! The mirror: what is asked for and not here is fetched from another registry, once.
//!
//! A tag may have moved, so the other registry is asked about it, at most once a minute; if it can't
//! be reached, what was fetched before is handed out. A blob is handed on while it arrives, to all
//! who wait for it; its last byte only when the digest is right, so that nobody takes
//! a wrong one for whole. The other registry is asked with the credentials of whoever runs the
//! mirror, so all who reach the mirror see what that one may see. What is fetched lies in the store like all blobs, and `image prune`
//! removes it where no image needs it. See the OCI distribution specification, "Pull".

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use oci_spec::image::{Descriptor, Digest};
use ureq_proto::http::Method;

use super::answer::{Answer, Refusal};
use super::blobs::{Cut, unknown};
use super::connection::Request;
use super::manifests::Stored;
use super::names::Offer;
use super::{Shared, locked};
use crate::error::{Error, IoContext, Result};
use crate::image::digest::Hashing;
use crate::image::durable::write_whole;
use crate::image::manifest::{self, Document};
use crate::image::reference::parse_digest;
use crate::image::registry::{Access, Registry, Settings, Unseen};
use crate::image::scratch::Scratch;
use crate::image::{Reference, Store};

/// A tag that was looked up is not looked up again for so long.
const FRESH: Duration = Duration::from_secs(60);
/// Blobs that arrive at a time.
const MOST: usize = 64;
/// Names that are remembered.
const NAMES: usize = 10_000;
/// Nobody waits longer for the next byte.
const SILENCE: Duration = Duration::from_secs(60);

/// When a name was looked up, and what it was then.
type Looked = Arc<Mutex<Option<(Instant, Digest)>>>;

pub struct Mirror {
    /// The name of the other registry.
    registry: String,
    settings: Settings,
    repositories: Mutex<HashMap<String, Arc<Registry>>>,
    names: Mutex<HashMap<String, Looked>>,
    /// What manifests have told of blobs.
    blobs: Mutex<HashMap<Digest, Descriptor>>,
    arriving: Mutex<HashMap<Digest, Arc<Arrival>>>,
}

impl Mirror {
    /// Of `docker.io`, `registry.example:5000` or `http://HOST:PORT`.
    pub fn new(upstream: &str, settings: &Settings) -> Result<Self> {
        let (scheme, host) = upstream.split_once("://").unwrap_or(("https", upstream));
        let host = host.trim_end_matches('/');
        let registry = Reference::parse(&format!("{host}/x")).ok().map(|reference| reference.registry);
        let known = matches!(scheme, "http" | "https") && !host.contains('/');
        let registry = registry.filter(|registry| known && (registry == host || host == "index.docker.io"));
        let registry = registry.ok_or_else(|| {
            Error::usage(format!("'{upstream}' is no registry")).hint("Say docker.io, HOST:PORT or http://HOST:PORT.")
        })?;
        let mut settings = settings.clone();
        let config = settings.registries.entry(registry.clone()).or_default();
        // A mirror that asked mirrors could ask itself.
        config.mirrors.clear();
        config.insecure |= scheme == "http";
        Ok(Self {
            registry,
            settings,
            repositories: Mutex::default(),
            names: Mutex::default(),
            blobs: Mutex::default(),
            arriving: Mutex::default(),
        })
    }

    fn theirs(&self, reference: &Reference) -> Reference {
        Reference { registry: self.registry.clone(), ..reference.clone() }
    }

    fn repository(&self, reference: &Reference) -> Result<Arc<Registry>> {
        let mut repositories = locked(&self.repositories);
        if let Some(known) = repositories.get(&reference.repository) {
            return Ok(Arc::clone(known));
        }
        let made = Registry::connect(&self.theirs(reference), Access::Pull, &self.settings, Arc::new(Unseen))?;
        let made = Arc::new(made);
        forget_beyond(NAMES, &mut repositories);
        repositories.insert(reference.repository.clone(), Arc::clone(&made));
        Ok(made)
    }

    fn name(&self, reference: &Reference) -> Looked {
        let mut names = locked(&self.names);
        forget_beyond(NAMES, &mut names);
        Arc::clone(names.entry(reference.to_string()).or_default())
    }

    /// Blobs are asked for by digest alone; their sizes are in the manifest.
    fn remember(&self, document: &Document) {
        if let Document::Manifest(manifest) = document {
            let mut blobs = locked(&self.blobs);
            forget_beyond(NAMES, &mut blobs);
            blobs.extend(manifest::blobs(manifest).map(|blob| (blob.digest().clone(), blob.clone())));
        }
    }
}

impl Shared {
    /// The manifest as the other registry has it; `None`: there is none, or this is no mirror.
    pub fn mirrored_manifest(
        &self,
        reference: &Reference,
        offers: &[Offer],
        request: &Request,
    ) -> std::result::Result<Option<Answer>, Refusal> {
        let Some(mirror) = &self.mirror else { return Ok(None) };
        // Held while the other registry is asked: whoever else wants this waits, and then has it.
        let looked = mirror.name(reference);
        let mut looked = locked(&looked);
        let recent = looked.as_ref().filter(|(when, _)| reference.digest.is_some() || when.elapsed() < FRESH);
        let known = reference.digest.as_ref().or(recent.map(|(_, digest)| digest));
        if let Some(stored) = known.map(|digest| self.stored(digest)).transpose()?.flatten() {
            mirror.remember(&stored.document);
            return Ok(Some(stored.answer("Fetched from the other registry before, and handed out again")));
        }
        match self.fetch_manifest(mirror, reference) {
            Ok(Some(stored)) => {
                mirror.remember(&stored.document);
                *looked = Some((Instant::now(), stored.digest.clone()));
                Ok(Some(stored.answer("Not here yet: fetched from the other registry, and kept")))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                let name = mirror.theirs(reference).to_string();
                let before = self.remembered(&name).map(|digest| self.stored(&digest)).transpose()?.flatten();
                let stored = before.map_or_else(|| self.held(offers, reference, request), |stored| Ok(Some(stored)))?;
                let failed =
                    || Refusal::new(502, "UNKNOWN", format!("{} could not be asked: {error}", mirror.registry));
                let stored = stored.ok_or_else(failed)?;
                mirror.remember(&stored.document);
                Ok(Some(stored.answer("The other registry can't be reached: here is what was fetched before")))
            }
        }
    }

    fn fetch_manifest(&self, mirror: &Mirror, reference: &Reference) -> Result<Option<Stored>> {
        let registry = mirror.repository(reference)?;
        let wanted = reference.tag_or_digest();
        let Some(head) = registry.head_manifest(&wanted)? else { return Ok(None) };
        let here = self.stored(&head.digest).ok().flatten();
        let stored = match here {
            Some(stored) => stored,
            None => {
                let fetched = registry.manifest(&wanted)?;
                let stored = Stored::new(fetched.bytes);
                let stored = stored.ok_or_else(|| Error::new(format!("what {wanted} stands for is no manifest")))?;
                let _store = self.store.share()?;
                let scratch = self.store.scratch()?;
                self.store.layout.write_bytes(scratch.path(), &stored.digest, &stored.bytes)?;
                stored
            }
        };
        if reference.digest.is_none() {
            self.note(&mirror.theirs(reference).to_string(), &stored.digest)?;
        }
        Ok(Some(stored))
    }

    /// What a tag stood for when it was last looked up, also by an earlier process.
    fn remembered(&self, name: &str) -> Option<Digest> {
        let text = std::fs::read(tags_file(&self.store)).ok()?;
        let tags: BTreeMap<String, String> = serde_json::from_slice(&text).ok()?;
        tags.get(name).and_then(|digest| parse_digest(digest).ok())
    }

    fn note(&self, name: &str, digest: &Digest) -> Result<()> {
        let scratch = self.store.scratch()?;
        let _lock = self.store.index_lock()?;
        let path = tags_file(&self.store);
        let text = std::fs::read(&path).unwrap_or_default();
        let mut tags: BTreeMap<String, String> = serde_json::from_slice(&text).unwrap_or_default();
        if tags.insert(name.to_owned(), digest.to_string()).as_deref() == Some(digest.as_ref()) {
            return Ok(());
        }
        while tags.len() > NAMES {
            tags.pop_first();
        }
        write_whole(scratch.path(), &path, serde_json::json!(tags).to_string().as_bytes())
    }

    /// A blob that is not here, from the other registry.
    pub fn mirrored_blob(
        &self,
        reference: &Reference,
        digest: &Digest,
        request: &Request,
    ) -> std::result::Result<Answer, Refusal> {
        let mirror = self.mirror.as_ref().ok_or_else(unknown)?;
        let descriptor = locked(&mirror.blobs).get(digest).cloned().ok_or_else(unknown)?;
        let cut = Cut::of(descriptor.size(), request)?;
        let answer = if request.method == Method::HEAD {
            cut.answer(io::empty()).because("Not here yet, but its manifest says how long it is")
        } else {
            let arrival = self.arrival(mirror, reference, descriptor)?;
            let follow = Follow { arrival, place: cut.from, end: cut.from + cut.count };
            cut.answer(follow).because("On its way from the other registry: handed on while it arrives")
        };
        Ok(answer.with("docker-content-digest", digest))
    }

    /// Joins those who wait for it, or is the first.
    fn arrival(
        &self,
        mirror: &Mirror,
        reference: &Reference,
        descriptor: Descriptor,
    ) -> std::result::Result<Arc<Arrival>, Refusal> {
        let mut arriving = locked(&mirror.arriving);
        arriving.retain(|_, arrival| locked(&arrival.state).end.is_none());
        if let Some(arrival) = arriving.get(descriptor.digest()) {
            return Ok(Arc::clone(arrival));
        }
        if arriving.len() >= MOST {
            return Err(Refusal::new(503, "TOOMANYREQUESTS", "too many blobs are on their way").with("retry-after", 5));
        }
        let scratch = self.scratch()?;
        let path = scratch.path().join(crate::kernel::random_hex(16)?);
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file =
            file.or_fail(|| "cannot begin to fetch the blob".into()).map_err(|error| self.store.explain(error))?;
        let arrival = Arc::new(Arrival { file, state: Mutex::default(), more: Condvar::new() });
        let fetch = Fetch {
            arrival: Arc::clone(&arrival),
            registry: mirror.repository(reference)?,
            store: self.store.clone(),
            path,
            _scratch: scratch,
        };
        arriving.insert(descriptor.digest().clone(), Arc::clone(&arrival));
        // Of its own: it goes on if the client that was first hangs up.
        let started = thread::Builder::new().spawn(move || fetch.run(&descriptor));
        started.or_fail(|| "cannot start to fetch the blob".into())?;
        Ok(arrival)
    }
}

/// A blob on its way.
struct Arrival {
    file: File,
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    /// So much may be handed on.
    there: u64,
    end: Option<std::result::Result<(), String>>,
}

impl Arrival {
    fn is_there(&self, bytes: u64) {
        locked(&self.state).there = bytes;
        self.more.notify_all();
    }
}

/// Fetches one blob, for all who wait.
struct Fetch {
    arrival: Arc<Arrival>,
    registry: Arc<Registry>,
    store: Store,
    path: PathBuf,
    _scratch: Arc<Scratch>,
}

impl Fetch {
    fn run(self, descriptor: &Descriptor) {
        let end = self.fetch(descriptor);
        let mut state = locked(&self.arrival.state);
        if end.is_ok() {
            state.there = descriptor.size();
        } else {
            std::fs::remove_file(&self.path).ok();
        }
        state.end = Some(end.map_err(|error| error.to_string()));
        self.arrival.more.notify_all();
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<()> {
        let doing = || format!("cannot fetch {}", descriptor.digest());
        let mut blob = self.registry.blob(descriptor)?;
        let mut file = Hashing::new(&self.arrival.file);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = blob.read(&mut buffer).or_fail(doing)?;
            if read == 0 {
                break;
            }
            file.write_all(&buffer[..read]).or_fail(doing)?;
            // Not the last byte: see above.
            self.arrival.is_there(Hashing::bytes(&file).min(descriptor.size().saturating_sub(1)));
        }
        let (_, digest, size) = file.finish();
        if digest != *descriptor.digest() || size != descriptor.size() {
            return Err(Error::new(format!("{}: what came has the digest {digest}", doing())));
        }
        self.arrival.file.sync_all().or_fail(doing)?;
        let _store = self.store.share()?;
        self.store.adopt_blob(&self.path, &digest)
    }
}

/// Reads along while it arrives.
struct Follow {
    arrival: Arc<Arrival>,
    place: u64,
    end: u64,
}

impl Read for Follow {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.place >= self.end || bytes.is_empty() {
            return Ok(0);
        }
        let nothing_new = |state: &mut State| state.there <= self.place && state.end.is_none();
        let state = locked(&self.arrival.state);
        let waited = self.arrival.more.wait_timeout_while(state, SILENCE, nothing_new);
        let (state, _) = waited.map_err(|_| io::Error::other("a thread has failed"))?;
        if state.there <= self.place {
            let why = state.end.as_ref().and_then(|end| end.clone().err());
            return Err(io::Error::other(why.unwrap_or_else(|| "the other registry says nothing".to_owned())));
        }
        let most = bytes.len() as u64;
        let count = most.min(state.there.min(self.end) - self.place);
        drop(state);
        let count = usize::try_from(count).unwrap_or(bytes.len());
        let read = self.arrival.file.read_at(&mut bytes[..count], self.place)?;
        self.place += read as u64;
        Ok(read)
    }
}

fn tags_file(store: &Store) -> PathBuf {
    Path::join(store.root(), "mirror.json")
}

/// What clients make it remember has a bound.
fn forget_beyond<Key, Value>(most: usize, map: &mut HashMap<Key, Value>) {
    if map.len() > most {
        map.clear();
    }
}
