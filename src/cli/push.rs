//! `boxlab image push`: an image of the store becomes one of a registry.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use clap::Args;

use super::context::Context;
use super::progress::LayerBars;
use super::registry_options::RegistryOptions;
use super::{Trace, lab, output, size};
use crate::catalog;
use crate::error::{Error, Result};
use crate::image::push::{News, Wanted, push};
use crate::image::registry::Pushed;
use crate::image::{Reference, Store};
use crate::kernel::{Kernel, Mode};

/// `boxlab image push [OPTIONS] NAME[:TAG] [DESTINATION]`
#[derive(Debug, Args)]
pub struct Push {
    /// The image: localhost:5000/name:tag, or `host`
    #[arg(value_name = "NAME[:TAG]")]
    name: String,
    /// Push it under this name instead of its own
    #[arg(value_name = "DESTINATION")]
    destination: Option<String>,
    /// Push what was pulled for other platforms, too, and an index of them all
    #[arg(long)]
    all_platforms: bool,
    /// Send blobs in chunks of this size instead of in one piece
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    chunk_size: Option<u64>,
    /// Print nothing but the name
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    registry: RegistryOptions,
}

impl Push {
    /// Pushes it and prints the name that it has now.
    pub fn run(self, context: &Context) -> Result<i32> {
        let k = context.kernel(Trace::Off, Mode::default())?;
        let store = Store::open(&context.paths.store)?;
        let mut settings = self.registry.settings(context)?;
        settings.chunk = self.chunk_size;
        let destination = self.destination.as_deref().map(Reference::parse).transpose()?;
        let wanted = Wanted { image: self.name, destination, all_platforms: self.all_platforms, settings };
        let outcome = follow(&k, &store, &wanted, self.quiet || context.quiet());
        if outcome.is_ok() {
            lab::see(&k, catalog::row("image push"));
        }
        k.done(outcome.as_ref().map_or_else(|error| error.failure().status, |_| 0));
        output::print(&format!("{}\n", outcome?))?;
        Ok(0)
    }
}

/// Pushes in threads, and tells and draws in this one.
fn follow(k: &Kernel, store: &Store, wanted: &Wanted, quiet: bool) -> Result<Reference> {
    let (sender, news) = channel();
    let mut bars = LayerBars::new(quiet);
    let mut goes_to = None;
    let outcome = thread::scope(|scope| {
        let sender = Mutex::new(sender);
        let tell = move |news| drop(sender.lock().unwrap_or_else(PoisonError::into_inner).send(news));
        let worker = scope.spawn(move || push(store, wanted, &(Arc::new(tell) as Arc<_>)));
        for news in news {
            match news {
                News::Exchange { why, exchange } => bars.aside(|| k.exchange(why, &exchange)),
                News::Begun { destination, blobs } => {
                    if !quiet {
                        eprintln!("The push refers to repository [{}]", destination.name());
                    }
                    bars.begin_blobs(&blobs);
                    goes_to = Some(destination);
                }
                News::Sent(index, bytes) => bars.sent(index, bytes),
                News::Done(index, pushed) => bars.pushed(index, word(pushed)),
            }
        }
        worker.join().unwrap_or_else(|_| Err(Error::new("cannot push: a part of boxlab has failed")))
    });
    let (digest, bytes) = outcome?;
    bars.end();
    let destination = goes_to.ok_or_else(|| Error::new("cannot push: nothing has been begun"))?;
    if !quiet {
        eprintln!("{}: digest: {digest} size: {bytes}", destination.tag_or_digest());
    }
    Ok(destination)
}

/// What docker says of it.
fn word(pushed: Pushed) -> &'static str {
    match pushed {
        Pushed::Existed => "Layer already exists",
        Pushed::Mounted => "Mounted from another repository",
        Pushed::Sent => "Pushed",
    }
}
