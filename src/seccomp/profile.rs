//! What a profile says: which calls, on which conditions, for whom.

use std::fmt;

use serde::Deserialize;

use super::json::{self, Document, RawCondition, RawRule};
use super::syscalls::{Arch, Call};
use super::{Action, Target};
use crate::kernel::{CapSet, SeccompFlags};

/// Which calls a process may make.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Document")]
pub struct Profile {
    /// What becomes of a call for which there is no rule.
    pub default: Action,
    /// The rules, as they were written.
    pub rules: Vec<Rule>,
    /// How the filter is loaded.
    pub flags: SeccompFlags,
    /// `SCMP_ARCH_*`, if they are limited at all.
    pub(super) arches: Option<Vec<&'static str>>,
}

/// What becomes of some calls, on some conditions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawRule")]
pub struct Rule {
    /// The calls.
    pub calls: Vec<&'static Call>,
    /// Names of no call that is known: of newer kernels, of other machines, or
    /// misspelled. They are passed over, as libseccomp does.
    pub unknown: Vec<String>,
    /// What becomes of them.
    pub action: Action,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
    /// Why, for people.
    pub comment: String,
    pub(super) includes: Bounds,
    pub(super) excludes: Bounds,
}

/// For whom a rule is meant, or not meant.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Bounds {
    #[serde(deserialize_with = "json::capabilities")]
    pub caps: CapSet,
    #[serde(deserialize_with = "json::go_arches")]
    pub arches: Vec<&'static str>,
    #[serde(deserialize_with = "json::version")]
    pub min_kernel: Option<(u32, u32)>,
}

/// What must hold of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawCondition")]
pub struct Condition {
    /// Which argument, from 0.
    pub index: u8,
    /// How it is compared.
    pub op: Op,
    /// With what; for [`Op::MaskedEq`] the mask.
    pub value: u64,
    /// For [`Op::MaskedEq`]: what the masked argument must be.
    pub value_two: u64,
}

/// How an argument is compared, as an unsigned number of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Op {
    Ne,
    Lt,
    Le,
    Eq,
    Ge,
    Gt,
    MaskedEq,
}

impl Condition {
    /// True if it holds.
    pub fn holds(&self, args: &[u64; 6]) -> bool {
        let arg = args.get(usize::from(self.index)).copied().unwrap_or_default();
        match self.op {
            Op::Ne => arg != self.value,
            Op::Lt => arg < self.value,
            Op::Le => arg <= self.value,
            Op::Eq => arg == self.value,
            Op::Ge => arg >= self.value,
            Op::Gt => arg > self.value,
            Op::MaskedEq => arg & self.value == self.value_two & self.value,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, op, value, value_two } = self;
        let words = match op {
            Op::Ne => "is not",
            Op::Lt => "is less than",
            Op::Le => "is at most",
            Op::Eq => "is",
            Op::Ge => "is at least",
            Op::Gt => "is greater than",
            Op::MaskedEq => return write!(f, "argument {index} & {value:#x} is {}", spelled(value_two & value)),
        };
        write!(f, "argument {index} {words} {}", spelled(*value))
    }
}

fn spelled(value: u64) -> String {
    if value < 10 { value.to_string() } else { format!("{value:#x}") }
}

impl Profile {
    /// A profile of one rule.
    pub(super) fn with_one_rule(default: Action, calls: Vec<&'static Call>, action: Action) -> Self {
        let rule = Rule {
            calls,
            unknown: Vec::new(),
            action,
            conditions: Vec::new(),
            comment: String::new(),
            includes: Bounds::default(),
            excludes: Bounds::default(),
        };
        let arches = Arch::family().iter().map(|arch| arch.profile_name()).collect();
        Self { default, rules: vec![rule], flags: SeccompFlags::empty(), arches: Some(arches) }
    }

