//! `boxlab explain` and `boxlab compare`: what they say of processes that boxlab,
//! the shell, runc and podman have made, against what the kernel says.

mod support;

#[path = "explain/others.rs"]
mod others;
#[path = "explain/sleeper.rs"]
mod sleeper;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::Failed;
use serde_json::Value;
use sleeper::{Sleeper, container, spawn};
use support::{Ran, boxlab, check, is_root, needs, needs_root_for, refused, run, scratch, stdout};

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    support::main(vec![
        ("a_shell_is_no_container", a_shell_is_no_container),
        ("a_lab_is_apart_in_what_it_built", a_lab_is_apart_in_what_it_built),
        ("a_container_is_told_as_the_kernel_has_it", a_container_is_told_as_the_kernel_has_it),
        ("what_a_container_may_use", what_a_container_may_use),
        ("what_is_the_host_s_in_a_container", what_is_the_host_s_in_a_container),
        ("a_privileged_container_is_no_barrier", a_privileged_container_is_no_barrier),
        ("a_descriptor_that_leads_outside", a_descriptor_that_leads_outside),
        ("a_container_of_runc", others::a_container_of_runc),
        ("a_container_of_podman", others::a_container_of_podman),
        ("a_stranger_sees_a_part", a_stranger_sees_a_part),
        ("inside_of_a_container_the_host_is_out_of_sight", inside_of_a_container_the_host_is_out_of_sight),
        ("a_kernel_thread_and_a_zombie", a_kernel_thread_and_a_zombie),
        ("what_is_not_there_is_said", what_is_not_there_is_said),
        ("two_containers_differ_by_their_options", two_containers_differ_by_their_options),
        ("two_processes_of_one_container", two_processes_of_one_container),
        ("pages_fit_80_columns", pages_fit_80_columns),
    ])
}

/// The answer for programs.
fn explain(target: &str) -> Result<Value, Failed> {
    Ok(serde_json::from_str(&stdout(&["explain", target, "--format", "json"])?)?)
}

fn compare(a: &str, b: &str) -> Result<Value, Failed> {
    Ok(serde_json::from_str(&stdout(&["compare", a, b, "--format", "json"])?)?)
}

/// What was found about an aspect.
fn finding<'a>(told: &'a Value, aspect: &str) -> Result<&'a Value, Failed> {
    let findings = told["verdict"]["findings"].as_array().ok_or("no findings")?;
    let found = findings.iter().find(|finding| finding["aspect"] == aspect);
    found.ok_or_else(|| format!("nothing about {aspect}: {findings:?}").into())
}

/// Fails unless an aspect has that grade.
fn graded(told: &Value, aspect: &str, grade: &str) -> Outcome {
    let found = finding(told, aspect)?;
    check(found["grade"] == grade, format!("{aspect} should be {grade}: {found}"))
}

/// Namespaces, capabilities and ids as /proc has them.
fn as_the_kernel_has_it(told: &Value, pid: i32) -> Outcome {
    check(told["pid"] == pid, format!("PID {pid}: {}", told["pid"]))?;
    for namespace in told["namespaces"]["each"].as_array().ok_or("no namespaces")? {
        let kind = namespace["type"].as_str().unwrap_or_default();
        let link = fs::read_link(format!("/proc/{pid}/ns/{kind}"))?;
        check(namespace["name"] == link.to_string_lossy().as_ref(), format!("{kind}: {namespace}"))?;
        let own = fs::read_link(format!("/proc/self/ns/{kind}"))?;
        check(namespace["reader"] == (own == link), format!("{kind} is the reader's: {namespace}"))?;
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        line.ok_or_else(|| Failed::from(format!("no {name} in {status}")))
    };
    let sets = [
        ("inheritable", "CapInh"),
        ("permitted", "CapPrm"),
        ("effective", "CapEff"),
        ("bounding", "CapBnd"),
        ("ambient", "CapAmb"),
    ];
    for (set, name) in sets {
        let told = &told["guards"]["capabilities"][set];
        check(told["mask"] == line(name)?, format!("{set}: {told}"))?;
    }
    let uid = &told["identity"]["uid"];
    let ids = ["real", "effective", "saved", "filesystem"].map(|id| uid[id].to_string()).join("\t");
    check(ids == line("Uid")?, format!("ids: {uid}"))?;
    let numbers: Vec<String> = line("NSpid")?.split('\t').map(str::to_owned).collect();
    let pids: Value = serde_json::from_str(&format!("[{}]", numbers.join(",")))?;
    check(told["identity"]["pids"] == pids, format!("numbers inwards: {}", told["identity"]["pids"]))?;
    let no_new_privs = if told["guards"]["no_new_privs"] == true { "1" } else { "0" };
    check(no_new_privs == line("NoNewPrivs")?, "no_new_privs")?;
    let mode = ["disabled", "strict", "filter"].iter().position(|mode| told["guards"]["seccomp"]["mode"] == *mode);
    check(mode.map(|mode| mode.to_string()).as_deref() == Some(line("Seccomp")?), "the mode of seccomp")
}

