//! The place of an exercise, and all that is done from there: the one thing of boxlab's
//! that is meant to outlive the command that made it, until the learner ends it.
//!
//! What was started there is known by a token in its environment; what the exercise is
//! about, also by its arguments. Nothing else is touched.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Process, remove_directory};
use crate::error::{Error, IoContext, Result};
use crate::kernel::cgroup::{Group, children, hierarchies, processes};
use crate::kernel::{Kernel, MNT_DETACH, Signal, euid, peer, proc};
use crate::primitives::cgroup::group;

/// The variable that holds the token.
pub const TOKEN: &str = "BOXLAB_EXERCISE";

/// What the cgroups of exercises are called; then comes what the learner likes.
pub const CGROUP: &str = "boxlab-exercise-";

/// What is remembered of one that goes on, in its place.
pub const PLACE: &str = "place.json";

/// How long boxlab's own commands have to tidy up after themselves.
const GRACE: Duration = Duration::from_secs(3);

/// How long to wait before looking for what they have started meanwhile.
const PULSE: Duration = Duration::from_millis(100);

/// One place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// The exercise: `uts/own-name`.
    pub name: String,
    /// What its processes have in their environment.
    pub token: String,
    /// Holds the learner's directory, and what boxlab keeps beside it.
    pub home: PathBuf,
    /// When it began, in clock ticks since boot.
    pub since: u64,
    /// Which boot that was.
    pub boot: String,
    /// The programs that the exercise speaks of, by their arguments.
    pub subjects: Vec<Vec<String>>,
    /// True while authors try the exercise: then there may be another one beside it.
    pub trial: bool,
}

impl Sandbox {
    /// The learner's directory.
    pub fn directory(&self) -> PathBuf {
        self.home.join("box")
    }

    /// For a list.
    pub fn describe(&self) -> String {
        let mut text = format!("exercise {} in {}", self.name, self.home.display());
        let counts =
            [(self.processes().len(), "process"), (self.mounts().len(), "mount"), (self.cgroups().len(), "cgroup")];
        for (count, word) in counts.into_iter().filter(|(count, _)| *count > 0) {
            let plural = if count == 1 {
                ""
            } else if word == "process" {
                "es"
            } else {
                "s"
            };
            text.push_str(&format!(", {count} {word}{plural}"));
        }
        text
    }

    /// What is remembered of it while it goes on.
    pub fn state(&self) -> PathBuf {
        self.home.join(PLACE)
    }

    /// True while a learner is in the middle of it: begun as a whole, and not ended.
    pub fn is_under_way(&self) -> bool {
        #[derive(Deserialize)]
        struct State {
            ready: bool,
        }
        let state = fs::read(self.state()).ok().and_then(|text| serde_json::from_slice::<State>(&text).ok());
        !self.trial && state.is_some_and(|state| state.ready)
    }

    /// True if anything of it is there.
    pub fn exists(&self) -> bool {
        self.home.symlink_metadata().is_ok() || !self.processes().is_empty() || !self.cgroups().is_empty()
    }

    /// The process with these arguments that has started last, since the exercise began.
    /// Neither who asks, nor what was started for asking, is meant by it.
    pub fn subject(&self, arguments: &[String]) -> Option<i32> {
        let found = proc::processes().into_iter().filter(|pid| self.is_subject(*pid, arguments));
        found.filter_map(|pid| Some((proc::start_time(pid)?, pid))).max().map(|(_, pid)| pid)
    }

    fn is_subject(&self, pid: i32, arguments: &[String]) -> bool {
        if !is_same(&proc::arguments(pid), arguments) || !self.is_since(pid) || is_related(pid) {
            return false;
        }
        // Another exercise may be about the same program, and so may another learner's, into
        // whose processes this user can't look.
        proc::variable(pid, TOKEN).is_ok_and(|token| token.is_none_or(|token| token == self.token))
    }

    /// After a reboot, everything that runs is newer than the exercise.
    fn is_since(&self, pid: i32) -> bool {
        proc::start_time(pid).is_some_and(|start| start >= self.since || self.boot != proc::boot())
    }

    /// All that runs on its behalf, but for who asks and the shell that this is asked in. A
    /// container's programs have another environment: they come from something that is marked.
    pub fn processes(&self) -> Vec<Process> {
        let all = proc::processes();
        let is_marked = |pid: &i32| proc::variable(*pid, TOKEN).is_ok_and(|token| token.as_ref() == Some(&self.token));
        let marked: Vec<i32> = all.iter().copied().filter(is_marked).collect();
        let is_of_it = |pid: &i32| {
            let comes_from_it = || proc::ancestors(*pid).iter().any(|parent| marked.contains(parent));
            let is_subject = || self.subjects.iter().any(|arguments| self.is_subject(*pid, arguments));
            marked.contains(pid) || comes_from_it() || is_own(*pid) && is_subject()
        };
        let found = all.iter().copied().filter(|pid| is_of_it(pid) && !is_related(*pid));
        found.filter_map(Process::of).collect()
    }

    /// Mounts in the learner's directory that this process can see.
    pub fn mounts(&self) -> Vec<PathBuf> {
        let home = self.home.canonicalize().unwrap_or_else(|_| self.home.clone());
        let mounts = proc::mounts("self").unwrap_or_default();
        mounts.into_iter().map(|mount| mount.point).filter(|point| point.starts_with(&home)).collect()
    }

    /// Cgroups by their name: with the token in it they are this one's for sure; without,
    /// if no process of another exercise is in them.
    pub fn cgroups(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for tree in hierarchies() {
            let bases = [tree.base().map(Path::to_owned), Some(tree.own.clone())];
            for cgroup in bases.into_iter().flatten().flat_map(|base| children(&base)) {
                if self.owns(&cgroup) && !found.contains(&cgroup) {
                    found.push(cgroup);
                }
            }
        }
        found
    }

