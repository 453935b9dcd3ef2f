//! The options of `run` that limit what a container may use, as Docker has them.

use std::path::Path;

use clap::Args;

use super::size;
use crate::container::limits::Limits;
use crate::error::{Error, Result};
use crate::kernel::bpf::DeviceRule;
use crate::kernel::limits::Limit;
use crate::kernel::{cgroup, disk, proc};
use crate::primitives::cgroup::cpu::{Cpu, PERIOD};
use crate::primitives::cgroup::cpuset::Cpuset;
use crate::primitives::cgroup::io::{Io, Kind, Rate};
use crate::primitives::cgroup::mem::{Memory, Swap};

/// Less memory than this can't start a program, Docker says.
const LEAST_MEMORY: u64 = 6 << 20;

/// What a container may use.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitOptions {
    /// So much memory; at the limit a process is ended
    #[arg(short, long, value_name = "SIZE", value_parser = size::parse)]
    memory: Option<u64>,
    /// Memory and swap together; -1 for all the swap there is [default: twice the memory]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    memory_swap: Option<String>,
    /// What it may keep when the machine runs short
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    memory_reservation: Option<u64>,
    /// How soon it is ended when the machine runs short: -1000 (never) to 1000
    #[arg(long, value_name = "SCORE", allow_hyphen_values = true, value_parser = clap::value_parser!(i32).range(-1000..=1000))]
    oom_score_adj: Option<i32>,
    /// So many processors' time: 1.5
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    cpus: Option<f64>,
    /// Microseconds of processor time in each period
    #[arg(long, value_name = "MICROSECONDS", conflicts_with = "cpus", value_parser = clap::value_parser!(u64).range(1000..))]
    cpu_quota: Option<u64>,
    /// Length of the quota's period
    #[arg(long, value_name = "MICROSECONDS", conflicts_with = "cpus", value_parser = clap::value_parser!(u64).range(1000..=1_000_000))]
    cpu_period: Option<u64>,
    /// Weight against others when all want to run; 1024 is the usual one
    #[arg(short, long, value_name = "WEIGHT", value_parser = clap::value_parser!(u64).range(2..=262_144))]
    cpu_shares: Option<u64>,
    /// Only these processors: 0-2,4
    #[arg(long, value_name = "LIST")]
    cpuset_cpus: Option<String>,
    /// Memory of these nodes only: 0,1
    #[arg(long, value_name = "LIST")]
    cpuset_mems: Option<String>,
    /// So many processes and threads; 0 or -1 for no limit
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true, value_parser = clap::value_parser!(i64).range(-1..))]
    pids_limit: Option<i64>,
    /// Weight of disk access against others, 10 to 1000
    #[arg(long, value_name = "WEIGHT", value_parser = clap::value_parser!(u16).range(10..=1000))]
    blkio_weight: Option<u16>,
    /// Bytes a second that it reads from a disk: /dev/sda:1m
    #[arg(long, value_name = "DEVICE:SIZE")]
    device_read_bps: Vec<String>,
    /// Bytes a second that it writes to a disk
    #[arg(long, value_name = "DEVICE:SIZE")]
    device_write_bps: Vec<String>,
    /// Reads a second from a disk: /dev/sda:100
    #[arg(long, value_name = "DEVICE:NUMBER")]
    device_read_iops: Vec<String>,
    /// Writes a second to a disk
    #[arg(long, value_name = "DEVICE:NUMBER")]
    device_write_iops: Vec<String>,
    /// A limit for each of its processes: nofile=1024:2048
    #[arg(long, value_name = "NAME=SOFT:HARD")]
    ulimit: Vec<String>,
}

impl LimitOptions {
    /// All of them, but for what this host can't do; `devices` are those it may use.
    /// In a user namespace no hard limit can be raised.
    pub fn limits(&self, devices: Option<Vec<DeviceRule>>, in_user_namespace: bool) -> Result<Limits> {
        if let Some(score) = self.oom_score_adj {
            may_lower(score)?;
        }
        let rlimits: Vec<Limit> = self.ulimit.iter().map(|text| Limit::parse(text)).collect::<Result<_>>()?;
        if let Some(raised) =
            rlimits.iter().find(|limit| in_user_namespace && limit.hard > Limit::own(limit.resource).hard)
        {
            let error = Error::new(format!("cannot raise the hard limit {}", raised.resource.name));
            return Err(error.hint("Root of a user namespace can't raise it: ask for no more than `ulimit -Ha` shows."));
        }
        Ok(Limits {
            memory: self.memory()?,
            cpu: self.cpu()?,
            cpuset: Cpuset { cpus: self.cpuset_cpus.clone(), mems: self.cpuset_mems.clone() },
            pids: self.pids_limit.and_then(|most| u64::try_from(most).ok()).filter(|most| *most > 0),
            io: self.io()?,
            devices,
            oom_score_adj: self.oom_score_adj,
            rlimits,
        })
    }

