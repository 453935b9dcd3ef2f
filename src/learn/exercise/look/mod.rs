//! How each claim of the vocabulary is looked up: one small function each. All of it
//! reads the kernel; nothing is changed.

pub mod answer;
pub mod cgroup;
pub mod process;
pub mod view;

use std::fmt::Display;

use super::scene::{Finding, Scene};
use super::vocabulary::Amount;
use crate::error::Result;
use crate::kernel::{CLONE_NEWUTS, Kernel, proc};

/// The name of the host that a process sees. No file says it: somebody has to go there.
pub fn hostname_of(k: &Kernel, pid: i32) -> Result<String> {
    view::there(k, pid, "uts", CLONE_NEWUTS, || Ok(proc::hostname()))
}

/// A number against what is wanted of it; `None` is no limit at all.
fn bounded(
    scene: &Scene<'_>,
    found: Option<f64>,
    wanted: [&Option<Amount>; 3],
    spell: impl Fn(f64) -> String,
) -> Finding {
    let [at_most, at_least, is] = wanted.map(|amount| amount.as_ref().and_then(Amount::number));
    let text = found.map_or_else(|| scene.say("checks.no_limit", &[]), &spell);
    let put = |key: &str, number: f64| scene.say(key, &[("value", &spell(number))]);
    match (at_most, at_least, is) {
        (Some(most), ..) => Finding::of(found.is_some_and(|found| found <= most), text, put("checks.at_most", most)),
        (_, Some(least), _) => {
            Finding::of(found.is_none_or(|found| found >= least), text, put("checks.at_least", least))
        }
        (.., Some(is)) => Finding::of(found.is_some_and(|found| (found - is).abs() < 0.005), text, spell(is)),
        _ => Finding::of(false, text, ""),
    }
}

/// `32 MiB` where it is a whole number of them.
fn bytes(number: f64) -> String {
    let units = [("GiB", 1_073_741_824.0), ("MiB", 1_048_576.0), ("KiB", 1024.0)];
    let unit = units.iter().find(|(_, size)| number >= *size && number % size == 0.0);
    unit.map_or_else(|| format!("{number} bytes"), |(name, size)| format!("{} {name}", number / size))
}

/// A list of words; nothing is a word as well.
fn list(scene: &Scene<'_>, words: &[impl Display]) -> String {
    if words.is_empty() {
        return scene.say("checks.nothing", &[]);
    }
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
