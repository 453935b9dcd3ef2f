//! Links of an image where `run` mounts or writes something: CVE-2021-30465 (the
//! place of a volume), CVE-2019-19921 and CVE-2023-27561 (/proc itself),
//! CVE-2025-31133 (/dev/null), CVE-2025-52565 (/dev/console), CVE-2025-52881 (what
//! is written to in /proc), CVE-2026-41579 (/dev). `race` plays those that need one.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use super::attacker::WORD;
use super::{Outcome, attack_in, attacker, evil_root, forbidden, from_far_below, text, untouched};
use crate::support::{Ran, check, needs_root, scratch, store};

/// Files that, once they can be written to, make the kernel run a program of the
/// attacker's, or end the machine.
const PRIZES: [&str; 2] = ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"];

/// The links by which an image can try to lead to a directory of the host's.
fn links_to(directory: &Path) -> [String; 3] {
    [text(directory), from_far_below(directory), format!("/proc/self/root{}", directory.display())]
}

/// A volume, a memory and a file whose place is a link.
pub fn links_as_targets() -> Outcome {
    let outside = forbidden("targets");
    let secret = outside.join("secret");
    for (index, link) in links_to(&outside).iter().enumerate() {
        let name = format!("targets-{index}");
        let (root, volume) = (evil_root(&name), scratch(&format!("{name}-volume")));
        std::fs::create_dir(root.join("deep"))?;
        symlink(link, root.join("link"))?;
        symlink(link, root.join("deep/link"))?;
        // What is made where a dangling link leads would be made outside.
        symlink(format!("{link}/made"), root.join("dangling"))?;
        symlink(format!("{link}/secret"), root.join("file"))?;
        for place in ["/link", "/link/sub", "/deep/link/sub/sub", "/dangling", "/file"] {
            let bind = format!("{}:{place}", volume.display());
            let one = format!("{}:{place}:ro", volume.join("one").display());
            std::fs::write(volume.join("one"), "")?;
            for options in [["-v", bind.as_str()], ["-v", &one], ["--tmpfs", place], ["--device", &device_at(place)]] {
                let ran = attack_in(&root, &options, &["write", &format!("{place}/mark"), "x"]);
                check(untouched(&outside), format!("{options:?} with {link}: {ran:?}"))?;
                check(std::fs::metadata(&secret)?.len() > 0, "the host's file is covered")?;
            }
        }
        let bind = format!("{}:/link/sub", volume.display());
        let ran = attack_in(&root, &["-v", &bind, "-w", "/link/sub"], &["write", "mark", "x"]);
        let inside = ran.status != 0 || volume.join("mark").exists();
        check(inside && untouched(&outside), format!("the volume is inside, or refused: {ran:?}"))?;
    }
    Ok(())
}

fn device_at(place: &str) -> String {
    format!("/dev/zero:{place}")
}

/// /proc, /sys, /dev and /etc as links: out of the root, or to another place in it.
pub fn links_as_kernel_filesystems() -> Outcome {
    let outside = forbidden("kernel");
    for name in ["proc", "sys", "dev", "etc"] {
        for link in links_to(&outside).iter().chain(&["/other".to_owned(), "other".to_owned()]) {
            let root = evil_root(&format!("kernel-{name}-{}", link.replace('/', "_").len()));
            std::fs::create_dir_all(root.join("other"))?;
            let _ = std::fs::remove_file(root.join(name));
            symlink(link, root.join(name))?;
            let words = ["writable", "/proc/sys", "/other/sys", "/sys", "/other/kernel", "/other/fs"];
            let ran = attack_in(&root, &[], &words);
            check(untouched(&outside), format!("/{name} -> {link}: {ran:?}"))?;
            check(ran.stdout.is_empty(), format!("/{name} -> {link} leaves this writable: {ran:?}"))?;
            let ran = attack_in(&root, &[], &["open", PRIZES[0], PRIZES[1], "/other/sysrq-trigger"]);
            check(!ran.stdout.contains(": ok"), format!("/{name} -> {link} opens this: {ran:?}"))?;
        }
    }
    Ok(())
}

