//! An ordinary user to whom cgroups are delegated can do every lab in them: root
//! makes a cgroup in each tree, gives it away, and starts the user's process in it.

use crate::Outcome;
use crate::cgroups::possible;
use crate::common::delegated::Delegated;
use crate::common::people::people;
use crate::common::place::Ground;
use crate::support::{check, needs_root};

pub fn every_lab_works_where_cgroups_are_delegated() -> Outcome {
    needs_root()?;
    let Some(person) = people().into_iter().flatten().find(|person| person.other) else {
        return Err("there is no ordinary user here".into());
    };
    let ground = Ground::new(env!("CARGO_BIN_EXE_boxlab"));
    let place = ground.place(&person, "delegated");
    let delegated = Delegated::to(&person)?;
    for lab in possible() {
        let words = [&["-q"], &lab.split(' ').collect::<Vec<_>>()[..], &["--", "cat", "/proc/self/cgroup"]].concat();
        let output = delegated.boxlab(&place, &words).output()?;
        let inside = String::from_utf8_lossy(&output.stdout).into_owned();
        let own = format!("/boxlab-test-{}/boxlab-", std::process::id());
        check(output.status.success() && inside.contains(&own), format!("{lab}: {output:?}"))?;
        check(delegated.left().is_empty(), format!("{lab} has left {:?}", delegated.left()))?;
    }
    let words = ["cgroup", "mem", "--memory", "8m", "--swap", "0", "--", "true"];
    let output = delegated.boxlab(&place, &words).output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    check(told.contains("killed by SIGKILL: the kernel chose it"), told)
}
