//! Loading a filter of system calls. seccomp(2)

use nix::errno::Errno;

use super::{Kernel, Outcome};
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

/// Calls to try a filter with: harmless, and refused to containers.
impl Kernel {
    /// The number of the session keyring. keyctl(2), keyrings(7)
    #[track_caller]
    pub fn keyctl_get_session_keyring(&self) -> Result<i32> {
        let args = || ["KEYCTL_GET_KEYRING_ID", "KEY_SPEC_SESSION_KEYRING", "0"].map(str::to_owned).to_vec();
        self.call("keyctl", args, || {
            let (command, keyring) = (libc::KEYCTL_GET_KEYRING_ID, libc::KEY_SPEC_SESSION_KEYRING);
            // SAFETY: takes plain numbers.
            let serial = Errno::result(unsafe { libc::syscall(libc::SYS_keyctl, command, keyring, 0) })?;
            Ok(i32::try_from(serial).unwrap_or(i32::MAX))
        })
    }

    /// Loads the next program at addresses that can be foretold. personality(2)
    #[track_caller]
    pub fn personality_no_randomize(&self) -> Result<Persona> {
        self.personality("PER_LINUX|ADDR_NO_RANDOMIZE", libc::ADDR_NO_RANDOMIZE)
    }

    /// What the persona is. personality(2)
    #[track_caller]
    pub fn personality_query(&self) -> Result<Persona> {
        self.personality("0xffffffff", -1)
    }

    #[track_caller]
    fn personality(&self, spelled: &str, persona: i32) -> Result<Persona> {
        let persona = libc::c_ulong::from(persona.cast_unsigned());
        self.call(
            "personality",
            || vec![spelled.to_owned()],
            || {
                // SAFETY: takes a plain number.
                Errno::result(unsafe { libc::personality(persona) }).map(Persona)
            },
        )
    }
}

/// What a process is executed as, before the call. personality(2)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Persona(i32);

impl Outcome for Persona {
    fn spelled(&self) -> String {
        if self.0 == 0 { "0".to_owned() } else { format!("{:#x}", self.0) }
    }

    fn planned() -> nix::Result<Self> {
        Ok(Self(0))
    }
}
