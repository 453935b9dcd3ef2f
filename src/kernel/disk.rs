//! Which disk a file lies on. Limits for block devices count whole disks, by their
//! numbers. stat(2), sysfs(5)

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::stat::{SFlag, major, minor, stat};

use super::proc;
use crate::error::{Error, IoContext, Result};

/// A whole block device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Its name in /dev: `sda`, `nvme0n1`, `dm-0`.
    pub name: String,
    /// Major and minor number.
    pub numbers: (u64, u64),
}

impl Disk {
    /// Stands for the one that a plan would find elsewhere.
    pub fn imagined() -> Self {
        Self { name: "sda".to_owned(), numbers: (8, 0) }
    }
}

/// The disk beneath the filesystem of a file or directory.
pub fn beneath(path: &Path) -> Result<Disk> {
    let found = stat(path).map_err(std::io::Error::from).or_fail(|| format!("cannot look at {}", path.display()))?;
    whole(major(found.st_dev), minor(found.st_dev)).ok_or_else(|| none_beneath(path))
}

/// The disk that a device node leads to, or the one that its partition is on.
pub fn behind(node: &Path) -> Result<Disk> {
    let found = stat(node).map_err(std::io::Error::from).or_fail(|| format!("cannot look at {}", node.display()))?;
    let is_block = SFlag::from_bits_truncate(found.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFBLK;
    let disk = if is_block { whole(major(found.st_rdev), minor(found.st_rdev)) } else { None };
    disk.ok_or_else(|| {
        Error::usage(format!("{} is no block device", node.display())).hint("`lsblk` lists those of this machine.")
    })
}

/// A partition is a directory in that of its disk.
fn whole(major: u64, minor: u64) -> Option<Disk> {
    let directory = fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok()?;
    let is_partition = proc::exists(&directory.join("partition"));
    let disk = if is_partition { directory.parent()?.to_owned() } else { directory };
    let numbers = fs::read_to_string(disk.join("dev")).ok()?;
    let (major, minor) = numbers.trim().split_once(':')?;
    let name = disk.file_name()?.to_string_lossy().into_owned();
    Some(Disk { name, numbers: (major.parse().ok()?, minor.parse().ok()?) })
}

/// tmpfs, overlayfs, NFS and btrfs have a number that stands for no disk.
fn none_beneath(path: &Path) -> Error {
    let mounts = proc::mounts("self").unwrap_or_default();
    let real = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    let above = mounts.iter().filter(|mount| real.starts_with(&mount.point));
    let mount = above.max_by_key(|mount| mount.point.components().count());
    let kind = mount.map_or_else(|| "filesystem".to_owned(), |mount| mount.kind.clone());
    Error::new(format!("{} lies on no block device that could be limited: it is on {kind}", path.display())).hint(
        "Choose a directory on a disk with --file DIR, or a disk with --device /dev/NAME;\n\
         `findmnt -o TARGET,FSTYPE,SOURCE` shows what lies where.",
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{behind, beneath};

    #[test]
    fn memory_is_no_disk() {
        let error = beneath(Path::new("/proc/self")).expect_err("proc is on no disk");
        assert!(error.to_string().contains("it is on proc"), "{error}");
        assert!(behind(Path::new("/dev/null")).is_err());
    }
}
