//! `boxlab image`: the files that containers are made of.

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::context::Context;
use super::output;
use crate::catalog::{about, after_help};
use crate::error::{Error, Result};
use crate::image::{HostImage, Image, Made, Programs, Progress, Store, host};
use crate::kernel::nearest;

/// Images: the files that containers are made of
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    #[command(about = about("image host"), after_help = after_help("image host"))]
    Host {
        /// Programs to add to the usual ones, by name or path
        programs: Vec<String>,
    },
}

impl ImageCommand {
    /// Runs one of them.
    pub fn run(self, context: &Context) -> Result<i32> {
        match self {
            Self::Host { programs } => host_image(context, &programs),
        }
    }
}

fn host_image(context: &Context, programs: &[String]) -> Result<i32> {
    let store = Store::open(&context.paths.store)?;
    let made = ensure(context, &store, Programs::Named(programs))?;
    if !context.quiet() {
        for line in notes(&made) {
            eprintln!("{line}");
        }
    }
    output::print(&format!("{}\n", made.image.id))?;
    Ok(0)
}

/// What was done and what could not be.
fn notes(made: &HostImage) -> Vec<String> {
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let mut lines = match made.made {
        Made::Reused => vec!["The programs have not changed: the image is reused.".to_owned()],
        Made::Built { files, bytes, took } => {
            vec![format!("{files} files, {} in {} ms", megabytes(bytes), took.as_millis())]
        }
    };
    if !made.notes.missing.is_empty() {
        lines.push(format!("not on this machine: {}", made.notes.missing.join(", ")));
    }
    lines.extend(
        made.notes.unreadable.iter().map(|path| format!("left out, since you can't read it: {}", path.display())),
    );
    lines.extend(
        made.notes
            .unresolved
            .iter()
            .map(|library| format!("no library {} for {}", library.name, library.wanted_by.display())),
    );
    lines
}

fn ensure(context: &Context, store: &Store, programs: Programs<'_>) -> Result<HostImage> {
    let bar = bar(context.quiet());
    let made = host::ensure(store, programs, &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    made
}

/// A bar that is drawn when something is reported, so that no thread is needed;
/// nothing in a pipe.
fn bar(quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    let style = ProgressStyle::with_template("{msg:24} [{bar:30}] {bytes}/{total_bytes}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn show(bar: &ProgressBar, progress: Progress) {
    match progress {
        Progress::Found { files } => bar.set_message(format!("found {files} files")),
        Progress::Packed { bytes, total } => at(bar, "packing the layer", bytes, total),
        Progress::Unpacked { bytes, total } => at(bar, "unpacking the layer", bytes, total),
        Progress::Saving => bar.set_message("writing to disk"),
    }
}

fn at(bar: &ProgressBar, message: &'static str, bytes: u64, total: u64) {
    bar.set_message(message);
    bar.set_length(total);
    bar.set_position(bytes);
}

/// The image of that name; the host image is made when it is missing or old. A
/// plan takes what there is.
pub fn find(context: &Context, name: &str, plan: bool) -> Result<Image> {
    let store = Store::open(&context.paths.store)?;
    if name == host::NAME && !plan {
        return ensure(context, &store, Programs::Remembered).map(|made| made.image);
    }
    match store.find(name)? {
        Some(image) => {
            if !plan && !image.is_unpacked() {
                store.unpack(&image, &crate::image::unpack::Options::default(), &mut |_| ())?;
            }
            Ok(image)
        }
        None => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Error {
    let error = Error::new(format!("there is no image '{name}' here"));
    if name == host::NAME {
        return error.hint("`boxlab image host` makes it.");
    }
    let near =
        nearest(name, [host::NAME].into_iter()).map(|near| format!("Did you mean '{near}'? ")).unwrap_or_default();
    error.hint(format!("{near}So far there is one image, `host`, made of this machine's own programs;\na program in it runs as `boxlab run host {name}`."))
}
