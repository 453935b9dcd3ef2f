//! `registry serve --mirror-of`: in front of a real docker-registry, with faults on the way.

use std::io::{BufReader, Read, Write};
use std::time::Duration;

use crate::common::fault_proxy::{Fault, FaultProxy};
use crate::common::http::{ask, connect, read_head};
use crate::common::images::{self, Family, Image, Packing};
use crate::common::registry::DockerRegistry;
use crate::server::Serving;
use crate::support::{self, check, scratch};
use crate::{Outcome, noisy};

/// A registry with an image in it, a proxy in front of it, and a mirror in front of that.
fn mirror(name: &str, image: &Image) -> Result<(DockerRegistry, FaultProxy, Serving), libtest_mimic::Failed> {
    let registry = DockerRegistry::start()?;
    image.push(&registry.address, "library/image", "1")?;
    let proxy = FaultProxy::before(&registry.address)?;
    let serving = Serving::start(name, &["--mirror-of", &format!("http://{}", proxy.address)])?;
    Ok((registry, proxy, serving))
}

pub fn a_mirror_fetches_once() -> Outcome {
    let image = images::layered(3, 400_000, Packing::Gzip, Family::Oci);
    let (_registry, proxy, serving) = mirror("once", &image)?;
    proxy.fail("GET", "/blobs/", 3, Fault::Delay(Duration::from_millis(300)));
    let pull = || -> Result<(), String> {
        let manifest = ask(&serving.address, "GET", "/v2/library/image/manifests/1", &[], b"")?;
        if images::digest(&manifest.body) != image.digest() {
            return Err(format!("{manifest:?} {}", manifest.text()));
        }
        for (digest, bytes) in &image.blobs {
            let blob = ask(&serving.address, "GET", &format!("/v2/library/image/blobs/{digest}"), &[], b"")?;
            if blob.body != *bytes {
                return Err(format!("{digest}: {blob:?}"));
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let learners: Vec<_> = (0..10).map(|_| scope.spawn(pull)).collect();
        learners.into_iter().try_for_each(|learner| learner.join().expect("no learner panics"))
    })?;
    pull()?;
    let lines = proxy.lines();
    let gets = |what: &str| lines.iter().filter(|line| line.starts_with("GET") && line.contains(what)).count();
    check(gets("/manifests/") == 1, format!("{lines:?}"))?;
    check(gets("/blobs/") == image.blobs.len(), format!("each blob once: {lines:?}"))?;
    // A learner's boxlab, with the mirror in front of the registry.
    let learner = scratch("mirror-learner");
    std::fs::create_dir_all(learner.join("boxlab"))?;
    let config = format!("[registries.\"{}\"]\nmirrors = [\"http://{}\"]\n", proxy.address, serving.address);
    std::fs::write(learner.join("boxlab/config.toml"), config)?;
    proxy.forget();
    let pulled = support::boxlab()
        .env("BOXLAB_ROOT", learner.join("store"))
        .env("XDG_CONFIG_HOME", &learner)
        .args(["-q", "pull", &format!("{}/library/image:1", proxy.address)])
        .output()?;
    let ran: support::Ran = pulled.into();
    check(ran.status == 0, format!("{ran:?}"))?;
    let lines = proxy.lines();
    check(!lines.iter().any(|line| line.contains("/blobs/")), format!("the mirror has them: {lines:?}"))
}

pub fn a_mirror_hands_on_while_it_arrives() -> Outcome {
    let image = Image::new(&[noisy(2_000_000)], Packing::Plain, Family::Oci);
    let (_registry, proxy, serving) = mirror("while", &image)?;
    ask(&serving.address, "GET", "/v2/library/image/manifests/1", &[], b"")?;
    let (digest, bytes) = image.blobs.iter().max_by_key(|blob| blob.1.len()).ok_or("a layer")?;
    // It says nothing after a million bytes: these must be here although the rest is not.
    proxy.fail("GET", "/blobs/", 1, Fault::Stall(1_000_000));
    let mut stream = connect(&serving.address)?;
    write!(stream, "GET /v2/library/image/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n")?;
    let mut reader = BufReader::new(stream);
    let (first, _) = read_head(&mut reader)?.ok_or("a head")?;
    check(first.contains(" 200 "), first)?;
    let mut arrived = vec![0; 900_000];
    reader.read_exact(&mut arrived)?;
    check(arrived == bytes[..900_000], "as they came")
}

pub fn a_mirror_notices_what_is_wrong() -> Outcome {
    let image = Image::new(&[noisy(300_000)], Packing::Plain, Family::Oci);
    let (_registry, proxy, serving) = mirror("wrong", &image)?;
    ask(&serving.address, "GET", "/v2/library/image/manifests/1", &[], b"")?;
    let (digest, bytes) = image.blobs.iter().max_by_key(|blob| blob.1.len()).ok_or("a layer")?;
    let target = format!("/v2/library/image/blobs/{digest}");
    proxy.fail("GET", "/blobs/", 1, Fault::Corrupt(1_000));
    let wrong = ask(&serving.address, "GET", &target, &[], b"")?;
    check(wrong.body.len() < bytes.len(), "the last byte is kept back")?;
    let right = ask(&serving.address, "GET", &target, &[], b"")?;
    check(right.body == *bytes, "the next attempt starts anew")?;
    proxy.fail("GET", "/manifests/2", 9, Fault::Status(404, Vec::new()));
    let missing = ask(&serving.address, "GET", "/v2/library/image/manifests/2", &[], b"")?;
    check(missing.status == 404 && missing.code() == "MANIFEST_UNKNOWN", missing.text())
}

pub fn a_mirror_outlives_its_registry() -> Outcome {
    let image = images::tiny(Packing::Gzip, Family::Oci);
    let (registry, proxy, serving) = mirror("outlives", &image)?;
    let address = format!("http://{}", proxy.address);
    let get =
        |serving: &Serving, what: &str| ask(&serving.address, "GET", &format!("/v2/library/image/{what}"), &[], b"");
    get(&serving, "manifests/1")?;
    let digest = image.blobs.keys().next().ok_or("a blob")?;
    get(&serving, &format!("blobs/{digest}"))?;
    drop((registry, proxy));
    let mut serving = serving;
    serving.kill()?;
    let again = serving.again(&["--mirror-of", &address])?;
    let manifest = get(&again, "manifests/1")?;
    check(images::digest(&manifest.body) == image.digest(), manifest.text())?;
    check(get(&again, &format!("blobs/{digest}"))?.status == 200, "what was fetched is here")?;
    let never = get(&again, "manifests/never")?;
    check(never.status == 502 && never.text().contains("could not be asked"), never.text())
}
