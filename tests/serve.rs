//! `boxlab registry serve`: a registry that other tools push to and pull from, that keeps to
//! the specification, serves a class at once, and leaves the store whole whatever happens.

mod common;
mod support;

#[path = "serve/mirror.rs"]
mod mirror;
#[path = "serve/protocol.rs"]
mod protocol;
#[path = "serve/server.rs"]
mod server;

use std::fs;
use std::io::{BufReader, Write};
use std::process::{Command, ExitCode};

use common::http::{Answer, ask, connect, read_answer};
use common::images::{self, Family, Image, Layer, Packing};
use common::registry::must;
use libtest_mimic::Failed;
use server::Serving;
use support::{check, scratch};

pub type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    support::main(vec![
        ("skopeo_pushes_and_pulls", skopeo_pushes_and_pulls),
        ("images_of_many_platforms_stay_whole", images_of_many_platforms_stay_whole),
        ("podman_pulls_and_runs", podman_pulls_and_runs),
        ("boxlab_pulls_and_pushes", boxlab_pulls_and_pushes),
        ("the_store_is_served_under_short_names", the_store_is_served_under_short_names),
        ("a_class_pulls_at_once", a_class_pulls_at_once),
        ("killed_during_an_upload_the_store_is_whole", killed_during_an_upload_the_store_is_whole),
        ("ctrl_c_ends_it_cleanly", ctrl_c_ends_it_cleanly),
        ("it_listens_beyond_this_machine_only_when_told", it_listens_beyond_this_machine_only_when_told),
        ("a_port_in_use_is_an_error_with_a_remedy", a_port_in_use_is_an_error_with_a_remedy),
        ("a_full_disk_is_said_and_given_back", a_full_disk_is_said_and_given_back),
        ("a_silent_client_holds_nobody_up", a_silent_client_holds_nobody_up),
        ("pings_and_unknown_things", protocol::pings_and_unknown_things),
        ("ranges", protocol::ranges),
        ("uploads", protocol::uploads),
        ("uploads_in_pieces", protocol::uploads_in_pieces),
        ("manifests_are_looked_at", protocol::manifests_are_looked_at),
        ("tags_and_catalog_come_in_pages", protocol::tags_and_catalog_come_in_pages),
        ("images_are_deleted_by_whoever_pushed_them", protocol::images_are_deleted_by_whoever_pushed_them),
        ("bodies_and_connections", protocol::bodies_and_connections),
        ("paths_lead_nowhere_else", protocol::paths_lead_nowhere_else),
        ("what_is_pushed_by_whom", protocol::what_is_pushed_by_whom),
        ("a_mirror_fetches_once", mirror::a_mirror_fetches_once),
        ("a_mirror_hands_on_while_it_arrives", mirror::a_mirror_hands_on_while_it_arrives),
        ("a_mirror_notices_what_is_wrong", mirror::a_mirror_notices_what_is_wrong),
        ("a_mirror_outlives_its_registry", mirror::a_mirror_outlives_its_registry),
    ])
}

