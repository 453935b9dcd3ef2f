//! Each lab command: its effect inside, no effect outside, and the error that a
//! learner will really hit. As root and as an ordinary user.

#[path = "labs/cgroups.rs"]
mod cgroups;
mod common;
#[path = "labs/delegated.rs"]
mod delegated;
#[path = "labs/nested.rs"]
mod nested;
mod support;

use std::process::ExitCode;

use libtest_mimic::Failed;
use support::{check, is_root, refused, run, scratch, stdout, trace};

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    support::main(vec![
        ("ns_uts", ns_uts),
        ("ns_ipc", ns_ipc),
        ("ns_mnt", ns_mnt),
        ("ns_pid", ns_pid),
        ("ns_net", ns_net),
        ("ns_user", ns_user),
        ("ns_cgroup", ns_cgroup),
        ("ns_time", ns_time),
        ("ns_all", ns_all),
        ("ns_enter", ns_enter),
        ("ns_ls", ns_ls),
        ("mount_bind", mount_bind),
        ("mount_tmpfs", mount_tmpfs),
        ("mount_proc", mount_proc),
        ("mount_overlay", mount_overlay),
        ("mount_propagation", mount_propagation),
        ("mount_readonly", mount_readonly),
        ("mount_pivot", mount_pivot),
        ("cgroup_mem", cgroups::mem),
        ("cgroup_cpu", cgroups::cpu),
        ("cgroup_pids", cgroups::pids),
        ("cgroup_io", cgroups::io),
        ("cgroup_cpuset", cgroups::cpuset),
        ("cgroup_freeze", cgroups::freeze),
        ("cgroup_ls_and_show", cgroups::ls_and_show),
        ("nobody_stays_in_a_cgroup", cgroups::nobody_stays),
        ("every_lab_works_where_cgroups_are_delegated", delegated::every_lab_works_where_cgroups_are_delegated),
        ("security_caps", security_caps),
        ("security_no_new_privs", security_no_new_privs),
        ("security_rlimit", security_rlimit),
        ("security_landlock", security_landlock),
        ("security_lsm", security_lsm),
        ("security_seccomp", security_seccomp),
        ("security_seccomp_profiles", security_seccomp_profiles),
        ("security_seccomp_without_what_boxlab_needs", security_seccomp_without_what_boxlab_needs),
        ("security_userns", security_userns),
        (
            "root_of_a_user_namespace_keeps_its_things_at_home",
            nested::root_of_a_user_namespace_keeps_its_things_at_home,
        ),
        ("without_new_privileges_one_id_is_mapped", nested::without_new_privileges_one_id_is_mapped),
        ("every_lab_plans_what_it_does", every_lab_plans_what_it_does),
        ("every_lab_ends_with_the_status_of_its_program", every_lab_ends_with_the_status_of_its_program),
        ("nothing_is_left_behind", nothing_is_left_behind),
    ])
}

