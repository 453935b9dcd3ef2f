//! Where programs are judged: a place that goes away, and a process that can do no harm.
//!
//! An ordinary user's judge is root of a user namespace, and so is the program: it needs the
//! rights of root, and has them over its own namespaces alone. The judge's mounts are its own.
//! `boxlab cleanup` finds what a judge that was killed has left.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::served::Served;
use super::source::Lines;
use crate::error::{Error, IoContext, Result};
use crate::image::programs;
use crate::kernel::cgroup::{Group, Version, processes};
use crate::kernel::tracer::Attempt;
use crate::kernel::{CLONE_NEWNS, CloneFlags, Exit, Kernel, MS_PRIVATE, MS_REC, maps, random_hex, remove_tree};
use crate::ledger::{Item, Ledger, Process};
use crate::paths::{self, Paths};
use crate::primitives::cgroup::group;
use crate::primitives::ns::user;

/// What the programs that are run inside need: all in any Debian.
const PROGRAMS: [&str; 6] = ["sh", "cat", "id", "ls", "sleep", "true"];

/// The controllers that the stage `limit` is about.
const CONTROLLERS: [&str; 2] = ["memory", "pids"];

/// What exists before the judge does.
#[derive(Debug)]
pub struct Ground {
    ledger: Option<Ledger>,
    place: PathBuf,
    /// Cgroups beneath which programs may make theirs; or why there are none.
    cgroups: std::result::Result<Group, String>,
    served: Option<Served>,
}

impl Ground {
    /// Makes it.
    pub fn new(k: &Kernel, paths: &Paths) -> Result<Self> {
        let mut ledger = Ledger::open(paths)?;
        let place = paths.writable(ledger.short_id());
        let group = Group::named(&format!("boxlab-workshop-{}", ledger.short_id())).only(&CONTROLLERS);
        let mut items = vec![Item::Directory(place.clone())];
        items.extend(group.places.iter().map(|place| Item::Cgroup(place.path.clone())));
        ledger.record_all(items)?;
        let cgroups = cgroups(k, group);
        let ground = Self { ledger: Some(ledger), place, cgroups, served: None };
        paths::make_private(&ground.place)?;
        for directory in ["here", "tmp", "root"] {
            let directory = ground.place.join(directory);
            fs::create_dir(&directory).or_fail(|| format!("cannot make {}", directory.display()))?;
        }
        Ok(ground)
    }

    /// Starts a registry with an image.
    pub fn serve(&mut self) -> Result<()> {
        let programs = fs::read(layer(&self.place)?).or_fail(|| "cannot read the layer".to_owned())?;
        let place = self.place.join("registry");
        paths::make_private(&place)?;
        let ledger = &mut self.ledger;
        let mut started = |pid| match (ledger.as_mut(), Process::of(pid)) {
            (Some(ledger), Some(process)) => ledger.record(Item::Process(process)),
            _ => Ok(()),
        };
        self.served = Some(Served::start(&place, &programs, &mut started)?);
        Ok(())
    }

    /// Where all of it lies.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Runs the judge, in a child; how that has ended.
    pub fn judge(
        &self,
        k: &Kernel,
        program: &Path,
        project: Option<&Path>,
        body: impl FnOnce(&Bench<'_>) -> Result<i32>,
    ) -> Result<Exit> {
        let work = |k: &Kernel| -> Result<()> {
            k.take_signals()?;
            k.unshare(CLONE_NEWNS)?;
            k.mount(None, Path::new("/"), None, MS_REC | MS_PRIVATE, None)?;
            let bench = Bench {
                k,
                ground: self,
                program: program.to_owned(),
                lines: Lines::read(program, project),
                full: maps::on_the_host(),
            };
            let status = body(&bench)?;
            k.exit(status)
        };
        match maps::needed() {
            Some(maps) => user::within(k, "judge", &maps, work),
            None => {
                let mut child = k.clone3("judge", CloneFlags::empty(), work)?;
                child.takes_signals = true;
                k.watch(&mut child)
            }
        }
    }

    /// Removes all of it.
    pub fn clear(mut self, k: &Kernel) -> Result<()> {
        let stopped = self.served.take().map_or(Ok(()), Served::stop);
        let cleared = self.ledger.take().map_or(Ok(()), |ledger| ledger.clear(k));
        stopped.and(cleared)
    }
}

/// A few of this machine's programs as a layer, made when it is first asked for.
fn layer(place: &Path) -> Result<PathBuf> {
    let path = place.join("programs.tar");
    if !path.exists() {
        let file = File::create(&path).or_fail(|| format!("cannot make {}", path.display()))?;
        programs::pack(&PROGRAMS, file)?;
    }
    Ok(path)
}

/// Makes cgroups beneath which others can be made; or says why not.
fn cgroups(k: &Kernel, group: Group) -> std::result::Result<Group, String> {
    let say = |error: crate::error::Error| error.to_string();
    for controller in CONTROLLERS {
        group.controller(&[controller]).map_err(say)?;
    }
    group::make(k, &group).map_err(say)?;
    for place in group.places.iter().filter(|place| place.version == Version::V2) {
        let passed_on: Vec<String> = place.controllers.iter().map(|name| format!("+{name}")).collect();
        k.write_to(&place.path.join("cgroup.subtree_control"), &passed_on.join(" ")).map_err(say)?;
    }
    Ok(group)
}

/// A judge's place, in the judge itself.
#[derive(Debug)]
pub struct Bench<'a> {
    /// Its kernel.
    pub k: &'a Kernel,
    /// What was made before.
    pub ground: &'a Ground,
    /// The program that is judged.
    pub program: PathBuf,
    /// Which line of its source a call comes from.
    pub lines: Lines,
    /// True for root on the host: then every id can own files.
    pub full: bool,
}