fn a_shell_is_no_container() -> Outcome {
    // Without an argument it explains the shell that asks.
    let script = format!("echo $$; {} -q explain --format json; true", env!("CARGO_BIN_EXE_boxlab"));
    let output = Command::new("sh").args(["-c", &script]).output()?;
    let text = String::from_utf8(output.stdout)?;
    let (pid, told) = text.split_once('\n').ok_or("no answer")?;
    let told: Value = serde_json::from_str(told)?;
    check(told["pid"] == pid.parse::<i32>()?, format!("the shell {pid}: {}", told["pid"]))?;
    check(told["verdict"]["container"] == false, "no container")?;
    // The tests themselves may run in one.
    let expected = match told["namespaces"]["compared_with"]["first"] == true {
        true => "Not a container: it shares all namespaces with the host",
        false => "Nothing sets it apart from its surroundings",
    };
    let summary = told["verdict"]["summary"].as_str().unwrap_or_default();
    check(summary.starts_with(expected), summary)?;
    check(told["files"]["root"]["whose"] == "host", format!("the host's root: {}", told["files"]["root"]))?;
    for aspect in ["root", "processes", "network", "hostname"] {
        graded(&told, aspect, "not")?;
    }
    check(told["files"]["binds"] == serde_json::json!([]), "all files are the host's, so none is shown apart")
}

fn a_lab_is_apart_in_what_it_built() -> Outcome {
    let lab = spawn(&["ns", "all"])?;
    let told = explain(&lab.pid.to_string())?;
    as_the_kernel_has_it(&told, lab.pid)?;
    let kinds = |host: bool| {
        let each = told["namespaces"]["each"].as_array().into_iter().flatten();
        each.filter(|namespace| namespace["host"] == host)
            .map(|namespace| namespace["type"].to_string())
            .collect::<Vec<_>>()
    };
    check(kinds(true).is_empty() && kinds(false).len() == 8, format!("{:?} {:?}", kinds(true), kinds(false)))?;
    check(told["verdict"]["container"] == false, "it has no root of its own")?;
    let summary = told["verdict"]["summary"].as_str().unwrap_or_default();
    check(summary.starts_with("No container. Its own: cgroup ipc mnt net pid time"), summary)?;
    graded(&told, "root", "not")?;
    graded(&told, "processes", "isolated")?;
    // The lab's identifier leads to the innermost of its processes.
    let id = lab.ledger_id()?;
    check(explain(&id[..8])?["pid"] == lab.pid, format!("found by {id}"))
}

fn a_container_is_told_as_the_kernel_has_it() -> Outcome {
    let web = container("told", &[])?;
    let told = explain("told")?;
    as_the_kernel_has_it(&told, web.pid)?;
    check(told["verdict"]["container"] == true, format!("a container: {}", told["verdict"]["summary"]))?;
    check(told["files"]["root"]["whose"] == "own" && told["files"]["root"]["type"] == "overlay", "a root of its own")?;
    check(told["files"]["root"]["layers"] == 1, format!("one layer: {}", told["files"]["root"]))?;
    check(told["files"]["proc_is_hosts"] == false && told["files"]["bare"] == serde_json::json!([]), "masked")?;
    check(told["files"]["settings_writable"] == serde_json::json!([]), "/proc/sys is read-only")?;
    check(told["files"]["shared"] == serde_json::json!([]), "no mount reaches the host")?;
    check(told["hidden"] == serde_json::json!([]), format!("nothing is hidden: {}", told["hidden"]))?;
    for aspect in ["root", "descriptors", "settings", "/sys", "processes", "network", "IPC", "hostname", "mount events"]
    {
        graded(&told, aspect, "isolated")?;
    }
    let inside = &told["identity"]["user_namespace"];
    check(inside["uid"] == 0, format!("root inside: {inside}"))?;
    if is_root() {
        let users = finding(&told, "users")?;
        check(users["why"] == "Root inside is root on the host: no user namespace", format!("{users}"))?;
    } else {
        let own = fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own))?;
        check(inside["root"] == own && inside["owner"] == own, format!("root inside is this user: {inside}"))?;
        graded(&told, "users", "isolated")?;
    }
    // Its own cgroups, as /proc has them.
    let text = fs::read_to_string(format!("/proc/{}/cgroup", web.pid))?;
    for tree in told["cgroups"]["trees"].as_array().ok_or("no cgroups")? {
        let line = format!(":{}:{}", tree["controllers"].as_str().unwrap_or("?"), tree["path"].as_str().unwrap_or("?"));
        check(text.lines().any(|known| known.ends_with(&line)), format!("{line} in {text}"))?;
    }
    web.end()
}

