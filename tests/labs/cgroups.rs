//! The cgroup labs: each limit is seen to bite, in the kernel's own counters and in
//! what becomes of the program. By whom may make cgroups; everybody else is refused,
//! and told what would be done. The files are those of v1 or v2, as the host has it.

use std::path::Path;

use boxlab::kernel::cgroup::{Group, hierarchies};
use boxlab::kernel::{disk, load, proc};
use serde_json::Value;

use crate::support::{check, needs_cgroup, refused, run, scratch, stdout, trace};
use crate::{Outcome, host, shown, steps};

/// The labs that limit something, made short.
pub const LABS: [&str; 6] = [
    "cgroup mem --memory 8m",
    "cgroup cpu --seconds 0.2",
    "cgroup pids",
    "cgroup io --seconds 0.2",
    "cgroup cpuset",
    "cgroup freeze",
];

/// Which of the labs this user can do here.
pub fn possible() -> Vec<&'static str> {
    let possible = |lab: &&str| match lab.split(' ').nth(1) {
        Some("io") => may(&["blkio", "io"]) && disk::beneath(&scratch("disk")).is_ok(),
        Some("freeze") => may(&["freezer"]) || Group::named("x").v2().is_some(),
        Some("mem") => may(&["memory"]),
        name => name.is_some_and(|name| may(&[name])),
    };
    LABS.into_iter().filter(possible).collect()
}

fn may(controllers: &[&str]) -> bool {
    Group::named("x").find(controllers).is_some()
}

/// Refused, for who may make no such cgroup; and all can be planned.
fn refused_and_planned(lab: &str) -> Outcome {
    let words: Vec<&str> = lab.split(' ').collect();
    let ran = run(&words);
    check(ran.status == 125, format!("{lab}: {ran:?}"))?;
    let why = ["is not delegated to this user", "works on this host", "is not mounted", "lies on no block device"];
    check(why.iter().any(|why| ran.stderr.contains(why)), format!("{lab}: {ran:?}"))?;
    planned(lab)
}

fn planned(lab: &str) -> Outcome {
    let plan = trace(&[&lab.split(' ').collect::<Vec<_>>()[..], &["--plan", "--", "true"]].concat());
    let ended = plan.iter().any(|event| event["event"] == "done" && event["status"] == 0);
    check(ended && steps(&plan).len() > 3, format!("the plan of {lab}: {plan:?}"))?;
    let made = plan.iter().filter(|event| event["event"] == "call" && event["ret"] != "?").count();
    check(made == 0, format!("{lab}: a plan made {made} calls"))
}

/// A change that was told of something whose name holds `subject`.
fn change(events: &[Value], subject: &str) -> Result<(String, String), String> {
    let state = events.iter().rfind(|event| {
        event["event"] == "state" && event["subject"].as_str().is_some_and(|text| text.contains(subject))
    });
    let state = state.ok_or_else(|| format!("nothing is told of {subject}: {events:#?}"))?;
    let text = |key: &str| state[key].as_str().unwrap_or_default().to_owned();
    Ok((text("before"), text("after")))
}

/// A counter that has grown.
fn grew(events: &[Value], subject: &str) -> Outcome {
    let (before, after) = change(events, subject)?;
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{subject} says {text}: {error}"));
    check(number(&after)? > number(&before)?, format!("{subject}: {before}, then {after}"))
}

/// Every cgroup of this machine that a boxlab has made and that these events name.
fn left(events: &[Value]) -> Vec<String> {
    let made = events.iter().filter(|event| event["name"] == "mkdir").filter_map(|event| event["args"][0].as_str());
    made.map(|path| path.trim_matches('"').to_owned()).filter(|path| Path::new(path).exists()).collect()
}

/// The trace of a lab, which must end well and leave none of its cgroups.
fn events(lab: &str, program: &[&str]) -> Result<Vec<Value>, String> {
    let own = host("cat /proc/self/cgroup");
    let events = trace(&[&lab.split(' ').collect::<Vec<_>>()[..], &["--"], program].concat());
    let made = events.iter().filter(|event| event["name"] == "mkdir" && event["ret"] == "0").count();
    let left = left(&events);
    let same = host("cat /proc/self/cgroup") == own;
    if made > 0 && left.is_empty() && same {
        Ok(events)
    } else {
        Err(format!("{made} made, left: {left:?}, {same}: {events:#?}"))
    }
}

