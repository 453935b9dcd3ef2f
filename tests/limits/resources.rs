//! Memory, processes, disks, and what is limited for each process.

use std::time::{Duration, Instant};

use boxlab::kernel::cgroup::Version;
use boxlab::kernel::disk;

use crate::support::{Ran, boxlab, check, lacks, needs_cgroup, refused, run, scratch};
use crate::{Outcome, controller, inside, setting};

/// `tail` keeps the last line, and /dev/zero has but one, which has no end.
const EATS_MEMORY: [&str; 3] = ["host", "tail", "/dev/zero"];

/// A run as it is without `-q`: with its steps told.
fn told(words: &[&str]) -> Result<Ran, std::io::Error> {
    boxlab().arg("run").args(words).output().map(Ran::from)
}

pub fn memory_ends_in_oomkilled() -> Outcome {
    needs_cgroup("memory")?;
    let ran = told(&[&["--memory", "32m", "--memory-swap", "32m"], &EATS_MEMORY[..]].concat())?;
    check(ran.status == 137, format!("128 + 9 for SIGKILL: {ran:?}"))?;
    check(ran.stderr.contains("OOMKilled"), format!("it says why: {ran:?}"))?;
    let ran = told(&["--memory", "32m", "--init", "host", "sh", "-c", "tail /dev/zero; echo $?"])?;
    check(ran.stdout == "137\n" && ran.stderr.contains("OOMKilled"), format!("of several, one is ended: {ran:?}"))?;
    for script in ["kill -9 $$", "exit 137"] {
        let ran = told(&["--memory", "32m", "--init", "host", "sh", "-c", script])?;
        let killed_by_itself = ran.status == 137 && !ran.stderr.contains("OOMKilled");
        check(killed_by_itself, format!("{script}: not by the kernel: {ran:?}"))?;
    }
    check(inside(&["--memory", "64m"], "head -c 8m /dev/zero | wc -c")? == "8388608\n", "less than that is no harm")
}

pub fn memory_and_swap() -> Outcome {
    needs_cgroup("memory")?;
    let memory = |options: &[&str]| setting(options, &["memory"], "memory.limit_in_bytes", "memory.max");
    check(memory(&["--memory", "32m"])? == "33554432", "--memory")?;
    check(memory(&["-m", "33554432b"])? == "33554432", "-m")?;
    let reserved = setting(&["--memory-reservation", "16m"], &["memory"], "memory.soft_limit_in_bytes", "memory.low")?;
    check(reserved == "16777216", "--memory-reservation")?;

    let (directory, version) = controller(&["memory"]);
    let file = if version == Version::V1 { "memory.memsw.limit_in_bytes" } else { "memory.swap.max" };
    if inside(&["--memory", "32m"], &format!("test -e {directory}/{file} && echo there || true"))?.is_empty() {
        return Err(lacks("swap to be accounted for by cgroup (swapaccount=1)"));
    }
    let swap = |options: &[&str]| setting(&[&["-m", "32m"], options].concat(), &["memory"], file, file);
    // v1 counts both together, v2 swap alone.
    let mib = |both: u64| if version == Version::V1 { both << 20 } else { (both - 32) << 20 };
    check(swap(&[])? == mib(64).to_string(), "as much swap as memory")?;
    check(swap(&["--memory-swap", "48m"])? == mib(48).to_string(), "--memory-swap counts both")?;
    check(swap(&["--memory-swap", "32m"])? == mib(32).to_string(), "no swap at all")?;
    let unlimited = swap(&["--memory-swap", "-1"])?;
    let most = unlimited.parse::<u64>().is_ok_and(|bytes| bytes > 1 << 60);
    check(unlimited == "max" || most, format!("--memory-swap -1: {unlimited}"))
}

pub fn processes() -> Outcome {
    needs_cgroup("pids")?;
    let most = |options: &[&str]| setting(options, &["pids"], "pids.max", "pids.max");
    check(most(&["--pids-limit", "5"])? == "5", "--pids-limit")?;
    for unlimited in ["0", "-1"] {
        check(most(&["--pids-limit", unlimited])? == "max", format!("--pids-limit {unlimited} is none"))?;
    }
    let ran = run(&["run", "--pids-limit", "5", "host", "sh", "-c", "for n in 1 2 3 4 5; do cat & done; echo all"]);
    check(ran.stderr.contains("Cannot fork") && ran.stdout.is_empty(), format!("the fifth fork is refused: {ran:?}"))?;
    let four = "for n in 1 2 3 4; do cat & done; wait; echo all";
    check(inside(&["--pids-limit", "5"], four)? == "all\n", "the shell and four more are five")?;
    check(inside(&["--pids-limit", "1"], "echo alone")? == "alone\n", "one is enough for one")
}

/// The disk beneath the trials, as an option names it, and a volume on it.
fn disk() -> Result<(String, String), libtest_mimic::Failed> {
    needs_cgroup("blkio").or_else(|_| needs_cgroup("io"))?;
    let directory = scratch("disk");
    let disk = disk::beneath(&directory).map_err(|_| lacks("a temporary directory on a disk"))?;
    Ok((format!("/dev/{}", disk.name), format!("{}:/disk", directory.display())))
}

