//! The ledger: before boxlab makes anything that outlives a call, it writes down
//! that it will. On an ordinary way out it strikes everything off again; after a
//! `kill -9`, `boxlab cleanup` reads what is left and does the same.
//!
//! One file a command, in `state/ledger/`: it appears with its first line, which
//! names the owner; each further line is one thing. A line is appended by one write(2), so a torn line can
//! only be the last, and what it would have named was never made.

mod sandbox;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, IoContext, Result};
use crate::kernel::cgroup::processes;
use crate::kernel::{Kernel, create_whole, lsm, maps, proc, random_hex, remove_tree};
use crate::paths::{self, Paths};
use crate::primitives::cgroup::group;
use crate::primitives::ns::user;

pub use sandbox::{CGROUP, PLACE, Sandbox, TOKEN};

/// A process, named for good: numbers are reused, starts are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it started, in clock ticks since boot.
    pub start: u64,
}

impl Process {
    /// Names a process that runs now.
    pub fn of(pid: i32) -> Option<Self> {
        proc::start_time(pid).map(|start| Self { pid, start })
    }

    /// True while that very process runs.
    pub fn runs(&self) -> bool {
        proc::start_time(self.pid) == Some(self.start)
    }
}

/// Who made something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The boxlab process.
    pub process: Process,
    /// The command line that started it.
    pub command: String,
}

impl Owner {
    /// This very process.
    fn this() -> Result<Self> {
        let process = Process::of(proc::own_pid());
        let process =
            process.ok_or_else(|| Error::new("cannot read /proc/self/stat").hint("/proc must be mounted."))?;
        let words: Vec<_> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        Ok(Self { process, command: words.join(" ") })
    }
}

/// Something that outlives the call that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Item {
    /// A directory and all in it.
    Directory(PathBuf),
    /// A container's name: a file that holds the identifier of who has it.
    Name {
        /// The file.
        file: PathBuf,
        /// Whose it is, if it was taken.
        id: String,
    },
    /// A cgroup; who is still in it is ended.
    Cgroup(PathBuf),
    /// A process that should not outlive its owner.
    Process(Process),
    /// The place of an exercise, and what was started there.
    Sandbox(Sandbox),
    /// A profile of AppArmor's that the kernel was given.
    Profile(String),
    /// An image that is used, by its ID. It was there before and stays: but not to be
    /// removed meanwhile.
    Image(String),
}

impl Item {
    /// For a list: `directory /run/boxlab/running/ab12`.
    pub fn describe(&self) -> String {
        match self {
            Self::Directory(path) => format!("directory {}", path.display()),
            Self::Name { file, .. } => format!("name {}", file.display()),
            Self::Cgroup(path) => match processes(path).len() {
                0 => format!("cgroup {}", path.display()),
                count => format!("cgroup {} with {count} of its processes", path.display()),
            },
            Self::Process(process) => format!("process {}", process.pid),
            Self::Sandbox(sandbox) => sandbox.describe(),
            Self::Profile(name) => format!("AppArmor profile {name}"),
            Self::Image(id) => format!("image {id}"),
        }
    }

    /// True if it is there.
    pub fn exists(&self) -> bool {
        match self {
            Self::Directory(path) | Self::Cgroup(path) => path.symlink_metadata().is_ok(),
            Self::Name { file, id } => std::fs::read_to_string(file).is_ok_and(|owner| owner == *id),
            Self::Process(process) => process.runs(),
            Self::Sandbox(sandbox) => sandbox.exists(),
            Self::Profile(name) => lsm::profile_is_loaded(name) == Some(true),
            Self::Image(_) => false,
        }
    }

    fn remove(&self, k: &Kernel) -> Result<()> {
        match self {
            Self::Directory(path) => remove_directory(k, path),
            // Another container may have been faster: then the name is that one's.
            Self::Name { file, .. } if self.exists() => {
                gone(std::fs::remove_file(file)).or_fail(|| format!("cannot remove {}", file.display()))
            }
            Self::Cgroup(path) if path.exists() => group::clear(k, path),
            Self::Process(process) if process.runs() => k.end_process(process.pid, process.start),
            Self::Sandbox(sandbox) => sandbox.remove(k),
            Self::Profile(name) if self.exists() => k.write_to(Path::new(lsm::REMOVE_PROFILE), name),
            Self::Profile(_) | Self::Cgroup(_) | Self::Process(_) | Self::Name { .. } | Self::Image(_) => Ok(()),
        }
    }
}