pub fn mem() -> Outcome {
    refused(&["cgroup", "mem", "--memory", "64k"], 2, &["a process needs 4m"])?;
    if !may(&["memory"]) {
        return refused_and_planned("cgroup mem");
    }
    let seen = events("cgroup mem --memory 16m --swap 0", &["true"])?;
    grew(&seen, "oom_kill")?;
    check(shown(&seen, "how the child ended").concat().contains("SIGKILL"), "the child is killed")?;
    let limit =
        if seen.iter().any(|event| event["subject"] == "memory.max") { "memory.max" } else { "memory.limit_in_bytes" };
    check(change(&seen, limit)?.1 == "16777216", "the limit as the kernel has it")?;
    let used = seen.iter().filter(|event| event["event"] == "sample").filter_map(|event| event["value"].as_u64());
    check(
        used.clone().count() > 20 && used.max() <= Some(16 << 20),
        "memory is seen to grow, and to end at the limit",
    )?;

    let free = events("cgroup mem --memory 16m --without limit", &["true"])?;
    check(shown(&free, "how the child ended").concat().contains("status 0"), "without the limit nobody is killed")?;
    let inside = stdout(&["cgroup", "mem", "--", "cat", "/proc/self/cgroup"])?;
    check(inside.contains("/boxlab-"), format!("the program is in the group: {inside}"))?;
    let killed = run(&["cgroup", "mem", "--memory", "8m", "--swap", "0", "--", "tail", "/dev/zero"]);
    check(killed.status == 137, format!("the limit is the program's too: {killed:?}"))
}