    /// Whose calls the filter lets pass at all: this machine's, and what else the
    /// profile names of those whose programs this machine runs.
    pub(super) fn arches(&self) -> Vec<Arch> {
        let named = |arch: &Arch| self.arches.iter().flatten().any(|name| *name == arch.profile_name());
        Arch::family().iter().copied().filter(|arch| *arch == Arch::native() || named(arch)).collect()
    }
}

impl Rule {
    /// True if it is meant for a process with these capabilities, on this kernel
    /// and machine.
    pub(super) fn applies(&self, target: &Target) -> bool {
        let (includes, excludes) = (&self.includes, &self.excludes);
        let here = json::go_name(Arch::native());
        let new = |least: Option<(u32, u32)>| least.is_some_and(|least| target.kernel >= least);
        let missing = includes.caps.minus(target.caps);
        let included = missing.is_empty()
            && (includes.arches.is_empty() || includes.arches.contains(&here))
            && (includes.min_kernel.is_none() || new(includes.min_kernel));
        let excluded = !excludes.caps.intersection(target.caps).is_empty()
            || excludes.arches.contains(&here)
            || new(excludes.min_kernel);
        included && !excluded
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, Op, Profile};
    use crate::kernel::CapSet;
    use crate::seccomp::{Action, Arch, Call, DEFAULT, Target};

    const ARGS: [u64; 6] = [0; 6];

    fn target(caps: u64, kernel: (u32, u32)) -> Target {
        Target { caps: CapSet::from_bits(caps), kernel }
    }

    fn answer(profile: &Profile, target: &Target, name: &str, first: u64) -> Action {
        let call = Call::named(name).expect("a call");
        profile.verdict(target, Arch::native(), call, &[first, 0, 0, 0, 0, 0]).action
    }