/// What the host says, outside of boxlab.
fn host(command: &str) -> String {
    let output = std::process::Command::new("sh").args(["-c", command]).output().expect("a shell");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines that a lab has shown under a title.
fn shown(events: &[serde_json::Value], title: &str) -> Vec<String> {
    let lines = events.iter().find(|event| event["event"] == "show" && event["title"] == title);
    let lines = lines.and_then(|event| event["lines"].as_array()).cloned().unwrap_or_default();
    lines.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect()
}

fn ns_uts() -> Outcome {
    let before = host("uname -n");
    check(stdout(&["ns", "uts", "--hostname", "den", "--", "uname", "-n"])? == "den\n", "the name inside")?;
    check(stdout(&["ns", "uts", "--without", "sethostname", "--", "uname", "-n"])? == before, "a copy begins alike")?;
    check(host("uname -n") == before, "the name outside")?;
    refused(&["ns", "uts", "--hostname", &"x".repeat(65), "--", "true"], 125, &["sethostname", "EINVAL", "64 bytes"])
}

fn ns_ipc() -> Outcome {
    let inside = stdout(&["ns", "ipc", "--", "cat", "/proc/sysvipc/msg"])?;
    check(inside.contains("6451064"), format!("the queue inside: {inside}"))?;
    check(!host("cat /proc/sysvipc/msg").contains("6451064"), "no such queue outside")?;
    refused(&["ns", "ipc", "--without", "msgget", "--", "true"], 2, &["no part that can be left out"])
}

fn ns_mnt() -> Outcome {
    let inside = stdout(&["ns", "mnt", "--", "sh", "-c", "grep ' boxlab ' /proc/self/mountinfo | cut -d' ' -f5"])?;
    check(inside.contains("/running/"), format!("the mount inside: {inside}"))?;
    check(!host("cat /proc/self/mountinfo").contains(inside.trim()), "no mount outside")?;
    check(shown(&trace(&["ns", "mnt", "--", "true"]), "files in it") == ["only-inside"], "the file inside")?;
    refused(&["ns", "mnt", "--", "/no/such/program"], 127, &["cannot find the program '/no/such/program'"])
}

fn ns_pid() -> Outcome {
    check(stdout(&["ns", "pid", "--", "sh", "-c", "echo $$"])? == "1\n", "PID 1 inside")?;
    let seen = stdout(&["ns", "pid", "--", "sh", "-c", "ls /proc | grep -c '^[0-9]'"])?;
    check(seen.trim().parse::<u32>().is_ok_and(|count| count < 6), format!("its own processes alone: {seen}"))?;
    let hosts = stdout(&["ns", "pid", "--without", "proc", "--", "sh", "-c", "ls /proc | grep -c '^[0-9]'"])?;
    check(hosts.trim().parse::<u32>().is_ok_and(|count| count > 6), format!("the host's without proc: {hosts}"))?;
    let own = shown(&trace(&["ns", "pid", "--", "true"]), "numbers of that process, outermost first");
    check(own.first().is_some_and(|line| line.ends_with(" 1")), format!("both numbers: {own:?}"))?;
    refused(&["ns", "pid", "--without", "prco", "--", "true"], 2, &["Did you mean 'proc'?"])
}

fn ns_net() -> Outcome {
    let inside = stdout(&["ns", "net", "--", "cat", "/proc/net/dev"])?;
    check(inside.lines().count() == 3 && inside.contains("lo:"), format!("only lo inside: {inside}"))?;
    let down = shown(&trace(&["ns", "net", "--without", "loopback", "--", "true"]), "interfaces inside, now");
    check(down.first().is_some_and(|line| line.contains("DOWN")), format!("lo stays down: {down:?}"))?;
    let up = shown(&trace(&["ns", "net", "--", "true"]), "interfaces inside, now");
    check(
        up.first().is_some_and(|line| line.contains("UP") && line.contains("127.0.0.1")),
        format!("lo is up: {up:?}"),
    )?;
    refused(&["ns", "net", "--only", "lo", "--", "true"], 2, &["loopback"])
}

fn ns_user() -> Outcome {
    let single = stdout(&["ns", "user", "--map", "single", "--", "sh", "-c", "id -u; cat /proc/self/uid_map"])?;
    let outside = if is_root() { "65534".to_owned() } else { host("id -u").trim().to_owned() };
    let expected = ["0", "0", outside.as_str(), "1"];
    check(single.split_whitespace().eq(expected), format!("root inside is {outside} outside: {single}"))?;
    let events = trace(&["ns", "user", "--map", "single", "--", "true"]);
    check(shown(&events, "owner of the file, inside") == ["uid 0, gid 0"], "root owns it inside")?;
    check(shown(&events, "owner of the file, outside").concat().contains(&outside), "somebody else does outside")?;
    refused(&["ns", "user", "--map", "0-0-1", "--", "true"], 2, &["'0-0-1' is no id map", "INSIDE:OUTSIDE:COUNT"])?;
    // What an ordinary user may not write itself, newuidmap(1) is asked for, where there is one.
    let helped = !is_root() && boxlab::kernel::program_path("newuidmap").is_some();
    let words: &[&str] = if helped { &["newuidmap", "/etc/subuid"] } else { &["write(", "uid_map"] };
    refused(&["ns", "user", "--map", "0:5:1", "--map", "0:6:1", "--", "true"], 125, words)
}

fn ns_cgroup() -> Outcome {
    let inside = stdout(&["ns", "cgroup", "--", "cat", "/proc/self/cgroup"])?;
    check(inside.lines().all(|line| line.ends_with(":/")), format!("all cgroups are / inside: {inside}"))?;
    let events = trace(&["ns", "cgroup", "--", "true"]);
    let outside = shown(&events, "cgroups of the child");
    check(!outside.is_empty(), "the host sees the path")?;
    if is_root() {
        let made = outside.iter().find_map(|line| line.split_once("/boxlab-"));
        let (_, id) = made.ok_or_else(|| format!("the cgroup made for it: {outside:?}"))?;
        check(host(&format!("find /sys/fs/cgroup -name boxlab-{id}")).is_empty(), "it is gone again")?;
    }
    refused(&["ns", "cgroup", "--", "/etc/passwd"], 126, &["cannot run '/etc/passwd'"])
}

fn ns_time() -> Outcome {
    let seconds =
        |text: &str| text.split(['.', ' ']).next().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let inside = seconds(&stdout(&["ns", "time", "--days", "30", "--", "cat", "/proc/uptime"])?);
    let outside = seconds(&host("cat /proc/uptime"));
    check(inside.abs_diff(outside + 30 * 86_400) < 60, format!("{inside} inside, {outside} outside"))?;
    refused(&["ns", "time", "--days", "-1", "--", "true"], 2, &["--days"])
}

fn ns_all() -> Outcome {
    let kinds = "cgroup ipc mnt net pid time user uts";
    let script = format!("for kind in {kinds}; do readlink /proc/self/ns/$kind; done");
    let inside = stdout(&["ns", "all", "--", "sh", "-c", &script])?;
    let outside = host(&script);
    let shared: Vec<&str> = inside.lines().filter(|line| outside.contains(line)).collect();
    check(shared.is_empty(), format!("all eight are new: {shared:?}"))?;
    refused(&["ns", "all", "--hostname", "", "--pid"], 2, &["--pid"])
}

fn ns_enter() -> Outcome {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let mut other = support::boxlab();
    let other = other.args(["--trace", "json", "ns", "uts", "--hostname", "other", "--", "cat"]);
    let mut other = other.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(other.stderr.take().expect("its trace")).lines();
    let started = lines.find_map(|line| {
        let event: serde_json::Value = serde_json::from_str(&line.ok()?).ok()?;
        (event["name"] == "execve" && event["ret"] == "0" && event["role"] == "child").then(|| event["pid"].to_string())
    });
    let pid = started.ok_or("the other lab did not start")?;
    let entered = stdout(&["ns", "enter", &pid, "--", "uname", "-n"]);
    drop(other.stdin.take());
    lines.for_each(drop);
    other.wait()?;
    check(entered? == "other\n", "the name of the process that was entered")?;
    refused(&["ns", "enter", "4194304", "--", "true"], 125, &["there is no process 4194304"])?;
    let own = std::process::id().to_string();
    refused(&["ns", "enter", &own, "--", "true"], 125, &["shares all namespaces"])?;
    refused(&["ns", "enter", "--user", &own, "--", "true"], 125, &["shares your user namespace", "setns(2)"])
}

fn ns_ls() -> Outcome {
    let text = stdout(&["ns", "ls", "--format", "json"])?;
    let namespaces: Vec<serde_json::Value> = serde_json::from_str(&text)?;
    let own = host("readlink /proc/self/ns/uts");
    let listed = namespaces.iter().find(|namespace| namespace["name"] == own.trim());
    check(listed.is_some_and(|namespace| namespace["host"] == true), "the host's UTS namespace is marked")?;
    check(stdout(&["ns", "ls"])?.starts_with("TYPE"), "a table with a header")?;
    refused(&["ns", "ls", "4194304"], 125, &["there is no process 4194304"])
}

fn mount_bind() -> Outcome {
    let directory = scratch("bind");
    let (source, target) = (directory.join("a"), directory.join("b"));
    for path in [&source, &target] {
        std::fs::create_dir_all(path)?;
    }
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let inside = stdout(&["mount", "bind", &path(&source), &path(&target), "--", "cat", &path(&target.join("note"))])?;
    check(inside == "written at the target\n", "the file by its second name")?;
    check(source.join("note").exists() && !target.join("note").exists(), "outside only the first name leads to it")?;
    refused(&["mount", "bind", "/no/such", &path(&target), "--", "true"], 125, &["mount(", "ENOENT", "does not exist"])
}

fn mount_tmpfs() -> Outcome {
    let events = trace(&["mount", "tmpfs", "--size", "256k", "--", "true"]);
    check(shown(&events, "written before it was full") == ["256 KiB"], "the limit bites")?;
    check(shown(&events, "files there now") == ["none"], "gone with the mount")?;
    check(!host("cat /proc/self/mountinfo").contains("boxlab-test"), "no mount outside")?;
    refused(&["mount", "tmpfs", "--size", "much", "--", "true"], 125, &["mount(", "EINVAL", "refused its options"])
}

fn mount_proc() -> Outcome {
    let inside = stdout(&["mount", "proc", "--", "sh", "-c", "echo /proc/[0-9]*"])?;
    check(inside.split_whitespace().count() < 4, format!("its own processes alone: {inside}"))?;
    check(host("echo /proc/[0-9]*").split_whitespace().count() > 4, "the host's /proc is as it was")?;
    refused(&["mount", "proc", "--", "nosuchprogram"], 127, &["cannot find the program 'nosuchprogram'"])
}

fn mount_overlay() -> Outcome {
    let events = trace(&["mount", "overlay", "--", "true"]);
    let below = shown(&events, "the layer below");
    check(below == ["change-me", "delete-me", "directory/", "directory/old", "read-me"], format!("{below:?}"))?;
    let above = shown(&events, "the layer above: all that this container changed");
    check(above == ["change-me", "delete-me (whiteout)", "directory/ (opaque)", "new"], format!("{above:?}"))?;
    refused(&["mount", "overlay", "--pause=yes", "--", "true"], 2, &["--pause"])
}

fn mount_propagation() -> Outcome {
    let events = trace(&["mount", "propagation", "--", "true"]);
    let arrived: Vec<&serde_json::Value> = events
        .iter()
        .filter(|event| event["title"] == "arrived on the other side")
        .map(|event| &event["lines"][0])
        .collect();
    check(arrived == ["yes", "yes", "yes", "no", "no"], format!("{arrived:?}"))?;
    check(!host("cat /proc/self/mountinfo").contains("boxlab-test"), "no mount outside")?;
    refused(&["mount", "propagation", "nowhere"], 2, &["nowhere"])
}

fn mount_readonly() -> Outcome {
    let events = trace(&["mount", "readonly", "--", "true"]);
    let refusals = events.iter().filter(|event| event["errno"] == "EROFS").count();
    check(refusals == 3, format!("{refusals} writes were refused"))?;
    check(run(&["mount", "readonly", "--", "true"]).status == 0, "it ends well")?;
    refused(&["mount", "readonly", "--only", "x", "--", "true"], 2, &["no part that can be left out"])
}

fn mount_pivot() -> Outcome {
    let events = trace(&["mount", "pivot", "--", "true"]);
    let climbed: Vec<String> = events
        .iter()
        .filter(|event| event["title"] == "files in /, after the climb")
        .map(|event| event["lines"].to_string())
        .collect();
    check(climbed.len() == 2, format!("two climbs: {climbed:?}"))?;
    let own = host("ls -a / | grep -v -x -e . -e .. | head -1").trim().to_owned();
    check(climbed[0].contains(&own) && climbed[0] != climbed[1], format!("only the chroot was left: {climbed:?}"))?;
    check(stdout(&["mount", "pivot", "--", "sh", "-c", "cd /; cd ..; pwd -P"])? == "/\n", "no way up")?;
    refused(&["mount", "pivot", "--rootfs", "/no/such", "--", "true"], 125, &["cannot use /no/such as a root"])
}

const LABS: &[&str] = &[
    "ns uts",
    "ns ipc",
    "ns mnt",
    "ns pid",
    "ns net",
    "ns user",
    "ns cgroup",
    "ns time",
    "ns all",
    "mount bind",
    "mount tmpfs",
    "mount proc",
    "mount overlay",
    "mount propagation",
    "mount readonly",
    "mount pivot",
    "security caps",
    "security no-new-privs",
    "security rlimit",
    "security landlock",
    "security lsm",
    "security seccomp",
    "security userns",
];

/// All lines that a lab has shown under a title, as often as it has.
fn all_shown(events: &[serde_json::Value], title: &str) -> Vec<String> {
    let shown = events.iter().filter(|event| event["event"] == "show" && event["title"] == title);
    let text = |event: &serde_json::Value| {
        let lines = event["lines"].as_array().cloned().unwrap_or_default();
        lines.iter().filter_map(|line| line.as_str()).collect::<Vec<_>>().join("\n")
    };
    shown.map(text).collect()
}

/// The errors of a call in a run, `0` for success, in order.
fn results(events: &[serde_json::Value], call: &str) -> Vec<String> {
    let calls = events.iter().filter(|event| event["event"] == "call" && event["name"] == call);
    calls.map(|event| event["errno"].as_str().unwrap_or("0").to_owned()).collect()
}

/// True if the lab's root has another user to become.
fn has_others() -> bool {
    boxlab::kernel::maps::needed().map_or_else(boxlab::kernel::maps::has_others, |maps| maps.have_others())
}

fn security_caps() -> Outcome {
    let status = |text: &str, set: &str| boxlab::kernel::proc::field(text, set).unwrap_or_default();
    let inside = stdout(&["security", "caps", "--", "cat", "/proc/self/status"])?;
    for set in ["CapPrm", "CapEff", "CapBnd"] {
        check(status(&inside, set) == "00000000a80425fb", format!("the 14 of a container: {inside}"))?;
    }
    let events = trace(&["security", "caps", "--drop", "NET_BIND_SERVICE,SETPCAP", "--", "true"]);
    check(results(&events, "sethostname") == ["0", "EPERM"], "root may, then may not rename the machine")?;
    check(results(&events, "bind") == ["0", "EACCES"], "root may, then may not have port 80")?;
    let programs = all_shown(&events, "capabilities of that program");
    let others = if has_others() { 2 } else { 0 };
    check(programs.len() == others + 2, format!("{programs:?}"))?;
    if has_others() {
        check(
            programs[0].contains("ambient: none") && programs[1].contains("ambient: CAP_NET"),
            "kept by ambient alone",
        )?;
    }
    check(programs[others].contains("bounding: all"), format!("exec gives all back: {programs:?}"))?;
    check(!programs[others + 1].contains("all"), format!("but not beyond the bounding set: {programs:?}"))?;
    let unbound = stdout(&["security", "caps", "--without", "bounding", "--", "cat", "/proc/self/status"])?;
    check(status(&unbound, "CapEff") != "00000000a80425fb", "without the bounding set it all comes back")?;
    check(
        stdout(&["security", "caps", "--drop", "all", "--", "cat", "/proc/self/status"])?
            .contains("CapEff:\t0000000000000000"),
        "none",
    )?;
    check(host("uname -n") == host("cat /proc/sys/kernel/hostname"), "the name outside")?;
    refused(&["security", "caps", "--keep", "NET_ADMN", "--", "true"], 2, &["'NET_ADMN'", "Did you mean NET_ADMIN?"])
}

fn security_no_new_privs() -> Outcome {
    let before = host("grep NoNewPrivs /proc/self/status");
    let inside = stdout(&["security", "no-new-privs", "--", "grep", "NoNewPrivs", "/proc/self/status"])?;
    check(inside == "NoNewPrivs:\t1\n", format!("the promise is inherited: {inside}"))?;
    let events = trace(&["security", "no-new-privs", "--", "true"]);
    let ids = all_shown(&events, "its user ids: real, effective, saved, filesystem");
    let expected: &[&str] = if has_others() { &["1 0 0 0", "1 1 1 1"] } else { &[] };
    check(ids == expected, format!("setuid before the promise, and after: {ids:?}"))?;
    check(host("grep NoNewPrivs /proc/self/status") == before, "outside nothing is promised")?;
    check(host("cat /proc/self/mountinfo").lines().all(|line| !line.contains("boxlab-test")), "no mount outside")?;
    refused(&["security", "no-new-privs", "--", "/etc/passwd"], 126, &["cannot run '/etc/passwd'"])
}

fn security_rlimit() -> Outcome {
    let before = host("ulimit -n");
    let inside = stdout(&[
        "security",
        "rlimit",
        "nofile=50:60",
        "core=0",
        "--",
        "sh",
        "-c",
        "ulimit -n; ulimit -Hn; ulimit -c",
    ])?;
    check(inside == "50\n60\n0\n", format!("the limits inside: {inside}"))?;
    let events = trace(&["security", "rlimit", "--", "true"]);
    check(
        events.iter().any(|event| event["name"] == "openat" && event["errno"] == "EMFILE"),
        "no file beyond the limit",
    )?;
    check(shown(&events, "bytes written before it was refused") == ["65536"], "no byte beyond the limit")?;
    check(results(&events, "prlimit64") == ["0", "0", "0", "0", "EPERM"], "up, down, and never beyond the hard one")?;
    check(host("ulimit -n") == before, "the limits outside")?;
    refused(
        &["security", "rlimit", "nofile=1:99999999999", "--", "true"],
        125,
        &["cannot set the limit nofile=1:99999999999"],
    )?;
    refused(&["security", "rlimit", "nofiles=1", "--", "true"], 2, &["'nofiles'", "Did you mean 'nofile'?"])
}

fn security_landlock() -> Outcome {
    let directory = scratch("landlock");
    let [open, shut] = ["open", "shut"].map(|name| directory.join(name));
    for path in [&open, &shut] {
        std::fs::create_dir_all(path)?;
        std::fs::write(path.join("note"), "readable\n")?;
    }
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let script = format!(
        "cat {0}/note; cat {1}/note || echo shut; echo new 2>&- > {0}/new || echo read-only",
        path(&open),
        path(&shut)
    );
    let inside = stdout(&["security", "landlock", "--read", &path(&open), "--", "sh", "-c", &script])?;
    check(inside == "readable\nshut\nread-only\n", format!("what the rules allow: {inside}"))?;
    let inside = stdout(&["security", "landlock", "--write", &path(&open), "--", "sh", "-c", &script])?;
    check(inside == "readable\nshut\n" && open.join("new").exists(), format!("with --write: {inside}"))?;
    check(std::fs::read(shut.join("note")).is_ok(), "nothing is shut outside")?;
    let events = trace(&["security", "landlock", "--", "true"]);
    let refusals = events.iter().filter(|event| event["errno"] == "EACCES").count();
    check(refusals == 2, format!("reading and writing outside of the rules: {refusals} refused"))?;
    for (rule, expected) in [("--read", 1), ("--write", 0)] {
        let events = trace(&["security", "landlock", rule, "/", "--", "true"]);
        let refusals = events.iter().filter(|event| event["errno"] == "EACCES").count();
        check(refusals == expected, format!("{rule} /: {refusals} refused"))?;
    }
    if !is_root() {
        let words = ["landlock_restrict_self", "EPERM", "PR_SET_NO_NEW_PRIVS"];
        refused(&["security", "landlock", "--without", "no_new_privs", "--", "true"], 125, &words)?;
    }
    refused(
        &["security", "landlock", "--read", "/no/such", "--", "true"],
        125,
        &["cannot make a rule for /no/such", "ENOENT"],
    )
}

fn security_lsm() -> Outcome {
    use boxlab::kernel::lsm::{Labels, active};
    let mounted = host("grep -c securityfs /proc/self/mountinfo");
    let events = trace(&["security", "lsm", "--", "true"]);
    let modules = active().ok_or("this kernel does not tell its modules")?;
    let listed: Vec<String> = shown(&events, "security modules at work")
        .iter()
        .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
        .collect();
    check(listed == modules, format!("{listed:?} are not {modules:?}"))?;
    check(host("grep -c securityfs /proc/self/mountinfo") == mounted, "no mount outside")?;
    for (module, option) in [(Labels::AppArmor, "--apparmor"), (Labels::Selinux, "--label")] {
        if !module.active() {
            refused(
                &["security", "lsm", option, "some", "--", "true"],
                125,
                &[module.name(), "not at work here", "landlock"],
            )?;
        }
    }
    if Labels::AppArmor.active() {
        refused(&["security", "lsm", "--apparmor", "no-such-profile", "--", "true"], 125, &["no-such-profile"])?;
    }
    refused(&["security", "lsm", "--apparmor", "a", "--label", "b", "--", "true"], 2, &["cannot be used with"])
}

fn security_seccomp() -> Outcome {
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let seccomp = "grep ^Seccomp: /proc/self/status";
    let before = host(seccomp);
    let inside = stdout(&["security", "seccomp", "--", "grep", "^Seccomp:", "/proc/self/status"])?;
    check(inside == "Seccomp:\t2\n", format!("a filter inside: {inside}"))?;
    check(host(seccomp) == before, "none outside")?;
    let events = trace(&["security", "seccomp", "--", "true"]);
    let result = |role: &str, name: &str, arg: &str| {
        let call = |event: &&serde_json::Value| event["event"] == "call" && event["role"] == role;
        let call = events.iter().filter(call).find(|event| event["name"] == name && event["args"][0] == arg);
        call.map(|event| event["errno"].as_str().unwrap_or("done").to_owned()).unwrap_or_default()
    };
    let persona = "PER_LINUX|ADDR_NO_RANDOMIZE";
    for (name, arg, after) in [
        ("unshare", "CLONE_NEWUSER", "EPERM"),
        ("keyctl", "KEYCTL_GET_KEYRING_ID", "EPERM"),
        ("personality", persona, "ENOSYS"),
        ("personality", "0xffffffff", "done"),
    ] {
        let (free, filtered) = (result("before", name, arg), result("after", name, arg));
        check(free == "done" && filtered == after, format!("{name}({arg}): {free}, then {filtered}"))?;
    }
    let why = shown(&events, "which rule answers");
    check(why.iter().any(|line| line.contains("CAP_SYS_ADMIN")), format!("the rule is named: {why:?}"))?;
    let made = scratch("seccomp").join("made");
    let ran =
        run(&["security", "seccomp", "--block", "mkdir,mkdirat", "--errno", "ENOSPC", "--", "mkdir", &path(&made)]);
    check(ran.stderr.contains("No space left") && !made.exists(), format!("the error that was asked for: {ran:?}"))?;
    refused(&["security", "seccomp", "--block", "mkdri", "--", "true"], 2, &["'mkdri'", "Did you mean 'mkdir'?"])?;
    refused(&["security", "seccomp", "--block", "mkdir", "--errno", "EPREM"], 2, &["Did you mean EPERM?"])?;
    refused(&["security", "seccomp", "--errno", "EPERM", "--", "true"], 2, &["--block"])
}

fn security_seccomp_profiles() -> Outcome {
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let directory = scratch("profiles");
    let write = |name: &str, text: &str| {
        let file = directory.join(name);
        std::fs::write(&file, text).map(|()| path(&file))
    };
    let default = stdout(&["security", "seccomp", "--print"])?;
    let file = write("default.json", &default)?;
    let title = "the filter";
    let [own, read] = [vec![], vec!["--profile", &file]]
        .map(|options| shown(&trace(&[&["security", "seccomp"], &options[..], &["--", "true"]].concat()), title));
    check(!own.is_empty() && own == read, format!("what is printed can be read: {own:?} {read:?}"))?;

    // What `echo` of busybox calls, and nothing else: boxlab itself could not go on.
    let tight = r#"{"defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": [{"action": "SCMP_ACT_ALLOW", "names":
        ["execve", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "readlink",
        "readlinkat", "getrandom", "mprotect", "prctl", "getuid", "getgid", "setuid", "setgid", "fstat",
        "newfstatat", "write", "exit_group"]}]}"#;
    let tight = write("tight.json", tight)?;
    if std::path::Path::new("/bin/busybox").exists() {
        let words = ["security", "seccomp", "--profile", &tight, "--", "/bin/busybox"];
        let inside = stdout(&[&words[..], &["echo", "hello"]].concat())?;
        check(inside == "hello\n", inside)?;
        let ran = run(&[&words[..], &["mkdir", "x"]].concat());
        check(ran.status == 128 + libc::SIGSYS, format!("another call is its end: {ran:?}"))?;
    }

    let words = stdout(&["security", "seccomp", "--explain-call", "clone"])?;
    check(words.contains("EPERM if argument 0 & 0x10000000 is 0x10000000"), words)?;
    let words = stdout(&["security", "seccomp", "--profile", &tight, "--explain-call", "clone"])?;
    check(words.contains("kills the process, since no rule speaks of it"), words)?;
    refused(&["security", "seccomp", "--explain-call", "lcone"], 2, &["Did you mean 'clone'?"])?;

    let garbage = write("garbage.json", "{\n  \"defaultAction\": \"SCMP_ACT_ALOW\"\n}")?;
    let words = ["garbage.json", "'SCMP_ACT_ALOW' is no action", "'SCMP_ACT_ALLOW'", "line 2", "--print"];
    refused(&["security", "seccomp", "--profile", &garbage, "--", "true"], 125, &words)?;
    refused(&["security", "seccomp", "--profile", "/no/such", "--", "true"], 125, &["/no/such", "ENOENT"])?;
    let words = ["--profile", &tight, "--block", "mkdir", "--", "true"];
    refused(&[&["security", "seccomp"], &words[..]].concat(), 2, &["--block"])
}

