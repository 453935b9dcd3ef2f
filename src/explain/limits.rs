//! What a process may use, as its cgroups have it. A limit above counts too, so
//! each is the tightest of all from its own cgroup upwards. cgroups(7);
//! kernel documentation, admin-guide/cgroup-v1 and cgroup-v2

use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use crate::kernel::cgroup::{Hierarchy, Version, hierarchies_of};
use crate::kernel::gauge::{Gauge, LIMITS, Limit};
use crate::kernel::peer::Status;
use crate::kernel::{bpf, proc};

/// The process's cgroup in one tree.
#[derive(Debug, Clone, Serialize)]
pub struct Tree {
    /// `memory`, `cpu,cpuacct`, `name=systemd`; empty for v2.
    pub controllers: String,
    /// Where it is, from the root of the reader's cgroup namespace.
    pub path: String,
}

/// A limit and what is used of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Measure {
    /// `None` is no limit.
    pub limit: Option<u64>,
    /// What the cgroup uses now; `None` where the kernel does not count.
    pub used: Option<u64>,
    /// The cgroup whose limit it is.
    pub set_at: Option<PathBuf>,
}

/// Processors.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cpu {
    /// How many processors' time; `None` is no limit.
    pub quota: Option<f64>,
    /// Its share when processors are short: 1024 is usual on v1, 100 on v2.
    pub weight: Option<u64>,
}

/// A brake on a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Brake {
    /// `major:minor`.
    pub device: String,
    /// `rbps`, `wbps` (bytes), `riops`, `wiops` (operations), a second.
    pub what: String,
    /// At most so many.
    pub limit: u64,
}

/// Which devices may be opened or made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Devices {
    /// v1's list; `None` if there is none to read.
    pub rules: Option<Vec<String>>,
    /// How many programs of v2 decide; `None` if that is hidden. What they decide
    /// can't be read.
    pub programs: Option<u32>,
}

/// All of it; each `None` if the cgroup filesystem does not show it.
#[derive(Debug, Clone, Serialize)]
pub struct Cgroups {
    /// Its cgroups.
    pub trees: Vec<Tree>,
    /// Bytes of memory.
    pub memory: Option<Measure>,
    /// Bytes of swap.
    pub swap: Option<Measure>,
    /// Processes and threads.
    pub pids: Option<Measure>,
    /// Time of processors.
    pub cpu: Option<Cpu>,
    /// The processors on which it may run: `0-3`.
    pub processors: String,
    /// Brakes on disks.
    pub io: Vec<Brake>,
    /// Devices.
    pub devices: Devices,
    /// Whether it is stopped by its cgroup.
    pub frozen: Option<bool>,
}

impl Cgroups {
    /// Those of a process.
    pub fn of(pid: i32, status: &Status) -> Self {
        let pid = pid.to_string();
        let tree = |own: proc::Cgroup| Tree { controllers: own.controllers, path: own.path };
        let trees = Trees(hierarchies_of(&pid));
        let memory = trees.measure("memory", "memory");
        Self {
            trees: proc::cgroups(&pid).into_iter().map(tree).collect(),
            swap: trees.swap(memory.as_ref()),
            memory,
            pids: trees.measure("pids", "processes"),
            cpu: trees.cpu(),
            processors: status.text("Cpus_allowed_list").to_owned(),
            io: trees.io(),
            devices: trees.devices(),
            frozen: trees.frozen(),
        }
    }
}

/// The mounted trees, `own` being the process's cgroup in each.
struct Trees(Vec<Hierarchy>);

/// From here up, v1 has no limit: it counts pages up to the largest number.
const NO_LIMIT: u64 = 1 << 62;

impl Trees {
    /// The tree of a controller. A cgroup beyond the root of the reader's cgroup
    /// namespace (`/../other`) can't be seen.
    fn tree(&self, controller: &str) -> Option<&Hierarchy> {
        let has = |tree: &&Hierarchy| tree.controllers.iter().any(|name| name == controller);
        self.0.iter().find(has).filter(|tree| is_visible(tree))
    }

    /// A limit by its name in [`LIMITS`].
    fn measure(&self, controller: &str, what: &str) -> Option<Measure> {
        let tree = self.tree(controller)?;
        let Limit { limit, used, .. } = LIMITS.iter().find(|limit| limit.what == what)?;
        let number = |gauge: &Gauge, cgroup| gauge.read(tree.version, cgroup)?.parse::<u64>().ok();
        let limits = upwards(tree).filter_map(|cgroup| Some((number(limit, cgroup)?, cgroup)));
        let tightest = limits.filter(|(limit, _)| *limit < NO_LIMIT).min_by_key(|(limit, _)| *limit);
        let (limit, set_at) = tightest.unzip();
        Some(Measure { limit, used: number(used, &tree.own), set_at: set_at.map(Path::to_owned) })
    }

    /// v1 counts memory and swap together; without swap accounting, not at all.
    fn swap(&self, memory: Option<&Measure>) -> Option<Measure> {
        let swap = self.measure("memory", "swap")?;
        if self.tree("memory")?.version == Version::V2 {
            return Some(swap);
        }
        let memory = memory?;
        let rest = |both: Option<u64>, memory: Option<u64>| both.map(|both| both.saturating_sub(memory.unwrap_or(0)));
        let used = rest(swap.used, memory.used);
        used.is_some().then(|| Measure { limit: rest(swap.limit, memory.limit), used, set_at: swap.set_at })
    }

