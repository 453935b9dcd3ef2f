//! Saying who asks: by name and password (Basic), or by a token (Bearer) that another
//! server hands out for it.
//!
//! The token says what its holder may do (`repository:NAME:pull`), and for a few minutes
//! only; so the password goes to one server, and the registry, its mirrors and
//! storage never see it. One token serves all threads, and only one of them fetches it.
//! See RFC 7617, RFC 6750, and <https://distribution.github.io/distribution/spec/auth/token/>.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use ureq::http::{Method, Uri, header};

use super::challenge::Challenge;
use super::credentials::{self, Credentials};
use super::failure;
use super::http::{Client, Content, Question};
use super::proxy::is_loopback;
use super::secret::Secret;
use super::{Settings, here};
use crate::error::{Error, Result};

/// A token is fetched anew so long before it expires, since it must last for an answer.
const EARLY: Duration = Duration::from_secs(10);
/// A token that doesn't say how long it lasts, lasts so many seconds.
const USUAL: u64 = 60;
/// The longest answer of a token server.
const LONGEST: u64 = 1024 * 1024;

/// Who asks one registry, and what has been found out about how it wants to be told.
pub struct Auth {
    registry: String,
    repository: String,
    settings: Settings,
    credentials: OnceLock<Option<Credentials>>,
    state: Mutex<State>,
}

struct State {
    /// What is asked for: the actions on each resource.
    scopes: Scopes,
    known: Known,
}

type Scopes = BTreeMap<String, BTreeSet<String>>;

enum Known {
    Nothing,
    Basic(Secret),
    Bearer { realm: Uri, service: Option<String>, token: Token },
}

struct Token {
    header: Secret,
    /// What it was asked for.
    scopes: Scopes,
    until: Instant,
}

#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Auth {
    /// Nothing is asked yet; `given` are the credentials, unless they are to be looked up.
    pub fn new(registry: &str, repository: &str, settings: &Settings, given: Option<Credentials>) -> Self {
        let credentials = OnceLock::new();
        if given.is_some() {
            let _ = credentials.set(given);
        }
        Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            settings: settings.clone(),
            credentials,
            state: Mutex::new(State { scopes: Scopes::new(), known: Known::Nothing }),
        }
    }

    /// Asks for this as well from now on: `repository:NAME:pull`.
    pub fn wants(&self, scope: &str) {
        add(&mut self.lock().scopes, scope);
    }

    /// Whose credentials are used.
    pub fn user(&self) -> Option<String> {
        match self.credentials.get()?.as_ref()? {
            Credentials::Password { user, .. } => Some(user.clone()),
            Credentials::Identity(_) => Some("the holder of the token".to_owned()),
        }
    }

    /// The header `Authorization` for the next question, if one is known to be needed.
    pub fn known(&self, client: &Client) -> Result<Option<Secret>> {
        let mut state = self.lock();
        let State { scopes, known } = &mut *state;
        match known {
            Known::Nothing => Ok(None),
            Known::Basic(header) => Ok(Some(header.clone())),
            Known::Bearer { realm, service, token } => {
                if token.until < Instant::now() || token.scopes != *scopes {
                    *token = self.fetch(client, realm, service.as_deref(), scopes)?;
                }
                Ok(Some(token.header.clone()))
            }
        }
    }

    /// The header that answers to challenges, after a question with the header `used` was
    /// refused; `None`: there is none that could do better.
    pub fn answer(&self, client: &Client, challenges: &[Challenge], used: Option<&Secret>) -> Result<Option<Secret>> {
        let mut state = self.lock();
        if let Some(newer) = state.known.header().filter(|header| Some(*header) != used) {
            return Ok(Some(newer.clone())); // another thread was faster
        }
        let find = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
        if let Some(bearer) = find("bearer") {
            for scope in bearer.parameter("scope").unwrap_or_default().split_whitespace() {
                add(&mut state.scopes, scope);
            }
            let realm = self.realm(bearer)?;
            let service = bearer.parameter("service").map(str::to_owned);
            let token = self.fetch(client, &realm, service.as_deref(), &state.scopes)?;
            let header = token.header.clone();
            state.known = Known::Bearer { realm, service, token };
            return Ok(Some(header));
        }
        match (find("basic"), self.credentials()?) {
            (Some(_), Some(Credentials::Password { user, password })) => {
                let header = basic(user, password);
                if Some(&header) == used {
                    return Ok(None);
                }
                state.known = Known::Basic(header.clone());
                Ok(Some(header))
            }
            _ => Ok(None),
        }
    }

    /// Whoever has panicked with the lock has left nothing half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn credentials(&self) -> Result<Option<&Credentials>> {
        if let Some(known) = self.credentials.get() {
            return Ok(known.as_ref());
        }
        let found = credentials::find(&self.registry, &self.repository, &self.settings)?;
        Ok(self.credentials.get_or_init(|| found).as_ref())
    }

    /// The address of the token server. It gets the password: so not by plain HTTP, unless
    /// that stays on this machine or was asked for.
    fn realm(&self, bearer: &Challenge) -> Result<Uri> {
        let text = bearer.parameter("realm").unwrap_or_default();
        let realm = text.parse::<Uri>().ok().filter(|realm| realm.host().is_some());
        let invalid = || Error::new(format!("{} names a token server with no address", self.registry));
        let realm = realm.ok_or_else(invalid)?;
        let host = realm.host().unwrap_or_default();
        match realm.scheme_str() {
            Some("https") => Ok(realm),
            Some("http") if is_loopback(host) || self.settings.is_insecure(&self.registry) => Ok(realm),
            _ => Err(Error::new(format!("{} wants a password sent to {host} by plain HTTP", self.registry))
                .hint("Whoever is on the way could read it. If that is no concern here: --insecure.")),
        }
    }

    fn fetch(&self, client: &Client, realm: &Uri, service: Option<&str>, scopes: &Scopes) -> Result<Token> {
        let doing = || format!("cannot get a token for {}", self.registry);
        let credentials = self.credentials()?;
        let mut form = Form::default();
        service.into_iter().for_each(|service| form.add("service", service));
        let spelled = spell(scopes);
        let mut question = Question {
            why: "Get a token: the registry wants to know who asks, and for what",
            method: Method::GET,
            url: realm.clone(),
            headers: vec![(header::ACCEPT, "application/json".to_owned())],
            authorization: None,
            content: Content::Nothing,
            source: here(),
        };
        let body;
        match credentials {
            Some(Credentials::Identity(token)) => {
                form.add("scope", &spelled.join(" "));
                form.add("grant_type", "refresh_token");
                form.add("client_id", "boxlab");
                form.add("refresh_token", token.expose());
                body = form.0;
                question.method = Method::POST;
                question.headers.push((header::CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned()));
                question.content = Content::Bytes(body.as_bytes());
            }
            other => {
                spelled.iter().for_each(|scope| form.add("scope", scope));
                if let Some(Credentials::Password { user, password }) = other {
                    form.add("account", user);
                    question.authorization = Some(basic(user, password));
                }
                question.url = form.on(realm).ok_or_else(|| Error::new(doing()))?;
            }
        }
        let mut answer = client.ask(&question).map_err(|fault| fault.explain(&doing()))?;
        if answer.status != 200 {
            answer.settle();
            return Err(failure::of_token_server(&doing(), &answer, &self.registry, self.user().as_deref()));
        }
        let unclear = |why: String| Error::new(format!("{}: {} answers {why}", doing(), realm.host().unwrap_or("?")));
        let bytes = answer.bytes(LONGEST).map_err(|error| unclear(format!("but {error}")))?;
        // The message of the parser could show a part of the token.
        let granted: Granted =
            serde_json::from_slice(&bytes).map_err(|_| unclear("with something else than a token".to_owned()))?;
        let lasts = Duration::from_secs(granted.expires_in.unwrap_or(USUAL).max(USUAL));
        let token = granted.token.or(granted.access_token).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| unclear("without a token".to_owned()))?;
        Ok(Token {
            header: Secret::new(format!("Bearer {token}")),
            scopes: scopes.clone(),
            until: Instant::now() + lasts.saturating_sub(EARLY),
        })
    }
}

