//! no_new_privs: from here on execve(2) gives nothing more, whatever is run.
//!
//! It takes nothing away; it shuts the way up. prctl(2), execve(2)

use std::path::Path;

use crate::error::Result;
use crate::kernel::{Kernel, MNT_DETACH, O_CREAT, O_EXCL, O_WRONLY, Program, maps, proc};

/// Shuts the way up for this process and all that come from it. There is no way back.
pub fn set(k: &Kernel) -> Result<()> {
    k.step("Promise never to gain privileges again: execve keeps the promise");
    let read = || proc::status("self", "NoNewPrivs").unwrap_or_default();
    let before = read();
    k.no_new_privs()?;
    k.state("no_new_privs", &before, &read());
    Ok(())
}

/// Lab: what a setuid program of root's gains an ordinary user, and what it doesn't
/// after the promise. `directory` must be out of everybody else's reach.
pub fn demonstrate(k: &Kernel, directory: &Path, status: &Program, user: u32) -> Result<()> {
    k.step("Copy a program there and mark it setuid: who runs it becomes root");
    let file = k.open(&directory.join("copy"), O_WRONLY | O_CREAT | O_EXCL, 0o755)?;
    k.copy_into(&file, status)?;
    k.fchmod(&file, 0o4755)?;
    // A file that is open for writing can't be run.
    drop(file);
    let copy = Program { path: c"./copy".to_owned(), ..status.clone() };

    k.step("Become an ordinary user and run it: root after all");
    let (_, text) = k.output_of("program", |k| {
        become_other(k, directory, user)?;
        k.execve(&copy)
    })?;
    look(k, &text);

    k.step("The same after the promise: the setuid bit is not looked at");
    let (_, text) = k.output_of("program", |k| {
        become_other(k, directory, user)?;
        k.no_new_privs()?;
        k.execve(&copy)
    })?;
    look(k, &text);
    Ok(())
}

/// Lab: the dangerous file goes with its filesystem.
pub fn clear(k: &Kernel, directory: &Path) -> Result<()> {
    k.step("Take the filesystem away, and the setuid program with it");
    k.umount2(directory, MNT_DETACH)
}

/// The way to the directory may be closed to that user: the way is gone first.
fn become_other(k: &Kernel, directory: &Path, user: u32) -> Result<()> {
    k.chdir(directory)?;
    if !maps::groups_fixed() {
        k.setgroups(&[])?;
    }
    k.setresgid(user)?;
    k.setresuid(user)
}

fn look(k: &Kernel, status: &str) {
    let line = |name: &str| proc::field(status, name).unwrap_or_default();
    k.show("its user ids: real, effective, saved, filesystem", || vec![line("Uid")]);
    let sets = || proc::capabilities_in(status).unwrap_or_default();
    k.show("its effective capabilities", || vec![sets().effective.described()]);
}
