//! Where a learner does an exercise, from `start` to `stop`: the sandbox, and what is
//! remembered of it beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::definition::{Exercise, Name};
use super::judge::{self, Judgement};
use super::look::cgroup;
use super::scene::Scene;
use super::script::{Surroundings, rcfile};
use crate::error::{Error, IoContext, Result};
use crate::kernel::{Kernel, proc};
use crate::learn::phrases::Phrases;
use crate::ledger::{self, Item, Ledger, Sandbox, TOKEN};
use crate::paths::{self, Paths};

/// How long what a setup has started may take to be as the checks want it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What all of them need.
#[derive(Debug)]
pub struct Site<'a> {
    /// This process's kernel.
    pub k: &'a Kernel,
    /// Where things lie.
    pub paths: &'a Paths,
    /// What is said.
    pub phrases: &'a Phrases,
    /// `--root DIR`
    pub root: Option<&'a Path>,
    /// `--lessons DIR`
    pub lessons: Option<&'a Path>,
}

/// What is remembered while it goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    sandbox: Sandbox,
    /// When it was started.
    started: Timestamp,
    /// False until the setup is complete.
    ready: bool,
    /// Checks that have been seen to hold, and need not hold any more.
    seen: BTreeSet<String>,
    /// What had been counted by then.
    counters: BTreeMap<String, u64>,
}

/// An exercise under way.
#[derive(Debug)]
pub struct Place<'a> {
    site: &'a Site<'a>,
    state: State,
    surroundings: Surroundings,
}

impl<'a> Place<'a> {
    /// Where an exercise lies, started or not.
    fn home(paths: &Paths, name: &str) -> PathBuf {
        paths.exercises().join(name)
    }