    fn with(rules: &str) -> Profile {
        let text = format!(r#"{{"defaultAction": "SCMP_ACT_KILL", "syscalls": [{rules}]}}"#);
        Profile::from_json(&text).expect("a profile")
    }

    #[test]
    fn rules_are_for_those_with_or_without_capabilities_and_kernels() {
        let profile = with(
            r#"{"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN", "CAP_CHOWN"]}},
               {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_CHOWN"]}},
               {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
               {"names": ["acct"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "4.8"}},
               {"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}},
               {"names": ["write"], "action": "SCMP_ACT_ALLOW", "excludes": {"arches": ["s390x"]}}"#,
        );
        let (none, one, both) = (target(0, (4, 7)), target(1, (4, 8)), target(1 | 1 << 21, (5, 0)));
        let allowed = |name| [&none, &one, &both].map(|target| answer(&profile, target, name, 0) == Action::Allow);
        assert_eq!(allowed("mount"), [false, false, true], "all of the capabilities are needed");
        assert_eq!(allowed("bpf"), [true, false, false], "any of the capabilities is too many");
        assert_eq!(allowed("ptrace"), [false, true, true]);
        assert_eq!(allowed("acct"), [true, false, false]);
        assert_eq!(allowed("read"), [false; 3]);
        assert_eq!(allowed("write"), [true; 3]);
    }

    #[test]
    fn rules_without_conditions_beat_those_with() {
        let profile = with(
            r#"{"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
               {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
               {"names": ["write"], "action": "SCMP_ACT_TRAP"},
               {"names": ["fork"], "action": "SCMP_ACT_KILL"},
               {"names": ["fork"], "action": "SCMP_ACT_TRAP", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
               {"names": ["open"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
               {"names": ["open"], "action": "SCMP_ACT_TRAP", "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_LT"}]},
               {"name": "close", "action": "SCMP_ACT_ALLOW", "args": [
                   {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}"#,
        );
        let answer = |name, first| answer(&profile, &target(0, (6, 1)), name, first);
        assert_eq!([answer("read", 0), answer("read", 1), answer("write", 0)], [Action::Allow; 3]);
        assert_eq!(answer("fork", 1), Action::Trap, "a rule that says what the default says is none");
        assert_eq!([0, 1, 2].map(|first| answer("open", first)), [Action::Trap, Action::Allow, Action::KillThread]);
        assert_eq!([0, 1, 2].map(|first| answer("close", first)), [Action::KillThread, Action::Allow, Action::Allow]);
    }

    #[test]
    fn on_i386_a_socket_can_be_had_in_two_ways() {
        let socket = |action: &str, args: &str| {
            with(&format!(r#"{{"names": ["socket"], "action": "{action}", "args": [{args}]}}"#))
        };
        let through = |profile: &Profile, which: u64| {
            let call = Call::named("socketcall").expect("a call");
            profile.verdict(&target(0, (6, 1)), Arch::I386, call, &[which, 0, 0, 0, 0, 0]).action
        };
        let condition = r#"{"index": 0, "value": 40, "op": "SCMP_CMP_EQ"}"#;
        let allowed = socket("SCMP_ACT_ALLOW", "");
        assert_eq!((through(&allowed, 1), through(&allowed, 2)), (Action::Allow, Action::KillThread));
        assert_eq!(
            through(&socket("SCMP_ACT_ERRNO", condition), 1),
            Action::Errno(1),
            "refused, as far as can be seen"
        );
        assert_eq!(through(&socket("SCMP_ACT_ALLOW", condition), 1), Action::KillThread, "not allowed unseen");
    }

    #[test]
    fn comparisons_are_of_unsigned_numbers_of_64_bits() {
        let holds = |op, value, arg| {
            Condition { index: 0, op, value, value_two: 0x12 }
                .holds(&[arg, ARGS[1], ARGS[2], ARGS[3], ARGS[4], ARGS[5]])
        };
        let edges = |op| [4, 5, 6, u64::MAX].map(|arg| holds(op, 5, arg));
        assert_eq!(edges(Op::Lt), [true, false, false, false]);
        assert_eq!(edges(Op::Le), [true, true, false, false]);
        assert_eq!(edges(Op::Eq), [false, true, false, false]);
        assert_eq!(edges(Op::Ne), [true, false, true, true]);
        assert_eq!(edges(Op::Ge), [false, true, true, true]);
        assert_eq!(edges(Op::Gt), [false, false, true, true]);
        assert_eq!([0x10, 0x12, 0x1f].map(|arg| holds(Op::MaskedEq, 0xf0, arg)), [true; 3], "what the mask leaves");
    }

    #[test]
    fn the_default_is_what_docker_and_podman_can_read_too() {
        let profile = Profile::default_profile().expect("the default profile");
        assert!(profile.rules.iter().all(|rule| !rule.comment.is_empty()), "each rule says why");
        assert_eq!(profile.unknown(&target(0xa804_25fb, (6, 1))).collect::<Vec<_>>(), [""; 0], "each name is a call");
        // Neither knows the field `errno` alone.
        assert!(DEFAULT.lines().all(|line| !line.contains("\"errno\"") || line.contains("errnoRet")));
        let docker = target(0xa804_25fb, (6, 1));
        let refused = ["mount", "unshare", "setns", "keyctl", "bpf", "perf_event_open", "pivot_root", "reboot"];
        assert_eq!(refused.map(|name| answer(&profile, &docker, name, 0)), [Action::Errno(1); 8]);
        assert_eq!(answer(&profile, &docker, "clone3", 0), Action::Errno(38));
        assert_eq!(answer(&profile, &docker, "io_uring_setup", 0), Action::Errno(38));
        assert_eq!(
            [16, 38, 39, 40, 99].map(|family| answer(&profile, &docker, "socket", family)),
            [Action::Allow, Action::Errno(1), Action::Allow, Action::Errno(1), Action::Errno(97),]
        );
        let everything = target(u64::MAX >> 23, (6, 1));
        assert_eq!(["mount", "clone3", "bpf"].map(|name| answer(&profile, &everything, name, 0)), [Action::Allow; 3]);
    }
}
