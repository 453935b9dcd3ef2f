//! `--device`, and what stands in the way of all other devices.

use std::fs::File;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::support::{check, is_root, lacks, needs_root, refused, run, scratch};
use crate::{Outcome, inside};

/// A device that no container has by itself, and that root of this machine may open.
fn some_device() -> Result<String, libtest_mimic::Failed> {
    let known = ["/dev/fuse", "/dev/loop-control", "/dev/net/tun", "/dev/kvm"].map(str::to_owned);
    let disks = std::fs::read_dir("/sys/class/block")?.flatten();
    let disks = disks.map(|disk| format!("/dev/{}", disk.file_name().display()));
    let is_device = |path: &String| std::fs::metadata(path).is_ok_and(|found| found.rdev() != 0);
    let usable = |path: &String| is_device(path) && (!is_root() || File::open(path).is_ok());
    known.into_iter().chain(disks).find(usable).ok_or_else(|| lacks("a device beside the usual ones"))
}

pub fn given() -> Outcome {
    let device = some_device()?;
    let device = device.as_str();
    let kind = |path: &str| format!("stat -c %t:%T {path} 2>/dev/null || echo none");
    let found = std::fs::metadata(device)?;
    let (major, minor) = (nix::sys::stat::major(found.rdev()), nix::sys::stat::minor(found.rdev()));
    let numbers = format!("{major:x}:{minor:x}\n");
    check(inside(&[], &kind(device))? == "none\n", "no container has it by itself")?;
    check(inside(&["--device", device], &kind(device))? == numbers, "the same device")?;
    check(inside(&["--device", &format!("{device}:/dev/mine")], &kind("/dev/mine"))? == numbers, "by another name")?;
    check(inside(&["--device", &format!("{device}:/a/b/c:rwm")], &kind("/a/b/c"))? == numbers, "in a new directory")?;
    if is_root() {
        check(inside(&["--device", device], &format!("exec 5<{device} && echo open"))? == "open\n", "it can be used")?;
        check(
            inside(&["--device", device, "--init"], &format!("exec 5<{device} && echo open"))? == "open\n",
            "under an init",
        )?;
    }
    again(device)?;
    refused(&["run", "--device", "/dev/no-such-device", "host", "true"], 2, &["/dev/no-such-device is no device"])?;
    refused(&["run", "--device", "/etc/passwd", "host", "true"], 2, &["/etc/passwd is no device"])?;
    refused(&["run", "--device", "dev/null", "host", "true"], 2, &["'dev/null' is no device", "begin with /"])?;
    refused(
        &["run", "--device", &format!("{device}:/dev/x:q"), "host", "true"],
        2,
        &["is no device", "SOURCE:TARGET:rwm"],
    )?;
    refused(&["run", "--device", &format!("{device}:/dev/../x"), "host", "true"], 2, &["no '..'"])
}

/// What was made in a directory that is the root is there for the next container.
fn again(device: &str) -> Outcome {
    let root = scratch("again");
    std::fs::copy(env!("CARGO_BIN_EXE_boxlab"), root.join("boxlab"))?;
    let root = root.to_string_lossy();
    let run =
        |device: &str| run(&["run", "--device", &format!("{device}:/mine"), "--rootfs", &root, "/boxlab", "--version"]);
    for _ in 0..2 {
        let ran = run(device);
        check(ran.status == 0, format!("{ran:?}"))?;
    }
    let ran = run("/dev/zero");
    let refused = ran.status == 125 && ran.stderr.contains("EEXIST");
    check(refused || !is_root(), format!("another device by that name: {ran:?}"))
}

/// The third part of the option is what the devices cgroup lets through.
pub fn accesses() -> Outcome {
    needs_root()?;
    let device = some_device()?;
    let device = device.as_str();
    let tried = |access: &str| {
        let option = format!("{device}:/dev/mine:{access}");
        let script = "(exec 5</dev/mine) 2>/dev/null && echo read; (exec 5>/dev/mine) 2>/dev/null && echo write; \
            (exec 5<>/dev/mine) 2>/dev/null && echo both; true";
        inside(&["--device", &option], script)
    };
    let all = tried("rwm")?;
    check(all.starts_with("read\n"), format!("rwm: {all}"))?;
    check(tried("r")? == "read\n", "r")?;
    check(!tried("w")?.contains("read") && !tried("w")?.contains("both"), "w")?;
    check(tried("m")?.is_empty(), "m")?;
    check(tried("rw")? == all, "rw")
}

/// A node is harmless where it can't be opened.
pub fn others() -> Outcome {
    needs_root()?;
    let disks = std::fs::read_dir("/sys/class/block")?.flatten().map(|disk| Path::new("/dev").join(disk.file_name()));
    let is_disk = |path: &std::path::PathBuf| path.metadata().is_ok_and(|found| found.file_type().is_block_device());
    let mut numbers: Vec<(char, u64)> =
        disks.filter(is_disk).filter_map(|path| Some(('b', path.metadata().ok()?.rdev()))).collect();
    let devices =
        ["/dev/mem", "/dev/kmsg", "/dev/port", "/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/tty1", "/dev/ttyS0"];
    numbers.extend(devices.iter().filter_map(|path| Some(('c', std::fs::metadata(path).ok()?.rdev()))));
    for (kind, number) in numbers {
        let (major, minor) = (nix::sys::stat::major(number), nix::sys::stat::minor(number));
        let script = format!("mknod /tmp/node {kind} {major} {minor} && echo made; exec 5</tmp/node");
        let ran = run(&["run", "host", "sh", "-c", &script]);
        let refused = ran.stdout == "made\n" && ran.stderr.contains("Operation not permitted");
        check(refused, format!("{kind} {major}:{minor}: {ran:?}"))?;
    }
    check(inside(&[], "mknod /tmp/null c 1 3 && echo > /tmp/null && echo usable")? == "usable\n", "the usual ones work")
}
