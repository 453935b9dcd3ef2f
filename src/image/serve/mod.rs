//! `registry serve`: a small registry over the store.
//!
//! A registry is little: it hands out documents and blobs by name, and takes them. What the
//! others do to guard, scale and bill is left out, and so is what is no image: the store keeps
//! images, so a chart or a signature under a tag is refused.
//!
//! - `wire`, `connection`: HTTP over a socket, with patience for slow clients, but not for ever
//! - `answer`: what comes back, and how a refusal looks
//! - `route`: which of the few questions it is
//! - `names`: which images are served under which names
//! - `manifests`, `blobs`, `uploads`, `lists`: the answers
//! - `mirror`: what is not here is fetched from another registry, once
//! - `lan`: under which addresses others reach this machine
//!
//! A thread a connection, a fixed number of them; memory is a buffer each. It does *not* ask for
//! passwords and speaks no TLS: it listens to this machine alone, unless told otherwise,
//! and takes pushes from this machine alone, unless told that too.
//! See the OCI distribution specification.

mod answer;
mod blobs;
mod connection;
mod lan;
mod lists;
mod manifests;
mod mirror;
mod names;
mod route;
mod uploads;
mod wire;

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::Store;
use super::registry::Settings;
use super::scratch::Scratch;
use crate::error::{Error, IoContext, Result};
use crate::kernel::{Kernel, Signal, remove_tree};
use crate::trace::Exchange;
use answer::{Answer, Refusal};
use connection::{Body, Request};
use mirror::Mirror;
use route::{Question, Upload};
use uploads::Uploads;

pub use lan::addresses;

/// So many connections at a time; further ones wait. Thirty learners have four each, and more.
const CONNECTIONS: usize = 256;
/// Of each connection's thread, in bytes.
const STACK: usize = 1 << 20;

/// The signals that end it.
const ENDS: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// What is served to whom.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens. Port 0: the kernel chooses.
    pub listen: SocketAddr,
    /// Takes nothing from anybody.
    pub read_only: bool,
    /// Takes pushes from other machines, too.
    pub allow_push: bool,
    /// Whose images are fetched when they are asked for and not here: `docker.io` or a URL.
    pub mirror_of: Option<String>,
    /// How that one is reached.
    pub settings: Settings,
}

/// One question that was answered.
#[derive(Debug)]
pub struct Served {
    /// Who asked.
    pub peer: IpAddr,
    /// Why the answer is what it is: a step of the narration.
    pub why: &'static str,
    /// Question and answer.
    pub exchange: Exchange,
}

/// A registry that listens.
pub struct Server {
    /// Where.
    pub address: SocketAddr,
    listener: TcpListener,
    shared: Arc<Shared>,
}

/// What all connections share.
struct Shared {
    store: Store,
    /// By which name of a registry its own images are known: `127.0.0.1:5000`.
    own: String,
    read_only: bool,
    allow_push: bool,
    uploads: Uploads,
    mirror: Option<Mirror>,
    connections: Mutex<usize>,
    /// Rings when there is one less.
    fewer: Condvar,
    /// Uploads and what the mirror fetches; it goes with the server.
    scratch: Mutex<Option<Arc<Scratch>>>,
}

impl Server {
    /// Takes the port.
    pub fn bind(store: Store, options: &Options) -> Result<Self> {
        let listener = TcpListener::bind(options.listen).map_err(|error| cannot_listen(options.listen, &error))?;
        let address = listener.local_addr().or_fail(|| "cannot find the port".into())?;
        let own = match address.ip() {
            ip if ip.is_unspecified() => format!("127.0.0.1:{}", address.port()),
            _ => address.to_string(),
        };
        let scratch = Arc::new(store.scratch()?);
        store.layout.create(scratch.path()).map_err(|error| store.explain(error))?;
        let mirror = options.mirror_of.as_ref().map(|upstream| Mirror::new(upstream, &options.settings)).transpose()?;
        let shared = Shared {
            store,
            own,
            read_only: options.read_only,
            allow_push: options.allow_push,
            uploads: Uploads::default(),
            mirror,
            connections: Mutex::new(0),
            fewer: Condvar::new(),
            scratch: Mutex::new(Some(scratch)),
        };
        Ok(Self { address, listener, shared: Arc::new(shared) })
    }

    /// Serves until a signal ends it. `tell` is told each answer, one after the other.
    pub fn run(self, k: &Kernel, tell: &mut dyn FnMut(&Served)) -> Result<()> {
        // Before there are threads: they inherit that signals are kept for this one.
        k.take_signals()?;
        let doing = || "cannot start the server".to_owned();
        let (bell, mut heard) = UnixStream::pair().or_fail(doing)?;
        heard.set_nonblocking(true).or_fail(doing)?;
        // A full bell rings all the same: nobody waits for it.
        bell.set_nonblocking(true).or_fail(doing)?;
        let (served, answers) = channel();
        let bell = Arc::new(Bell { bell, served });
        let (shared, listener) = (Arc::clone(&self.shared), self.listener);
        thread::Builder::new().spawn(move || accept(&listener, &shared, &bell)).or_fail(doing)?;
        loop {
            let signal = k.readable_or_signal(&heard)?;
            tell_all(&mut heard, &answers, tell);
            // A window that changes its size is no reason.
            if signal.is_some_and(|signal| ENDS.contains(&signal)) {
                break;
            }
        }
        if let Some(scratch) = locked(&self.shared.scratch).take() {
            // The threads of open connections hold it, and end with the process: too late to tidy up.
            self.shared.uploads.forget();
            remove_tree(scratch.path()).or_fail(|| format!("cannot remove {}", scratch.path().display()))?;
        }
        Ok(())
    }
}