fn security_seccomp_without_what_boxlab_needs() -> Outcome {
    let calls = "access brk close exit_group fcntl getpid mmap mremap munmap openat pipe2 prctl read readlink recvfrom \
                 rt_sigaction rt_sigprocmask sendto statx waitid write clone3";
    for call in calls.split_whitespace() {
        let events = trace(&["security", "seccomp", "--block", call, "--", "/bin/busybox", "true"]);
        let hinders = |event: &serde_json::Value| event["text"].as_str().is_some_and(|text| text.contains("hinders"));
        let loaded = events.iter().any(|event| event["name"] == "seccomp" && event["ret"] == "0");
        check(events.iter().any(hinders) && loaded, format!("{call}: {events:#?}"))?;
    }
    let words = ["this filter refuses execve", "Landlock"];
    refused(&["security", "seccomp", "--block", "execve", "--", "true"], 2, &words)?;
    if is_root() {
        return stdout(&["security", "seccomp", "--without", "no_new_privs", "--", "true"]).map(drop);
    }
    let words = ["seccomp(", "EACCES", "no_new_privs"];
    refused(&["security", "seccomp", "--without", "no_new_privs", "--", "true"], 125, &words)
}

fn security_userns() -> Outcome {
    let events = trace(&["security", "userns", "--", "true"]);
    let inside = all_shown(&events, "user ids of this process, seen from inside");
    let outside = all_shown(&events, "user ids of that process, seen from here");
    let owners = all_shown(&events, "owners of the files").pop().unwrap_or_default();
    let uid = host("id -u").trim().to_owned();
    let all = |id: &str| [id; 4].join(" ");
    if is_root() {
        check(inside == [all("0"), all("0")], format!("root inside, both times: {inside:?}"))?;
        check(
            outside[0] == all("0") && outside[1] != all("0"),
            format!("root outside, but not the second time: {outside:?}"),
        )?;
        check(results(&events, "openat2").contains(&"EACCES".to_owned()), "the secret is kept from the second")?;
    } else {
        check(
            inside[0] == all("0") && outside == [all(&uid)],
            format!("root inside is this user: {inside:?} {outside:?}"),
        )?;
    }
    check(owners.lines().count() == if is_root() || has_others() { 3 } else { 2 }, format!("the files: {owners}"))?;
    refused(&["security", "userns", "--map", "0:0:1", "--", "true"], 2, &["--map"])
}

