//! Asking for manifests: `boxlab manifest inspect`.

use serde_json::Value;

use boxlab::image::registry::Access;

use super::common::fault_proxy::{Fault, FaultProxy};
use super::common::http::{Answer, Server};
use super::common::images::{self, Family, Image, Packing};
use super::common::registry::DockerRegistry;
use super::support::{Named, check};
use super::{Outcome, client, connect, fails, prints, ran};

pub const TRIALS: &[Named] = &[
    ("a_manifest_is_one_request", a_manifest_is_one_request),
    ("all_platforms_are_listed", all_platforms_are_listed),
    ("what_is_missing_is_named", what_is_missing_is_named),
    ("a_registry_that_is_down", a_registry_that_is_down),
    ("what_is_no_registry", what_is_no_registry),
    ("another_content_than_asked_for_is_refused", another_content_than_asked_for_is_refused),
    ("heads_tell_the_digest", heads_tell_the_digest),
    ("tags_come_in_lists", tags_come_in_lists),
    ("a_hostile_registry_can_t_draw_on_the_terminal", a_hostile_registry_can_t_draw_on_the_terminal),
];

fn json(text: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

fn a_manifest_is_one_request() -> Outcome {
    let registry = DockerRegistry::start()?;
    let proxy = FaultProxy::before(&registry.address)?;
    for family in [Family::Oci, Family::Docker] {
        let image = images::tiny(Packing::Gzip, family);
        image.push(&registry.address, "tiny", "1")?;
        proxy.forget();
        let shown = prints(ran("inspect", &["manifest", "inspect", &format!("{}/tiny:1", proxy.address)]))?;
        check(json(shown.as_bytes())? == json(image.document())?, format!("{shown} is not the manifest"))?;
        check(proxy.lines() == ["GET /v2/tiny/manifests/1"], format!("{:?}", proxy.lines()))?;
        let by_digest = format!("{}/tiny@{}", proxy.address, image.digest());
        check(prints(ran("inspect", &["manifest", "inspect", &by_digest]))? == shown, "by its digest it is the same")?;
    }
    Ok(())
}

fn all_platforms_are_listed() -> Outcome {
    let registry = DockerRegistry::start()?;
    let image = images::tiny(Packing::Gzip, Family::Oci);
    let index = Image::index(&[("linux/amd64", &image), ("linux/arm/v7", &image)], Family::Oci);
    index.push(&registry.address, "many", "1")?;
    let name = format!("{}/many:1", registry.address);
    let table = prints(ran("platforms", &["manifest", "inspect", "--format", "table", &name]))?;
    for word in ["PLATFORM", "linux/amd64", "linux/arm/v7", image.digest(), index.digest()] {
        check(table.contains(word), format!("{word}: {table}"))?;
    }
    Ok(())
}

fn what_is_missing_is_named() -> Outcome {
    let registry = DockerRegistry::start()?;
    images::tiny(Packing::Gzip, Family::Oci).push(&registry.address, "tiny", "bookworm")?;
    let inspect = |name: &str| ran("missing", &["manifest", "inspect", &format!("{}/{name}", registry.address)]);
    fails(&inspect("tiny:bookwurm"), &["has no tag bookwurm", "Did you mean", "tiny:bookworm?"])?;
    fails(&inspect("tiny"), &["has no tag latest", "It has: bookworm"])?;
    fails(&inspect("tinny:bookworm"), &["has no repository tinny"])?;
    let digest = images::digest(b"nothing");
    fails(&inspect(&format!("tiny@{digest}")), &["has no manifest", &digest])
}

fn a_registry_that_is_down() -> Outcome {
    let address = {
        let gone = std::net::TcpListener::bind("127.0.0.1:0")?;
        gone.local_addr()?.to_string()
    };
    let ran = ran("down", &["manifest", "inspect", &format!("{address}/x")]);
    fails(&ran, &["nothing listens at", &address, "Is the registry running"])
}

fn what_is_no_registry() -> Outcome {
    let page = Server::answering(|_| Answer::new(404, "text/html", "<html>404</html>"))?;
    let ran_at = |address: &dyn std::fmt::Display| ran("page", &["manifest", "inspect", &format!("{address}/x")]);
    fails(&ran_at(&page.address), &["a web page", "Is there a registry"])?;
    let polite = Server::answering(|_| Answer::new(200, "text/html", "<html>welcome</html>"))?;
    fails(&ran_at(&polite.address), &["cannot understand the manifest", "web page"])?;
    let babble = Server::start(|mut stream| {
        let _ = std::io::Read::read(&mut stream, &mut [0; 100]);
        let _ = std::io::Write::write_all(&mut stream, b"220 mail.example ESMTP\r\n");
    })?;
    fails(&ran_at(&babble.address), &["does not speak HTTP"])
}

/// W4
fn another_content_than_asked_for_is_refused() -> Outcome {
    let registry = DockerRegistry::start()?;
    let image = images::tiny(Packing::Gzip, Family::Oci);
    image.push(&registry.address, "tiny", "1")?;
    let proxy = FaultProxy::before(&registry.address)?;
    proxy.fail("GET", "manifests/", 2, Fault::Corrupt(20));
    let by_digest = ran("w4", &["manifest", "inspect", &format!("{}/tiny@{}", proxy.address, image.digest())]);
    fails(&by_digest, &["does not send what was asked for", image.digest(), "sent      sha256:"])?;
    let named: Vec<&str> = by_digest.stderr.matches("sha256:").collect();
    check(named.len() >= 3, format!("both digests: {by_digest:?}"))?;
    // Also a tag: what arrives must be what the registry itself says that it sends.
    fails(
        &ran("w4", &["manifest", "inspect", &format!("{}/tiny:1", proxy.address)]),
        &["does not send", image.digest()],
    )
}

fn heads_tell_the_digest() -> Outcome {
    let registry = DockerRegistry::start()?;
    let image = images::tiny(Packing::Gzip, Family::Oci);
    image.push(&registry.address, "tiny", "1")?;
    let (client, told) = connect(&format!("{}/tiny", registry.address), Access::Pull)?;
    let head = client.head_manifest("1").map_err(|error| error.to_string())?.ok_or("there is one")?;
    check(
        head.digest.to_string() == image.digest() && head.size == image.document().len() as u64,
        format!("{head:?}"),
    )?;
    check(told.statuses() == [200], "one round trip")?;
    check(client.head_manifest("2").map_err(|error| error.to_string())?.is_none(), "none is no error")?;
    // A registry that does not say it must send the whole.
    let document = image.document().to_vec();
    let terse = Server::answering(move |_| Answer::new(200, "application/json", document.clone()))?;
    let (client, told) = connect(&format!("{}/tiny", terse.address), Access::Pull)?;
    let head = client.head_manifest("1").map_err(|error| error.to_string())?.ok_or("there is one")?;
    check(head.digest.to_string() == image.digest() && told.statuses() == [200, 200], format!("{head:?}"))
}

fn tags_come_in_lists() -> Outcome {
    let server = Server::answering(|request| {
        let (body, more) = match request.target.as_str() {
            "/v2/x/tags/list" => (r#"{"name":"x","tags":["a","b"]}"#, true),
            "/v2/x/tags/list?last=b&n=2" => (r#"{"name":"x","tags":["c"]}"#, false),
            _ => (r#"{"name":"x","tags":null}"#, false),
        };
        let answer = Answer::new(200, "application/json", body);
        if more { answer.with("link", "</v2/x/tags/list?last=b&n=2>; rel=\"next\"") } else { answer }
    })?;
    let (client, _) = connect(&format!("{}/x", server.address), Access::Pull)?;
    let tags = client.tags().map_err(|error| error.to_string())?;
    check(tags == ["a", "b", "c"], format!("{tags:?}"))?;
    let (client, _) = connect(&format!("{}/y", server.address), Access::Pull)?;
    check(client.tags().map_err(|error| error.to_string())?.is_empty(), "null is none")
}

fn a_hostile_registry_can_t_draw_on_the_terminal() -> Outcome {
    let body = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"\\u001b]0;owned\\u0007\\u001b[2Jx\\u202e\"}]}";
    let server = Server::answering(move |_| Answer::new(403, "application/json", body))?;
    let name = format!("{}/x", server.address);
    let output = client("hostile").args(["--trace", "full", "manifest", "inspect", &name]).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    check(said.contains("DENIED") && !said.contains(['\u{1b}', '\u{7}', '\u{202e}']), format!("{said:?}"))
}
