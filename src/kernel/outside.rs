//! Programs that lie outside of the container in which they are to run.
//!
//! `/proc/self/exe` is boxlab until the program has taken over, and whatever link of
//! an image leads there is followed. boxlab run inside the container would be a file
//! of the host's that the container holds open: once nothing executes it any more,
//! it can be opened again for writing, by way of /proc/self/fd. CVE-2019-5736
//!
//! What this check leaves to others: a path that is swapped between check and exec
//! (only where somebody else can write to the root at that time) finds the kernel's
//! ETXTBSY, as long as the boxlab outside lives, and with it the container; PID 1
//! under `--init` is not dumpable, so that its `exe` can't be opened. An ELF
//! interpreter is mapped, and gives no handle on the file.
//! execve(2), proc_pid_exe(5), statx(2)

use std::ffi::{CStr, CString, OsStr};
use std::fs::OpenOptions;
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{Kernel, Program};
use crate::error::{CANNOT_RUN, Error, Result};

/// How often a script's interpreter may be a script itself. execve(2)
const NESTED: usize = 5;

/// How much of a file's beginning the kernel looks at: BINPRM_BUF_SIZE.
const LOOKED_AT: usize = 256;

/// The mount by which this process's own program is reached. No mount namespace
/// that was made since has it: theirs are copies.
#[derive(Debug, Clone, Copy)]
pub struct Outside(Option<u64>);

impl Kernel {
    /// The mount of boxlab itself, looked up while /proc is still the host's. In a
    /// plan every program lies there.
    pub fn outside(&self) -> Outside {
        Outside(if self.plans() { None } else { mount_of(c"/proc/self/exe") })
    }
}

impl Outside {
    /// Refuses a program that is reached by that mount, or one whose interpreter is.
    pub fn refuse(self, program: &Program) -> Result<()> {
        let mut path = program.path.clone();
        for _ in 0..=NESTED {
            if self.0.is_some() && mount_of(&path) == self.0 {
                return Err(leads_out(program));
            }
            match interpreter(&path) {
                Some(next) => path = next,
                None => break,
            }
        }
        Ok(())
    }
}

fn leads_out(program: &Program) -> Error {
    let name = program.path.to_string_lossy();
    Error::new(format!("cannot run '{name}': it leads out of the container"))
        .hint(
            "A link such as /proc/self/exe leads to a program of the host's (here boxlab's own),\n\
             which the container could then overwrite: CVE-2019-5736.",
        )
        .status(CANNOT_RUN)
}

/// The mount in which a path ends, after all links; known since Linux 5.8.
fn mount_of(path: &CStr) -> Option<u64> {
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: the path ends with NUL, and the kernel fills a structure of that size.
    let status = unsafe { libc::statx(libc::AT_FDCWD, path.as_ptr(), 0, libc::STATX_MNT_ID, found.as_mut_ptr()) };
    // SAFETY: all its fields are plain numbers, for which zero will do.
    let found = unsafe { found.assume_init() };
    (status == 0 && found.stx_mask & libc::STATX_MNT_ID != 0).then_some(found.stx_mnt_id)
}

/// What `#!` names at the beginning of a script.
fn interpreter(path: &CStr) -> Option<CString> {
    let mut start = Vec::new();
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    // It could be a FIFO, at which a reader waits for ever.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).ok()?;
    file.take(LOOKED_AT as u64).read_to_end(&mut start).ok()?;
    named(&start)
}

fn named(start: &[u8]) -> Option<CString> {
    let line = start.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let name = line.iter().copied().skip_while(blank).take_while(|byte| !blank(byte) && *byte != 0);
    CString::new(name.collect::<Vec<u8>>()).ok().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn interpreters_are_found_as_the_kernel_finds_them() {
        let name = |start: &[u8]| named(start).map(|name| name.into_string().expect("text"));
        assert_eq!(name(b"#!/bin/sh\necho"), Some("/bin/sh".to_owned()));
        assert_eq!(name(b"#! \t/proc/self/exe  run x\n"), Some("/proc/self/exe".to_owned()));
        assert_eq!(name(b"#!/bin/sh"), Some("/bin/sh".to_owned()));
        assert_eq!([name(b"#!\n"), name(b"\x7fELF"), name(b"")], [None, None, None]);
    }
}
