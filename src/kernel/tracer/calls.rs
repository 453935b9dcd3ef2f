//! The calls that are taught, and how their arguments are spelled: as strace(1) does.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::flags::{CloneFlags, MntFlags, MsFlags};
use super::memory;
use crate::trace::decode;

/// What an argument is.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// A text whose length is the next argument.
    Bytes,
    List,
    Number,
    Descriptor,
    Pointer,
    /// Which namespaces: CLONE_NEW...
    NewFlags,
    /// The flags in clone3's structure.
    CloneArgs,
    Mount,
    Unmount,
    PrctlOption,
}

use Kind::{Bytes, CloneArgs, Descriptor, List, Mount, NewFlags, Number, Pointer, PrctlOption, Text, Unmount};

/// Where a file counts, and which argument names it.
#[derive(Clone, Copy)]
enum Where {
    Anywhere,
    /// By a path, at this index.
    Path(usize),
    /// By a directory's descriptor and a path, from this index on.
    At(usize),
    /// By a descriptor.
    Open(usize),
}

use Where::{Anywhere, At, Open, Path as Named};

type Row = (i64, &'static str, &'static [Kind], Where);

const CALLS: &[Row] = &[
    (libc::SYS_execve, "execve", &[Text, List], Anywhere),
    (libc::SYS_execveat, "execveat", &[Descriptor, Text, List], Anywhere),
    (libc::SYS_clone, "clone", &[NewFlags], Anywhere),
    (libc::SYS_clone3, "clone3", &[CloneArgs], Anywhere),
    (libc::SYS_unshare, "unshare", &[NewFlags], Anywhere),
    (libc::SYS_setns, "setns", &[Descriptor, NewFlags], Anywhere),
    (libc::SYS_mount, "mount", &[Text, Text, Text, Mount, Text], Anywhere),
    (libc::SYS_umount2, "umount2", &[Text, Unmount], Anywhere),
    (libc::SYS_fsopen, "fsopen", &[Text, Number], Anywhere),
    (libc::SYS_fsconfig, "fsconfig", &[Descriptor, Number, Text], Anywhere),
    (libc::SYS_fsmount, "fsmount", &[Descriptor, Number, Number], Anywhere),
    (libc::SYS_open_tree, "open_tree", &[Descriptor, Text, Number], Anywhere),
    (libc::SYS_move_mount, "move_mount", &[Descriptor, Text, Descriptor, Text, Number], Anywhere),
    (libc::SYS_mount_setattr, "mount_setattr", &[Descriptor, Text, Number], Anywhere),
    (libc::SYS_pivot_root, "pivot_root", &[Text, Text], Anywhere),
    (libc::SYS_chroot, "chroot", &[Text], Anywhere),
    (libc::SYS_chdir, "chdir", &[Text], Anywhere),
    (libc::SYS_fchdir, "fchdir", &[Descriptor], Anywhere),
    (libc::SYS_sethostname, "sethostname", &[Bytes, Number], Anywhere),
    (libc::SYS_setdomainname, "setdomainname", &[Bytes, Number], Anywhere),
    (libc::SYS_capset, "capset", &[Pointer, Pointer], Anywhere),
    (libc::SYS_prctl, "prctl", &[PrctlOption, Number], Anywhere),
    (libc::SYS_seccomp, "seccomp", &[Number, Number, Pointer], Anywhere),
    (libc::SYS_setuid, "setuid", &[Number], Anywhere),
    (libc::SYS_setgid, "setgid", &[Number], Anywhere),
    (libc::SYS_setresuid, "setresuid", &[Number, Number, Number], Anywhere),
    (libc::SYS_setresgid, "setresgid", &[Number, Number, Number], Anywhere),
    (libc::SYS_setgroups, "setgroups", &[Number, Pointer], Anywhere),
    (libc::SYS_keyctl, "keyctl", &[Number, Number], Anywhere),
    (libc::SYS_mknodat, "mknodat", &[Descriptor, Text, Number, Number], Anywhere),
    (libc::SYS_openat, "openat", &[Descriptor, Text, Number, Number], At(0)),
    (libc::SYS_mkdirat, "mkdirat", &[Descriptor, Text, Number], At(0)),
    (libc::SYS_unlinkat, "unlinkat", &[Descriptor, Text, Number], At(0)),
    (libc::SYS_write, "write", &[Descriptor, Bytes, Number], Open(0)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_fork, "fork", &[], Anywhere),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_vfork, "vfork", &[], Anywhere),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, "open", &[Text, Number, Number], Named(0)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mkdir, "mkdir", &[Text, Number], Named(0)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rmdir, "rmdir", &[Text], Named(0)),
];

