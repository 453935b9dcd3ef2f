//! From decisions to a program for the kernel.
//!
//! First the architecture is asked for, then the number, by halving: the ranges of
//! numbers with the same answer stand in order, and each comparison leaves half of
//! them. (libseccomp asks for one number after the other, up to 400 times a call.)
//!
//! The program is written from its end to its beginning, since jumps lead forward
//! only: what a jump leads to is then written already, and its distance known.

use super::profile::{Condition, Op, Profile};
use super::select::{Case, Decision};
use super::syscalls::{Arch, X32_BIT};
use super::{Action, Filter, Target};
use crate::error::{Error, Result};
use crate::kernel::{BPF_MAXINSNS, SockFilter};

const BPF_LD_W_ABS: u16 = 0x20;
const BPF_JMP_JA: u16 = 0x05;
const BPF_JMP_JEQ_K: u16 = 0x15;
const BPF_JMP_JGT_K: u16 = 0x25;
const BPF_JMP_JGE_K: u16 = 0x35;
const BPF_ALU_AND_K: u16 = 0x54;
const BPF_RET_K: u16 = 0x06;

/// Places in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARGS: u32 = 16;

/// What libseccomp answers to the programs of an architecture that a profile does
/// not name: their numbers mean something else.
const BAD_ARCH: Action = Action::KillThread;

impl Profile {
    /// Makes the filter for a process.
    pub fn compile(&self, target: &Target) -> Result<Filter> {
        let mut decisions = self.decisions(target);
        // x32 and x86_64 are one architecture with two ranges of numbers.
        let x32 = decisions.iter().position(|(arch, _)| *arch == Arch::X32).map(|x32| decisions.remove(x32));
        let with_x32 = x32.is_some();
        if let (Some((_, mut numbers)), Some((_, native))) = (x32, decisions.first_mut()) {
            native.append(&mut numbers);
        }
        let mut program = Assembler::default();
        let mut next = program.answer(BAD_ARCH);
        for (arch, numbers) in decisions.iter().rev() {
            let ranges = ranges(self.default, numbers, *arch == Arch::X86_64 && !with_x32);
            let section = program.section(self.default, &ranges);
            next = program.jump(BPF_JMP_JEQ_K, arch.audit(), section, next);
        }
        program.push(BPF_LD_W_ABS, 0, 0, ARCH);
        program.reversed.reverse();
        if program.reversed.len() > BPF_MAXINSNS {
            return Err(Error::new(format!("the filter would have {} instructions", program.reversed.len()))
                .hint(format!("The kernel takes {BPF_MAXINSNS} at most: give the profile fewer conditions.")));
        }
        Ok(Filter { instructions: program.reversed, flags: self.flags })
    }
}

/// What is answered to the numbers from one on, up to the next range.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer<'d> {
    Always(Action),
    When(&'d [Case<'d>]),
}

/// All numbers, neighbours with the same answer in one; `foreign`: the calls of x32
/// come from an architecture that is not allowed.
fn ranges<'d>(default: Action, numbers: &'d [(u32, Decision<'d>)], foreign: bool) -> Vec<(u32, Answer<'d>)> {
    let mut ranges: Vec<(u32, Answer<'d>)> = Vec::with_capacity(numbers.len());
    let mut from = |number: u32, answer: Answer<'d>| {
        // The end of the range before was a guess: perhaps it goes on.
        ranges.pop_if(|(start, _)| *start == number);
        if ranges.last().is_none_or(|(_, last)| *last != answer) {
            ranges.push((number, answer));
        }
    };
    from(0, Answer::Always(default));
    for (number, decision) in numbers {
        let answer = match decision {
            Decision::Default => Answer::Always(default),
            Decision::Always(rule) => Answer::Always(rule.action),
            Decision::When(cases) => Answer::When(cases),
        };
        from(*number, answer);
        from(*number + 1, Answer::Always(default));
    }
    if foreign {
        from(X32_BIT, Answer::Always(BAD_ARCH));
        // A tracer leaves a call out by giving it the number -1. ptrace(2)
        from(u32::MAX, Answer::Always(default));
    }
    ranges
}

/// A place in the program: how many instructions follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Label(usize);

/// Writes a program from its end to its beginning.
#[derive(Debug, Default)]
struct Assembler<'d> {
    reversed: Vec<SockFilter>,
    /// Where an action was returned last.
    answers: Vec<(Action, Label)>,
    /// Where cases stand: those of one call are the same on each architecture.
    written: Vec<(&'d [Case<'d>], Label)>,
}

