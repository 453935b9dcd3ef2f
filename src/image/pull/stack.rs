//! All layers of an image at once, the bottom one first.
//!
//! A few workers take layer after layer from the bottom to the top. What another process is
//! fetching is waited for; what is there is left alone. An unpacked layer takes its place when
//! those below have theirs: a directory that it only passes through gets the mode and owner
//! that it has below.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::flow::{Flow, stopped};
use crate::error::{IoContext, Result};
use crate::image::registry::Registry;
use crate::image::scratch::Scratch;
use crate::image::unpack::{Options, Unpacked};
use crate::image::{Layer, Store, implied};
use crate::kernel::remove_tree;

/// Layers that are fetched at the same time, as docker does.
const AT_ONCE: usize = 3;

/// What happens to a layer.
#[derive(Debug, Clone)]
pub enum LayerNews {
    /// It was there.
    Exists,
    /// Another process makes it; this one waits.
    Elsewhere,
    /// So many bytes of the blob have come.
    Arrived(u64),
    /// It is in its place.
    Complete(Box<Arrival>),
}

/// How a layer came into the store.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The layer.
    pub layer: Layer,
    /// True if its blob was in the store already.
    pub stored: bool,
    /// What was unpacked; `None` if it was unpacked already.
    pub unpacked: Option<Unpacked>,
    /// How long it took.
    pub took: Duration,
}

/// What all layers have in common.
pub struct Means<'a> {
    /// Where they go.
    pub store: &'a Store,
    /// Where they are made.
    pub scratch: &'a Scratch,
    /// Where they come from.
    pub registry: &'a Registry,
    /// What may be unpacked.
    pub options: &'a Options,
    /// Set to end it all.
    pub stop: &'a AtomicBool,
}

/// The layers of an image, while they are fetched.
pub struct Stack<'a> {
    means: &'a Means<'a>,
    layers: &'a [Layer],
    tell: &'a (dyn Fn(usize, LayerNews) + Sync),
    /// Those that no worker has taken yet.
    waiting: Mutex<VecDeque<usize>>,
    /// Which are in their places.
    placed: Mutex<Vec<bool>>,
    changed: Condvar,
}

impl<'a> Stack<'a> {
    /// Fetches and unpacks all that is missing. `tell` is called by several threads.
    pub fn fetch(means: &'a Means<'a>, layers: &'a [Layer], tell: &'a (dyn Fn(usize, LayerNews) + Sync)) -> Result<()> {
        let waiting = Mutex::new((0..layers.len()).collect());
        let placed = Mutex::new(vec![false; layers.len()]);
        let stack = Self { means, layers, tell, waiting, placed, changed: Condvar::new() };
        let outcomes: Vec<Result<()>> = thread::scope(|scope| {
            let workers: Vec<_> = (0..AT_ONCE.min(layers.len())).map(|_| scope.spawn(|| stack.work())).collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| Err(stopped()))).collect()
        });
        let failures = outcomes.into_iter().filter_map(Result::err);
        // Those that stopped because of another's failure have nothing to say.
        failures.min_by_key(|error| *error == stopped()).map_or(Ok(()), Err)
    }

    fn work(&self) -> Result<()> {
        loop {
            let Some(index) = locked(&self.waiting).pop_front() else { return Ok(()) };
            if self.means.stop.load(Ordering::Relaxed) {
                return Err(stopped());
            }
            let done = self.layer(index);
            if done.is_err() {
                self.means.stop.store(true, Ordering::Relaxed);
            }
            locked(&self.placed)[index] = true;
            self.changed.notify_all();
            done?;
        }
    }

    fn layer(&self, index: usize) -> Result<()> {
        let layer = &self.layers[index];
        let blob = self.means.store.blob(&layer.descriptor);
        if blob.is_file() && layer.place.is_dir() {
            (self.tell)(index, LayerNews::Exists);
            return Ok(());
        }
        let claim =
            self.means.store.claim(layer.descriptor.digest(), &mut || (self.tell)(index, LayerNews::Elsewhere))?;
        let stored = blob.is_file();
        if stored && layer.place.is_dir() {
            (self.tell)(index, LayerNews::Exists);
            return Ok(());
        }
        let started = Instant::now();
        let directory = self.means.scratch.path().join(format!("layer-{index}"));
        let unpacked = self.flow(index, stored, &blob, &directory)?;
        // Before it waits for those below: one of them may be the same blob.
        drop(claim);
        if let Some(unpacked) = &unpacked {
            self.place(index, &directory, unpacked)?;
        }
        let took = started.elapsed();
        let arrival = Arrival { layer: layer.clone(), stored, unpacked, took };
        (self.tell)(index, LayerNews::Complete(Box::new(arrival)));
        Ok(())
    }

    /// Fetches the blob, or takes the one that is stored; unpacks it, if that is missing.
    fn flow(&self, index: usize, stored: bool, blob: &Path, directory: &Path) -> Result<Option<Unpacked>> {
        let layer = &self.layers[index];
        let fetched = self.means.scratch.path().join(format!("blob-{index}"));
        let mut flow = Flow {
            descriptor: &layer.descriptor,
            diff_id: &layer.diff_id,
            blob: None,
            directory: (!layer.place.is_dir()).then_some(directory),
            options: self.means.options,
            stop: self.means.stop,
        };
        let arrived = |bytes| (self.tell)(index, LayerNews::Arrived(bytes));
        if stored {
            let file = File::open(blob).or_fail(|| format!("cannot read {}", blob.display()))?;
            let unpacked = flow.run(file, &arrived);
            if unpacked.is_ok() || self.means.stop.load(Ordering::Relaxed) {
                return unpacked;
            }
            // It may have been damaged on the disk: then it is fetched anew.
            remove_tree(directory).or_fail(|| format!("cannot remove {}", directory.display()))?;
        }
        flow.blob = Some(&fetched);
        let unpacked = flow.run(self.means.registry.blob(&layer.descriptor)?, &arrived)?;
        self.means.store.adopt_blob(&fetched, layer.descriptor.digest())?;
        Ok(unpacked)
    }

    /// Moves an unpacked layer to its place, as soon as those below are in theirs.
    fn place(&self, index: usize, directory: &Path, unpacked: &Unpacked) -> Result<()> {
        if !unpacked.implied.is_empty() {
            let mut placed = locked(&self.placed);
            while placed[..index].iter().any(|placed| !placed) {
                placed = self.changed.wait(placed).unwrap_or_else(PoisonError::into_inner);
            }
            if self.means.stop.load(Ordering::Relaxed) {
                return Err(stopped());
            }
            let below: Vec<PathBuf> = self.layers[..index].iter().rev().map(|layer| layer.place.clone()).collect();
            implied::inherit(directory, &unpacked.implied, &below)?;
        }
        self.means.store.adopt_layer(directory, &self.layers[index].place)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