pub fn disk_rates() -> Outcome {
    let (disk, volume) = disk()?;
    let took = |option: &str, script: &str| -> Result<Duration, libtest_mimic::Failed> {
        let started = Instant::now();
        inside(&[option, &format!("{disk}:2m"), "-v", &volume], script).map(|_| started.elapsed())
    };
    // What is cached is not read from the disk, and what is written waits in memory.
    let write = "dd if=/dev/zero of=/disk/file bs=64k count=32 oflag=direct 2>&1";
    let read = "dd if=/disk/file of=/dev/null bs=64k count=32 iflag=direct 2>&1";
    let written = took("--device-write-bps", write)?;
    check(written > Duration::from_millis(700), format!("2 MiB at 2 MiB a second were written in {written:?}"))?;
    let red = took("--device-read-bps", read)?;
    check(red > Duration::from_millis(700), format!("2 MiB at 2 MiB a second were read in {red:?}"))?;
    let numbers = disk::beneath(&scratch("disk"))?.numbers;
    let both = [&format!("{disk}:2m"), &format!("{disk}:3m")];
    let options = ["--device-read-bps", both[0], "--device-write-bps", both[1]];
    let device = format!("{}:{}", numbers.0, numbers.1);
    let found = setting(&options, &["blkio", "io"], "blkio.throttle.write_bps_device", "io.max")?;
    let wanted = [format!("{device} 3145728"), format!("{device} rbps=2097152 wbps=3145728 riops=max wiops=max")];
    check(wanted.contains(&found), format!("{options:?}: {found}"))
}

pub fn disk_operations() -> Outcome {
    let (disk, volume) = disk()?;
    for (option, flags) in [
        ("--device-write-iops", "of=/disk/iops if=/dev/zero oflag=direct"),
        ("--device-read-iops", "if=/disk/iops of=/dev/null iflag=direct"),
    ] {
        let started = Instant::now();
        inside(&[option, &format!("{disk}:10"), "-v", &volume], &format!("dd {flags} bs=4k count=8 2>&1"))?;
        let took = started.elapsed();
        check(took > Duration::from_millis(500), format!("{option}: 8 operations at 10 a second took {took:?}"))?;
    }
    Ok(())
}

pub fn disk_weight() -> Outcome {
    needs_cgroup("blkio").or_else(|_| needs_cgroup("io"))?;
    let (directory, _) = controller(&["blkio", "io"]);
    let files = ["blkio.weight", "blkio.bfq.weight", "io.bfq.weight", "io.weight"];
    let script = files.map(|file| format!("cat {directory}/{file} 2>/dev/null; ")).concat();
    let weights = inside(&[], &format!("{script} true"))?;
    if weights.is_empty() {
        return refused(&["run", "--blkio-weight", "300", "host", "true"], 125, &["can't weigh block I/O", "BFQ"]);
    }
    let weighed = inside(&["--blkio-weight", "300"], &format!("{script} true"))?;
    // io.weight goes from 1 to 10000.
    check(weighed.contains("300") || weighed.contains("2930"), format!("--blkio-weight 300: {weighed}, not {weights}"))
}

pub fn ulimits() -> Outcome {
    let limits = "ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc";
    let found = inside(&["--ulimit", "nofile=100:200", "--ulimit", "core=0"], limits)?;
    check(found == "100\n200\n0\n0\n", format!("soft and hard, and both in one: {found}"))?;
    let found = inside(&["--ulimit", "nofile=100", "--user", "0"], "(exec 100</dev/null) 2>&1 || echo refused")?;
    check(found.ends_with("refused\n"), format!("a descriptor beyond the limit: {found}"))?;
    let raised = inside(&["--ulimit", "nofile=100:200"], "ulimit -Sn 200 && ulimit -Hn 300 || echo refused")?;
    check(raised == "refused\n", format!("root inside can't raise the hard limit: {raised}"))?;
    refused(&["run", "--ulimit", "nofile=99999999999", "host", "true"], 125, &["nofile"])
}

pub fn oom_scores() -> Outcome {
    let score = |options: &[&str]| inside(options, "cat /proc/self/oom_score_adj");
    check(score(&["--oom-score-adj", "500"])? == "500\n", "--oom-score-adj")?;
    check(score(&["--oom-score-adj", "500", "--init"])? == "500\n", "of the program under an init too")?;
    let lowered =
        inside(&["--oom-score-adj", "500"], "echo 0 > /proc/self/oom_score_adj; cat /proc/self/oom_score_adj")?;
    check(lowered == "0\n" || lowered == "500\n", format!("to where it was born at best: {lowered}"))?;
    if boxlab::kernel::limits::can_raise() {
        return check(score(&["--oom-score-adj", "-500"])? == "-500\n", "lower than the host's");
    }
    refused(&["run", "--oom-score-adj", "-500", "host", "true"], 125, &["cannot lower", "CAP_SYS_RESOURCE"])
}
