//! seccomp: which system calls the kernel takes from this process.
//!
//! A filter sees numbers and registers, never what a pointer leads to: no paths, no
//! names. Every program that is started from here on inherits it. seccomp(2)

use std::path::Path;

use crate::error::Result;
use crate::kernel::{CLONE_NEWUSER, CloneFlags, Kernel, proc};
use crate::seccomp::{Action, Filter};

/// Puts the filter on this process and all that it will start.
pub fn load(k: &Kernel, filter: &Filter) -> Result<()> {
    k.step("Put the filter on, for good: the kernel takes no filter off");
    let before = k.tells().then(mode);
    k.seccomp(&filter.instructions, filter.flags)?;
    if let Some(before) = before {
        k.state("Seccomp in /proc/self/status", &before, &mode());
    }
    Ok(())
}

fn mode() -> String {
    described("self")
}

/// Of a process, whether it has a filter. proc_pid_status(5)
fn described(pid: &str) -> String {
    let word = match proc::status(pid, "Seccomp").as_deref() {
        Some("0") => "0 (off)",
        Some("1") => "1 (read, write and exit alone)",
        Some("2") => "2 (filter)",
        _ => "unknown",
    };
    word.to_owned()
}

/// Lab: a call that does no harm, whether it is refused or not.
#[derive(Debug)]
pub struct Try {
    /// Its name.
    pub name: &'static str,
    /// Its arguments, as a filter sees them.
    pub args: [u64; 6],
    call: fn(&Kernel) -> Result<()>,
}

/// Lab: the same call with two arguments is two attempts.
pub const TRIES: [Try; 6] = [
    Try { name: "unshare", args: [0x1000_0000, 0, 0, 0, 0, 0], call: |k| k.unshare(CLONE_NEWUSER) },
    Try { name: "keyctl", args: [0, 0xffff_fffd, 0, 0, 0, 0], call: |k| k.keyctl_get_session_keyring().map(drop) },
    Try { name: "personality", args: [0x4_0000, 0, 0, 0, 0, 0], call: |k| k.personality_no_randomize().map(drop) },
    Try { name: "personality", args: [0xffff_ffff, 0, 0, 0, 0, 0], call: |k| k.personality_query().map(drop) },
    Try { name: "socket", args: [2, 0x8_0001, 0, 0, 0, 0], call: |k| k.tcp_socket().map(drop) },
    // It is there already: what the kernel says to that, it says after the filter.
    Try { name: "mkdir", args: [0, 0o755, 0, 0, 0, 0], call: |k| k.mkdir(Path::new("/"), 0o755) },
];

/// Lab: what becomes of these calls without the filter. Whatever it is, it is told.
pub fn before(k: &Kernel, tries: &[&Try]) -> Result<()> {
    k.step("Let a child try some calls while no filter is on");
    in_a_child(k, "before", |k| {
        tries.iter().for_each(|attempt| drop((attempt.call)(k)));
        Ok(())
    })
}

/// Lab: what becomes of them with it; `answers` is what the filter says to each.
pub fn after(k: &Kernel, tries: &[&Try], answers: &[Action]) -> Result<()> {
    k.step("Let another child try the same: it has inherited the filter");
    in_a_child(k, "after", |k| {
        tries.iter().zip(answers).try_for_each(|(attempt, answer)| match answer {
            Action::Errno(errno) => {
                let otherwise = "a call was made that the filter refuses";
                k.refused((attempt.call)(k), i32::from(*errno), otherwise)
            }
            answer if answer.lets_pass() => {
                drop((attempt.call)(k));
                Ok(())
            }
            // It would be the child's end.
            _ => Ok(()),
        })
    })
}

fn in_a_child(k: &Kernel, role: &'static str, body: impl FnOnce(&Kernel) -> Result<()>) -> Result<()> {
    let child = k.clone3(role, CloneFlags::empty(), body)?;
    match k.wait(&child)?.status() {
        0 => Ok(()),
        // It has said what failed.
        status => k.exit(status),
    }
}

/// Host: its own calls are answered as ever.
pub fn outside(k: &Kernel, child: i32) {
    k.step("Look from outside: the filter is on the child alone");
    k.show("Seccomp in /proc/PID/status", || {
        vec![format!("of the child: {}", described(&child.to_string())), format!("of this process: {}", mode())]
    });
}
