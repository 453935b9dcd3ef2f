//! `boxlab security seccomp`: a filter of system calls, and what it does.

use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use super::lab::{Common, Lab};
use super::output;
use crate::error::{Error, IoContext, Result};
use crate::kernel::errno::ENOSYS;
use crate::kernel::{Exit, Kernel, Signal, nearest};
use crate::primitives::security::seccomp::Try;
use crate::primitives::security::{caps, no_new_privs, seccomp};
use crate::seccomp::{self as filters, Action, Arch, Call, Condition, Filter, Profile, Target};
use crate::trace::decode;

/// What is to be filtered.
#[derive(Debug, Args)]
pub struct Seccomp {
    /// A profile as Docker and podman read it [default: that of a container]
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Refuse these calls and allow all others
    #[arg(long, value_name = "CALL", value_delimiter = ',', conflicts_with = "profile")]
    block: Vec<String>,
    /// The error that blocked calls fail with
    #[arg(long, value_name = "ERRNO", default_value = "EPERM", requires = "block")]
    errno: String,
    /// Say what becomes of this call and why; start nothing
    #[arg(long, value_name = "CALL")]
    explain_call: Option<String>,
    /// Print the default profile, to change it; start nothing
    #[arg(long, conflicts_with_all = ["profile", "block", "explain_call"])]
    print: bool,
    #[command(flatten)]
    common: Common,
}

/// A profile, and whom it is for: a process with a container's capabilities.
struct Plan {
    profile: Profile,
    target: Target,
    filter: Filter,
    tries: Vec<&'static Try>,
}

/// What boxlab calls once the filter is on, to try calls and to tell what becomes of
/// them. Without these the filter comes last.
const TELLING: [&str; 22] = [
    "access",
    "brk",
    "close",
    "exit_group",
    "fcntl",
    "getpid",
    "mmap",
    "mremap",
    "munmap",
    "openat",
    "pipe2",
    "prctl",
    "read",
    "readlink",
    "recvfrom",
    "rt_sigaction",
    "rt_sigprocmask",
    "sendto",
    "statx",
    "waitid",
    "write",
    "execve",
];

impl Seccomp {
    /// Runs it.
    pub fn run(self, context: &Context) -> Result<i32> {
        if self.print {
            return output::print(filters::DEFAULT).map(|()| 0);
        }
        let plan = self.plan()?;
        if let Some(name) = &self.explain_call {
            return output::print(&plan.explain(filters::call(name)?)).map(|()| 0);
        }
        self.common.lab(context, "security seccomp", |lab| plan.lab(lab))
    }

    fn plan(&self) -> Result<Plan> {
        let profile = match &self.profile {
            Some(path) => {
                let cannot = || format!("cannot use the seccomp profile {}", path.display());
                let text = std::fs::read_to_string(path).or_fail(cannot)?;
                Profile::from_json(&text).map_err(|error| Error::new(cannot()).because(&error))?
            }
            None if self.block.is_empty() => Profile::default_profile()?,
            None => Profile::blocking(&self.block, errno(&self.errno)?)?,
        };
        let target = Target::here(caps::DEFAULT);
        let filter = profile.compile(&target)?;
        let tried = |attempt: &&Try| match &self.block[..] {
            // Which calls these are, containers know.
            [] => !["socket", "mkdir"].contains(&attempt.name),
            block => block.iter().any(|name| name == attempt.name),
        };
        let tries = seccomp::TRIES.iter().filter(tried).collect();
        Ok(Plan { profile, target, filter, tries })
    }
}

fn errno(name: &str) -> Result<u16> {
    let number = decode::errno_number(&name.to_ascii_uppercase()).and_then(|number| u16::try_from(number).ok());
    number.ok_or_else(|| {
        let error = Error::usage(format!("there is no error '{name}'"));
        let known: Vec<String> = (1..134).map(decode::errno_name).collect();
        match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("Did you mean {near}? errno(3) lists them all.")),
            None => error.hint("errno(3) lists them all: EPERM, ENOSYS, EACCES, ..."),
        }
    })
}

impl Plan {
    fn lab(&self, lab: &Lab<'_>) -> Result<i32> {
        if !self.allows("execve") {
            return Err(Error::usage("this filter refuses execve, by which your program is started").hint(
                "A filter does not know the first execve from the others. What a program may\n\
                 start can be limited by Landlock: boxlab security landlock",
            ));
        }
        lab.k.step("Make a program of the rules: the kernel runs it before each call");
        lab.k.show("the filter", || self.described());
        let tells = self.lets_boxlab_tell();
        let child = lab.start_with(None, |k| {
            if tells && !self.tries.is_empty() {
                seccomp::before(k, &self.tries)?;
            }
            k.part("no_new_privs", no_new_privs::set)?;
            if tells { self.filter_and_try(k, lab) } else { self.filter_last(k, lab) }
        })?;
        let status = lab.watch(child, |k, child| {
            if tells {
                seccomp::outside(k, child.pid);
            }
            Ok(())
        })?;
        if status == Exit::Signal(Signal::SIGSYS as i32).status() {
            lab.k.show("killed by SIGSYS, for a call that the filter answers with death", || {
                vec!["The kernel's log has the number: dmesg | grep type=1326".to_owned()]
            });
        }
        Ok(status)
    }

