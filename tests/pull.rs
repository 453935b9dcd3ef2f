//! `boxlab pull` from a real registry: what arrives, what is asked for, what goes wrong on the
//! way, and what is left when it is killed.

mod common;
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use common::fault_proxy::{Fault, FaultProxy};
use common::images::{self, Family, Image, Layer, Packing};
use common::registry::DockerRegistry;
use libtest_mimic::Failed;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{Ran, boxlab, check, needs_root_for, scratch};

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    support::main(vec![
        ("what_was_pulled_runs", what_was_pulled_runs),
        ("a_second_pull_asks_once", a_second_pull_asks_once),
        ("every_packing_of_both_families", every_packing_of_both_families),
        ("shared_layers_come_once", shared_layers_come_once),
        ("a_hundred_layers", a_hundred_layers),
        ("a_lower_layer_shows_through", a_lower_layer_shows_through),
        ("several_at_once_fetch_each_blob_once", several_at_once_fetch_each_blob_once),
        ("a_broken_connection_is_taken_up_again", a_broken_connection_is_taken_up_again),
        ("damaged_bytes_are_refused", damaged_bytes_are_refused),
        ("a_blob_that_is_damaged_on_the_disk_is_fetched_anew", a_blob_that_is_damaged_on_the_disk_is_fetched_anew),
        ("a_hostile_layer_leaves_nothing", a_hostile_layer_leaves_nothing),
        ("an_interrupted_pull_keeps_what_is_verified", an_interrupted_pull_keeps_what_is_verified),
        ("killed_at_any_moment_the_store_is_whole", killed_at_any_moment_the_store_is_whole),
        ("what_cannot_be_pulled_is_said", what_cannot_be_pulled_is_said),
        ("a_full_disk", a_full_disk),
        ("each_exchange_is_told", each_exchange_is_told),
    ])
}

/// A registry, a proxy in front of it, and a store that is empty.
struct Place {
    registry: DockerRegistry,
    proxy: FaultProxy,
    root: PathBuf,
}

impl Place {
    fn new(name: &str) -> Result<Self, Failed> {
        let registry = DockerRegistry::start()?;
        let proxy = FaultProxy::before(&registry.address)?;
        Ok(Self { registry, proxy, root: scratch(name).join("root") })
    }

    fn push(&self, image: &Image, name: &str) -> Outcome {
        Ok(image.push(&self.registry.address, name, "latest")?)
    }

    /// What a user types, by way of the proxy.
    fn name(&self, image: &str) -> String {
        format!("{}/{image}", self.proxy.address)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = boxlab();
        command.env("BOXLAB_ROOT", &self.root).args(words);
        command
    }

    fn run(&self, words: &[&str]) -> Result<Ran, Failed> {
        Ok(self.command(words).output()?.into())
    }

    fn pull(&self, image: &str) -> Outcome {
        let ran = self.run(&["pull", &self.name(image)])?;
        check(ran.status == 0, format!("pull {image}: {ran:?}"))
    }

    fn refused(&self, words: &[&str], expected: &[&str]) -> Outcome {
        let ran = self.run(words)?;
        check(ran.status != 0, format!("{words:?} must fail: {ran:?}"))?;
        expected.iter().try_for_each(|word| check(ran.stderr.contains(word), format!("{word:?} in {}", ran.stderr)))
    }

    /// Blobs that were asked for, and how often.
    fn blobs(&self) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for line in self.proxy.lines().iter().filter(|line| line.starts_with("GET ") && line.contains("/blobs/")) {
            *asked.entry(line.rsplit('/').next().unwrap_or_default().to_owned()).or_default() += 1;
        }
        asked
    }

    /// A file of the image, as a container of it sees it.
    fn read(&self, image: &str, path: &str) -> Result<String, Failed> {
        let ran = self.run(&["-q", "run", "--pull", "never", &self.name(image), "/bin/busybox", "cat", path])?;
        check(ran.status == 0, format!("{path} of {image}: {ran:?}"))?;
        Ok(ran.stdout)
    }

    /// Nothing half made lies about, and every blob is what its name says.
    fn is_whole(&self) -> Outcome {
        let names = |directory: &str| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(self.root.join(directory)).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect()
        };
        check(names("tmp").is_empty(), format!("work is left: {:?}", names("tmp")))?;
        for blob in names("oci/blobs/sha256") {
            let named = format!("sha256:{}", blob.file_name().unwrap_or_default().to_string_lossy());
            check(images::digest(&std::fs::read(&blob)?) == named, format!("{named} is something else"))?;
        }
        Ok(())
    }

    /// How many blobs there are.
    fn stored(&self) -> usize {
        std::fs::read_dir(self.root.join("oci/blobs/sha256")).map_or(0, Iterator::count)
    }

    fn has(&self, image: &str) -> Result<bool, Failed> {
        let index = std::fs::read_to_string(self.root.join("oci/index.json")).unwrap_or_default();
        Ok(index.contains(&format!("{}:latest", self.name(image))))
    }
}

