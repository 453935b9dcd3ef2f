//! Memory: at the limit the kernel first takes pages back, then ends a process.
//!
//! admin-guide/cgroup-v1/memory, admin-guide/cgroup-v2 "Memory"

use crate::error::Result;
use crate::kernel::cgroup::{Group, Place, Version};
use crate::kernel::gauge::Gauge;
use crate::kernel::{Kernel, proc};

const USAGE: Gauge = Gauge::new("memory.usage_in_bytes", "memory.current");
const SWAP: Gauge = Gauge::new("memory.memsw.limit_in_bytes", "memory.swap.max");
const KILLS: Gauge = Gauge::new("memory.oom_control oom_kill", "memory.events oom_kill");

/// How many bytes were moved to the swap.
pub const SWAPPED: Gauge = Gauge::new("memory.stat swap", "memory.swap.current");

/// What the kernel counts; v1's `memsw` is memory and swap together.
pub const COUNTERS: [Gauge; 7] = [
    Gauge::new("memory.limit_in_bytes", "memory.max"),
    SWAP,
    Gauge::new("memory.max_usage_in_bytes", "memory.peak"),
    Gauge::new("memory.failcnt", "memory.events max"),
    Gauge::new("memory.memsw.failcnt", "memory.swap.events max"),
    SWAPPED,
    KILLS,
];

/// The gate of a child that has taken all it wanted, and still has it.
pub const HELD: &str = "memory is held";

/// What is limited, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// `--memory`
    pub limit: Option<u64>,
    /// `--memory-swap`: memory and swap together.
    pub with_swap: Option<Swap>,
    /// `--memory-reservation`: what it may keep when the machine runs short.
    pub reservation: Option<u64>,
}

/// How much memory and swap together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// This many bytes.
    Total(u64),
    /// As much swap as the host has.
    Unlimited,
}

/// Sets the limits of a group.
pub fn limit(k: &Kernel, group: &Group, wanted: &Memory) -> Result<()> {
    let place = group.controller(&["memory"])?;
    if let Some(limit) = wanted.limit {
        k.step("Limit memory: what can't be taken back at the limit costs a process");
        match place.version {
            Version::V1 => k.set(&place.path.join("memory.limit_in_bytes"), &limit.to_string())?,
            Version::V2 => k.set(&place.path.join("memory.max"), &limit.to_string())?,
        }
        swap(k, place, limit, wanted.with_swap)?;
    }
    if let Some(reservation) = wanted.reservation {
        k.step("Reserve memory: this much is taken back last");
        let file = if place.version == Version::V1 { "memory.soft_limit_in_bytes" } else { "memory.low" };
        k.set(&place.path.join(file), &reservation.to_string())?;
    }
    Ok(())
}

/// v1 counts memory and swap together, v2 swap alone. Without a wish Docker allows
/// as much swap as memory.
fn swap(k: &Kernel, place: &Place, limit: u64, wanted: Option<Swap>) -> Result<()> {
    let file = place.path.join(SWAP.name(place.version));
    // A kernel without swap accounting (swapaccount=0) has no such file.
    if wanted.is_none() && !k.plans() && !proc::exists(&file) {
        return Ok(());
    }
    k.step("Limit swap too, or the limit would only move pages to the disk");
    let total = wanted.unwrap_or(Swap::Total(limit.saturating_mul(2)));
    let text = match (place.version, total) {
        (Version::V1, Swap::Total(bytes)) => bytes.to_string(),
        (Version::V1, Swap::Unlimited) => "-1".to_owned(),
        (Version::V2, Swap::Total(bytes)) => bytes.saturating_sub(limit).to_string(),
        (Version::V2, Swap::Unlimited) => "max".to_owned(),
    };
    k.set(&file, &text)
}

/// How often the kernel ended a process of the group at its limit.
pub fn kills(group: &Group) -> u64 {
    group.find(&["memory"]).map_or(0, |place| KILLS.number(place))
}

/// True if this kernel counts a group's swap, so that it can be limited.
pub fn counts_swap(group: &Group) -> bool {
    group.find(&["memory"]).is_some_and(|place| SWAP.read(place.version, &place.path).is_some())
}

/// Child: takes memory bit by bit, until it has `most` bytes or is killed for it.
pub fn exceed(k: &Kernel, group: &Group, limit: u64, most: u64) -> Result<()> {
    let place = group.controller(&["memory"])?;
    k.step("Take memory bit by bit and write to it: only then is it taken");
    let bit = usize::try_from(most / 40).unwrap_or(1 << 20);
    let mut taken = Vec::new();
    while !k.plans() && (taken.len() * bit) as u64 <= most {
        taken.push(vec![1_u8; bit]);
        k.sample(USAGE.name(place.version), USAGE.number(place), limit, "bytes");
    }
    k.gate(HELD)
}

/// Waits until the kernel has back what a killed process held. wait(2) does not wait for that, since
/// the kernel's OOM reaper may hold it yet: who comes into the full group would be killed next.
pub fn given_back(k: &Kernel, group: &Group, limit: u64) -> Result<()> {
    let place = group.controller(&["memory"])?;
    k.until_it_holds(|| USAGE.number(place) <= limit / 2)
}
