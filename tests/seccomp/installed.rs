//! Reads back the filter of a running process. ptrace(2), PTRACE_SECCOMP_GET_FILTER

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::ptr;

use boxlab::kernel::SockFilter;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::common::place::Place;
use super::common::process::finish;

/// linux/ptrace.h
const PTRACE_SECCOMP_GET_FILTER: u32 = 0x420c;

/// The one filter that is on this process.
pub fn filter(pid: i32) -> Result<Vec<SockFilter>, String> {
    request(libc::PTRACE_SEIZE, pid, 0, ptr::null_mut()).map_err(|errno| format!("cannot trace {pid}: {errno}"))?;
    let read = stopped(pid);
    let _ = request(libc::PTRACE_DETACH, pid, 0, ptr::null_mut());
    let mut filters = read.map_err(|errno| format!("cannot read the filters of {pid}: {errno}"))?;
    match filters.len() {
        1 => Ok(filters.remove(0)),
        count => Err(format!("process {pid} has {count} filters, not one")),
    }
}

/// The filter of the program that this boxlab command starts.
pub fn of_boxlab(place: &Place, words: &[&str]) -> Result<Vec<SockFilter>, String> {
    let program = ["/bin/sh", "-c", "echo $$; exec sleep 60"];
    let mut command = place.boxlab(&[&["-q"], words, &program].concat());
    let mut boxlab = command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let mut line = String::new();
    let _ = BufReader::new(boxlab.stdout.take().ok_or("no output")?).read_line(&mut line);
    let read = match line.trim().parse() {
        Ok(pid) => {
            let read = filter(pid);
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            read
        }
        Err(_) => Err(format!("no number of a process: {line:?}")),
    };
    finish(&mut boxlab)?;
    read
}

fn stopped(pid: i32) -> Result<Vec<Vec<SockFilter>>, Errno> {
    request(libc::PTRACE_INTERRUPT, pid, 0, ptr::null_mut())?;
    waitpid(Pid::from_raw(pid), Some(WaitPidFlag::__WALL))?;
    let mut filters = Vec::new();
    loop {
        match nth(pid, filters.len()) {
            Ok(filter) => filters.push(filter),
            Err(Errno::ENOENT) => return Ok(filters),
            Err(errno) => return Err(errno),
        }
    }
}

fn nth(pid: i32, index: usize) -> Result<Vec<SockFilter>, Errno> {
    let count = request(PTRACE_SECCOMP_GET_FILTER, pid, index, ptr::null_mut())?;
    let mut filter = vec![SockFilter { code: 0, jt: 0, jf: 0, k: 0 }; usize::try_from(count).unwrap_or_default()];
    request(PTRACE_SECCOMP_GET_FILTER, pid, index, filter.as_mut_ptr())?;
    Ok(filter)
}

fn request(request: u32, pid: i32, address: usize, data: *mut SockFilter) -> Result<i64, Errno> {
    // SAFETY: of these requests only the one for a filter writes, and only if `data`
    // is not NULL: as many instructions as the same request has counted before.
    Errno::result(unsafe { libc::ptrace(request, pid, address, data) })
}