/// Layers above a busybox, so that it can be run.
fn on_busybox(layers: Vec<Layer>, packing: Packing, family: Family) -> Result<Image, Failed> {
    let mut all = vec![busybox()?];
    all.extend(layers);
    Ok(Image::new(&all, packing, family))
}

fn busybox() -> Result<Layer, Failed> {
    support::needs("busybox")?;
    let program = std::fs::read("/bin/busybox")?;
    Ok(Layer::new(|archive| {
        images::directory(archive, "bin/", 0o755);
        images::file(archive, "bin/busybox", 0o755, &program);
        images::symlink(archive, "bin/sh", "busybox");
    }))
}

fn one_file(path: &'static str, text: &'static str) -> Layer {
    Layer::new(|archive| images::file(archive, path, 0o644, text.as_bytes()))
}

fn what_was_pulled_runs() -> Outcome {
    let place = Place::new("runs")?;
    place.push(&on_busybox(vec![one_file("hello", "from afar\n")], Packing::Gzip, Family::Oci)?, "box")?;
    let name = place.name("box");
    let ran = place.run(&["--trace", "off", "run", &name, "/bin/sh", "-c", "exec /bin/busybox cat /hello"])?;
    check(ran.status == 0 && ran.stdout == "from afar\n", format!("run pulls what is missing: {ran:?}"))?;
    check(ran.stderr.contains("Unable to find image") && ran.stderr.contains("Pull complete"), ran.stderr)?;
    place.proxy.forget();
    check(place.read("box", "/hello")? == "from afar\n", "and again")?;
    check(place.proxy.lines().is_empty(), "nothing is asked when it is there")?;
    place.refused(&["run", "--pull", "never", &place.name("absent"), "true"], &["there is no image", "boxlab pull"])?;
    place.is_whole()
}

fn a_second_pull_asks_once() -> Outcome {
    let place = Place::new("second")?;
    place.push(&images::tiny(Packing::Gzip, Family::Oci), "tiny")?;
    place.pull("tiny")?;
    place.proxy.forget();
    let ran = place.run(&["pull", &place.name("tiny")])?;
    check(ran.stderr.contains("Image is up to date"), format!("{ran:?}"))?;
    check(place.proxy.lines() == ["HEAD /v2/tiny/manifests/latest"], format!("{:?}", place.proxy.lines()))?;
    let digest = images::tiny(Packing::Gzip, Family::Oci).digest().to_owned();
    place.proxy.forget();
    let ran = place.run(&["pull", &format!("{}@{digest}", place.name("tiny"))])?;
    check(ran.status == 0 && place.proxy.lines().is_empty(), "by its digest it can't have changed")?;
    place.push(&on_busybox(vec![], Packing::Gzip, Family::Oci)?, "tiny")?;
    let ran = place.run(&["pull", &place.name("tiny")])?;
    check(ran.stderr.contains("Downloaded newer image"), format!("the tag has moved: {ran:?}"))
}

fn every_packing_of_both_families() -> Outcome {
    let place = Place::new("packings")?;
    for (number, packing) in [Packing::Plain, Packing::Gzip, Packing::Zstd].into_iter().enumerate() {
        for family in [Family::Oci, Family::Docker] {
            let name = format!("image-{number}-{family:?}").to_lowercase();
            let layers = vec![one_file("hello", "hello\n"), Layer::empty()];
            place.push(&on_busybox(layers, packing, family)?, &name)?;
            place.pull(&name)?;
            check(place.read(&name, "/hello")? == "hello\n", name)?;
        }
    }
    place.is_whole()
}

