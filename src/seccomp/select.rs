//! From what was written to what is meant here: the rules for this process and this
//! machine, and which of them answers a call.
//!
//! Where rules contradict each other it is as in libseccomp: one without conditions
//! beats all that have some, and of two without conditions the first. Of two whose
//! conditions overlap the first counts, too; libseccomp orders those as it likes.

use super::profile::{Condition, Op, Profile, Rule};
use super::syscalls::{Arch, Call, HIGHEST, X32_BIT};
use super::{Action, Target};

/// A rule, if all these conditions hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Case<'p> {
    /// What becomes of the call then.
    pub rule: &'p Rule,
    /// None for a rule that always holds; it then stands alone.
    pub conditions: Vec<Condition>,
}

/// What becomes of the calls of one number.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Decision<'p> {
    /// What the profile's default says.
    #[default]
    Default,
    /// Always the same.
    Always(&'p Rule),
    /// The first case whose conditions hold, else the default.
    When(Vec<Case<'p>>),
}

impl<'p> Decision<'p> {
    fn add(&mut self, rule: &'p Rule, conditions: &[Condition]) {
        let case = || Case { rule, conditions: conditions.to_vec() };
        match self {
            Self::Always(_) => {}
            _ if conditions.is_empty() => *self = Self::Always(rule),
            Self::Default => *self = Self::When(vec![case()]),
            Self::When(cases) => cases.push(case()),
        }
    }
}

/// What answers a call, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict<'p> {
    /// What becomes of it.
    pub action: Action,
    /// The case that says so; `None` is the default.
    pub case: Option<Case<'p>>,
}

impl Profile {
    /// What becomes of each number, in their order, for one architecture after the other.
    pub(super) fn decisions(&self, target: &Target) -> Vec<(Arch, Vec<(u32, Decision<'_>)>)> {
        let of_arch = |arch| {
            let mut decisions = vec![Decision::Default; HIGHEST + 1];
            let place = |number: u32| (number & !X32_BIT) as usize;
            for rule in self.applying(target) {
                let alternatives = rule.alternatives();
                for call in &rule.calls {
                    if let Some(number) = call.number(arch) {
                        alternatives.iter().for_each(|conditions| decisions[place(number)].add(rule, conditions));
                    }
                    if let Some((number, condition)) = rule.through(call, arch) {
                        decisions[place(number)].add(rule, &[condition]);
                    }
                }
            }
            let bit = if arch == Arch::X32 { X32_BIT } else { 0 };
            let numbers = (0_u32..).map(|number| number | bit);
            (arch, numbers.zip(decisions).collect())
        };
        self.arches().into_iter().map(of_arch).collect()
    }

    /// The rules that are meant for this process, but for those that say what the
    /// default says anyway.
    fn applying(&self, target: &Target) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| rule.action != self.default && rule.applies(target))
    }

    /// Names in the rules for this process that are passed over. See [`Rule::unknown`].
    pub fn unknown(&self, target: &Target) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter().filter(|rule| rule.applies(target));
        rules.flat_map(|rule| &rule.unknown).map(String::as_str)
    }

    /// The cases of this call, found by reading the rules one by one. The first that
    /// holds counts; if none does, the default.
    pub fn cases(&self, target: &Target, arch: Arch, call: &Call) -> Vec<Case<'_>> {
        let mut decision = Decision::Default;
        for rule in self.applying(target) {
            for named in &rule.calls {
                if *named == call {
                    rule.alternatives().iter().for_each(|conditions| decision.add(rule, conditions));
                }
                let through = rule.through(named, arch).filter(|(number, _)| call.number(arch) == Some(*number));
                if let Some((_, condition)) = through {
                    decision.add(rule, &[condition]);
                }
            }
        }
        match decision {
            Decision::Default => Vec::new(),
            Decision::Always(rule) => vec![Case { rule, conditions: Vec::new() }],
            Decision::When(cases) => cases,
        }
    }

    /// What becomes of this call with these arguments: what the filter answers, found
    /// slower, and able to say why.
    pub fn verdict(&self, target: &Target, arch: Arch, call: &Call, args: &[u64; 6]) -> Verdict<'_> {
        let holds = |case: &Case<'_>| case.conditions.iter().all(|condition| condition.holds(args));
        let case = self.cases(target, arch, call).into_iter().find(holds);
        Verdict { action: case.as_ref().map_or(self.default, |case| case.rule.action), case }
    }
}

impl Rule {
    /// The conditions, of which one set must hold. All must hold together, unless two
    /// are about the same argument: then any one does, as in runc and crun, since
    /// libseccomp knows one condition for each argument.
    fn alternatives(&self) -> Vec<Vec<Condition>> {
        let conditions = &self.conditions;
        let twice = |(at, one): (usize, &Condition)| conditions[..at].iter().any(|other| other.index == one.index);
        if conditions.iter().enumerate().any(twice) {
            return conditions.iter().map(|condition| vec![*condition]).collect();
        }
        vec![conditions.clone()]
    }

    /// The other way to a call that i386 has, and what its first argument then is.
    /// The rest lies in memory: conditions on it can't be kept, so a rule that has
    /// some counts if it refuses, and not if it allows.
    fn through(&self, call: &Call, arch: Arch) -> Option<(u32, Condition)> {
        let (number, value) = call.through(arch)?;
        let counts = self.conditions.is_empty() || !self.action.lets_pass();
        counts.then_some((number, Condition { index: 0, op: Op::Eq, value, value_two: 0 }))
    }
}
