//! How a profile is written: the JSON of Docker and podman (`default.json` of moby,
//! `seccomp.json` of containers-common), which is also `linux.seccomp` of the OCI
//! runtime specification plus what Docker adds to it (`archMap`, `includes`).
//!
//! A field that is not known is refused: a misspelled `args` would turn a condition
//! into a call that is always allowed.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Action;
use super::profile::{Bounds, Condition, Op, Profile, Rule};
use super::syscalls::{Arch, Call};
use crate::error::{Error, Result};
use crate::kernel::capability::CAPABILITIES;
use crate::kernel::{CapSet, SeccompFlags, nearest};
use crate::trace::decode;

impl Profile {
    /// Reads a profile.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            Error::new(format!("this is no seccomp profile: {error}")).hint(
                "A profile is JSON as Docker and podman read it; this prints one:\nboxlab security seccomp --print",
            )
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    default_action: Word<Answer>,
    default_errno_ret: Option<u32>,
    default_errno: Option<ErrnoName>,
    architectures: Option<Vec<Word<ScmpArch>>>,
    arch_map: Option<Vec<ArchMap>>,
    flags: Option<Vec<Word<SeccompFlags>>>,
    listener_path: Option<String>,
    #[serde(rename = "listenerMetadata")]
    _listener_metadata: Option<String>,
    syscalls: Option<Vec<Rule>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ArchMap {
    architecture: Word<ScmpArch>,
    sub_architectures: Option<Vec<Word<ScmpArch>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawRule {
    names: Option<Names>,
    name: Option<String>,
    action: Word<Answer>,
    errno_ret: Option<u32>,
    errno: Option<ErrnoName>,
    args: Option<Vec<Condition>>,
    comment: Option<String>,
    includes: Option<Bounds>,
    excludes: Option<Bounds>,
}

/// Calls by name, and what is none.
#[derive(Default)]
struct Names {
    calls: Vec<&'static Call>,
    unknown: Vec<String>,
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_seq(Self::default())
    }
}

impl<'de> Visitor<'de> for Names {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of system calls")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> std::result::Result<Self, A::Error> {
        while let Some(Name(name)) = list.next_element()? {
            self.add(&name);
        }
        Ok(self)
    }
}

/// Borrowed from the profile, unless it has escapes in it.
#[derive(Deserialize)]
struct Name<'p>(#[serde(borrow)] Cow<'p, str>);

impl Names {
    fn one(name: &str) -> Self {
        let mut names = Self::default();
        names.add(name);
        names
    }