fn shared_layers_come_once() -> Outcome {
    let place = Place::new("shared")?;
    for (name, text) in [("one", "1"), ("two", "2")] {
        place.push(&on_busybox(vec![one_file("number", text)], Packing::Gzip, Family::Oci)?, name)?;
    }
    place.pull("one")?;
    place.proxy.forget();
    let ran = place.run(&["pull", &place.name("two")])?;
    check(ran.stderr.contains("Already exists"), format!("{ran:?}"))?;
    check(place.blobs().len() == 2, format!("its configuration and one layer: {:?}", place.blobs()))?;
    check(place.read("one", "/number")? == "1" && place.read("two", "/number")? == "2", "each has its own")
}

fn a_hundred_layers() -> Outcome {
    let place = Place::new("hundred")?;
    let mut layers = images::layers(0..98, 4096);
    layers.push(Layer::empty());
    place.push(&on_busybox(layers, Packing::Gzip, Family::Oci)?, "hundred")?;
    place.pull("hundred")?;
    let seen = place.read("hundred", "/top")?;
    check(seen.contains("97"), format!("the topmost layer is seen: {seen:?}"))?;
    place.is_whole()
}

/// A layer that only passes through a directory says nothing about its mode.
fn a_lower_layer_shows_through() -> Outcome {
    let place = Place::new("implied")?;
    let lower = Layer::new(|archive| images::directory(archive, "secret/", 0o750));
    place.push(&on_busybox(vec![lower, one_file("secret/deep/file", "x")], Packing::Gzip, Family::Oci)?, "image")?;
    place.pull("image")?;
    let ran = place.run(&[
        "-q",
        "run",
        &place.name("image"),
        "/bin/busybox",
        "stat",
        "-c",
        "%a",
        "/secret",
        "/secret/deep",
    ])?;
    check(ran.stdout == "750\n755\n", format!("{ran:?}"))
}

fn several_at_once_fetch_each_blob_once() -> Outcome {
    let place = Place::new("several")?;
    let names = ["a", "b", "c", "d"];
    for (number, name) in names.iter().enumerate() {
        let layers = images::layers(0..3 + number % 2, 200_000);
        place.push(&on_busybox(layers, Packing::Gzip, Family::Oci)?, name)?;
    }
    place.proxy.fail("GET", "/blobs/", 4, Fault::Delay(Duration::from_millis(300)));
    let children: Vec<Child> = (0..8)
        .map(|turn| place.command(&["-q", "pull", &place.name(names[turn % 4])]).stdout(Stdio::null()).spawn())
        .collect::<Result<_, _>>()?;
    for mut child in children {
        check(child.wait()?.success(), "each of them pulls")?;
    }
    let layers = place.blobs().into_iter().filter(|(_, times)| *times > 1).collect::<Vec<_>>();
    // Configurations are small, and asked for by everybody who has none yet.
    let is_layer = |digest: &str| {
        let path = place.root.join("oci/blobs/sha256").join(digest.trim_start_matches("sha256:"));
        std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(&[0x1f, 0x8b]))
    };
    let twice: Vec<_> = layers.iter().filter(|(digest, _)| is_layer(digest)).collect();
    check(twice.is_empty(), format!("asked for more than once: {twice:?}"))?;
    names.iter().try_for_each(|name| check(place.read(name, "/top").is_ok(), *name))?;
    place.is_whole()
}

fn a_broken_connection_is_taken_up_again() -> Outcome {
    let place = Place::new("broken")?;
    let layers = images::layers(0..2, 500_000);
    place.push(&on_busybox(layers, Packing::Gzip, Family::Oci)?, "image")?;
    place.proxy.fail_after(1, "GET", "/blobs/", 3, Fault::Cut(100_000));
    place.pull("image")?;
    let ranges: Vec<String> =
        place.proxy.requests().iter().filter_map(|request| request.header("range").map(str::to_owned)).collect();
    check(ranges.iter().any(|range| range == "bytes=100000-"), format!("the rest is asked for: {ranges:?}"))?;
    place.proxy.fail("GET", "/manifests/", 1, Fault::Status(429, vec![("Retry-After", "1".to_owned())]));
    place.pull("image")?;
    check(place.read("image", "/top").is_ok(), "it runs")?;
    place.is_whole()
}