/// A container's files may belong to ids that only its user namespace has: there
/// its root removes what its user outside may not.
pub fn remove_directory(k: &Kernel, path: &Path) -> Result<()> {
    let failed = || format!("cannot remove {}", path.display());
    let removed = remove_tree(path);
    let denied = matches!(&removed, Err(error) if error.kind() == io::ErrorKind::PermissionDenied);
    match denied.then(maps::needed).flatten() {
        Some(maps) => {
            k.step("Some files belong to ids of the container: remove them as its root");
            user::within(k, "cleaner", &maps, |_| remove_tree(path).or_fail(failed)).map(drop)
        }
        None => removed.or_fail(failed),
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The open ledger of this command.
#[derive(Debug)]
pub struct Ledger {
    /// Identifier of the command and of what it makes: 64 hexadecimal digits.
    pub id: String,
    path: PathBuf,
    file: File,
    items: Vec<Item>,
}

impl Ledger {
    /// Opens a ledger of its own for this command.
    pub fn open(paths: &Paths) -> Result<Self> {
        let id = random_hex(32)?;
        let path = paths.ledger().join(format!("{}.jsonl", short(&id)));
        let owner = line(&Owner::this()?)?;
        let create = || create_whole(&path, &owner);
        let file = match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                paths::make(&paths.ledger())?;
                create()
            }
            other => other,
        };
        let file = file.or_fail(|| format!("cannot open the ledger {}", path.display()))?;
        Ok(Self { id, path, file, items: Vec::new() })
    }

    /// The first 12 digits of the identifier, as people see it.
    pub fn short_id(&self) -> &str {
        short(&self.id)
    }

    /// Writes down what is about to be made.
    pub fn record(&mut self, item: Item) -> Result<()> {
        self.record_all(vec![item])
    }

    /// [`Ledger::record`] for several things, in one write.
    pub fn record_all(&mut self, items: Vec<Item>) -> Result<()> {
        let lines = items.iter().map(line).collect::<Result<Vec<_>>>()?.concat();
        self.file.write_all(&lines).or_fail(|| format!("cannot write the ledger {}", self.path.display()))?;
        self.items.extend(items);
        Ok(())
    }

    /// Removes everything that was made, last first, then the ledger itself.
    pub fn clear(self, k: &Kernel) -> Result<()> {
        remove_all(k, &self.items, &self.path)
    }
}

fn line(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text =
        serde_json::to_vec(value).map_err(|error| Error::new(format!("cannot write the ledger: {error}")))?;
    text.push(b'\n');
    Ok(text)
}

/// What ledger, directories and cgroups are named by.
fn short(id: &str) -> &str {
    &id[..12]
}

/// Removes what can be removed and goes on after a failure, which it returns at
/// the end; the ledger then stays, so that `cleanup` can try again.
fn remove_all(k: &Kernel, items: &[Item], ledger: &Path) -> Result<()> {
    // First of all, since a frozen process of v1 can't be ended.
    let thaw = |item: &Item| if let Item::Cgroup(path) = item { group::thaw(k, path).err() } else { None };
    let mut failures: Vec<Error> = items.iter().filter_map(thaw).collect();
    failures.extend(items.iter().rev().filter_map(|item| item.remove(k).err()));
    match failures.into_iter().next() {
        None if ledger.as_os_str().is_empty() => Ok(()),
        Some(error) => Err(error.hint("`boxlab cleanup` tries again.")),
        None => gone(std::fs::remove_file(ledger)).or_fail(|| format!("cannot remove {}", ledger.display())),
    }
}

/// A ledger whose owner is gone.
#[derive(Debug)]
pub struct Leftover {
    /// Who made it; `None` if only the thing itself is left.
    pub owner: Option<Owner>,
    /// What is written down and still there.
    pub items: Vec<Item>,
    path: PathBuf,
}

impl Leftover {
    /// True if it is an exercise that a learner is in the middle of, and no leftover at all.
    pub fn is_under_way(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Sandbox(sandbox) if sandbox.is_under_way()))
    }

    /// Removes all of it.
    pub fn remove(&self, k: &Kernel) -> Result<()> {
        remove_all(k, &self.items, &self.path)
    }
}