    fn add(&mut self, name: &str) {
        match Call::named(name) {
            Some(call) => self.calls.push(call),
            None => self.unknown.push(name.to_owned()),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawCondition {
    index: u8,
    value: u64,
    #[serde(default)]
    value_two: u64,
    op: Word<Op>,
}

impl TryFrom<Document> for Profile {
    type Error = String;

    fn try_from(document: Document) -> std::result::Result<Self, String> {
        if document.listener_path.is_some() {
            return Err("listenerPath asks for a listener, which boxlab does not have".to_owned());
        }
        let arches = match (document.architectures, document.arch_map) {
            (Some(_), Some(_)) => return Err("architectures and archMap exclude each other".to_owned()),
            (named, None) => named.map(|named| named.iter().map(|word| word.0.0).collect()),
            (None, Some(maps)) => {
                let here = Arch::native().profile_name();
                let map = maps.into_iter().find(|map| map.architecture.0.0 == here);
                let beneath = map.and_then(|map| map.sub_architectures).unwrap_or_default();
                Some(beneath.iter().map(|word| word.0.0).collect())
            }
        };
        let flags = document.flags.unwrap_or_default().iter().fold(SeccompFlags::empty(), |all, word| all | word.0);
        let default = document.default_action.0.action(document.default_errno_ret, document.default_errno)?;
        Ok(Self { default, rules: document.syscalls.unwrap_or_default(), flags, arches })
    }
}

impl TryFrom<RawRule> for Rule {
    type Error = String;

    fn try_from(raw: RawRule) -> std::result::Result<Self, String> {
        let Names { calls, unknown } = match (raw.names, raw.name) {
            (Some(names), None) => names,
            (None, Some(name)) => Names::one(&name),
            (Some(_), Some(_)) => return Err("a rule has names or, as in old profiles, a name: not both".to_owned()),
            (None, None) => Names::default(),
        };
        if calls.is_empty() && unknown.is_empty() {
            return Err("a rule names no system call".to_owned());
        }
        Ok(Self {
            calls,
            unknown,
            action: raw.action.0.action(raw.errno_ret, raw.errno)?,
            conditions: raw.args.unwrap_or_default(),
            comment: raw.comment.unwrap_or_default(),
            includes: raw.includes.unwrap_or_default(),
            excludes: raw.excludes.unwrap_or_default(),
        })
    }
}

impl TryFrom<RawCondition> for Condition {
    type Error = String;

    fn try_from(raw: RawCondition) -> std::result::Result<Self, String> {
        if raw.index > 5 {
            return Err(format!("a call has arguments 0 to 5, not {}", raw.index));
        }
        Ok(Self { index: raw.index, op: raw.op.0, value: raw.value, value_two: raw.value_two })
    }
}

/// `SCMP_ACT_*` without what may belong to it.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Plain(Action),
    Errno,
    Trace,
    Notify,
}

impl Answer {
    /// With its number; EPERM where none is given, as in runc.
    fn action(self, number: Option<u32>, name: Option<ErrnoName>) -> std::result::Result<Action, String> {
        let number = number.or(name.map(|name| name.0)).unwrap_or(1);
        match self {
            Self::Plain(action) => Ok(action),
            Self::Notify => Err("SCMP_ACT_NOTIFY asks for a listener, which boxlab does not have".to_owned()),
            Self::Trace => u16::try_from(number).map(Action::Trace).map_err(|_| format!("{number} is over 65535")),
            // The kernel makes 4095 of all that is greater.
            Self::Errno if number > 4095 => Err(format!("{number} is no errno: the greatest is 4095")),
            Self::Errno => Ok(Action::Errno(u16::try_from(number).unwrap_or(1))),
        }
    }
}

/// Reads a text where it lies, without a copy.
struct Text<F>(&'static str, F);

impl<T, F: FnOnce(&str) -> std::result::Result<T, String>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of an {}", self.0)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<T, E> {
        (self.1)(text).map_err(E::custom)
    }
}

/// The known name that is most like it, for a message.
fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!(" (the nearest is '{near}')"))
}

/// Something that has a fixed set of names.
trait Named: Copy + 'static {
    /// What it is, for a message.
    const WHAT: &'static str;
    /// Its names.
    const NAMES: &'static [(&'static str, Self)];
}

/// One of its names, read.
struct Word<T>(T);

impl<'de, T: Named> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_str(Text(T::WHAT, |text: &str| {
            let found = T::NAMES.iter().find(|(name, _)| *name == text);
            found.map(|(_, value)| Self(*value)).ok_or_else(|| {
                let near = near(text, T::NAMES.iter().map(|(name, _)| *name));
                format!("'{text}' is no {}{near}", T::WHAT)
            })
        }))
    }
}

impl Named for Answer {
    const WHAT: &'static str = "action";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("SCMP_ACT_ALLOW", Self::Plain(Action::Allow)),
        ("SCMP_ACT_ERRNO", Self::Errno),
        ("SCMP_ACT_KILL", Self::Plain(Action::KillThread)),
        ("SCMP_ACT_KILL_THREAD", Self::Plain(Action::KillThread)),
        ("SCMP_ACT_KILL_PROCESS", Self::Plain(Action::KillProcess)),
        ("SCMP_ACT_TRAP", Self::Plain(Action::Trap)),
        ("SCMP_ACT_TRACE", Self::Trace),
        ("SCMP_ACT_LOG", Self::Plain(Action::Log)),
        ("SCMP_ACT_NOTIFY", Self::Notify),
    ];
}

