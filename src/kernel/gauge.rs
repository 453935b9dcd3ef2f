//! What a cgroup says of itself, in files that v1 and v2 name differently: a limit,
//! a counter, a state. Reading changes nothing, so it is not told as a call.

use std::path::Path;

use super::cgroup::{Place, Version};
use super::{Kernel, proc};

/// One number or word of a cgroup: a file, or a file and the name of one of its
/// lines (`memory.events oom_kill`). Empty where an interface has no such thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauge {
    /// Where v1 has it.
    pub v1: &'static str,
    /// Where v2 has it.
    pub v2: &'static str,
}

impl Gauge {
    /// v1's name and v2's, side by side.
    pub const fn new(v1: &'static str, v2: &'static str) -> Self {
        Self { v1, v2 }
    }

    /// Its name in an interface.
    pub fn name(&self, version: Version) -> &'static str {
        match version {
            Version::V1 => self.v1,
            Version::V2 => self.v2,
        }
    }

    /// Its name, and in parentheses the other interface's: `memory.failcnt (v2: memory.events max)`.
    pub fn names(&self, version: Version) -> String {
        let other = if version == Version::V1 { Version::V2 } else { Version::V1 };
        match (self.name(version), self.name(other)) {
            (name, twin) if name == twin => name.to_owned(),
            (name, "") => format!("{name} ({other}: none)"),
            (name, twin) => format!("{name} ({other}: {twin})"),
        }
    }

    /// What it says; `None` if this kernel or this cgroup does not have it.
    pub fn read(&self, version: Version, cgroup: &Path) -> Option<String> {
        let (file, key) = match self.name(version).split_once(' ') {
            Some((file, key)) => (file, Some(key)),
            None => (self.name(version), None),
        };
        let path = cgroup.join(file);
        match key {
            Some(key) => proc::line(&path, key),
            None if file.is_empty() || !proc::exists(&path) => None,
            None => Some(proc::setting_text(&path)),
        }
    }

    /// False if this is what a new cgroup has: no limit. Where v1 has no limit, it
    /// has a very large number.
    pub fn limits(&self, version: Version, cgroup: &Path, text: &str) -> bool {
        let free = match self.name(version) {
            "cpuset.cpus" => {
                cgroup.parent().and_then(|parent| self.read(version, parent)).is_none_or(|all| all == text)
            }
            "cpu.shares" => text == "1024",
            "cpu.weight" => text == "100",
            "cgroup.freeze" => text == "0",
            _ => text.parse::<u64>().is_ok_and(|number| number >= 1 << 62) || ["-1", "THAWED"].contains(&text),
        };
        !free && text != "(empty)" && !text.starts_with("max")
    }

    /// [`Gauge::read`] of what is a number; 0 if there is none.
    pub fn number(&self, place: &Place) -> u64 {
        self.read(place.version, &place.path).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// A limit, and what is used of it.
#[derive(Debug)]
pub struct Limit {
    /// What is limited.
    pub what: &'static str,
    /// The file that is written.
    pub limit: Gauge,
    /// The file that counts.
    pub used: Gauge,
}

const fn limit(what: &'static str, limit: (&'static str, &'static str), used: (&'static str, &'static str)) -> Limit {
    Limit { what, limit: Gauge::new(limit.0, limit.1), used: Gauge::new(used.0, used.1) }
}

/// The limits that boxlab knows, v1's files beside v2's. For `swap` v1 counts memory
/// and swap together, v2 swap alone.
pub static LIMITS: [Limit; 9] = [
    limit("memory", ("memory.limit_in_bytes", "memory.max"), ("memory.usage_in_bytes", "memory.current")),
    limit(
        "swap",
        ("memory.memsw.limit_in_bytes", "memory.swap.max"),
        ("memory.memsw.usage_in_bytes", "memory.swap.current"),
    ),
    limit("cpu quota", ("cpu.cfs_quota_us", "cpu.max"), ("cpuacct.usage", "cpu.stat usage_usec")),
    limit("cpu weight", ("cpu.shares", "cpu.weight"), ("", "")),
    limit("processors", ("cpuset.cpus", "cpuset.cpus"), ("cpuset.effective_cpus", "cpuset.cpus.effective")),
    limit("processes", ("pids.max", "pids.max"), ("pids.current", "pids.current")),
    limit("disk reads", ("blkio.throttle.read_bps_device", "io.max"), ("", "")),
    limit("disk writes", ("blkio.throttle.write_bps_device", ""), ("", "")),
    limit("frozen", ("freezer.state", "cgroup.freeze"), ("", "")),
];

impl Kernel {
    /// What these say now, to be compared with later.
    pub fn gauges(&self, place: &Place, gauges: &[Gauge]) -> Vec<Option<String>> {
        gauges.iter().map(|gauge| gauge.read(place.version, &place.path)).collect()
    }

    /// Tells what each was `before` and is now; what is not there is left out.
    pub fn tell_gauges(&self, place: &Place, gauges: &[Gauge], before: &[Option<String>]) {
        for (gauge, before) in gauges.iter().zip(before) {
            if let (Some(before), Some(now)) = (before, gauge.read(place.version, &place.path)) {
                self.state(&gauge.names(place.version), before, &now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Gauge, Version};

    #[test]
    fn both_names_stand_side_by_side() {
        let gauge = Gauge::new("memory.failcnt", "memory.events max");
        assert_eq!(gauge.names(Version::V1), "memory.failcnt (v2: memory.events max)");
        assert_eq!(gauge.names(Version::V2), "memory.events max (v1: memory.failcnt)");
        assert_eq!(Gauge::new("pids.max", "pids.max").names(Version::V2), "pids.max");
        assert_eq!(Gauge::new("", "memory.high").names(Version::V2), "memory.high (v1: none)");
    }

    #[test]
    fn a_line_is_found_by_its_name() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("memory.events"), "low 0\noom_kill 3\n").expect("a file");
        let read = |name| Gauge::new("", name).read(Version::V2, directory.path());
        assert_eq!(read("memory.events oom_kill").as_deref(), Some("3"));
        assert_eq!(read("memory.events"), Some("low 0; oom_kill 3".to_owned()));
        assert_eq!([read("memory.events oom"), read("memory.max"), read("")], [None, None, None]);
    }
}
