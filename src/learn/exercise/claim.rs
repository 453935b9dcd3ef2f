//! What a claim of the vocabulary comes to: whom it speaks of, what it can't do without, and
//! what is wrong with it.

use super::vocabulary::{
    Answer, Capabilities, Claim, Event, Frozen, Hostname, IdMap, Limit, Mount, Output, PidInside, ProcessesSeen,
    Reaches, Resource, Rlimit, Status,
};

impl Claim {
    /// True if it also holds where nothing has been done: then its opposite must have
    /// been seen, or something else must hold with it.
    pub fn is_negative(&self) -> bool {
        match self {
            Self::Hostname(hostname) => hostname.is_not.is_some(),
            Self::Mount(mount) => mount.absent,
            Self::File(file) => file.absent,
            Self::Capabilities(wanted) => {
                !wanted.lacks.is_empty() || wanted.exactly.as_ref().is_some_and(Vec::is_empty)
            }
            Self::Output(output) => output.fails,
            Self::All(claims) | Self::Any(claims) => claims.iter().any(Self::is_negative),
            Self::Not(_) => true,
            _ => false,
        }
    }

    /// All subjects that it names, and perhaps the host.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Running(running) => vec![&running.subject],
            Self::Namespace(namespace) => {
                let others = [&namespace.differs_from, &namespace.same_as].into_iter().flatten();
                std::iter::once(&namespace.of).chain(others).map(String::as_str).collect()
            }
            Self::File(file) => file.of.iter().map(String::as_str).collect(),
            Self::Event(event) => event.of.iter().map(String::as_str).collect(),
            Self::Answer(answer) => {
                let namespace = answer.is_namespace.iter().map(|namespace| &namespace.of);
                namespace.chain(&answer.is_pid_of).map(String::as_str).collect()
            }
            Self::Hostname(Hostname { of, .. })
            | Self::Mount(Mount { of, .. })
            | Self::Limit(Limit { of, .. })
            | Self::Frozen(Frozen { of })
            | Self::Capabilities(Capabilities { of, .. })
            | Self::Status(Status { of, .. })
            | Self::Rlimit(Rlimit { of, .. })
            | Self::IdMap(IdMap { of, .. })
            | Self::PidInside(PidInside { of, .. })
            | Self::ProcessesSeen(ProcessesSeen { of, .. })
            | Self::Reaches(Reaches { of, .. }) => vec![of],
            Self::Output(_) => Vec::new(),
            Self::All(claims) | Self::Any(claims) => claims.iter().flat_map(Self::names).collect(),
            Self::Not(claim) => claim.names(),
        }
    }

    /// The events in it: their counters are read when the exercise begins.
    pub fn events(&self) -> Vec<&Event> {
        match self {
            Self::Event(event) => vec![event],
            Self::All(claims) | Self::Any(claims) => claims.iter().flat_map(Self::events).collect(),
            Self::Not(claim) => claim.events(),
            _ => Vec::new(),
        }
    }

    /// What the types can't say: in words, what is wrong with it.
    pub fn fault(&self) -> Option<String> {
        match self {
            Self::Namespace(namespace) => {
                let fault = one(
                    "`namespace` needs either `differs_from` or `same_as`",
                    &[namespace.differs_from.is_some(), namespace.same_as.is_some()],
                );
                fault.or_else(|| unknown_kind(&namespace.kind))
            }
            Self::Hostname(name) => {
                one("`hostname` needs either `is` or `is_not`", &[name.is.is_some(), name.is_not.is_some()])
            }
            Self::Mount(mount) => {
                let more = mount.kind.is_some()
                    || !mount.options.is_empty()
                    || mount.source.is_some()
                    || mount.propagation.is_some();
                (mount.absent && more).then(|| "a `mount` that is `absent` has nothing else".to_owned())
            }
            Self::File(file) => {
                let more = file.is.is_some() || file.contains.is_some() || file.mode.is_some() || file.owner.is_some();
                one("`file` needs one of `absent`, `exists`, or what it is", &[file.absent, file.exists || more])
            }
            Self::Limit(Limit { at_most, at_least, is, .. }) | Self::Rlimit(Rlimit { at_most, at_least, is, .. }) => {
                let is_list = matches!(self, Self::Limit(Limit { resource: Resource::Cpuset, .. }));
                let given = [at_most, at_least, is];
                let odd = given.iter().any(|amount| amount.as_ref().is_some_and(|found| found.number().is_none()));
                let fault = one("a limit needs one of `at_most`, `at_least`, `is`", &given.map(Option::is_some));
                fault.or_else(|| (odd && !is_list).then(|| "that is no number".to_owned()))
            }
            Self::Capabilities(wanted) => {
                let names = wanted.has.iter().chain(&wanted.lacks).chain(wanted.exactly.iter().flatten());
                let wrong = names.map(|name| crate::kernel::CapSet::from_name(name)).find_map(Result::err);
                let none = wanted.has.is_empty() && wanted.lacks.is_empty() && wanted.exactly.is_none();
                let none = none.then(|| "`capabilities` needs `has`, `lacks` or `exactly`".to_owned());
                wrong.map(|error| error.to_string()).or(none)
            }
            Self::Answer(answer) => answer.fault(),
            Self::Output(output) => output.fault(),
            Self::All(claims) | Self::Any(claims) if claims.is_empty() => Some("an empty list".to_owned()),
            Self::All(claims) | Self::Any(claims) => claims.iter().find_map(Self::fault),
            Self::Not(claim) => claim.fault(),
            _ => None,
        }
    }
}

impl Answer {
    fn fault(&self) -> Option<String> {
        let given =
            [self.is.is_some(), self.is_output_of.is_some(), self.is_namespace.is_some(), self.is_pid_of.is_some()];
        one("`answer` needs one of `is`, `is_output_of`, `is_namespace`, `is_pid_of`", &given)
            .or_else(|| self.is_namespace.as_ref().and_then(|namespace| unknown_kind(&namespace.kind)))
    }
}

impl Output {
    fn fault(&self) -> Option<String> {
        let given = [self.is.is_some(), self.contains.is_some(), self.has_line.is_some(), self.fails];
        let fault = one("`output` needs one of `is`, `contains`, `has_line`, `fails`", &given);
        let empty = self.run.is_empty().then(|| "`run` is empty".to_owned());
        let shell = is_shell(&self.run).then(|| "`run` goes through a shell".to_owned());
        fault.or(empty).or(shell)
    }
}

/// One of these must be given, and no other.
fn one(what: &str, given: &[bool]) -> Option<String> {
    let count = given.iter().filter(|given| **given).count();
    (count != 1).then(|| what.to_owned())
}

fn unknown_kind(kind: &str) -> Option<String> {
    let known = crate::kernel::NAMESPACES.iter().any(|(_, name, ..)| *name == kind);
    (!known).then(|| format!("there is no namespace '{kind}'"))
}

fn is_shell(run: &[String]) -> bool {
    let name = run.first().map_or("", |name| name.rsplit('/').next().unwrap_or(name));
    ["sh", "bash", "dash", "zsh", "ash"].contains(&name)
}
