//! `boxlab cgroup`: limits, each shown to bite by a bounded load that runs into it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Subcommand, ValueEnum};

use super::context::Context;
use super::lab::{Common, Lab};
use super::{cgroups, size};
use crate::catalog::{about, after_help};
use crate::container::limits::Limits;
use crate::error::{Error, Result};
use crate::kernel::cgroup::{Group, Place};
use crate::kernel::disk::{self as disks, Disk};
use crate::kernel::gauge::Gauge;
use crate::kernel::load::{self, Counter};
use crate::kernel::{Exit, Kernel, proc};
use crate::ledger::Item;
use crate::primitives::cgroup::cpu::{Cpu, PERIOD};
use crate::primitives::cgroup::cpuset::Cpuset;
use crate::primitives::cgroup::disk::{self, Trial};
use crate::primitives::cgroup::io::{Io, Kind, Rate};
use crate::primitives::cgroup::mem::{Memory, Swap};
use crate::primitives::cgroup::{cpu, cpuset, freeze, group, io, mem, pids};

/// Cgroups: how much a group of processes may use
#[derive(Debug, Subcommand)]
pub enum Cgroup {
    #[command(about = about("cgroup mem"), after_help = after_help("cgroup mem"))]
    Mem {
        /// How much memory, 4m to 1g
        #[arg(long, value_name = "SIZE", default_value = "32m", value_parser = memory)]
        memory: u64,
        /// How much swap beside it: 0 for none, -1 for all there is [default: as much again]
        #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = swap)]
        swap: Option<Swap>,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("cgroup cpu"), after_help = after_help("cgroup cpu"))]
    Cpu {
        /// How many processors, as a number with a fraction
        #[arg(long, value_name = "NUMBER", default_value = "0.2", value_parser = processors)]
        cpus: f64,
        /// How long the load runs, 0.1 to 1.5
        #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
        seconds: Duration,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("cgroup pids"), after_help = after_help("cgroup pids"))]
    Pids {
        /// How many processes, 2 to 100
        #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u64).range(2..=100))]
        limit: u64,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("cgroup io"), after_help = after_help("cgroup io"))]
    Io {
        /// How many bytes may be read in a second, 16k at least
        #[arg(long, value_name = "SIZE", default_value = "1m", value_parser = rate)]
        read_bps: u64,
        /// How many bytes may be written in a second, 16k at least
        #[arg(long, value_name = "SIZE", default_value = "1m", value_parser = rate)]
        write_bps: u64,
        /// A disk to read from; nothing is written to it
        #[arg(long, value_name = "PATH", conflicts_with_all = ["file", "write_bps"])]
        device: Option<PathBuf>,
        /// In which directory to write and read a file [default: where images are kept]
        #[arg(long, value_name = "DIR")]
        file: Option<PathBuf>,
        /// How long each direction is tried, 0.1 to 1.5
        #[arg(long, value_name = "SECONDS", default_value = "0.8", value_parser = seconds)]
        seconds: Duration,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("cgroup cpuset"), after_help = after_help("cgroup cpuset"))]
    Cpuset {
        /// Which processors, as in 0-2,4 [default: the first]
        #[arg(long, value_name = "LIST")]
        cpus: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("cgroup freeze"), after_help = after_help("cgroup freeze"))]
    Freeze {
        /// Which interface, where the host has both [default: v1]
        #[arg(long, value_name = "VERSION")]
        tree: Option<Interface>,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("cgroup ls"), after_help = after_help("cgroup ls"))]
    Ls {
        /// `table` or `json`
        #[arg(long, default_value = "table", value_parser = ["table", "json"])]
        format: String,
    },
    #[command(about = about("cgroup show"), after_help = after_help("cgroup show"))]
    Show {
        /// A process, or the directory of a cgroup [default: this process]
        #[arg(value_name = "PID|PATH")]
        target: Option<String>,
        /// `table` or `json`
        #[arg(long, default_value = "table", value_parser = ["table", "json"])]
        format: String,
    },
}

/// `--tree`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Interface {
    /// A controller of its own
    V1,
    /// A file in every cgroup
    V2,
}

