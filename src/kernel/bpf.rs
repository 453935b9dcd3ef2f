//! eBPF, as far as device rules of cgroup v2 need it: a small program in the
//! kernel's own instruction set, loaded and attached. bpf(2);
//! kernel documentation, bpf/standardization/instruction-set

use std::fmt;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;

use super::Kernel;
use crate::error::Result;

bitflags::bitflags! {
    /// What may be done with a device. linux/bpf.h, `BPF_DEVCG_ACC_*`
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Access: u32 {
        /// Make a node of it.
        const MKNOD = 1;
        /// Read.
        const READ = 2;
        /// Write.
        const WRITE = 4;
    }
}

/// Kinds of devices. linux/bpf.h, `BPF_DEVCG_DEV_*`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Disks.
    Block = 1,
    /// Everything else.
    Character = 2,
}

/// Something that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceRule {
    /// Block or character.
    pub kind: Kind,
    /// Major number; `None` for all.
    pub major: Option<u32>,
    /// Minor number; `None` for all.
    pub minor: Option<u32>,
    /// What may be done.
    pub access: Access,
}

impl DeviceRule {
    /// A character device, for everything.
    pub const fn character(major: u32, minor: Option<u32>) -> Self {
        Self { kind: Kind::Character, major: Some(major), minor, access: Access::all() }
    }
}

/// As v1 takes it: `c 1:3 rwm`. admin-guide/cgroup-v1/devices
impl fmt::Display for DeviceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind == Kind::Block { 'b' } else { 'c' };
        let number = |number: Option<u32>| number.map_or_else(|| "*".to_owned(), |number| number.to_string());
        write!(f, "{kind} {}:{} ", number(self.major), number(self.minor))?;
        let letters = [(Access::READ, 'r'), (Access::WRITE, 'w'), (Access::MKNOD, 'm')];
        letters
            .iter()
            .filter(|(access, _)| self.access.contains(*access))
            .try_for_each(|(_, letter)| write!(f, "{letter}"))
    }
}

/// An instruction: operation, registers, offset of a jump or of memory, constant.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    code: u8,
    /// Destination in the low half, source in the high half.
    registers: u8,
    offset: i16,
    constant: i32,
}

/// Registers: the result, the first argument, and what we keep.
const RESULT: u8 = 0;
const CONTEXT: u8 = 1;
const ACCESS: u8 = 2;
const KIND: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

/// `registers[to] = *(u32 *)(registers[from] + offset)`
const fn load(to: u8, from: u8, offset: i16) -> Instruction {
    Instruction { code: 0x61, registers: from << 4 | to, offset, constant: 0 }
}

/// Arithmetic with a constant, in 32 bits.
const fn with(code: u8, register: u8, constant: u32) -> Instruction {
    Instruction { code, registers: register, offset: 0, constant: constant.cast_signed() }
}

const MOVE: u8 = 0xb4;
const AND: u8 = 0x54;
const SHIFT_RIGHT: u8 = 0x74;

/// `registers[to] = registers[from]`
const fn copy(to: u8, from: u8) -> Instruction {
    Instruction { code: 0xbc, registers: from << 4 | to, offset: 0, constant: 0 }
}

/// Skips instructions if a register is not this constant.
const fn unless(register: u8, constant: u32, skip: i16) -> Instruction {
    Instruction { code: 0x56, registers: register, offset: skip, constant: constant.cast_signed() }
}

/// Skips instructions if two registers differ.
const fn unless_same(one: u8, other: u8, skip: i16) -> Instruction {
    Instruction { code: 0x5e, registers: other << 4 | one, offset: skip, constant: 0 }
}

const EXIT: Instruction = Instruction { code: 0x95, registers: 0, offset: 0, constant: 0 };

