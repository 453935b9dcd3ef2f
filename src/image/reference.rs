//! What a user types becomes the address of an image.
//!
//! `debian` is short for `docker.io/library/debian:latest`. The first part is a registry if
//! it looks like a host: it holds a dot or a colon, or is `localhost`; else it belongs to the
//! repository's name. After the name comes a tag, a digest, or both (then the digest counts).
//! It does *not* ask whether there is such an image.
//! See <https://github.com/distribution/reference> and the OCI distribution specification,
//! "Pulling manifests".

use std::fmt;

use oci_spec::image::Digest;

use super::host;
use crate::error::{Error, Result};

/// The registry of a name that names none.
pub const DEFAULT_REGISTRY: &str = "docker.io";
/// The tag of a name that has neither tag nor digest.
pub const DEFAULT_TAG: &str = "latest";
/// Where Docker Hub keeps the images that have no owner.
const OFFICIAL: &str = "library/";
/// Bytes that registry and repository have together, at most.
const LONGEST_NAME: usize = 255;
/// Bytes of a tag, at most.
const LONGEST_TAG: usize = 128;

/// The address of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// `docker.io`, `localhost:5000`: a host, and a port where it isn't the usual one.
    pub registry: String,
    /// `library/debian`
    pub repository: String,
    /// A name that may move from one image to another.
    pub tag: Option<String>,
    /// A name for these bytes and no others.
    pub digest: Option<Digest>,
}

impl Reference {
    // ANCHOR: parse
    /// Reads what a user typed; a name with neither tag nor digest gets the tag `latest`.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |why: &str| {
            Error::new(format!("'{text}' is no image name: {why}"))
                .hint("A name looks like debian, debian:12, ghcr.io/owner/name:tag or name@sha256:...")
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(parse_digest(digest).map_err(|why| invalid(&why))?)),
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            // A colon before a slash belongs to a port.
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        if let Some(tag) = tag {
            check_tag(tag).map_err(invalid)?;
        }
        let (registry, repository) = split_registry(name);
        check_registry(registry).map_err(invalid)?;
        check_repository(repository).map_err(invalid)?;
        let (registry, repository) = canonical(registry, repository);
        if registry.len() + 1 + repository.len() > LONGEST_NAME {
            return Err(invalid("it is longer than 255 bytes"));
        }
        let tag = tag.or(if digest.is_none() { Some(DEFAULT_TAG) } else { None }).map(str::to_owned);
        Ok(Self { registry, repository, tag, digest })
    }
    // ANCHOR_END: parse

    /// Registry and repository: `docker.io/library/debian`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The name as people say it: `debian`, `ghcr.io/owner/name`.
    pub fn familiar_name(&self) -> String {
        let short = self.repository.strip_prefix(OFFICIAL).unwrap_or(&self.repository);
        // `host` alone means the host image.
        if self.registry != DEFAULT_REGISTRY || short == host::NAME {
            return self.name();
        }
        short.to_owned()
    }

    /// The whole of it as people say it: `debian:12`.
    pub fn familiar(&self) -> String {
        self.familiar_name() + &self.suffix()
    }

    /// What the registry is asked for: the digest where there is one, else the tag.
    pub fn tag_or_digest(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => DEFAULT_TAG.to_owned(),
        }
    }

    /// The same image by its digest alone.
    pub fn with_digest(&self, digest: &Digest) -> Self {
        Self { tag: None, digest: Some(digest.clone()), ..self.clone() }
    }

    /// The name under which it is stored: beside a digest a tag says nothing.
    pub fn stored_name(&self) -> String {
        self.digest.as_ref().map_or_else(|| self.to_string(), |digest| self.with_digest(digest).to_string())
    }

    fn suffix(&self) -> String {
        let tag = self.tag.as_ref().map(|tag| format!(":{tag}"));
        let digest = self.digest.as_ref().map(|digest| format!("@{digest}"));
        tag.unwrap_or_default() + &digest.unwrap_or_default()
    }
}

/// With nothing left out: `docker.io/library/debian:12`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name(), self.suffix())
    }
}

/// A digest that boxlab can check: SHA-256.
pub fn parse_digest(text: &str) -> std::result::Result<Digest, String> {
    let hex = text.strip_prefix("sha256:").ok_or_else(|| format!("the digest '{text}' is not of the kind sha256"))?;
    let is_hex = hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if hex.len() != 64 || !is_hex {
        return Err(format!("the digest '{text}' must be sha256: and 64 lower-case hexadecimal digits"));
    }
    text.parse().map_err(|error| format!("the digest '{text}' is malformed: {error}"))
}

/// The part before the first slash, if it looks like a host.
fn split_registry(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" || has_upper_case(host) => (host, rest),
        _ => (DEFAULT_REGISTRY, name),
    }
}

/// A repository can't have upper-case letters, so this must be a host.
fn has_upper_case(host: &str) -> bool {
    host.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// `index.docker.io` is an old name of Docker Hub, whose own images lie in `library/`.
fn canonical(registry: &str, repository: &str) -> (String, String) {
    let registry = if registry == "index.docker.io" { DEFAULT_REGISTRY } else { registry };
    let official = registry == DEFAULT_REGISTRY && !repository.contains('/');
    (registry.to_owned(), if official { format!("{OFFICIAL}{repository}") } else { repository.to_owned() })
}

fn check_tag(tag: &str) -> std::result::Result<(), &'static str> {
    let mut bytes = tag.bytes();
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match bytes.next() {
        None => Err("the tag after the colon is missing"),
        Some(_) if tag.len() > LONGEST_TAG => Err("the tag is longer than 128 bytes"),
        Some(first) if word(first) && bytes.all(|byte| word(byte) || matches!(byte, b'.' | b'-')) => Ok(()),
        Some(_) => Err("a tag is made of letters, digits, '_', '.' and '-', and begins with one of the first three"),
    }
}