impl Cgroup {
    /// Runs one of them.
    pub fn run(self, context: &Context) -> Result<i32> {
        match self {
            Self::Mem { memory, swap, common } => {
                common.lab(context, "cgroup mem", |lab| lab_mem(lab, memory, swap.unwrap_or(Swap::Total(memory))))
            }
            Self::Cpu { cpus, seconds, common } => common.lab(context, "cgroup cpu", |lab| lab_cpu(lab, cpus, seconds)),
            Self::Pids { limit, common } => common.lab(context, "cgroup pids", |lab| lab_pids(lab, limit)),
            Self::Io { read_bps, write_bps, device, file, seconds, common } => {
                let write = device.is_none().then_some(write_bps);
                let trial = Trial { write, read: read_bps, time: seconds };
                common.lab(context, "cgroup io", |lab| lab_io(lab, trial, &Where::new(context, device, file)))
            }
            Self::Cpuset { cpus, common } => common.lab(context, "cgroup cpuset", |lab| lab_cpuset(lab, cpus)),
            Self::Freeze { tree, common } => common.lab(context, "cgroup freeze", |lab| lab_freeze(lab, tree)),
            Self::Ls { format } => cgroups::ls(format == "json"),
            Self::Show { target, format } => cgroups::show(target.as_deref(), format == "json"),
        }
    }
}

/// The cgroups of a lab: `choose` takes them from all that this user may make. They
/// are written down, and not made yet.
fn choose(lab: &Lab<'_>, choose: impl Fn(Group) -> Result<Group>) -> Result<Group> {
    let offered = |name: &str| if lab.k.plans() { Group::planned(name) } else { Group::named(name) };
    let refused = |error: Error| error.hint("`--plan` says what it would do.");
    // Nothing is written down before it is known that it can be done.
    choose(offered("")).map_err(refused)?;
    let group = choose(offered(&lab.name()?))?;
    group.places.iter().try_for_each(|place| lab.record(|_| Item::Cgroup(place.path.clone())))?;
    if let Some(place) = group.places.first() {
        lab.k.look(|| format!("grep -r . {}", place.path.display()));
    }
    Ok(group)
}

/// [`choose`], by a controller's names in v1 and v2.
fn with(lab: &Lab<'_>, controllers: &[&str]) -> Result<Group> {
    choose(lab, |group| {
        let group = group.only(controllers);
        group.controller(controllers)?;
        Ok(group)
    })
}

/// Takes the group down again after the user's program.
fn end(lab: &Lab<'_>, group: &Group) -> Result<i32> {
    let status = lab.run_in(group)?;
    group::remove(&lab.k, group)?;
    Ok(status)
}

/// The kernel's counters around a load.
fn counted<T>(k: &Kernel, place: &Place, counters: &[Gauge], load: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = k.gauges(place, counters);
    let done = load()?;
    k.step("Look at the kernel's own counters");
    k.tell_gauges(place, counters, &before);
    Ok(done)
}

fn lab_mem(lab: &Lab<'_>, memory: u64, swap: Swap) -> Result<i32> {
    let k = &lab.k;
    let group = with(lab, &["memory"])?;
    group::make(k, &group)?;
    overload(lab, &group, memory, Swap::Total(0))?;
    if swap != Swap::Total(0) && k.wants("limit") {
        k.step("Allow swap too: what is too much can then go to a disk");
        if !proc::has_swap() {
            k.show("swap of this machine (/proc/swaps)", || {
                vec!["none: the limit is set all the same, but no page can go there".to_owned()]
            });
        }
        overload(lab, &group, memory, swap)?;
    }
    end(lab, &group)
}

/// Sets the limit, and lets a child run into it.
fn overload(lab: &Lab<'_>, group: &Group, memory: u64, swap: Swap) -> Result<()> {
    let k = &lab.k;
    let place = group.controller(&["memory"])?;
    k.part("limit", |k| {
        let with_swap = (k.plans() || mem::counts_swap(group)).then_some(together(memory, swap));
        mem::limit(k, group, &Memory { limit: Some(memory), with_swap, reservation: None })
    })?;
    let kills = mem::kills(group);
    let exit = counted(k, place, &mem::COUNTERS, || {
        k.step("Start a child that wants more than that");
        let child = lab.start_in(group, |k| mem::exceed(k, group, memory, memory + memory / 4))?;
        lab.attend(child, |_| {
            let swapped = || format!("{}: {} bytes", mem::SWAPPED.names(place.version), mem::SWAPPED.number(place));
            k.show("it has all that it wanted, and lives", || vec![swapped()]);
            Ok(())
        })
    })?;
    k.show("how the child ended", || vec![ending(exit, mem::kills(group) - kills)]);
    mem::given_back(k, group, memory)
}

