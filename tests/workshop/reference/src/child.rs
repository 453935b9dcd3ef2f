//! Stage 1: a child process. clone(2), execve(2), wait(2)

use std::convert::Infallible;
use std::ffi::CString;

use nix::errno::Errno;
use nix::sched::{CloneFlags, clone};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::execvp;

use super::{FAILED, Result};

/// Runs a program in a child process: its exit status.
pub fn run(program: &[String]) -> Result<i32> {
    in_child(CloneFlags::empty(), || exec(program))
}

/// Makes a child, in the new namespaces that `flags` ask for, in which `inside` runs, and
/// waits for its end: its exit status; for signal n 128+n.
pub fn in_child(flags: CloneFlags, mut inside: impl FnMut() -> Result<Infallible>) -> Result<i32> {
    let life = || {
        let Err(error) = inside();
        eprintln!("mycontainer: {error}");
        FAILED as isize
    };
    let mut stack = vec![0; 1024 * 1024];
    // SAFETY: there is no other thread, and without CLONE_VM the child has a memory of its own.
    let child = unsafe { clone(Box::new(life), &mut stack, flags, Some(Signal::SIGCHLD as i32)) }?;
    match waitpid(child, None)? {
        WaitStatus::Exited(_, status) => Ok(status),
        WaitStatus::Signaled(_, signal, _) => Ok(128 + signal as i32),
        other => Err(format!("the child has not ended: {other:?}").into()),
    }
}

/// Runs another program in place of this one.
pub fn exec(program: &[String]) -> Result<Infallible> {
    let words = program.iter().map(|word| CString::new(word.as_str())).collect::<std::result::Result<Vec<_>, _>>()?;
    let Err(errno) = execvp(words.first().ok_or("which program? It stands behind --")?, &words);
    eprintln!("mycontainer: cannot run {}: {}", program[0], errno.desc());
    // As a shell counts: there is no such program, or it can't be run.
    std::process::exit(if errno == Errno::ENOENT { 127 } else { 126 })
}