/// prctl(2)
const OPTIONS: &[(u64, &str)] = &[
    (libc::PR_CAPBSET_DROP as u64, "PR_CAPBSET_DROP"),
    (libc::PR_SET_NO_NEW_PRIVS as u64, "PR_SET_NO_NEW_PRIVS"),
    (libc::PR_SET_SECCOMP as u64, "PR_SET_SECCOMP"),
    (libc::PR_CAP_AMBIENT as u64, "PR_CAP_AMBIENT"),
    (libc::PR_SET_KEEPCAPS as u64, "PR_SET_KEEPCAPS"),
    (libc::PR_SET_PDEATHSIG as u64, "PR_SET_PDEATHSIG"),
    (libc::PR_SET_SECUREBITS as u64, "PR_SET_SECUREBITS"),
    (libc::PR_SET_NAME as u64, "PR_SET_NAME"),
];

/// Its name and arguments, if it is one that counts.
pub fn read(pid: i32, number: u64, args: &[u64; 6]) -> Option<(&'static str, Vec<String>)> {
    let (_, name, kinds, place) = CALLS.iter().find(|(known, ..)| u64::try_from(*known) == Ok(number))?;
    let file = |directory: Option<u64>, path: u64| {
        let path = memory::string(pid, path)?;
        let path = PathBuf::from(String::from_utf8_lossy(&path).into_owned());
        let start = match directory.map(|descriptor| descriptor as i32).filter(|fd| *fd != libc::AT_FDCWD) {
            Some(descriptor) => descriptor_path(pid, descriptor),
            None => fs::read_link(format!("/proc/{pid}/cwd")).ok(),
        };
        Some(start.unwrap_or_default().join(path))
    };
    let path = match *place {
        Anywhere => None,
        Named(index) => Some(file(None, args[index])?),
        At(index) => Some(file(Some(args[index]), args[index + 1])?),
        Open(index) => Some(descriptor_path(pid, args[index] as i32)?),
    };
    if path.is_some_and(|path| !is_control(&path)) {
        return None;
    }
    Some((name, kinds.iter().enumerate().map(|(index, kind)| spelled(pid, *kind, index, args)).collect()))
}

/// A file through which the kernel is told something: of a cgroup, or of a process.
fn is_control(path: &Path) -> bool {
    let names = ["uid_map", "gid_map", "setgroups", "oom_score_adj"];
    path.starts_with("/sys/fs/cgroup") || (path.starts_with("/proc") && names.iter().any(|name| path.ends_with(name)))
}

fn descriptor_path(pid: i32, descriptor: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).ok()
}

fn spelled(pid: i32, kind: Kind, index: usize, args: &[u64; 6]) -> String {
    let value = args[index];
    let flags = |bits: u64| CloneFlags::from_bits_retain(bits as i32 & !0xff);
    match kind {
        Text => memory::string(pid, value).map_or_else(|| decode::NULL.to_owned(), |text| decode::bytes(&text)),
        Bytes => {
            let length = args.get(index + 1).and_then(|length| usize::try_from(*length).ok()).unwrap_or_default();
            decode::bytes(&memory::bytes(pid, value, length.min(256)))
        }
        List => {
            let words: Vec<String> = memory::strings(pid, value).iter().map(|word| decode::bytes(word)).collect();
            format!("[{}]", words.join(", "))
        }
        Number => (value as i64).to_string(),
        Descriptor if value as i32 == libc::AT_FDCWD => "AT_FDCWD".to_owned(),
        Descriptor => match descriptor_path(pid, value as i32) {
            Some(path) => format!("{}<{}>", value as i32, path.display()),
            None => (value as i32).to_string(),
        },
        Pointer if value == 0 => decode::NULL.to_owned(),
        Pointer => "...".to_owned(),
        NewFlags => decode::flags(&flags(value)),
        CloneArgs => format!("{{flags={}}}", decode::flags(&flags(memory::word(pid, value).unwrap_or_default()))),
        Mount => decode::flags(&MsFlags::from_bits_retain(value)),
        Unmount => decode::flags(&MntFlags::from_bits_retain(value as i32)),
        PrctlOption => decode::named(OPTIONS, value),
    }
}
