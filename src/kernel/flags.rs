//! Flags, spelled as the kernel spells them.

pub use nix::sched::CloneFlags;

/// mount(2)
pub use nix::mount::MsFlags;

/// umount2(2)
pub use nix::mount::MntFlags;

/// open(2)
pub use nix::fcntl::OFlag;

/// openat2(2)
pub use nix::fcntl::ResolveFlag;

/// kill(2)
pub use nix::sys::signal::Signal;

macro_rules! names {
    ($type:ident: $($name:ident)*) => {
        $(#[doc = concat!("`", stringify!($name), "`")] pub const $name: $type = $type::$name;)*
    };
}

names!(CloneFlags: CLONE_NEWNS CLONE_NEWUTS CLONE_NEWIPC CLONE_NEWPID CLONE_NEWNET CLONE_NEWUSER CLONE_NEWCGROUP);
names!(MsFlags: MS_BIND MS_REC MS_REMOUNT MS_RDONLY MS_NOSUID MS_NODEV MS_NOEXEC MS_PRIVATE MS_SLAVE MS_SHARED
    MS_STRICTATIME MS_RELATIME MS_NOATIME MS_NODIRATIME);
names!(MntFlags: MNT_DETACH);
names!(OFlag: O_RDONLY O_WRONLY O_RDWR O_CREAT O_EXCL O_TRUNC O_APPEND O_PATH O_DIRECTORY O_NOFOLLOW O_NOCTTY O_CLOEXEC
    O_DIRECT O_TMPFILE);
names!(ResolveFlag: RESOLVE_IN_ROOT RESOLVE_NO_MAGICLINKS RESOLVE_NO_SYMLINKS RESOLVE_BENEATH RESOLVE_NO_XDEV);

/// `CLONE_NEWTIME`, which shares its bit with clone(2)'s CSIGNAL and so is
/// taken only by unshare(2), setns(2) and clone3(2).
pub const CLONE_NEWTIME: CloneFlags = CloneFlags::from_bits_retain(libc::CLONE_NEWTIME);

/// The eight kinds: flag, file in /proc/PID/ns, file that children go by,
/// and the word for it. namespaces(7)
pub const NAMESPACES: [(CloneFlags, &str, &str, &str); 8] = [
    (CLONE_NEWCGROUP, "cgroup", "cgroup", "cgroup"),
    (CLONE_NEWIPC, "ipc", "ipc", "IPC"),
    (CLONE_NEWNS, "mnt", "mnt", "mount"),
    (CLONE_NEWNET, "net", "net", "network"),
    (CLONE_NEWPID, "pid", "pid_for_children", "PID"),
    (CLONE_NEWTIME, "time", "time_for_children", "time"),
    (CLONE_NEWUSER, "user", "user", "user"),
    (CLONE_NEWUTS, "uts", "uts", "UTS"),
];
