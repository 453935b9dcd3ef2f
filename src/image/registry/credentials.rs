//! Who the user is to a registry: files and helpers in which docker and podman keep it, and
//! boxlab's own file.
//!
//! Each file is a table of registries, `auths`, with `user:password` in base64, which hides
//! nothing; or it names a helper, a program `docker-credential-NAME` that asks the desktop's
//! keyring. See containers-auth.json(5), docker-login(1), and
//! <https://github.com/docker/docker-credential-helpers>.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::Settings;
use super::secret::{Secret, tamed};
use crate::error::{Error, IoContext, Result};
use crate::image::reference::DEFAULT_REGISTRY;
use crate::kernel::euid;
use crate::paths;

/// How Docker Hub is called in these files, since the days of its first version.
pub const HUB: &str = "https://index.docker.io/v1/";
/// What a helper says if it knows nothing.
const UNKNOWN: &str = "credentials not found";
/// As the name of a user it says that the password is a token for tokens.
const TOKEN_USER: &str = "<token>";

/// What is told to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A name and a password.
    Password {
        /// The name.
        user: String,
        /// The password, or a personal access token.
        password: Secret,
    },
    /// A token that gets other tokens (OAuth 2, RFC 6749, section 6).
    Identity(Secret),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthFile {
    auths: BTreeMap<String, Auth>,
    #[serde(rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    #[serde(rename = "identitytoken")]
    identity_token: Option<String>,
}

/// What a helper prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

/// Where `boxlab login` keeps what it is told.
pub fn own_file(settings: &Settings) -> PathBuf {
    settings.auth_file.clone().unwrap_or_else(|| paths::config().join("auth.json"))
}

/// The files that are looked at, in order.
fn files(settings: &Settings) -> Vec<PathBuf> {
    if let Some(file) = &settings.auth_file {
        return vec![file.clone()];
    }
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = variable("HOME").unwrap_or_else(|| "/".into());
    let run = variable("XDG_RUNTIME_DIR").map(|run| run.join("containers"));
    let run = run.unwrap_or_else(|| format!("/run/containers/{}", euid()).into());
    let config = variable("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")).join("containers");
    let docker = variable("DOCKER_CONFIG").unwrap_or_else(|| home.join(".docker"));
    vec![own_file(settings), run.join("auth.json"), config.join("auth.json"), docker.join("config.json")]
}

/// What is known for a registry, or for one of its repositories.
pub fn find(registry: &str, repository: &str, settings: &Settings) -> Result<Option<Credentials>> {
    for path in files(settings) {
        let Some(file) = read(&path)? else { continue };
        if let Some(found) = of_file(&file, registry, repository, &path)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A file; `None`: there is none, or none that this user may read.
fn read(path: &Path) -> Result<Option<AuthFile>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        other => other.or_fail(|| format!("cannot read {}", path.display()))?,
    };
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    // The message of the parser could show a part of the file.
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        Error::new(format!("cannot understand {} in line {}", path.display(), error.line()))
            .hint("It must be JSON as docker-login(1) writes it.")
    })
}

fn of_file(file: &AuthFile, registry: &str, repository: &str, path: &Path) -> Result<Option<Credentials>> {
    let helper = file.helpers.iter().find(|(key, _)| host(key) == host(registry)).map(|(_, helper)| helper);
    if let Some(helper) = helper {
        return ask_helper(helper, registry);
    }
    let entry = file.auths.iter().filter(|(key, _)| covers(key, registry, repository));
    let entry = entry.max_by_key(|(key, _)| normal(key).len()).map(|(_, auth)| auth.clone());
    match (entry.and_then(|auth| of_entry(auth, path).transpose()), &file.store) {
        (Some(found), _) => found.map(Some),
        (None, Some(store)) => ask_helper(store, registry),
        (None, None) => Ok(None),
    }
}

/// `https://index.docker.io/v1/` → `docker.io`; `localhost:5000/a` stays.
fn normal(key: &str) -> String {
    let key = key.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let key = key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key);
    let (host, path) = key.split_once('/').map_or((key, None), |(host, path)| (host, Some(path)));
    let host = match host {
        "index.docker.io" | "registry-1.docker.io" => DEFAULT_REGISTRY,
        other => other,
    };
    path.map_or_else(|| host.to_owned(), |path| format!("{host}/{path}"))
}

fn host(key: &str) -> String {
    normal(key).split('/').next().unwrap_or_default().to_owned()
}