/// A program that answers 1 if one of the rules allows the access, else 0. It is
/// given a `struct bpf_cgroup_dev_ctx`: access and kind in one word, then the numbers.
pub fn device_program(rules: &[DeviceRule]) -> Vec<Instruction> {
    let mut program = vec![
        load(ACCESS, CONTEXT, 0),
        copy(KIND, ACCESS),
        with(AND, KIND, 0xffff),
        with(SHIFT_RIGHT, ACCESS, 16),
        load(MAJOR, CONTEXT, 4),
        load(MINOR, CONTEXT, 8),
    ];
    for rule in rules {
        // Each condition that does not hold skips the rest of its rule.
        let numbers: Vec<(u8, u32)> = [(MAJOR, rule.major), (MINOR, rule.minor)]
            .iter()
            .filter_map(|(at, number)| number.map(|n| (*at, n)))
            .collect();
        let mut left = 5 + i16::try_from(numbers.len()).unwrap_or(2);
        program.push(unless(KIND, rule.kind as u32, left));
        program.push(copy(CONTEXT, ACCESS));
        program.push(with(AND, CONTEXT, rule.access.bits()));
        left -= 3;
        program.push(unless_same(CONTEXT, ACCESS, left));
        for (register, number) in numbers {
            left -= 1;
            program.push(unless(register, number, left));
        }
        program.extend([with(MOVE, RESULT, 1), EXIT]);
    }
    program.extend([with(MOVE, RESULT, 0), EXIT]);
    program
}

const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_PROG_ATTACH: libc::c_long = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;
const BPF_F_ALLOW_MULTI: u32 = 2;

/// The part of `union bpf_attr` that BPF_PROG_LOAD reads.
#[repr(C)]
#[derive(Default)]
struct Load {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
}

/// The part of `union bpf_attr` that BPF_PROG_ATTACH reads.
#[repr(C)]
struct Attach {
    target: u32,
    program: u32,
    kind: u32,
    flags: u32,
}

const BPF_PROG_QUERY: libc::c_long = 16;

/// The part of `union bpf_attr` that BPF_PROG_QUERY reads, and its answer.
#[repr(C)]
#[derive(Default)]
struct Query {
    target: u32,
    kind: u32,
    query_flags: u32,
    attach_flags: u32,
    programs: u64,
    count: u32,
    unused: u32,
}

/// How many programs decide about the devices of a cgroup of v2, of its own alone;
/// `None` if this user may not ask. bpf(2), `BPF_PROG_QUERY`
pub fn device_programs(cgroup: &Path) -> Option<u32> {
    let cgroup = File::open(cgroup).ok()?;
    let target = cgroup.as_raw_fd().cast_unsigned();
    let mut query = Query { target, kind: BPF_CGROUP_DEVICE, ..Query::default() };
    // SAFETY: `query` lives across the call, which fills in its count; without room
    // for them no programs are written.
    let asked = unsafe { libc::syscall(libc::SYS_bpf, BPF_PROG_QUERY, &raw mut query, size_of::<Query>()) };
    Errno::result(asked).ok().map(|_| query.count)
}

