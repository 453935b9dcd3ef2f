//! PID namespace: a process tree that starts at 1.
//!
//! It hides no process by itself: /proc does, once it is mounted anew.
//! pid_namespaces(7), proc(5)

use std::ffi::OsStr;
use std::path::Path;

use crate::error::Result;
use crate::kernel::{
    CLONE_NEWNS, CLONE_NEWPID, CloneFlags, Kernel, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC, Signal, proc,
};

/// Caller: asks for a namespace and stays outside of it. A number that changed
/// under a running program would break it, so only children move.
pub fn isolate(k: &Kernel) -> Result<()> {
    k.step("Ask for a new PID namespace; it begins with the next child");
    k.unshare(CLONE_NEWPID)?;
    let own = proc::namespace("self", "pid").unwrap_or_default();
    k.state("PID namespace of the caller itself", &own, &own);
    Ok(())
}

/// PID 1: sees itself, and with a /proc of its own nothing else.
pub fn first(k: &Kernel) -> Result<()> {
    k.step("This child is the first process in there: number 1");
    k.show("numbers, outermost first", || vec![proc::status("self", "NSpid").unwrap_or_default()]);
    k.show("processes in /proc, still the host's", || vec![count()]);

    k.part("proc", fresh_proc)?;
    k.part("signal", immune)?;
    k.part("reap", adopt)
}

/// `ps` reads /proc, and a /proc shows the namespace it was mounted from.
pub fn fresh_proc(k: &Kernel) -> Result<()> {
    k.step("Mount a /proc of this namespace over the host's, privately");
    k.unshare(CLONE_NEWNS)?;
    k.mount(None, Path::new("/"), None, MS_REC | MS_PRIVATE, None)?;
    let flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    k.mount(Some(OsStr::new("proc")), Path::new("/proc"), Some("proc"), flags, None)?;
    k.show("processes in /proc, now", || vec![count()]);
    Ok(())
}

/// The kernel protects an init from signals that it does not handle.
fn immune(k: &Kernel) -> Result<()> {
    k.step("Default actions do not touch PID 1: it survives its own SIGTERM");
    k.kill_pid(1, Signal::SIGTERM)
}

/// Orphans become children of PID 1, which must collect them or they stay zombies.
fn adopt(k: &Kernel) -> Result<()> {
    k.step("Let a child leave an orphan behind, and collect the child");
    k.clone3("parent", CloneFlags::empty(), |k| k.clone3_untied("orphan", CloneFlags::empty(), |_| Ok(())))?;
    k.wait_for_any()?;

    k.step("PID 1 inherits the orphan: unless it reaps, a zombie stays");
    k.wait_for_any().map(drop)
}

/// Host: every process of the namespace is here too, under another number.
pub fn outside(k: &Kernel, caller: i32) {
    k.step("Look from outside: the same process has a number here as well");
    let first = proc::children_of(caller).first().map(ToString::to_string).unwrap_or_default();
    k.show("numbers of that process, outermost first", || vec![proc::status(&first, "NSpid").unwrap_or_default()]);
}

fn count() -> String {
    let pids = proc::processes();
    let shown: Vec<String> = pids.iter().take(8).map(ToString::to_string).collect();
    let more = if pids.len() > 8 { " ..." } else { "" };
    format!("{} of them: {}{more}", pids.len(), shown.join(" "))
}
