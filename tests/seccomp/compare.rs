//! Puts every number of every architecture to two filters.

use std::collections::BTreeSet;
use std::fmt;

use boxlab::seccomp::profile::{Condition, Op};
use boxlab::seccomp::{Action, Arch, CALLS, Filter, Profile};

/// Beyond the highest number that there is.
const NUMBERS: u32 = 600;
const X32_BIT: u32 = 0x4000_0000;

/// Debian 12's libseccomp 2.5.4 knows the calls of Linux 5.17.
const NEWEST_OF_LIBSECCOMP: u32 = 450;

/// A call to which the two answer differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub arch: Arch,
    pub number: u32,
    pub args: [u64; 6],
    pub ours: Action,
    pub theirs: Action,
}

impl Difference {
    /// The call's name; `None` if none has this number.
    pub fn name(&self) -> Option<&'static str> {
        CALLS.iter().find(|call| call.number(self.arch) == Some(self.number)).map(|call| call.name)
    }

    /// A call whose name libseccomp has never heard, so that it passed over it.
    pub fn is_newer_than_libseccomp(&self) -> bool {
        let number = self.number & !X32_BIT;
        let rethought = self.arch != Arch::I386 && (335..424).contains(&number);
        self.name().is_some() && (number > NEWEST_OF_LIBSECCOMP || rethought) && number < 512
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { arch, number, args, ours, theirs } = self;
        let name = self.name().unwrap_or("no call");
        write!(f, "{arch:?} {number} ({name}) {args:x?}: here {ours}, there {theirs}")
    }
}

/// The arguments that are tried: what satisfies a rule, and its neighbours.
#[derive(Debug)]
pub struct Vectors {
    all: BTreeSet<[u64; 6]>,
    conditional: BTreeSet<&'static str>,
}

impl Vectors {
    pub fn of(profiles: &[&Profile]) -> Self {
        let mut all = BTreeSet::from([[0; 6], [u64::MAX; 6]]);
        // i386 tells by the first argument which call is meant.
        let mut conditional = BTreeSet::from(["socketcall", "ipc"]);
        all.extend((1..25).map(|first| [first, 0, 0, 0, 0, 0]));
        for rule in profiles.iter().flat_map(|profile| &profile.rules) {
            let mut args = [0; 6];
            for condition in &rule.conditions {
                let value = if condition.op == Op::MaskedEq { condition.value_two } else { condition.value };
                args[usize::from(condition.index)] = value;
            }
            for condition in &rule.conditions {
                for value in neighbours(condition) {
                    let mut near = args;
                    near[usize::from(condition.index)] = value;
                    all.insert(near);
                }
            }
            if !rule.conditions.is_empty() {
                all.insert(args);
                conditional.extend(rule.calls.iter().map(|call| call.name));
            }
        }
        Self { all, conditional }
    }

    /// Those for a call: all, if its answer may depend on them.
    fn for_call(&self, arch: Arch, name: Option<&str>) -> Vec<[u64; 6]> {
        let conditional = name.is_some_and(|name| self.conditional.contains(name));
        let all = self.all.iter().filter(|args| conditional || args[0] == 0 || args[0] == u64::MAX);
        // Of the 32-bit architectures libseccomp compares the lower halves; on i386
        // there is nothing else.
        let cut = |args: &[u64; 6]| if arch == Arch::X86_64 { *args } else { args.map(|arg| arg & 0xffff_ffff) };
        all.map(cut).collect()
    }
}

fn neighbours(condition: &Condition) -> [u64; 10] {
    let around = |value: u64| [value, value.wrapping_sub(1), value.wrapping_add(1), !value, value ^ 1 << 32];
    let mut all = [0; 10];
    all[..5].copy_from_slice(&around(condition.value));
    all[5..].copy_from_slice(&around(condition.value_two));
    all
}

/// Every number of every architecture, with all arguments that may matter; of each
/// number the first difference.
pub fn all(ours: &Filter, theirs: &Filter, vectors: &Vectors) -> Vec<Difference> {
    let mut found = Vec::new();
    for arch in [Arch::X86_64, Arch::X32, Arch::I386] {
        let bit = if arch == Arch::X32 { X32_BIT } else { 0 };
        for number in (0..NUMBERS).chain([X32_BIT - 1]).map(|number| number | bit) {
            let name = CALLS.iter().find(|call| call.number(arch) == Some(number)).map(|call| call.name);
            let answers = |args: [u64; 6]| Difference {
                arch,
                number,
                args,
                ours: ours.answer(number, arch.audit(), &args),
                theirs: theirs.answer(number, arch.audit(), &args),
            };
            let differences = vectors.for_call(arch, name).into_iter().map(answers);
            found.extend(differences.filter(|difference| difference.ours != difference.theirs).take(1));
        }
    }
    // What a tracer makes of a call that it leaves out, and another machine's calls.
    for (number, arch) in [(u32::MAX, Arch::X86_64), (0, Arch::Aarch64)] {
        let [ours, theirs] = [ours, theirs].map(|filter| filter.answer(number, arch.audit(), &[0; 6]));
        found.extend((ours != theirs).then_some(Difference { arch, number, args: [0; 6], ours, theirs }));
    }
    found
}
