//! `boxlab image`: the files that containers are made of.

mod archive;
mod diff;
mod history;
mod inspect;
mod layers;
mod ls;
mod rm;

use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::context::Context;
use super::output;
use super::pull::{Pull, PullOptions};
use super::push::Push;
use crate::catalog::{about, after_help};
use crate::error::Result;
use crate::image::locks::Held;
use crate::image::{DEFAULT_TAG, HostImage, Image, Made, Programs, Progress, Reference, Store, host};
use crate::kernel::{Kernel, nearest};

/// Images: the files that containers are made of
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    #[command(about = about("image pull"), after_help = after_help("image pull"))]
    Pull(Box<Pull>),
    #[command(about = about("image push"), after_help = after_help("image push"))]
    Push(Box<Push>),
    #[command(about = about("image host"), after_help = after_help("image host"))]
    Host {
        /// Programs to add to the usual ones, by name or path
        programs: Vec<String>,
    },
    #[command(visible_alias = "list")]
    Ls(ls::Ls),
    Inspect(inspect::Inspect),
    History(history::History),
    Layers(layers::Layers),
    Diff(diff::Diff),
    Tag(rm::Tag),
    #[command(visible_alias = "remove")]
    Rm(rm::Rm),
    Prune(rm::Prune),
    Unpack(archive::Unpack),
    Import(archive::Import),
    Export(archive::Export),
    Save(archive::Save),
    Load(archive::Load),
}

pub use archive::{Import, Load, Save};
pub use history::History;
pub use inspect::Inspect;
pub use ls::Ls;
pub use rm::{Rm, Tag};

impl ImageCommand {
    /// Runs one of them.
    pub fn run(self, context: &Context) -> Result<i32> {
        match self {
            Self::Pull(command) => command.run(context),
            Self::Push(command) => command.run(context),
            Self::Host { programs } => host_image(context, &programs),
            Self::Ls(command) => command.run(context),
            Self::Inspect(command) => command.run(context),
            Self::History(command) => command.run(context),
            Self::Layers(command) => command.run(context),
            Self::Diff(command) => command.run(context),
            Self::Tag(command) => command.run(context),
            Self::Rm(command) => command.run(context),
            Self::Prune(command) => command.run(context),
            Self::Unpack(command) => command.run(context),
            Self::Import(command) => command.run(context),
            Self::Export(command) => command.run(context),
            Self::Save(command) => command.run(context),
            Self::Load(command) => command.run(context),
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

/// `--pull`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    Always,
    Missing,
    Never,
}

/// The host image, made when it is missing or old.
pub fn host(context: &Context) -> Result<Image> {
    let store = Store::open(&context.paths.store)?;
    ensure(context, &store, Programs::Remembered).map(|made| made.image)
}

/// An image by its name, to be taken apart; the host image is made, as for a container.
pub fn whole(context: &Context, store: &Store, name: &str) -> Result<Image> {
    if name == host::NAME {
        return host(context);
    }
    Ok(store.resolve(name)?.image)
}

/// While this is held, nothing is removed from the store.
pub fn share(context: &Context) -> Result<Held> {
    Store::open(&context.paths.store)?.share()
}

/// The image that a container is made of: found, made or pulled. A plan takes what there is.
pub fn obtain(context: &Context, k: &Kernel, name: &str, when: When, pulling: &PullOptions) -> Result<Image> {
    if name == host::NAME && !k.plans() {
        return host(context);
    }
    let store = Store::open(&context.paths.store)?;
    let found = store.lookup(name)?.filter(|image| pulling.suits(image));
    match found {
        Some(image) if k.plans() => Ok(image),
        Some(image) if when != When::Always => {
            pulling.unpack(k, &store, &image)?;
            // Where its layers are has just been decided.
            Ok(store.lookup(name)?.unwrap_or(image))
        }
        None if when == When::Never || k.plans() => Err(store.unknown(name).hint(as_program(name))),
        found => {
            let reference = Reference::parse(name)?;
            if found.is_none() && !context.quiet() {
                eprintln!("Unable to find image '{}' locally", reference.familiar());
            }
            let pulled = pulling.pull(context, k, &reference, context.quiet());
            pulled.map_err(|error| error.hint(perhaps(name)))
        }
    }
}

/// What somebody may have meant who named an image that can't be pulled.
fn perhaps(name: &str) -> String {
    let near = nearest(name, [host::NAME].into_iter()).map(|near| format!("Did you mean '{near}'? "));
    near.unwrap_or_default() + &as_program(name)
}

fn as_program(name: &str) -> String {
    format!("A program of this machine runs as `boxlab run host {name}`.")
}

/// The store that the options name.
fn open(context: &Context) -> Result<Store> {
    Store::open(&context.paths.store)
}

/// Repository and tag as people say them; neither, where another image has the name now.
fn names(image: &Image) -> (Option<String>, Option<String>) {
    match image.name.as_str() {
        "" => (None, None),
        host::NAME => (Some(host::NAME.to_owned()), Some(DEFAULT_TAG.to_owned())),
        name => Reference::parse(name)
            .map_or_else(|_| (Some(name.to_owned()), None), |name| (Some(name.familiar_name()), name.tag)),
    }
}

/// `debian:12`, or the beginning of the ID.
fn familiar_name(image: &Image) -> String {
    match names(image) {
        (Some(repository), Some(tag)) => format!("{repository}:{tag}"),
        (Some(repository), None) => repository,
        (None, _) => short(&image.id, false),
    }
}

/// The first twelve digits of an ID, or all of it.
fn short(id: &str, whole: bool) -> String {
    if whole {
        return id.to_owned();
    }
    id.strip_prefix("sha256:").unwrap_or(id).chars().take(12).collect()
}