impl Kernel {
    /// Gives the kernel a program that decides about devices; it is checked before
    /// it is taken. bpf(2), `BPF_PROG_LOAD`
    #[track_caller]
    pub fn bpf_load_device_program(&self, program: &[Instruction]) -> Result<OwnedFd> {
        let count = program.len();
        let args = || {
            let attributes =
                format!("{{prog_type=BPF_PROG_TYPE_CGROUP_DEVICE, insn_cnt={count}, insns=..., license=\"GPL\"}}");
            vec!["BPF_PROG_LOAD".to_owned(), attributes, size_of::<Load>().to_string()]
        };
        self.call("bpf", args, || {
            let attributes = Load {
                kind: BPF_PROG_TYPE_CGROUP_DEVICE,
                instruction_count: u32::try_from(count).unwrap_or(u32::MAX),
                instructions: program.as_ptr() as u64,
                license: c"GPL".as_ptr() as u64,
                ..Load::default()
            };
            // SAFETY: `attributes` and what it points at live across the call.
            let loaded =
                unsafe { libc::syscall(libc::SYS_bpf, BPF_PROG_LOAD, &raw const attributes, size_of::<Load>()) };
            let loaded = Errno::result(loaded)?;
            // SAFETY: a non-negative result is a new descriptor, ours alone.
            Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(loaded).unwrap_or(-1)) })
        })
    }

    /// Lets the program decide for a cgroup and all beneath it, beside those that
    /// others have attached. bpf(2), `BPF_PROG_ATTACH`
    #[track_caller]
    pub fn bpf_attach_device_program(&self, program: &OwnedFd, cgroup: &OwnedFd) -> Result<()> {
        let args = || {
            let attributes = format!(
                "{{target_fd={}, attach_bpf_fd={}, attach_type=BPF_CGROUP_DEVICE, attach_flags=BPF_F_ALLOW_MULTI}}",
                self.fd(cgroup),
                self.fd(program)
            );
            vec!["BPF_PROG_ATTACH".to_owned(), attributes, size_of::<Attach>().to_string()]
        };
        let descriptor = |fd: &OwnedFd| fd.as_raw_fd().cast_unsigned();
        self.call("bpf", args, || {
            let attributes = Attach {
                target: descriptor(cgroup),
                program: descriptor(program),
                kind: BPF_CGROUP_DEVICE,
                flags: BPF_F_ALLOW_MULTI,
            };
            // SAFETY: `attributes` lives across the call and is read, not written.
            let attached =
                unsafe { libc::syscall(libc::SYS_bpf, BPF_PROG_ATTACH, &raw const attributes, size_of::<Attach>()) };
            Errno::result(attached).map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, DeviceRule, Kind, device_program};

    #[test]
    fn rules_are_written_as_v1_takes_them() {
        let any = DeviceRule { kind: Kind::Block, major: None, minor: None, access: Access::MKNOD };
        assert_eq!(any.to_string(), "b *:* m");
        assert_eq!(DeviceRule::character(1, Some(3)).to_string(), "c 1:3 rwm");
        assert_eq!(DeviceRule::character(136, None).to_string(), "c 136:* rwm");
    }

    /// Runs a program as the kernel would, far enough for those made here.
    fn answer(rules: &[DeviceRule], kind: Kind, access: Access, major: u32, minor: u32) -> u32 {
        let program = device_program(rules);
        let context = [access.bits() << 16 | kind as u32, major, minor];
        let (mut registers, mut at) = ([0_u32; 11], 0_usize);
        loop {
            let one = program[at];
            let (to, from) = (usize::from(one.registers & 15), usize::from(one.registers >> 4));
            let constant = one.constant.cast_unsigned();
            let skip = usize::try_from(one.offset).unwrap_or(0);
            at += 1;
            match one.code {
                0x61 => registers[to] = context[skip / 4],
                0xbc => registers[to] = registers[from],
                0xb4 => registers[to] = constant,
                0x54 => registers[to] &= constant,
                0x74 => registers[to] >>= constant,
                0x56 if registers[to] != constant => at += skip,
                0x5e if registers[to] != registers[from] => at += skip,
                0x56 | 0x5e => {}
                0x95 => return registers[0],
                other => panic!("no such instruction here: {other:#x}"),
            }
        }
    }

    #[test]
    fn a_program_allows_what_its_rules_name_and_nothing_else() {
        let read_only = DeviceRule { access: Access::READ, ..DeviceRule::character(1, Some(5)) };
        let any = DeviceRule { kind: Kind::Block, major: None, minor: None, access: Access::MKNOD };
        let rules = [read_only, any, DeviceRule::character(136, None)];
        let ask = |kind, access, major, minor| answer(&rules, kind, access, major, minor);
        assert_eq!(ask(Kind::Character, Access::READ, 1, 5), 1);
        assert_eq!(ask(Kind::Character, Access::READ | Access::WRITE, 1, 5), 0);
        assert_eq!(ask(Kind::Character, Access::READ, 1, 6), 0);
        assert_eq!(ask(Kind::Character, Access::all(), 136, 77), 1);
        assert_eq!(ask(Kind::Block, Access::MKNOD, 8, 0), 1);
        assert_eq!(ask(Kind::Block, Access::READ, 8, 0), 0);
    }
}