/// What covers the masked files is the null device, whatever the image has by that
/// name: else the file that the link leads to is what is bound, and can be written to.
pub fn a_link_as_null() -> Outcome {
    let before = std::fs::read_to_string(PRIZES[0])?;
    for (index, prize) in PRIZES.iter().enumerate() {
        let root = evil_root(&format!("null-{index}"));
        std::fs::create_dir_all(root.join("dev"))?;
        symlink(prize, root.join("dev/null"))?;
        let volume = scratch(&format!("null-{index}-dev"));
        symlink(prize, volume.join("null"))?;
        let over = format!("{}:/dev", volume.display());
        let linked = evil_root(&format!("null-{index}-linked"));
        std::fs::create_dir_all(linked.join("devices"))?;
        symlink("/devices", linked.join("dev"))?;
        symlink(prize, linked.join("devices/null"))?;
        for (root, options) in [(&root, &[][..]), (&linked, &[]), (&root, &["-v", over.as_str()])] {
            let masked = ["/proc/kcore", "/proc/keys", "/proc/timer_list"];
            let ran = attack_in(root, options, &[&["read"], &masked[..]].concat());
            check(ran.status == 0, format!("{options:?}: {ran:?}"))?;
            let nothing = [": 0 bytes ", ": ENOENT", ": EACCES"];
            let covered = ran.stdout.lines().all(|line| nothing.iter().any(|end| line.ends_with(end)));
            check(covered, format!("{options:?}: a masked file tells something: {ran:?}"))?;
            let ran = attack_in(root, options, &[&["open"], &PRIZES[..]].concat());
            check(ran.status == 0 && !ran.stdout.contains(": ok"), format!("{options:?}: {ran:?}"))?;
            // By the covered file, which is the prize if the link was followed.
            let ran = attack_in(root, options, &["write", "/proc/keys", "|/escaped"]);
            check(std::fs::read_to_string(PRIZES[0])? == before, format!("{options:?}: core_pattern: {ran:?}"))?;
        }
    }
    Ok(())
}

/// With -t a terminal is bound to /dev/console, before anything is made read-only:
/// what is bound there must be the terminal, and there must be /dev/console.
pub fn a_link_as_console() -> Outcome {
    let before = std::fs::read_to_string(PRIZES[0])?;
    for (index, prize) in PRIZES.iter().enumerate() {
        let parent = Path::new(prize).parent().unwrap_or(Path::new("/"));
        let links = [("dev/console", *prize), ("dev/pts", "/proc/sys/kernel"), ("dev/ptmx", *prize)];
        for (number, (name, link)) in links.into_iter().enumerate() {
            let root = evil_root(&format!("console-{index}-{number}"));
            std::fs::create_dir_all(root.join("dev"))?;
            symlink(link, root.join(name))?;
            console(&root, &[], &before)?;
        }
        let root = evil_root(&format!("console-{index}-dev"));
        symlink(parent, root.join("dev"))?;
        console(&root, &[], &before)?;
        // A volume over /dev, after boxlab's own has been made.
        let volume = scratch(&format!("console-{index}-volume"));
        symlink(prize, volume.join("console"))?;
        std::fs::create_dir_all(volume.join("pts"))?;
        symlink(prize, volume.join("pts/ptmx"))?;
        symlink(prize, volume.join("pts/0"))?;
        console(&evil_root(&format!("console-{index}-over")), &["-v", &format!("{}:/dev", volume.display())], &before)?;
    }
    Ok(())
}

fn console(root: &Path, options: &[&str], before: &str) -> Outcome {
    let options = [&["-t"], options].concat();
    for words in [["open", PRIZES[0], PRIZES[1]], ["write", "/dev/console", "|/escaped"]] {
        let ran = attack_in(root, &options, &words);
        let opened = ran.stdout.lines().any(|line| line.starts_with("/proc/") && line.trim_end().ends_with(": ok"));
        check(!opened, format!("{options:?}: {ran:?}"))?;
        check(std::fs::read_to_string(PRIZES[0])? == before, format!("{options:?}: core_pattern: {ran:?}"))?;
    }
    Ok(())
}

