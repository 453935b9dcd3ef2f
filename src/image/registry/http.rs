//! One question by HTTP and its answer, told to the witness.
//!
//! What it does by itself: proxies, TLS, and redirects, since a registry keeps its blobs
//! elsewhere and sends on to there; the other host must not learn what was meant for the
//! registry. What it does *not*: try again, or say who asks.
//! See RFC 9110 and RFC 9112.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use ureq::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use ureq::{Agent, BodyReader, SendBody};

use super::fault::{Fault, Trouble, of_io};
use super::resolve::Names;
use super::secret::{Secret, shown, tamed};
use super::{Settings, Witness, proxy, tls};
use crate::trace::Exchange;

/// So many times it may send on.
const REDIRECTS: usize = 5;
/// The longest explanation of a failure that is read.
const LONGEST_FAILURE: u64 = 64 * 1024;
/// A registry that has got a whole blob may think about it for so many silences.
const PATIENCE_AFTER_UPLOAD: u32 = 10;

/// What is asked.
#[derive(Clone)]
pub struct Question<'a> {
    /// A step of the narration.
    pub why: &'static str,
    pub method: Method,
    pub url: Uri,
    pub headers: Vec<(HeaderName, String)>,
    /// The whole value of the header `Authorization`.
    pub authorization: Option<Secret>,
    pub content: Content<'a>,
    /// Source file and line, for the trace.
    pub source: String,
}

/// What is sent along. It must be there a second time, if the first attempt fails.
#[derive(Clone, Copy)]
pub enum Content<'a> {
    Nothing,
    Bytes(&'a [u8]),
    Stream { open: &'a dyn Fn() -> io::Result<Box<dyn Read + Send + 'a>>, size: u64 },
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Who answered in the end.
    pub url: Uri,
    pub body: Incoming,
    /// What a failure says, once it is settled.
    pub text: Vec<u8>,
}

impl Answer {
    /// Reads the body of a failure, as far as one would read it.
    pub fn settle(&mut self) {
        // Half an explanation is better than none.
        let _ = Read::take(&mut self.body, LONGEST_FAILURE).read_to_end(&mut self.text);
        self.body.end();
    }

    /// A header, as text.
    pub fn header(&self, name: impl ureq::http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body, if it is not longer than `most`.
    pub fn bytes(&mut self, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = Read::take(&mut self.body, most + 1).read_to_end(&mut bytes)?;
        if read as u64 > most {
            return Err(io::Error::other(format!("it is longer than {most} bytes")));
        }
        Ok(bytes)
    }
}

/// The body of an answer. At its end, whichever way that comes, the witness is told.
pub struct Incoming {
    reader: Option<BodyReader<'static>>,
    exchange: Option<(&'static str, Exchange)>,
    started: Instant,
    witness: Arc<dyn Witness>,
}

impl Read for Incoming {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(reader) = &mut self.reader else { return Ok(0) };
        let outcome = reader.read(bytes);
        if let Some((_, exchange)) = &mut self.exchange {
            match &outcome {
                Ok(read) => exchange.received += *read as u64,
                Err(error) => exchange.failure = Some(tamed(&error.to_string())),
            }
        }
        outcome
    }
}

impl Incoming {
    /// Tells, and lets go of the connection.
    fn end(&mut self) {
        self.reader = None;
        if let Some((why, mut exchange)) = self.exchange.take() {
            exchange.ns = nanoseconds(self.started);
            self.witness.exchanged(why, exchange);
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.end();
    }
}

/// Asks questions. Connections are kept for the next one.
pub struct Client {
    registry: String,
    settings: Settings,
    witness: Arc<dyn Witness>,
    /// By whether TLS is spoken, and whether through a proxy. Each is made when it is needed.
    agents: [[OnceLock<Agent>; 2]; 2],
}

impl Client {
    /// For one registry, whose certificates are those that the settings name.
    pub fn new(registry: &str, settings: &Settings, witness: Arc<dyn Witness>) -> Self {
        Self { registry: registry.to_owned(), settings: settings.clone(), witness, agents: Default::default() }
    }

    /// Asks, and goes where the answer sends.
    pub fn ask(&self, question: &Question<'_>) -> Result<Answer, Fault> {
        let mut question = question.clone();
        for _ in 0..=REDIRECTS {
            let answer = self.exchange(&question)?;
            let Some(target) = redirection(&question, &answer)? else { return Ok(answer) };
            if !same_place(&target, &question.url) {
                question.authorization = None;
            }
            question.url = target;
            question.why = "Go where the registry sends: the content lies elsewhere";
        }
        Err(Fault::new(Trouble::Redirect("it sends in circles".to_owned()), &question.url))
    }

