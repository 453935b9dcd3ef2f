//! `boxlab tag`, `boxlab rmi`, `boxlab image prune`: names come and go, and then images.

use std::io::IsTerminal;

use clap::Args;
use dialoguer::Confirm;
use jiff::{SignedDuration, Timestamp};

use super::ls::unknown;
use super::open;
use crate::catalog::{about, after_help};
use crate::cli::context::Context;
use crate::cli::filter::{self, Filter};
use crate::cli::{Trace, output, units};
use crate::error::{Error, Result};
use crate::image::{Image, Outcome, Removed, host};
use crate::kernel::Mode;

/// Give an image another name
#[derive(Debug, Args)]
#[command(about = about("image tag"), after_help = after_help("image tag"))]
pub struct Tag {
    /// The image: a name, an ID, or the beginning of one
    source: String,
    /// Its new name
    target: String,
}

/// Remove images, or names of images
#[derive(Debug, Args)]
#[command(about = about("image rm"), after_help = after_help("image rm"))]
pub struct Rm {
    /// Names, IDs, or the beginnings of IDs
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    /// Also with several names; of one that is in use only the name
    #[arg(short, long)]
    force: bool,
}

/// Remove what no image and no container needs
#[derive(Debug, Args)]
#[command(about = about("image prune"), after_help = after_help("image prune"))]
pub struct Prune {
    /// All images that no container uses, not only those without a name
    #[arg(short, long)]
    all: bool,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    /// until=DURATION or TIME (made before that), label=KEY[=VALUE], label!=KEY[=VALUE]
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
}

impl Tag {
    /// Adds the name.
    pub fn run(&self, context: &Context) -> Result<i32> {
        open(context)?.add_name(&self.source, &self.target)?;
        Ok(0)
    }
}

impl Rm {
    /// Removes one after the other; the first that can't be removed does not spare the others.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let store = open(context)?;
        let k = context.kernel(Trace::Off, Mode::default())?;
        let mut failed: Option<Error> = None;
        for image in &self.images {
            match store.remove(&k, &context.paths, image, self.force) {
                Ok(outcome) => output::print(&lines(&outcome))?,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(0), Err)
    }
}

impl Prune {
    /// Asks, removes, says how much is free again.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let filters = self.filters()?;
        if !self.agreed()? {
            return Ok(0);
        }
        // The host image costs time to make again, and nothing to get: it is not pruned by a mere -a.
        let unwanted = |image: &Image| {
            let candidate = image.name.is_empty() || (self.all && image.name != host::NAME);
            candidate && filters.iter().all(|filter| filter(image))
        };
        let k = context.kernel(Trace::Off, Mode::default())?;
        let outcome = open(context)?.prune(&k, &context.paths, &unwanted)?;
        let deleted = if outcome.removed.is_empty() { "" } else { "Deleted Images:\n" };
        let total = format!("Total reclaimed space: {}\n", units::size(outcome.reclaimed));
        output::print(&format!("{deleted}{}{}{total}", lines(&outcome), if deleted.is_empty() { "" } else { "\n" }))?;
        Ok(0)
    }

    fn filters(&self) -> Result<Vec<Filter<Image>>> {
        let mut filters: Vec<Filter<Image>> = Vec::new();
        for (key, value) in filter::pairs(&self.filter)? {
            filters.push(match key {
                "until" => {
                    let until = moment(value)?;
                    Box::new(move |image: &Image| {
                        let created = image.config.created().as_deref().and_then(|time| time.parse::<Timestamp>().ok());
                        created.is_some_and(|created| created < until)
                    })
                }
                "label" => filter::label(value),
                "label!" => {
                    let has = filter::label(value);
                    Box::new(move |image: &Image| !has(image))
                }
                _ => return Err(unknown(key, "until, label, label!")),
            });
        }
        Ok(filters)
    }

    fn agreed(&self) -> Result<bool> {
        if self.force {
            return Ok(true);
        }
        let what = match self.all {
            true => "all images that no container uses",
            false => "all images without a name",
        };
        if !std::io::stdin().is_terminal() {
            return Err(Error::new("nothing was removed, since there is no terminal to ask on")
                .hint(format!("This removes {what}. With --force it does not ask.")));
        }
        let question = format!("Remove {what}, and what was left unfinished?");
        let asked = Confirm::new().with_prompt(question).default(false).interact_opt();
        asked.map(|answer| answer.unwrap_or(false)).map_err(|error| Error::new(format!("cannot ask: {error}")))
    }
}

fn lines(outcome: &Outcome) -> String {
    let line = |removed: &Removed| match removed {
        Removed::Untagged(name) => format!("Untagged: {name}\n"),
        Removed::Deleted(digest) => format!("Deleted: {digest}\n"),
    };
    outcome.removed.iter().map(line).collect()
}

/// `24h`, `1h30m`: so long ago; or a time as in RFC 3339, or a day.
fn moment(text: &str) -> Result<Timestamp> {
    let ago = text.parse::<SignedDuration>().ok().and_then(|ago| units::now().checked_sub(ago).ok());
    let day = || format!("{text}T00:00:00Z").parse().ok();
    ago.or_else(|| text.parse().ok()).or_else(day).ok_or_else(|| {
        Error::usage(format!("'{text}' is no time"))
            .hint("Write how long ago (24h, 90m), or when: 2026-01-31, 2026-01-31T12:00:00Z.")
    })
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn times_are_absolute_or_ago() {
        assert_eq!(moment("2026-01-31").unwrap().to_string(), "2026-01-31T00:00:00Z");
        assert_eq!(moment("2026-01-31T12:00:00+01:00").unwrap().to_string(), "2026-01-31T11:00:00Z");
        let day = crate::cli::units::now().as_second() - moment("24h").unwrap().as_second();
        assert!((86_399..=86_401).contains(&day), "{day}");
        assert!(moment("1h30m").is_ok() && moment("yesterday").is_err());
    }
}
