//! One run of a learner's program, and all that was seen of it.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::PathBuf;
use std::time::Duration;

use super::bench::Bench;
use super::judge::file_inside;
use super::snapshot::Snapshot;
use crate::error::{IoContext, Result};
use crate::kernel::tracer::{Attempt, Call, Moment, Start, Tried, attempt};
use crate::kernel::{Exit, proc};

/// How long a program may do nothing. Nothing here waits for anything.
const LIMIT: Duration = Duration::from_secs(30);

/// No more is read of what it prints.
const MOST: u64 = 1 << 16;

/// What was seen.
#[derive(Debug)]
pub struct Seen {
    /// Every call that counts, in order.
    pub calls: Vec<Call>,
    /// The learner's program at its first instruction: what is outside.
    pub outside: Snapshot,
    /// The program that it was told to run, at its first instruction.
    pub inner: Option<Snapshot>,
    /// Whose child that is.
    pub parent: i32,
    /// The cgroups beneath the judge's that it is in.
    pub limits: Vec<Limit>,
    /// What it sees in /etc/which.
    pub which: Option<String>,
    /// What came of the calls that were tried in its place.
    pub tried: Vec<Tried>,
    /// How that has ended, and when: as a number of ends before.
    pub inner_end: Option<(usize, Exit)>,
    /// Outside again, as the program leaves it.
    pub after: Option<Snapshot>,
    /// How the program has ended. `None`: it took too long.
    pub exit: Option<Exit>,
    /// How many ends there were before that.
    pub ends: usize,
    /// How many of its processes still ran then.
    pub survivors: usize,
    /// What was printed.
    pub output: String,
    /// What was said.
    pub errors: String,
}

impl Seen {
    /// The status as a shell counts it.
    pub fn status(&self) -> Option<i32> {
        self.exit.map(Exit::status)
    }

    /// Calls of this name.
    pub fn called<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Call> {
        self.calls.iter().filter(move |call| call.name == name)
    }
}

/// A limit of a cgroup.
#[derive(Debug, Clone)]
pub struct Limit {
    /// `memory` or `pids`
    pub controller: &'static str,
    /// The cgroup.
    pub group: PathBuf,
    /// As its file says.
    pub value: String,
}

/// Those of the cgroups that a process is in.
fn limits(bench: &Bench<'_>, pid: i32) -> Vec<Limit> {
    let files = [("memory", "memory.max"), ("memory", "memory.limit_in_bytes"), ("pids", "pids.max")];
    let limit = |(controller, file): (&'static str, &str)| {
        let (group, _) = bench.made_cgroups(controller).into_iter().find(|(_, inside)| inside.contains(&pid))?;
        let value = fs::read_to_string(group.join(file)).ok()?.trim().to_owned();
        Some(Limit { controller, group, value })
    };
    files.into_iter().filter_map(limit).collect()
}

/// What is being put together.
#[derive(Default)]
struct Watch {
    calls: Vec<Call>,
    main: i32,
    outside: Option<Snapshot>,
    inner: Option<Snapshot>,
    parent: i32,
    limits: Vec<Limit>,
    which: Option<String>,
    tried: Vec<Tried>,
    inner_end: Option<(usize, Exit)>,
    after: Option<Snapshot>,
    main_ends: usize,
    ends: usize,
}

/// Runs the program with `args`, which tell it to run `inner`, in whose place calls are tried.
pub fn run(bench: &Bench<'_>, args: &[&str], inner: &[String], attempts: &[Attempt]) -> Result<Seen> {
    bench.tidy()?;
    let output = bench.file("output")?;
    let errors = bench.file("errors")?;
    let start = Start {
        program: bench.program.clone(),
        args: args.iter().map(Into::into).collect(),
        env: bench.environment(),
        directory: bench.here(),
        output: output.try_clone().or_fail(|| "cannot keep a file".to_owned())?,
        errors: errors.try_clone().or_fail(|| "cannot keep a file".to_owned())?,
    };
    let mut watch = Watch::default();
    let outcome = bench.k.follow(&start, LIMIT, &mut |moment| watch.see(bench, moment, inner, attempts))?;
    let outside = watch.outside.ok_or_else(|| crate::error::Error::new("the program has not begun"))?;
    Ok(Seen {
        calls: watch.calls,
        outside,
        inner: watch.inner,
        parent: watch.parent,
        limits: watch.limits,
        which: watch.which,
        tried: watch.tried,
        inner_end: watch.inner_end,
        after: watch.after,
        exit: outcome.exit,
        ends: watch.main_ends,
        survivors: outcome.survivors,
        output: text(output)?,
        errors: text(errors)?,
    })
}

impl Watch {
    fn see(&mut self, bench: &Bench<'_>, moment: Moment, wanted: &[String], attempts: &[Attempt]) -> Result<()> {
        match moment {
            Moment::Called(call) => self.calls.push(call),
            Moment::Executed { pid, .. } if self.outside.is_none() => {
                self.main = pid;
                self.outside = Some(Snapshot::of(bench.k, pid)?);
            }
            Moment::Executed { pid, parent } if self.inner.is_none() && is_program(pid, wanted) => {
                self.parent = parent;
                self.inner = Some(Snapshot::of(bench.k, pid)?);
                self.limits = limits(bench, pid);
                self.which = file_inside(pid, "/etc/which");
                self.tried = attempt(pid, attempts);
            }
            Moment::Executed { .. } => {}
            Moment::Leaving { pid } => self.after = Snapshot::of(bench.k, pid).ok(),
            Moment::Ended { pid, exit } => {
                if pid == self.main {
                    self.main_ends = self.ends;
                }
                if self.inner.as_ref().is_some_and(|inner| inner.pid == pid) {
                    self.inner_end = Some((self.ends, exit));
                }
                self.ends += 1;
            }
        }
        Ok(())
    }
}

/// True if a process runs what was asked for: the words behind its name are those.
fn is_program(pid: i32, wanted: &[String]) -> bool {
    let found = proc::arguments(pid);
    let last = |words: &[String]| words.first().and_then(|name| name.rsplit('/').next().map(str::to_owned));
    !wanted.is_empty() && found.get(1..) == wanted.get(1..) && last(&found) == last(wanted)
}

fn text(mut file: File) -> Result<String> {
    let failed = || "cannot read what the program has printed".to_owned();
    let mut bytes = Vec::new();
    file.rewind().or_fail(failed)?;
    file.take(MOST).read_to_end(&mut bytes).or_fail(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What lies in a directory, by its path from there, and what it is: to see if that has changed.
pub fn listing(directory: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(directory).unwrap_or(&path).display().to_string();
            let kind = entry.file_type().ok();
            if kind.is_some_and(|kind| kind.is_dir()) {
                open.push(path);
                found.push(format!("{name}/"));
            } else if kind.is_some_and(|kind| kind.is_symlink()) {
                found.push(format!("{name} -> {}", fs::read_link(&path).unwrap_or_default().display()));
            } else {
                let length = entry.metadata().map_or(0, |found| found.len());
                found.push(format!("{name} ({length})"));
            }
        }
    }
    found.sort();
    found
}