/// Docker and v1 count memory and swap together.
fn together(memory: u64, swap: Swap) -> Swap {
    match swap {
        Swap::Total(bytes) => Swap::Total(memory.saturating_add(bytes)),
        Swap::Unlimited => Swap::Unlimited,
    }
}

fn ending(exit: Exit, kills: u64) -> String {
    match exit {
        Exit::Signal(9) if kills > 0 => {
            "killed by SIGKILL: the kernel chose it, as its counter oom_kill says".to_owned()
        }
        Exit::Signal(signal) => format!("killed by signal {signal}"),
        Exit::Code(code) => format!("by itself, with status {code}: nothing stopped it"),
    }
}

fn lab_cpu(lab: &Lab<'_>, cpus: f64, time: Duration) -> Result<i32> {
    let all = load::processors().len();
    if cpus >= all as f64 {
        return Err(Error::usage(format!("a quota of {cpus} processors would never be used up here"))
            .hint(format!("This process may run on {all}: give less than that.")));
    }
    let k = &lab.k;
    let group = with(lab, &["cpu"])?;
    let place = group.controller(&["cpu"])?;
    group::make(k, &group)?;
    let quota = (cpus * PERIOD as f64).round() as u64;
    k.part("limit", |k| cpu::limit(k, &group, &Cpu { quota: Some(quota), period: None, shares: None }))?;
    counted(k, place, &cpu::COUNTERS, || {
        k.step("Start a child that wants more than that");
        let child = lab.start_in(&group, |k| cpu::spin(k, cpus as usize + 1, time))?;
        lab.attend(child, |_| Ok(()))
    })?;
    end(lab, &group)
}

fn lab_pids(lab: &Lab<'_>, most: u64) -> Result<i32> {
    let k = &lab.k;
    let group = with(lab, &["pids"])?;
    group::make(k, &group)?;
    k.part("limit", |k| pids::limit(k, &group, most))?;
    counted(k, group.controller(&["pids"])?, &pids::COUNTERS, || {
        k.step("Start a child that wants more than that");
        let child = lab.start_in(&group, |k| pids::exhaust(k, &group, most))?;
        lab.attend(child, |_| Ok(()))
    })?;
    end(lab, &group)
}

/// Where blocks are moved to and from.
enum Where {
    Device(PathBuf),
    Directory(PathBuf),
}

impl Where {
    /// Where the store is, or is going to be, unless the user wants another place.
    fn new(context: &Context, device: Option<PathBuf>, file: Option<PathBuf>) -> Self {
        let store = || context.paths.store.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/")).to_owned();
        device.map_or_else(|| Self::Directory(file.unwrap_or_else(store)), Self::Device)
    }

    fn disk(&self) -> Result<Disk> {
        match self {
            Self::Device(node) => disks::behind(node),
            Self::Directory(directory) => disks::beneath(directory),
        }
    }
}

fn lab_io(lab: &Lab<'_>, trial: Trial, blocks: &Where) -> Result<i32> {
    let k = &lab.k;
    let disk = blocks.disk().or_else(|error| if k.plans() { Ok(Disk::imagined()) } else { Err(error) });
    let Disk { name, numbers } = disk?;
    let group = with(lab, &["blkio", "io"])?;
    let place = group.controller(&["blkio", "io"])?;
    group::make(k, &group)?;
    k.step("Start a child that moves blocks, without a limit at first");
    let child = lab.start_in(&group, |k| {
        let file = match blocks {
            Where::Device(node) => disk::device(k, node)?,
            Where::Directory(directory) => disk::unnamed(k, directory)?,
        };
        disk::measure(k, &file, trial)
    })?;
    k.show("the disk", || vec![format!("/dev/{name}, device {}:{}", numbers.0, numbers.1)]);
    let rate = |kind, most| Rate { kind, device: numbers, most };
    let rates = trial.write.map(|most| rate(Kind::WriteBytes, most)).into_iter();
    let limits = Io { weight: None, rates: rates.chain([rate(Kind::ReadBytes, trial.read)]).collect() };
    lab.attend(child, |gate| match gate {
        disk::ROUND => k.part("limit", |k| io::limit(k, &group, &limits)),
        _ => Ok(()),
    })?;
    k.step("Look at the kernel's own counters");
    k.show(&disk::COUNTER.names(place.version), || {
        let text = disk::COUNTER.read(place.version, &place.path).unwrap_or_default();
        disk::counted(&text, numbers, place.version)
    });
    end(lab, &group)
}

