//! A process's own affairs: what it dies with, its session, its program.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::panic::Location;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::Signal;

use super::{Child, Kernel};
use crate::error::{CANNOT_RUN, Error, FAILED, NOT_FOUND, Result};
use crate::trace::decode;

/// What execve(2) is given.
#[derive(Debug, Clone)]
pub struct Program {
    /// The file.
    pub path: CString,
    /// Its arguments, its name first.
    pub args: Vec<CString>,
    /// Its environment, `NAME=value`.
    pub env: Vec<CString>,
}

impl Program {
    /// Finds a program as a shell does: a name with a slash is a path, another is
    /// looked for in `PATH` of `env`. The caller's root directory counts.
    pub fn find(command: &[OsString], env: &[OsString]) -> Result<Self> {
        let Some(name) = command.first() else {
            return Err(Error::usage("no command to run"));
        };
        let found = if name.as_bytes().contains(&b'/') { check(Path::new(name)) } else { search(name, env) };
        let path = found.map_err(|errno| cannot_run(name, errno))?;
        Ok(Self { path, args: strings(command)?, env: strings(env)? })
    }
}

fn cannot_run(name: &OsStr, errno: Errno) -> Error {
    let name = name.to_string_lossy();
    match errno {
        Errno::ENOENT | Errno::ENOTDIR => Error::new(format!("cannot find the program '{name}'"))
            .hint("Looked for where it runs: in that root directory, by that PATH.")
            .status(NOT_FOUND),
        errno => Error::io(format!("cannot run '{name}'"), &errno.into()).status(CANNOT_RUN),
    }
}

fn search(name: &OsStr, env: &[OsString]) -> std::result::Result<CString, Errno> {
    let path = env.iter().find_map(|entry| entry.as_bytes().strip_prefix(b"PATH="));
    let path = path.unwrap_or(b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    let mut worst = Errno::ENOENT;
    for directory in path.split(|&byte| byte == b':') {
        let candidate = Path::new(OsStr::from_bytes(directory)).join(name);
        match check(&candidate) {
            Ok(found) => return Ok(found),
            // Found, but not to be run; a directory that can't be searched is none.
            Err(Errno::EACCES) if candidate.is_file() => worst = Errno::EACCES,
            Err(_) => {}
        }
    }
    Err(worst)
}

/// A regular file that may be executed.
fn check(path: &Path) -> std::result::Result<CString, Errno> {
    let errno = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::ENOENT));
    if !path.metadata().map_err(errno)?.is_file() {
        return Err(Errno::EACCES);
    }
    nix::unistd::access(path, nix::unistd::AccessFlags::X_OK)?;
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)
}

fn strings(items: &[OsString]) -> Result<Vec<CString>> {
    let string = |item: &OsString| CString::new(item.as_bytes());
    let strings: std::result::Result<_, _> = items.iter().map(string).collect();
    strings.map_err(|_| Error::usage("an argument or variable holds a NUL byte"))
}

impl Kernel {
    /// Asks to be killed when the parent ends. Credentials that change take the
    /// wish back, so who changes them asks again. prctl(2)
    #[track_caller]
    pub fn die_with_parent(&self) -> Result<()> {
        let args = || vec!["PR_SET_PDEATHSIG".to_owned(), "SIGKILL".to_owned()];
        // SAFETY: takes a plain number.
        self.call("prctl", args, || {
            Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) }).map(drop)
        })
    }

    /// Adopts orphans of its descendants, as PID 1 would. prctl(2)
    #[track_caller]
    pub fn become_subreaper(&self) -> Result<()> {
        let args = || vec!["PR_SET_CHILD_SUBREAPER".to_owned(), "1".to_owned()];
        // SAFETY: takes a plain number.
        self.call("prctl", args, || Errno::result(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) }).map(drop))
    }

    /// Leaves the terminal and its signals behind: a session of its own. setsid(2)
    #[track_caller]
    pub fn setsid(&self) -> Result<i32> {
        self.call("setsid", Vec::new, || nix::unistd::setsid().map(nix::unistd::Pid::as_raw))
    }

    /// Sends a signal to exactly this child. pidfd_send_signal(2)
    #[track_caller]
    pub fn pidfd_send_signal(&self, child: &Child, signal: Signal) -> Result<()> {
        let pidfd = child.pidfd().as_raw_fd();
        let args = || vec![pidfd.to_string(), signal.to_string(), decode::NULL.to_owned(), "0".to_owned()];
        self.call("pidfd_send_signal", args, || {
            let none: *const libc::siginfo_t = std::ptr::null();
            // SAFETY: a NULL siginfo asks for the default one.
            Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd, signal as i32, none, 0) })
                .map(drop)
        })
    }

    /// Turns this process into the program; told beforehand, since there is no
    /// afterwards. execve(2)
    #[track_caller]
    pub fn execve(&self, program: &Program) -> Result<Infallible> {
        let source = Location::caller();
        self.last(|k| k.execve_from(source, program))
    }

    fn execve_from(&self, source: &Location<'_>, program: &Program) -> Result<Infallible> {
        let args = || {
            let env = format!("/* {} vars */", program.env.len());
            vec![decode::bytes(program.path.to_bytes()), decode::vector(&program.args), env]
        };
        let call = || nix::unistd::execve(&program.path, &program.args, &program.env);
        let failed = self.call_from(source, "execve", args, call);
        if self.plans() {
            self.exit(0);
        }
        let name = program.path.to_string_lossy().into_owned();
        failed.map_err(|error| {
            let status = if error.errno() == Some(libc::ENOENT) { NOT_FOUND } else { CANNOT_RUN };
            error.status(status).doing(|| format!("cannot run '{name}'"))
        })
    }
}

