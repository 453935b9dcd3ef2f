//! Who the user is to a registry: files and helpers in which docker and podman keep it, and
//! boxlab's own file.
//!
//! Each file is a table of registries, `auths`, with `user:password` in base64, which hides
//! nothing; or it names a helper, a program `docker-credential-NAME` that asks the desktop's
//! keyring. See containers-auth.json(5), docker-login(1), and
//! <https://github.com/docker/docker-credential-helpers>.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

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
        let Some(file) = read(&path, settings)? else { continue };
        if let Some(found) = of_file(&file, registry, repository, &path)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A file; `None`: there is none. One of somebody else's programs which this user may not
/// read is not meant for them.
fn read(path: &Path, settings: &Settings) -> Result<Option<AuthFile>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path != own_file(settings) => return Ok(None),
        other => other.or_fail(|| format!("cannot read {}", path.display()))?,
    };
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&text).map(Some).map_err(|error| garbled(path, &error))
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

/// Keeps a name and a password in boxlab's own file, and says which that is. What else is
/// in it stays; nobody else may read it.
pub fn store(registry: &str, user: &str, password: &Secret, settings: &Settings) -> Result<PathBuf> {
    let auth = BASE64_STANDARD.encode(format!("{user}:{}", password.expose()));
    change(settings, |auths| {
        auths.retain(|key, _| normal(key) != host(registry));
        auths.insert(key(registry), json!({ "auth": auth }));
    })
}

/// Forgets a registry, and says in which other files it is still known.
pub fn forget(registry: &str, settings: &Settings) -> Result<(bool, Vec<PathBuf>)> {
    let mut known = false;
    if own_file(settings).exists() {
        change(settings, |auths| {
            let before = auths.len();
            auths.retain(|key, _| normal(key) != host(registry));
            known = auths.len() < before;
        })?;
    }
    let mut elsewhere = Vec::new();
    for path in files(settings).into_iter().skip(1) {
        if let Some(file) = read(&path, settings)?
            && (file.auths.keys().any(|key| host(key) == host(registry))
                || file.helpers.keys().any(|key| host(key) == host(registry)))
        {
            elsewhere.push(path);
        }
    }
    Ok((known, elsewhere))
}

/// How a registry is called in these files.
fn key(registry: &str) -> String {
    if host(registry) == DEFAULT_REGISTRY { HUB.to_owned() } else { host(registry) }
}

/// Changes the table of registries in boxlab's own file: whole or not at all, and one
/// process at a time.
fn change(settings: &Settings, change: impl FnOnce(&mut Map<String, Value>)) -> Result<PathBuf> {
    let path = own_file(settings);
    // A link stays a link.
    let path = fs::canonicalize(&path).unwrap_or(path);
    let doing = || format!("cannot write {}", path.display());
    let directory = path.parent().unwrap_or(Path::new("."));
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    fs::create_dir_all(directory).or_fail(doing)?;
    let held = File::open(directory).or_fail(doing)?;
    held.lock().or_fail(doing)?;
    let text = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other.or_fail(|| format!("cannot read {}", path.display()))?,
    };
    let text = if text.trim_ascii().is_empty() { b"{}".to_vec() } else { text };
    let mut file: Map<String, Value> = serde_json::from_slice(&text).map_err(|error| garbled(&path, &error))?;
    let auths = file.entry("auths").or_insert_with(|| json!({}));
    change(auths.as_object_mut().ok_or_else(|| Error::new(format!("{}: `auths` is no table", doing())))?);
    let mut written = tempfile::NamedTempFile::new_in(directory).or_fail(doing)?; // with mode 0600
    let text = serde_json::to_vec_pretty(&file).map_err(io::Error::other).or_fail(doing)?;
    written.write_all(&text).and_then(|()| written.as_file().sync_all()).or_fail(doing)?;
    written.persist(&path).map_err(|error| error.error).or_fail(doing)?;
    Ok(path)
}

/// The message of the parser could show a part of the file.
fn garbled(path: &Path, error: &serde_json::Error) -> Error {
    Error::new(format!("cannot understand {} in line {}", path.display(), error.line()))
        .hint("It must be JSON as docker-login(1) writes it.")
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

    #[test]
    fn what_is_kept_is_found_again_and_hidden_from_others() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/auth.json");
        let settings = settings(&path);
        let password = Secret::new("p:w");
        store("docker.io", "me", &password, &settings).unwrap();
        fs::write(&path, fs::read_to_string(&path).unwrap().replacen('{', r#"{"other":1,"#, 1)).unwrap();
        store("h:1", "you", &password, &settings).unwrap();
        store("h:1", "you2", &password, &settings).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("other") && text.contains(HUB) && !text.contains("p:w"), "{text}");
        let user = |registry| match find(registry, "x", &settings).unwrap() {
            Some(Credentials::Password { user, password }) => format!("{user} {}", password.expose()),
            other => format!("{other:?}"),
        };
        assert_eq!([user("docker.io"), user("h:1")], ["me p:w", "you2 p:w"]);
        assert_eq!(forget("h:1", &settings).unwrap(), (true, Vec::new()));
        assert_eq!(forget("h:1", &settings).unwrap(), (false, Vec::new()));
        assert_eq!([user("docker.io"), user("h:1")], ["me p:w", "None"]);
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