/// Settings and labels are written to the kernel, or nothing is: never to files that
/// an image or a volume has put in their place, and never where a link of theirs leads.
pub fn writes_led_astray() -> Outcome {
    let outside = forbidden("astray");
    let setting = "sys/net/ipv4/ip_forward";
    let fakes =
        [setting, "thread-self/attr/exec", "thread-self/attr/apparmor/exec", "self/attr/exec", "1/oom_score_adj"];
    let fake = |directory: &Path, link: bool| -> std::io::Result<()> {
        for name in fakes {
            let file = directory.join(name);
            std::fs::create_dir_all(file.parent().unwrap_or(directory))?;
            if link { symlink(outside.join("secret"), file)? } else { std::fs::write(file, "fake")? }
        }
        Ok(())
    };
    let options = ["--sysctl", "net.ipv4.ip_forward=1", "--oom-score-adj", "1000"];
    for link in [false, true] {
        let volume = scratch(&format!("astray-{link}"));
        fake(&volume, link)?;
        let over = format!("{}:/proc", volume.display());
        let ran =
            attack_in(&evil_root(&format!("astray-over-{link}")), &[&options[..], &["-v", &over]].concat(), &["read"]);
        check(untouched(&outside), format!("a volume over /proc: {ran:?}"))?;
        let unchanged =
            |name: &&str| std::fs::read_to_string(volume.join(name)).is_ok_and(|text| link || text == "fake");
        check(fakes.iter().all(unchanged), format!("the volume got what the kernel was to get: {ran:?}"))?;

        let root = evil_root(&format!("astray-linked-{link}"));
        fake(&root.join("other"), link)?;
        symlink("/other", root.join("proc"))?;
        let ran = attack_in(&root, &options, &["read", &format!("/other/{setting}"), "/other/self/oom_score_adj"]);
        let unchanged =
            std::fs::read_to_string(root.join("other").join(setting)).is_ok_and(|text| link || text == "fake");
        check(untouched(&outside) && unchanged, format!("/proc is a link: {ran:?}"))?;
        let landed = ran.stdout.contains("ip_forward: 2 bytes 1") && ran.stdout.contains("5 bytes 1000");
        check(ran.status != 0 || landed, format!("both landed in the kernel, or it was refused: {ran:?}"))?;
    }
    Ok(())
}

/// Where the host's mounts are shared, as systemd has them, what is mounted in a copy
/// of them appears on the host too, and stays there.
pub fn mounts_that_travel_out() -> Outcome {
    needs_root()?;
    let root = evil_root("shared");
    let volume = scratch("shared-volume");
    std::fs::create_dir_all(volume.join("in"))?;
    let (root, bind) = (text(&root), format!("{}:/v", volume.display()));
    let rootfs = ["--rootfs", root.as_str()];
    for options in [
        &[][..],
        &["-t", "--init", "--read-only"],
        &["--without", "pid"],
        &["-v", &bind, "--tmpfs", "/v/in"],
        &["--userns", "private"],
        &["--userns", "private", "-v", &bind, "--tmpfs", "/v/in"],
    ] {
        for image in [&["host"][..], &rootfs] {
            let program = [env!("CARGO_BIN_EXE_boxlab"), "-q", "run", "-v"].map(str::to_owned);
            let words = [options, image, &["/attacker", WORD, "list", "/"]].concat();
            let mut shared = Command::new("unshare");
            shared.args(["--mount", "--propagation", "shared", "sh", "-c", BEFORE_AND_AFTER, "sh"]);
            shared.args(program).arg(attacker()).args(words).env("BOXLAB_ROOT", store()).stdin(Stdio::null());
            let ran = Ran::from(shared.output()?);
            check(ran.stderr.is_empty() && ran.stdout.contains(" entries"), format!("{options:?} {image:?}: {ran:?}"))?;
            let new: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("> ")).collect();
            check(new.is_empty(), format!("{options:?} {image:?}: these mounts are the host's now: {new:#?}"))?;
        }
    }
    Ok(())
}

/// The mounts that are there after a command and were not before.
const BEFORE_AND_AFTER: &str = r#"
before=$(cut -d " " -f 5 /proc/self/mountinfo)
"$@"
cut -d " " -f 5 /proc/self/mountinfo | { while read -r place; do
    case "
$before
" in *"
$place
"*) ;; *) echo "> $place" ;; esac; done; }
"#;