/// The steps of a run, in order, with who took them.
fn steps(events: &[serde_json::Value]) -> Vec<String> {
    let steps = events.iter().filter(|event| event["event"] == "step");
    let mut steps: Vec<String> = steps.map(|event| format!("{} {}", event["role"], event["text"])).collect();
    steps.sort();
    steps
}

fn every_lab_plans_what_it_does() -> Outcome {
    for lab in LABS.iter().copied().chain(cgroups::possible()) {
        let words: Vec<&str> = lab.split(' ').collect();
        let plan = trace(&[&words[..], &["--plan", "--", "true"]].concat());
        let done = trace(&[&words[..], &["--", "true"]].concat());
        check(
            !steps(&done).is_empty() && steps(&plan) == steps(&done),
            format!("{lab}: {:#?} {:#?}", steps(&plan), steps(&done)),
        )?;
        let made = plan.iter().filter(|event| event["event"] == "call" && event["ret"] != "?").count();
        check(made == 0, format!("{lab}: a plan made {made} calls"))?;
    }
    Ok(())
}

fn every_lab_ends_with_the_status_of_its_program() -> Outcome {
    for lab in LABS.iter().copied().chain(cgroups::possible()) {
        let words: Vec<&str> = lab.split(' ').collect();
        let ran = run(&[&words[..], &["--", "sh", "-c", "exit 42"]].concat());
        check(ran.status == 42, format!("{lab}: {ran:?}"))?;
    }
    Ok(())
}

fn nothing_is_left_behind() -> Outcome {
    let left = stdout(&["cleanup", "--dry-run"])?;
    // Other trials run meanwhile; what they own is not left over.
    check(left == "Nothing is left behind.\n", left)
}
