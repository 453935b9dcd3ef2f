//! What a limit for block devices is shown at: blocks that go to and from a disk,
//! past the page cache.
//!
//! What is written to the page cache is brought to the disk later, by the kernel's
//! own threads: v1 can't say for whom, and does not limit it. open(2), O_DIRECT

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use crate::error::{Context, Result};
use crate::kernel::cgroup::Version;
use crate::kernel::errno::{EINVAL, EPERM};
use crate::kernel::gauge::Gauge;
use crate::kernel::load::{BLOCK, Bounds, Direction, transfer};
use crate::kernel::{Kernel, O_DIRECT, O_RDONLY, O_RDWR, O_TMPFILE};

/// How many bytes went to and from each device.
pub const COUNTER: Gauge = Gauge::new("blkio.throttle.io_service_bytes", "io.stat");

/// The gate between two rounds, at which the limit is set.
pub const ROUND: &str = "without a limit";

/// The limits, in bytes a second, and how long each is tried.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// `None` if nothing is to be written.
    pub write: Option<u64>,
    /// What may be read.
    pub read: u64,
    /// For each direction.
    pub time: Duration,
}

/// Child: a file without a name on that filesystem, gone when it is closed.
pub fn unnamed(k: &Kernel, directory: &Path) -> Result<OwnedFd> {
    k.step("Open a file that bypasses the page cache, so that the disk is met");
    let flags = O_RDWR | O_DIRECT | O_TMPFILE;
    k.open(directory, flags, 0o600).hint(|error| (error.errno() == Some(EINVAL)).then(no_direct))
}

/// Child: a disk, only to be read.
pub fn device(k: &Kernel, node: &Path) -> Result<OwnedFd> {
    k.step("Open the disk to read it, past the page cache");
    let kept_away = || "The `devices` cgroup of this process or a security module keeps it from that disk.".to_owned();
    k.open(node, O_RDONLY | O_DIRECT, 0).hint(|error| (error.errno() == Some(EPERM)).then(kept_away))
}

fn no_direct() -> String {
    "That filesystem knows no O_DIRECT. Choose a directory on another with --file DIR.".to_owned()
}

/// Child: as fast as it goes; then, the limit being set, again.
pub fn measure(k: &Kernel, file: &OwnedFd, trial: Trial) -> Result<()> {
    k.step("Move blocks to and from the disk, as fast as it goes");
    let free = Bounds { block: BLOCK, most: 4 << 20, time: trial.time };
    let before = round(k, file, trial, |_| free, |_, _, _| ())?;
    k.gate(ROUND)?;

    k.step("The same with the limit set: who is too fast sleeps in the kernel");
    // Blocks small enough that a second holds many.
    let block = |limit: u64| usize::try_from(limit / 16).unwrap_or(BLOCK).clamp(4096, BLOCK) & !4095;
    let sample = |what: &str, rate, limit| k.sample(&format!("{what} a second"), rate, limit, "bytes");
    let after = round(k, file, trial, |limit| Bounds { block: block(limit), ..free }, sample)?;
    for (what, before, after) in before.into_iter().zip(after).map(|((what, before), (_, after))| (what, before, after))
    {
        k.state(&format!("{what}, MiB/s"), &mib(before), &mib(after));
    }
    Ok(())
}

type Rates = Vec<(&'static str, u64)>;

fn round(
    k: &Kernel,
    file: &OwnedFd,
    trial: Trial,
    bounds: impl Fn(u64) -> Bounds,
    sample: impl Fn(&str, u64, u64),
) -> Result<Rates> {
    let ways = [("written", Direction::Write, trial.write), ("read", Direction::Read, Some(trial.read))];
    let mut rates = Vec::new();
    for (what, way, limit) in ways.into_iter().filter(|_| !k.plans()) {
        if let Some(limit) = limit {
            rates.push((what, transfer(file, way, bounds(limit), |rate| sample(what, rate, limit))?));
        }
    }
    Ok(rates)
}

fn mib(rate: u64) -> String {
    format!("{:.1}", rate as f64 / f64::from(1 << 20))
}

/// The lines of [`COUNTER`] that are about one device.
pub fn counted(text: &str, numbers: (u64, u64), version: Version) -> Vec<String> {
    let device = format!("{}:{} ", numbers.0, numbers.1);
    let kept = |line: &&str| version == Version::V2 || line.contains("Read") || line.contains("Write");
    text.split("; ").filter(|line| line.starts_with(&device)).filter(kept).map(str::to_owned).collect()
}