fn damaged_bytes_are_refused() -> Outcome {
    let place = Place::new("damaged")?;
    let layers = images::layers(0..1, 300_000);
    let digest = images::digest(&layers[0].packed(Packing::Gzip));
    place.push(&on_busybox(layers, Packing::Gzip, Family::Oci)?, "image")?;
    for fault in [Fault::Corrupt(50_000), Fault::Corrupt(3), Fault::Truncate(50_000)] {
        place.proxy.fail("GET", &digest, 100, fault.clone());
        let ran = place.run(&["pull", &place.name("image")])?;
        check(ran.status != 0, format!("{fault:?}: {ran:?}"))?;
        check(ran.stderr.contains(&digest), format!("{fault:?}, of which blob: {}", ran.stderr))?;
        check(!place.has("image")?, "it has no name")?;
        place.is_whole()?;
        place.proxy.mend();
    }
    place.pull("image")
}

fn a_blob_that_is_damaged_on_the_disk_is_fetched_anew() -> Outcome {
    let place = Place::new("disk")?;
    let layers = images::layers(0..1, 300_000);
    let digest = images::digest(&layers[0].packed(Packing::Gzip));
    place.push(&on_busybox(layers, Packing::Gzip, Family::Oci)?, "image")?;
    place.pull("image")?;
    let blob = place.root.join("oci/blobs/sha256").join(digest.trim_start_matches("sha256:"));
    std::fs::write(&blob, std::fs::read(&blob)?.split_off(1000))?;
    // As a power cut would: what is unpacked is not trusted any more.
    for boot in std::fs::read_dir(place.root.join("fresh"))?.flatten() {
        std::fs::rename(boot.path(), place.root.join("fresh/another-boot"))?;
    }
    place.pull("image")?;
    check(place.read("image", "/top")? == "0\n", "it runs")?;
    place.is_whole()
}

/// Images of strangers: each is refused with a reason, and nothing of it stays.
fn a_hostile_layer_leaves_nothing() -> Outcome {
    let place = Place::new("hostile")?;
    let climbs = Layer::new(|archive| images::file(archive, "../../../../tmp/boxlab-escaped", 0o644, b"x"));
    let bomb = Layer::new(|archive| images::file(archive, "zeros", 0o644, &vec![0; 3 << 20]));
    for (name, layer, words, reason) in
        [("climbs", climbs, &["pull"][..], ".."), ("bomb", bomb, &["pull", "--max-size", "1m"][..], "zeros")]
    {
        place.push(&Image::new(&[layer], Packing::Gzip, Family::Oci), name)?;
        place.refused(&[words, &[&place.name(name)]].concat(), &[reason])?;
        check(!place.has(name)?, "it has no name")?;
        let unpacked = std::fs::read_dir(place.root.join("fresh")).into_iter().flatten().flatten();
        let unpacked: usize = unpacked.map(|boot| std::fs::read_dir(boot.path()).map_or(0, Iterator::count)).sum();
        check(unpacked == 0, "nothing is unpacked")?;
        place.is_whole()?;
    }
    check(!Path::new("/tmp/boxlab-escaped").exists(), "nothing got out")
}

