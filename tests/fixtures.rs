//! The fixtures of the tests of images do what they promise: else a test that rests on
//! them would say nothing.

mod common;
mod support;

use std::process::{Command, ExitCode};

use common::fault_proxy::{Cdn, Fault, FaultProxy};
use common::http::ask;
use common::images::{self, Family, Image, Layer, Packing, digest};
use common::registry::{DockerRegistry, must};
use common::token_service::{Answers, TokenService};
use libtest_mimic::Failed;
use support::check;

type Outcome = Result<(), Failed>;

const ACCEPT: (&str, &str) = (
    "Accept",
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json",
);

fn main() -> ExitCode {
    support::main(vec![
        ("images_of_all_kinds_are_accepted", images_of_all_kinds_are_accepted),
        ("other_tools_read_them", other_tools_read_them),
        ("a_password_is_asked_for", a_password_is_asked_for),
        ("a_token_is_asked_for", a_token_is_asked_for),
        ("tls_is_spoken", tls_is_spoken),
        ("faults_happen_as_ordered", faults_happen_as_ordered),
        ("blobs_come_from_elsewhere", blobs_come_from_elsewhere),
        ("a_debian_is_made", a_debian_is_made),
    ])
}

fn images_of_all_kinds_are_accepted() -> Outcome {
    let registry = DockerRegistry::start()?;
    for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
        for family in [Family::Oci, Family::Docker] {
            let image = images::tiny(packing, family);
            image.push(&registry.address, "tiny", "1")?;
            let answer = ask(&registry.address, "GET", "/v2/tiny/manifests/1", &[ACCEPT], b"")?;
            check(digest(&answer.body) == image.digest(), format!("{packing:?} {family:?}: {}", answer.text()))?;
        }
    }
    let tall = images::layered(100, 1_000, Packing::Gzip, Family::Oci);
    tall.push(&registry.address, "tall", "1")?;
    let hollow = Image::new(&[Layer::empty(), Layer::empty()], Packing::Gzip, Family::Oci);
    hollow.push(&registry.address, "hollow", "1")?;
    let index = Image::index(&[("linux/amd64", &tall), ("linux/arm/v7", &hollow)], Family::Oci);
    index.push(&registry.address, "many", "1")?;
    let answer = ask(&registry.address, "GET", "/v2/many/manifests/1", &[ACCEPT], b"")?;
    check(answer.text().contains("\"variant\":\"v7\""), answer.text())
}

fn other_tools_read_them() -> Outcome {
    let registry = DockerRegistry::start()?;
    let image = images::layered(3, 2_000_000, Packing::Zstd, Family::Oci);
    image.push_by_skopeo(&registry.address, "layered:1", &[])?;
    let target = format!("docker://{}/layered:1", registry.address);
    let text = must(Command::new("skopeo").args(["inspect", "--tls-verify=false", &target]))?;
    check(String::from_utf8_lossy(&text).contains(image.digest()), "skopeo has pushed these very bytes")?;
    let scratch = support::scratch("fixtures-umoci");
    image.write_layout(&scratch.join("layout"), "1")?;
    let busybox = images::busybox()?;
    busybox.write_layout(&scratch.join("busybox"), "1")?;
    let source = format!("{}:1", scratch.join("busybox").display());
    let bundle = scratch.join("bundle").display().to_string();
    must(Command::new("umoci").args(["unpack", "--rootless", "--image", &source, &bundle]))?;
    let shell = std::fs::read_link(scratch.join("bundle/rootfs/bin/sh"))?;
    check(shell.as_os_str() == "busybox", "umoci has unpacked it")
}

fn a_password_is_asked_for() -> Outcome {
    let registry = DockerRegistry::plain().with_htpasswd("ann", "secret").start()?;
    let answer = ask(&registry.address, "GET", "/v2/", &[], b"")?;
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    check(answer.status == 401 && challenge.starts_with("Basic"), format!("{answer:?}"))?;
    let image = images::tiny(Packing::Gzip, Family::Oci);
    check(image.push(&registry.address, "tiny", "1").is_err(), "without the password")?;
    image.push_as(&registry.address, "tiny", "1", &[("Authorization", "Basic YW5uOnNlY3JldA==")])?;
    Ok(())
}

