//! One place that may have the answer: the registry itself, or a mirror in front of it.
//!
//! It knows by which scheme it is reached (plain HTTP is for this machine alone, unless the
//! user says otherwise), says who asks when it is told to, and tries again what may go
//! better the next time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use ureq::http::{HeaderName, Method, Uri, header};

use super::auth::Auth;
use super::challenge;
use super::credentials::Credentials;
use super::fault::{Fault, Trouble};
use super::http::{Answer, Client, Content, Question, same_place};
use super::proxy::is_loopback;
use super::retry::{self, ATTEMPTS};
use super::secret::{Secret, tamed};
use super::{Settings, Witness};
use crate::error::{Error, Result};
use crate::image::reference::DEFAULT_REGISTRY;

/// Where Docker Hub's registry is.
const HUB: &str = "registry-1.docker.io";

/// What is asked of whichever place has it.
#[derive(Clone)]
pub struct Request<'a> {
    pub why: &'static str,
    pub method: Method,
    pub target: Target,
    pub headers: Vec<(HeaderName, String)>,
    pub content: Content<'a>,
    pub source: String,
}

/// Where it goes.
#[derive(Clone)]
pub enum Target {
    /// `/v2/NAME/...`
    Path(String),
    /// Where an answer has sent.
    Url(Uri),
}

/// There is no answer.
pub enum Failure {
    Fault(Fault),
    Final(Error),
}

impl Failure {
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.is_passing())
    }

    pub fn explain(&self, doing: &str) -> Error {
        match self {
            Self::Fault(fault) => fault.explain(doing),
            Self::Final(error) => Error::new(doing).because(error),
        }
    }
}

pub struct Endpoint {
    /// By what name people know it.
    pub name: String,
    pub auth: Auth,
    pub is_mirror: bool,
    client: Client,
    /// The addresses that may be it, in the order in which they are tried.
    bases: Vec<Uri>,
    settled: OnceLock<usize>,
    dead: AtomicBool,
    settings: Settings,
}

impl Endpoint {
    /// The registry itself.
    pub fn registry(
        name: &str,
        repository: &str,
        settings: &Settings,
        given: Option<Credentials>,
        witness: &Arc<dyn Witness>,
    ) -> Result<Self> {
        let host = if name == DEFAULT_REGISTRY { HUB } else { name };
        let schemes: &[&str] = match (is_loopback(without_port(host)), settings.is_insecure(name)) {
            (true, _) => &["http", "https"],
            (false, true) => &["https", "http"],
            (false, false) => &["https"],
        };
        let bases = schemes.iter().map(|scheme| format!("{scheme}://{host}"));
        Self::new(name, repository, bases.collect(), settings, given, witness)
    }

    /// A mirror, by its address; without a scheme it is as a registry of that name.
    pub fn mirror(address: &str, repository: &str, settings: &Settings, witness: &Arc<dyn Witness>) -> Result<Self> {
        let made = match address.split_once("://") {
            None => Self::registry(address.trim_end_matches('/'), repository, settings, None, witness),
            Some((_, rest)) => {
                let name = rest.split('/').next().unwrap_or_default();
                Self::new(name, repository, vec![address.to_owned()], settings, None, witness)
            }
        };
        Ok(Self { is_mirror: true, ..made? })
    }

    fn new(
        name: &str,
        repository: &str,
        bases: Vec<String>,
        settings: &Settings,
        given: Option<Credentials>,
        witness: &Arc<dyn Witness>,
    ) -> Result<Self> {
        let parse = |text: &String| {
            let base = text.parse::<Uri>().ok().filter(|base| matches!(base.scheme_str(), Some("http" | "https")));
            base.ok_or_else(|| {
                Error::new(format!("cannot use '{}': it is no address of a registry or mirror", tamed(text)))
                    .hint("A mirror looks like http://192.168.1.10:5000, in BOXLAB_MIRROR or config.toml.")
            })
        };
        Ok(Self {
            name: name.to_owned(),
            auth: Auth::new(name, repository, settings, given),
            is_mirror: false,
            client: Client::new(name, settings, Arc::clone(witness)),
            bases: bases.iter().map(parse).collect::<Result<_>>()?,
            settled: OnceLock::new(),
            dead: AtomicBool::new(false),
            settings: settings.clone(),
        })
    }

    /// Whether it is not worth asking any more.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Asks. A mirror that has trouble is left alone; the registry is asked again.
    pub fn ask(&self, request: &Request<'_>) -> std::result::Result<Answer, Failure> {
        let mut request = request.clone();
        for attempt in 1.. {
            let outcome = self.ask_once(&request);
            let (retry_after, most) = match &outcome {
                Ok(answer) if retry::is_passing(answer.status) => {
                    (answer.header(header::RETRY_AFTER).map(str::to_owned), ATTEMPTS)
                }
                // Silence takes long enough by itself.
                Err(Failure::Fault(Fault { trouble: Trouble::Silent, .. })) => (None, 2),
                Err(Failure::Fault(fault)) if fault.is_passing() => (None, ATTEMPTS),
                _ => return self.noted(outcome),
            };
            let wait = retry::wait(attempt, retry_after.as_deref(), &self.settings.timeouts);
            let Some(wait) = wait.filter(|_| attempt < most && !self.is_mirror) else { return self.noted(outcome) };
            thread::sleep(wait);
            request.why = "Ask once more, after a pause: the registry had no time, or was cut off";
        }
        unreachable!("the last attempt returns")
    }