    fn exchange(&self, question: &Question<'_>) -> Result<Answer, Fault> {
        let url = &question.url;
        let started = Instant::now();
        let mut exchange = describe(question);
        let outcome = self.send(question, &mut exchange.sent);
        let failed = |mut exchange: Exchange, fault: Fault| {
            exchange.failure = Some(fault.short());
            exchange.ns = nanoseconds(started);
            self.witness.exchanged(question.why, exchange);
            fault
        };
        let response = match outcome {
            Ok(response) => response,
            Err(fault) => return Err(failed(exchange, fault)),
        };
        let (parts, body) = response.into_parts();
        exchange.status = Some(parts.status.as_u16());
        exchange.response = of_interest(&parts.headers);
        let reader = Some(body.into_with_config().limit(u64::MAX).reader());
        let exchange = Some((question.why, exchange));
        let body = Incoming { reader, exchange, started, witness: Arc::clone(&self.witness) };
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, url: url.clone(), body, text: Vec::new() })
    }

    fn send(&self, question: &Question<'_>, sent: &mut u64) -> Result<ureq::http::Response<ureq::Body>, Fault> {
        let url = &question.url;
        let (agent, proxied) = self.agent(url).map_err(|error| Fault::new(Trouble::Setting(error), url))?;
        let mut request = Request::builder().method(question.method.clone()).uri(url.clone());
        for (name, value) in &question.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = &question.authorization {
            request = request.header(header::AUTHORIZATION, authorization.expose());
        }
        if let Some(size) = length(question) {
            request = request.header(header::CONTENT_LENGTH, size);
        }
        let invalid = |error: ureq::http::Error| Fault::new(Trouble::Other(error.to_string()), url);
        let answered = |outcome: Result<_, ureq::Error>| outcome.map_err(|error| Fault::from_ureq(error, url, proxied));
        let unread = |why: String| Fault::new(Trouble::Source(why), url);
        let mut opened: Box<dyn Read + Send + '_> = match question.content {
            Content::Nothing => return answered(agent.run(request.body(()).map_err(invalid)?)),
            Content::Bytes(bytes) => Box::new(bytes),
            Content::Stream { open, .. } => open().map_err(|error| unread(error.to_string()))?,
        };
        let mut counted = Counted { inner: &mut opened, bytes: sent, failure: None };
        let request = request.body(SendBody::from_reader(&mut counted)).map_err(invalid)?;
        let patience = Some(self.settings.timeouts.silence * PATIENCE_AFTER_UPLOAD);
        let request = agent.configure_request(request).timeout_recv_response(patience).timeout_per_read(patience);
        let outcome = agent.run(request.build());
        match counted.failure {
            Some(failure) => Err(unread(failure)),
            None => answered(outcome),
        }
    }

    fn agent(&self, url: &Uri) -> crate::error::Result<(&Agent, bool)> {
        let tls = url.scheme_str() == Some("https");
        let port = url.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let direct = proxy::goes_directly(url.host().unwrap_or_default(), port);
        let proxy = if direct { None } else { proxy::from_environment(tls)? };
        let proxied = proxy.is_some();
        let place = &self.agents[usize::from(tls)][usize::from(proxied)];
        if let Some(agent) = place.get() {
            return Ok((agent, proxied));
        }
        let mut config = self.config().proxy(proxy);
        if tls {
            config = config.tls_config(tls::config(&self.registry, &self.settings)?);
        }
        let agent = Agent::with_parts(config.build(), ureq::unversioned::transport::DefaultConnector::default(), Names);
        Ok((place.get_or_init(|| agent), proxied))
    }

    fn config(&self) -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
        let timeouts = &self.settings.timeouts;
        Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("boxlab/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .max_idle_connections_per_host(8)
            .timeout_connect(Some(timeouts.connect))
            .timeout_recv_response(Some(timeouts.silence))
            .timeout_per_read(Some(timeouts.silence))
            .timeout_per_write(Some(timeouts.silence))
    }
}

/// Counts what is sent, and remembers when it can't be read.
struct Counted<'a> {
    inner: &'a mut dyn Read,
    bytes: &'a mut u64,
    failure: Option<String>,
}

impl Read for Counted<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let outcome = self.inner.read(bytes);
        match &outcome {
            Ok(read) => *self.bytes += *read as u64,
            Err(error) => self.failure = Some(error.to_string()),
        }
        outcome
    }
}

