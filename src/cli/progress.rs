//! The layers of an image on their way: one bar each, as docker draws them; in a pipe,
//! lines for what is done.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use oci_spec::image::{Descriptor, Digest};

use crate::image::Layer;
use crate::image::pull::LayerNews;

/// The bars of one pull or push.
pub struct LayerBars {
    quiet: bool,
    terminal: bool,
    all: MultiProgress,
    bars: Vec<(String, ProgressBar)>,
}

impl LayerBars {
    /// None yet; `quiet` draws nothing at all.
    pub fn new(quiet: bool) -> Self {
        let terminal = !quiet && super::context::draws(std::io::stderr());
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { quiet, terminal, all: MultiProgress::with_draw_target(target), bars: Vec::new() }
    }

    /// A bar for each of these.
    pub fn begin(&mut self, layers: &[Layer]) {
        layers.iter().for_each(|layer| self.add(&layer.descriptor, "Pulling fs layer"));
    }

    /// A bar for each of these, on their way out.
    pub fn begin_blobs(&mut self, blobs: &[Descriptor]) {
        blobs.iter().for_each(|blob| self.add(blob, "Preparing"));
    }

    fn add(&mut self, descriptor: &Descriptor, word: &'static str) {
        let style = ProgressStyle::with_template("{prefix}: {msg:18} [{bar:28}] {decimal_bytes}/{decimal_total_bytes}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
        let name = short(descriptor.digest());
        let bar = ProgressBar::new(descriptor.size()).with_style(style);
        self.bars.push((name.clone(), self.all.add(bar.with_prefix(name).with_message(word))));
    }

    /// So much of a blob is sent.
    pub fn sent(&self, index: usize, bytes: u64) {
        if let Some((_, bar)) = self.bars.get(index) {
            bar.set_message("Pushing");
            bar.set_position(bytes);
        }
    }

    /// A blob is there.
    pub fn pushed(&self, index: usize, word: &'static str) {
        if let Some((name, bar)) = self.bars.get(index) {
            self.finish(name, bar, word);
        }
    }

    /// What happens to the layer of that place in the stack.
    pub fn show(&self, index: usize, news: &LayerNews) {
        let Some((name, bar)) = self.bars.get(index) else { return };
        match news {
            LayerNews::Arrived(bytes) => {
                bar.set_message("Pulling");
                bar.set_position(*bytes);
            }
            LayerNews::Elsewhere => self.set(name, bar, "Waiting for another boxlab"),
            LayerNews::Exists => self.finish(name, bar, "Already exists"),
            LayerNews::Complete(_) => self.finish(name, bar, "Pull complete"),
        }
    }

    fn finish(&self, name: &str, bar: &ProgressBar, word: &'static str) {
        let style = ProgressStyle::with_template("{prefix}: {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.set(name, bar, word);
        bar.finish();
    }

    fn set(&self, name: &str, bar: &ProgressBar, word: &'static str) {
        bar.set_message(word);
        if !self.terminal && !self.quiet {
            eprintln!("{name}: {word}");
        }
    }

    /// Does something that writes to the terminal, with the bars out of the way.
    pub fn aside(&self, write: impl FnOnce()) {
        self.all.suspend(write);
    }

    /// Lets the bars stand as they are.
    pub fn end(&mut self) {
        self.bars.clear();
    }
}

/// The first 12 digits of a digest, as people see it.
pub fn short(digest: &Digest) -> String {
    digest.digest().chars().take(12).collect()
}
