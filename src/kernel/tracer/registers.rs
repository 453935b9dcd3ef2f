//! The registers of a process that stands still. ptrace(2), `PTRACE_GETREGSET`

use std::mem::MaybeUninit;

use nix::unistd::Pid;

/// All of them.
#[derive(Clone, Copy)]
pub struct Registers(libc::user_regs_struct);

impl Registers {
    /// Reads them.
    pub fn of(pid: Pid) -> Option<Self> {
        let mut registers = MaybeUninit::<libc::user_regs_struct>::uninit();
        let mut part = libc::iovec { iov_base: registers.as_mut_ptr().cast(), iov_len: size_of_val(&registers) };
        // SAFETY: the kernel fills in at most `iov_len` bytes where `registers` lies.
        let read = unsafe { libc::ptrace(libc::PTRACE_GETREGSET, pid.as_raw(), libc::NT_PRSTATUS, &raw mut part) };
        // SAFETY: for a process of this machine's own kind it has filled in all of it.
        (read == 0 && part.iov_len == size_of::<libc::user_regs_struct>())
            .then(|| Self(unsafe { registers.assume_init() }))
    }

    /// Writes them.
    pub fn set(&self, pid: Pid) -> Option<()> {
        let mut registers = self.0;
        let mut part = libc::iovec { iov_base: (&raw mut registers).cast(), iov_len: size_of_val(&registers) };
        // SAFETY: the kernel reads `iov_len` bytes from `registers`, which lives across the call.
        let set = unsafe { libc::ptrace(libc::PTRACE_SETREGSET, pid.as_raw(), libc::NT_PRSTATUS, &raw mut part) };
        (set == 0).then_some(())
    }
}

#[cfg(target_arch = "x86_64")]
impl Registers {
    /// The address of the next instruction.
    pub fn instruction(&self) -> u64 {
        self.0.rip
    }

    /// The frame pointer.
    pub fn frame(&self) -> u64 {
        self.0.rbp
    }

    /// The return address, where a register holds it.
    pub fn link(&self) -> Option<u64> {
        None
    }

    /// What a call has returned.
    pub fn result(&self) -> i64 {
        self.0.rax.cast_signed()
    }

    /// What a call by this machine's own instruction takes. syscall(2)
    pub fn call(&mut self, number: u64, [first, second, third]: [u64; 3]) {
        let registers = &mut self.0;
        // Nothing is to be restarted. signal(7)
        (registers.rax, registers.orig_rax) = (number, u64::MAX);
        (registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8) = (first, second, third, 0, 0);
    }

    /// What a call by that of 32-bit programs takes.
    pub fn call_i386(&mut self, number: u64, [first, second, third]: [u64; 3]) {
        let registers = &mut self.0;
        (registers.rax, registers.orig_rax) = (number, u64::MAX);
        (registers.rbx, registers.rcx, registers.rdx) = (first, second, third);
    }
}

#[cfg(target_arch = "aarch64")]
impl Registers {
    /// The address of the next instruction.
    pub fn instruction(&self) -> u64 {
        self.0.pc
    }

    /// The frame pointer.
    pub fn frame(&self) -> u64 {
        self.0.regs[29]
    }

    /// The return address, where a register holds it.
    pub fn link(&self) -> Option<u64> {
        Some(self.0.regs[30])
    }

    /// What a call has returned.
    pub fn result(&self) -> i64 {
        self.0.regs[0].cast_signed()
    }

    /// What a call by this machine's own instruction takes. syscall(2)
    pub fn call(&mut self, number: u64, args: [u64; 3]) {
        self.0.regs[8] = number;
        self.0.regs[..3].copy_from_slice(&args);
        self.0.regs[3..5].fill(0);
    }

    /// There is no other instruction.
    pub fn call_i386(&mut self, number: u64, args: [u64; 3]) {
        self.call(number, args);
    }
}
