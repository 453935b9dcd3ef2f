//! Recorded runs: what README, lessons and book show is what the program does.
//!
//! Each is a real run, taken from its JSON trace; what differs from run to run
//! (process numbers, inodes, identifiers, times) is made alike, and the result is
//! rendered by boxlab's own narrator. The demos of the lessons are recorded as data, for the book's
//! player. To record anew:
//! `INSTA_UPDATE=always cargo test --test recordings`

#[path = "recordings/alike.rs"]
mod alike;
#[path = "recordings/demos.rs"]
mod demos;
#[path = "recordings/list.rs"]
mod list;
#[path = "recordings/stage.rs"]
mod stage;
mod support;

use std::process::{Command, ExitCode};

use alike::Alike;

use boxlab::kernel::cgroup::{Hierarchy, hierarchies};
use boxlab::kernel::lsm::Labels;
use boxlab::kernel::proc;
use boxlab::learn::Pack;
use boxlab::trace::narrate::{Marks, Narrator};
use boxlab::trace::{Detail, Event, Observer, Record};
use libtest_mimic::{Failed, Trial};
use support::{check, is_root};

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    let pack = Pack::open(None).expect("the lessons can be read");
    let mut trials: Vec<Trial> = list::NARRATIONS
        .iter()
        .map(|(name, detail, args)| support::trial(name, move || recorded(name, *detail, args)))
        .collect();
    trials.extend(
        pack.lessons
            .into_iter()
            .map(|lesson| support::trial(&format!("demos of {}", lesson.folder), move || demos::recorded(&lesson))),
    );
    trials.push(support::trial("the_readme_shows_recorded_runs", the_readme_shows_recorded_runs));
    trials.push(support::trial("no_recording_is_left_over", demos::none_is_left_over));
    support::run_all(trials)
}

/// What is covered in /proc and /sys depends on what the kernel was built with, and
/// which capabilities there are on its age: only the first, which every kernel has,
/// are compared.
#[derive(Default)]
struct OnEveryKernel {
    step: String,
    calls: usize,
}

impl OnEveryKernel {
    fn has(&mut self, record: &Record) -> bool {
        if let Event::Step { text, .. } = &record.event {
            (self.step, self.calls) = (text.clone(), 0);
        }
        self.calls += usize::from(matches!(record.event, Event::Call { .. }));
        let first = match self.step.as_str() {
            text if text.starts_with("Cover what tells") => 3,
            text if text.starts_with("Make read-only what would") => 4,
            text if text.starts_with("Drop from the bounding set") => 3,
            _ => usize::MAX,
        };
        self.calls <= first
    }
}

/// Runs the command, and compares its narration with the one that was recorded:
/// as root, or as an ordinary user with ranges of ids.
fn recorded(name: &str, detail: Detail, args: &[&str]) -> Outcome {
    if name.starts_with("run") {
        needs_the_same_host()?;
    }
    let (events, output) = run(args)?;
    let helped =
        events.iter().any(|record| matches!(&record.event, Event::Step { text, .. } if text.contains("/etc/subuid")));
    let who = match (is_root(), helped) {
        (true, _) => "",
        (false, true) => "-rootless",
        // A single id: the calls differ, and `ns-user` is the recording for it.
        (false, false) if name != "ns-user" => return Ok(()),
        (false, false) => "-rootless",
    };
    let text = format!("$ boxlab {}\n{}", quoted(args), narrate(detail, &events, &output));
    let compared = std::panic::catch_unwind(|| {
        insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(format!("{name}{who}"), text);
        });
    });
    check(compared.is_ok(), format!("{name}{who} differs from its recording"))
}

/// The trees of cgroups that root's containers were recorded in.
const TREES: [&str; 9] = ["blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids", "v2"];

/// What `run` does depends on how the host's cgroups are mounted, and on AppArmor.
fn needs_the_same_host() -> Outcome {
    if Labels::AppArmor.active() {
        return Err(support::lacks("a host without AppArmor, as that on which it was recorded"));
    }
    if proc::processors() != 2 {
        return Err(support::lacks("two processors, as the machine had on which it was recorded"));
    }
    let trees = hierarchies();
    let mut names: Vec<String> = trees.iter().filter(|tree| tree.base().is_some()).map(Hierarchy::name).collect();
    names.sort();
    let recorded: &[&str] = if is_root() { &TREES } else { &[] };
    match names == recorded {
        true => Ok(()),
        false => {
            Err(support::lacks(&format!("these cgroups, with which it was recorded: {recorded:?}; here are {names:?}")))
        }
    }
}

fn quoted(args: &[&str]) -> String {
    let word = |arg: &&str| if arg.contains([' ', '$']) { format!("'{arg}'") } else { (*arg).to_owned() };
    args.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A run in a bare environment: its events, made alike, and what its program printed.
fn run(args: &[&str]) -> Result<(Vec<Record>, String), Failed> {
    // The image is made beforehand; its making is no part of the recording.
    support::stdout(&["image", "host"])?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_boxlab"));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("BOXLAB_ROOT", support::store()).env("HOME", "/nowhere");
    let output = command.args(["--trace", "json"]).args(args).output()?;
    check(output.status.success(), format!("boxlab {args:?}: {output:?}"))?;
    let mut alike = Alike::new(support::store(), None);
    let lines = String::from_utf8(output.stderr)?;
    let events: Result<Vec<Record>, _> = lines.lines().map(|line| serde_json::from_str(&alike.line(line))).collect();
    let (mut events, mut every) = (events?, OnEveryKernel::default());
    events.retain(|record| every.has(record));
    Ok((events, String::from_utf8(output.stdout)?))
}

fn narrate(detail: Detail, events: &[Record], output: &str) -> String {
    colored::control::set_override(false);
    let mut text = Vec::new();
    let last = events.iter().rposition(|record| matches!(&record.event, Event::Call { name, .. } if name == "execve"));
    let mut narrator = Narrator::new(&mut text, detail, 80, Marks::new(true));
    for record in &events[..=last.unwrap_or_default()] {
        narrator.observe(record).expect("written to memory");
    }
    drop(narrator);
    text.extend_from_slice(output.as_bytes());
    let mut narrator = Narrator::new(&mut text, detail, 80, Marks::new(true));
    for record in &events[last.unwrap_or_default() + 1..] {
        narrator.observe(record).expect("written to memory");
    }
    drop(narrator);
    String::from_utf8(text).expect("text")
}

fn the_readme_shows_recorded_runs() -> Outcome {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md"))?;
    let mut shown = 0;
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        let found = std::fs::read_dir(root.join("snapshots"))?
            .flatten()
            .any(|entry| std::fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(block.trim_end())));
        check(found, format!("no recording shows this:\n{block}"))?;
        shown += 1;
    }
    check(shown > 0, "the README shows no recorded run")
}