fn skopeo(words: &[&str]) -> Result<String, String> {
    let output = must(Command::new("skopeo").arg("--insecure-policy").args(words))?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

fn skopeo_pushes_and_pulls() -> Outcome {
    let serving = Serving::start("skopeo", &[])?;
    let place = scratch("skopeo-layouts");
    for (name, packing) in [("plain", Packing::Plain), ("gzip", Packing::Gzip), ("zstd", Packing::Zstd)] {
        let image = images::layered(3, 300_000, packing, Family::Oci);
        image.push_by_skopeo(&serving.address, &format!("team/{name}:1"), &["--preserve-digests"])?;
        let source = format!("docker://{}/team/{name}:1", serving.address);
        let text = skopeo(&["inspect", "--tls-verify=false", &source])?;
        check(text.contains(image.digest()), format!("the digest is kept: {text}"))?;
        let target = place.join(name);
        skopeo(&[
            "copy",
            "--preserve-digests",
            "--src-tls-verify=false",
            &source,
            &format!("oci:{}:1", target.display()),
        ])?;
        for (digest, bytes) in &image.blobs {
            let path = target.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
            check(fs::read(&path)? == *bytes, format!("{digest} of {name}"))?;
        }
        let listed = serving.boxlab(&["images"])?;
        check(listed.contains(&format!("{}/team/{name}", serving.address)), listed)?;
    }
    // Docker's own media types come back as they went.
    let image = images::tiny(Packing::Gzip, Family::Docker);
    image.push(&serving.address, "docker", "1")?;
    let source = format!("docker://{}/docker:1", serving.address);
    let raw = skopeo(&["inspect", "--raw", "--tls-verify=false", &source])?;
    check(raw.as_bytes() == image.document(), raw)?;
    let tags = skopeo(&["list-tags", "--tls-verify=false", &format!("docker://{}/docker", serving.address)])?;
    check(tags.contains("\"1\""), tags)
}

fn images_of_many_platforms_stay_whole() -> Outcome {
    let serving = Serving::start("platforms", &[])?;
    let of = |number, architecture| {
        let layers = images::layers(number..number + 1, 10_000);
        Image::with(&layers, Packing::Gzip, Family::Oci, architecture, serde_json::json!({}))
    };
    let (here, there) = (of(0, images::architecture()), of(1, "s390x"));
    let platform = format!("linux/{}", images::architecture());
    let index = Image::index(&[("linux/s390x", &there), (&platform, &here)], Family::Oci);
    index.push_by_skopeo(&serving.address, "many:1", &[])?;
    let text = skopeo(&["inspect", "--raw", "--tls-verify=false", &format!("docker://{}/many:1", serving.address)])?;
    check(text.as_bytes() == index.document(), format!("the index comes back: {text}"))?;
    let copied = format!("oci:{}:1", scratch("many-layout").display());
    skopeo(&["copy", "--all", "--src-tls-verify=false", &format!("docker://{}/many:1", serving.address), &copied])?;
    // In the store the name stands for the image of this machine.
    let inspected = serving.boxlab(&["inspect", &format!("{}/many:1", serving.address)])?;
    check(inspected.contains(&here.manifests[0].0.digest) || inspected.contains(index.digest()), &inspected)?;
    check(inspected.contains(images::architecture()) && !inspected.contains("s390x"), inspected)?;
    // A client that knows no index gets a manifest.
    let manifest = ("Accept", "application/vnd.oci.image.manifest.v1+json");
    let answer = ask(&serving.address, "GET", "/v2/many/manifests/1", &[manifest], b"")?;
    check(images::digest(&answer.body) == here.digest(), answer.text())?;
    // Pruning takes none of it: the other machine's image is kept under its digest.
    serving.boxlab(&["image", "prune", "--force"])?;
    skopeo(&["copy", "--all", "--src-tls-verify=false", &format!("docker://{}/many:1", serving.address), &copied])?;
    Ok(())
}

fn podman_pulls_and_runs() -> Outcome {
    support::needs("podman")?;
    support::needs_root()?;
    let serving = Serving::start("podman", &[])?;
    images::busybox()?.push(&serving.address, "busybox", "1")?;
    let place = scratch("podman-storage");
    let podman = |words: &[&str]| {
        let mut podman = Command::new("podman");
        podman.arg("--root").arg(place.join("root")).arg("--runroot").arg(place.join("run"));
        podman.args(["--storage-driver", "vfs", "--events-backend", "none", "--cgroup-manager", "cgroupfs"]);
        must(podman.args(words)).map(|output| String::from_utf8_lossy(&output).into_owned())
    };
    let image = format!("{}/busybox:1", serving.address);
    podman(&["pull", "-q", "--tls-verify=false", &image])?;
    podman(&["push", "-q", "--tls-verify=false", &image, &format!("docker://{}/again:2", serving.address)])?;
    let pulled = podman(&["inspect", "--format", "{{.RootFS.Layers}}", &image])?;
    let pushed =
        serving.boxlab(&["inspect", "--format", "{{.RootFS.Layers}}", &format!("{}/again:2", serving.address)])?;
    check(pulled == pushed, format!("{pulled} {pushed}"))?;
    let ran = serving.boxlab(&["run", &format!("{}/again:2", serving.address), "cat", "/etc/passwd"])?;
    check(ran.starts_with("root:x:0:0"), ran)
}

fn boxlab_pulls_and_pushes() -> Outcome {
    let serving = Serving::start("teacher", &[])?;
    let image = images::busybox()?;
    image.push(&serving.address, "busybox", "1")?;
    let name = format!("{}/busybox:1", serving.address);
    let learner = scratch("learner");
    let learn = |words: &[&str]| -> Result<String, Failed> {
        let ran: support::Ran = support::boxlab().env("BOXLAB_ROOT", &learner).arg("-q").args(words).output()?.into();
        if ran.status == 0 { Ok(ran.stdout) } else { Err(format!("{words:?}: {ran:?}").into()) }
    };
    learn(&["pull", &name])?;
    check(learn(&["run", &name, "echo", "hello"])? == "hello\n", "what was pulled runs")?;
    let other = format!("{}/copy:2", serving.address);
    learn(&["tag", &name, &other])?;
    learn(&["push", &other])?;
    let raw = ask(&serving.address, "GET", "/v2/copy/manifests/2", &[], b"")?;
    check(images::digest(&raw.body) == image.digest(), raw.text())?;
    check(serving.boxlab(&["images"])?.contains(&format!("{}/copy", serving.address)), "it is listed")
}

fn the_store_is_served_under_short_names() -> Outcome {
    let serving = Serving::start("names", &[])?;
    images::tiny(Packing::Gzip, Family::Oci).push(&serving.address, "pushed", "1")?;
    let pushed = format!("{}/pushed:1", serving.address);
    for name in ["debian:12", "ghcr.io/owner/tool:3", "localhost:5000/x:1"] {
        serving.boxlab(&["tag", &pushed, name])?;
    }
    serving.boxlab(&["image", "host"])?;
    let catalog = ask(&serving.address, "GET", "/v2/_catalog", &[], b"")?.text();
    let expected = r#"{"repositories":["host","library/debian","owner/tool","pushed","x"]}"#;
    check(catalog == expected, catalog)?;
    for (repository, tag) in [("library/debian", "12"), ("owner/tool", "3"), ("x", "1"), ("host", "latest")] {
        let answer = ask(&serving.address, "HEAD", &format!("/v2/{repository}/manifests/{tag}"), &[], b"")?;
        check(answer.status == 200, format!("{repository}:{tag}: {answer:?}"))?;
    }
    // What is pushed here counts more than what came from elsewhere.
    let other = images::layered(1, 1_000, Packing::Plain, Family::Oci);
    other.push(&serving.address, "library/debian", "12")?;
    let answer = ask(&serving.address, "HEAD", "/v2/library/debian/manifests/12", &[], b"")?;
    check(answer.header("docker-content-digest") == Some(other.digest()), format!("{answer:?}"))
}

fn a_class_pulls_at_once() -> Outcome {
    const LEARNERS: usize = 30;
    let serving = Serving::start("class", &[])?;
    let image = images::layered(4, 1_000_000, Packing::Plain, Family::Oci);
    image.push(&serving.address, "layered", "1")?;
    let pull = || -> Result<(), String> {
        ask(&serving.address, "GET", "/v2/layered/manifests/1", &[], b"")?;
        for (digest, bytes) in &image.blobs {
            let answer = ask(&serving.address, "GET", &format!("/v2/layered/blobs/{digest}"), &[], b"")?;
            if answer.body != *bytes {
                return Err(format!("{digest}: {} of {} bytes", answer.body.len(), bytes.len()));
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let learners: Vec<_> = (0..LEARNERS).map(|_| scope.spawn(pull)).collect();
        learners.into_iter().try_for_each(|learner| learner.join().expect("no learner panics"))
    })?;
    let peak = serving.peak_memory()?;
    check(peak < 64 << 10, format!("{peak} KiB were used"))
}

/// Starts an upload and sends a part of it; the connection stays open.
fn half_an_upload(serving: &Serving) -> Result<std::net::TcpStream, Failed> {
    let started = ask(&serving.address, "POST", "/v2/half/blobs/uploads/", &[], b"")?;
    let location = started.header("location").ok_or("a location")?.to_owned();
    let mut stream = connect(&serving.address)?;
    let head = format!("PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(&[7; 300_000])?;
    serving.wait_for("the half upload", || serving.work_bytes() >= 300_000)?;
    Ok(stream)
}

fn killed_during_an_upload_the_store_is_whole() -> Outcome {
    let mut serving = Serving::start("killed", &[])?;
    let image = images::tiny(Packing::Gzip, Family::Oci);
    image.push(&serving.address, "tiny", "1")?;
    let _stream = half_an_upload(&serving)?;
    serving.kill()?;
    check(serving.work_bytes() >= 300_000, "a killed process can tidy nothing up")?;
    let cleaned = serving.boxlab(&["cleanup", "--yes"])?;
    check(serving.work_bytes() == 0, format!("cleanup finds it: {cleaned}"))?;
    for entry in fs::read_dir(serving.root.join("oci/blobs/sha256"))? {
        let entry = entry?;
        let digest = images::digest(&fs::read(entry.path())?);
        check(digest.ends_with(&entry.file_name().to_string_lossy().into_owned()), format!("{digest}: {entry:?}"))?;
    }
    // And serves what it had.
    let again = serving.again(&[])?;
    let answer = ask(&again.address, "GET", "/v2/tiny/manifests/1", &[], b"")?;
    check(images::digest(&answer.body) == image.digest(), answer.text())
}

fn ctrl_c_ends_it_cleanly() -> Outcome {
    let mut serving = Serving::start("ended", &[])?;
    // An exchange is logged before the next one of its connection is answered.
    let mut stream = connect(&serving.address)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    for _ in 0..2 {
        stream.write_all(b"GET /v2/_catalog HTTP/1.1\r\nHost: x\r\n\r\n")?;
        read_answer(&mut reader, "GET")?;
    }
    let _stream = half_an_upload(&serving)?;
    let status = serving.interrupt()?;
    check(status == Some(0), format!("{status:?}"))?;
    check(serving.work_bytes() == 0, "nothing is left of the upload")?;
    let log = serving.log();
    check(log.contains("127.0.0.1 GET /v2/_catalog 200"), log)
}

fn it_listens_beyond_this_machine_only_when_told() -> Outcome {
    support::refused(&["registry", "serve", "--listen", "0.0.0.0:0"], 2, &["other machines reach", "--lan"])?;
    support::refused(&["registry", "serve", "--allow-push"], 2, &["--lan"])?;
    let serving = Serving::start("lan", &["--lan", "--listen", "0.0.0.0:0"])?;
    let line = &serving.first_line;
    check(line.starts_with("export BOXLAB_MIRROR=http://") && !line.contains("0.0.0.0"), line)?;
    // The line works: a learner's pull of a short name asks this machine.
    images::busybox()?.push(&serving.address, "library/busybox", "latest")?;
    let pulled = support::boxlab()
        .env("BOXLAB_ROOT", scratch("lan-learner"))
        .env("BOXLAB_MIRROR", line.split_once('=').ok_or("a value")?.1)
        .args(["-q", "pull", "busybox"])
        .output()?;
    let ran: support::Ran = pulled.into();
    check(ran.status == 0, format!("{ran:?}"))
}

fn a_port_in_use_is_an_error_with_a_remedy() -> Outcome {
    let serving = Serving::start("first", &[])?;
    let words = ["registry", "serve", "--listen", &serving.address];
    support::refused(&words, 125, &["cannot listen on", "EADDRINUSE", "--listen"])
}

fn a_full_disk_is_said_and_given_back() -> Outcome {
    support::needs_root_for("a small disk must be mounted")?;
    support::needs("unshare")?;
    let serving = Serving::on_a_small_disk("full", 3)?;
    let bytes = images::noise(5, 5_000_000, false);
    let target = format!("/v2/x/blobs/uploads/?digest={}", images::digest(&bytes));
    let answer = ask(&serving.address, "POST", &target, &[], &bytes)?;
    check(answer.status == 507 && answer.text().contains("ENOSPC"), format!("{answer:?} {}", answer.text()))?;
    // What did not fit is gone, and what does is taken.
    images::layered(1, 1_500_000, Packing::Gzip, Family::Oci).push(&serving.address, "small", "1")?;
    Ok(())
}

fn a_silent_client_holds_nobody_up() -> Outcome {
    let serving = Serving::start("silent", &[])?;
    let mut silent: Vec<_> = (0..50).map(|_| connect(&serving.address)).collect::<Result<_, _>>()?;
    for stream in &mut silent {
        stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost")?;
    }
    let answer: Answer = ask(&serving.address, "GET", "/v2/", &[], b"")?;
    check(answer.status == 200, format!("{answer:?}"))
}

/// A layer of so many bytes that can't be packed.
pub fn noisy(bytes: usize) -> Layer {
    Layer::new(|builder| images::file(builder, "noise", 0o644, &images::noise(9, bytes, false)))
}
