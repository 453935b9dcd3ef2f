//! Stage 7: root, without its powers. capabilities(7), prctl(2), seccomp(2)

use std::path::Path;

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, c_ulong, sock_filter, sock_fprog};
use nix::errno::Errno;

use super::Result;
use super::child::{exec, in_child};
use super::pid::{NEW, contain};

/// The capabilities that stay, by their numbers (linux/capability.h): CHOWN, DAC_OVERRIDE, FOWNER,
/// FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP.
const KEPT: [u32; 14] = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31];

/// As [`super::pid::run`], with few capabilities, and with calls that fail.
pub fn run(root: &Path, program: &[String]) -> Result<i32> {
    in_child(NEW, || {
        contain(root)?;
        seal()?;
        exec(program)
    })
}

/// Gives up what the program must not have. It comes last: what makes a container needs it.
pub fn seal() -> Result<()> {
    // Of the bounding set, root's program gets by execve what it has not been given before.
    for capability in (0..64).filter(|capability| !KEPT.contains(capability)) {
        match prctl(libc::PR_CAPBSET_DROP, capability.into()) {
            Err(Errno::EINVAL) => break, // The kernel has fewer of them.
            dropped => dropped?,
        }
    }
    let kept = KEPT.iter().fold(0, |set, capability| set | 1u32 << capability);
    // Version 3, this thread; effective, permitted and inheritable: the lower half, then the upper.
    let (header, sets) = ([0x2008_0522, 0], [kept, kept, 0, 0, 0, 0]);
    // SAFETY: both are as large as version 3 has them, and live across the call.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) })?;
    // Without this, a filter takes CAP_SYS_ADMIN: a setuid program could be tricked by it.
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)?;
    filter_calls()
}

/// Has the kernel run a small program before each call: it loads words of `struct seccomp_data`
/// (4: the architecture, 0: the call's number), compares, and returns what becomes of the call.
fn filter_calls() -> Result<()> {
    let refused = [
        [libc::SYS_unshare, libc::SYS_setns, libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root],
        [libc::SYS_keyctl, libc::SYS_ptrace, libc::SYS_bpf, libc::SYS_kexec_load, libc::SYS_reboot],
    ];
    let load = |k| sock_filter { code: (BPF_LD | BPF_W | BPF_ABS) as u16, jt: 0, jf: 0, k };
    let unless = |k, jt| sock_filter { code: (BPF_JMP | BPF_JEQ | BPF_K) as u16, jt, jf: 1 - jt, k };
    let give = |k| sock_filter { code: (BPF_RET | BPF_K) as u16, jt: 0, jf: 0, k };
    // Elsewhere the calls have other numbers: whoever makes them so is killed.
    let arch = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };
    let mut filter = vec![load(4), unless(arch, 1), give(libc::SECCOMP_RET_KILL_PROCESS), load(0)];
    for call in refused.as_flattened() {
        filter.extend([unless(*call as u32, 0), give(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32)]);
    }
    filter.push(give(libc::SECCOMP_RET_ALLOW));
    let program = sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the program lives across the call, and is as long as it says.
    let made = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    Ok(Errno::result(made).map(drop)?)
}

fn prctl(option: i32, argument: c_ulong) -> nix::Result<()> {
    // SAFETY: no option that is used here takes a pointer.
    Errno::result(unsafe { libc::prctl(option, argument, 0 as c_ulong, 0 as c_ulong, 0 as c_ulong) }).map(drop)
}
