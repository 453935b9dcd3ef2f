//! Block devices: how fast a group may read and write, and its weight against others.
//!
//! admin-guide/cgroup-v1/blkio-controller, admin-guide/cgroup-v2 "IO"

use crate::error::{Error, Result};
use crate::kernel::cgroup::{Group, Place, Version};
use crate::kernel::{Kernel, proc};

/// What is limited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Io {
    /// `--blkio-weight`, 10 to 1000.
    pub weight: Option<u16>,
    /// `--device-read-bps` and its like, in order.
    pub rates: Vec<Rate>,
}

/// A limit for one direction of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// What is counted.
    pub kind: Kind,
    /// Major and minor number of the whole device.
    pub device: (u64, u64),
    /// Bytes or operations a second.
    pub most: u64,
}

/// What is counted, in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `--device-read-bps`
    ReadBytes,
    /// `--device-write-bps`
    WriteBytes,
    /// `--device-read-iops`
    ReadOperations,
    /// `--device-write-iops`
    WriteOperations,
}

impl Kind {
    /// The file of v1, and the key in v2's `io.max`.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::ReadBytes => ("blkio.throttle.read_bps_device", "rbps"),
            Self::WriteBytes => ("blkio.throttle.write_bps_device", "wbps"),
            Self::ReadOperations => ("blkio.throttle.read_iops_device", "riops"),
            Self::WriteOperations => ("blkio.throttle.write_iops_device", "wiops"),
        }
    }
}

/// Sets the limits of a group.
pub fn limit(k: &Kernel, group: &Group, wanted: &Io) -> Result<()> {
    let place = group.controller(&["blkio", "io"])?;
    if !wanted.rates.is_empty() {
        k.step("Limit the rate at a block device: what is too fast has to wait");
    }
    for rate in &wanted.rates {
        let (major, minor) = rate.device;
        let (file, key) = rate.kind.names();
        match place.version {
            Version::V1 => k.set(&place.path.join(file), &format!("{major}:{minor} {}", rate.most))?,
            Version::V2 => k.set(&place.path.join("io.max"), &format!("{major}:{minor} {key}={}", rate.most))?,
        }
    }
    wanted.weight.map_or(Ok(()), |weight| weigh(k, place, weight))
}

/// Which file takes a weight depends on the I/O scheduler that the kernel has.
fn weigh(k: &Kernel, place: &Place, weight: u16) -> Result<()> {
    k.step("Weigh its disk access against others");
    let scaled = 1 + (u64::from(weight) - 10) * 9_999 / 990;
    let plain = weight.to_string();
    let known = [("blkio.weight", plain.clone()), ("blkio.bfq.weight", plain.clone()), ("io.bfq.weight", plain)];
    let known = known.into_iter().chain([("io.weight", scaled.to_string())]);
    let found = known.into_iter().find(|(file, _)| proc::exists(&place.path.join(file)));
    let (file, value) = found.ok_or_else(no_weights)?;
    k.set(&place.path.join(file), &value)
}

fn no_weights() -> Error {
    Error::new("this kernel can't weigh block I/O: there is no blkio.weight and no io.weight")
        .hint("They come with the I/O scheduler BFQ or with io.cost; leave out --blkio-weight.")
}
