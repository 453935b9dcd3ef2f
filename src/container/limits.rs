//! What a container may use: checked against this host before anything is made,
//! then set on its cgroups before its first process starts.

use std::collections::BTreeSet;

use super::spec::Spec;
use crate::error::{Error, Result};
use crate::kernel::bpf::DeviceRule;
use crate::kernel::cgroup::{Group, words};
use crate::kernel::limits::Limit;
use crate::kernel::{Kernel, maps};
use crate::primitives::cgroup::cpu::{self, Cpu};
use crate::primitives::cgroup::cpuset::{self, Cpuset};
use crate::primitives::cgroup::io::{self, Io};
use crate::primitives::cgroup::mem::{self, Memory};
use crate::primitives::cgroup::{devices, pids};

/// What is limited; what is not, is the host's to share.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// `--memory` and its like.
    pub memory: Memory,
    /// `--cpus` and its like.
    pub cpu: Cpu,
    /// `--cpuset-cpus`, `--cpuset-mems`
    pub cpuset: Cpuset,
    /// `--pids-limit`
    pub pids: Option<u64>,
    /// `--blkio-weight`, `--device-read-bps` and its like.
    pub io: Io,
    /// The devices that may be used; `None` for all.
    pub devices: Option<Vec<DeviceRule>>,
    /// `--oom-score-adj`: who is ended first when the machine runs short.
    pub oom_score_adj: Option<i32>,
    /// `--ulimit`
    pub rlimits: Vec<Limit>,
}

impl Limits {
    /// Refuses by name what this host can't set for this user.
    pub fn check(&self, group: &Group) -> Result<()> {
        let wanted: [(bool, &[&str], &str); 5] = [
            (self.memory != Memory::default(), &["memory"], "memory"),
            (self.cpu != Cpu::default(), &["cpu"], "processor time"),
            (self.cpuset != Cpuset::default(), &["cpuset"], "which processors are used"),
            (self.pids.is_some(), &["pids"], "the number of processes"),
            (self.io != Io::default(), &["blkio", "io"], "disk access"),
        ];
        for (wanted, controllers, what) in wanted {
            if wanted {
                let found = group.controller(controllers);
                found.map_err(|error| Error::new(format!("cannot limit {what}")).because(&error))?;
            }
        }
        self.check_cpuset(group)?;
        self.rlimits.iter().try_for_each(Limit::check)
    }

    /// v2 takes any list and uses what there is of it; to whom it matters, that is
    /// a limit dropped in silence.
    fn check_cpuset(&self, group: &Group) -> Result<()> {
        let lists = [
            (&self.cpuset.cpus, ["cpuset.effective_cpus", "cpuset.cpus.effective"], "processors"),
            (&self.cpuset.mems, ["cpuset.effective_mems", "cpuset.mems.effective"], "memory nodes"),
        ];
        for (wanted, files, what) in lists {
            let (Some(list), Some(place)) = (wanted, group.find(&["cpuset"])) else { continue };
            let present = files.iter().flat_map(|file| words(&place.parent.join(file))).next().unwrap_or_default();
            let known = numbers(&present).unwrap_or_default();
            let asked = numbers(list).filter(|asked| !asked.is_empty());
            let asked = asked.ok_or_else(|| Error::usage(format!("'{list}' is no list: write 0-2,4")))?;
            if !asked.is_subset(&known) {
                let error = Error::new(format!("not all of these {what} are here: {list}"));
                return Err(error.hint(format!("This machine has {present}.")));
            }
        }
        Ok(())
    }

    /// Sets what the cgroups of the container are to hold.
    pub fn set(&self, k: &Kernel, group: &Group) -> Result<()> {
        if self.memory != Memory::default() {
            mem::limit(k, group, &self.memory)?;
        }
        if self.cpu != Cpu::default() {
            cpu::limit(k, group, &self.cpu)?;
        }
        if self.cpuset != Cpuset::default() {
            cpuset::limit(k, group, &self.cpuset)?;
        }
        if let Some(most) = self.pids {
            pids::limit(k, group, most)?;
        }
        if self.io != Io::default() {
            io::limit(k, group, &self.io)?;
        }
        Ok(())
    }
}

/// Allows the devices of the rules. A user namespace needs none: it can't make
/// nodes, and those that it has been lent do no harm.
pub fn devices(k: &Kernel, spec: &Spec) -> Result<()> {
    match &spec.limits.devices {
        Some(rules) if maps::on_the_host() && maps::privileged() && !spec.group.places.is_empty() => {
            k.part("devices", |k| devices::limit(k, &spec.group, rules))
        }
        _ => Ok(()),
    }
}

/// `0-2,4` → 0, 1, 2, 4; `None` if it is no such list. cpuset(7), "List format"
fn numbers(list: &str) -> Option<BTreeSet<u32>> {
    let mut found = BTreeSet::new();
    for part in list.split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last > 65_535 {
            return None;
        }
        found.extend(first..=last);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn lists_are_read_as_the_kernel_writes_them() {
        let list = |text: &str| numbers(text).map(|set| set.into_iter().collect::<Vec<_>>());
        assert_eq!(list("0-2,4"), Some(vec![0, 1, 2, 4]));
        assert_eq!(list("1"), Some(vec![1]));
        assert_eq!([list("a"), list("2-1"), list("1-")], [None, None, None]);
    }
}