/// Waits until it is so, for a while.
fn until(so: impl Fn() -> bool) -> Outcome {
    let end = Instant::now() + Duration::from_secs(20);
    while !so() {
        check(Instant::now() < end, "it takes too long")?;
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn signal(child: &Child, signal: Signal) -> Outcome {
    Ok(kill(Pid::from_raw(i32::try_from(child.id())?), signal)?)
}

fn an_interrupted_pull_keeps_what_is_verified() -> Outcome {
    let place = Place::new("interrupted")?;
    let image = on_busybox(images::layers(0..2, 300_000), Packing::Gzip, Family::Oci)?;
    place.push(&image, "image")?;
    // The last layer that is asked for never comes to its end.
    place.proxy.fail_after(3, "GET", "/blobs/", 2, Fault::Stall(100_000));
    for (by, asked) in [(Signal::SIGINT, 4), (Signal::SIGTERM, 5)] {
        let mut child = place.command(&["pull", &place.name("image")]).stderr(Stdio::null()).spawn()?;
        until(|| place.blobs().values().sum::<usize>() == asked && place.stored() == 3)?;
        let started = Instant::now();
        signal(&child, by)?;
        let status = child.wait()?;
        check(status.code() == Some(128 + by as i32), format!("{by}: {status}"))?;
        check(started.elapsed() < Duration::from_secs(5), "it ends soon, although the server is silent")?;
        place.is_whole()?;
        check(!place.has("image")?, "it has no name")?;
    }
    place.proxy.forget();
    place.pull("image")?;
    check(place.blobs().len() == 1, format!("only what was missing is fetched: {:?}", place.blobs()))
}

/// Wherever it is killed: no blob is half there, no name leads to nothing, `cleanup` finds the
/// rest, and the next pull succeeds.
fn killed_at_any_moment_the_store_is_whole() -> Outcome {
    let place = Place::new("killed")?;
    let image = on_busybox(images::layers(0..4, 400_000), Packing::Gzip, Family::Oci)?;
    place.push(&image, "image")?;
    let mut moments = 0;
    let mut finished = false;
    while !finished {
        std::fs::remove_dir_all(&place.root).ok();
        let mut child = place.command(&["-q", "pull", &place.name("image")]).stdout(Stdio::null()).spawn()?;
        std::thread::sleep(Duration::from_millis(moments * 5));
        signal(&child, Signal::SIGKILL)?;
        finished = child.wait()?.success() || moments > 40;
        // An ordinary user's has a child, which dies a moment later and holds its work until then.
        let work = || std::fs::read_dir(place.root.join("tmp")).map_or(0, Iterator::count);
        until(|| place.run(&["cleanup", "--yes"]).is_ok_and(|ran| ran.status == 0) && work() == 0)?;
        place.is_whole()?;
        if place.has("image")? {
            check(place.read("image", "/top").is_ok(), "what has a name can be run")?;
        }
        moments += 1;
    }
    place.pull("image")?;
    check(place.read("image", "/top").is_ok() && moments > 3, format!("{moments} moments"))
}

fn what_cannot_be_pulled_is_said() -> Outcome {
    let place = Place::new("wrong")?;
    place.push(&images::tiny(Packing::Gzip, Family::Oci), "tiny")?;
    place.refused(&["pull", &place.name("tiny:nosuchtag")], &["nosuchtag"])?;
    place.refused(&["pull", &place.name("absent")], &["absent"])?;
    place.refused(&["pull", "Not/A Name"], &["is no image name"])?;
    place.refused(
        &["pull", "--platform", "linux/mips64le", &place.name("tiny")],
        &["linux/mips64le", images::architecture()],
    )?;
    let gone = place.proxy.address.clone();
    drop(place.proxy);
    let mut command = boxlab();
    let ran: Ran = command.env("BOXLAB_ROOT", &place.root).args(["pull", &format!("{gone}/tiny")]).output()?.into();
    check(ran.status == 125 && ran.stderr.contains("nothing listens at"), format!("a registry that is down: {ran:?}"))
}

fn a_full_disk() -> Outcome {
    needs_root_for("mounts a small filesystem")?;
    let place = Place::new("full")?;
    place.push(&on_busybox(images::layers(0..3, 3 << 20), Packing::Gzip, Family::Oci)?, "image")?;
    std::fs::create_dir_all(&place.root)?;
    let script = "mount -t tmpfs -o size=6m tmpfs \"$1\" && \"$2\" --root \"$1\" pull \"$3\"; status=$?; ls \"$1/tmp\"; exit $status";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(&place.root).arg(env!("CARGO_BIN_EXE_boxlab"));
    let ran: Ran = command.arg(place.name("image")).output()?.into();
    check(ran.status == 125 && ran.stderr.contains("ENOSPC"), format!("{ran:?}"))?;
    check(ran.stderr.contains("No space is left") && ran.stdout.is_empty(), format!("with a remedy, and tidy: {ran:?}"))
}

/// What the registry was asked and what the trace tells is the same.
fn each_exchange_is_told() -> Outcome {
    let place = Place::new("told")?;
    place.push(&on_busybox(images::layers(0..2, 100_000), Packing::Gzip, Family::Oci)?, "image")?;
    place.proxy.fail("GET", "/blobs/", 1, Fault::Cut(10));
    place.proxy.fail("GET", "/manifests/", 1, Fault::Status(503, vec![]));
    let ran = place.run(&["--trace", "json", "pull", &place.name("image")])?;
    check(ran.status == 0, format!("{ran:?}"))?;
    let events = ran.stderr.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut told: Vec<String> = events
        .filter(|event| event["event"] == "exchange")
        .map(|event| {
            let url = event["url"].as_str().unwrap_or_default();
            let path = url.find("/v2/").map_or(url, |at| &url[at..]);
            format!("{} {path}", event["method"].as_str().unwrap_or_default())
        })
        .collect();
    let mut asked = place.proxy.lines();
    told.sort();
    asked.sort();
    check(told == asked, format!("told: {told:#?}\nasked: {asked:#?}"))
}