/// How a connection's thread makes itself heard by the one that narrates.
struct Bell {
    bell: UnixStream,
    served: Sender<Served>,
}

fn tell_all(heard: &mut UnixStream, answers: &Receiver<Served>, tell: &mut dyn FnMut(&Served)) {
    let mut rings = [0; 256];
    while heard.read(&mut rings).is_ok_and(|read| read == rings.len()) {}
    answers.try_iter().for_each(|served| tell(&served));
}

/// Takes connections, for ever: the process's end ends it.
fn accept(listener: &TcpListener, shared: &Arc<Shared>, bell: &Arc<Bell>) {
    loop {
        // The kernel keeps a queue of the others; idle connections are closed soon.
        let (mine, bell) = (Counted::new(shared), Arc::clone(bell));
        let Ok((stream, peer)) = listener.accept() else {
            // Out of descriptors, perhaps: those who are served give some back.
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        let serve = move || {
            let shared = &mine.0;
            connection::serve(
                &stream,
                peer.ip().to_canonical(),
                &|request, body| shared.answer(request, body),
                &|served| {
                    if bell.served.send(served).is_ok() {
                        let _ = (&bell.bell).write(b"!");
                    }
                },
            );
        };
        // If no thread can be had, `serve` is dropped, and the connection with it.
        let _ = thread::Builder::new().stack_size(STACK).spawn(serve);
    }
}

/// A connection, counted as long as it lasts.
struct Counted(Arc<Shared>);

impl Counted {
    /// Waits until there may be one more.
    fn new(shared: &Arc<Shared>) -> Self {
        let full = |count: &mut usize| *count >= CONNECTIONS;
        let count = locked(&shared.connections);
        *shared.fewer.wait_while(count, full).unwrap_or_else(PoisonError::into_inner) += 1;
        Self(Arc::clone(shared))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *locked(&self.0.connections) -= 1;
        self.0.fewer.notify_one();
    }
}

/// A lock whose holder has failed still guards something whole: each change is one assignment.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn answer(&self, request: &Request, body: &mut Body<'_, '_>) -> Answer {
        let answer = self.try_answer(request, body).unwrap_or_else(Refusal::answer);
        answer.with("docker-distribution-api-version", "registry/2.0")
    }

    fn try_answer(&self, request: &Request, body: &mut Body<'_, '_>) -> std::result::Result<Answer, Refusal> {
        let question = Question::read(request, &self.own)?;
        if question.changes() {
            self.may_change(request)?;
        }
        match question {
            Question::Ping => Ok(Answer::json(200, "{}").because("The client asks whether there is a registry here")),
            Question::Catalog => self.catalog(request),
            Question::Tags(repository) => self.tags(&repository, request),
            Question::Manifest(reference) => self.manifest(&reference, request),
            Question::PutManifest(reference) => self.put_manifest(&reference, request, body),
            Question::DeleteManifest(reference) => self.delete_manifest(&reference),
            Question::Referrers(reference) => self.referrers(&reference),
            Question::Blob(reference) => self.blob(&reference, request),
            Question::Upload(repository, Upload::Start) => self.start_upload(&repository, request, body),
            Question::Upload(repository, upload) => self.go_on(&repository, &upload, request, body),
        }
    }

    /// Whoever is told no is told before the body is sent.
    fn may_change(&self, request: &Request) -> std::result::Result<(), Refusal> {
        let denied = |message: &str| Err(Refusal::new(403, "DENIED", message));
        if self.read_only {
            return denied("this registry is served with --read-only");
        }
        if !request.peer.is_loopback() && !self.allow_push {
            return denied("this registry takes pushes from its own machine alone; its owner can say --allow-push");
        }
        if request.headers.contains_key("origin") {
            // Any page that is open on this machine could reach a registry on loopback.
            return denied("a web page may not push");
        }
        Ok(())
    }

    fn scratch(&self) -> std::result::Result<Arc<Scratch>, Refusal> {
        let scratch = locked(&self.scratch).clone();
        scratch.ok_or_else(|| Refusal::new(503, "UNKNOWN", "the registry is about to end"))
    }
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Error {
    let made = Error::io(format!("cannot listen on {address}"), error);
    match error.kind() {
        ErrorKind::AddrInUse => made.hint(format!(
            "Another program has this port: `ss -tlnp 'sport = :{0}'` names it. Choose another one: --listen {1}:0\n\
             takes any that is free.",
            address.port(),
            address.ip()
        )),
        ErrorKind::AddrNotAvailable => {
            made.hint("This machine has no such address; `ip address` lists those that it has.")
        }
        _ => made,
    }
}