    fn memory(&self) -> Result<Memory> {
        let wrong = |text: String| Err(Error::usage(text));
        let with_swap = match self.memory_swap.as_deref() {
            None => None,
            Some("-1") => Some(Swap::Unlimited),
            Some(text) => Some(Swap::Total(size::parse(text).map_err(Error::usage)?)),
        };
        match (self.memory, with_swap) {
            (Some(memory), _) if memory < LEAST_MEMORY => return wrong("--memory must be 6m at least".to_owned()),
            (None, Some(_)) => return wrong("--memory-swap limits both together: give --memory too".to_owned()),
            (Some(memory), Some(Swap::Total(total))) if total < memory => {
                return wrong("--memory-swap counts memory too: it can't be less than --memory".to_owned());
            }
            _ => {}
        }
        if self.memory.zip(self.memory_reservation).is_some_and(|(limit, reserved)| reserved > limit) {
            return wrong("--memory-reservation can't be more than --memory".to_owned());
        }
        Ok(Memory { limit: self.memory, with_swap, reservation: self.memory_reservation })
    }

    fn cpu(&self) -> Result<Cpu> {
        let mut cpu = Cpu { quota: self.cpu_quota, period: self.cpu_period, shares: self.cpu_shares };
        if let Some(cpus) = self.cpus {
            let here = proc::processors();
            if !(0.01..=here as f64).contains(&cpus) {
                return Err(Error::usage(format!(
                    "--cpus {cpus} is not from 0.01 to {here}, the processors of this machine"
                )));
            }
            cpu.quota = Some((cpus * PERIOD as f64).round() as u64);
        }
        Ok(cpu)
    }

    fn io(&self) -> Result<Io> {
        let kinds = [
            (&self.device_read_bps, Kind::ReadBytes),
            (&self.device_write_bps, Kind::WriteBytes),
            (&self.device_read_iops, Kind::ReadOperations),
            (&self.device_write_iops, Kind::WriteOperations),
        ];
        let all = kinds.into_iter().flat_map(|(texts, kind)| texts.iter().map(move |text| rate(text, kind)));
        Ok(Io { weight: self.blkio_weight, rates: all.collect::<Result<_>>()? })
    }

    /// True if a cgroup must hold something of it.
    pub fn need_cgroups(limits: &Limits) -> bool {
        let none = cgroup::Group::default();
        let without = Limits { rlimits: Vec::new(), ..limits.clone() };
        without.check(&none).is_err()
    }
}

/// `DEVICE:RATE`
fn rate(text: &str, kind: Kind) -> Result<Rate> {
    let wrong = || Error::usage(format!("'{text}' is no rate")).hint("Write DEVICE:RATE, as in /dev/sda:1m.");
    let (path, most) = text.rsplit_once(':').ok_or_else(wrong)?;
    let most = match kind {
        Kind::ReadBytes | Kind::WriteBytes => size::parse(most).map_err(Error::usage)?,
        Kind::ReadOperations | Kind::WriteOperations => most.parse().map_err(|_| wrong())?,
    };
    if most == 0 {
        return Err(wrong());
    }
    // Of a partition the whole disk is counted.
    disk::behind(Path::new(path)).map(|disk| Rate { kind, device: disk.numbers, most })
}

/// Only CAP_SYS_RESOURCE may lower the score below what it is.
fn may_lower(score: i32) -> Result<()> {
    let now = proc::own_oom_score_adj();
    if score >= now || crate::kernel::limits::can_raise() {
        return Ok(());
    }
    Err(Error::new(format!("cannot lower the OOM score to {score}: it is {now} here"))
        .hint("Only CAP_SYS_RESOURCE on the host itself may lower it."))
}
