//! Brings both spellings of a call to one form, changing only what must be: what
//! no program can know of itself (strace's view of a pointer), what strace cannot
//! know (a message on a socket of another network namespace), and the order of
//! flags, which has no meaning.

use crate::common::call::Call;
use crate::common::strace_lines::without_annotation;
use crate::common::taught::request;

/// A write of more than a page is told by its beginning, so many characters.
const BLOCK: usize = 4096;
const SHOWN: usize = 32;

/// A call in the one form.
pub fn plain(call: &Call) -> Call {
    let args = call.args.iter().enumerate().map(|(index, arg)| plain_arg(&call.name, index, arg)).collect();
    let mut plain = Call { args, ..call.clone() };
    // Where the kernel is to put the new pidfd, and which one it put there.
    plain.args.retain(|arg| call.name != "clone" || !arg.starts_with("parent_tid="));
    if let Some(sent) = plain.args.get_mut(1).filter(|_| call.name == "sendto") {
        *sent = message(sent);
    }
    plain
}

fn plain_arg(name: &str, index: usize, arg: &str) -> String {
    match (name, index) {
        // Where a write goes is half of what it says.
        ("write", 0) => arg.to_owned(),
        ("write", 1) if arg.len() > BLOCK => format!("{}\"...", &arg[..=SHOWN]),
        ("execve", 2) => arg.find("/*").map_or(arg, |comment| &arg[comment..]).to_owned(),
        ("clone3", 0) => clone_args(arg),
        ("bpf", 1) => bpf_attributes(arg),
        (name, _) if name.starts_with("landlock_") => sorted(without_annotation(&landlock_access(arg))),
        ("ioctl", 1) => request(arg).to_owned(),
        ("ioctl", 2) => ioctl_arg(arg),
        _ => sorted(without_annotation(arg)),
    }
}

/// `A|B` with its flags in order, also in the fields of a `{...}`; strings stay.
fn sorted(arg: &str) -> String {
    if arg.starts_with('"') || arg.starts_with('[') {
        return arg.to_owned();
    }
    let Some(fields) = arg.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return flags(arg) };
    let field = |field: &str| match field.split_once('=') {
        Some((name, value)) => format!("{name}={}", flags(value)),
        None => field.to_owned(),
    };
    format!("{{{}}}", fields.split(", ").map(field).collect::<Vec<_>>().join(", "))
}

fn flags(text: &str) -> String {
    let mut names: Vec<&str> = text.split('|').collect();
    names.sort_unstable();
    names.join("|")
}

/// Of `struct clone_args`, without the addresses at which the kernel is to put
/// something, and what it put there.
fn clone_args(arg: &str) -> String {
    let given = arg.split(" => ").next().unwrap_or(arg).trim_start_matches('{').trim_end_matches('}');
    let addresses = ["pidfd=0x", "child_tid=0x", "parent_tid=0x", "stack=NULL", "stack_size=0", "/* bytes"];
    let kept = given.split(", ").filter(|field| !addresses.iter().any(|address| field.starts_with(address)));
    // Where the descriptor of a cgroup leads, strace 6.1 does not show.
    let kept =
        kept.map(|field| if field.starts_with("cgroup=") { field.split('<').next().unwrap_or(field) } else { field });
    sorted(&format!("{{{}}}", kept.collect::<Vec<_>>().join(", ")))
}

/// Of `union bpf_attr`, without the address of a program's instructions, and without
/// the fields that are zero.
fn bpf_attributes(arg: &str) -> String {
    let fields = arg.trim_start_matches('{').trim_end_matches('}').split(", ");
    let told = ["prog_type", "insn_cnt", "license", "target_fd", "attach_bpf_fd", "attach_type", "attach_flags"];
    let kept = fields.filter(|field| told.iter().any(|name| field.split('=').next() == Some(name)));
    sorted(&format!("{{{}}}", kept.collect::<Vec<_>>().join(", ")))
}

/// An strace that is older than the kernel shows the newest kinds of access as a number.
fn landlock_access(arg: &str) -> String {
    const NEWER: [(u32, &str); 2] = [(0x4000, "LANDLOCK_ACCESS_FS_TRUNCATE"), (0x8000, "LANDLOCK_ACCESS_FS_IOCTL_DEV")];
    let Some((before, rest)) = arg.split_once("|0x") else { return arg.to_owned() };
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    let bits = u32::from_str_radix(&rest[..end], 16).unwrap_or_default();
    let named = NEWER.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name);
    format!("{before}|{}{}", named.collect::<Vec<_>>().join("|"), &rest[end..])
}

/// strace shows no flags for TIOCGPTPEER, and for a terminal's mode also the names
/// of values that are zero; it is the rest that a reader is told.
fn ioctl_arg(arg: &str) -> String {
    const OPEN_FLAGS: [(u32, &str); 4] =
        [(0o2, "O_RDWR"), (0o400, "O_NOCTTY"), (0o4000, "O_NONBLOCK"), (0o2_000_000, "O_CLOEXEC")];
    const ZERO: [&str; 6] = ["NL0", "CR0", "TAB0", "BS0", "VT0", "FF0"];
    if let Some(bits) = arg.strip_prefix("0x").and_then(|bits| u32::from_str_radix(bits, 16).ok()) {
        let named = OPEN_FLAGS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name);
        return flags(&named.collect::<Vec<_>>().join("|"));
    }
    let kept = arg.split('|').map(|flag| flag.strip_prefix("c_oflag=").unwrap_or(flag));
    if kept.clone().any(|flag| ZERO.contains(&flag)) {
        let arg = ZERO.iter().fold(arg.to_owned(), |arg, zero| arg.replace(&format!("{zero}|"), ""));
        return sorted(&arg);
    }
    sorted(arg)
}

/// A netlink message that strace shows in part as bytes, since the socket lies in
/// another network namespace than strace: the bytes of an `ifinfomsg`, spelled out.
fn message(arg: &str) -> String {
    let Some((header, rest)) = arg.split_once(", \"") else { return arg.to_owned() };
    let Some(bytes) = rest.strip_suffix("\"]").and_then(bytes) else { return arg.to_owned() };
    let header = header.replace("nlmsg_type=0x10 /* NLMSG_??? */", "nlmsg_type=RTM_NEWLINK");
    let word = |at: usize| bytes.get(at..at + 4).map(|word| u32::from_ne_bytes(word.try_into().expect("four bytes")));
    let family = if bytes.first() == Some(&0) { "AF_UNSPEC" } else { "?" };
    // ARPHRD_NETROM is 0, and loopback the first interface of its namespace.
    let kind = if bytes.get(2..4) == Some(&[0, 0]) { "ARPHRD_NETROM" } else { "?" };
    let index = if word(4) == Some(1) { "if_nametoindex(\"lo\")".to_owned() } else { format!("{:?}", word(4)) };
    let up = if word(8) == Some(1) { "IFF_UP".to_owned() } else { format!("{:?}", word(8)) };
    let change = word(12).map_or_else(|| "?".to_owned(), |change| format!("{change:#x}"));
    format!(
        "{header}, {{ifi_family={family}, ifi_type={kind}, ifi_index={index}, ifi_flags={up}, ifi_change={change}}}]"
    )
}

/// `\x00\x01`, as strace shows bytes; `None` if it is anything else.
fn bytes(text: &str) -> Option<Vec<u8>> {
    text.split("\\x").skip(1).map(|digits| u8::from_str_radix(digits, 16).ok()).collect()
}