fn what_a_container_may_use() -> Outcome {
    let limits = ["--memory", "64m", "--pids-limit", "50", "--cpus", "0.5", "--ulimit", "nofile=100:200"];
    let refusal = run(&[&["run"], &limits[..], &["host", "true"]].concat());
    if refusal.status != 0 && refusal.stderr.contains("not delegated") {
        needs_root_for("no cgroup is delegated to this user")?;
    }
    let web = container("limited", &limits)?;
    let told = explain("limited")?;
    let (memory, tasks) = (&told["cgroups"]["memory"], &told["cgroups"]["pids"]);
    check(memory["limit"] == 64 << 20 && tasks["limit"] == 50, format!("{memory} {tasks}"))?;
    // The limit is what the file says in which it claims to have found it.
    let file = |name: &str, measure: &Value| {
        let set_at = measure["set_at"].as_str().unwrap_or_default();
        fs::read_to_string(Path::new(set_at).join(name)).map(|text| text.trim().to_owned())
    };
    let bytes = file("memory.limit_in_bytes", memory).or_else(|_| file("memory.max", memory))?;
    check(bytes == (64 << 20).to_string() && file("pids.max", tasks)? == "50", format!("{memory} {tasks}"))?;
    check(memory["used"].as_u64().is_some_and(|used| used > 0 && used < 64 << 20), format!("some is used: {memory}"))?;
    check(told["cgroups"]["cpu"]["quota"] == 0.5, format!("{}", told["cgroups"]["cpu"]))?;
    check(finding(&told, "memory")?["value"] == "64 MiB" && finding(&told, "tasks")?["value"] == "50", "in words")?;
    let nofile = told["guards"]["rlimits"].as_array().into_iter().flatten().find(|limit| limit["name"] == "nofile");
    check(nofile.is_some_and(|limit| limit["soft"] == 100 && limit["hard"] == 200), format!("{nofile:?}"))?;
    web.end()?;
    let web = container("unlimited", &[])?;
    let told = explain("unlimited")?;
    check(finding(&told, "memory")?["why"] == "Unlimited: it can starve the machine", "without a limit")?;
    web.end()
}

