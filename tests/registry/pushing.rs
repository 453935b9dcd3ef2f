//! Pushing: by the client itself, and `boxlab push`.

use std::io;
use std::process::Command;

use boxlab::image::registry::{Access, Pushed, Registry, Source};
use libtest_mimic::Failed;
use oci_spec::image::MediaType;

use super::auth::describe;
use super::common::fault_proxy::{Fault, FaultProxy};
use super::common::images::{self, Family, Image, Packing};
use super::common::registry::{DockerRegistry, must};
use super::support::{Named, check};
use super::{Outcome, connect, fails, hasty, prints, ran};

pub const TRIALS: &[Named] = &[
    ("what_is_there_is_not_sent", what_is_there_is_not_sent),
    ("what_is_in_another_repository_is_mounted", what_is_in_another_repository_is_mounted),
    ("too_large_for_one_piece", too_large_for_one_piece),
    ("chunks_on_request", chunks_on_request),
    ("an_upload_that_breaks_is_begun_anew", an_upload_that_breaks_is_begun_anew),
    ("other_tools_read_what_is_pushed", other_tools_read_what_is_pushed),
    ("several_platforms_are_pushed_as_one", several_platforms_are_pushed_as_one),
    ("what_can_t_be_pushed", what_can_t_be_pushed),
];

/// Sends all of an image; fails if a blob was there.
pub fn push(registry: &Registry, image: &Image, tag: &str) -> Outcome {
    for (digest, bytes) in &image.blobs {
        let pushed = push_blob(registry, digest, bytes, None)?;
        check(pushed == Pushed::Sent, format!("{pushed:?}"))?;
    }
    let kind = MediaType::from(image.top().media_type.as_str());
    let digest = registry.push_manifest(tag, &kind, image.document()).map_err(|error| error.to_string())?;
    check(digest.to_string() == image.digest(), "the registry has stored what was sent")
}

fn push_blob(registry: &Registry, digest: &str, bytes: &[u8], from: Option<&str>) -> Result<Pushed, Failed> {
    let content = bytes.to_vec();
    let open = || Ok(Box::new(io::Cursor::new(content.clone())) as Box<dyn io::Read + Send>);
    let descriptor = describe(digest, bytes.len());
    let source = Source { descriptor: &descriptor, open: &open, progress: &|_| () };
    registry.push_blob(&source, from).map_err(|error| error.to_string().into())
}

fn image() -> Image {
    images::layered(1, 3_000_000, Packing::Plain, Family::Oci)
}

fn largest(image: &Image) -> (&String, &Vec<u8>) {
    image.blobs.iter().max_by_key(|(_, bytes)| bytes.len()).expect("it has blobs")
}

fn what_is_there_is_not_sent() -> Outcome {
    let registry = DockerRegistry::start()?;
    let (client, told) = connect(&format!("{}/x", registry.address), Access::Push)?;
    push(&client, &image(), "1")?;
    let before = told.statuses().len();
    for (digest, bytes) in &image().blobs {
        check(push_blob(&client, digest, bytes, None)? == Pushed::Existed, "it is there")?;
    }
    check(told.statuses().split_off(before) == [200, 200], "one question each")
}

fn what_is_in_another_repository_is_mounted() -> Outcome {
    let registry = DockerRegistry::start()?;
    let image = image();
    let (digest, bytes) = largest(&image);
    push(&connect(&format!("{}/one", registry.address), Access::Push)?.0, &image, "1")?;
    let (client, told) = connect(&format!("{}/two", registry.address), Access::Push)?;
    check(push_blob(&client, digest, bytes, Some("one"))? == Pushed::Mounted, "it is taken over")?;
    check(told.statuses() == [404, 201], format!("{:?}", told.statuses()))?;
    let (client, _) = connect(&format!("{}/three", registry.address), Access::Push)?;
    check(push_blob(&client, digest, bytes, Some("nothing"))? == Pushed::Sent, "else it is sent")
}

fn too_large_for_one_piece() -> Outcome {
    let registry = DockerRegistry::start()?;
    let proxy = FaultProxy::before(&registry.address)?;
    proxy.fail("PUT", "/blobs/uploads/", 1, Fault::Status(413, Vec::new()));
    let image = image();
    let (digest, bytes) = largest(&image);
    let (client, _) = connect(&format!("{}/x", proxy.address), Access::Push)?;
    check(push_blob(&client, digest, bytes, None)? == Pushed::Sent, "it goes in chunks")?;
    check(proxy.lines().iter().any(|line| line.starts_with("PATCH ")), format!("{:?}", proxy.lines()))
}