fn a_token_is_asked_for() -> Outcome {
    let answers = Answers { users: vec![("ann".into(), "secret".into())], ..Answers::default() };
    let registry = DockerRegistry::plain().with_token_service(TokenService::start(answers)?).start()?;
    let tokens = registry.tokens.as_ref().ok_or("a service")?;
    let answer = ask(&registry.address, "GET", "/v2/tiny/manifests/1", &[], b"")?;
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    check(answer.status == 401 && challenge.contains("repository:tiny:pull"), format!("{answer:?}"))?;
    let image = images::tiny(Packing::Gzip, Family::Oci);
    image.push_by_skopeo(&registry.address, "tiny:1", &["--dest-creds", "ann:secret"])?;
    let asked = tokens.asked();
    let pushed = |asked: &common::token_service::Asked| asked.scopes.iter().any(|scope| scope.contains("push"));
    check(asked.iter().any(|asked| pushed(asked) && asked.user.as_deref() == Some("ann")), format!("{asked:?}"))?;
    let pull = |wanted: &[&str]| {
        let mut skopeo = Command::new("skopeo");
        skopeo
            .args(["inspect", "--tls-verify=false"])
            .args(wanted)
            .arg(format!("docker://{}/tiny:1", registry.address));
        must(&mut skopeo).map(drop)
    };
    pull(&[])?;
    check(pull(&["--creds", "ann:wrong"]).is_err(), "a wrong password")?;
    tokens.change(|answers| answers.refuses = Some(403));
    check(pull(&[]).is_err(), "no token")?;
    tokens.change(|answers| (answers.refuses, answers.stale) = (None, 1));
    let token = || -> Result<String, Failed> {
        let realm = challenge.split('"').nth(1).unwrap_or_default().trim_start_matches("http://").to_owned();
        let (address, path) = realm.split_once('/').ok_or("a realm")?;
        let answer = ask(address, "GET", &format!("/{path}?scope=repository:tiny:pull"), &[], b"")?;
        let json: serde_json::Value = serde_json::from_slice(&answer.body)?;
        Ok(format!("Bearer {}", json["token"].as_str().ok_or("a token")?))
    };
    for (token, status) in [(token()?, 401), (token()?, 200)] {
        let headers = [ACCEPT, ("Authorization", token.as_str())];
        let answer = ask(&registry.address, "GET", "/v2/tiny/manifests/1", &headers, b"")?;
        check(answer.status == status, format!("{status}: {answer:?}"))?;
    }
    Ok(())
}

fn tls_is_spoken() -> Outcome {
    let registry = DockerRegistry::plain().with_tls().start()?;
    let url = format!("https://{}/v2/", registry.address);
    check(must(Command::new("curl").args(["-sf", &url])).is_err(), "nobody knows its authority")?;
    let authority = registry.authority().display().to_string();
    check(must(Command::new("curl").args(["-sf", "--cacert", &authority, &url]))? == b"{}", "with its authority")
}

fn faults_happen_as_ordered() -> Outcome {
    let registry = DockerRegistry::start()?;
    let proxy = FaultProxy::before(&registry.address)?;
    let image = images::layered(1, 100_000, Packing::Plain, Family::Oci);
    image.push(&proxy.address, "layered", "1")?;
    let (blob, bytes) = image.blobs.iter().max_by_key(|blob| blob.1.len()).ok_or("a layer")?;
    let get = || ask(&proxy.address, "GET", &format!("/v2/layered/blobs/{blob}"), &[], b"");
    check(get()?.body == *bytes, "nothing is wrong yet")?;
    let at = |fault| proxy.fail("GET", "/blobs/", 1, fault);
    at(Fault::Cut(50_000));
    let answer = get()?;
    let length = answer.header("content-length").map(str::to_owned);
    check(answer.body.len() == 50_000 && length == Some(bytes.len().to_string()), format!("cut: {length:?}"))?;
    at(Fault::Truncate(50_000));
    let answer = get()?;
    check(answer.body.len() == 50_000 && answer.header("content-length") == Some("50000"), "truncated")?;
    at(Fault::Corrupt(70_000));
    let body = get()?.body;
    let wrong: Vec<usize> = (0..bytes.len()).filter(|place| body[*place] != bytes[*place]).collect();
    check(wrong == [70_000], format!("one byte: {wrong:?}"))?;
    proxy.fail_after(1, "GET", "/blobs/", 2, Fault::Status(429, vec![("retry-after", "1".into())]));
    let statuses = [get()?, get()?, get()?, get()?].map(|answer| answer.status);
    check(statuses == [200, 429, 429, 200], format!("{statuses:?}"))?;
    let head = ask(&proxy.address, "HEAD", &format!("/v2/layered/blobs/{blob}"), &[], b"")?;
    check(head.status == 200 && head.header("content-length") == Some(&bytes.len().to_string()), "HEAD")?;
    let lines = proxy.lines();
    check(lines.iter().filter(|line| line.starts_with("GET /v2/layered/blobs/")).count() == 8, format!("{lines:?}"))
}

fn blobs_come_from_elsewhere() -> Outcome {
    let registry = DockerRegistry::start()?;
    let (proxy, cdn) = (FaultProxy::before(&registry.address)?, Cdn::over(registry.storage())?);
    let image = images::tiny(Packing::Gzip, Family::Oci);
    image.push(&proxy.address, "tiny", "1")?;
    proxy.fail("GET", "/blobs/", usize::MAX, Fault::Redirect(cdn.address.clone()));
    let (blob, bytes) = image.blobs.iter().next().ok_or("a blob")?;
    let target = format!("/v2/tiny/blobs/{blob}");
    let sent = ask(&proxy.address, "GET", &target, &[], b"")?;
    let location = format!("http://{}{target}", cdn.address);
    check(sent.status == 307 && sent.header("location") == Some(&location), format!("{sent:?}"))?;
    let part = ask(&cdn.address, "GET", &target, &[("Range", "bytes=3-5")], b"")?;
    check(part.status == 206 && part.body == bytes[3..6], format!("{part:?}"))?;
    let secret = ask(&cdn.address, "GET", &target, &[("Authorization", "Bearer x")], b"")?;
    check(secret.status == 400 && cdn.requests().len() == 2, "it tolerates no credentials")
}

fn a_debian_is_made() -> Outcome {
    let archive = images::debian_archive()?;
    let names = must(Command::new("tar").arg("-tf").arg(archive))?;
    check(String::from_utf8_lossy(&names).lines().any(|name| name.ends_with("usr/bin/apt-get")), "apt is in it")
}