impl Known {
    fn header(&self) -> Option<&Secret> {
        match self {
            Self::Nothing => None,
            Self::Basic(header) => Some(header),
            Self::Bearer { token, .. } => Some(&token.header),
        }
    }
}

fn basic(user: &str, password: &Secret) -> Secret {
    Secret::new(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{}", password.expose()))))
}

/// `repository:NAME:pull,push`: what was wanted before stays wanted.
fn add(scopes: &mut Scopes, scope: &str) {
    if let Some((resource, actions)) = scope.rsplit_once(':') {
        let wanted = scopes.entry(resource.to_owned()).or_default();
        wanted.extend(actions.split(',').filter(|action| !action.is_empty()).map(str::to_owned));
    }
}

fn spell(scopes: &Scopes) -> Vec<String> {
    let actions = |actions: &BTreeSet<String>| actions.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    scopes.iter().map(|(resource, wanted)| format!("{resource}:{}", actions(wanted))).collect()
}

/// `application/x-www-form-urlencoded`
#[derive(Default)]
struct Form(String);

impl Form {
    fn add(&mut self, name: &str, value: &str) {
        let gap = if self.0.is_empty() { "" } else { "&" };
        self.0.push_str(&format!("{gap}{name}={}", encode(value)));
    }

    /// An address with this as its query.
    fn on(&self, url: &Uri) -> Option<Uri> {
        let query = url.query().map(|query| format!("{query}&")).unwrap_or_default();
        format!("{}://{}{}?{query}{}", url.scheme_str()?, url.authority()?, url.path(), self.0).parse().ok()
    }
}

/// RFC 3986, section 2.1; what scopes are made of stays readable.
pub fn encode(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:/,".contains(byte);
    let letter = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::{Form, Scopes, add, encode, spell};

    #[test]
    fn scopes_add_up() {
        let mut scopes = Scopes::new();
        for scope in ["repository:a/b:pull", "repository:h:5000/c:pull", "repository:a/b:push,pull", "nonsense"] {
            add(&mut scopes, scope);
        }
        assert_eq!(spell(&scopes), ["repository:a/b:pull,push", "repository:h:5000/c:pull"]);
    }

    #[test]
    fn forms_are_encoded() {
        assert_eq!(encode("a b&c=d+e:/,ä"), "a%20b%26c%3Dd%2Be:/,%C3%A4");
        let mut form = Form::default();
        form.add("service", "x y");
        form.add("scope", "repository:a:pull");
        let url = form.on(&"http://h:1/token?a=b".parse().unwrap()).unwrap();
        assert_eq!(url.to_string(), "http://h:1/token?a=b&service=x%20y&scope=repository:a:pull");
    }
}
