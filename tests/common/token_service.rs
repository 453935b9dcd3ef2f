//! Who gives tokens for a docker-registry: signs, for whoever knows a password, what it
//! was asked for; remembers who asked for what; and can be made to give bad tokens, or none.
//!
//! See <https://distribution.github.io/distribution/spec/auth/token/> and RFC 7519.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::{Answer, Request, Server};
use super::registry::must;

/// What registry and service call each other.
const SERVICE: &str = "boxlab-test-registry";
const ISSUER: &str = "boxlab-test-issuer";

/// How it answers; may be changed while it runs.
#[derive(Debug, Clone)]
pub struct Answers {
    /// Who may ask: name and password. Without a name one may pull, if `anonymous`.
    pub users: Vec<(String, String)>,
    /// Whoever gives no name gets a token for pulling.
    pub anonymous: bool,
    /// The seconds that it says a token lasts; it says nothing if this is none.
    pub expires_in: Option<u64>,
    /// So many tokens will already have expired when they are given.
    pub stale: usize,
    /// The name of the field: `token`, or `access_token` as in OAuth 2.
    pub field: &'static str,
    /// Refuses with this status.
    pub refuses: Option<u16>,
}

impl Default for Answers {
    fn default() -> Self {
        Self { users: Vec::new(), anonymous: true, expires_in: Some(300), stale: 0, field: "token", refuses: None }
    }
}

/// One that was asked for a token.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The user's name, if one was given.
    pub user: Option<String>,
    /// `repository:a/b:pull,push`, ...
    pub scopes: Vec<String>,
    /// The request itself.
    pub request: Request,
}

#[derive(Debug)]
struct State {
    answers: Answers,
    asked: Vec<Asked>,
}

/// The service; it ends when it is dropped.
#[derive(Debug)]
pub struct TokenService {
    directory: Arc<TempDir>,
    state: Arc<Mutex<State>>,
    server: Server,
}

impl TokenService {
    /// Makes its key, and listens.
    pub fn start(answers: Answers) -> Result<Self, String> {
        let directory = tempfile::Builder::new().prefix("boxlab-tokens-").tempdir();
        let directory = Arc::new(directory.map_err(|error| error.to_string())?);
        let words = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=tokens";
        must(Command::new("openssl").args(words.split(' ')).current_dir(directory.path()))?;
        let state = Arc::new(Mutex::new(State { answers, asked: Vec::new() }));
        let (keys, shared) = (Arc::clone(&directory), Arc::clone(&state));
        let server = Server::answering(move |request| {
            let mut state = shared.lock().expect("no thread panics");
            answer(&mut state, keys.path(), request)
        })?;
        Ok(Self { directory, state, server })
    }

    /// What docker-registry must know of it.
    pub fn config(&self) -> String {
        format!(
            "auth: {{token: {{realm: 'http://{}/token', service: {SERVICE}, issuer: {ISSUER}, rootcertbundle: {}/cert.pem}}}}\n",
            self.server.address,
            self.directory.path().display()
        )
    }

    /// Who has asked for what, so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    /// Changes how it answers.
    pub fn change(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.state().answers);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics")
    }
}

fn answer(state: &mut State, keys: &Path, request: &Request) -> Answer {
    let pairs = request.pairs();
    let values = |key: &str| pairs.iter().filter(|pair| pair.0 == key).map(|pair| pair.1.clone()).collect::<Vec<_>>();
    // Several scopes come as several pairs, or as one with spaces.
    let scopes: Vec<String> = values("scope").iter().flat_map(|scope| scope.split(' ')).map(str::to_owned).collect();
    let given = credentials(request).or_else(|| Some((values("username").pop()?, values("password").pop()?)));
    let given = given.or_else(|| of_identity(&values("refresh_token").pop()?));
    let user = given.as_ref().map(|given| given.0.clone());
    state.asked.push(Asked { user, scopes: scopes.clone(), request: request.clone() });
    let refused = |status, code: &str| {
        let body = json!({"errors": [{"code": code, "message": "the token service of the tests refuses"}]});
        Answer::new(status, "application/json", body.to_string())
    };
    if let Some(status) = state.answers.refuses {
        return refused(status, "DENIED");
    }
    let is_known = given.as_ref().is_some_and(|given| state.answers.users.contains(given));
    if (given.is_some() && !is_known) || (given.is_none() && !state.answers.anonymous) {
        return refused(401, "UNAUTHORIZED");
    }
    let age = if state.answers.stale > 0 { 7200 } else { 0 };
    state.answers.stale = state.answers.stale.saturating_sub(1);
    match sign(keys, &access(&scopes, is_known), age) {
        Ok(token) => {
            let mut body = json!({ state.answers.field: token });
            if let Some(seconds) = state.answers.expires_in {
                body["expires_in"] = seconds.into();
            }
            Answer::new(200, "application/json", body.to_string())
        }
        Err(error) => Answer::new(500, "text/plain", error),
    }
}

/// An identity token of this service: the user's name and password, with a dot between.
fn of_identity(token: &str) -> Option<(String, String)> {
    token.split_once('.').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

fn credentials(request: &Request) -> Option<(String, String)> {
    let encoded = request.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// `repository:a/b:pull,push` → what the registry may let the bearer do.
fn access(scopes: &[String], is_known: bool) -> Value {
    let granted = scopes.iter().filter_map(|scope| {
        let (kind, rest) = scope.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let actions: Vec<&str> = actions.split(',').filter(|action| is_known || *action == "pull").collect();
        Some(json!({"type": kind, "name": name, "actions": actions}))
    });
    Value::Array(granted.collect())
}

/// A JSON Web Token, signed with RSA; as if it were `age` seconds old.
fn sign(keys: &Path, access: &Value, age: u64) -> Result<String, String> {
    let pem = fs::read_to_string(keys.join("cert.pem")).map_err(|error| error.to_string())?;
    let certificate: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs() - age;
    let header = json!({"typ": "JWT", "alg": "RS256", "x5c": [certificate]});
    let claims = json!({"iss": ISSUER, "sub": "", "aud": SERVICE, "exp": now + 300, "nbf": now - 10, "iat": now,
        "jti": format!("{now}"), "access": access});
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", encoded(&header), encoded(&claims));
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-sign", "key.pem"])
        .current_dir(keys)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    // The pipe is closed here: that is the end of the text.
    openssl.stdin.take().ok_or("no pipe")?.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
    let signature = openssl.wait_with_output().map_err(|error| error.to_string())?.stdout;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