impl Named for Op {
    const WHAT: &'static str = "comparison";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("SCMP_CMP_NE", Self::Ne),
        ("SCMP_CMP_LT", Self::Lt),
        ("SCMP_CMP_LE", Self::Le),
        ("SCMP_CMP_EQ", Self::Eq),
        ("SCMP_CMP_GE", Self::Ge),
        ("SCMP_CMP_GT", Self::Gt),
        ("SCMP_CMP_MASKED_EQ", Self::MaskedEq),
    ];
}

impl Named for SeccompFlags {
    const WHAT: &'static str = "flag";
    const NAMES: &'static [(&'static str, Self)] = &[
        // One thread loads the filter, before there are others.
        ("SECCOMP_FILTER_FLAG_TSYNC", Self::empty()),
        ("SECCOMP_FILTER_FLAG_LOG", Self::SECCOMP_FILTER_FLAG_LOG),
        ("SECCOMP_FILTER_FLAG_SPEC_ALLOW", Self::SECCOMP_FILTER_FLAG_SPEC_ALLOW),
    ];
}

/// An architecture as libseccomp names it.
#[derive(Clone, Copy)]
struct ScmpArch(&'static str);

/// And as Go does, in `includes` and `excludes`.
#[derive(Clone, Copy)]
struct GoArch(&'static str);

macro_rules! architectures {
    ($($scmp:literal $go:literal)*) => {
        impl Named for ScmpArch {
            const WHAT: &'static str = "architecture";
            const NAMES: &'static [(&'static str, Self)] = &[$(($scmp, Self($scmp))),*];
        }

        impl Named for GoArch {
            const WHAT: &'static str = "architecture";
            const NAMES: &'static [(&'static str, Self)] = &[$(($go, Self($go))),*];
        }
    };
}

architectures! {
    "SCMP_ARCH_X86_64" "amd64"
    "SCMP_ARCH_X86" "x86"
    "SCMP_ARCH_X32" "x32"
    "SCMP_ARCH_AARCH64" "arm64"
    "SCMP_ARCH_ARM" "arm"
    "SCMP_ARCH_LOONGARCH64" "loong64"
    "SCMP_ARCH_M68K" "m68k"
    "SCMP_ARCH_MIPS" "mips"
    "SCMP_ARCH_MIPS64" "mips64"
    "SCMP_ARCH_MIPS64N32" "mips64n32"
    "SCMP_ARCH_MIPSEL" "mipsel"
    "SCMP_ARCH_MIPSEL64" "mipsel64"
    "SCMP_ARCH_MIPSEL64N32" "mipsel64n32"
    "SCMP_ARCH_PARISC" "parisc"
    "SCMP_ARCH_PARISC64" "parisc64"
    "SCMP_ARCH_PPC" "ppc"
    "SCMP_ARCH_PPC64" "ppc64"
    "SCMP_ARCH_PPC64LE" "ppc64le"
    "SCMP_ARCH_RISCV64" "riscv64"
    "SCMP_ARCH_S390" "s390"
    "SCMP_ARCH_S390X" "s390x"
    "SCMP_ARCH_SH" "sh"
    "SCMP_ARCH_SHEB" "sheb"
}

/// This machine, as `includes` and `excludes` name it.
pub(super) fn go_name(arch: Arch) -> &'static str {
    let found = ScmpArch::NAMES.iter().zip(GoArch::NAMES).find(|((scmp, _), _)| *scmp == arch.profile_name());
    found.map_or("", |(_, (go, _))| go)
}

/// An errno by its name, which newer profiles of podman give beside the number.
#[derive(Clone, Copy)]
struct ErrnoName(u32);