    /// The one that is under way; `None` if it isn't.
    pub fn open(site: &'a Site<'a>, name: &str) -> Result<Option<Self>> {
        let file = Self::home(site.paths, name).join(ledger::PLACE);
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.or_fail(|| format!("cannot read {}", file.display()))?,
        };
        let state: State = serde_json::from_str(&text).map_err(|error| {
            Error::new(format!("cannot understand {}: {error}", file.display()))
                .hint("`boxlab cleanup` removes what is left of the exercise.")
        })?;
        if !state.ready {
            return Ok(None);
        }
        Ok(Some(Self::with(site, state)))
    }

    fn with(site: &'a Site<'a>, state: State) -> Self {
        let surroundings = Surroundings::new(&state.sandbox, site.root, site.lessons);
        Self { site, state, surroundings }
    }

    /// All that are under way, the one that was started last first; the one in whose
    /// shell this is asked before all.
    pub fn all(site: &'a Site<'a>) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        for lesson in folders(&site.paths.exercises()) {
            for exercise in folders(&site.paths.exercises().join(&lesson)) {
                found.extend(Self::open(site, &format!("{lesson}/{exercise}"))?);
            }
        }
        let own = std::env::var(TOKEN).ok();
        found.sort_by_key(|place| {
            (own.as_ref() != Some(&place.state.sandbox.token), std::cmp::Reverse(place.state.started))
        });
        Ok(found)
    }

    /// Makes the place and what is in it at the start. Whatever goes wrong, nothing stays.
    pub fn start(site: &'a Site<'a>, exercise: &Exercise) -> Result<Self> {
        let home = Self::home(site.paths, &exercise.name.text);
        let mut ledger = Ledger::open(site.paths)?;
        let state = new(exercise, ledger.short_id(), home.clone(), false)?;
        // Of a start that was interrupted.
        if home.exists() {
            Sandbox { home: home.clone(), ..state.sandbox.clone() }.remove(site.k)?;
        }
        ledger.record(Item::Sandbox(state.sandbox.clone()))?;
        let mut place = Self::with(site, state);
        match place.begin(exercise) {
            Ok(()) => Ok(place),
            Err(error) => {
                // What can't be removed stays in the ledger, for `cleanup`.
                let _ = ledger.clear(site.k);
                Err(error)
            }
        }
    }

    /// A place in which an author's exercise is tried; the caller removes it.
    pub fn trial(site: &'a Site<'a>, exercise: &Exercise) -> Result<(Self, Ledger)> {
        let mut ledger = Ledger::open(site.paths)?;
        let home = site.paths.trials().join(ledger.short_id());
        let state = new(exercise, ledger.short_id(), home, true)?;
        ledger.record(Item::Sandbox(state.sandbox.clone()))?;
        let mut place = Self::with(site, state);
        match place.begin(exercise) {
            Ok(()) => Ok((place, ledger)),
            Err(error) => {
                ledger.clear(site.k)?;
                Err(error)
            }
        }
    }

    fn begin(&mut self, exercise: &Exercise) -> Result<()> {
        let home = self.state.sandbox.home.clone();
        paths::make(&home)?;
        let directory = self.directory();
        let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(&directory);
        made.or_fail(|| format!("cannot make {}", directory.display()))?;
        self.state.sandbox.home = home.canonicalize().or_fail(|| format!("cannot find {}", home.display()))?;
        self.surroundings = Surroundings::new(&self.state.sandbox, self.site.root, self.site.lessons);
        Surroundings::furnish(&self.state.sandbox)?;
        self.save()?;
        if let Some(setup) = &exercise.setup {
            self.must("setup.sh", setup)?;
        }
        let events: Vec<_> = exercise.definition.checks.iter().flat_map(|check| check.that.events()).collect();
        if !events.is_empty() {
            self.state.counters = cgroup::counters(&events, &self.state.sandbox.cgroups());
        }
        self.baseline(exercise)?;
        self.state.ready = true;
        self.save()
    }

    /// What the setup has started may not be itself yet: fork(2) has returned, execve(2) has not.
    fn baseline(&self, exercise: &Exercise) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            match judge::baseline(&self.scene(exercise)) {
                Err(_) if Instant::now() < end => self.site.k.let_pass(Duration::from_millis(20))?,
                proven => return proven,
            }
        }
    }

    /// What the checks look at.
    pub fn scene<'s>(&'s self, exercise: &'s Exercise) -> Scene<'s> {
        let state = &self.state;
        Scene::new(self.site.k, self.site.phrases, &state.sandbox, exercise, &self.surroundings, &state.counters)
    }

    /// Judges it, and remembers what need not hold any more.
    pub fn judge(&mut self, exercise: &Exercise) -> Result<Judgement> {
        let mut seen = self.state.seen.clone();
        let judgement = judge::judge(&self.scene(exercise), &mut seen);
        if seen != self.state.seen {
            self.state.seen = seen;
            self.save()?;
        }
        Ok(judgement)
    }

    /// Runs one of the author's scripts here; its status and what it said.
    pub fn script(&self, file: &str, text: &str) -> Result<(i32, String)> {
        self.surroundings.script(self.site.k, file, text, &self.directory())
    }

    /// [`Place::script`], which must succeed.
    pub fn must(&self, file: &str, text: &str) -> Result<()> {
        self.surroundings.must(self.site.k, file, text, &self.directory())
    }

    /// Makes it as it was at the start. The shell in it stays where it is.
    pub fn reset(&mut self, exercise: &Exercise) -> Result<()> {
        self.state.ready = false;
        self.save()?;
        self.state.sandbox.empty(self.site.k)?;
        self.state.sandbox.since = now()?;
        self.state.sandbox.boot = proc::boot();
        self.state.seen.clear();
        self.begin(exercise)
    }

    /// Ends it: nothing stays.
    pub fn stop(self) -> Result<()> {
        self.state.sandbox.remove(self.site.k)?;
        ledger::strike(self.site.paths, &self.state.sandbox.token)
    }

    /// The learner's directory.
    pub fn directory(&self) -> PathBuf {
        self.state.sandbox.directory()
    }

    /// Whose place it is: `uts/own-name`.
    pub fn name(&self) -> &str {
        &self.state.sandbox.name
    }

    /// What its programs have in their environment.
    pub fn token(&self) -> &str {
        &self.state.sandbox.token
    }

    /// A shell for the learner, whose prompt says where it is.
    pub fn shell(&self) -> Result<crate::kernel::Program> {
        let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into());
        let prompt = format!("({}) $ ", self.name());
        if !Path::new(&shell).ends_with("bash") {
            return self.surroundings.program_with(&[shell], "PS1", &prompt);
        }
        // What the learner's own file sets would replace a variable.
        let file = rcfile(&self.state.sandbox);
        let text = "[ -f ~/.bashrc ] && . ~/.bashrc\nPS1=\"($BOXLAB_EXERCISE_NAME) $PS1\"\n";
        fs::write(&file, text).or_fail(|| format!("cannot write {}", file.display()))?;
        self.surroundings.program_with(&[shell, "--rcfile".into(), file.into(), "-i".into()], "PS1", "\\w \\$ ")
    }

    fn save(&self) -> Result<()> {
        let sandbox = &self.state.sandbox;
        let doing = || format!("cannot write {}", sandbox.state().display());
        let text = serde_json::to_vec_pretty(&self.state).map_err(std::io::Error::other).or_fail(doing)?;
        paths::write_whole(&sandbox.state(), &text)
    }
}

fn new(exercise: &Exercise, token: &str, home: PathBuf, trial: bool) -> Result<State> {
    let Name { text, .. } = &exercise.name;
    let subjects = exercise.definition.subjects.iter().map(|subject| subject.argv.clone()).collect();
    let sandbox = Sandbox {
        name: text.clone(),
        token: token.to_owned(),
        home,
        since: now()?,
        boot: proc::boot(),
        subjects,
        trial,
    };
    let (seen, counters) = (BTreeSet::new(), BTreeMap::new());
    Ok(State { sandbox, started: Timestamp::now(), ready: false, seen, counters })
}

/// Clock ticks since boot: whatever starts from now on has this number or a higher one.
/// proc_uptime(5)
fn now() -> Result<u64> {
    let missing = || Error::new("cannot read /proc/uptime").hint("/proc must be mounted.");
    let text = fs::read_to_string("/proc/uptime").map_err(|_| missing())?;
    let (seconds, hundredths) = text.split(' ').next().and_then(|text| text.split_once('.')).ok_or_else(missing)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| missing());
    // The kernel counts 100 ticks a second for every program, whatever it does itself: USER_HZ.
    Ok(number(seconds)? * 100 + number(hundredths)?)
}

fn folders(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}
