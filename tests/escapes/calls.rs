//! Calls that rule the machine, or that enlarge what an attacker can reach. Each is
//! made with arguments that would do nothing: who has the right to make it gets
//! another error, or none.

use libc::c_long;
use nix::errno::Errno;

use super::attacker::say;

/// A pointer that no call may follow: who gets so far as to try is told EFAULT.
const NOWHERE: usize = 1;

/// Name, number and arguments.
type Attempt = (&'static str, c_long, [usize; 6]);

/// Calls for which root on the host needs a capability that no container has, or
/// that the default filter forbids.
const ATTEMPTS: &[Attempt] = &[
    ("init_module", libc::SYS_init_module, [NOWHERE, 8, NOWHERE, 0, 0, 0]),
    ("finit_module", libc::SYS_finit_module, [0, NOWHERE, 0, 0, 0, 0]),
    ("delete_module", libc::SYS_delete_module, [NOWHERE, 0, 0, 0, 0, 0]),
    ("kexec_load", libc::SYS_kexec_load, [0, 0, NOWHERE, usize::MAX, 0, 0]),
    ("reboot", libc::SYS_reboot, [0, 0, 0, 0, 0, 0]),
    ("swapon", libc::SYS_swapon, [NOWHERE, 0, 0, 0, 0, 0]),
    ("swapoff", libc::SYS_swapoff, [NOWHERE, 0, 0, 0, 0, 0]),
    ("acct", libc::SYS_acct, [NOWHERE, 0, 0, 0, 0, 0]),
    ("quotactl", libc::SYS_quotactl, [usize::MAX, NOWHERE, 0, NOWHERE, 0, 0]),
    ("settimeofday", libc::SYS_settimeofday, [0, 0, 0, 0, 0, 0]),
    ("syslog", libc::SYS_syslog, [3, NOWHERE, 16, 0, 0, 0]),
    ("sethostname", libc::SYS_sethostname, [NOWHERE, 1, 0, 0, 0, 0]),
    ("mount", libc::SYS_mount, [NOWHERE, NOWHERE, NOWHERE, 0, 0, 0]),
    ("fsopen", libc::SYS_fsopen, [NOWHERE, 0, 0, 0, 0, 0]),
    ("open_tree", libc::SYS_open_tree, [usize::MAX, NOWHERE, libc::OPEN_TREE_CLONE as usize, 0, 0, 0]),
    ("umount2", libc::SYS_umount2, [NOWHERE, 2, 0, 0, 0, 0]),
    ("pivot_root", libc::SYS_pivot_root, [NOWHERE, NOWHERE, 0, 0, 0, 0]),
    ("bpf", libc::SYS_bpf, [0, NOWHERE, 48, 0, 0, 0]),
    ("perf_event_open", libc::SYS_perf_event_open, [NOWHERE, 0, usize::MAX, usize::MAX, 0, 0]),
    ("add_key", libc::SYS_add_key, [NOWHERE, NOWHERE, NOWHERE, 1, usize::MAX, 0]),
    ("keyctl", libc::SYS_keyctl, [0, usize::MAX - 2, 0, 0, 0, 0]),
    ("userfaultfd", libc::SYS_userfaultfd, [0, 0, 0, 0, 0, 0]),
    ("open_by_handle_at", libc::SYS_open_by_handle_at, [0, NOWHERE, 0, 0, 0, 0]),
    ("fanotify_init", libc::SYS_fanotify_init, [usize::MAX, 0, 0, 0, 0, 0]),
];

/// Tried last: whoever is let in is another in there.
const UNSHARED: &[Attempt] = &[
    ("unshare(CLONE_NEWNS)", libc::SYS_unshare, [libc::CLONE_NEWNS as usize, 0, 0, 0, 0, 0]),
    ("unshare(CLONE_NEWCGROUP)", libc::SYS_unshare, [libc::CLONE_NEWCGROUP as usize, 0, 0, 0, 0, 0]),
    ("unshare(CLONE_NEWUSER)", libc::SYS_unshare, [libc::CLONE_NEWUSER as usize, 0, 0, 0, 0, 0]),
];

/// All of them, and those that need more than numbers.
pub fn try_all() {
    ATTEMPTS.iter().for_each(attempt);
    clone_user_namespace();
    enter("/proc/1/ns/mnt");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: gives this process access to no more than it will use: nothing.
    say("iopl", Errno::result(unsafe { libc::syscall(libc::SYS_iopl, 3) }));
    UNSHARED.iter().for_each(attempt);
}

fn attempt((name, number, [a, b, c, d, e, f]): &Attempt) {
    // SAFETY: where the kernel is let follow a pointer, it finds it to be none.
    say(name, Errno::result(unsafe { libc::syscall(*number, *a, *b, *c, *d, *e, *f) }));
}

/// clone(2) takes the flag too.
fn clone_user_namespace() {
    let flags = libc::CLONE_NEWUSER | libc::SIGCHLD;
    // SAFETY: without CLONE_VM the child has a copy of everything, and ends at once.
    let cloned = Errno::result(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) });
    if cloned == Ok(0) {
        // SAFETY: no preconditions.
        unsafe { libc::_exit(0) }
    }
    say("clone(CLONE_NEWUSER)", cloned);
}

/// `nsenter -t 1 --mount`
fn enter(namespace: &str) {
    let file = std::fs::File::open(namespace).map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)));
    say("setns", file.and_then(|file| nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNS)));
}

/// Names of all attempts.
pub fn names() -> Vec<&'static str> {
    let more = ["clone(CLONE_NEWUSER)", "setns"];
    ATTEMPTS.iter().chain(UNSHARED).map(|(name, ..)| *name).chain(more).collect()
}
