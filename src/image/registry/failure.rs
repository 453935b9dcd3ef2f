//! What a registry answers instead of what was asked for, in words that say what to do.
//!
//! See the OCI distribution specification, "Error Codes".

use serde::Deserialize;
use serde_json::Value;

use super::http::Answer;
use super::secret::tamed;
use crate::error::Error;

/// There is no such repository.
pub const NO_REPOSITORY: &str = "NAME_UNKNOWN";
/// There is no such manifest in it.
pub const NO_MANIFEST: &str = "MANIFEST_UNKNOWN";

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    errors: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Whether the registry gives this as a reason: `MANIFEST_UNKNOWN`, ...
pub fn says(answer: &Answer, code: &str) -> bool {
    let body = serde_json::from_slice::<Body>(&answer.text);
    body.is_ok_and(|body| body.errors.iter().any(|said| said.code == code))
}

/// The registry's own words, if it has some.
fn words(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.text).ok()?;
    let text = |value: &Value| value.as_str().map(tamed).filter(|text| !text.is_empty());
    if let Ok(Body { errors }) = Body::deserialize(&body) {
        let line = |said: &Said| match (said.code.as_str(), said.message.as_str()) {
            (code, "") => tamed(code),
            ("", message) => tamed(message),
            (code, message) => tamed(&format!("{message} ({code})")),
        };
        let lines: Vec<String> = errors.iter().take(3).map(line).filter(|line| !line.is_empty()).collect();
        if !lines.is_empty() {
            return Some(lines.join("; "));
        }
    }
    ["error_description", "details", "message", "error"].iter().find_map(|name| body.get(name).and_then(text))
}

fn is_a_page(answer: &Answer) -> bool {
    answer.text.trim_ascii_start().first() == Some(&b'<')
}

/// Any other answer than the one hoped for; `user` is who asked.
pub fn of(doing: &str, answer: &Answer, registry: &str, user: Option<&str>) -> Error {
    let host = answer.url.authority().map_or(registry, |authority| authority.as_str());
    let login = format!("`boxlab login {registry}`");
    let (what, hint) = match (answer.status, user) {
        (401, None) => (
            format!("{registry} lets nobody do this without a login"),
            format!("Is the name right? For what is not public: {login}."),
        ),
        (401, Some(user)) => (
            format!("{registry} does not accept '{user}'"),
            format!("Is the password right, and may this user do that? {login} sets another."),
        ),
        (403, None) => (format!("{registry} does not allow it"), format!("Perhaps it does after {login}.")),
        (403, Some(user)) => (format!("{registry} does not allow it to '{user}'"), format!("Another user: {login}.")),
        (429, _) => (
            format!("{registry} has been asked too often"),
            format!(
                "It lets those do more who are known to it: {login}.\n\
                 A mirror of one's own helps, too: BOXLAB_MIRROR=http://HOST:PORT."
            ),
        ),
        (status, _) if is_a_page(answer) => (
            format!("{host} answers with a web page (status {status})"),
            "Is there a registry at that address?".to_owned(),
        ),
        (404, _) => (format!("{registry} knows nothing of it"), "Is the name right?".to_owned()),
        (405 | 501, _) => {
            (format!("{registry} can't do that"), "It may be a mirror, which can only be read.".to_owned())
        }
        (507, _) => (format!("{registry} has no space left"), "Free some there.".to_owned()),
        (status @ 500.., _) => (
            format!("{registry} fails (status {status})"),
            "It was tried several times. Try it again later.".to_owned(),
        ),
        (status, _) => (format!("{host} answers with status {status}"), String::new()),
    };
    finish(doing, &what, &hint, answer)
}

/// As [`of`], for the server that hands out tokens.
pub fn of_token_server(doing: &str, answer: &Answer, registry: &str, user: Option<&str>) -> Error {
    match (answer.status, user) {
        (400 | 401 | 403, Some(user)) => {
            let what = format!("it does not accept the password of '{user}'");
            finish(doing, &what, &format!("`boxlab login {registry}` sets another."), answer)
        }
        _ => {
            let host = answer.url.authority().map_or(registry, |authority| authority.as_str());
            of(doing, answer, host, None)
        }
    }
}

/// The tag or the repository is missing.
pub fn of_manifest(doing: &str, answer: &Answer, registry: &str, repository: &str, what: &str) -> Error {
    if is_a_page(answer) {
        return of(doing, answer, registry, None);
    }
    if says(answer, NO_REPOSITORY) {
        let hint = "Is the name right? A repository comes into being when something is pushed to it.";
        return finish(doing, &format!("{registry} has no repository {repository}"), hint, answer);
    }
    let is_registry = words(answer).is_some() || answer.headers.contains_key("docker-distribution-api-version");
    let doubt = if is_registry { "" } else { "It does not answer as registries do: is there one at that address?" };
    finish(doing, &format!("{repository} at {registry} has no {what}"), doubt, answer)
}

fn finish(doing: &str, what: &str, hint: &str, answer: &Answer) -> Error {
    let mut error = Error::new(format!("{doing}: {what}"));
    if let Some(words) = words(answer) {
        error = error.hint(format!("The answer says: {words}"));
    }
    if hint.is_empty() { error } else { error.hint(hint) }
}
