//! Security modules: AppArmor and SELinux, which decide by a label on the process.
//!
//! They are asked after file permissions and capabilities have said yes, and can
//! only say no. apparmor(7), selinux(8), proc_pid_attr(5)

use std::ffi::OsStr;
use std::path::Path;

use crate::error::{Context, IoContext, Result};
use crate::kernel::lsm::{self, Labels, SECURITYFS};
use crate::kernel::{Kernel, MS_NODEV, MS_NOEXEC, MS_NOSUID, Program, create_whole};

/// AppArmor's profile for containers, `{name}` standing for its name.
const PROFILE: &str = include_str!("boxlab-default.apparmor");

/// Host: gives the kernel the default profile under this name, compiled by AppArmor's
/// own parser from `file`, which is made for it.
pub fn load(k: &Kernel, name: &str, file: &Path) -> Result<()> {
    k.step("Give the kernel a profile for containers, compiled by its own parser");
    let text = PROFILE.replace("{name}", name);
    k.show("its rules", || rules(&text));
    if !k.plans() {
        create_whole(file, text.as_bytes()).or_fail(|| format!("cannot write {}", file.display()))?;
    }
    let words = ["apparmor_parser", "--replace", "--skip-cache", "--"].map(Into::into);
    let command = [&words[..], &[file.into()]].concat();
    let needs = || format!("It comes with the package apparmor, and writes to {SECURITYFS},\nwhich must be mounted.");
    k.run_helper(&command).hint(|_| Some(needs()))
}

/// A profile without what is for its readers alone.
fn rules(profile: &str) -> Vec<String> {
    let lines = profile.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// Child: says as what the program runs that this process becomes.
pub fn label(k: &Kernel, module: Labels, label: &str) -> Result<()> {
    k.step("Ask for a label on the next program; execve puts it on");
    k.set_exec_label(module, label)
}

/// Lab: makes the kernel's list of modules readable, in a mount namespace of one's own.
pub fn securityfs(k: &Kernel) -> Result<()> {
    k.step("Nobody has mounted securityfs, which tells of them: do so, privately");
    let flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    k.mount(Some(OsStr::new("securityfs")), Path::new(SECURITYFS), Some("securityfs"), flags, None)
}

/// Lab: which modules are at work, and as what they know this process.
pub fn look(k: &Kernel) {
    k.step("Look who is asked besides the file permissions, in this order");
    k.show("security modules at work", || match lsm::active() {
        Some(modules) => modules.iter().map(|module| format!("{module:<12} {}", lsm::purpose(module))).collect(),
        None => vec![format!("not known: {SECURITYFS} is not mounted, and this kernel is older than 6.8")],
    });
    k.show("label of this process", || vec![lsm::label("self").unwrap_or_else(|| "none".to_owned())]);
}

/// Lab: runs a program with the label, which prints as what it runs.
pub fn run_labelled(k: &Kernel, module: Labels, wanted: &str, own_label: &Program) -> Result<()> {
    k.step("Run a program with the label, which says as what it runs");
    let (_, text) = k.output_of("program", |k| {
        k.set_exec_label(module, wanted)?;
        k.execve(own_label)
    })?;
    k.show("label of that program", || vec![text.trim_end_matches(['\n', '\0']).to_owned()]);
    Ok(())
}

/// Lab: runs a program that does what the default profile denies.
pub fn run_denied(k: &Kernel, name: &str, denied: &Program) -> Result<()> {
    k.step("Root may read this file, but not under that profile");
    let (exit, _) = k.output_of("program", |k| {
        k.set_exec_label(Labels::AppArmor, name)?;
        k.execve(denied)
    })?;
    k.show("status of that program", || vec![exit.status().to_string()]);
    Ok(())
}

/// Lab: why no label is put on the program here, and what that means.
pub fn without(k: &Kernel, labels: bool) {
    if labels {
        k.step("One of them labels processes; this one stays as it is, unless asked");
    } else {
        k.step("None of them labels processes: capabilities and seccomp must do");
    }
}
