//! Memory: at the limit the kernel first takes pages back, then ends a process.
//!
//! admin-guide/cgroup-v1/memory, admin-guide/cgroup-v2 "Memory"

use crate::error::Result;
use crate::kernel::cgroup::{Group, Place, Version};
use crate::kernel::{Kernel, proc};

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
    let file =
        place.path.join(if place.version == Version::V1 { "memory.memsw.limit_in_bytes" } else { "memory.swap.max" });
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

/// How often the kernel ended a process of the group at its limit: the counter
/// `oom_kill` of `memory.events` (v2) or `memory.oom_control` (v1).
pub fn kills(group: &Group) -> u64 {
    let Some(place) = group.find(&["memory"]) else { return 0 };
    let file = if place.version == Version::V1 { "memory.oom_control" } else { "memory.events" };
    proc::counter(&place.path.join(file), "oom_kill").unwrap_or(0)
}