/// All ledgers without a living owner, and directories of the store that only
/// a power failure leaves without a ledger (which lies in memory).
pub fn leftovers(paths: &Paths) -> Result<Vec<Leftover>> {
    // Directories first: whoever owns one of these has had a ledger before it.
    let mut directories = entries(&paths.running(""))?;
    directories.extend(entries(&paths.writable(""))?);
    directories.extend(entries(&paths.trials())?);
    let mut found = Vec::new();
    let mut living = Vec::new();
    for path in entries(&paths.ledger())? {
        let Some((owner, items)) = read(&path)? else { continue };
        if owner.as_ref().is_some_and(|owner| owner.process.runs()) {
            living.push(stem(&path));
            continue;
        }
        let survivors = survivors(&stem(&path), &items);
        let items = items.into_iter().filter(Item::exists).chain(survivors).collect();
        found.push(Leftover { owner, items, path });
    }
    let known: Vec<PathBuf> = found.iter().flat_map(|leftover| &leftover.items).map(item_path).collect();
    for path in directories {
        if !living.contains(&stem(&path)) && !known.contains(&path) && path.exists() {
            found.push(Leftover { owner: None, items: vec![Item::Directory(path)], path: PathBuf::new() });
        }
    }
    Ok(found)
}

/// Strikes off what an earlier command wrote down, and left to be removed by this one.
pub fn strike(paths: &Paths, id: &str) -> Result<()> {
    let path = paths.ledger().join(format!("{id}.jsonl"));
    gone(std::fs::remove_file(&path)).or_fail(|| format!("cannot remove {}", path.display()))
}

/// The process of a container or lab that runs, by its name or the beginning of its
/// identifier; of several, such as a lab and its child, the innermost.
pub fn running(paths: &Paths, wanted: &str) -> Result<Option<Process>> {
    let plain = !wanted.is_empty() && !wanted.contains('/');
    let named = if plain { std::fs::read_to_string(paths.names().join(wanted)).ok() } else { None };
    let id = named.as_deref().unwrap_or(wanted);
    let mut found = Vec::new();
    for path in entries(&paths.ledger())?.iter().filter(|path| plain && stem(path).starts_with(id)) {
        let Some((Some(owner), items)) = read(path)? else { continue };
        let mut processes = items.into_iter().rev().filter_map(|item| match item {
            Item::Process(process) if process.runs() => Some(process),
            _ => None,
        });
        found.extend(processes.next().filter(|_| owner.process.runs()));
    }
    match found.len() {
        0 | 1 => Ok(found.pop()),
        many => Err(Error::usage(format!("{many} identifiers begin with '{wanted}'")).hint("Give more of it.")),
    }
}

/// Who uses an image: the name of the container, or the beginning of its identifier.
/// What was killed may still have processes that use it, until `cleanup` has ended them.
pub fn users_of(paths: &Paths, image: &str) -> Result<Vec<String>> {
    let mut users = Vec::new();
    for path in entries(&paths.ledger())? {
        let Some((_, items)) = read(&path)? else { continue };
        if items.contains(&Item::Image(image.to_owned())) {
            let name = items.iter().find_map(|item| match item {
                Item::Name { file, .. } => Some(file.file_name()?.to_string_lossy().into_owned()),
                _ => None,
            });
            users.push(name.unwrap_or_else(|| stem(&path)));
        }
    }
    Ok(users)
}

/// The names of the containers that run.
pub fn names(paths: &Paths) -> Vec<String> {
    let names = entries(&paths.names()).unwrap_or_default();
    names.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect()
}

/// Processes that outlived a killed container without being its first: they have
/// a mount that carries its identifier, which no other process can have.
fn survivors(id: &str, items: &[Item]) -> Vec<Item> {
    let is_recorded = |process: &Process| items.contains(&Item::Process(process.clone()));
    let has_mount = |process: &Process| proc::has_mount(process.pid, id) && !is_recorded(process);
    proc::processes().into_iter().filter_map(Process::of).filter(has_mount).map(Item::Process).collect()
}

fn item_path(item: &Item) -> PathBuf {
    match item {
        Item::Directory(path) | Item::Cgroup(path) => path.clone(),
        Item::Name { file, .. } => file.clone(),
        Item::Sandbox(sandbox) => sandbox.home.clone(),
        Item::Profile(name) | Item::Image(name) => PathBuf::from(name),
        Item::Process(process) => PathBuf::from(format!("/proc/{}", process.pid)),
    }
}

/// The identifier in a path's last name.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    match std::fs::read_dir(directory) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io(format!("cannot read {}", directory.display()), &error)),
    }
}

/// Owner and items; `None` if the owner has just struck everything off.
fn read(path: &Path) -> Result<Option<(Option<Owner>, Vec<Item>)>> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.or_fail(|| format!("cannot read {}", path.display()))?,
    };
    let mut lines = text.lines();
    let owner = lines.next().and_then(|line| serde_json::from_str(line).ok());
    let items = lines.filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok(Some((owner, items)))
}
