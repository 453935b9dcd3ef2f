//! Processor time and processors.

use boxlab::kernel::cgroup::Version;

use crate::support::{check, needs_cgroup, refused};
use crate::{Outcome, controller, inside, setting};

/// For this many seconds the load runs.
const SECONDS: f64 = 0.6;

/// Runs a busy loop, and says what it has used.
fn used(options: &[&str]) -> Result<f64, libtest_mimic::Failed> {
    let script = format!("timeout {SECONDS} sh -c 'while :; do :; done'; times > /tmp/times; tail -1 /tmp/times");
    let text = inside(options, &script)?;
    // "0m0.120000s 0m0.000000s": of the children, in user mode and in the kernel.
    let seconds =
        text.split_whitespace().filter_map(|time| time.split_once('m')?.1.trim_end_matches('s').parse::<f64>().ok());
    Ok(seconds.sum())
}

pub fn time() -> Outcome {
    needs_cgroup("cpu")?;
    let used = used(&["--cpus", "0.2"])?;
    let most = 0.2 * SECONDS + 0.15;
    check(used > 0.0 && used < most, format!("a fifth of {SECONDS} s, and no more than {most}: {used}"))?;
    let (directory, _) = controller(&["cpu"]);
    let script = format!("timeout {SECONDS} sh -c 'while :; do :; done'; grep nr_throttled {directory}/cpu.stat");
    let throttled = inside(&["--cpus", "0.2"], &script)?;
    let count = throttled.split_whitespace().nth(1).and_then(|count| count.parse::<u32>().ok());
    check(count.is_some_and(|count| count >= 2), format!("it had to wait in several periods: {throttled}"))
}

pub fn quota() -> Outcome {
    needs_cgroup("cpu")?;
    let quota = |options: &[&str]| setting(options, &["cpu"], "cpu.cfs_quota_us", "cpu.max");
    let period = |options: &[&str]| setting(options, &["cpu"], "cpu.cfs_period_us", "cpu.max");
    for (options, v1, v2) in [
        (&["--cpus", "0.5"][..], ("50000", "100000"), "50000 100000"),
        (&["--cpu-quota", "20000"], ("20000", "100000"), "20000 100000"),
        (&["--cpu-quota", "5000", "--cpu-period", "10000"], ("5000", "10000"), "5000 10000"),
        (&["--cpu-period", "20000"], ("-1", "20000"), "max 20000"),
    ] {
        let found = (quota(options)?, period(options)?);
        let is_v1 = (found.0.as_str(), found.1.as_str()) == v1;
        check(is_v1 || (found.0 == v2 && found.1 == v2), format!("{options:?}: {found:?}"))?;
    }
    refused(&["run", "--cpus", "1", "--cpu-quota", "5000", "host", "true"], 2, &["--cpus", "--cpu-quota"])
}

pub fn shares() -> Outcome {
    needs_cgroup("cpu")?;
    let shares = |text: &str| setting(&["--cpu-shares", text], &["cpu"], "cpu.shares", "cpu.weight");
    // v2's weight as runc and Kubernetes count it.
    check(["100", "4"].contains(&shares("100")?.as_str()), "--cpu-shares 100")?;
    check(["262144", "10000"].contains(&shares("262144")?.as_str()), "the most there are")?;
    refused(&["run", "--cpu-shares", "1", "host", "true"], 2, &["--cpu-shares", "2..=262144"])
}

pub fn sets() -> Outcome {
    needs_cgroup("cpuset")?;
    let (_, version) = controller(&["cpuset"]);
    let present = std::fs::read_to_string("/sys/devices/system/cpu/present")?;
    let last = present.trim().rsplit(['-', ',']).next().unwrap_or("0");
    let script = "grep Cpus_allowed_list /proc/self/status | cut -f2; nproc";
    let found = inside(&["--cpuset-cpus", last], script)?;
    check(found == format!("{last}\n1\n"), format!("processor {last} alone: {found}"))?;
    let file = if version == Version::V1 { "cpuset.mems" } else { "cpuset.mems.effective" };
    check(setting(&["--cpuset-mems", "0"], &["cpuset"], file, file)? == "0", "--cpuset-mems")?;
    refused(&["run", "--cpuset-cpus", "9999", "host", "true"], 125, &["not all of these processors are here", "9999"])?;
    refused(&["run", "--cpuset-mems", "999", "host", "true"], 125, &["memory nodes", "999"])
}
