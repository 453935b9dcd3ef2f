//! Reads what `strace -ff -y --pidns-translation` writes: a line a call.

use super::call::Call;

/// The calls in one process's file; signals and the process's end are no calls.
/// A call that never returned has `?` as its result.
pub fn parse(text: &str) -> Result<Vec<Call>, String> {
    text.lines().filter(|line| !line.starts_with("---") && !line.starts_with("+++")).map(call).collect()
}

/// `mount("proc", "/proc", ...) = -1 EPERM (Operation not permitted)`
fn call(line: &str) -> Result<Call, String> {
    let wrong = || format!("not understood: {line}");
    let line = &without_translations(line);
    let (name, rest) = line.split_once('(').ok_or_else(wrong)?;
    let (args, length) = arguments(rest);
    let outcome = rest[length..].trim_start_matches(')').trim_start();
    // A process that is killed, or that a tracer lets go, leaves a call unfinished.
    let outcome = outcome.strip_prefix('=').map_or("?", str::trim);
    let mut words = outcome.split(' ');
    let ret = words.next().unwrap_or("?").to_owned();
    let errno = if ret == "-1" { words.next().map(str::to_owned) } else { None };
    Ok(Call { name: name.to_owned(), args, ret: without_annotation(&ret).to_owned(), errno })
}

/// `2 /* 4346 in strace's PID NS */` is 2; where it is asked for, see [`translated`].
fn without_translations(line: &str) -> String {
    let mut text = line.to_owned();
    while let Some(end) = text.find(" in strace's PID NS */") {
        let start = text[..end].rfind(" /* ").unwrap_or(end);
        text.replace_range(start..end + " in strace's PID NS */".len(), "");
    }
    text
}

/// The process that a line's call made or found, as strace's own PID namespace
/// numbers it.
pub fn translated(line: &str) -> Option<i32> {
    let (_, outcome) = line.rsplit_once(" = ")?;
    let number = match outcome.split_once("/* ") {
        Some((_, rest)) => rest.split(' ').next()?,
        None => outcome,
    };
    number.trim().parse().ok()
}

/// `5</proc/7/uid_map>` without what is in the brackets.
pub fn without_annotation(arg: &str) -> &str {
    let descriptor = arg.starts_with("AT_FDCWD<") || arg.starts_with(|first: char| first.is_ascii_digit());
    match arg.find('<') {
        Some(open) if descriptor && arg[open + 1..].starts_with(|next: char| next != '<') => &arg[..open],
        _ => arg,
    }
}

/// The arguments up to the closing parenthesis, and how many bytes they take.
fn arguments(text: &str) -> (Vec<String>, usize) {
    let mut scan = Scan::default();
    let (mut args, mut start) = (Vec::new(), 0);
    for (index, byte) in text.bytes().enumerate() {
        let depth = scan.depth;
        scan.step(byte, text.as_bytes().get(index + 1).copied());
        let ends = depth == 0 && !scan.quoted && !scan.annotated;
        if ends && matches!(byte, b',' | b')') {
            args.push(text[start..index].trim().to_owned());
            start = index + 1;
        }
        if ends && byte == b')' {
            args.retain(|arg| !arg.is_empty());
            return (args, index);
        }
    }
    // Unfinished: what is there counts, without strace's remark on why.
    let rest = text[start..].split(" <").next().unwrap_or_default();
    args.push(rest.trim().to_owned());
    args.retain(|arg| !arg.is_empty());
    (args, text.len())
}

/// Where a scan through a line stands: in brackets, a string, a descriptor's path.
#[derive(Debug, Default)]
struct Scan {
    depth: usize,
    quoted: bool,
    annotated: bool,
    escaped: bool,
    before: u8,
}

impl Scan {
    fn step(&mut self, byte: u8, next: Option<u8>) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.quoted => self.escaped = true,
            b'"' if !self.annotated => self.quoted = !self.quoted,
            _ if self.quoted => {}
            // strace escapes `<` and `>` within a path, so the next `>` ends it.
            b'>' if self.annotated => self.annotated = false,
            _ if self.annotated => {}
            // `5</path>` and `AT_FDCWD</path>`, but `1<<CAP_CHOWN` is a shift.
            b'<' if (self.before.is_ascii_digit() || self.before == b'D') && next != Some(b'<') => {
                self.annotated = true
            }
            b'[' | b'{' | b'(' => self.depth += 1,
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            b')' if self.depth > 0 => self.depth -= 1,
            _ => {}
        }
        self.before = byte;
    }
}
