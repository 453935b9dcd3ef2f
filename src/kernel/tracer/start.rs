//! Starting the program that is followed.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::mount::mount;
use nix::sched::unshare;
use nix::sys::ptrace;

use super::super::flags::{CloneFlags, MsFlags};
use crate::error::{IoContext, Result};

/// What is started.
#[derive(Debug)]
pub struct Start {
    /// The program's file.
    pub program: PathBuf,
    /// Its arguments, without its name.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// Where.
    pub directory: PathBuf,
    /// What it prints.
    pub output: File,
    /// What it says.
    pub errors: File,
}

impl Start {
    /// Starts it in mount, UTS and IPC namespaces of its own, to be followed from its first
    /// instruction; its number.
    pub(super) fn spawn(&self) -> Result<i32> {
        let failed = || format!("cannot run {}", self.program.display());
        let keep = |file: &File| file.try_clone().or_fail(|| "cannot keep a file".to_owned());
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(self.env.iter().cloned()).current_dir(&self.directory);
        command.stdin(Stdio::null()).stdout(keep(&self.output)?).stderr(keep(&self.errors)?);
        let follow = || {
            super::super::signal::reset();
            // The terminal's signals are for boxlab, which ends it.
            nix::unistd::setsid()?;
            // What a program does before it has namespaces of its own stays in these. As on a
            // real host, mounts go on to the copies of this one and back.
            unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC)?;
            let none = None::<&str>;
            mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SHARED, none)?;
            Ok(ptrace::traceme()?)
        };
        // SAFETY: it only makes calls, and takes no lock that another thread could hold.
        unsafe { command.pre_exec(follow) };
        let child = command.spawn().or_fail(failed)?;
        Ok(i32::try_from(child.id()).unwrap_or_default())
    }
}