fn chunks_on_request() -> Outcome {
    let registry = DockerRegistry::start()?;
    let proxy = FaultProxy::before(&registry.address)?;
    let reference = boxlab::image::Reference::parse(&format!("{}/x", proxy.address)).map_err(|e| e.to_string())?;
    let settings = boxlab::image::registry::Settings { chunk: Some(1_000_000), ..hasty() };
    let witness = std::sync::Arc::new(super::Told::default());
    let client = Registry::connect(&reference, Access::Push, &settings, witness).map_err(|e| e.to_string())?;
    let image = image();
    let (digest, bytes) = largest(&image);
    push_blob(&client, digest, bytes, None)?;
    let patches = proxy.requests().into_iter().filter(|request| request.method == "PATCH");
    let ranges: Vec<_> = patches.filter_map(|request| request.header("content-range").map(str::to_owned)).collect();
    check(ranges.len() == bytes.len().div_ceil(1_000_000) && ranges[1] == "1000000-1999999", format!("{ranges:?}"))
}

fn an_upload_that_breaks_is_begun_anew() -> Outcome {
    let registry = DockerRegistry::start()?;
    let proxy = FaultProxy::before(&registry.address)?;
    proxy.fail("PUT", "/blobs/uploads/", 2, Fault::Status(503, Vec::new()));
    let image = image();
    let (digest, bytes) = largest(&image);
    let (client, _) = connect(&format!("{}/x", proxy.address), Access::Push)?;
    check(push_blob(&client, digest, bytes, None)? == Pushed::Sent, "the third attempt gets through")?;
    let begun = proxy.lines().iter().filter(|line| line.starts_with("POST ")).count();
    check(begun == 3, format!("each at an address of its own: {:?}", proxy.lines()))
}

fn other_tools_read_what_is_pushed() -> Outcome {
    let registry = DockerRegistry::start()?;
    let image = images::layered(3, 200_000, Packing::Gzip, Family::Docker);
    image.push(&registry.address, "one", "1")?;
    let (from, to) = (format!("{}/one:1", registry.address), format!("{}/two/three:4", registry.address));
    prints(ran("push", &["pull", &from]))?;
    let pushed = ran("push", &["push", &from, &to]);
    check(pushed.status == 0 && pushed.stdout == format!("{to}\n"), format!("{pushed:?}"))?;
    for word in [format!("digest: {}", image.digest()), "Mounted from another repository".to_owned()] {
        check(pushed.stderr.contains(&word), format!("{word}: {}", pushed.stderr))?;
    }
    let again = ran("push", &["push", &from, &to]);
    check(again.stderr.matches("Layer already exists").count() == 4, format!("{again:?}"))?;
    let raw = must(Command::new("skopeo").args(["inspect", "--raw", "--tls-verify=false", &format!("docker://{to}")]))?;
    check(raw == image.document(), "byte by byte the same manifest")
}

fn several_platforms_are_pushed_as_one() -> Outcome {
    let registry = DockerRegistry::start()?;
    let config = serde_json::json!({"Cmd": ["sh"]});
    let of = |architecture: &str| {
        let layers = images::layers(0..2, 50_000);
        Image::with(&layers, Packing::Gzip, Family::Oci, architecture, config.clone())
    };
    let (amd64, riscv64) = (of("amd64"), of("riscv64"));
    let index = Image::index(&[("linux/amd64", &amd64), ("linux/riscv64", &riscv64)], Family::Oci);
    index.push(&registry.address, "many", "1")?;
    let (from, to) = (format!("{}/many:1", registry.address), format!("{}/copy:1", registry.address));
    for platform in ["linux/riscv64", "linux/amd64"] {
        prints(ran("platforms-pushed", &["pull", "--platform", platform, &from]))?;
    }
    prints(ran("platforms-pushed", &["push", "--all-platforms", &from, &to]))?;
    let table = prints(ran("platforms-pushed", &["manifest", "inspect", "--format", "table", &to]))?;
    for word in ["linux/amd64", "linux/riscv64", amd64.digest(), riscv64.digest()] {
        check(table.contains(word), format!("{word}: {table}"))?;
    }
    Ok(())
}

fn what_can_t_be_pushed() -> Outcome {
    let registry = DockerRegistry::start()?;
    fails(&ran("refused", &["push", &format!("{}/x:1", registry.address)]), &["there is no image of that name here"])?;
    let ran_host = ran("refused", &["push", "host"]);
    check(ran_host.status == 2 && ran_host.stderr.contains("boxlab push host"), format!("{ran_host:?}"))
}