impl Kernel {
    /// Sends a signal to a process by its number. kill(2)
    #[track_caller]
    pub fn kill_pid(&self, pid: i32, signal: Signal) -> Result<()> {
        let args = || vec![pid.to_string(), signal.to_string()];
        self.call("kill", args, || nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal))
    }

    /// Runs one of the host's programs to its end, as a helper.
    pub fn run_helper(&self, command: &[OsString]) -> Result<()> {
        let program = Program::find(command, &[])?;
        let mut helper = self.clone3("helper", nix::sched::CloneFlags::empty(), |k| k.execve(&program))?;
        let exit = self.watch(&mut helper).map_err(|error| match error.failure().status {
            // Not the user's program could not be run: boxlab has failed.
            CANNOT_RUN | NOT_FOUND => error.status(FAILED),
            _ => error,
        })?;
        if exit.status() == 0 {
            return Ok(());
        }
        let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
        Err(Error::new(format!("`{}` ended with status {}", words.join(" "), exit.status())))
    }
}

impl Kernel {
    /// Kills a process that is no child of the caller, and waits until it is gone.
    /// `start` is when it started: a number alone could be another's by now.
    pub fn end_process(&self, pid: i32, start: u64) -> Result<()> {
        let Some(pidfd) = self.find_process(pid, start)? else { return Ok(()) };
        let args =
            || vec![pidfd.as_raw_fd().to_string(), "SIGKILL".to_owned(), decode::NULL.to_owned(), "0".to_owned()];
        let sent = self.call("pidfd_send_signal", args, || {
            let none: *const libc::siginfo_t = std::ptr::null();
            // SAFETY: a NULL siginfo asks for the default one.
            let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), libc::SIGKILL, none, 0) };
            Errno::result(sent).map(drop)
        });
        match sent {
            // It has ended by itself meanwhile.
            Err(error) if error.errno() == Some(libc::ESRCH) => Ok(()),
            sent => sent.map(|()| until_gone(&pidfd, PATIENCE)),
        }
    }

    /// Waits until a process that something else ends is gone.
    pub fn until_ended(&self, pid: i32, start: u64) -> Result<()> {
        if let Some(pidfd) = self.find_process(pid, start)? {
            until_gone(&pidfd, PATIENCE);
        }
        Ok(())
    }

    /// [`Kernel::until_ended`], at most for this time.
    pub fn until_ended_within(&self, pid: i32, start: u64, time: Duration) -> Result<()> {
        if let Some(pidfd) = self.find_process(pid, start)? {
            until_gone(&pidfd, time);
        }
        Ok(())
    }

    /// A descriptor for a process, unless that has ended. pidfd_open(2)
    fn find_process(&self, pid: i32, start: u64) -> Result<Option<OwnedFd>> {
        let args = || vec![pid.to_string(), "0".to_owned()];
        let opened = self.call_unless(Errno::ESRCH, "pidfd_open", args, || super::namespace::pidfd_open(pid))?;
        Ok(opened.filter(|_| super::proc::start_time(pid) == Some(start)))
    }
}

/// Who does not end by then after SIGKILL waits for a disk, or is frozen.
const PATIENCE: Duration = Duration::from_secs(5);

/// A pidfd can be read when its process has ended.
fn until_gone(pidfd: &OwnedFd, time: Duration) {
    let mut waiting = [nix::poll::PollFd::new(pidfd.as_fd(), nix::poll::PollFlags::POLLIN)];
    let time = nix::poll::PollTimeout::try_from(time).unwrap_or(nix::poll::PollTimeout::MAX);
    let _ = nix::poll::poll(&mut waiting, time);
}