    /// Child: the filter, what it does, and the program.
    fn filter_and_try(&self, k: &Kernel, lab: &Lab<'_>) -> Result<()> {
        seccomp::load(k, &self.filter)?;
        if self.tries.is_empty() {
            k.step("No call of these can be tried without effects: your program may");
        } else {
            let verdict = |attempt: &&Try| self.answer(attempt).0;
            seccomp::after(k, &self.tries, &self.tries.iter().map(verdict).collect::<Vec<_>>())?;
            k.show("which rule answers", || self.tries.iter().flat_map(|attempt| self.answer(attempt).1).collect());
        }
        lab.become_program(k)
    }

    /// Child: a filter that leaves too little to tell anything after it.
    fn filter_last(&self, k: &Kernel, lab: &Lab<'_>) -> Result<()> {
        k.step("This filter hinders boxlab, too: so it comes last, and untried");
        lab.become_program_after(k, |k| seccomp::load(k, &self.filter))
    }

    /// What the filter says to an attempt, and by which rule.
    fn answer(&self, attempt: &Try) -> (Action, Vec<String>) {
        let Some(call) = Call::named(attempt.name) else { return (self.profile.default, Vec::new()) };
        let verdict = self.profile.verdict(&self.target, Arch::native(), call, &attempt.args);
        let why = match &verdict.case {
            None => ", since no rule speaks of it".to_owned(),
            Some(case) => conditions(", since ", &case.conditions),
        };
        let comment = verdict.case.map(|case| case.rule.comment.clone()).unwrap_or_default();
        let mut lines = vec![format!("{}: {}{why}", attempt.name, verdict.action)];
        lines.extend(wrapped(&comment));
        (verdict.action, lines)
    }

    /// True if a call is made whatever its arguments are.
    fn allows(&self, name: &str) -> bool {
        let Some(call) = Call::named(name) else { return true };
        match &self.profile.cases(&self.target, Arch::native(), call)[..] {
            [] => self.profile.default.lets_pass(),
            [case] => case.conditions.is_empty() && case.rule.action.lets_pass(),
            _ => false,
        }
    }

    /// True if boxlab can go on as usual: call, tell, start a child.
    fn lets_boxlab_tell(&self) -> bool {
        let answer = |name, args: &[u64; 6]| {
            Arch::native().number(name).map(|number| self.filter.answer(number, Arch::native().audit(), args))
        };
        // clone3 may be hidden; clone is then called with CLONE_PIDFD and SIGCHLD.
        let starts = match answer("clone3", &[0; 6]) {
            Some(Action::Errno(errno)) if i32::from(errno) == ENOSYS => answer("clone", &[0x1011, 0, 0, 0, 0, 0]),
            other => other,
        };
        starts.is_some_and(Action::lets_pass) && TELLING.iter().all(|name| self.allows(name))
    }

    /// The filter in numbers.
    fn described(&self) -> Vec<String> {
        let here = Arch::native();
        let (mut allowed, mut refused, mut depending) = (0, 0, 0);
        for call in filters::CALLS.iter().filter(|call| call.number(here).is_some()) {
            let cases = self.profile.cases(&self.target, here, call);
            let action = match &cases[..] {
                [] => self.profile.default,
                [case] if case.conditions.is_empty() => case.rule.action,
                _ => {
                    depending += 1;
                    continue;
                }
            };
            *(if action.lets_pass() { &mut allowed } else { &mut refused }) += 1;
        }
        let mut lines = vec![
            format!("{} instructions", self.filter.instructions.len()),
            format!("{allowed} calls are allowed, {refused} refused, {depending} judged by their arguments"),
            format!("any other: {}", self.profile.default),
        ];
        let unknown: Vec<&str> = self.profile.unknown(&self.target).collect();
        if !unknown.is_empty() {
            lines.push("passed over, since no call is named so:".to_owned());
            lines.extend(wrapped(&unknown.join(", ")));
        }
        lines
    }

    /// All that the profile says of a call.
    fn explain(&self, call: &Call) -> String {
        let numbers = Arch::family().iter().filter_map(|arch| Some((arch, call.number(*arch)?)));
        let numbers: Vec<String> = numbers.map(|(arch, number)| format!("{arch:?} {number:#x}")).collect();
        let arch = Arch::family().iter().copied().find(|arch| call.number(*arch).is_some()).unwrap_or(Arch::native());
        let cases = self.profile.cases(&self.target, arch, call);
        let mut lines = vec![format!("{}: {}", call.name, numbers.join(", ").to_lowercase())];
        for case in &cases {
            lines.push(format!("  {}{}", case.rule.action, conditions(" if ", &case.conditions)));
            lines.extend(wrapped(&case.rule.comment).into_iter().map(|line| format!("  {line}")));
        }
        if !cases.first().is_some_and(|case| case.conditions.is_empty()) {
            let otherwise = if cases.is_empty() { ", since no rule speaks of it" } else { " otherwise" };
            lines.push(format!("  {}{otherwise}", self.profile.default));
        }
        lines.join("\n") + "\n"
    }
}

fn conditions(before: &str, conditions: &[Condition]) -> String {
    let words: Vec<String> = conditions.iter().map(ToString::to_string).collect();
    if words.is_empty() { String::new() } else { format!("{before}{}", words.join(" and ")) }
}

fn wrapped(text: &str) -> Vec<String> {
    let lines = textwrap::wrap(text, 60).into_iter().filter(|line| !line.is_empty());
    lines.map(|line| format!("    {line}")).collect()
}
