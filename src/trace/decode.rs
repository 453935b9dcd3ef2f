//! How things are spelled: as strace(1) spells them.
//!
//! Names of flags come from the flag types themselves (`iter_names`); what has
//! no such type is a table here.

use std::ffi::{CStr, OsStr};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;

/// A NULL pointer.
pub const NULL: &str = "NULL";

/// A string argument, quoted and escaped: `"box\n"`.
pub fn bytes(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for (index, &byte) in text.iter().enumerate() {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            b'\x0b' => out.push_str("\\v"),
            b'\x0c' => out.push_str("\\f"),
            b' '..=b'~' => out.push(byte as char),
            _ => {
                // Three digits only where a digit follows, as strace does.
                let digit_follows = text.get(index + 1).is_some_and(u8::is_ascii_digit);
                let octal = if digit_follows { format!("\\{byte:03o}") } else { format!("\\{byte:o}") };
                out.push_str(&octal);
            }
        }
    }
    out.push('"');
    out
}

/// A string argument.
pub fn string(text: impl AsRef<OsStr>) -> String {
    bytes(text.as_ref().as_bytes())
}

/// A path argument.
pub fn path(path: &Path) -> String {
    string(path)
}

/// A string argument that may be NULL.
pub fn optional(text: Option<&OsStr>) -> String {
    text.map_or_else(|| NULL.to_owned(), string)
}

/// An argument vector: `["sh", "-c", "id"]`.
pub fn vector<T: AsRef<CStr>>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|item| bytes(item.as_ref().to_bytes())).collect();
    format!("[{}]", items.join(", "))
}

/// Permission bits: `0755`.
pub fn mode(mode: u32) -> String {
    if mode == 0 { "0".to_owned() } else { format!("0{mode:o}") }
}

/// A descriptor and what it leads to, as `strace -y` shows it: `5</proc/7/uid_map>`.
pub fn fd(fd: &impl AsRawFd) -> String {
    let number = fd.as_raw_fd();
    match std::fs::read_link(format!("/proc/self/fd/{number}")) {
        Ok(target) => format!("{number}<{}>", target.display()),
        Err(_) => number.to_string(),
    }
}

/// Flags by name, joined by `|`; `0` if there are none.
pub fn flags<F: bitflags::Flags>(flags: &F) -> String {
    let names: Vec<&str> = flags.iter_names().map(|(name, _)| name).collect();
    if names.is_empty() { "0".to_owned() } else { names.join("|") }
}

/// A value by its name in a table, or in hex.
pub fn named(table: &[(u64, &str)], value: u64) -> String {
    table
        .iter()
        .find(|(known, _)| *known == value)
        .map_or_else(|| format!("{value:#x}"), |(_, name)| (*name).to_owned())
}

/// A set of bits by their names in a table; `0` if empty, the rest in hex.
pub fn bits(table: &[(u64, &str)], value: u64) -> String {
    let mut rest = value;
    let mut names = Vec::new();
    for (bit, name) in table {
        if *bit != 0 && rest & bit == *bit {
            names.push((*name).to_owned());
            rest &= !bit;
        }
    }
    if rest != 0 || names.is_empty() {
        names.push(if rest == 0 { "0".to_owned() } else { format!("{rest:#x}") });
    }
    names.join("|")
}

/// The name of an errno: `EPERM`.
pub fn errno_name(errno: i32) -> String {
    match Errno::from_raw(errno) {
        Errno::UnknownErrno => format!("errno {errno}"),
        known => format!("{known:?}"),
    }
}

/// An errno and what it means: `EPERM (Operation not permitted)`.
pub fn errno(errno: i32) -> String {
    format!("{} ({})", errno_name(errno), Errno::from_raw(errno).desc())
}

/// What an errno of this name means.
pub fn errno_meaning(name: &str) -> Option<&'static str> {
    (1..134).map(Errno::from_raw).find(|errno| format!("{errno:?}") == name).map(Errno::desc)
}

/// The number of an errno of this name.
pub fn errno_number(name: &str) -> Option<i32> {
    // Second names of the same numbers. errno(3)
    let name = match name {
        "ENOTSUP" => "EOPNOTSUPP",
        "EWOULDBLOCK" => "EAGAIN",
        name => name,
    };
    (1..134).find(|&number| errno_name(number) == name)
}

#[cfg(test)]
mod tests {
    use super::{bits, bytes, errno, errno_meaning, errno_number, flags};
    use nix::sched::CloneFlags;

    #[test]
    fn strings_are_spelled_as_strace_does() {
        assert_eq!(bytes(b"a\"b\\c\nd"), r#""a\"b\\c\nd""#);
        assert_eq!(bytes(b"\x01\x012"), r#""\1\0012""#);
        assert_eq!(bytes("é".as_bytes()), r#""\303\251""#);
    }

    #[test]
    fn flags_have_their_names() {
        let both = CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC;
        assert_eq!(flags(&both), "CLONE_NEWUTS|CLONE_NEWIPC");
        assert_eq!(flags(&CloneFlags::empty()), "0");
        assert_eq!(bits(&[(1, "A"), (4, "B")], 7), "A|B|0x2");
    }

    #[test]
    fn errno_is_named_and_explained() {
        assert_eq!(errno(1), "EPERM (Operation not permitted)");
        assert_eq!(errno_meaning("ENOENT"), Some("No such file or directory"));
        assert_eq!((errno_number("EPERM"), errno_number("ENOTSUP"), errno_number("EFOO")), (Some(1), Some(95), None));
    }
}
