//! What is in every host image: the programs wanted, data that they can't do
//! without, and the few files that are made up.
//!
//! It is all data, and the place to change when a program is missed.
//! It does *not* copy the host's own passwd, resolv.conf or ld.so.cache: they tell about
//! the host, not about what is in the image.
//! See hier(7), passwd(5), group(5), nsswitch.conf(5), os-release(5), term(5).

/// The programs that are taken from the machine if it has them.
#[rustfmt::skip]
pub const DEFAULT_PROGRAMS: &[&str] = &[
    // shells
    "bash", "sh", "env",
    // files (coreutils)
    "basename", "cat", "chgrp", "chmod", "chown", "cp", "dd", "df", "dirname", "du",
    "install", "link", "ln", "ls", "mkdir", "mkfifo", "mknod", "mktemp", "mv", "pwd",
    "readlink", "realpath", "rm", "rmdir", "shred", "split", "stat", "sync", "touch",
    "truncate", "unlink",
    // text (coreutils, grep, sed, awk, diffutils)
    "awk", "base64", "cksum", "cmp", "comm", "cut", "diff", "egrep", "expand", "fgrep",
    "fold", "grep", "head", "join", "md5sum", "nl", "od", "paste", "sed", "sha256sum",
    "shuf", "sort", "sum", "tac", "tail", "tee", "tr", "uniq", "wc", "xxd",
    // the rest of coreutils
    "[", "chroot", "date", "echo", "expr", "false", "groups", "hostid", "id", "logname",
    "nice", "nohup", "nproc", "printenv", "printf", "seq", "sleep", "stty", "test",
    "timeout", "true", "tty", "uname", "users", "who", "whoami", "yes",
    // finding and packing
    "find", "xargs", "which", "tree", "tar", "gzip", "gunzip", "zcat",
    // processes
    "free", "fuser", "kill", "killall", "pgrep", "pidof", "pkill", "pmap", "ps", "pstree",
    "pwdx", "sysctl", "top", "uptime", "vmstat", "watch",
    // namespaces, mounts, IPC and limits (util-linux)
    "chrt", "column", "dmesg", "findmnt", "flock", "getopt", "hexdump", "ionice", "ipcmk",
    "ipcrm", "ipcs", "lsblk", "lscpu", "lslocks", "lsns", "mount", "mountpoint", "more",
    "nsenter", "pivot_root", "prlimit", "renice", "script", "setpriv", "setsid", "taskset",
    "umount", "unshare",
    // network
    "bridge", "hostname", "ip", "nc", "nft", "ping", "ss", "tc",
    // looking inside
    "capsh", "getcap", "getent", "getpcaps", "ldd", "setcap", "strace",
    // reading, writing and the terminal
    "clear", "less", "nano", "reset", "tput", "vi",
];

/// Searched after $PATH, and always in the PATH of the image: the order of login(1) for root.
pub const STANDARD_PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Paths that scripts and headers name directly, and the links between /bin and /usr/bin.
pub const FIXED_PATHS: &[&str] = &["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/bin/sh", "/usr/bin/env"];

/// Libraries that the C library opens by itself: before glibc 2.34 it read
/// /etc/passwd only with the help of this one (nss(5)).
pub const OPENED_LIBRARIES: &[&str] = &["libnss_files.so.2"];

/// The C.UTF-8 locale, without which older programs show `?` for every letter beyond ASCII.
pub const LOCALE: &str = "/usr/lib/locale/C.utf8";

/// Where ncurses looks for the description of a terminal (terminfo(5)).
pub const TERMINFO: [&str; 3] = ["/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo"];

/// The values of $TERM that a learner's terminal is likely to have.
#[rustfmt::skip]
pub const TERMINALS: &[&str] = &[
    "alacritty", "ansi", "dumb", "foot", "linux", "rxvt", "rxvt-unicode-256color", "screen",
    "screen-256color", "tmux", "tmux-256color", "vt100", "vt220", "xterm", "xterm-256color",
    "xterm-color", "xterm-ghostty", "xterm-kitty",
];

/// Directories that programs expect, and their modes.
#[rustfmt::skip]
pub const DIRECTORIES: &[(&str, u32)] = &[
    ("/dev", 0o755), ("/etc", 0o755), ("/home", 0o755), ("/mnt", 0o755), ("/proc", 0o555),
    ("/root", 0o700), ("/run", 0o755), ("/sys", 0o555), ("/tmp", 0o1777), ("/usr", 0o755),
    ("/var", 0o755), ("/var/log", 0o755), ("/var/tmp", 0o1777),
];

/// Files that are made up. `SHELL` and `PATH` between `@` are filled in.
/// hostname, hosts and resolv.conf are empty: the runtime binds its own over them.
pub const MADE_FILES: &[(&str, &str)] = &[
    (
        "/etc/passwd",
        "root:x:0:0:root:/root:@SHELL@\n\
         nobody:x:65534:65534:nobody:/:/bin/false\n",
    ),
    ("/etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"),
    ("/etc/hostname", ""),
    ("/etc/hosts", ""),
    ("/etc/resolv.conf", ""),
    ("/etc/os-release", "ID=boxlab-host\nNAME=\"boxlab host image\"\nPRETTY_NAME=\"boxlab host image\"\n"),
    (
        "/etc/profile",
        "# Read by login shells.\n\
         export PATH=@PATH@\n\
         if [ -n \"$BASH_VERSION\" ] && [ -r ~/.bashrc ]; then . ~/.bashrc; fi\n",
    ),
    ("/root/.bashrc", "# Read by every interactive bash.\nPS1='\\u@\\h:\\w\\$ '\n"),
];

/// Without a file of the user's own, vim complains that its library of scripts is missing.
pub const VIMRC: (&str, &str) = ("/root/.vimrc", "set nocompatible backspace=indent,eol,start\n");

#[cfg(test)]
mod tests {
    use super::{DEFAULT_PROGRAMS, MADE_FILES};
    use std::collections::BTreeSet;

    #[test]
    fn no_program_is_listed_twice() {
        let unique: BTreeSet<_> = DEFAULT_PROGRAMS.iter().collect();
        assert_eq!(unique.len(), DEFAULT_PROGRAMS.len());
    }

    #[test]
    fn every_made_file_ends_its_last_line() {
        assert!(MADE_FILES.iter().all(|(_, text)| text.is_empty() || text.ends_with('\n')));
    }
}
