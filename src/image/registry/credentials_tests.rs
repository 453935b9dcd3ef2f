//! Tests of `credentials`: files as docker and podman write them.

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
