//! CVE-2024-21626: boxlab, or whoever started it, has a directory of the host's open.
//! A path that begins with its number in /proc/self/fd leads out of the container,
//! as working directory or as program, if it is resolved before it is closed.

use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::attacker::WORD;
use super::{Outcome, SECRET, attacker, evil_root, forbidden, text, unconfined};
use crate::support::{Ran, boxlab, check};

/// Numbers at which something of boxlab's or of its caller's can be open.
const NUMBERS: std::ops::RangeInclusive<i32> = 3..=20;

/// boxlab as somebody starts it who has forgotten to close a directory: this number
/// leads to it, at exec too.
fn with_open(number: i32, directory: &std::path::Path) -> Command {
    let open = std::fs::File::open(directory).expect("the directory");
    let mut command = boxlab();
    // SAFETY: dup2 may be called between fork and exec, and its copy stays open at exec.
    unsafe {
        command.pre_exec(move || match libc::dup2(open.as_raw_fd(), number) {
            -1 => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        })
    };
    command.arg("-q").arg("run");
    command
}

fn ran(command: &mut Command) -> Result<Ran, std::io::Error> {
    command.output().map(Ran::from)
}

/// `WORKDIR /proc/self/fd/N`, by itself and behind a link of the image.
pub fn as_working_directory() -> Outcome {
    let outside = forbidden("workdir");
    let root = evil_root("workdir");
    for number in NUMBERS {
        symlink(format!("/proc/self/fd/{number}"), root.join(format!("link-{number}")))?;
        let by_number = [format!("/proc/self/fd/{number}"), format!("/proc/self/fd/{number}/../../../..")];
        let by_process = [format!("/proc/1/fd/{number}"), format!("/proc/thread-self/fd/{number}")];
        for path in by_number.into_iter().chain(by_process).chain([format!("/link-{number}")]) {
            let mut command = with_open(9, &outside);
            command.args(["-v", &attacker(), "-w", &path, "--rootfs", &text(&root)]);
            let ran = ran(command.args(["/attacker", WORD, "read", "secret", "forbidden/secret"]))?;
            check(!ran.stdout.contains(SECRET.trim()), format!("-w {path} led to the host: {ran:?}"))?;
            // /proc/self/fd/N/.. is a directory inside where N is none.
            let refused = ran.status == 125 && ran.stderr.contains("cannot start in");
            check(refused || ran.stdout.contains("ENOENT"), format!("-w {path}: {ran:?}"))?;
        }
    }
    Ok(())
}

/// `ENTRYPOINT /proc/self/fd/N/../../bin/sh`: the host's program, which the container
/// then holds open.
pub fn as_program() -> Outcome {
    let outside = forbidden("entrypoint");
    std::fs::copy(std::env::current_exe()?, outside.join("program"))?;
    let root = evil_root("entrypoint");
    for number in NUMBERS {
        // Up from wherever the number leads, and down to the program.
        let absolute = format!("/proc/self/fd/{number}/{}", super::from_far_below(&outside.join("program")));
        let relative = format!("/proc/self/fd/{number}/program");
        symlink(&absolute, root.join(format!("link-{number}")))?;
        for path in [absolute, relative, format!("/link-{number}")] {
            for init in [&[][..], &["--init"]] {
                let mut command = with_open(9, &outside);
                command.args(init).args(["--rootfs", &text(&root)]);
                let ran = ran(command.args([&path, WORD, "read", "/proc/self/comm"]))?;
                check(ran.status == 127 && ran.stdout.is_empty(), format!("{path} is the host's program: {ran:?}"))?;
            }
        }
    }
    std::fs::remove_file(outside.join("program"))?;
    Ok(())
}

/// What the program finds open, and PID 1 beside it.
pub fn nothing_is_open() -> Outcome {
    let outside = forbidden("open");
    for options in [&[][..], &["--init"], &["-i"], &["-t"], &["-t", "--init"], &["--user", "0:0", "--read-only"]] {
        let mut command = with_open(9, &outside);
        let ran = ran(command.args(["-v", &attacker()]).args(options).args([
            "host",
            "/attacker",
            WORD,
            "descriptors",
            "self",
        ]))?;
        check(ran.status == 0, format!("{options:?}: {ran:?}"))?;
        let lines: Vec<&str> = ran.stdout.lines().map(str::trim_end).collect();
        check(lines.len() == 3, format!("{options:?}: standard input, output and error alone: {ran:?}"))?;
        let streams = lines.iter().all(|line| !line.contains(" directory ") && !line.contains(" file "));
        check(streams, format!("{options:?}: pipes and devices: {ran:?}"))?;
        let own = if options.contains(&"-t") { "device /dev/pts/0" } else { "device /dev/null" };
        check(options == ["-i"] || lines[0] == format!("0 {own}"), format!("{options:?}: {own} of its own: {ran:?}"))?;
    }
    init_has_nothing_either(&outside)
}

/// PID 1 is boxlab there, and its descriptors are nobody's to look at; root with
/// CAP_SYS_PTRACE may, and finds its streams and the handle on the program.
fn init_has_nothing_either(outside: &std::path::Path) -> Outcome {
    let look = |options: &[&str]| {
        let mut command = with_open(9, outside);
        command.args(["--init", "-v", &attacker()]).args(options);
        ran(command.args(["host", "/attacker", WORD, "descriptors", "1"]))
    };
    let ran = look(&[])?;
    check(ran.stdout.ends_with(": EACCES\n"), format!("PID 1 is not to be looked at: {ran:?}"))?;
    if crate::support::is_root() {
        let ran = look(&unconfined(&["--cap-add", "SYS_PTRACE"]))?;
        let more = ran.stdout.lines().filter(|line| !line.starts_with(['0', '1', '2']));
        let more: Vec<&str> = more.collect();
        check(more.len() == 1 && more[0].contains("[pidfd]"), format!("what PID 1 has open: {ran:?}"))?;
    }
    Ok(())
}

/// A directory as standard input is as good as any other descriptor.
pub fn directories_as_streams() -> Outcome {
    let outside = forbidden("streams");
    for (number, name) in [(0, "input"), (1, "output"), (2, "error")] {
        let mut command = with_open(number, &outside);
        let command = command.args(["-i", "-v", &attacker(), "host", "/attacker", WORD]);
        let path = format!("/proc/self/fd/{number}/secret");
        let ran = ran(command.args(["read", &path]))?;
        check(ran.status != 0, format!("standard {name}: {ran:?}"))?;
        check(!ran.stdout.contains(SECRET.trim()), format!("the host's file by standard {name}: {ran:?}"))?;
        check(number == 2 || ran.stderr.contains("directory"), format!("standard {name}: {ran:?}"))?;
    }
    Ok(())
}
