//! The client of a registry: manifests and blobs by HTTP.
//!
//! What it builds: questions to a registry, and their answers, checked. What it does *not*:
//! unpack layers or keep images. In reading order:
//!
//! - [`Settings`]: mirrors, certificates, credentials: what the user has decided
//! - `witness`: who is told each exchange, and why it was made
//! - `secret`: what must not be shown
//! - `resolve`, `proxy`, `tls`: how a host is found, reached and believed
//! - `http`: one question and its answer
//! - `fault`, `failure`: no answer, or not the one hoped for, in words
//! - `challenge`, [`credentials`], `auth`: saying who asks
//! - `retry`, `endpoint`: one place that may have the answer
//! - `blob`: a blob that arrives
//! - `fetch`, `upload`: [`Registry`], what can be asked
//!
//! See the OCI distribution specification,
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>.

mod auth;
mod blob;
mod challenge;
pub mod credentials;
mod endpoint;
mod failure;
mod fault;
mod fetch;
mod http;
mod proxy;
mod resolve;
mod retry;
mod secret;
mod settings;
mod tls;
mod upload;
mod witness;

use std::panic::Location;
use std::sync::Arc;

use ureq::http::Method;

use super::Reference;
use crate::error::{Error, Result};
use endpoint::{Endpoint, Request, Target};
use http::{Answer, Content};

pub use blob::{Blob, unwrapped};
#[doc(hidden)]
pub use challenge::{Challenge, parse as challenges};
pub use credentials::Credentials;
pub use fetch::{Fetched, Head};
pub use secret::Secret;
pub use settings::{RegistryConfig, Settings, Timeouts};
pub use upload::{Pushed, Source};
pub use witness::{Unseen, Witness, narrated};

/// What one wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Fetch. Mirrors may answer.
    Pull,
    /// Store; needs to fetch, too.
    Push,
}

/// One repository of one registry. It can be asked by several threads at once.
pub struct Registry {
    /// `docker.io`, `localhost:5000`
    name: String,
    /// `library/debian`
    repository: String,
    settings: Settings,
    /// Mirrors, and the registry itself as the last.
    endpoints: Vec<Endpoint>,
}

impl Registry {
    /// Nothing is sent yet: the first question finds out whether the registry is there.
    pub fn connect(
        reference: &Reference,
        access: Access,
        settings: &Settings,
        witness: Arc<dyn Witness>,
    ) -> Result<Self> {
        let (name, repository) = (&reference.registry, &reference.repository);
        let mut endpoints = Vec::new();
        if access == Access::Pull {
            for mirror in settings.mirrors(name) {
                endpoints.push(Endpoint::mirror(mirror, repository, settings, &witness)?);
            }
        }
        endpoints.push(Endpoint::registry(name, repository, settings, None, &witness)?);
        let actions = if access == Access::Pull { "pull" } else { "pull,push" };
        for endpoint in &endpoints {
            endpoint.auth.wants(&format!("repository:{repository}:{actions}"));
        }
        Ok(Self { name: name.clone(), repository: repository.clone(), settings: settings.clone(), endpoints })
    }

    /// The name by which people know it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `/v2/NAME/manifests/latest`
    fn path(&self, what: &str) -> String {
        format!("/v2/{}/{what}", self.repository)
    }

    /// Asks the mirrors, then the registry. A mirror counts only if it has the answer.
    fn ask(&self, request: &Request<'_>, doing: &str) -> Result<(Answer, &Endpoint)> {
        let mut failure = None;
        for endpoint in self.endpoints.iter().filter(|endpoint| !endpoint.is_dead()) {
            match endpoint.ask(request) {
                Ok(answer) if endpoint.is_mirror && answer.status >= 300 => {}
                Ok(answer) => return Ok((answer, endpoint)),
                Err(found) => failure = Some(found),
            }
        }
        let failure = failure.map(|failure| failure.explain(doing));
        Err(failure.unwrap_or_else(|| Error::new(format!("{doing}: nobody was asked"))))
    }

    /// The error for an answer that is not the one hoped for.
    fn refused(&self, doing: &str, answer: &Answer, endpoint: &Endpoint) -> Error {
        failure::of(doing, answer, &endpoint.name, endpoint.auth.user().as_deref())
    }
}

/// Finds out whether a registry takes these credentials, without any repository.
pub fn login(registry: &str, credentials: Credentials, settings: &Settings, witness: &Arc<dyn Witness>) -> Result<()> {
    let doing = format!("cannot log in to {registry}");
    let endpoint = Endpoint::registry(registry, "", settings, Some(credentials), witness)?;
    let request = Request {
        why: "Knock: a registry answers at /v2/, and says how to log in",
        method: Method::GET,
        target: Target::Path("/v2/".to_owned()),
        headers: Vec::new(),
        content: Content::Nothing,
        source: here(),
    };
    let mut answer = endpoint.ask(&request).map_err(|failure| failure.explain(&doing))?;
    if answer.status != 200 {
        return Err(failure::of(&doing, &answer, registry, endpoint.auth.user().as_deref()));
    }
    answer.settle();
    Ok(())
}

/// The caller's place in the source, as the trace writes it.
#[track_caller]
fn here() -> String {
    let place = Location::caller();
    format!("{}:{}", place.file(), place.line())
}
