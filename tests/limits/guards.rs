//! What the program of a container may do.

use std::os::unix::fs::PermissionsExt;

use boxlab::kernel::{CapSet, CapSets};

use crate::support::{Ran, check, is_root, refused, run, scratch};
use crate::{Outcome, inside};

/// The word that makes this program say who it is.
pub const WHO: &str = "--who";

/// Docker's 14.
const DEFAULT: u64 = 0xa804_25fb;

/// Who runs this program: real and effective user.
pub fn say_who() {
    println!("{} {}", nix::unistd::getuid(), nix::unistd::geteuid());
}

/// All that root of a container can be given here.
fn all() -> u64 {
    if is_root() { CapSets::own().bounding.bits() } else { CapSet::all().bits() }
}

/// A set of the program, of /proc/self/status.
fn set(options: &[&str], name: &str) -> Result<u64, libtest_mimic::Failed> {
    let text = inside(options, &format!("grep ^{name}: /proc/self/status | cut -f2"))?;
    Ok(u64::from_str_radix(text.trim(), 16)?)
}

fn bit(name: &str) -> u64 {
    CapSet::from_name(name).expect("a capability").bits()
}

pub fn capabilities() -> Outcome {
    for (options, wanted) in [
        (&[][..], DEFAULT),
        (&["--init"], DEFAULT),
        (&["--cap-add", "NET_ADMIN"], DEFAULT | bit("NET_ADMIN")),
        (&["--cap-add", "cap_net_admin", "--cap-add", "sys_time"], DEFAULT | bit("NET_ADMIN") | bit("SYS_TIME")),
        (&["--cap-drop", "CAP_CHOWN"], DEFAULT & !bit("CHOWN")),
        (&["--cap-drop", "ALL"], 0),
        (&["--cap-drop", "all", "--cap-add", "CHOWN"], bit("CHOWN")),
        (&["--cap-add", "ALL"], all()),
        (&["--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"], all() & !bit("SYS_ADMIN")),
        (&["--privileged"], all()),
        (&["--privileged", "--init"], all()),
    ] {
        for name in ["CapEff", "CapPrm", "CapBnd"] {
            let found = set(options, name)?;
            check(found == wanted, format!("{options:?}: {name} is {found:016x}, not {wanted:016x}"))?;
        }
        for name in ["CapInh", "CapAmb"] {
            check(set(options, name)? == 0, format!("{options:?}: {name} is empty"))?;
        }
    }
    refused(&["run", "--cap-add", "NET_ADMINN", "host", "true"], 2, &["no capability 'NET_ADMINN'"])?;
    refused(&["run", "--cap-drop", "", "host", "true"], 2, &["no capability ''"])
}

pub fn capabilities_by_effect() -> Outcome {
    let works = |options: &[&str], script: &str| -> Result<bool, libtest_mimic::Failed> {
        Ok(inside(options, &format!("{script} 2>/dev/null && echo works || true"))? == "works\n")
    };
    for (capability, kept, script) in [
        ("CHOWN", true, "touch /tmp/file && chown 1:1 /tmp/file"),
        ("SYS_CHROOT", true, "chroot / true"),
        ("MKNOD", true, "mknod /tmp/node c 1 3"),
        ("SYS_ADMIN", false, "hostname other"),
        ("NET_ADMIN", false, "ip link set lo down"),
    ] {
        // In a user namespace no one makes nodes, and without ranges no one gives files away.
        let elsewhere = !is_root() && (capability == "MKNOD" || capability == "CHOWN");
        if elsewhere {
            check(!works(&["--cap-drop", capability], script)?, format!("{script} without CAP_{capability}"))?;
            continue;
        }
        let (with, without) =
            if kept { (&[][..], ["--cap-drop", capability]) } else { (&["--cap-add", capability][..], ["-e", "A=1"]) };
        check(works(with, script)?, format!("{script} works with CAP_{capability}"))?;
        check(!works(&without, script)?, format!("{script} does not without"))?;
    }
    Ok(())
}

/// Without ranges of ids no other user exists in the container.
fn needs_other_users() -> Outcome {
    let ran = run(&["run", "--user", "33", "host", "true"]);
    if ran.stderr.contains("is not mapped") {
        return Err(crate::support::lacks("a range of ids in /etc/subuid"));
    }
    check(ran.status == 0, format!("{ran:?}"))
}

pub fn capabilities_of_other_users() -> Outcome {
    needs_other_users()?;
    for options in [&["--user", "33"][..], &["--user", "33", "--init"], &["--user", "33", "--cap-add", "NET_ADMIN"]] {
        for name in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
            check(set(options, name)? == 0, format!("{options:?}: {name} is empty"))?;
        }
    }
    check(set(&["--user", "33"], "CapBnd")? == DEFAULT, "a setuid program gains these at most")?;
    check(set(&["--user", "33", "--cap-drop", "ALL"], "CapBnd")? == 0, "or none")?;
    check(set(&["--user", "33", "--cap-add", "NET_ADMIN"], "CapBnd")? == DEFAULT | bit("NET_ADMIN"), "or more")
}

