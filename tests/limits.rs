//! What a container may use and do, by effect: each option of `run` that limits, and
//! each wish that is refused. As root and as an ordinary user; where this user may
//! make no cgroup, the options that need one are refused by name.

mod common;
#[path = "limits/delegated.rs"]
mod delegated;
#[path = "limits/devices.rs"]
mod devices;
#[path = "limits/guards.rs"]
mod guards;
#[path = "limits/processor.rs"]
mod processor;
#[path = "limits/refused.rs"]
mod refused;
#[path = "limits/resources.rs"]
mod resources;
mod support;
#[path = "limits/userns.rs"]
mod userns;

use std::process::ExitCode;

use boxlab::kernel::cgroup::{Group, Version};
use libtest_mimic::Failed;
use support::{check, stdout};

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|word| word == guards::WHO) {
        guards::say_who();
        return ExitCode::SUCCESS;
    }
    support::main(vec![
        ("memory_ends_in_oomkilled", resources::memory_ends_in_oomkilled),
        ("memory_and_swap", resources::memory_and_swap),
        ("processes", resources::processes),
        ("disk_rates", resources::disk_rates),
        ("disk_operations", resources::disk_operations),
        ("disk_weight", resources::disk_weight),
        ("ulimits", resources::ulimits),
        ("oom_scores", resources::oom_scores),
        ("processor_time", processor::time),
        ("processor_quota", processor::quota),
        ("processor_shares", processor::shares),
        ("processors", processor::sets),
        ("capabilities", guards::capabilities),
        ("capabilities_by_effect", guards::capabilities_by_effect),
        ("capabilities_of_other_users", guards::capabilities_of_other_users),
        ("privileged", guards::privileged),
        ("no_new_privileges", guards::no_new_privileges),
        ("security_options", guards::security_options),
        ("groups", guards::groups),
        ("sysctls", guards::sysctls),
        ("devices", devices::given),
        ("device_accesses", devices::accesses),
        ("other_devices", devices::others),
        ("private_user_namespaces", userns::private),
        ("the_host_s_user_namespace", userns::of_the_host),
        ("values_that_make_no_sense", refused::values),
        ("limits_that_this_user_can_t_set", refused::without_delegation),
        ("limits_can_be_planned_by_everybody", refused::plans),
        ("limits_where_cgroups_are_delegated", delegated::run_is_limited),
        ("nothing_is_left_of_any_of_them", nothing_is_left_of_any_of_them),
    ])
}

/// A shell script in a container of the host image; what it printed.
fn inside(options: &[&str], script: &str) -> Result<String, Failed> {
    stdout(&[&["run"], options, &["host", "sh", "-c", script]].concat())
}

/// Where a controller's files lie inside, and whether it is v1's.
fn controller(names: &[&str]) -> (String, Version) {
    let group = Group::named("x");
    let Some(place) = group.find(names) else { return (String::new(), Version::V2) };
    let directory = match place.version {
        Version::V1 => format!("/sys/fs/cgroup/{}", place.controllers.join(",")),
        Version::V2 if group.places.len() == 1 => "/sys/fs/cgroup".to_owned(),
        Version::V2 => "/sys/fs/cgroup/unified".to_owned(),
    };
    (directory, place.version)
}

/// What a setting holds as the container sees it; v1 and v2 call it differently.
fn setting(options: &[&str], names: &[&str], v1: &str, v2: &str) -> Result<String, Failed> {
    let (directory, version) = controller(names);
    let file = if version == Version::V1 { v1 } else { v2 };
    Ok(inside(options, &format!("cat {directory}/{file}"))?.trim().to_owned())
}

/// True if the option that is refused to others is this user's.
fn may_limit(names: &[&str]) -> bool {
    Group::named("x").find(names).is_some()
}

/// Every one of these has made cgroups, and some have failed half-way.
fn nothing_is_left_of_any_of_them() -> Outcome {
    let trace = support::scratch("trace").join("trace.json");
    let limits = if may_limit(&["memory"]) { &["--memory", "32m"][..] } else { &[] };
    for (words, status) in [
        (&["host", "true"][..], 0),
        (&["host", "sh", "-c", "sleep 1000 & exit 3"], 3),
        (&["host", "tail", "/dev/zero"], if limits.is_empty() { 0 } else { 137 }),
        (&["host", "/no/such/program"], 127),
        (&["--sysctl", "net.no.such=1", "host", "true"], 125),
        (&["--user", "nobody-knows", "host", "true"], 125),
    ] {
        if status == 0 && words.contains(&"tail") {
            continue;
        }
        let mut command = support::boxlab();
        command.args(["--trace", "json", "--trace-file"]).arg(&trace).arg("run").args(limits).args(words);
        let ran = support::Ran::from(command.output()?);
        check(ran.status == status, format!("{words:?}: {ran:?}"))?;
        let made = common::leftovers::cgroups_made(&trace);
        check(limits.is_empty() || !made.is_empty(), format!("{words:?} has made no cgroup"))?;
        let left = common::leftovers::cgroups(&made);
        check(left.is_empty(), format!("{words:?} has left {left:?}"))?;
    }
    check(stdout(&["cleanup", "--dry-run"])? == "Nothing is left behind.\n", "cleanup finds nothing")
}
