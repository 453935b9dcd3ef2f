//! `boxlab image pull`: a name becomes an image in the store.

use std::io::{PipeReader, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use super::context::Context;
use super::progress::{LayerBars, short};
use super::registry_options::RegistryOptions;
use super::{Trace, lab, output, size};
use crate::catalog;
use crate::error::{Error, IoContext, Result};
use crate::image::platform::Platform;
use crate::image::pull::{Arrival, LayerNews, News, Pulled, Wanted, pull};
use crate::image::unpack::{Ids, Options, Unpacked};
use crate::image::{Image, Reference, Store};
use crate::kernel::{Kernel, Mode, interrupted, maps, remove_tree};
use crate::primitives::ns::user;

/// `boxlab image pull [OPTIONS] NAME[:TAG|@DIGEST]`
#[derive(Debug, Args)]
pub struct Pull {
    /// The image: debian, debian:12, ghcr.io/owner/name, name@sha256:...
    #[arg(value_name = "NAME[:TAG|@DIGEST]")]
    name: String,
    /// Print nothing but the name
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    options: PullOptions,
}

/// How an image is pulled; `run` has these options, too.
#[derive(Debug, Clone, Args)]
pub struct PullOptions {
    /// Another platform than this machine's: linux/arm64, linux/arm/v7, ...
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Platform>,
    /// Refuse a layer that unpacks to more than this
    #[arg(long, value_name = "SIZE", default_value = "64g", value_parser = size::parse)]
    max_size: u64,
    #[command(flatten)]
    registry: RegistryOptions,
}

impl Pull {
    /// Pulls it and prints its full name.
    pub fn run(self, context: &Context) -> Result<i32> {
        let k = context.kernel(Trace::Off, Mode::default())?;
        let reference = Reference::parse(&self.name)?;
        let quiet = self.quiet || context.quiet();
        let outcome = self.options.pull(context, &k, &reference, quiet);
        if outcome.is_ok() {
            lab::see(&k, catalog::row("image pull"));
        }
        k.done(outcome.as_ref().map_or_else(|error| error.failure().status, |_| 0));
        outcome?;
        output::print(&format!("{reference}\n"))?;
        Ok(0)
    }
}

impl PullOptions {
    /// True if an image is for the platform that is wanted.
    pub fn suits(&self, image: &Image) -> bool {
        self.platform.as_ref().is_none_or(|platform| *platform == Platform::of_image(&image.config))
    }

    /// Pulls an image.
    pub fn pull(&self, context: &Context, k: &Kernel, reference: &Reference, quiet: bool) -> Result<Image> {
        let store = Store::open(&context.paths.store)?;
        let settings = self.registry.settings(context)?;
        let (platform, reference) = (self.platform.clone(), reference.clone());
        let name = reference.to_string();
        self.as_owner(k, |k, options| follow(k, &store, &Wanted { reference, platform, settings, options }, quiet))?;
        store.find(&name)?.ok_or_else(|| Error::new(format!("cannot find {name}, which was just pulled")))
    }

    /// Unpacks what a power cut may have taken.
    pub fn unpack(&self, k: &Kernel, store: &Store, image: &Image) -> Result<()> {
        if image.is_unpacked() {
            return Ok(());
        }
        self.as_owner(k, |_, options| store.unpack(image, &options, &mut |_| ()))
    }

    /// Does it where the owners of the files exist: for an ordinary user that is a user
    /// namespace whose root it is.
    fn as_owner(&self, k: &Kernel, body: impl FnOnce(&Kernel, Options) -> Result<()>) -> Result<()> {
        let options = |ids| Options { ids, max_bytes: self.max_size, ..Options::default() };
        match maps::needed() {
            None => body(k, options(Ids::All)),
            Some(maps) => {
                k.take_signals()?;
                let ids = if maps.have_others() { Ids::Mapped } else { Ids::One };
                user::within(k, "puller", &maps, |k| body(k, options(ids))).map(drop)
            }
        }
    }
}

/// Pulls in a thread of its own, and tells and draws in this one.
fn follow(k: &Kernel, store: &Store, wanted: &Wanted, quiet: bool) -> Result<()> {
    k.take_signals()?;
    let (bell, ring) = std::io::pipe().or_fail(|| "cannot make a pipe".to_owned())?;
    let (sender, news) = channel();
    let stop = Arc::new(AtomicBool::new(false));
    let worker = {
        let (store, wanted, stop) = (store.clone(), wanted.clone(), Arc::clone(&stop));
        let sender = Mutex::new((sender, ring));
        thread::spawn(move || {
            let tell = move |news| {
                let mut told = sender.lock().unwrap_or_else(PoisonError::into_inner);
                told.0.send(news).ok();
                told.1.write_all(&[0]).ok();
            };
            pull(&store, &wanted, &(Arc::new(tell) as Arc<_>), &stop)
        })
    };
    let mut teller = Teller::new(k, wanted, quiet);
    teller.listen(bell, &news, &stop)?;
    let pulled = worker.join().unwrap_or_else(|_| Err(Error::new("cannot pull: a part of boxlab has failed")))?;
    teller.end(&pulled);
    Ok(())
}

/// Bytes of the bell that are read at a time.
const RINGS: usize = 4096;
/// How long the others have to end after a signal.
const PATIENCE: Duration = Duration::from_secs(1);

/// Turns the news into narration, bars and lines.
struct Teller<'a> {
    k: &'a Kernel,
    wanted: &'a Wanted,
    quiet: bool,
    bars: LayerBars,
    /// Where it is made; removed here if the others can't do it any more.
    work: Vec<PathBuf>,
    lost: Lost,
}

