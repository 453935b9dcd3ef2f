//! Which of an image's platforms suits this machine, or the one that was asked for.
//!
//! A platform is an operating system, an architecture and, where instruction sets have grown,
//! a variant: `linux/arm/v7`. The names are Go's; uname(1) has others for some (`x86_64` is
//! `amd64`). A newer processor runs what was made for an older one, so arm/v7 also takes v6.
//! It does *not* find out what this processor can do beyond its architecture.
//! See the OCI image specification, image-index.md, "Platform Variants", uname(1), arch(1).

use std::env;
use std::fmt;
use std::str::FromStr;

use oci_spec::image::{Arch, Descriptor, ImageConfiguration, ImageIndex, Os, Platform as OfDescriptor};

use super::manifest::{DOCKER_MANIFEST, OCI_MANIFEST};
use crate::error::{Error, Result};

/// `linux/arm/v7`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// `linux`
    pub os: String,
    /// Go's name: `amd64`, `arm64`, `386`.
    pub architecture: String,
    /// `v7`, where one architecture is several.
    pub variant: Option<String>,
}

impl Platform {
    /// This machine's.
    pub fn this() -> Self {
        let architecture = match env::consts::ARCH {
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "powerpc64" => "ppc64",
            "loongarch64" => "loong64",
            other => other,
        };
        Self::new(env::consts::OS, architecture, None)
    }

    /// The one that an image says it is for.
    pub fn of_image(image: &ImageConfiguration) -> Self {
        Self::new(&image.os().to_string(), &image.architecture().to_string(), image.variant().as_deref())
    }

    /// With the names that are usual in images: those of containerd.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let (os, architecture) = (os.to_ascii_lowercase(), architecture.to_ascii_lowercase());
        let variant = variant.unwrap_or_default().to_ascii_lowercase();
        let os = if os == "macos" { "darwin" } else { &os };
        let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
            ("i386" | "i686" | "x86" | "386", _) => ("386", ""),
            ("x86_64" | "x86-64" | "amd64", "v1" | "1") => ("amd64", ""),
            ("x86_64" | "x86-64" | "amd64", variant) => ("amd64", variant),
            ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
            ("aarch64" | "arm64", variant) => ("arm64", variant),
            ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
            ("armel", _) | ("arm", "6") => ("arm", "v6"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "8") => ("arm", "v8"),
            other => other,
        };
        let variant = Some(variant.to_owned()).filter(|variant| !variant.is_empty());
        Self { os: os.to_owned(), architecture: architecture.to_owned(), variant }
    }

    /// As an entry of an index says it.
    pub fn described(&self) -> OfDescriptor {
        let mut described = OfDescriptor::default();
        described.set_os(Os::from(self.os.as_str()));
        described.set_architecture(Arch::from(self.architecture.as_str()));
        described.set_variant(self.variant.clone());
        described
    }

    /// Of one entry of an index; `None`: it does not say.
    pub fn of(entry: &Descriptor) -> Option<Self> {
        let platform = entry.platform().as_ref()?;
        let (os, architecture) = (platform.os().to_string(), platform.architecture().to_string());
        Some(Self::new(&os, &architecture, platform.variant().as_deref()))
    }

    /// What runs on it, the best first.
    fn suitable(&self) -> Vec<Self> {
        let version = |least: u32| {
            let number = self.variant.as_deref().and_then(|variant| variant.strip_prefix('v')?.parse().ok());
            number.unwrap_or(least)
        };
        let other = |architecture: &str, version: u32| Self::new(&self.os, architecture, Some(&format!("v{version}")));
        let mut suitable = vec![self.clone()];
        match self.architecture.as_str() {
            "amd64" => {
                suitable.extend((1..version(1).min(9)).rev().map(|older| other("amd64", older)));
                suitable.push(Self::new(&self.os, "386", None));
            }
            "arm" => suitable.extend((5..version(5).min(9)).rev().map(|older| other("arm", older))),
            "arm64" => {
                suitable.extend((8..version(8).min(19)).rev().map(|older| other("arm64", older)));
                suitable.extend((5..=8).rev().map(|older| other("arm", older)));
            }
            _ => {}
        }
        suitable
    }
}

/// The manifest of an index that suits `platform` best.
pub fn choose<'index>(index: &'index ImageIndex, platform: &Platform) -> Result<&'index Descriptor> {
    let manifests: Vec<&Descriptor> = index.manifests().iter().filter(|entry| is_image(entry)).collect();
    let of = |wanted: &Platform| manifests.iter().find(|entry| Platform::of(entry).as_ref() == Some(wanted));
    if let Some(found) = platform.suitable().iter().find_map(of) {
        return Ok(found);
    }
    match manifests.as_slice() {
        // Some tools wrap a lone image in an index and say nothing of its platform.
        [lone] if lone.platform().is_none() => Ok(lone),
        _ => Err(none(index, platform)),
    }
}

