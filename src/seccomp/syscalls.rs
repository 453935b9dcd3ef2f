//! Names and numbers of system calls, by architecture. Data only; `syscalls.tbl`
//! is read when boxlab is compiled. syscalls(2)

/// x32 calls have this bit set, and the architecture of x86_64. syscall(2)
pub(super) const X32_BIT: u32 = 0x4000_0000;

/// Whose numbers: one machine runs programs of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Arch {
    X86_64,
    I386,
    X32,
    Aarch64,
}

impl Arch {
    /// What this very program is made for.
    pub const fn native() -> Self {
        if cfg!(target_arch = "aarch64") { Self::Aarch64 } else { Self::X86_64 }
    }

    /// What the processes of this machine may be made for.
    pub const fn family() -> &'static [Self] {
        match Self::native() {
            Self::Aarch64 => &[Self::Aarch64],
            _ => &[Self::X86_64, Self::I386, Self::X32],
        }
    }

    /// `AUDIT_ARCH_*`, as a filter sees it. linux/audit.h
    pub const fn audit(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::I386 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
        }
    }

    /// As profiles name it.
    pub const fn profile_name(self) -> &'static str {
        match self {
            Self::X86_64 => "SCMP_ARCH_X86_64",
            Self::I386 => "SCMP_ARCH_X86",
            Self::X32 => "SCMP_ARCH_X32",
            Self::Aarch64 => "SCMP_ARCH_AARCH64",
        }
    }

    /// The number of a call, as a filter sees it.
    pub fn number(self, name: &str) -> Option<u32> {
        Call::named(name)?.number(self)
    }
}

/// One system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// As its manual page has it.
    pub name: &'static str,
    /// By [`Arch`]; [`ABSENT`] where it lacks the call.
    numbers: [u16; 4],
    /// The number and the first argument of the other way to it, on i386.
    through: Option<(u16, u16)>,
}

const ABSENT: u16 = u16::MAX;

impl Call {
    /// The call of this name, on whatever architecture.
    pub fn named(name: &str) -> Option<&'static Self> {
        let mut slot = hash(name.as_bytes());
        while SLOTS[slot] != ABSENT {
            let call = &CALLS[usize::from(SLOTS[slot])];
            if call.name == name {
                return Some(call);
            }
            slot = (slot + 1) % SLOTS.len();
        }
        None
    }

    /// The number of this call, as a filter sees it.
    pub fn number(&self, arch: Arch) -> Option<u32> {
        let bit = if arch == Arch::X32 { X32_BIT } else { 0 };
        let number = self.numbers[arch as usize];
        (number != ABSENT).then(|| u32::from(number) | bit)
    }

    /// i386 has one call for all that is done with sockets, and one for System V
    /// IPC, beside the newer ones: its number, and the first argument that leads to
    /// this call. socketcall(2), ipc(2)
    pub(super) fn through(&self, arch: Arch) -> Option<(u32, u64)> {
        self.through.filter(|_| arch == Arch::I386).map(|(number, first)| (u32::from(number), u64::from(first)))
    }
}

/// The highest number there is.
pub(super) const HIGHEST: usize = {
    let (mut row, mut highest) = (0, 0);
    while row < ROWS * 4 {
        let number = ROWS_READ[row / 4].numbers[row % 4];
        if number != ABSENT && number > highest {
            highest = number;
        }
        row += 1;
    }
    highest as usize
};

const TABLE: &str = include_str!("syscalls.tbl");

/// All of them, by name.
pub static CALLS: [Call; ROWS] = ROWS_READ;

const ROWS_READ: [Call; ROWS] = rows();

const ROWS: usize = {
    let (mut at, mut rows) = (header(), 0);
    while at < TABLE.len() {
        rows += (TABLE.as_bytes()[at] == b'\n') as usize;
        at += 1;
    }
    rows
};

/// Where the lines that begin with `#` end.
const fn header() -> usize {
    let mut at = 0;
    while TABLE.as_bytes()[at] == b'#' {
        while TABLE.as_bytes()[at] != b'\n' {
            at += 1;
        }
        at += 1;
    }
    at
}

