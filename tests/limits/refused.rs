//! What is refused, before anything is made: in a few lines that name what is wrong.

use boxlab::kernel::cgroup::Group;

use crate::support::{Ran, boxlab, check, is_root, run, stdout};
use crate::{Outcome, may_limit};

/// Options, status, and what the message must name.
type Case = (&'static [&'static str], i32, &'static str);

const WRONG: &[Case] = &[
    (&["--memory", "lots"], 2, "--memory"),
    (&["--memory", "-5m"], 2, "-5"),
    (&["--memory", "1m"], 2, "6m at least"),
    (&["--memory", "99999999999999999999g"], 2, "--memory"),
    (&["--memory", "32m", "--memory-swap", "16m"], 2, "--memory-swap"),
    (&["--memory", "32m", "--memory-swap", "-2"], 2, "'-2' is no size"),
    (&["--memory-swap", "64m"], 2, "give --memory too"),
    (&["--memory", "32m", "--memory-reservation", "64m"], 2, "--memory-reservation"),
    (&["--cpus", "0"], 2, "--cpus 0"),
    (&["--cpus", "-1"], 2, "--cpus -1"),
    (&["--cpus", "100000"], 2, "processors of this machine"),
    (&["--cpus", "NaN"], 2, "--cpus NaN"),
    (&["--cpus", "many"], 2, "--cpus"),
    (&["--cpus", "1", "--cpu-period", "5000"], 2, "--cpu-period"),
    (&["--cpu-quota", "10"], 2, "--cpu-quota"),
    (&["--cpu-period", "10"], 2, "--cpu-period"),
    (&["--cpu-period", "2000000"], 2, "--cpu-period"),
    (&["--cpu-shares", "0"], 2, "--cpu-shares"),
    (&["--pids-limit", "-2"], 2, "--pids-limit"),
    (&["--pids-limit", "some"], 2, "--pids-limit"),
    (&["--blkio-weight", "5"], 2, "--blkio-weight"),
    (&["--blkio-weight", "1001"], 2, "--blkio-weight"),
    (&["--device-read-bps", "/dev/null:1m"], 2, "/dev/null is no block device"),
    (&["--device-read-bps", "/dev/no-such-disk:1m"], 125, "/dev/no-such-disk"),
    (&["--device-read-bps", "1m"], 2, "'1m' is no rate"),
    (&["--device-write-bps", "/dev/null:fast"], 2, "'fast' is no size"),
    (&["--device-write-iops", "/dev/null:0"], 2, "is no rate"),
    (&["--device-read-iops", "/dev/null:1.5"], 2, "is no rate"),
    (&["--oom-score-adj", "1001"], 2, "--oom-score-adj"),
    (&["--oom-score-adj", "high"], 2, "--oom-score-adj"),
    (&["--ulimit", "nofile"], 2, "NAME=SOFT:HARD"),
    (&["--ulimit", "nofile=many"], 2, "nofile=many"),
    (&["--ulimit", "nofile=200:100"], 2, "soft limit above the hard one"),
    (&["--ulimit", "nofiles=1"], 2, "Did you mean 'nofile'?"),
    (&["--userns", "shared"], 2, "host or private"),
    (&["--without", "cgroup", "--memory", "32m"], 2, "a limit needs the cgroup"),
    (&["--without", "cgroup", "--pids-limit", "5"], 2, "a limit needs the cgroup"),
];

/// What was said is short, begins with who says it, and is no bug's report.
fn is_readable(ran: &Ran) -> bool {
    let begins = ran.stderr.starts_with("boxlab: ") || ran.stderr.starts_with("error: ");
    begins && ran.stderr.lines().count() <= 8 && !ran.stderr.contains("panicked") && ran.stdout.is_empty()
}

pub fn values() -> Outcome {
    for (options, status, word) in WRONG {
        let ran = run(&[&["run"], *options, &["host", "echo", "ran"]].concat());
        let said = ran.status == *status && ran.stderr.contains(word);
        check(said, format!("{options:?}: wanted {status} and '{word}', got {ran:?}"))?;
        check(is_readable(&ran), format!("{options:?}: {ran:?}"))?;
    }
    check(stdout(&["cleanup", "--dry-run"])? == "Nothing is left behind.\n", "nothing was made")
}

/// Options, the controllers of v1 and v2 that they need, and what is named.
const LIMITS: &[(&[&str], &[&str], &str)] = &[
    (&["--memory", "32m"], &["memory"], "cannot limit memory"),
    (&["--memory-reservation", "32m"], &["memory"], "cannot limit memory"),
    (&["--cpus", "1"], &["cpu"], "cannot limit processor time"),
    (&["--cpu-quota", "5000"], &["cpu"], "cannot limit processor time"),
    (&["--cpu-shares", "5"], &["cpu"], "cannot limit processor time"),
    (&["--cpuset-cpus", "0"], &["cpuset"], "cannot limit which processors are used"),
    (&["--cpuset-mems", "0"], &["cpuset"], "cannot limit which processors are used"),
    (&["--pids-limit", "5"], &["pids"], "cannot limit the number of processes"),
    (&["--blkio-weight", "300"], &["blkio", "io"], "cannot limit disk access"),
];

/// Whoever may make no cgroup is told so, and runs nothing without the limit.
pub fn without_delegation() -> Outcome {
    for (options, _, word) in LIMITS.iter().filter(|(_, controllers, _)| !may_limit(controllers)) {
        let ran = run(&[&["run"], *options, &["host", "echo", "ran"]].concat());
        let why = ["is not delegated to this user", "works on this host"].iter().any(|why| ran.stderr.contains(why));
        check(ran.status == 125 && ran.stderr.contains(word) && why, format!("{options:?}: {ran:?}"))?;
        check(is_readable(&ran), format!("{options:?}: {ran:?}"))?;
    }
    check(stdout(&["cleanup", "--dry-run"])? == "Nothing is left behind.\n", "nothing was made")?;
    if !is_root() {
        return Ok(());
    }
    // Root is refused none of what works on this host.
    for (options, ..) in LIMITS.iter().filter(|(_, controllers, _)| may_limit(controllers)) {
        let ran = run(&[&["run"], *options, &["host", "echo", "ran"]].concat());
        let weighs = options[0] != "--blkio-weight" || !ran.stderr.contains("can't weigh");
        check(ran.status == 0 || !weighs, format!("{options:?}: {ran:?}"))?;
    }
    Ok(())
}

/// A plan says what would be set, to those too who may not set it.
pub fn plans() -> Outcome {
    // A controller that is not offered where this user is can't be planned either.
    let offered = Group::planned("x");
    let planned = LIMITS.iter().filter(|(_, controllers, _)| offered.find(controllers).is_some());
    for (options, _, word) in planned.filter(|(options, ..)| options[0] != "--blkio-weight") {
        let words = [&["--color", "never", "run", "--plan"], *options, &["host", "true"]].concat();
        let ran = Ran::from(boxlab().args(["--trace", "full"]).args(&words).output()?);
        let planned = ran.status == 0 && ran.stderr.contains("cgroup") && ran.stderr.contains("write(");
        check(planned, format!("{options:?}, instead of '{word}': {ran:?}"))?;
    }
    Ok(())
}
