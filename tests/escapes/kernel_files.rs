//! Files by which the kernel is told what to do, or tells about the machine.

use super::{Outcome, attack, unconfined};
use crate::support::{check, is_root};

/// What the kernel runs as root on the host, or does to the machine, when told to.
const RULING: [&str; 12] = [
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hotplug",
    "/proc/sys/kernel/poweroff_cmd",
    "/proc/sys/kernel/panic",
    "/proc/sys/vm/drop_caches",
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sysrq-trigger",
    "/proc/irq/default_smp_affinity",
    "/sys/kernel/uevent_helper",
    "/sys/power/state",
    "/sys/kernel/rcu_expedited",
];

/// Harmless for whoever can write to them: each opener sets a trigger of its own
/// there, about pressure that anybody may read of.
const HARMLESS: &str = "/proc/pressure/";

/// CVE-2022-0492: the program that v1 runs, as root on the host, when a cgroup is
/// empty; in the container's own view of its cgroups, and in one that it mounts.
pub fn release_agent() -> Outcome {
    let ran = attack(&[], &["writable", "/sys/fs/cgroup"]);
    check(ran.status == 0 && ran.stdout.is_empty(), format!("of its own cgroups this is writable: {ran:?}"))?;
    for options in [&[][..], &["--security-opt", "seccomp=unconfined"], &["--cap-add", "DAC_OVERRIDE"]] {
        let ran = attack(options, &["release"]);
        check(ran.status == 0, format!("{options:?}: {ran:?}"))?;
        check(!ran.stdout.contains("release_agent: ok"), format!("{options:?}: {ran:?}"))?;
        let mounted = ran.stdout.lines().any(|line| line.starts_with("mount ") && line.ends_with(": ok"));
        check(!mounted || options[..].contains(&"seccomp=unconfined"), format!("{options:?}: {ran:?}"))?;
    }
    let ran = attack(&[], &["release"]);
    check(ran.stdout.contains("unshare: EPERM"), format!("the filter forbids the way in: {ran:?}"))?;
    if is_root() {
        let ran = attack(&["--privileged"], &["writable", "/sys/fs/cgroup"]);
        check(ran.stdout.contains("cgroup.procs"), format!("--privileged gives them away: {ran:?}"))?;
    }
    Ok(())
}

/// Each by its name.
pub fn files_that_rule_the_machine() -> Outcome {
    for options in [&[][..], &["--init"], &["--user", "0:0"], &["--network", "host"]] {
        let ran = attack(options, &[&["open"], &RULING[..]].concat());
        let refused = |line: &str| [": EROFS", ": EACCES", ": ENOENT", ": EPERM"].iter().any(|end| line.ends_with(end));
        check(ran.status == 0 && ran.stdout.lines().all(refused), format!("{options:?}: {ran:?}"))?;
        check(ran.stdout.lines().count() == RULING.len(), format!("{options:?}: all were tried: {ran:?}"))?;
    }
    if is_root() {
        for options in [&["--privileged"][..], &["--security-opt", "systempaths=unconfined"]] {
            let ran = attack(&unconfined(options), &["open", RULING[0]]);
            check(ran.stdout.contains(": ok"), format!("{options:?} takes the guard away: {ran:?}"))?;
        }
    }
    Ok(())
}

/// And all there are: a file of /proc or /sys that somebody forgot is found too.
pub fn nothing_is_writable() -> Outcome {
    for options in [&[][..], &["--network", "host"]] {
        let ran = attack(options, &["writable", "/proc", "/sys"]);
        check(ran.status == 0, format!("{options:?}: {ran:?}"))?;
        let found: Vec<&str> = ran.stdout.lines().filter(|path| !path.starts_with(HARMLESS)).collect();
        check(found.is_empty(), format!("{options:?}: these can be opened for writing: {found:#?}"))?;
    }
    if is_root() {
        let ran = attack(&unconfined(&["--security-opt", "systempaths=unconfined"]), &["writable", "/proc"]);
        check(ran.stdout.lines().count() > 100, format!("they are there to be found: {ran:?}"))?;
    }
    Ok(())
}

/// Memory, keys, timers and firmware of the host.
pub fn what_tells_of_the_machine() -> Outcome {
    let files =
        ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/interrupts", "/proc/sched_debug", "/proc/kmsg"];
    let devices = ["/dev/mem", "/dev/kmsg", "/dev/port", "/dev/kvm", "/dev/fuse", "/dev/net/tun"];
    let directories = ["/proc/acpi", "/proc/scsi", "/proc/asound", "/sys/firmware", "/sys/devices/virtual/powercap"];
    let ran = attack(&[], &[&["read"], &files[..], &devices[..]].concat());
    let nothing = |line: &str| [": 0 bytes ", ": EACCES", ": ENOENT", ": EPERM"].iter().any(|end| line.ends_with(end));
    check(ran.status == 0 && ran.stdout.lines().all(nothing), format!("{ran:?}"))?;
    let ran = attack(&[], &[&["list"], &directories[..]].concat());
    check(ran.status == 0, format!("{ran:?}"))?;
    let empty = |line: &str| line.ends_with(": 0 entries") || line.ends_with(": ENOENT");
    check(ran.stdout.lines().all(empty), format!("{ran:?}"))?;
    if is_root() {
        let ran = attack(&["--privileged"], &["read", "/proc/timer_list", "/dev/kmsg"]);
        check(!ran.stdout.contains(": 0 bytes"), format!("--privileged uncovers them: {ran:?}"))?;
    }
    Ok(())
}
