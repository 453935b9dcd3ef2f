//! `boxlab run`: what a user sees in and of a container, as root and as an
//! ordinary user.

mod support;

use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use libtest_mimic::Failed;
use support::{Ran, boxlab, check, is_root, refused, run, scratch, stdout, trace};

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    support::main(vec![
        ("a_container_is_a_world_of_its_own", a_container_is_a_world_of_its_own),
        ("exit_statuses_are_docker_s", exit_statuses_are_docker_s),
        ("changes_go_with_the_container", changes_go_with_the_container),
        ("a_rootfs_directory_is_used_as_it_is", a_rootfs_directory_is_used_as_it_is),
        ("bind_mounts", bind_mounts),
        ("memory_mounts", memory_mounts),
        ("a_read_only_root", a_read_only_root),
        ("users_and_directories", users_and_directories),
        ("the_environment", the_environment),
        ("entrypoint_and_command", entrypoint_and_command),
        ("names_are_unique", names_are_unique),
        ("of_many_one_gets_the_name", of_many_one_gets_the_name),
        ("standard_input", standard_input),
        ("networks", networks),
        ("an_init", an_init),
        ("what_is_masked", what_is_masked),
        ("no_descriptor_leaks", no_descriptor_leaks),
        ("links_in_an_image_lead_nowhere", links_in_an_image_lead_nowhere),
        ("parts_left_out_show_what_they_are_for", parts_left_out_show_what_they_are_for),
        ("a_plan_is_the_run_without_its_effects", a_plan_is_the_run_without_its_effects),
        ("signals_reach_the_program", signals_reach_the_program),
        ("a_wrong_name_offers_the_right_one", a_wrong_name_offers_the_right_one),
        ("older_kernels_have_older_twins", older_kernels_have_older_twins),
        ("security_modules_label_it_where_they_are_at_work", security_modules_label_it_where_they_are_at_work),
        ("nothing_is_left_of_any_of_them", nothing_is_left_of_any_of_them),
    ])
}

/// A shell script in a container of the host image; what it printed.
fn inside(options: &[&str], script: &str) -> Result<String, Failed> {
    stdout(&[&["run"], options, &["host", "sh", "-c", script]].concat())
}

fn a_container_is_a_world_of_its_own() -> Outcome {
    let text = inside(&[], "echo $$; ls /proc | grep -c '^[0-9]'; id -u; hostname; cat /etc/hostname; pwd")?;
    let lines: Vec<&str> = text.lines().collect();
    check(lines[0] == "1" && lines[2] == "0" && lines[5] == "/", format!("PID 1, root, at /: {text}"))?;
    check(lines[1].parse::<u32>().is_ok_and(|count| count < 6), format!("its own processes alone: {text}"))?;
    let is_id = lines[3].len() == 12 && lines[3].bytes().all(|byte| byte.is_ascii_hexdigit());
    check(is_id && lines[3] == lines[4], format!("the hostname is the short ID: {text}"))?;
    check(inside(&[], "getent hosts $(hostname) | head -1")?.contains("::1"), "its own name is known in /etc/hosts")?;
    check(inside(&["-h", "web"], "hostname")? == "web\n", "--hostname")?;
    let nodes =
        inside(&[], "ls /dev; test -c /dev/null && echo x > /dev/null && ls -L /dev/fd/1 >/dev/null && echo usable")?;
    for name in
        ["null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm", "mqueue", "fd", "stdin", "usable"]
    {
        check(nodes.lines().any(|line| line == name), format!("/dev/{name}: {nodes}"))?;
    }
    check(!nodes.contains("vda") && !nodes.contains("sda"), "no disk of the host")
}

fn exit_statuses_are_docker_s() -> Outcome {
    check(run(&["run", "host", "sh", "-c", "exit 42"]).status == 42, "the program's own")?;
    check(run(&["run", "--init", "host", "sh", "-c", "kill -9 $$"]).status == 137, "128 + 9 for SIGKILL")?;
    refused(&["run", "host", "nosuchprogram"], 127, &["cannot find the program 'nosuchprogram'"])?;
    refused(&["run", "host", "/no/such/program"], 127, &["/no/such/program"])?;
    refused(&["run", "host", "/etc/hosts"], 126, &["cannot run '/etc/hosts'", "EACCES"])?;
    refused(&["run", "host", "/etc"], 126, &["cannot run '/etc'"])?;
    refused(&["run", "--user", "bob", "host", "true"], 125, &["no user 'bob'"])?;
    refused(&["run", "--workdir", "x", "host", "true"], 2, &["not absolute"])?;
    refused(&["run", "--no-such-option", "host", "true"], 2, &["--no-such-option"])
}