pub fn privileged() -> Outcome {
    let status = |options: &[&str]| inside(options, "grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status | cut -f2");
    check(status(&["--privileged"])? == "0\n0\n", "no filter")?;
    check(status(&[])? == "0\n2\n", "a filter is usual")?;
    let covered = "stat -c %F /proc/keys";
    check(inside(&[], covered)? == "character special file\n", "covered as a rule")?;
    check(inside(&["--privileged"], covered)?.starts_with("regular"), "not here")?;
    if is_root() {
        let writable = "test -w /proc/sys/kernel/core_pattern && touch -c /sys/fs/cgroup && echo writable";
        check(inside(&["--privileged"], writable)? == "writable\n", "/proc/sys and /sys can be written to")?;
        let disks = "ls /dev | wc -l";
        let count =
            |options: &[&str]| -> Result<u32, libtest_mimic::Failed> { Ok(inside(options, disks)?.trim().parse()?) };
        check(count(&["--privileged"])? > count(&[])? + 3, "the host's devices are there")?;
    }
    Ok(())
}

/// A program that belongs to root and is setuid, run by another user.
fn run_setuid(options: &[&str]) -> Result<Ran, libtest_mimic::Failed> {
    let root = scratch("setuid");
    let program = root.join("who");
    if !program.exists() {
        std::fs::copy(std::env::current_exe()?, &program)?;
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o4755))?;
        std::fs::set_permissions(&root, PermissionsExt::from_mode(0o755))?;
    }
    let root = root.to_string_lossy();
    Ok(run(&[&["run", "--user", "33"], options, &["--rootfs", &root, "/who", WHO]].concat()))
}

pub fn no_new_privileges() -> Outcome {
    let said = |options: &[&str]| inside(options, "grep ^NoNewPrivs /proc/self/status | cut -f2");
    check(said(&[])? == "0\n", "not by itself")?;
    for value in ["no-new-privileges", "no-new-privileges=true", "no-new-privileges:true"] {
        check(said(&["--security-opt", value])? == "1\n", value)?;
        check(said(&["--init", "--security-opt", value])? == "1\n", value)?;
    }
    check(said(&["--security-opt", "no-new-privileges=false"])? == "0\n", "nor if it is false")?;
    needs_other_users()?;
    for init in [&[][..], &["--init"]] {
        let gained = run_setuid(init)?;
        check(gained.stdout == "33 0\n", format!("{init:?}: a setuid program is root's: {gained:?}"))?;
        let kept = run_setuid(&[init, &["--security-opt", "no-new-privileges"]].concat())?;
        check(kept.stdout == "33 33\n", format!("{init:?}: and gains nothing: {kept:?}"))?;
    }
    Ok(())
}

pub fn security_options() -> Outcome {
    let covered = "stat -c %F /proc/keys";
    let uncovered = inside(&["--security-opt", "systempaths=unconfined"], covered)?;
    check(uncovered.starts_with("regular"), format!("systempaths=unconfined: {uncovered}"))?;
    let filter = |options: &[&str]| inside(options, "grep ^Seccomp: /proc/self/status | cut -f2");
    check(filter(&["--security-opt", "seccomp=unconfined"])? == "0\n", "seccomp=unconfined")?;
    for wrong in ["nonsense", "systempaths=confined", "no-new-privileges=maybe", "=", ""] {
        let words = ["run", "--security-opt", wrong, "host", "true"];
        refused(&words, 2, &["security option", "no-new-privileges"])?;
    }
    Ok(())
}

pub fn groups() -> Outcome {
    if needs_other_users().is_err() {
        return refused(&["run", "--group-add", "44", "host", "true"], 125, &["other groups", "/etc/subgid"]);
    }
    let groups = "id -G";
    check(inside(&["--group-add", "44", "--group-add", "tty"], groups)? == "0 5 44\n", "by number and by name")?;
    check(inside(&["--user", "33:34", "--group-add", "44"], groups)? == "34 44\n", "of another user")?;
    refused(&["run", "--group-add", "nobody-knows", "host", "true"], 125, &["no group 'nobody-knows'"])
}

pub fn sysctls() -> Outcome {
    let host = std::fs::read_to_string("/proc/sys/net/ipv4/ip_default_ttl")?;
    let read = "cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/shmmni";
    let options = ["--sysctl", "net.ipv4.ip_default_ttl=33", "--sysctl", "kernel.shmmni=77"];
    check(inside(&options, read)? == "33\n77\n", "settings of its network and IPC namespaces")?;
    check(std::fs::read_to_string("/proc/sys/net/ipv4/ip_default_ttl")? == host, "the host keeps its own")?;
    let refused_as = |options: &[&str], status, word: &str| {
        refused(&[&["run"], options, &["host", "true"]].concat(), status, &[word])
    };
    refused_as(&["--sysctl", "kernel.core_pattern=x"], 2, "cannot set kernel.core_pattern for a container alone")?;
    refused_as(&["--sysctl", "vm.swappiness=1"], 2, "the machine's")?;
    refused_as(&["--network", "host", "--sysctl", "net.ipv4.ip_forward=1"], 2, "shares that namespace with the host")?;
    refused_as(&["--without", "net", "--sysctl", "net.ipv4.ip_forward=1"], 2, "shares that namespace")?;
    refused_as(&["--without", "ipc", "--sysctl", "kernel.shmmni=77"], 2, "shares that namespace")?;
    refused_as(&["--sysctl", "net.ipv4.no_such_setting=1"], 125, "ENOENT")?;
    refused_as(&["--sysctl", "net.ipv4.ip_forward=many"], 125, "EINVAL")?;
    refused_as(&["--sysctl", "net.ipv4.ip_forward"], 2, "NAME=VALUE")?;
    for name in ["net/../kernel/core_pattern", "net...kernel.core_pattern", "net.ipv4/ip_forward"] {
        refused_as(&["--sysctl", &format!("{name}=1")], 2, "is no setting's name")?;
    }
    Ok(())
}