const fn rows() -> [Call; ROWS] {
    let mut calls = [Call { name: "", numbers: [ABSENT; 4], through: None }; ROWS];
    let (mut at, mut row) = (header(), 0);
    while row < ROWS {
        let mut digits;
        (calls[row].name, at) = word(at);
        let mut column = 0;
        while column < 4 {
            (digits, at) = word(at);
            calls[row].numbers[column] = number(digits.as_bytes());
            column += 1;
        }
        (digits, at) = word(at);
        if digits.len() > 4 {
            let (through, first) = digits.split_at(3);
            calls[row].through = Some((number(through.as_bytes()), number(first.split_at(1).1.as_bytes())));
        }
        row += 1;
    }
    calls
}

/// The next word of the table, and where it ends.
const fn word(mut at: usize) -> (&'static str, usize) {
    while TABLE.as_bytes()[at].is_ascii_whitespace() {
        at += 1;
    }
    let start = at;
    while !TABLE.as_bytes()[at].is_ascii_whitespace() {
        at += 1;
    }
    (TABLE.split_at(at).0.split_at(start).1, at)
}

const fn number(digits: &[u8]) -> u16 {
    let (mut at, mut number) = (0, 0);
    while at < digits.len() {
        if !digits[at].is_ascii_digit() {
            return ABSENT;
        }
        number = number * 10 + (digits[at] - b'0') as u16;
        at += 1;
    }
    number
}

/// Where each call stands in [`CALLS`], at the hash of its name or, if that place
/// was taken, soon after: a profile has 500 names, read before each container.
static SLOTS: [u16; 1024] = {
    let mut slots = [ABSENT; 1024];
    let mut row = 0;
    while row < ROWS {
        let mut slot = hash(ROWS_READ[row].name.as_bytes());
        while slots[slot] != ABSENT {
            slot = (slot + 1) % slots.len();
        }
        slots[slot] = row as u16;
        row += 1;
    }
    slots
};

/// FNV-1a, of which the upper bits are mixed best.
const fn hash(name: &[u8]) -> usize {
    let (mut at, mut hash) = (0, 0x811c_9dc5_u32);
    while at < name.len() {
        hash = (hash ^ name[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    (hash >> 22) as usize
}

#[cfg(test)]
mod tests {
    use super::{Arch, CALLS, Call};

    #[test]
    fn the_table_is_in_order() {
        assert!(CALLS.is_sorted_by(|a, b| a.name < b.name), "in the order of bytes");
        for call in &CALLS {
            assert_eq!(Call::named(call.name), Some(call));
        }
        assert_eq!((CALLS[0].name, CALLS.last().map(|call| call.name)), ("_llseek", Some("writev")));
    }

    #[test]
    fn no_number_is_given_twice() {
        for arch in [Arch::X86_64, Arch::I386, Arch::X32, Arch::Aarch64] {
            let mut numbers: Vec<u32> = CALLS.iter().filter_map(|call| call.number(arch)).collect();
            let all = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), all, "{arch:?}");
        }
    }

    #[test]
    fn the_numbers_are_those_of_the_c_library() {
        let native = |name: &str| Call::named(name).and_then(|call| call.number(Arch::native())).map(i64::from);
        let known = [
            ("read", libc::SYS_read),
            ("unshare", libc::SYS_unshare),
            ("setns", libc::SYS_setns),
            ("keyctl", libc::SYS_keyctl),
            ("seccomp", libc::SYS_seccomp),
            ("clone3", libc::SYS_clone3),
            ("personality", libc::SYS_personality),
            ("mseal", libc::SYS_mseal),
        ];
        for (name, number) in known {
            assert_eq!(native(name), Some(number), "{name}");
        }
        assert_eq!(Arch::X32.number("execve"), Some(0x4000_0000 + 520));
        let through = |name: &str| Call::named(name).and_then(|call| call.through(Arch::I386));
        assert_eq!((through("socket"), through("shmctl"), through("read")), (Some((102, 1)), Some((117, 24)), None));
        assert_eq!((Arch::I386.number("umount"), Arch::X86_64.number("umount")), (Some(22), None));
    }
}