fn lab_cpuset(lab: &Lab<'_>, cpus: Option<String>) -> Result<i32> {
    let k = &lab.k;
    let first = || load::processors().first().map_or_else(|| "0".to_owned(), ToString::to_string);
    let wanted = Cpuset { cpus: Some(cpus.unwrap_or_else(first)), mems: None };
    let group = with(lab, &["cpuset"])?;
    if !k.plans() {
        Limits { cpuset: wanted.clone(), ..Limits::default() }.check(&group)?;
    }
    group::make(k, &group)?;
    counted(k, group.controller(&["cpuset"])?, &cpuset::LISTS, || {
        k.step("Start a child that uses every processor");
        let child = lab.start_in(&group, cpuset::wander)?;
        lab.attend(child, |gate| match gate {
            cpuset::ROUND => k.part("limit", |k| cpuset::limit(k, &group, &wanted)),
            _ => Ok(()),
        })
    })?;
    end(lab, &group)
}

fn lab_freeze(lab: &Lab<'_>, tree: Option<Interface>) -> Result<i32> {
    let k = &lab.k;
    let group = choose(lab, |group| {
        let v1 = group.clone().only(&["freezer"]);
        match tree {
            Some(Interface::V1) => v1.controller(&["freezer"]).map(drop)?,
            None if !v1.places.is_empty() => {}
            _ => return group.need_v2().map(drop).map(|()| group.clone().only_v2()),
        }
        Ok(v1)
    })?;
    group::make(k, &group)?;
    let counter = Counter::new()?;
    k.step("Start a child that counts");
    let mut child = lab.start_in(&group, |k| freeze::count(k, &counter))?;
    k.until(&mut child, freeze::READY)?;
    k.answer(&child)?;
    k.step("Watch it count");
    freeze::watch(k, &counter, "while it runs")?;
    k.part("limit", |k| freeze::freeze(k, &group, child.pid))?;
    freeze::watch(k, &counter, if k.wants("limit") { "while it is frozen" } else { "as before" })?;
    k.part("limit", |k| freeze::thaw(k, &group))?;
    freeze::watch(k, &counter, "as it goes on")?;
    counter.stop();
    lab.attend(child, |_| Ok(()))?;
    end(lab, &group)
}

fn memory(text: &str) -> std::result::Result<u64, String> {
    match size::parse(text)? {
        bytes if bytes < 4 << 20 => Err("a process needs 4m to start in".to_owned()),
        bytes if bytes > 1 << 30 => Err("the load would take all of it: give 1g at most".to_owned()),
        bytes => Ok(bytes),
    }
}

fn swap(text: &str) -> std::result::Result<Swap, String> {
    if text == "-1" { Ok(Swap::Unlimited) } else { size::parse(text).map(Swap::Total) }
}

fn rate(text: &str) -> std::result::Result<u64, String> {
    match size::parse(text)? {
        bytes if bytes < 16 << 10 => Err("give 16k at least, or a single block takes seconds".to_owned()),
        bytes => Ok(bytes),
    }
}

fn processors(text: &str) -> std::result::Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("'{text}' is no number: write 0.2 or 1.5"))?;
    // The kernel takes a thousandth of a second in each period, and no less.
    if number >= 0.01 { Ok(number) } else { Err("give 0.01 at least".to_owned()) }
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| format!("'{text}' is no number of seconds"))?;
    if (0.1..=1.5).contains(&number) { Ok(Duration::from_secs_f64(number)) } else { Err("give 0.1 to 1.5".to_owned()) }
}
