//! An ordinary user to whom cgroups are delegated can limit containers.

use boxlab::kernel::cgroup::{Group, Version};

use crate::Outcome;
use crate::common::delegated::Delegated;
use crate::common::people::people;
use crate::common::place::Ground;
use crate::support::{Ran, check, lacks, needs_root};

pub fn run_is_limited() -> Outcome {
    needs_root()?;
    let Some(person) = people().into_iter().flatten().find(|person| person.other) else {
        return Err(lacks("an ordinary user"));
    };
    let ground = Ground::new(env!("CARGO_BIN_EXE_boxlab"));
    let place = ground.place(&person, "delegated");
    place.make_host_image()?;
    let delegated = Delegated::to(&person)?;
    let group = Group::named("x");
    let run = |options: &[&str], words: &[&str]| -> Result<Ran, std::io::Error> {
        delegated.boxlab(&place, &[&["run"], options, &["host"], words].concat()).output().map(Ran::from)
    };
    if let Some(memory) = group.find(&["memory"]) {
        let ran = run(&["--memory", "32m"], &["tail", "/dev/zero"])?;
        check(ran.status == 137 && ran.stderr.contains("OOMKilled"), format!("--memory: {ran:?}"))?;
        let file = if memory.version == Version::V1 { "memory.limit_in_bytes" } else { "memory.max" };
        let ran = run(&["--memory", "32m"], &["sh", "-c", &format!("cat $(find /sys/fs/cgroup -name {file})")])?;
        check(ran.stdout == "33554432\n", format!("it sees its own limit, and no other cgroup: {ran:?}"))?;
    }
    if group.find(&["pids"]).is_some() {
        let ran = run(&["--pids-limit", "3"], &["sh", "-c", "cat & cat & cat & echo all"])?;
        check(ran.stderr.contains("Cannot fork"), format!("--pids-limit: {ran:?}"))?;
    }
    for (options, controller) in [
        (&["--cpus", "0.5", "--cpu-shares", "100"][..], "cpu"),
        (&["--cpuset-cpus", "0"], "cpuset"),
        (&["--init", "-t", "--memory", "32m"], "memory"),
    ] {
        let ran = run(options, &["true"])?;
        check(ran.status == 0 || group.find(&[controller]).is_none(), format!("{options:?}: {ran:?}"))?;
    }
    check(delegated.left().is_empty(), format!("left behind: {:?}", delegated.left()))
}