fn what_is_the_host_s_in_a_container() -> Outcome {
    let directory = scratch("shown");
    let (open, closed) = (directory.join("open"), directory.join("closed"));
    fs::create_dir_all(&open)?;
    fs::create_dir_all(&closed)?;
    let volumes = [format!("{}:/open", open.display()), format!("{}:/closed:ro", closed.display())];
    let web = container("shown", &["-v", &volumes[0], "-v", &volumes[1], "--network", "host"])?;
    let told = explain("shown")?;
    let binds = told["files"]["binds"].as_array().ok_or("no binds")?;
    for (point, source, read_only) in [("/open", &open, false), ("/closed", &closed, true)] {
        let bind = binds.iter().find(|bind| bind["point"] == point).ok_or_else(|| format!("no {point}: {binds:?}"))?;
        let source = source.to_string_lossy();
        check(bind["source"] == source.as_ref() && bind["read_only"] == read_only, format!("{bind}"))?;
        check(bind["usual"] == false, "no engine brings it")?;
    }
    let usual: Vec<&Value> = binds.iter().filter(|bind| bind["usual"] == true).map(|bind| &bind["point"]).collect();
    check(usual == ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"], format!("{usual:?}"))?;
    let files = finding(&told, "host's files")?;
    check(files["grade"] == "partly" && files["value"] == "1 writable", format!("{files}"))?;
    let network = finding(&told, "network")?;
    check(
        network["grade"] == "not" && network["remedy"].as_str().is_some_and(|remedy| remedy.contains("--network host")),
        format!("{network}"),
    )?;
    web.end()?;
    let web = container("taken", &["-v", "/etc:/host/etc"])?;
    let told = explain("taken")?;
    graded(&told, "host's files", "not")?;
    web.end()
}

fn a_privileged_container_is_no_barrier() -> Outcome {
    let web = container("mighty", &["--privileged"])?;
    let told = explain("mighty")?;
    as_the_kernel_has_it(&told, web.pid)?;
    graded(&told, "seccomp", "not")?;
    let page = stdout(&["explain", "mighty"])?;
    if is_root() {
        check(told["verdict"]["grade"] == "not", format!("{}", told["verdict"]["summary"]))?;
        let why = finding(&told, "capabilities")?["why"].to_string();
        check(why.contains("It may load and unload kernel modules (CAP_SYS_MODULE)"), why)?;
        check(page.contains("SYS_MODULE: load and unload kernel modules"), page)?;
    } else {
        // All of root's power, but over its own user namespace alone.
        graded(&told, "capabilities", "partly")?;
        check(told["verdict"]["grade"] == "partly" && !page.contains("SYS_MODULE: load"), page)?;
    }
    web.end()?;
    let web = container("usual", &[])?;
    let told = explain("usual")?;
    let capabilities = &told["guards"]["capabilities"];
    check(capabilities["beyond"] == serde_json::json!([]), format!("no more than the usual: {capabilities}"))?;
    graded(&told, "capabilities", "isolated")?;
    graded(&told, "seccomp", "isolated")?;
    web.end()
}

/// A chroot of one static program, into which a descriptor on /etc is taken along.
fn a_descriptor_that_leads_outside() -> Outcome {
    needs("busybox")?;
    let root = scratch("leak");
    fs::create_dir_all(root.join("bin"))?;
    let busybox = boxlab::kernel::program_path("busybox").ok_or("no busybox")?;
    fs::copy(busybox, root.join("bin/cat"))?;
    let script = "exec 9</etc; exec unshare --user --map-root-user chroot \"$0\" /bin/cat";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(&root);
    let leak = Sleeper::start(command)?;
    let told = explain(&leak.pid.to_string())?;
    check(told["files"]["root"]["whose"] == "chroot", format!("{}", told["files"]["root"]))?;
    let outside = told["outside"].as_array().ok_or("its descriptors are hidden")?;
    let leads = |name: &str, target: &str| outside.iter().any(|held| held["name"] == name && held["target"] == target);
    check(leads("9", "/etc") && !outside.iter().any(|held| held["name"] == "exe"), format!("{outside:?}"))?;
    let found = finding(&told, "descriptors")?;
    let why = found["why"].as_str().unwrap_or_default();
    check(found["grade"] == "not" && why.contains("9 to /etc") && why.contains("CVE-2024-21626"), format!("{found}"))?;
    graded(&told, "root", "partly")?;
    leak.end()
}

/// As somebody who may not trace the container; root's PID 1 for an ordinary user.
fn a_stranger_sees_a_part() -> Outcome {
    let web = container("stranger", &[])?;
    let mut command = boxlab();
    let target = if is_root() {
        let copy = scratch("stranger").join("boxlab");
        fs::copy(env!("CARGO_BIN_EXE_boxlab"), &copy)?;
        command = Command::new(copy);
        command.uid(65_534).gid(65_534).env("HOME", "/");
        web.pid.to_string()
    } else {
        "1".to_owned()
    };
    let ran: Ran = command.args(["-q", "explain", &target]).output()?.into();
    check(ran.status == 0, format!("{ran:?}"))?;
    for text in ["Namespaces, against yours", "Hidden from you: its namespaces, root, descriptors.", "Root sees it"] {
        let page = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        check(page.contains(text), format!("{text}: {page}"))?;
    }
    if is_root() {
        // What /proc tells everybody is told: numbers, mounts, ids, capabilities.
        for line in
            ["  pid            own", "  mnt            own", "  user           the host's", "  net            hidden"]
        {
            check(ran.stdout.contains(line), format!("{line}: {}", ran.stdout))?;
        }
        check(ran.stdout.contains("A container"), ran.stdout)?;
    }
    web.end()
}

fn inside_of_a_container_the_host_is_out_of_sight() -> Outcome {
    // boxlab needs no libraries, so it runs in any root.
    let program = format!("{}:/boxlab:ro", env!("CARGO_BIN_EXE_boxlab"));
    let page = stdout(&["run", "-v", &program, "host", "/boxlab", "--color", "never", "explain", "1"])?;
    check(page.contains("Namespaces, against PID 1's, which are a container's"), page.clone())?;
    check(page.contains("ask from") && !page.contains("Not a container"), page)
}

fn a_kernel_thread_and_a_zombie() -> Outcome {
    let thread = fs::read_to_string("/proc/2/stat").is_ok_and(|stat| stat.starts_with("2 (kthreadd)"));
    if thread {
        let told = explain("2")?;
        check(told["kind"] == "kernel_thread" && told["hidden"] == serde_json::json!([]), format!("{}", told["kind"]))?;
        let page = stdout(&["explain", "2"])?;
        check(page.contains("A thread of the kernel") && !page.contains("Capabilities"), page)?;
    }
    let mut child = Command::new("true").spawn()?;
    let pid = child.id();
    // It has ended and is not waited for when its state says so.
    let state = format!("/proc/{pid}/stat");
    while !fs::read_to_string(&state)?.contains(") Z ") {
        std::thread::yield_now();
    }
    let page = stdout(&["explain", &pid.to_string()]);
    child.wait()?;
    check(page?.contains("A zombie: it has ended"), "what is left of a process")
}

fn what_is_not_there_is_said() -> Outcome {
    refused(&["explain", "4194304"], 125, &["there is no process 4194304", "ps -e"])?;
    // No short one of digits alone: the ID of a container beside this test can begin so.
    for nonsense in ["x/../y", "", "99999999999", "nobody-has-this-name"] {
        refused(&["explain", nonsense], 125, &["there is no process and no running container"])?;
    }
    refused(&["explain", "-1"], 2, &["-1"])?;
    refused(&["compare", "1"], 2, &["<PID|CONTAINER>"])?;
    refused(&["compare", "1", "4194304"], 125, &["there is no process 4194304"])?;
    let web = container("misspelt", &[])?;
    refused(&["explain", "misspellt"], 125, &["Did you mean 'misspelt'?"])?;
    web.end()?;
    refused(&["explain", "misspelt"], 125, &["no running container 'misspelt'"])
}

fn two_containers_differ_by_their_options() -> Outcome {
    let ours = container("ours", &[])?;
    let open = container("open", &["--network", "host", "--security-opt", "no-new-privileges"])?;
    let told = compare("ours", "open")?;
    check(told["a"]["pid"] == ours.pid && told["b"]["pid"] == open.pid, "both are named")?;
    check(told["only_a"] == serde_json::json!(["network"]), format!("ours isolates: {}", told["only_a"]))?;
    check(told["only_b"] == serde_json::json!(["no_new_privs"]), format!("the other isolates: {}", told["only_b"]))?;
    check(told["together"] == serde_json::json!([]), "they share nothing but the host's")?;
    let page = stdout(&["compare", "ours", "open"])?;
    let row = |page: &str, aspect: &str| page.lines().find(|line| line.starts_with(aspect)).map(str::to_owned);
    let network = row(&page, "network").unwrap_or_default();
    check(
        network.split_whitespace().eq(["network", "+", "own", "the", "host's"]),
        format!("the better one is marked: {page}"),
    )?;
    check(
        row(&page, "processes").is_none()
            && row(&stdout(&["compare", "ours", "open", "--all"])?, "processes").is_some(),
        "--all",
    )?;
    ours.end()?;
    open.end()
}

fn two_processes_of_one_container() -> Outcome {
    let mut command = boxlab();
    command.args(["-q", "run", "-i", "--name", "pair", "host", "sh", "-c", "sleep 100000 & exec cat"]);
    let pair = Sleeper::start(command)?;
    let child = pair.child()?.to_string();
    let told = compare("pair", &child)?;
    let together = told["together"].as_array().ok_or("no namespaces")?;
    for kind in ["mnt", "net", "pid", "uts"] {
        check(together.iter().any(|known| known == kind), format!("{kind} is one for both: {together:?}"))?;
    }
    let none = serde_json::json!([]);
    check(told["only_a"] == none && told["only_b"] == none, format!("{told}"))?;
    let page = stdout(&["compare", "pair", &child])?;
    check(page.contains("They live together in these namespaces, apart from the host:"), page)?;
    pair.end()
}

fn pages_fit_80_columns() -> Outcome {
    let web = container("wide", &["-v", &format!("{}:/data", scratch("wide").display())])?;
    for args in [&["explain", "wide"][..], &["explain"], &["compare", "wide", "1"], &["compare", "wide", "1", "--all"]]
    {
        let page = stdout(args)?;
        let long: Vec<&str> = page.lines().filter(|line| line.chars().count() > 80).collect();
        check(long.is_empty(), format!("{args:?}: {long:#?}"))?;
        check(!page.contains('\u{1b}'), format!("no colours in a pipe: {args:?}"))?;
        check(page.lines().all(|line| line.trim_end() == line), format!("no blanks at the end: {page}"))?;
    }
    check(
        stdout(&["--color", "always", "explain", "wide"])?.contains("\u{1b}[1m"),
        "colours where they are asked for",
    )?;
    web.end()
}
