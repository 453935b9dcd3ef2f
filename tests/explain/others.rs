//! Containers of other engines, made in directories of their own and removed again,
//! also where the trial fails.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::sleeper::{container, first_line};
use super::support::{check, is_root, needs, needs_root_for, scratch};
use super::{as_the_kernel_has_it, compare, explain, finding, graded};

/// Runs a command to its end when it goes out of scope.
struct Finally(Command);

impl Drop for Finally {
    fn drop(&mut self) {
        let _ = self.0.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// A root filesystem of busybox, which needs nothing else.
fn root(directory: &Path) -> Result<PathBuf, Failed> {
    needs("busybox")?;
    let root = directory.join("rootfs");
    for name in ["bin", "proc", "sys", "dev", "etc", "tmp"] {
        fs::create_dir_all(root.join(name))?;
    }
    let busybox = boxlab::kernel::program_path("busybox").ok_or("no busybox")?;
    fs::copy(busybox, root.join("bin/busybox"))?;
    symlink("busybox", root.join("bin/sleep"))?;
    Ok(root)
}

/// What `runc spec` proposes, without a terminal, with limits where they can be set.
fn bundle(directory: &Path) -> Result<(), Failed> {
    root(directory)?;
    let rootless = if is_root() { &[][..] } else { &["--rootless"][..] };
    first_line(Command::new("runc").arg("spec").args(rootless).current_dir(directory))?;
    let file = directory.join("config.json");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
    config["process"]["terminal"] = json!(false);
    config["process"]["args"] = json!(["sleep", "100000"]);
    config["process"]["rlimits"] = json!([{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 64}]);
    if is_root() {
        config["linux"]["resources"]["memory"] = json!({"limit": 64 << 20});
        config["linux"]["resources"]["pids"] = json!({"limit": 20});
    }
    Ok(fs::write(file, config.to_string())?)
}

pub fn a_container_of_runc() -> Result<(), Failed> {
    needs("runc")?;
    let directory = scratch("runc");
    bundle(&directory)?;
    let state = directory.join("state");
    let name = format!("boxlab-test-{}", std::process::id());
    let runc = |words: &[&str]| {
        let mut command = Command::new("runc");
        command.arg("--root").arg(&state).args(words).current_dir(&directory);
        command
    };
    let delete = Finally(runc(&["delete", "--force", &name]));
    let mut run = runc(&["run", "--detach", &name]);
    let status = run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    check(status.success(), format!("runc run: {status}"))?;
    let seen: Value = serde_json::from_str(&output(&mut runc(&["state", &name]))?)?;
    let pid = i32::try_from(seen["pid"].as_i64().ok_or("runc names no PID")?)?;
    let told = explain(&pid.to_string())?;
    as_the_kernel_has_it(&told, pid)?;
    check(told["verdict"]["container"] == true, format!("{}", told["verdict"]["summary"]))?;
    let shown = &told["files"]["root"];
    check(
        shown["source"] == directory.join("rootfs").to_string_lossy().as_ref() && shown["read_only"] == true,
        format!("{shown}"),
    )?;
    let names = &told["guards"]["capabilities"]["permitted"]["names"];
    check(*names == json!(["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"]), format!("{names}"))?;
    check(
        finding(&told, "capabilities")?["value"].as_str().is_some_and(|value| value.starts_with("3 of the usual 14")),
        "in words",
    )?;
    graded(&told, "no_new_privs", "isolated")?;
    graded(&told, "seccomp", "not")?;
    if is_root() {
        check(told["cgroups"]["memory"]["limit"] == 64 << 20, format!("{}", told["cgroups"]["memory"]))?;
        graded(&told, "devices", "isolated")?;
    }
    // What does it isolate that ours doesn't, and the other way round?
    let ours = container("beside-runc", &[])?;
    let compared = compare("beside-runc", &pid.to_string())?;
    let has = |side: &str, aspect: &str| {
        compared[side].as_array().is_some_and(|names| names.iter().any(|name| name == aspect))
    };
    check(
        has("only_b", "no_new_privs") && has("only_a", "seccomp"),
        format!("{} {}", compared["only_a"], compared["only_b"]),
    )?;
    if is_root() {
        check(has("only_b", "memory") && has("only_b", "tasks"), format!("{}", compared["only_b"]))?;
    }
    drop(delete);
    ours.end()
}

pub fn a_container_of_podman() -> Result<(), Failed> {
    needs("podman")?;
    needs("runc")?;
    needs_root_for("a podman without root wants a session of systemd's")?;
    let directory = scratch("podman");
    let root = root(&directory)?;
    let settings = directory.join("containers.conf");
    // The default limits are beyond what a root without CAP_SYS_RESOURCE may set.
    fs::write(&settings, "[containers]\ndefault_ulimits = []\n")?;
    let place = |name: &str| directory.join(name).into_os_string();
    let podman = |words: &[&str]| {
        let mut command = Command::new("podman");
        let own: [(&str, OsString); 7] = [
            ("--root", place("root")),
            ("--runroot", place("run")),
            ("--tmpdir", place("tmp")),
            ("--runtime", "runc".into()),
            ("--cgroup-manager", "cgroupfs".into()),
            ("--events-backend", "file".into()),
            ("--storage-driver", "vfs".into()),
        ];
        for (option, value) in own {
            command.arg(option).arg(value);
        }
        command.args(words).env("CONTAINERS_CONF", &settings).current_dir("/");
        command
    };
    let archive = directory.join("root.tar");
    first_line(Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(&root).arg("."))?;
    // podman leaves the cgroup in which it makes its own: what is last removed first.
    let parent = format!("boxlab-test-{}", std::process::id());
    let mut sweep = Command::new("find");
    sweep.args([
        "/sys/fs/cgroup",
        "-depth",
        "-path",
        &format!("*/{parent}*"),
        "-type",
        "d",
        "-exec",
        "rmdir",
        "{}",
        ";",
    ]);
    let sweep = Finally(sweep);
    let remove = Finally(podman(&["rm", "--all", "--force", "--time", "0"]));
    output(&mut podman(&["import", &archive.to_string_lossy(), "boxlab-test"]))?;
    output(&mut podman(&[
        "run",
        "--detach",
        "--network",
        "none",
        "--cgroup-parent",
        &format!("/{parent}"),
        "--memory",
        "64m",
        "--name",
        "p",
        "boxlab-test",
        "sleep",
        "100000",
    ]))?;
    let pid: i32 = output(&mut podman(&["inspect", "--format", "{{.State.Pid}}", "p"]))?.trim().parse()?;
    let told = explain(&pid.to_string())?;
    as_the_kernel_has_it(&told, pid)?;
    check(told["verdict"]["container"] == true, format!("{}", told["verdict"]["summary"]))?;
    check(finding(&told, "capabilities")?["grade"] == "isolated", format!("{}", finding(&told, "capabilities")?))?;
    check(told["cgroups"]["memory"]["limit"] == 64 << 20, format!("{}", told["cgroups"]["memory"]))?;
    graded(&told, "seccomp", "isolated")?;
    let ours = container("beside-podman", &["--memory", "64m"])?;
    let compared = compare("beside-podman", &pid.to_string())?;
    let row = compared["rows"].as_array().into_iter().flatten().find(|row| row["aspect"] == "memory");
    check(row.is_some_and(|row| row["differs"] == false), format!("{row:?}"))?;
    drop(remove);
    drop(sweep);
    ours.end()
}

/// What a command printed; it must succeed.
fn output(command: &mut Command) -> Result<String, Failed> {
    let output = command.stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("{command:?}: {said}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