impl<'de> Deserialize<'de> for ErrnoName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_str(Text("errno", |text: &str| {
            let number = decode::errno_number(text).and_then(|number| u32::try_from(number).ok());
            number.map(Self).ok_or_else(|| format!("'{text}' is no errno"))
        }))
    }
}

pub(super) fn capabilities<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<CapSet, D::Error> {
    let names = Option::<Vec<Name<'de>>>::deserialize(deserializer)?.unwrap_or_default();
    names.iter().try_fold(CapSet::EMPTY, |all, Name(name)| {
        let bit = CAPABILITIES.iter().position(|(known, _)| known == name);
        bit.map(|bit| all.union(CapSet::from_bits(1 << bit))).ok_or_else(|| {
            let near = near(name, CAPABILITIES.iter().map(|(known, _)| *known));
            D::Error::custom(format!("'{name}' is no capability{near}"))
        })
    })
}

pub(super) fn go_arches<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Vec<&'static str>, D::Error> {
    let words = Option::<Vec<Word<GoArch>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(words.iter().map(|word| word.0.0).collect())
}

/// `"4.8"`
pub(super) fn version<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<(u32, u32)>, D::Error> {
    let Some(text) = Option::<Cow<str>>::deserialize(deserializer)? else { return Ok(None) };
    let parsed = text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    parsed.map(Some).ok_or_else(|| D::Error::custom(format!("'{text}' is no kernel version like 4.8")))
}

#[cfg(test)]
mod tests {
    use super::Profile;

    fn read(rule: &str) -> Result<Profile, String> {
        let text = format!("{{\"defaultAction\": \"SCMP_ACT_KILL\",\n\"syscalls\": [\n{rule}\n]}}");
        Profile::from_json(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_wrong_word_is_named_with_its_place_and_its_neighbour() {
        let wrong = [
            (
                r#"{"names": ["read"], "action": "SCMP_ACT_ALOW"}"#,
                "'SCMP_ACT_ALOW' is no action (the nearest is 'SCMP_ACT_ALLOW')",
            ),
            (r#"{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}"#, "SCMP_ACT_NOTIFY asks for a listener"),
            (r#"{"names": [], "action": "SCMP_ACT_ALLOW"}"#, "a rule names no system call"),
            (r#"{"names": ["read"], "name": "read", "action": "SCMP_ACT_ALLOW"}"#, "not both"),
            (r#"{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4096}"#, "4096 is no errno"),
            (r#"{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errno": "EPREM"}"#, "'EPREM' is no errno"),
            (r#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "arguments": []}"#, "unknown field `arguments`"),
            (
                r#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}"#,
                "arguments 0 to 5, not 6",
            ),
            (
                r#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_IS"}]}"#,
                "'SCMP_CMP_IS' is no comparison",
            ),
            (
                r#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMN"]}}"#,
                "'CAP_SYS_ADMN' is no capability (the nearest is 'CAP_SYS_ADMIN')",
            ),
            (
                r#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd46"]}}"#,
                "'amd46' is no architecture (the nearest is 'amd64')",
            ),
            (
                r#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "new"}}"#,
                "'new' is no kernel version",
            ),
            (r#"{"names": ["read"], "action": "#, "expected value"),
        ];
        for (rule, words) in wrong {
            let error = read(rule).expect_err(rule);
            assert!(error.contains(words) && error.contains("line "), "{rule}: {error}");
        }
    }

    #[test]
    fn what_boxlab_does_not_have_is_refused_in_the_whole_too() {
        let wrong = [
            ("", "EOF"),
            ("[]", "invalid"),
            (r#"{"syscalls": []}"#, "missing field `defaultAction`"),
            (r#"{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x"}"#, "listenerPath"),
            (
                r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}"#,
                "is no flag",
            ),
            (r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_46"]}"#, "'SCMP_ARCH_X86_64'"),
            (r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": [], "archMap": []}"#, "exclude each other"),
        ];
        for (text, words) in wrong {
            let error = Profile::from_json(text).expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
