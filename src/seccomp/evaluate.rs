//! The kernel's small machine once more: what would a filter answer? It has one
//! number at hand (A), a second (X) and 16 to put aside, and can only go forward,
//! so that every program ends. bpf(4), seccomp(2)

use crate::kernel::SockFilter;

/// What a filter may look at: `struct seccomp_data` without the instruction pointer,
/// which is always 0 here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data {
    /// The call's number.
    pub number: u32,
    /// `AUDIT_ARCH_*` of the caller.
    pub arch: u32,
    /// The arguments, as they lie in the registers.
    pub args: [u64; 6],
}

impl Data {
    /// The 32 bits at this place.
    fn word(&self, offset: u32) -> Option<u32> {
        match offset {
            0 => Some(self.number),
            4 => Some(self.arch),
            8 | 12 => Some(0),
            16..64 if offset.is_multiple_of(4) => {
                let arg = self.args[(offset as usize - 16) / 8];
                let high = offset.is_multiple_of(8) == cfg!(target_endian = "big");
                Some((if high { arg >> 32 } else { arg & 0xffff_ffff }) as u32)
            }
            _ => None,
        }
    }
}

/// What the program returns; `None` if the kernel would not load it.
pub fn run(program: &[SockFilter], data: &Data) -> Option<u32> {
    let (mut a, mut x, mut memory) = (0_u32, 0_u32, [0_u32; 16]);
    let mut at = 0;
    loop {
        let SockFilter { code, jt, jf, k } = *program.get(at)?;
        at += 1;
        let cell = k as usize;
        match code & 0x07 {
            // BPF_LD, BPF_LDX, BPF_ST, BPF_STX
            0x00 => a = loaded(code, k, data, &memory)?,
            0x01 => x = loaded(code, k, data, &memory)?,
            0x02 => *memory.get_mut(cell)? = a,
            0x03 => *memory.get_mut(cell)? = x,
            // BPF_ALU
            0x04 => a = calculated(code, a, if code & 0x08 == 0 { k } else { x })?,
            // BPF_JMP; 0x00 is BPF_JA
            0x05 if code & 0xf0 == 0 => at += cell,
            0x05 => {
                let holds = compared(code, a, if code & 0x08 == 0 { k } else { x })?;
                at += usize::from(if holds { jt } else { jf });
            }
            // BPF_RET, of K or of A
            0x06 => return Some(if code & 0x18 == 0 { k } else { a }),
            // BPF_MISC: BPF_TAX, BPF_TXA
            _ if code & 0xf8 == 0 => x = a,
            _ => a = x,
        }
    }
}

/// BPF_IMM, BPF_ABS, BPF_MEM and BPF_LEN, which is the size of the data.
fn loaded(code: u16, k: u32, data: &Data, memory: &[u32; 16]) -> Option<u32> {
    match code & 0xe0 {
        0x00 => Some(k),
        0x20 => data.word(k),
        0x60 => memory.get(k as usize).copied(),
        0x80 => Some(64),
        _ => None,
    }
}

fn calculated(code: u16, a: u32, operand: u32) -> Option<u32> {
    match code & 0xf0 {
        0x00 => Some(a.wrapping_add(operand)),
        0x10 => Some(a.wrapping_sub(operand)),
        0x20 => Some(a.wrapping_mul(operand)),
        0x30 => a.checked_div(operand),
        0x40 => Some(a | operand),
        0x50 => Some(a & operand),
        0x60 => Some(a.checked_shl(operand).unwrap_or(0)),
        0x70 => Some(a.checked_shr(operand).unwrap_or(0)),
        0x80 => Some(a.wrapping_neg()),
        0xa0 => Some(a ^ operand),
        _ => None,
    }
}

/// BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET
fn compared(code: u16, a: u32, operand: u32) -> Option<bool> {
    match code & 0xf0 {
        0x10 => Some(a == operand),
        0x20 => Some(a > operand),
        0x30 => Some(a >= operand),
        0x40 => Some(a & operand != 0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Data, run};
    use crate::kernel::SockFilter;

    const DATA: Data = Data { number: 39, arch: 7, args: [0x0000_0001_0000_0002, 3, 4, 5, 6, 0xffff_ffff_0000_0009] };

    fn ran(program: &[(u16, u8, u8, u32)]) -> Option<u32> {
        let program: Vec<_> = program.iter().map(|&(code, jt, jf, k)| SockFilter { code, jt, jf, k }).collect();
        run(&program, &DATA)
    }

    #[test]
    fn it_loads_what_the_kernel_offers() {
        let loaded = |offset| ran(&[(0x20, 0, 0, offset), (0x16, 0, 0, 0)]);
        assert_eq!([0, 4, 8, 16, 20, 24].map(loaded), [39, 7, 0, 2, 1, 3].map(Some));
        assert_eq!([56, 60, 64, 17].map(loaded), [Some(9), Some(u32::MAX), None, None]);
    }

    #[test]
    fn it_jumps_calculates_and_remembers() {
        assert_eq!(ran(&[(0x20, 0, 0, 0), (0x15, 1, 0, 39), (6, 0, 0, 1), (6, 0, 0, 2)]), Some(2));
        assert_eq!(ran(&[(0x20, 0, 0, 0), (0x35, 0, 1, 40), (6, 0, 0, 1), (6, 0, 0, 2)]), Some(2));
        assert_eq!(ran(&[(5, 0, 0, 1), (6, 0, 0, 1), (6, 0, 0, 2)]), Some(2));
        assert_eq!(ran(&[(0, 0, 0, 6), (2, 0, 0, 15), (0x54, 0, 0, 0), (0x60, 0, 0, 15), (0x16, 0, 0, 0)]), Some(6));
        assert_eq!(ran(&[(0, 0, 0, 6), (7, 0, 0, 0), (0x0c, 0, 0, 0), (0x16, 0, 0, 0)]), Some(12));
    }

    #[test]
    fn what_does_not_end_has_no_answer() {
        assert_eq!(ran(&[]), None);
        assert_eq!(ran(&[(0x20, 0, 0, 0)]), None);
        assert_eq!(ran(&[(5, 0, 0, 9), (6, 0, 0, 0)]), None);
        assert_eq!(ran(&[(0x34, 0, 0, 0), (6, 0, 0, 0)]), None);
    }
}
