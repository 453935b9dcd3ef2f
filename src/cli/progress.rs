//! The layers of an image on their way: one bar each, as docker draws them; in a pipe,
//! lines for what is done.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use oci_spec::image::Digest;

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
        let style = ProgressStyle::with_template("{prefix}: {msg:18} [{bar:28}] {bytes}/{total_bytes}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
        for layer in layers {
            let bar = ProgressBar::new(layer.descriptor.size()).with_style(style.clone());
            let name = short(layer.descriptor.digest());
            let bar = self.all.add(bar.with_prefix(name.clone()).with_message("Pulling fs layer"));
            self.bars.push((name, bar));
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
