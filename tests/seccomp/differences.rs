//! Where the default profile answers otherwise than podman's (containers-common
//! 0.50, Debian 12), and why. Where they differ, Docker's profile (moby) decides.

use std::collections::BTreeSet;

use boxlab::seccomp::Action;

use super::common::trials::Verdict;
use super::compare::Difference;

const ALLOWED: Action = Action::Allow;
const EPERM: Action = Action::Errno(1);
const ENOSYS: Action = Action::Errno(38);

/// Here, there, which calls, and why.
const LISTED: &[(Action, Action, &str, &str)] = &[
    (
        EPERM,
        ALLOWED,
        "mount umount umount2 open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr pivot_root unshare \
         setns clone",
        "podman leaves these to the capability check, which a user namespace of one's own satisfies; Docker does not: \
         without CAP_SYS_ADMIN they stay refused",
    ),
    (ENOSYS, ALLOWED, "clone3", "the same, but its flags can't be seen: the C library is to fall back to clone"),
    (
        EPERM,
        ALLOWED,
        "keyctl",
        "keyrings are shared by all containers of a user id; podman relies on a new session keyring",
    ),
    (
        EPERM,
        ENOSYS,
        "add_key request_key",
        "the same keyrings; known and refused is EPERM in this profile, as in Docker's",
    ),
    (EPERM, ALLOWED, "syslog", "Docker asks for CAP_SYSLOG; podman leaves it to kernel.dmesg_restrict"),
    (
        EPERM,
        ALLOWED,
        "reboot",
        "Docker asks for CAP_SYS_BOOT; podman lets it reach the PID namespace, whose init it kills",
    ),
    (EPERM, ALLOWED, "mbind get_mempolicy set_mempolicy", "Docker asks for CAP_SYS_NICE"),
    (EPERM, ENOSYS, "set_mempolicy_home_node", "one of those, newer than podman 4.3 knows"),
    (EPERM, ALLOWED, "pidfd_getfd", "it takes descriptors out of other processes: Docker asks for CAP_SYS_PTRACE"),
    (EPERM, ALLOWED, "socket", "AF_VSOCK and AF_ALG, which Docker refuses"),
    (ALLOWED, EPERM, "io_pgetevents vmsplice", "Docker allows them by now"),
    (
        ALLOWED,
        ENOSYS,
        "cachestat fchmodat2 futex_requeue futex_wait futex_waitv futex_wake getxattrat io_pgetevents_time64 listmount \
         listxattrat map_shadow_stack mseal removexattrat setxattrat statmount uretprobe",
        "Docker allows them; podman 4.3 or its libseccomp does not know them yet",
    ),
];

/// Each difference is listed as it is, and each that is listed is one.
pub fn check(found: &[Difference]) -> Verdict {
    let names = |row: &(Action, Action, &'static str, &str)| {
        let (ours, theirs, names, _) = *row;
        names.split_whitespace().map(move |name| (name, ours, theirs)).collect::<Vec<_>>()
    };
    let listed: Vec<(&str, Action, Action)> = LISTED.iter().flat_map(names).collect();
    let is = |difference: &Difference| (difference.name().unwrap_or("no call"), difference.ours, difference.theirs);
    let unlisted = found.iter().filter(|difference| !listed.contains(&is(difference)));
    let mut wrong: BTreeSet<String> = unlisted.map(ToString::to_string).collect();
    let alike = listed.iter().filter(|row| !found.iter().any(|difference| is(difference) == **row));
    wrong.extend(alike.map(|(name, ..)| format!("{name} is listed, and not answered like that")));
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into_iter().collect::<Vec<_>>().join("\n")) }
}