    fn noted(&self, outcome: std::result::Result<Answer, Failure>) -> std::result::Result<Answer, Failure> {
        if self.is_mirror && outcome.is_err() {
            self.dead.store(true, Ordering::Relaxed);
        }
        outcome
    }

    /// Asks, and once more with a name if that is what the registry wants.
    pub fn ask_once(&self, request: &Request<'_>) -> std::result::Result<Answer, Failure> {
        let mut request = request.clone();
        let mut authorization = self.auth.known(&self.client).map_err(Failure::Final)?;
        let mut answer = self.reach(&request, authorization.clone()).map_err(Failure::Fault)?;
        // Once for a token that has expired meanwhile, and once for one that asks for more.
        for _ in 0..2 {
            // Whoever the registry has sent us to has no right to ask who we are.
            if answer.status != 401 || !self.is_own(&answer.url) {
                break;
            }
            let headers = answer.headers.get_all(header::WWW_AUTHENTICATE);
            let texts = headers.iter().filter_map(|value| value.to_str().ok());
            let challenges: Vec<_> = texts.flat_map(challenge::parse).collect();
            let new = self.auth.answer(&self.client, &challenges, authorization.as_ref()).map_err(Failure::Final)?;
            let Some(new) = new else { break };
            authorization = Some(new);
            request.why = "Ask again, now saying who asks";
            answer = self.reach(&request, authorization.clone()).map_err(Failure::Fault)?;
        }
        Ok(answer)
    }

    fn is_own(&self, url: &Uri) -> bool {
        self.bases.iter().any(|base| same_place(base, url))
    }

    /// Asks by the scheme that this place speaks.
    fn reach(&self, request: &Request<'_>, authorization: Option<Secret>) -> std::result::Result<Answer, Fault> {
        let settled = self.settled.get().copied();
        let candidates = settled.map_or(0..self.bases.len(), |index| index..index + 1);
        let last = candidates.end - 1;
        let mut first = None;
        for index in candidates {
            let question = self.question(request, &self.bases[index], authorization.clone());
            let outcome = self.client.ask(&question).map(settle);
            match outcome {
                Ok(answer) if index < last && wants_tls(&answer) => {}
                Ok(answer) => {
                    let _ = self.settled.set(index);
                    return Ok(answer);
                }
                Err(fault) if index < last && is_another_scheme(&fault, &self.bases[index]) => first = Some(fault),
                // What the usual scheme said tells more than that the other is not spoken either.
                Err(fault) => {
                    let vague = matches!(
                        fault.trouble,
                        Trouble::NotTls | Trouble::BrokenOff(_) | Trouble::Silent | Trouble::Other(_)
                    );
                    return Err(first.filter(|_| vague).unwrap_or(fault));
                }
            }
        }
        unreachable!("the last candidate returns")
    }

    fn question<'a>(&self, request: &Request<'a>, base: &Uri, authorization: Option<Secret>) -> Question<'a> {
        let url = match &request.target {
            Target::Url(url) => url.clone(),
            Target::Path(path) => {
                let base = base.to_string();
                format!("{}{path}", base.trim_end_matches('/')).parse().unwrap_or_default()
            }
        };
        // Another host must not learn what is meant for this one.
        let same = same_place(&url, base);
        Question {
            why: request.why,
            method: request.method.clone(),
            authorization: authorization.filter(|_| same),
            url,
            headers: request.headers.clone(),
            content: request.content,
            source: request.source.clone(),
        }
    }
}

/// Reads what a failure says, so that the connection is free for the next question.
fn settle(mut answer: Answer) -> Answer {
    if answer.status >= 400 {
        answer.settle();
    }
    answer
}

/// A server that speaks TLS answers so to plain HTTP: Go's, nginx, Apache.
fn wants_tls(answer: &Answer) -> bool {
    answer.status == 400 && String::from_utf8_lossy(&answer.text).to_ascii_lowercase().contains("https")
}

/// Whether the other scheme may be the one that is spoken there.
fn is_another_scheme(fault: &Fault, base: &Uri) -> bool {
    match fault.trouble {
        Trouble::NotTls | Trouble::NotHttp(_) | Trouble::BrokenOff(_) | Trouble::Other(_) => true,
        Trouble::Refused => base.port().is_none(),
        _ => false,
    }
}

/// `localhost:5000` → `localhost`, `[::1]:5000` → `[::1]`
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
