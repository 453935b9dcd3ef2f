//! Loading a filter of system calls. seccomp(2)

use nix::errno::Errno;

use super::Kernel;
use crate::error::Result;
use crate::trace::decode;

/// One instruction of a classic BPF program: `struct sock_filter`. bpf(4)
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SockFilter {
    /// What to do.
    pub code: u16,
    /// How many instructions to skip if the comparison holds.
    pub jt: u8,
    /// And how many if it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// More the kernel does not take: `BPF_MAXINSNS`.
pub const BPF_MAXINSNS: usize = 4096;

bitflags::bitflags! {
    /// How a filter is loaded. seccomp(2)
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct SeccompFlags: u32 {
        /// Write each answer but "allow" to the audit log.
        const SECCOMP_FILTER_FLAG_LOG = 2;
        /// Keep speculative store bypass, which is faster and leaks more.
        const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4;
    }
}

/// `struct sock_fprog`
#[repr(C)]
struct Program {
    len: u16,
    filter: *const SockFilter,
}

impl Kernel {
    /// Puts a filter on this process and all that it will start; it can't be taken
    /// off. seccomp(2)
    #[track_caller]
    pub fn seccomp(&self, filter: &[SockFilter], flags: SeccompFlags) -> Result<()> {
        let program = Program { len: u16::try_from(filter.len()).unwrap_or(u16::MAX), filter: filter.as_ptr() };
        let args = || {
            let spelled = format!("{{len={}, filter={:p}}}", program.len, program.filter);
            vec!["SECCOMP_SET_MODE_FILTER".to_owned(), decode::flags(&flags), spelled]
        };
        self.call("seccomp", args, || {
            let mode = libc::SECCOMP_SET_MODE_FILTER;
            // SAFETY: the kernel reads `len` instructions, which outlive the call; a
            // longer program than u16 can tell is longer than it takes (EINVAL).
            Errno::result(unsafe { libc::syscall(libc::SYS_seccomp, mode, flags.bits(), &raw const program) }).map(drop)
        })
    }
}
