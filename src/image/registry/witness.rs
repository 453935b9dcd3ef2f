//! Who is told each exchange with the registry, and why it was made.
//!
//! Layers arrive in several threads, and the `Kernel` belongs to one of them. So what is
//! told goes through a channel to that one, which narrates it.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::trace::Exchange;

/// Is told what was asked, and why, once the answer is there.
pub trait Witness: Send + Sync {
    /// One exchange; `why` is a step of the narration, at most 72 characters.
    fn exchanged(&self, why: &'static str, exchange: Exchange);
}

/// Nobody listens.
#[derive(Debug)]
pub struct Unseen;

impl Witness for Unseen {
    fn exchanged(&self, _why: &'static str, _exchange: Exchange) {}
}

impl Witness for Sender<(&'static str, Exchange)> {
    fn exchanged(&self, why: &'static str, exchange: Exchange) {
        // Whoever no longer listens has ended.
        let _ = self.send((why, exchange));
    }
}

/// Does `work` in a thread of its own while this one narrates its exchanges.
pub fn narrated<T: Send>(kernel: &Kernel, work: impl FnOnce(Arc<dyn Witness>) -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let (witness, told) = channel();
        let worker = scope.spawn(move || work(Arc::new(witness)));
        for (why, exchange) in told {
            kernel.exchange(why, &exchange);
        }
        worker.join().unwrap_or_else(|_| Err(Error::new("the registry could not be asked: its thread has ended")))
    })
}