/// A key may be for a part of a registry alone.
fn covers(key: &str, registry: &str, repository: &str) -> bool {
    let key = normal(key);
    let whole = format!("{}/{repository}", host(registry));
    whole.strip_prefix(&key).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `None`: the entry is empty, as docker leaves it when a helper has the password.
fn of_entry(auth: Auth, path: &Path) -> Result<Option<Credentials>> {
    if let Some(token) = auth.identity_token.filter(|token| !token.is_empty()) {
        return Ok(Some(Credentials::Identity(Secret::new(token))));
    }
    if let (Some(user), Some(password)) = (auth.username, auth.password) {
        return Ok(Some(Credentials::Password { user, password: Secret::new(password) }));
    }
    let Some(encoded) = auth.auth.filter(|auth| !auth.is_empty()) else { return Ok(None) };
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
    let Some((user, password)) = pair else {
        return Err(Error::new(format!("cannot understand an entry of {}", path.display()))
            .hint("`auth` must be USER:PASSWORD in base64. `boxlab login` writes it anew."));
    };
    let password = Secret::new(password.trim_end_matches('\0'));
    Ok(Some(Credentials::Password { user: user.to_owned(), password }))
}

fn ask_helper(name: &str, registry: &str) -> Result<Option<Credentials>> {
    let program = format!("docker-credential-{name}");
    let failed = |why: &str| {
        Error::new(format!("cannot get the credentials for {registry} from {program}: {why}"))
            .hint("A file of docker or podman names this helper. `boxlab login` keeps credentials without one.")
    };
    if name.contains('/') {
        return Err(failed("its name is a path"));
    }
    let server = if registry == DEFAULT_REGISTRY { HUB } else { registry };
    let mut piped = Command::new(&program);
    piped.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = piped.spawn().map_err(|error| failed(&error.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        // One that asks nothing need not read.
        let _ = input.write_all(server.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| failed(&error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return if text.contains(UNKNOWN) { Ok(None) } else { Err(failed(&tamed(&text))) };
    }
    let helped: Helped = serde_json::from_str(&text).map_err(|_| failed("it prints no JSON"))?;
    let secret = Secret::new(helped.secret);
    Ok(Some(match helped.username.as_str() {
        TOKEN_USER => Credentials::Identity(secret),
        _ => Credentials::Password { user: helped.username, password: secret },
    }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn settings(file: &Path) -> Settings {
        Settings { auth_file: Some(file.to_owned()), ..Settings::new(BTreeMap::new()) }
    }

    fn found(json: &str, registry: &str, repository: &str) -> Result<Option<Credentials>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), json).unwrap();
        find(registry, repository, &settings(file.path()))
    }

    fn user(json: &str, registry: &str, repository: &str) -> Option<String> {
        match found(json, registry, repository).unwrap() {
            Some(Credentials::Password { user, password }) => Some(format!("{user}:{}", password.expose())),
            Some(Credentials::Identity(token)) => Some(format!("token {}", token.expose())),
            None => None,
        }
    }

    fn auth(text: &str) -> String {
        format!(r#"{{"auth":"{}"}}"#, BASE64_STANDARD.encode(text))
    }

    #[test]
    fn keys_are_written_in_many_ways() {
        for key in ["docker.io", "https://index.docker.io/v1/", "index.docker.io", "docker.io/library"] {
            let json = format!(r#"{{"auths":{{"{key}":{}}}}}"#, auth("me:p:w"));
            assert_eq!(user(&json, "docker.io", "library/debian").as_deref(), Some("me:p:w"), "{key}");
            assert_eq!(user(&json, "quay.io", "library/debian"), None);
        }
    }

    #[test]
    fn the_nearest_key_counts() {
        let json = format!(
            r#"{{"auths":{{"h:1":{},"h:1/a":{},"h:1/a/b":{},"h:1/ab":{}}}}}"#,
            auth("0:x"),
            auth("1:x"),
            auth("2:x"),
            auth("3:x")
        );
        let of = |repository| user(&json, "h:1", repository).unwrap();
        assert_eq!([of("z"), of("a"), of("a/c"), of("a/b/c"), of("ab")], ["0:x", "1:x", "1:x", "2:x", "3:x"]);
        assert_eq!(user(&json, "h:2", "a"), None);
    }

    #[test]
    fn tokens_and_empty_entries() {
        assert_eq!(user(r#"{"auths":{"h":{"identitytoken":"t"}}}"#, "h", "x").as_deref(), Some("token t"));
        assert_eq!(user(r#"{"auths":{"h":{}},"other":1}"#, "h", "x"), None);
        assert_eq!(user("", "h", "x"), None);
    }

    #[test]
    fn nonsense_is_named_and_not_shown() {
        for json in [r#"{"auths":{"h":{"auth":"hunter2"}}}"#, r#"{"auths":"hunter2"}"#, "hunter2"] {
            let error = found(json, "h", "x").unwrap_err();
            assert!(error.to_string().contains("cannot understand") && !format!("{error:?}").contains("hunter2"));
        }
    }

    /// A helper is found by $PATH, which belongs to the whole process: so it is asked by a
    /// child of this test with a $PATH of its own.
    #[test]
    fn helpers_are_asked() {
        if let Some(directory) = env::var_os("BOXLAB_TEST_HELPER") {
            let config = Path::new(&directory).join("config.json");
            let settings = settings(&config);
            let found = find("h:1", "x", &settings).unwrap();
            assert_eq!(found, Some(Credentials::Password { user: "me".into(), password: Secret::new("pw of h:1") }));
            assert_eq!(find("docker.io", "x", &settings).unwrap(), None);
            assert!(find("broken", "x", &settings).unwrap_err().to_string().contains("docker-credential-gone"));
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let helper = directory.path().join("docker-credential-test");
        let script = "#!/bin/sh\nread server\ncase $server in h:1) echo \"{\\\"Username\\\":\\\"me\\\",\\\"Secret\\\":\\\"pw of $server\\\"}\";; *) echo credentials not found in native keychain; exit 1;; esac\n";
        fs::write(&helper, script).unwrap();
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
        let config = r#"{"credsStore":"test","credHelpers":{"broken":"gone"},"auths":{"h:1":{}}}"#;
        fs::write(directory.path().join("config.json"), config).unwrap();
        let path = format!("{}:/usr/bin:/bin", directory.path().display());
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "image::registry::credentials::tests::helpers_are_asked"])
            .env("PATH", path)
            .env("BOXLAB_TEST_HELPER", directory.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }
}