/// An entry may also be a statement about another one (an attestation), which has the
/// platform unknown/unknown.
pub fn is_image(entry: &Descriptor) -> bool {
    let is_manifest = matches!(entry.media_type().as_ref(), OCI_MANIFEST | DOCKER_MANIFEST);
    is_manifest && Platform::of(entry).is_none_or(|platform| platform.os != "unknown")
}

fn none(index: &ImageIndex, platform: &Platform) -> Error {
    let mut there: Vec<String> = index
        .manifests()
        .iter()
        .filter(|entry| is_image(entry))
        .filter_map(Platform::of)
        .map(|platform| platform.to_string())
        .collect();
    there.dedup();
    let there = if there.is_empty() { "no platform at all".to_owned() } else { there.join(", ") };
    Error::new(format!("there is no image for {platform}"))
        .hint(format!("There is: {there}.\nOne of these is chosen with --platform OS/ARCHITECTURE."))
}

impl FromStr for Platform {
    type Err = Error;

    /// `linux/arm/v7`, `linux/amd64`, or the architecture alone.
    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let word = |part: &&str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
            !part.is_empty() && part.bytes().all(plain)
        };
        if parts.iter().all(word) {
            match parts.as_slice() {
                [architecture] => return Ok(Self::new("linux", architecture, None)),
                [os, architecture] => return Ok(Self::new(os, architecture, None)),
                [os, architecture, variant] => return Ok(Self::new(os, architecture, Some(variant))),
                _ => {}
            }
        }
        Err(Error::usage(format!("'{text}' is no platform"))
            .hint("A platform looks like linux/amd64, linux/arm64 or linux/arm/v7."))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Platform, choose};
    use oci_spec::image::ImageIndex;

    fn parsed(text: &str) -> String {
        text.parse::<Platform>().unwrap().to_string()
    }

    /// An index with one entry for each platform; its size says which.
    fn index(platforms: &[&str]) -> ImageIndex {
        let entry = |(size, platform): (usize, &&str)| {
            let parts: Vec<&str> = platform.split('/').collect();
            let variant = parts.get(2).map(|variant| format!(r#","variant":"{variant}""#)).unwrap_or_default();
            let (os, architecture) = (parts[0], parts[1]);
            format!(
                r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:{:064x}","size":{size},
                   "platform":{{"os":"{os}","architecture":"{architecture}"{variant}}}}}"#,
                size
            )
        };
        let entries: Vec<String> = platforms.iter().enumerate().map(entry).collect();
        serde_json::from_str(&format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","))).unwrap()
    }

    fn chosen<'a>(platforms: &[&'a str], wanted: &str) -> Option<&'a str> {
        let index = index(platforms);
        choose(&index, &wanted.parse().unwrap()).ok().map(|entry| platforms[entry.size() as usize])
    }

    #[test]
    fn names_become_those_of_images() {
        for (text, expected) in [
            ("linux/amd64", "linux/amd64"),
            ("amd64", "linux/amd64"),
            ("Linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/v7", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/arm64/v8", "linux/arm64"),
            ("aarch64", "linux/arm64"),
            ("i686", "linux/386"),
            ("linux/s390x", "linux/s390x"),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
        for text in ["", "/", "linux/", "a/b/c/d", "linux/a b"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_best_is_chosen() {
        let many = ["linux/386", "linux/arm/v5", "linux/arm/v6", "linux/arm64/v8", "unknown/unknown", "linux/amd64"];
        assert_eq!(chosen(&many, "linux/amd64"), Some("linux/amd64"));
        assert_eq!(chosen(&many, "linux/amd64/v4"), Some("linux/amd64"));
        assert_eq!(chosen(&many, "linux/arm/v7"), Some("linux/arm/v6"));
        assert_eq!(chosen(&many, "linux/arm64"), Some("linux/arm64/v8"));
        assert_eq!(chosen(&many, "linux/riscv64"), None);
        assert_eq!(chosen(&["linux/amd64", "linux/amd64/v3"], "linux/amd64/v3"), Some("linux/amd64/v3"));
        assert_eq!(chosen(&["linux/arm/v7"], "linux/arm/v6"), None, "an older processor lacks something");
        assert_eq!(chosen(&["linux/386"], "linux/amd64"), Some("linux/386"));
    }

    #[test]
    fn a_statement_about_an_image_is_no_image() {
        assert_eq!(chosen(&["unknown/unknown"], "unknown/unknown"), None);
        let index = index(&["unknown/unknown", "linux/arm64", "windows/amd64"]);
        let error = choose(&index, &"linux/amd64".parse().unwrap()).unwrap_err();
        let hint = error.failure().hint.clone().unwrap();
        assert!(error.to_string().contains("linux/amd64"), "{error}");
        assert!(hint.contains("linux/arm64, windows/amd64") && !hint.contains("unknown"), "{hint}");
    }

    #[test]
    fn this_machine_has_a_name() {
        let this = Platform::this();
        assert_eq!(this.os, "linux");
        match std::env::consts::ARCH {
            "x86_64" => assert_eq!(this.to_string(), "linux/amd64"),
            "aarch64" => assert_eq!(this.to_string(), "linux/arm64"),
            _ => {}
        }
    }
}