    fn owns(&self, cgroup: &Path) -> bool {
        let name = cgroup.file_name().unwrap_or_default().to_string_lossy();
        let Some(rest) = name.strip_prefix(CGROUP) else { return false };
        if rest.starts_with(&self.token) {
            return true;
        }
        let has_token = rest.len() >= 12 && rest.bytes().take(12).all(|byte| byte.is_ascii_hexdigit());
        let foreign =
            |(pid, _): &(i32, u64)| proc::variable(*pid, TOKEN).ok().flatten().is_some_and(|token| token != self.token);
        !self.trial && !has_token && !processes(cgroup).iter().any(foreign)
    }

    /// A cgroup of this name, wherever it lies: `boxlab-exercise-TOKEN` and what follows.
    pub fn group(&self, rest: &str) -> Group {
        Group::named(&format!("{CGROUP}{}{rest}", self.token))
    }

    /// Ends and removes all that is in it, and the learner's files; the place itself stays.
    pub fn empty(&self, k: &Kernel) -> Result<()> {
        for cgroup in self.cgroups() {
            group::thaw(k, &cgroup)?;
        }
        self.end_processes(k)?;
        for cgroup in self.cgroups() {
            group::clear(k, &cgroup)?;
        }
        for point in self.mounts().into_iter().rev() {
            k.umount2(&point, MNT_DETACH)?;
        }
        // What is removed must be files of the exercise, and not what a mount shows there.
        if let Some(point) = self.mounts().first() {
            return Err(Error::new(format!("cannot remove {}: it is mounted", point.display()))
                .hint("Unmount it (umount -l), then `boxlab cleanup` removes the rest."));
        }
        let doing = || format!("cannot empty {}", self.directory().display());
        let entries = match fs::read_dir(self.directory()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.or_fail(doing)?,
        };
        for entry in entries {
            let entry = entry.or_fail(doing)?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove_directory(k, &entry.path())?;
            } else {
                fs::remove_file(entry.path()).or_fail(doing)?;
            }
        }
        Ok(())
    }

    /// Removes all of it.
    pub fn remove(&self, k: &Kernel) -> Result<()> {
        self.empty(k)?;
        remove_directory(k, &self.home)?;
        // The folder of its lesson, if no other exercise of it is under way.
        self.home.parent().map_or(Ok(()), |parent| match fs::remove_dir(parent) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Err(error).or_fail(|| format!("cannot remove {}", parent.display()))
            }
            _ => Ok(()),
        })
    }

    /// Programs are killed. boxlab's own commands notice that theirs has ended, and tidy up;
    /// those that don't are asked to end, and only then killed.
    fn end_processes(&self, k: &Kernel) -> Result<()> {
        let own = program(proc::own_pid());
        let is_boxlab = |process: &Process| program(process.pid) == own;
        let kill = |process: &Process| k.end_process(process.pid, process.start);
        for asks in [false, true] {
            let end = Instant::now() + GRACE;
            let (boxlabs, _): (Vec<Process>, Vec<Process>) = self.processes().into_iter().partition(is_boxlab);
            // It may have ended by itself meanwhile.
            boxlabs.iter().filter(|_| asks).for_each(|process| drop(k.kill_pid(process.pid, Signal::SIGTERM)));
            loop {
                // A lab may start a second program when its first has ended.
                let (boxlabs, others): (Vec<Process>, Vec<Process>) = self.processes().into_iter().partition(is_boxlab);
                others.iter().try_for_each(kill)?;
                match boxlabs.first().filter(|_| Instant::now() < end) {
                    Some(process) => k.until_ended_within(process.pid, process.start, PULSE)?,
                    None => break,
                }
            }
        }
        // Who forks is faster than who kills one by one, but not for long.
        for _ in 0..100 {
            let processes = self.processes();
            if processes.is_empty() {
                break;
            }
            processes.iter().try_for_each(kill)?;
        }
        Ok(())
    }
}

/// The name of the program that a process runs. An update of boxlab replaces the file.
fn program(pid: i32) -> Option<String> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let name = path.file_name()?.to_string_lossy().into_owned();
    Some(name.trim_end_matches(" (deleted)").to_owned())
}

/// The program may be named with its directory or without.
fn is_same(found: &[String], wanted: &[String]) -> bool {
    let last = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
    match (found, wanted) {
        ([found, rest @ ..], [wanted, others @ ..]) => last(found) == last(wanted) && rest == others,
        _ => false,
    }
}

/// True for a process of this very user, or in a user namespace that this user has made:
/// root sees those of others, too, who may be doing the same exercise.
fn is_own(pid: i32) -> bool {
    let user = peer::Status::of(pid).ok().and_then(|status| status.number("Uid"));
    user == Some(euid()) || peer::user_namespace_owner(pid) == Some(euid()) && !is_ours(pid)
}

fn is_ours(pid: i32) -> bool {
    let name = |pid: &str| proc::namespace(pid, "user").ok();
    name(&pid.to_string()) == name("self")
}

/// This process, those that it was started by, and those that it has started.
fn is_related(pid: i32) -> bool {
    let own = proc::own_pid();
    pid == own || proc::ancestors(own).contains(&pid) || proc::ancestors(pid).contains(&own)
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn a_subject_is_known_by_all_its_arguments() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(is_same(&words("/usr/bin/sleep 777"), &words("sleep 777")));
        assert!(!is_same(&words("sleep 777 1"), &words("sleep 777")));
        assert!(!is_same(&["sh".into(), "-c".into(), "sleep 777".into()], &words("sleep 777")));
        assert!(!is_same(&[], &[]));
    }
}