pub fn cpu() -> Outcome {
    refused(&["cgroup", "cpu", "--cpus", "100000"], 2, &["would never be used up here"])?;
    if !may(&["cpu"]) {
        return refused_and_planned("cgroup cpu");
    }
    let percent = |events: &[Value]| {
        let line = shown(events, "processor time used, of the time that passed").concat();
        let number = line.split("ms: ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok());
        number.ok_or_else(|| format!("how much was used: {line}"))
    };
    let seen = events("cgroup cpu --cpus 0.2 --seconds 0.6", &["true"])?;
    grew(&seen, "nr_throttled")?;
    grew(&seen, "throttled_")?;
    // The last period is cut off, and the quota is overdrawn by a tick of the clock.
    check(percent(&seen)? < 50.0, format!("{} % of a processor", percent(&seen)?))?;
    let free = events("cgroup cpu --cpus 0.2 --seconds 0.6 --without limit", &["true"])?;
    check(change(&free, "nr_throttled")?.1 == "0", "without the limit nobody waits")?;
    check(percent(&free)? > percent(&seen)?, "and more is used")
}

pub fn pids() -> Outcome {
    refused(&["cgroup", "pids", "--limit", "1"], 2, &["--limit"])?;
    if !may(&["pids"]) {
        return refused_and_planned("cgroup pids");
    }
    let refusals = |events: &[Value]| events.iter().filter(|event| event["errno"] == "EAGAIN").count();
    let seen = events("cgroup pids --limit 8", &["true"])?;
    check(refusals(&seen) == 1, "one fork is refused")?;
    check(shown(&seen, "children that were started").concat().starts_with("7,"), "seven beside the first")?;
    grew(&seen, "pids.events max")?;
    let free = events("cgroup pids --limit 8 --without limit", &["true"])?;
    check(refusals(&free) == 0, "without the limit none is")?;
    refused(&["cgroup", "pids", "--limit", "2", "--", "sh", "-c", "sleep 0 | sleep 0"], 2, &["fork"])
}

pub fn io() -> Outcome {
    refused(&["cgroup", "io", "--device", "/dev/null"], 2, &["is no block device"])?;
    if let Err(error) = disk::beneath(&scratch("disk")) {
        return refused(&["cgroup", "io"], 125, &[&error.to_string(), "--file DIR"]);
    }
    refused(&["cgroup", "io", "--file", "/proc"], 125, &["lies on no block device", "it is on proc", "--file DIR"])?;
    if !may(&["blkio", "io"]) {
        return refused_and_planned("cgroup io");
    }
    let seen = events("cgroup io --write-bps 512k --read-bps 1m --seconds 0.6", &["true"])?;
    for (what, most) in [("written, MiB/s", 0.5), ("read, MiB/s", 1.0)] {
        let (before, after) = change(&seen, what)?;
        let rate = |text: &str| text.parse::<f64>().map_err(|error| error.to_string());
        // What fits into the first slice of time passes at once.
        check(
            rate(&after)? <= most * 1.5 && rate(&before)? > rate(&after)?,
            format!("{what}: {before}, then {after}"),
        )?;
    }
    let counted = seen.iter().find(|event| event["title"].as_str().is_some_and(|title| title.contains("io.stat")));
    check(counted.is_some_and(|event| event["lines"][0].is_string()), "the kernel has counted it")?;
    let free = events("cgroup io --write-bps 512k --seconds 0.2 --without limit", &["true"])?;
    let after = change(&free, "written, MiB/s")?.1.parse::<f64>()?;
    check(after > 1.0, format!("without the limit it goes on as before: {after}"))
}

pub fn cpuset() -> Outcome {
    refused(&["cgroup", "cpuset", "--cpu"], 2, &["--cpu"])?;
    if !may(&["cpuset"]) {
        return refused_and_planned("cgroup cpuset");
    }
    refused(&["cgroup", "cpuset", "--cpus", "4095"], 125, &["not all of these processors are here: 4095"])?;
    let all = load::processors();
    let last = all.last().map(ToString::to_string).unwrap_or_default();
    let seen = events(&format!("cgroup cpuset --cpus {last}"), &["true"])?;
    let threads = shown(&seen, "processors of each thread, now");
    check(
        threads.len() == all.len() && threads.iter().all(|thread| *thread == last),
        format!("all on {last}: {threads:?}"),
    )?;
    check(change(&seen, "Cpus_allowed_list")?.1 == last, "as the process sees it")?;
    let inside = stdout(&["cgroup", "cpuset", "--cpus", &last, "--", "nproc"])?;
    check(inside == "1\n", format!("the program has one: {inside}"))
}

pub fn freeze() -> Outcome {
    refused(&["cgroup", "freeze", "--tree", "v3"], 2, &["v3"])?;
    let (v1, v2) = (may(&["freezer"]), Group::named("x").v2().is_some());
    if !v1 && !v2 {
        return refused_and_planned("cgroup freeze");
    }
    for tree in [("v1", v1), ("v2", v2)].into_iter().filter(|(_, has)| *has).map(|(tree, _)| tree) {
        let seen = events(&format!("cgroup freeze --tree {tree}"), &["true"])?;
        grew(&seen, "counter, while it runs")?;
        grew(&seen, "counter, as it goes on")?;
        let (before, after) = change(&seen, "counter, while it is frozen")?;
        check(before == after, format!("{tree}: it stands still at {before}: {after}"))?;
        let free = events(&format!("cgroup freeze --tree {tree} --without limit"), &["true"])?;
        grew(&free, "counter, as before")?;
    }
    Ok(())
}

pub fn ls_and_show() -> Outcome {
    let all: Value = serde_json::from_str(&stdout(&["cgroup", "ls", "--format", "json"])?)?;
    let trees = all["trees"].as_array().map(Vec::len);
    check(trees == Some(hierarchies().len()), format!("each tree once: {all}"))?;
    check(stdout(&["cgroup", "ls"])?.starts_with("VERSION"), "a table with a header")?;
    check(stdout(&["cgroup", "show"])?.starts_with("WHAT"), "a table with a header")?;
    refused(&["cgroup", "show", "4194304"], 125, &["there is no process 4194304"])?;
    refused(&["cgroup", "show", "/etc"], 125, &["/etc is no cgroup"])?;
    if !may(&["pids"]) {
        return Ok(());
    }
    let limited = |text: &str| -> Result<bool, String> {
        let read: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let limits = if read.is_array() { &read } else { &read["limits"] };
        let is_it = |limit: &&Value| {
            let own = limit["cgroup"].as_str().is_some_and(|path| path.contains("/boxlab-"));
            own && limit["what"] == "processes" && limit["limit"] == "7" && limit["limited"] == true
        };
        Ok(limits.as_array().and_then(|limits| limits.iter().find(is_it)).is_some())
    };
    let boxlab = crate::support::boxlab().get_program().to_string_lossy().into_owned();
    for query in ["show --format json", "ls --format json", "show $$ --format json"] {
        let script = format!("{boxlab} cgroup {query}");
        let inside = stdout(&["cgroup", "pids", "--limit", "7", "--", "sh", "-c", &script])?;
        check(limited(&inside)?, format!("{query} names the limit: {inside}"))?;
    }
    Ok(())
}

/// What the user's program leaves running in the group is ended with it.
pub fn nobody_stays() -> Outcome {
    needs_cgroup("pids")?;
    for lab in possible() {
        let words = lab.split(' ').collect::<Vec<_>>();
        let output = stdout(&[&words[..], &["--", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!"]].concat())?;
        let pid: i32 = output.trim().parse()?;
        // A zombie has ended, whether or not its new parent has collected it by now.
        check(proc::start_time(pid).is_none(), format!("{lab}: process {pid} still runs"))?;
    }
    Ok(())
}