    fn cpu(&self) -> Option<Cpu> {
        let tree = self.tree("cpu")?;
        let quotas = upwards(tree).filter_map(|cgroup| match tree.version {
            Version::V1 => {
                quota(&format!("{} {}", text(cgroup, "cpu.cfs_quota_us"), text(cgroup, "cpu.cfs_period_us")))
            }
            Version::V2 => quota(&text(cgroup, "cpu.max")),
        });
        let weight = if tree.version == Version::V1 { "cpu.shares" } else { "cpu.weight" };
        Some(Cpu { quota: quotas.min_by(f64::total_cmp), weight: number(&tree.own.join(weight)) })
    }

    fn io(&self) -> Vec<Brake> {
        if let Some(tree) = self.tree("blkio") {
            let files = [("rbps", "read_bps"), ("wbps", "write_bps"), ("riops", "read_iops"), ("wiops", "write_iops")];
            let brakes =
                files.map(|(what, file)| v1_brakes(what, &text(&tree.own, &format!("blkio.throttle.{file}_device"))));
            return brakes.concat();
        }
        let tree = self.tree("io");
        tree.map(|tree| upwards(tree).flat_map(|cgroup| v2_brakes(&text(cgroup, "io.max"))).collect())
            .unwrap_or_default()
    }

    fn devices(&self) -> Devices {
        let rules = self.tree("devices").and_then(|tree| fs::read_to_string(tree.own.join("devices.list")).ok());
        let v2 = self.0.iter().find(|tree| tree.version == Version::V2).filter(|tree| is_visible(tree));
        Devices {
            rules: rules.map(|text| text.lines().map(str::to_owned).collect()),
            programs: v2.and_then(|tree| upwards(tree).map(bpf::device_programs).sum()),
        }
    }

    /// v1 has a controller for it, v2 a file in every cgroup; a hybrid host has both.
    fn frozen(&self) -> Option<bool> {
        // The root of v1's tree can't be frozen and has no such file.
        let v1 = self.tree("freezer").filter(|tree| tree.version == Version::V1);
        let v1 = v1.map(|tree| ["FROZEN", "FREEZING"].contains(&text(&tree.own, "freezer.state").as_str()));
        let v2 = self.0.iter().find(|tree| tree.version == Version::V2);
        let v2 = v2.and_then(|tree| proc::counter(&tree.own.join("cgroup.events"), "frozen")).map(|frozen| frozen == 1);
        v1.into_iter().chain(v2).reduce(|one, other| one || other)
    }
}

fn is_visible(tree: &Hierarchy) -> bool {
    !tree.own.components().any(|part| part == Component::ParentDir) && proc::exists(&tree.own)
}

/// Its cgroup and those above it.
fn upwards(tree: &Hierarchy) -> impl Iterator<Item = &Path> {
    tree.own.ancestors().take_while(|path| path.starts_with(&tree.mount))
}

fn text(cgroup: &Path, file: &str) -> String {
    fs::read_to_string(cgroup.join(file)).unwrap_or_default().trim().to_owned()
}

/// A number; `None` for `max` and for a file that is not there.
fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// `50000 100000` is half a processor, `max` and `-1` are no limit.
fn quota(text: &str) -> Option<f64> {
    let (quota, period) = text.split_once(' ')?;
    let (quota, period): (u32, u32) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0).then(|| f64::from(quota) / f64::from(period))
}

/// A device and a number a line.
fn v1_brakes(what: &str, text: &str) -> Vec<Brake> {
    let brake = |line: &str| {
        let (device, limit) = line.split_once(' ')?;
        Some(Brake { device: device.to_owned(), what: what.to_owned(), limit: limit.parse().ok()? })
    };
    text.lines().filter_map(brake).collect()
}

/// A device a line, with its four limits: `8:0 rbps=1048576 wbps=max ...`.
fn v2_brakes(text: &str) -> Vec<Brake> {
    let line = |line: &str| {
        let (device, limits) = line.split_once(' ').unwrap_or_default();
        let brake = |field: &str| {
            let (what, limit) = field.split_once('=')?;
            Some(Brake { device: device.to_owned(), what: what.to_owned(), limit: limit.parse().ok()? })
        };
        limits.split(' ').filter_map(brake).collect::<Vec<_>>()
    };
    text.lines().flat_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::{Brake, quota, v1_brakes, v2_brakes};

    #[test]
    fn quotas_of_both_interfaces_are_understood() {
        assert_eq!([quota("50000 100000"), quota("200000 100000")], [Some(0.5), Some(2.0)]);
        assert_eq!([quota("max 100000"), quota("-1 100000"), quota(""), quota(" ")], [None; 4]);
    }

    #[test]
    fn both_interfaces_brake_alike() {
        let brake = Brake { device: "8:0".to_owned(), what: "rbps".to_owned(), limit: 1_048_576 };
        let both = [v1_brakes("rbps", "8:0 1048576\n"), v2_brakes("8:0 rbps=1048576 wbps=max riops=max wiops=max\n")];
        assert_eq!(both, [vec![brake.clone()], vec![brake]]);
        assert!(v2_brakes("").is_empty() && v1_brakes("rbps", "").is_empty());
    }
}