fn changes_go_with_the_container() -> Outcome {
    let script = "cat /etc/os-release | head -1; echo changed > /etc/os-release; rm /etc/passwd; touch /new; cat /etc/os-release";
    let first = inside(&[], script)?;
    check(first.ends_with("changed\n"), format!("the change is seen: {first}"))?;
    check(inside(&[], script)? == first, "the next container starts from the image again")?;
    check(inside(&[], "test -e /etc/passwd && ! test -e /new && echo whole")? == "whole\n", "the image is whole")
}

/// A root filesystem with nothing but this program, which needs nothing else.
fn small_root(name: &str) -> std::path::PathBuf {
    let root = scratch(name);
    std::fs::create_dir_all(root.join("bin")).expect("a directory");
    std::fs::copy(env!("CARGO_BIN_EXE_boxlab"), root.join("bin/boxlab")).expect("a copy");
    root
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn a_rootfs_directory_is_used_as_it_is() -> Outcome {
    let root = small_root("rootfs");
    let version = stdout(&["run", "--rootfs", &text(&root), "/bin/boxlab", "--version"])?;
    check(version.starts_with("boxlab "), format!("a static program runs in any root: {version}"))?;
    check(root.join("proc").is_dir() && root.join("dev").is_dir(), "missing mount points are made in it")?;
    std::fs::create_dir_all(root.join("etc"))?;
    std::fs::remove_file(root.join("etc/resolv.conf"))?;
    symlink("../run/systemd/resolve/stub-resolv.conf", root.join("etc/resolv.conf"))?;
    stdout(&["run", "--rootfs", &text(&root), "/bin/boxlab", "--version"])?;
    check(root.join("run/systemd/resolve/stub-resolv.conf").exists(), "a link that led to nothing leads to ours")?;
    refused(&["run", "--rootfs", "/no/such", "true"], 125, &["cannot use /no/such as a root filesystem", "ENOENT"])?;
    refused(&["run", "--rootfs", "/etc/passwd", "true"], 125, &["is no directory"])?;
    refused(&["run", "--rootfs", &text(&root)], 127, &["/bin/sh"])
}

fn bind_mounts() -> Outcome {
    let directory = scratch("bind");
    std::fs::write(directory.join("file"), "from the host\n")?;
    let volume = |options: &str| format!("{}:/in{options}", directory.display());
    let read_only = inside(&["-v", &volume(":ro")], "cat /in/file; echo x > /in/file || echo refused")?;
    check(read_only.ends_with("refused\n") && read_only.starts_with("from the host"), format!("-v :ro: {read_only}"))?;
    inside(
        &["--mount", &format!("type=bind,src={},dst=/deep/er/in", directory.display())],
        "echo changed > /deep/er/in/file",
    )?;
    check(
        std::fs::read_to_string(directory.join("file"))? == "changed\n",
        "--mount, and a write that reaches the host",
    )?;
    let one = format!("{}:/etc/one:ro", directory.join("file").display());
    check(inside(&["-v", &one], "cat /etc/one")? == "changed\n", "a single file")?;
    let made = directory.join("made");
    check(
        inside(&["-v", &format!("{}:/in", made.display())], "ls -d /in")? == "/in\n" && made.is_dir(),
        "-v makes its source",
    )?;
    let missing = format!("type=bind,src={},dst=/in", directory.join("missing").display());
    refused(&["run", "--mount", &missing, "host", "true"], 125, &["cannot mount", "ENOENT"])?;
    refused(&["run", "-v", "name:/in", "host", "true"], 2, &["named volume"])?;
    refused(&["run", "-v", "/usr:in", "host", "true"], 2, &["'in' can't be a place inside"])
}

fn memory_mounts() -> Outcome {
    let full = "dd if=/dev/zero of=/m/x bs=64k count=64 2>/dev/null; stat -c %s /m/x; stat -f -c %T /m";
    for option in [["--tmpfs", "/m:size=1m"], ["--mount", "type=tmpfs,dst=/m,tmpfs-size=1m"]] {
        check(inside(&option, full)? == "1048576\ntmpfs\n", format!("{option:?}"))?;
    }
    check(inside(&["--shm-size", "1m"], "df -k /dev/shm | tail -1")?.contains("1024"), "--shm-size")?;
    refused(&["run", "--tmpfs", "/m:size=1m,color=red", "host", "true"], 2, &["color=red", "Known:"])?;
    refused(&["run", "--shm-size", "large", "host", "true"], 2, &["'large' is no size"])
}

fn a_read_only_root() -> Outcome {
    let script = "touch /x 2>/dev/null || echo root; touch /tmp/x && echo tmp; echo x > /dev/shm/x && echo shm";
    check(inside(&["--read-only", "--tmpfs", "/tmp"], script)? == "root\ntmp\nshm\n", "only the root is read-only")
}

fn users_and_directories() -> Outcome {
    let who = "id -u; id -g; pwd; echo $HOME";
    if run(&["run", "--user", "33", "host", "true"]).stderr.contains("is not mapped") {
        // Without ranges in /etc/subuid there is no other id to become.
        check(!is_root() && boxlab::kernel::maps::ranges().is_none(), "only without ranges")?;
    } else {
        check(inside(&["--user", "nobody", "-w", "/tmp"], who)? == "65534\n65534\n/tmp\n/\n", "by name")?;
        check(inside(&["--user", "33:44"], who)? == "33\n44\n/\n/\n", "by number")?;
    }
    check(inside(&["-w", "/made/up/path"], "pwd")? == "/made/up/path\n", "a working directory is made")?;
    refused(&["run", "-w", "/etc/hosts", "host", "true"], 125, &["cannot start in /etc/hosts", "ENOTDIR"])?;
    refused(&["run", "--user", "0:nogroups", "host", "true"], 125, &["no group 'nogroups'"])
}

fn the_environment() -> Outcome {
    let file = scratch("env").join("file");
    std::fs::write(&file, "# a comment\nFROM_FILE=a b\nPASSED\n\n")?;
    let options =
        ["-e", "A=1", "--env-file", &text(&file), "-e", "A=2", "-e", "PATH=/usr/bin:/bin", "-e", "NOT_SET_ANYWHERE"];
    let output = boxlab().env("PASSED", "on").args(["-q", "run"]).args(options).args(["host", "env"]).output()?;
    let env = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in ["A=2", "FROM_FILE=a b", "PASSED=on", "PATH=/usr/bin:/bin", "HOME=/root"] {
        check(env.lines().any(|found| found == line), format!("{line} in {env}"))?;
    }
    check(!env.contains("A=1") && !env.contains("NOT_SET") && !env.contains("BOXLAB"), format!("nothing else: {env}"))?;
    refused(&["run", "--env-file", "/no/such", "host", "true"], 125, &["/no/such", "ENOENT"])
}

fn entrypoint_and_command() -> Outcome {
    check(stdout(&["run", "--entrypoint", "/bin/echo", "host", "hi"])? == "hi\n", "--entrypoint")?;
    check(stdout(&["run", "host", "echo", "-n", "--rm"])? == "--rm", "options of the program are its own")?;
    let text = run(&["run", "--rm", "host"]);
    check(text.status == 0, format!("the image's own command, with empty input: {text:?}"))
}

fn names_are_unique() -> Outcome {
    let mut first = boxlab();
    let first = first.args(["-q", "run", "-i", "--name", "one", "host", "sh", "-c", "echo up; cat"]);
    let mut first = first.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut output = first.stdout.take().expect("its output");
    output.read_exact(&mut [0; 3])?;
    let second = run(&["run", "--name", "one", "host", "true"]);
    let untouched = stdout(&["cleanup", "--dry-run"])?;
    drop(first.stdin.take());
    check(first.wait()?.success(), "the first ends well")?;
    check(second.status == 125 && second.stderr.contains("'one' is in use by container"), format!("{second:?}"))?;
    check(!untouched.contains("--name one"), format!("cleanup spares the living: {untouched}"))?;
    check(run(&["run", "--name", "one", "host", "true"]).status == 0, "the name is free again")?;
    refused(&["run", "--name", "a/b", "host", "true"], 2, &["'a/b' can't be a container's name"])
}

fn of_many_one_gets_the_name() -> Outcome {
    stdout(&["run", "host", "true"])?;
    let (ended, ends) = std::sync::mpsc::channel();
    let mut inputs = Vec::new();
    for _ in 0..4 {
        let mut child = boxlab();
        let child = child.args(["-q", "run", "-i", "--name", "same", "host", "cat"]);
        let mut child = child.stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        inputs.push(child.stdin.take());
        let ended = ended.clone();
        std::thread::spawn(move || ended.send(child.wait().ok().and_then(|status| status.code())));
    }
    // The losers end by themselves, the winner when its input does.
    for _ in 0..3 {
        let status = ends.recv_timeout(std::time::Duration::from_secs(60));
        check(status == Ok(Some(125)), format!("three are refused: {status:?}"))?;
    }
    drop(inputs);
    check(ends.recv()? == Some(0), "one gets the name")?;
    check(run(&["run", "--name", "same", "host", "true"]).status == 0, "and gives it back")
}

fn standard_input() -> Outcome {
    for (option, expected) in [(Some("-i"), "hello"), (None, "")] {
        let mut child = boxlab();
        let child = child.args(["-q", "run"]).args(option).args(["host", "cat"]);
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let _ = child.stdin.take().expect("its input").write_all(b"hello");
        let output = child.wait_with_output()?;
        check(output.stdout == expected.as_bytes(), format!("{option:?}: {output:?}"))?;
    }
    refused(&["run", "-it", "host", "sh"], 2, &["standard input is no terminal"])
}

fn networks() -> Outcome {
    let devices = "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | sort";
    check(inside(&[], devices)? == "lo\n" && inside(&["--network", "none"], devices)? == "lo\n", "loopback alone")?;
    let ran = run(&["run", "host", "bash", "-c", "echo > /dev/tcp/127.0.0.1/9"]);
    check(ran.stderr.contains("refused"), format!("loopback answers: {ran:?}"))?;
    let output = std::process::Command::new("sh").args(["-c", devices]).output()?;
    let host = String::from_utf8_lossy(&output.stdout).into_owned();
    check(inside(&["--network", "host"], devices)? == host, "the host's interfaces")?;
    refused(&["run", "--network", "web", "host", "true"], 2, &["no network 'web' yet"])
}

fn an_init() -> Outcome {
    let script = "(sh -c 'sleep 0.01 & exit' &) ; cat /proc/1/comm; echo $$";
    let text = inside(&["--init"], script)?;
    check(text.contains("boxlab") && !text.ends_with("\n1\n"), format!("the program is not PID 1: {text}"))?;
    // An orphan is a zombie until PID 1 has been told of it; it must not stay one.
    let zombies = "sh -c 'true & exec true' & wait; for try in $(seq 500); do \
        grep -q '^State:.Z' /proc/[0-9]*/status 2>/dev/null || { echo none; break; }; sleep 0.01; done";
    check(inside(&["--init"], zombies)? == "none\n", "no zombie stays")
}

fn what_is_masked() -> Outcome {
    let script = "cat /proc/keys /proc/timer_list /proc/interrupts | wc -c; ls /proc/acpi /sys/firmware 2>/dev/null | grep -vc :; \
        echo 1 > /proc/sys/kernel/hostname; echo b > /proc/sysrq-trigger; mkdir /sys/x; echo 0 > /proc/irq/default_smp_affinity; true";
    let ran = run(&["run", "host", "sh", "-c", script]);
    let numbers: Vec<&str> = ran.stdout.split_whitespace().collect();
    check(numbers.first() == Some(&"0"), format!("what tells of the machine is empty: {ran:?}"))?;
    let refusals =
        ran.stderr.lines().filter(|line| line.contains("Read-only file system") || line.contains("ermission denied"));
    check(refusals.count() >= 3, format!("what configures it is read-only: {ran:?}"))
}

fn no_descriptor_leaks() -> Outcome {
    // The shell hands descriptor 9, on a directory of the host, to boxlab.
    let script = format!("exec 9</etc; exec {} -q run host ls -l /proc/self/fd", env!("CARGO_BIN_EXE_boxlab"));
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .env("BOXLAB_ROOT", support::store())
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let links: Vec<&str> = text.lines().filter_map(|line| line.split_once(" -> ")).map(|(_, target)| target).collect();
    // 0, 1, 2 and the directory that ls itself reads.
    check(links.len() == 4 && links[3].starts_with("/proc/"), format!("CVE-2024-21626: {text}"))?;
    for number in 3..12 {
        let path = format!("/proc/self/fd/{number}");
        let ran = run(&["run", "-w", &path, "host", "cat", "../../etc/passwd"]);
        check(ran.status != 0, format!("CVE-2024-21626, as working directory {path}: {ran:?}"))?;
    }
    Ok(())
}

fn links_in_an_image_lead_nowhere() -> Outcome {
    let outside = scratch("outside");
    for (link, wanted) in [("proc", "proc"), ("etc", "etc"), ("data", "data/in")] {
        let root = small_root(&format!("evil-{link}"));
        let up = "../".repeat(12);
        symlink(format!("{up}{}", outside.strip_prefix("/").unwrap_or(&outside).display()), root.join(link))?;
        let volume = format!("{}:/{wanted}:ro", scratch("volume").display());
        let options: &[&str] = if link == "data" { &["-v", &volume] } else { &[] };
        run(&[&["run"], options, &["--rootfs", &text(&root), "/bin/boxlab", "--version"]].concat());
        let found: Vec<_> = std::fs::read_dir(&outside)?.flatten().map(|entry| entry.path()).collect();
        check(found.is_empty(), format!("CVE-2021-30465: the link {link} led out: {found:?}"))?;
    }
    // An absolute link to a host directory ends inside too.
    let root = small_root("evil-absolute");
    symlink(&outside, root.join("dev"))?;
    run(&["run", "--rootfs", &text(&root), "/bin/boxlab", "--version"]);
    check(std::fs::read_dir(&outside)?.next().is_none(), "an absolute link led out")
}

fn parts_left_out_show_what_they_are_for() -> Outcome {
    let own = std::process::Command::new("uname").arg("-n").output()?.stdout;
    check(inside(&["--without", "uts"], "uname -n")?.as_bytes() == own, "without uts: the host's name")?;
    let many = "ls /proc | grep -c '^[0-9]'";
    check(
        inside(&["--without", "pid"], many)?.trim().parse::<u32>().is_ok_and(|count| count > 6),
        "without pid: all processes",
    )?;
    check(inside(&["--without", "proc"], "ls /proc | wc -l")? == "0\n", "without proc: an empty /proc")?;
    check(
        inside(&["--without", "pivot_root"], "ls /")? != inside(&[], "ls /")?,
        "without pivot_root: the host's files",
    )?;
    check(!inside(&["--without", "etc"], "cat /etc/hostname")?.contains('\n'), "without etc: the image's own")?;
    let sys = "echo $(cat /proc/keys | wc -c)";
    check(inside(&[], sys)? == "0\n", "with mask: nothing")?;
    check(
        inside(&["--without", "mask"], "stat -c %t:%T /proc/keys")? != inside(&[], "stat -c %t:%T /proc/keys")?,
        "without mask: the real file",
    )?;
    refused(&["run", "--without", "pid,etc", "--rootfs", "/", "/bin/true"], 2, &["can't both be left out", "cleanup"])?;
    check(inside(&["--without", "pid,etc"], "echo ran")? == "ran\n", "an image's layers tell whose it is")?;
    refused(&["run", "--without", "pivot", "host", "true"], 2, &["Did you mean 'pivot_root'?"])
}

fn a_plan_is_the_run_without_its_effects() -> Outcome {
    let steps = |events: Vec<serde_json::Value>| -> Vec<String> {
        let steps = events.iter().filter(|event| event["event"] == "step");
        steps.map(|event| format!("{} {}", event["role"], event["text"])).collect()
    };
    stdout(&["run", "host", "true"])?;
    let volume = scratch("plan").join("not-made");
    let options = ["-v", &format!("{}:/in", volume.display()), "--tmpfs", "/m", "--read-only", "--init"];
    let plan = trace(&[&["run", "--plan"], &options[..], &["host", "true"]].concat());
    check(plan.iter().all(|event| event["event"] != "call" || event["ret"] == "?"), "a plan makes no call")?;
    check(!volume.exists(), "a plan makes no directory")?;
    let done = trace(&[&["run"], &options[..], &["host", "true"]].concat());
    let (plan, done) = (steps(plan), steps(done));
    check(plan.len() > 15 && plan == done, format!("{plan:#?}\n{done:#?}"))
}

fn signals_reach_the_program() -> Outcome {
    let mut child = boxlab();
    let script = "trap 'exit 33' TERM; echo up; while :; do sleep 0.01; done";
    let mut child = child.args(["-q", "run", "host", "sh", "-c", script]).stdout(Stdio::piped()).spawn()?;
    child.stdout.as_mut().expect("its output").read_exact(&mut [0; 3])?;
    std::process::Command::new("kill").arg(child.id().to_string()).status()?;
    let status = child.wait()?;
    check(status.code() == Some(33), format!("SIGTERM is passed on and its handler's status comes back: {status}"))
}

fn a_wrong_name_offers_the_right_one() -> Outcome {
    refused(&["run", "--pull", "never", "hots", "true"], 125, &["no image 'hots'", "Did you mean 'host'?"])?;
    refused(&["runn"], 2, &["'runn'", "'run'"])?;
    refused(&["run", "ls"], 125, &["boxlab run host ls"])
}

fn nothing_is_left_of_any_of_them() -> Outcome {
    check(stdout(&["cleanup", "--dry-run"])? == "Nothing is left behind.\n", "cleanup finds nothing")
}

/// With strace as an old kernel: it says ENOSYS or EINVAL to what came later.
fn older_kernels_have_older_twins() -> Outcome {
    support::needs("strace")?;
    support::needs_untraced_helpers()?;
    let old = |call: &str, error: &str, args: &[&str]| -> Result<Ran, Failed> {
        let mut command = std::process::Command::new("strace");
        command.args(["-f", "-o", "/dev/null", "-e", &format!("inject={call}:error={error}")]);
        command.arg(env!("CARGO_BIN_EXE_boxlab")).arg("-q").args(args);
        Ok(command.env("BOXLAB_ROOT", support::store()).stdin(Stdio::null()).output()?.into())
    };
    let file = scratch("old").join("file");
    std::fs::write(&file, "from the host\n")?;
    for place in ["/in/file", "/in"] {
        let source = if place == "/in" { file.parent().expect("a directory") } else { &file };
        let volume = format!("{}:{place}:ro", source.display());
        let ran = old("mount_setattr", "ENOSYS", &["run", "-v", &volume, "host", "sh", "-c", "echo x > /in/file"])?;
        check(ran.stderr.contains("Read-only file system"), format!("{place} without mount_setattr: {ran:?}"))?;
    }
    let ran = old("mount_setattr", "ENOSYS", &["mount", "readonly", "--", "true"])?;
    check(ran.status == 0, format!("mount readonly without mount_setattr: {ran:?}"))?;
    let ran = old("close_range", "EINVAL", &["run", "host", "ls", "/proc/self/fd"])?;
    check(ran.stdout == "0\n1\n2\n3\n", format!("before CLOSE_RANGE_CLOEXEC: {ran:?}"))
}

fn security_modules_label_it_where_they_are_at_work() -> Outcome {
    use boxlab::kernel::lsm::Labels;
    refused(&["run", "--security-opt", "label=typ:x", "host", "true"], 2, &["no label option 'typ:x'"])?;
    if !Labels::Selinux.active() {
        refused(&["run", "--security-opt", "label=type:x_t", "host", "true"], 125, &["SELinux is not at work here"])?;
    }
    let named = ["run", "--security-opt", "apparmor=no-such-profile", "host", "true"];
    if !Labels::AppArmor.active() {
        return refused(&named, 125, &["'no-such-profile'", "AppArmor is not at work here"]);
    }
    if support::is_root() && boxlab::kernel::program_path("apparmor_parser").is_some() {
        refused(&named, 125, &["AppArmor has no profile 'no-such-profile'"])?;
        let label = inside(&[], "cat /proc/self/attr/current")?;
        check(label.trim() == "boxlab-default (enforce)", format!("the default profile: {label}"))?;
    }
    let label = inside(&["--security-opt", "apparmor=unconfined"], "cat /proc/self/attr/current")?;
    check(label.trim() == "unconfined", format!("none, if asked: {label}"))
}