impl<'d> Assembler<'d> {
    /// Puts an instruction before all that there are.
    fn push(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> Label {
        self.reversed.push(SockFilter { code, jt, jf, k });
        Label(self.reversed.len() - 1)
    }

    /// How many instructions the next one would have to skip to reach a place.
    fn distance(&self, label: Label) -> usize {
        self.reversed.len() - 1 - label.0
    }

    /// A place that returns this, near enough for a conditional jump: another
    /// return costs no more than a long jump.
    fn answer(&mut self, action: Action) -> Label {
        let known = self.answers.iter().rposition(|(known, _)| *known == action);
        if let Some(known) = known
            && self.is_near(self.answers[known].1)
        {
            return self.answers[known].1;
        }
        let label = self.push(BPF_RET_K, 0, 0, action.to_return());
        match known {
            Some(known) => self.answers[known].1 = label,
            None => self.answers.push((action, label)),
        }
        label
    }

    /// True if a conditional jump, whose distances have 8 bits, reaches that place;
    /// two long jumps may still come in between.
    fn is_near(&self, label: Label) -> bool {
        self.distance(label) + 2 <= usize::from(u8::MAX)
    }

    /// That place, or a long jump to it.
    fn near(&mut self, label: Label) -> Label {
        if self.is_near(label) {
            return label;
        }
        let distance = u32::try_from(self.distance(label)).unwrap_or(u32::MAX);
        self.push(BPF_JMP_JA, 0, 0, distance)
    }

    /// Compares A and goes on at one place or the other.
    fn jump(&mut self, code: u16, k: u32, yes: Label, no: Label) -> Label {
        let (yes, no) = (self.near(yes), self.near(no));
        let distance = |label| u8::try_from(self.distance(label)).unwrap_or(u8::MAX);
        let (jt, jf) = (distance(yes), distance(no));
        self.push(code, jt, jf, k)
    }

    /// Everything for one architecture.
    fn section(&mut self, default: Action, ranges: &[(u32, Answer<'d>)]) -> Label {
        let root = self.tree(default, ranges);
        // A comparison was written last, unless all numbers have one answer.
        if ranges.len() > 1 { self.push(BPF_LD_W_ABS, 0, 0, NUMBER) } else { root }
    }

    fn tree(&mut self, default: Action, ranges: &[(u32, Answer<'d>)]) -> Label {
        match ranges {
            [] => self.answer(default),
            [(_, Answer::Always(action))] => self.answer(*action),
            [(_, Answer::When(cases))] => self.cases(default, cases),
            _ => {
                let (below, above) = ranges.split_at(ranges.len() / 2);
                let start = above[0].0;
                let above = self.tree(default, above);
                let below = self.tree(default, below);
                self.jump(BPF_JMP_JGE_K, start, above, below)
            }
        }
    }

    /// The first case whose conditions hold.
    fn cases(&mut self, default: Action, cases: &'d [Case<'d>]) -> Label {
        if let Some((_, label)) = self.written.iter().find(|(written, _)| *written == cases) {
            return *label;
        }
        let mut next = self.answer(default);
        for case in cases.iter().rev() {
            let mut yes = self.answer(case.rule.action);
            for condition in case.conditions.iter().rev() {
                yes = self.condition(condition, yes, next);
            }
            next = yes;
        }
        self.written.push((cases, next));
        next
    }

    /// A has 32 bits, an argument 64: its halves are compared one after the other.
    fn condition(&mut self, condition: &Condition, yes: Label, no: Label) -> Label {
        let Condition { index, op, value, value_two } = *condition;
        let at = ARGS + 8 * u32::from(index);
        match op {
            Op::Eq => self.equal(at, value, u64::MAX, yes, no),
            Op::Ne => self.equal(at, value, u64::MAX, no, yes),
            Op::MaskedEq => self.equal(at, value_two & value, value, yes, no),
            Op::Gt => self.greater(at, BPF_JMP_JGT_K, value, yes, no),
            Op::Ge => self.greater(at, BPF_JMP_JGE_K, value, yes, no),
            Op::Le => self.greater(at, BPF_JMP_JGT_K, value, no, yes),
            Op::Lt => self.greater(at, BPF_JMP_JGE_K, value, no, yes),
        }
    }

    fn equal(&mut self, at: u32, value: u64, mask: u64, yes: Label, no: Label) -> Label {
        let low = self.half_equal(at + LOW, value as u32, mask as u32, yes, no);
        self.half_equal(at + HIGH, (value >> 32) as u32, (mask >> 32) as u32, low, no)
    }

    fn half_equal(&mut self, at: u32, value: u32, mask: u32, yes: Label, no: Label) -> Label {
        if mask == 0 {
            return yes;
        }
        self.jump(BPF_JMP_JEQ_K, value, yes, no);
        if mask != u32::MAX {
            self.push(BPF_ALU_AND_K, 0, 0, mask);
        }
        self.push(BPF_LD_W_ABS, 0, 0, at)
    }

    /// Greater in the upper half, or equal there and greater (`code`) in the lower.
    fn greater(&mut self, at: u32, code: u16, value: u64, yes: Label, no: Label) -> Label {
        self.jump(code, value as u32, yes, no);
        let low = self.push(BPF_LD_W_ABS, 0, 0, at + LOW);
        let equal = self.jump(BPF_JMP_JEQ_K, (value >> 32) as u32, low, no);
        self.jump(BPF_JMP_JGT_K, (value >> 32) as u32, yes, equal);
        self.push(BPF_LD_W_ABS, 0, 0, at + HIGH)
    }
}

/// Where the halves of an argument lie.
const LOW: u32 = if cfg!(target_endian = "little") { 0 } else { 4 };
const HIGH: u32 = 4 - LOW;

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
    use proptest::sample::{select, subsequence};
    use serde_json::{Value, json};

    use super::super::{Action, Arch, CALLS, Call, Filter, Profile, Target};
    use super::{BAD_ARCH, BPF_MAXINSNS};
    use crate::kernel::CapSet;

    const TARGET: Target = Target { caps: CapSet::EMPTY, kernel: (6, 1) };

    /// Some neighbours, some far apart, some with two ways on i386, one unknown.
    const NAMES: [&str; 14] = [
        "read",
        "write",
        "open",
        "clone",
        "clone3",
        "personality",
        "socket",
        "socketcall",
        "semop",
        "semtimedop",
        "ipc",
        "rt_sigaction",
        "umount",
        "no_such_call",
    ];

    /// Where halves and comparisons have their edges.
    const EDGES: [u64; 12] = [
        0,
        1,
        2,
        0x7e02_0000,
        0xffff_fffe,
        0xffff_ffff,
        0x1_0000_0000,
        0x1_0000_0001,
        0x2_0000_0000,
        0x2_ffff_ffff,
        u64::MAX - 1,
        u64::MAX,
    ];

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![3 => select(&EDGES[..]), 1 => any::<u64>()]
    }

    fn condition() -> impl Strategy<Value = Value> {
        let op = select(vec!["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"]);
        (0..6_u8, op, number(), number()).prop_map(|(index, op, value, other)| {
            json!({"index": index, "op": format!("SCMP_CMP_{op}"), "value": value, "valueTwo": other})
        })
    }

    fn action() -> impl Strategy<Value = &'static str> {
        select(vec!["ALLOW", "ERRNO", "KILL", "KILL_PROCESS", "TRAP", "TRACE", "LOG"])
    }

    fn rule() -> impl Strategy<Value = Value> {
        let conditions =
            prop_oneof![1 => prop::collection::vec(condition(), 0), 3 => prop::collection::vec(condition(), 1..4)];
        (subsequence(&NAMES[..], 1..4), action(), 1..100_u32, conditions).prop_map(|(names, action, errno, args)| {
            json!({"names": names, "action": format!("SCMP_ACT_{action}"), "errnoRet": errno, "args": args})
        })
    }

    fn profile() -> impl Strategy<Value = Value> {
        let arches = subsequence(vec!["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], 0..=3);
        let rules = prop::collection::vec(rule(), 0..30);
        (action(), arches, rules).prop_map(|(action, arches, rules)| {
            json!({"defaultAction": format!("SCMP_ACT_{action}"), "architectures": arches, "syscalls": rules})
        })
    }

    fn answer(filter: &Filter, arch: Arch, name: &str, args: &[u64; 6]) -> Option<Action> {
        arch.number(name).map(|number| filter.answer(number, arch.audit(), args))
    }

    proptest! {
        #[test]
        fn the_program_answers_as_the_rules_read(
            written in profile(),
            vectors in prop::collection::vec(prop::array::uniform6(number()), 8),
        ) {
            let profile = Profile::from_json(&written.to_string()).expect("a profile");
            let filter = profile.compile(&TARGET).expect("a filter");
            for arch in Arch::family().iter().copied() {
                let allowed = profile.arches().contains(&arch);
                for (name, args) in NAMES.iter().flat_map(|name| vectors.iter().map(move |args| (name, args))) {
                    let Some(answer) = answer(&filter, arch, name, args) else { continue };
                    let wanted = if allowed { profile.verdict(&TARGET, arch, Call::named(name).expect("a call"), args).action } else { BAD_ARCH };
                    prop_assert_eq!(answer, wanted, "{:?} {} {:x?}", arch, name, args);
                }
            }
        }
    }

    #[test]
    fn all_calls_of_the_default_profile_are_answered_as_the_rules_read() {
        let profile = Profile::default_profile().expect("the default profile");
        let capabilities = [CapSet::EMPTY, CapSet::from_bits(0xa804_25fb), CapSet::from_bits(u64::MAX >> 23)];
        for target in capabilities.map(|caps| Target { caps, ..TARGET }) {
            let filter = profile.compile(&target).expect("a filter");
            for arch in Arch::family().iter().copied() {
                for (call, first) in CALLS.iter().flat_map(|call| EDGES.map(|first| (call, first))) {
                    let args = [first, 0, 0, 0, 0, 0];
                    let Some(answer) = answer(&filter, arch, call.name, &args) else { continue };
                    let wanted = profile.verdict(&target, arch, call, &args).action;
                    assert_eq!(answer, wanted, "{arch:?} {} {first:#x}", call.name);
                }
            }
            assert_eq!(filter.answer(999, Arch::native().audit(), &[0; 6]), profile.default, "a number of no call");
            assert_eq!(
                filter.answer(u32::MAX, Arch::native().audit(), &[0; 6]),
                profile.default,
                "left out by a tracer"
            );
            assert_eq!(filter.answer(0, 0x1234, &[0; 6]), BAD_ARCH, "an architecture of another machine");
        }
    }

    /// A conditional jump reaches 255 instructions, not one more.
    #[test]
    fn jumps_of_every_length_lead_where_they_should() {
        let cases = |greater: u64, equal: u64| {
            let condition = |value: u64| json!({"index": 0, "op": "SCMP_CMP_EQ", "value": value});
            let beyond = |value: u64| json!({"index": 0, "op": "SCMP_CMP_GT", "value": 1000 + value});
            let args: Vec<Value> = (0..equal).map(condition).chain((0..greater).map(beyond)).collect();
            let rules = json!([
                {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 2, "args": args},
                {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 3, "args": [{"index": 1, "op": "SCMP_CMP_EQ", "value": 1}]},
            ]);
            json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": [], "syscalls": rules}).to_string()
        };
        for (greater, equal) in (0..5).flat_map(|greater| (1..140).map(move |equal| (greater, equal))) {
            let profile = Profile::from_json(&cases(greater, equal)).expect("a profile");
            let filter = profile.compile(&TARGET).expect("a filter");
            let read = Call::named("read").expect("a call");
            for args in [[0, 0], [equal - 1, 1], [equal, 1], [equal, 0], [999, 1], [2000, 1], [2000, 0]] {
                let args = [args[0], args[1], 0, 0, 0, 0];
                let wanted = profile.verdict(&TARGET, Arch::native(), read, &args).action;
                assert_eq!(answer(&filter, Arch::native(), "read", &args), Some(wanted), "{greater} {equal} {args:?}");
            }
        }
    }

    #[test]
    fn an_architecture_that_is_not_named_is_refused_but_not_what_a_tracer_leaves_out() {
        let written = r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": []}"#;
        let filter = Profile::from_json(written).and_then(|profile| profile.compile(&TARGET)).expect("a filter");
        let answer = |number, arch: Arch| filter.answer(number, arch.audit(), &[0; 6]);
        assert_eq!(answer(0, Arch::native()), Action::Allow);
        assert_eq!(answer(u32::MAX, Arch::native()), Action::Allow);
        if Arch::native() == Arch::X86_64 {
            assert_eq!([answer(0x4000_0000, Arch::X32), answer(0xffff_fffe, Arch::X32)], [BAD_ARCH; 2]);
            assert_eq!(answer(0, Arch::I386), BAD_ARCH);
        }
    }

    #[test]
    fn what_the_kernel_would_not_take_is_refused() {
        let args: Vec<Value> =
            (0..2000).map(|value| json!({"index": 0, "op": "SCMP_CMP_EQ", "value": value})).collect();
        let rule = json!({"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": args});
        let written = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]});
        let error =
            Profile::from_json(&written.to_string()).expect("a profile").compile(&TARGET).expect_err("too long");
        let text = format!("{error} {}", error.failure().hint.clone().unwrap_or_default());
        assert!(text.contains(&BPF_MAXINSNS.to_string()), "{text}");
    }

    /// Kernels keep a table of the numbers that are always allowed: they get it by
    /// running the filter without arguments, and give up at what they don't expect.
    #[test]
    fn the_program_uses_only_what_the_kernel_can_foresee() {
        let filter = Profile::default_profile().and_then(|profile| profile.compile(&TARGET)).expect("a filter");
        for instruction in &filter.instructions {
            assert!([0x20, 0x05, 0x15, 0x25, 0x35, 0x54, 0x06].contains(&instruction.code), "{instruction:?}");
        }
        assert!(filter.instructions.len() < 1000, "{} instructions", filter.instructions.len());
    }
}