impl Bench<'_> {
    /// The directory in which the program starts.
    pub fn here(&self) -> PathBuf {
        self.ground.place.join("here")
    }

    /// Where it may keep something for a while: `TMPDIR`.
    pub fn scratch(&self) -> PathBuf {
        self.ground.place.join("tmp")
    }

    /// A root filesystem with a few of this machine's programs, made when it is first asked for.
    pub fn root(&self) -> Result<PathBuf> {
        let root = self.ground.place.join("root");
        if fs::read_dir(&root).is_ok_and(|mut entries| entries.next().is_none()) {
            let layer = layer(&self.ground.place)?;
            let mut archive = tar::Archive::new(File::open(&layer).or_fail(|| "cannot read the layer".to_owned())?);
            archive.set_preserve_permissions(true);
            archive.unpack(&root).or_fail(|| "cannot unpack the layer".to_owned())?;
        }
        Ok(root)
    }

    /// The registry, and what it serves.
    pub fn served(&self) -> Result<&Served> {
        self.ground.served.as_ref().ok_or_else(|| Error::new("no registry was started"))
    }

    /// A directory of this name beside the others, made if it isn't there.
    pub fn directory(&self, name: &str) -> Result<PathBuf> {
        let directory = self.ground.place.join(name);
        fs::create_dir_all(&directory).or_fail(|| format!("cannot make {}", directory.display()))?;
        Ok(directory)
    }

    /// A new file of this name.
    pub fn file(&self, name: &str) -> Result<File> {
        let path = self.ground.place.join(name);
        let made = File::options().read(true).write(true).create(true).truncate(true).open(&path);
        made.or_fail(|| format!("cannot make {}", path.display()))
    }

    /// Makes sure that nothing of an earlier run is in the way.
    pub fn tidy(&self) -> Result<()> {
        for directory in [self.here(), self.scratch()] {
            for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
                let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let removed = if is_directory { remove_tree(&entry.path()) } else { fs::remove_file(entry.path()) };
                removed.or_fail(|| format!("cannot empty {}", directory.display()))?;
            }
        }
        Ok(())
    }

    /// The directory beneath which a cgroup with this controller may be made.
    pub fn cgroup(&self, controller: &str) -> std::result::Result<PathBuf, String> {
        let group = self.ground.cgroups.as_ref().map_err(Clone::clone)?;
        group.find(&[controller]).map(|place| place.path.clone()).ok_or_else(|| controller.to_owned())
    }

    /// The cgroups that were made beneath that, and the processes in each.
    pub fn made_cgroups(&self, controller: &str) -> Vec<(PathBuf, Vec<i32>)> {
        let Ok(parent) = self.cgroup(controller) else { return Vec::new() };
        let children = crate::kernel::cgroup::children(&parent);
        let with = |path: PathBuf| {
            let inside = processes(&path).into_iter().map(|(pid, _)| pid).collect();
            (path, inside)
        };
        children.into_iter().map(with).collect()
    }

    /// What the program finds around it.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()),
            ("HOME".into(), "/root".into()),
            ("LANG".into(), "C.UTF-8".into()),
            ("TERM".into(), "dumb".into()),
            ("TMPDIR".into(), self.scratch().into()),
        ];
        for (variable, controller) in [("CGROUP_MEMORY", "memory"), ("CGROUP_PIDS", "pids")] {
            variables.extend(self.cgroup(controller).ok().map(|path| (variable.into(), path.into())));
        }
        variables
    }

    /// Runs the program.
    pub fn run(&self, args: &[&str], inner: &[String]) -> Result<super::run::Seen> {
        super::run::run(self, args, inner, &[])
    }

    /// Runs the program, and tries calls in the place of the one that it runs.
    pub fn run_and_try(&self, args: &[&str], inner: &[String], attempts: &[Attempt]) -> Result<super::run::Seen> {
        super::run::run(self, args, inner, attempts)
    }

    /// Letters that no program can know before.
    pub fn token(&self) -> Result<String> {
        random_hex(6)
    }

    /// A number from `least` on, below `least` and `span`, that no program can know before.
    pub fn number(&self, least: u64, span: u64) -> Result<u64> {
        let hex = random_hex(7)?;
        Ok(least + u64::from_str_radix(&hex, 16).unwrap_or_default() % span)
    }
}
