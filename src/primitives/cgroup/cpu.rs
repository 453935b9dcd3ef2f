//! Processor time: a share when there is too little, and a quota even when there
//! is plenty.
//!
//! admin-guide/cgroup-v2 "CPU", scheduler/sched-bwc

use std::time::{Duration, Instant};

use crate::error::Result;
use crate::kernel::cgroup::{Group, Place, Version};
use crate::kernel::gauge::Gauge;
use crate::kernel::{Kernel, load};

/// What the kernel counts: v1 in nanoseconds, v2 in microseconds.
pub const COUNTERS: [Gauge; 4] = [
    Gauge::new("cpu.cfs_quota_us", "cpu.max"),
    Gauge::new("cpu.stat nr_periods", "cpu.stat nr_periods"),
    Gauge::new("cpu.stat nr_throttled", "cpu.stat nr_throttled"),
    Gauge::new("cpu.stat throttled_time", "cpu.stat throttled_usec"),
];

/// The usual period of the quota, in microseconds.
pub const PERIOD: u64 = 100_000;

/// What is limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cpu {
    /// `--cpus`, `--cpu-quota`: microseconds of processor time in each period.
    pub quota: Option<u64>,
    /// `--cpu-period`, in microseconds.
    pub period: Option<u64>,
    /// `--cpu-shares`: weight against others, 1024 is the usual one.
    pub shares: Option<u64>,
}

/// Sets the limits of a group.
pub fn limit(k: &Kernel, group: &Group, wanted: &Cpu) -> Result<()> {
    let place = group.controller(&["cpu"])?;
    if wanted.quota.is_some() || wanted.period.is_some() {
        k.step("Limit processor time: who has used the quota waits for the next period");
        quota(k, place, wanted.quota, wanted.period.unwrap_or(PERIOD))?;
    }
    let Some(shares) = wanted.shares else { return Ok(()) };
    k.step("Weigh it against others: this counts only when all want to run");
    match place.version {
        Version::V1 => k.set(&place.path.join("cpu.shares"), &shares.to_string()),
        Version::V2 => k.set(&place.path.join("cpu.weight"), &weight(shares).to_string()),
    }
}

fn quota(k: &Kernel, place: &Place, quota: Option<u64>, period: u64) -> Result<()> {
    let or = |none: &str| quota.map_or_else(|| none.to_owned(), |quota| quota.to_string());
    match place.version {
        Version::V1 => {
            k.set(&place.path.join("cpu.cfs_period_us"), &period.to_string())?;
            k.set(&place.path.join("cpu.cfs_quota_us"), &or("-1"))
        }
        Version::V2 => k.set(&place.path.join("cpu.max"), &format!("{} {period}", or("max"))),
    }
}

/// v1's shares (2 to 262144) as v2's weight (1 to 10000), as runc and Kubernetes
/// count (KEP-2254).
fn weight(shares: u64) -> u64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9_999 / 262_142
}

/// Child: wants so many processors for a time, and says how much it got.
pub fn spin(k: &Kernel, threads: usize, time: Duration) -> Result<()> {
    k.step("Use all the time there is: a loop that never waits");
    if k.plans() {
        return Ok(());
    }
    let every = Duration::from_micros(PERIOD);
    let all = every.as_millis() as u64 * threads as u64;
    let (begun, start, mut last) = (Instant::now(), load::used(), load::used());
    load::spin(threads, time, every, || {
        let now = load::used();
        k.sample("processor time in 100 ms", (now - last).as_millis() as u64, all, "ms");
        last = now;
    })?;
    let (used, time) = (load::used() - start, begun.elapsed());
    let percent = 100.0 * used.as_secs_f64() / time.as_secs_f64();
    k.show("processor time used, of the time that passed", || {
        vec![format!("{} ms in {} ms: {percent:.0} % of a processor", used.as_millis(), time.as_millis())]
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::weight;

    #[test]
    fn shares_become_weights() {
        assert_eq!([2, 1024, 262_144].map(weight), [1, 39, 10_000]);
    }
}