/// A body has a length that is known, also one of nothing: some registries want to hear
/// it (411, "Length Required").
fn length(question: &Question<'_>) -> Option<u64> {
    match question.content {
        Content::Nothing if matches!(question.method, Method::POST | Method::PUT) => Some(0),
        Content::Nothing => None,
        Content::Bytes(bytes) => Some(bytes.len() as u64),
        Content::Stream { size, .. } => Some(size),
    }
}

/// Where the answer sends, if it does.
fn redirection(question: &Question<'_>, answer: &Answer) -> Result<Option<Uri>, Fault> {
    let asks = matches!(question.method, Method::GET | Method::HEAD);
    let sends = match answer.status {
        301..=303 => asks,
        307 | 308 => true,
        _ => false,
    };
    let Some(location) = answer.header(header::LOCATION).filter(|_| sends) else { return Ok(None) };
    let nowhere = |why: &str| Fault::new(Trouble::Redirect(why.to_owned()), &question.url);
    let target = join(&question.url, location).ok_or_else(|| nowhere("it sends to an address that is none"))?;
    if question.url.scheme_str() == Some("https") && target.scheme_str() != Some("https") {
        return Err(nowhere("it sends from HTTPS to plain HTTP, where anybody could answer"));
    }
    if !asks && !same_place(&target, &question.url) {
        // What is sent may be a secret, as is a token that gets other tokens.
        return Err(nowhere("it sends what was meant for it on to another host"));
    }
    Ok(Some(target))
}

/// Whether two addresses have scheme, host and port in common: what the web calls an
/// origin (RFC 6454).
pub fn same_place(one: &Uri, other: &Uri) -> bool {
    one.scheme() == other.scheme() && one.authority() == other.authority()
}

/// An address relative to another (RFC 3986, section 5).
pub fn join(base: &Uri, location: &str) -> Option<Uri> {
    let scheme = base.scheme_str()?;
    let authority = base.authority()?;
    let whole = if location.starts_with("http://") || location.starts_with("https://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') {
        format!("{scheme}://{authority}{}{location}", base.path())
    } else {
        let directory = base.path().rsplit_once('/').map_or("", |(directory, _)| directory);
        format!("{scheme}://{authority}{directory}/{location}")
    };
    let whole = whole.split('#').next()?.parse::<Uri>().ok()?;
    whole.host().is_some_and(|host| !host.is_empty()).then_some(whole)
}

fn describe(question: &Question<'_>) -> Exchange {
    let mut request: BTreeMap<String, String> =
        question.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    if let Some(authorization) = &question.authorization {
        // `Bearer ***`: the kind is no secret.
        let kind = authorization.expose().split(' ').next().unwrap_or_default();
        request.insert("authorization".to_owned(), format!("{kind} {authorization}"));
    }
    let (method, url) = (question.method.to_string(), shown(&question.url));
    Exchange { method, url, request, source: question.source.clone(), ..Exchange::default() }
}

/// The headers of an answer that one looks at to understand it.
fn of_interest(headers: &HeaderMap) -> BTreeMap<String, String> {
    const NAMES: [&str; 11] = [
        "content-type",
        "content-length",
        "content-range",
        "docker-content-digest",
        "docker-distribution-api-version",
        "location",
        "oci-subject",
        "range",
        "ratelimit-remaining",
        "retry-after",
        "www-authenticate",
    ];
    let text = |name: &&str| {
        let value = headers.get(*name).map(HeaderValue::to_str)?.ok()?;
        let value = match (*name, value.parse::<Uri>()) {
            ("location", Ok(url)) if url.authority().is_some() => shown(&url),
            ("location", _) => value.split('?').next().unwrap_or_default().to_owned(),
            _ => tamed(value),
        };
        Some(((*name).to_owned(), value))
    };
    NAMES.iter().filter_map(text).collect()
}

fn nanoseconds(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// A body broke off.
pub fn broke_off(error: &io::Error, url: &Uri) -> Fault {
    Fault::new(of_io(error), url)
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn addresses_are_joined() {
        let base = "https://host:1/v2/x/blobs?a=b".parse().unwrap();
        for (location, expected) in [
            ("http://other/y?z=1#f", Some("http://other/y?z=1")),
            ("//other/y", Some("https://other/y")),
            ("/y?z", Some("https://host:1/y?z")),
            ("y", Some("https://host:1/v2/x/y")),
            ("?q=1", Some("https://host:1/v2/x/blobs?q=1")),
            ("http://", None),
        ] {
            assert_eq!(join(&base, location).map(|url| url.to_string()).as_deref(), expected, "{location}");
        }
    }
}
