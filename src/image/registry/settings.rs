//! What the command line, the environment and the config file decide about registries.
//!
//! A mirror stands in front of a registry: it is asked first, and what it can't answer, the
//! registry itself is asked. A class with one line to the internet shares one.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::image::reference::DEFAULT_REGISTRY;

/// A mirror in front of Docker Hub, as an address: `http://192.168.1.10:5000`.
const MIRROR: &str = "BOXLAB_MIRROR";
/// The credentials of skopeo, podman and buildah (containers-auth.json(5)).
const AUTH_FILE: &str = "REGISTRY_AUTH_FILE";

/// `[registries."docker.io"]` of the config file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// Asked before the registry itself, in this order.
    #[serde(default)]
    pub mirrors: Vec<String>,
    /// Certificates are not checked, and plain HTTP will do.
    #[serde(default)]
    pub insecure: bool,
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// By the name that stands before the slash: `docker.io`, `localhost:5000`.
    pub registries: BTreeMap<String, RegistryConfig>,
    /// `--insecure`: as `RegistryConfig::insecure`, for whichever registry is asked.
    pub insecure: bool,
    /// `--cert-dir`: certificates of authorities to trust as well, and of this client.
    pub certificates: Option<PathBuf>,
    /// `--authfile`: where credentials lie, and nowhere else.
    pub auth_file: Option<PathBuf>,
    /// Send blobs in chunks of so many bytes, not in one piece.
    pub chunk: Option<u64>,
    /// How long to wait.
    pub timeouts: Timeouts,
}

/// How long to wait for a registry that says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For the next byte.
    pub silence: Duration,
    /// Between the first attempt and the second; then twice as long, and so on.
    pub pause: Duration,
    /// The longest that a registry may ask to wait (`Retry-After`).
    pub patience: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            pause: Duration::from_millis(250),
            patience: Duration::from_secs(60),
        }
    }
}

impl Settings {
    /// What the environment says, over what the config file says.
    pub fn new(registries: BTreeMap<String, RegistryConfig>) -> Self {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let mut settings = Self {
            registries,
            insecure: false,
            certificates: None,
            auth_file: variable(AUTH_FILE).map(PathBuf::from),
            chunk: None,
            timeouts: Timeouts::default(),
        };
        if let Some(mirror) = variable(MIRROR) {
            settings.registries.entry(DEFAULT_REGISTRY.to_owned()).or_default().mirrors.insert(0, mirror);
        }
        settings
    }

    /// The mirrors of a registry.
    pub(super) fn mirrors(&self, registry: &str) -> &[String] {
        self.registries.get(registry).map_or(&[], |config| config.mirrors.as_slice())
    }

    /// Whether the user takes the risk that somebody else answers in its name.
    pub(super) fn is_insecure(&self, registry: &str) -> bool {
        self.insecure || self.registries.get(registry).is_some_and(|config| config.insecure)
    }
}