/// What could not be unpacked as it was packed.
#[derive(Default)]
struct Lost {
    owners: u64,
    devices: usize,
    attributes: u64,
    forged: u64,
}

impl Lost {
    fn add(&mut self, unpacked: Option<&Unpacked>) {
        let Some(unpacked) = unpacked else { return };
        self.owners += unpacked.owners_lost;
        self.devices += unpacked.devices_skipped.len();
        self.attributes += unpacked.xattrs_lost;
        self.forged += unpacked.xattrs_forged;
    }

    /// In plain words, what of it matters.
    fn tell(&self) {
        if self.owners > 0 {
            eprintln!(
                "Warning: {} files belong to other users in the image and to you here, since you have a single id.",
                self.owners
            );
            eprintln!("  Programs that become another user will fail. `boxlab doctor` says how to get more ids.");
        }
        if self.devices > 0 {
            eprintln!("Note: {} device nodes are left out: only the host's root may make them.", self.devices);
        }
        if self.attributes > 0 {
            eprintln!(
                "Note: {} extended attributes are lost: this filesystem or this user can't have them.",
                self.attributes
            );
        }
        if self.forged > 0 {
            eprintln!("Warning: the image carried {} marks of overlayfs's own, which were left out.", self.forged);
        }
    }
}

impl<'a> Teller<'a> {
    fn new(k: &'a Kernel, wanted: &'a Wanted, quiet: bool) -> Self {
        Self { k, wanted, quiet, bars: LayerBars::new(quiet), work: Vec::new(), lost: Lost::default() }
    }

    /// Until there is no more news: the pull has ended, well or not.
    fn listen(&mut self, mut bell: PipeReader, news: &Receiver<News>, stop: &AtomicBool) -> Result<()> {
        loop {
            if let Some(signal) = self.k.readable_or_signal(&bell)? {
                stop.store(true, Ordering::Relaxed);
                self.give_up(news);
                return Err(interrupted(signal));
            }
            let rings = bell.read(&mut [0; RINGS]).or_fail(|| "cannot read a pipe".to_owned())?;
            loop {
                match news.try_recv() {
                    Ok(news) => self.tell(news),
                    Err(TryRecvError::Empty) if rings > 0 => break,
                    Err(_) => return Ok(()),
                }
            }
        }
    }

    /// Lets the others end, which takes a moment unless a server has fallen silent.
    fn give_up(&mut self, news: &Receiver<News>) {
        let until = Instant::now() + PATIENCE;
        while let Ok(news) = news.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.tell(news);
        }
        for directory in &self.work {
            remove_tree(directory).ok();
        }
    }

    fn tell(&mut self, news: News) {
        match news {
            News::Work(directory) => self.work.push(directory),
            News::Exchange { why, exchange } => self.bars.aside(|| self.k.exchange(why, &exchange)),
            News::Layers(layers) => self.bars.begin(&layers),
            News::Layer(index, news) => {
                if let LayerNews::Complete(arrival) = &news {
                    self.bars.aside(|| layer(self.k, arrival));
                    self.lost.add(arrival.unpacked.as_ref());
                }
                self.bars.show(index, &news);
            }
        }
    }

    /// What docker says at the end.
    fn end(&mut self, pulled: &Pulled) {
        self.bars.end();
        if self.quiet {
            return;
        }
        self.lost.tell();
        let name = self.wanted.reference.familiar();
        let status = if pulled.up_to_date { "Image is up to date for" } else { "Downloaded newer image for" };
        eprintln!("Digest: {}\nStatus: {status} {name}", pulled.digest);
        let (wanted, got) = (Platform::this(), Platform::of_image(&pulled.image.config));
        if self.wanted.platform.is_none() && wanted != got {
            eprintln!("Warning: the image is for {got}, this machine is {wanted}: its programs may not run here.");
        }
    }
}

/// What became of a layer: why it has two digests, and what was in it.
fn layer(k: &Kernel, arrival: &Arrival) {
    let Some(unpacked) = &arrival.unpacked else { return };
    k.step("Check a layer twice, as it was sent and as it unpacks, and unpack it");
    let layer = &arrival.layer;
    k.show(&format!("layer {}", short(layer.descriptor.digest())), || {
        let mut lines = vec![
            format!("as sent    {}  {}", layer.descriptor.digest(), size::decimal(layer.descriptor.size())),
            format!("as a tar   {}", layer.diff_id),
            format!("stacked    {}", layer.chain),
            format!("{} entries; {} files hold {}", unpacked.entries, unpacked.files, size::decimal(unpacked.bytes)),
        ];
        if unpacked.whiteouts + unpacked.opaque > 0 {
            let (whiteouts, opaque) = (unpacked.whiteouts, unpacked.opaque);
            lines.push(format!("{whiteouts} whiteouts hide what lies below, {opaque} directories hide all of it"));
        }
        lines.push(format!("{} ms, in {}", arrival.took.as_millis(), layer.place.display()));
        lines
    });
}