fn check_registry(registry: &str) -> std::result::Result<(), &'static str> {
    let (host, port) = match registry.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or("the bracket of its address is not closed")?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| "what stands in brackets is no IPv6 address")?;
            (None, port.strip_prefix(':').or(if port.is_empty() { None } else { Some("?") }))
        }
        None => registry.split_once(':').map_or((Some(registry), None), |(host, port)| (Some(host), Some(port))),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("its registry has a port that is no number");
    }
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    match host.is_none_or(|host| host.split('.').all(label)) {
        true => Ok(()),
        false => Err("its registry is no host name"),
    }
}

/// Parts of lower-case letters and digits, with `.`, `_`, `__` or any number of `-` between.
fn check_repository(repository: &str) -> std::result::Result<(), &'static str> {
    if repository.is_empty() {
        return Err("the name is missing");
    }
    if has_upper_case(repository) {
        return Err("a repository's name is in lower case");
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separates =
        |separator: &str| matches!(separator, "" | "." | "_" | "__") || separator.trim_matches('-').is_empty();
    let part = |part: &str| {
        let ends = part.bytes().next().is_some_and(plain) && part.bytes().next_back().is_some_and(plain);
        ends && part.split(|letter: char| u8::try_from(letter).is_ok_and(plain)).all(separates)
    };
    match repository.split('/').all(part) {
        true => Ok(()),
        false => Err("a repository's name is made of letters, digits, '.', '_', '-' and '/'"),
    }
}

#[cfg(test)]
mod tests {
    use super::Reference;
    use proptest::prelude::*;

    fn parsed(text: &str) -> [String; 3] {
        let reference = Reference::parse(text).unwrap();
        let suffix = reference.suffix();
        [reference.registry, reference.repository, suffix]
    }

    #[test]
    fn short_names_are_completed() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let by_digest = format!("@{digest}");
        let both = format!("localhost:5000/a:b@{digest}");
        let both_suffix = format!(":b@{digest}");
        for (text, expected) in [
            ("debian", ["docker.io", "library/debian", ":latest"]),
            ("debian:12", ["docker.io", "library/debian", ":12"]),
            ("owner/name", ["docker.io", "owner/name", ":latest"]),
            ("docker.io/debian", ["docker.io", "library/debian", ":latest"]),
            ("index.docker.io/library/debian", ["docker.io", "library/debian", ":latest"]),
            ("ghcr.io/x/y:tag", ["ghcr.io", "x/y", ":tag"]),
            ("localhost/x", ["localhost", "x", ":latest"]),
            ("localhost:5000/x", ["localhost:5000", "x", ":latest"]),
            ("[::1]:5000/x:y", ["[::1]:5000", "x", ":y"]),
            ("[::1]/x", ["[::1]", "x", ":latest"]),
            ("o/a__b-c--d.e_f", ["docker.io", "o/a__b-c--d.e_f", ":latest"]),
            (&format!("debian@{digest}"), ["docker.io", "library/debian", &by_digest]),
            (&both, ["localhost:5000", "a", &both_suffix]),
        ] {
            assert_eq!(parsed(text), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn familiar_names_are_short() {
        for (text, familiar) in [
            ("docker.io/library/debian:12", "debian:12"),
            ("docker.io/owner/name", "owner/name:latest"),
            ("docker.io/library/host:1", "docker.io/library/host:1"),
            ("ghcr.io/x/y:tag", "ghcr.io/x/y:tag"),
        ] {
            assert_eq!(Reference::parse(text).unwrap().familiar(), familiar);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        // With docker.io/library/ before it, one byte too many.
        let long = "a".repeat(238);
        assert!(Reference::parse(&long[1..]).is_ok());
        let tag = format!("a:{}", "b".repeat(129));
        for text in [
            "",
            ":",
            "a:",
            "/a",
            "a/",
            "a//b",
            "Debian",
            "a b",
            "a:b c",
            "-a",
            "a-",
            "a___b",
            "a._b",
            "a@sha256:12",
            "a@md5:00",
            "a@",
            "h:p/a",
            "h.:70000/a",
            "[::1/a",
            "[x]/a",
            "[::1]x/a",
            "a\n",
            "ä",
            "a:-b",
            "a.b..c/d",
            &long,
            &tag,
        ] {
            assert!(Reference::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        /// What is accepted is written so that it reads the same again.
        #[test]
        fn it_reads_what_it_writes(text in "[a-zA-Z0-9.:/@_\\[\\]-]{0,40}") {
            if let Ok(reference) = Reference::parse(&text) {
                prop_assert_eq!(Reference::parse(&reference.to_string()).unwrap(), reference.clone());
                prop_assert_eq!(Reference::parse(&reference.familiar()).unwrap(), reference);
            }
        }

        /// The parser of another implementation agrees, where both know the form.
        #[test]
        fn another_parser_agrees(text in "([a-z]{1,3}(\\.|:5/|/)?){1,3}(:[a-z.0-9_-]{1,4})?") {
            let other = text.parse::<oci_spec::distribution::Reference>();
            if let (Ok(ours), Ok(other)) = (Reference::parse(&text), other) {
                prop_assert_eq!(ours.registry, other.registry());
                prop_assert_eq!(ours.repository, other.repository());
                prop_assert_eq!(ours.tag.as_deref(), other.tag());
            }
        }
    }
}
