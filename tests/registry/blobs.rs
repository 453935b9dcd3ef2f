//! Fetching blobs over connections that cut, stall, lie and refuse.

use std::io::Read;
use std::time::{Duration, Instant};

use boxlab::image::registry::Access;

use super::auth::describe;
use super::common::fault_proxy::{Fault, FaultProxy};
use super::common::http::{Answer, Server};
use super::common::images::{self, Family, Image, Packing, digest};
use super::common::registry::DockerRegistry;
use super::support::{Named, check};
use super::{Outcome, connect, fails, ran};

pub const TRIALS: &[Named] = &[
    ("a_cut_connection_is_taken_up_again", a_cut_connection_is_taken_up_again),
    ("a_silent_connection_is_given_up", a_silent_connection_is_given_up),
    ("a_connection_that_never_brings_anything", a_connection_that_never_brings_anything),
    ("a_server_without_ranges_sends_it_all_again", a_server_without_ranges_sends_it_all_again),
    ("a_range_that_was_not_asked_for", a_range_that_was_not_asked_for),
    ("more_or_less_than_the_manifest_says", more_or_less_than_the_manifest_says),
    ("a_busy_registry_is_asked_again", a_busy_registry_is_asked_again),
    ("nobody_waits_an_hour", nobody_waits_an_hour),
    ("the_last_error_is_told", the_last_error_is_told),
];

const SIZE: usize = 1_000_000;

/// A blob of a registry behind a proxy, as a repository "x".
struct Place {
    _registry: DockerRegistry,
    proxy: FaultProxy,
    bytes: Vec<u8>,
    digest: String,
}

impl Place {
    fn make() -> Result<Self, String> {
        let registry = DockerRegistry::start()?;
        let image: Image = images::layered(1, SIZE, Packing::Plain, Family::Oci);
        image.push(&registry.address, "x", "1")?;
        let (digest, bytes) = image.blobs.iter().max_by_key(|(_, bytes)| bytes.len()).ok_or("it has blobs")?;
        let (digest, bytes) = (digest.clone(), bytes.clone());
        Ok(Self { proxy: FaultProxy::before(&registry.address)?, _registry: registry, bytes, digest })
    }

    /// Fetches it; what came, or the message.
    fn fetch(&self) -> Result<Vec<u8>, String> {
        fetch(&self.proxy.address, &self.digest, self.bytes.len())
    }

    fn ranges(&self) -> Vec<String> {
        let requests = self.proxy.requests();
        requests.iter().map(|request| request.header("range").unwrap_or("all").to_owned()).collect()
    }
}

fn fetch(address: &dyn std::fmt::Display, digest: &str, size: usize) -> Result<Vec<u8>, String> {
    let (client, _) = connect(&format!("{address}/x"), Access::Pull).map_err(|_| "no name")?;
    let mut content = Vec::new();
    let mut blob = client.blob(&describe(digest, size)).map_err(|error| told(&error))?;
    match blob.read_to_end(&mut content) {
        Ok(_) => Ok(content),
        Err(error) => Err(told(&boxlab::image::registry::unwrapped(error, || "cannot read".into()))),
    }
}

fn told(error: &boxlab::error::Error) -> String {
    format!("{error} {}", error.failure().hint.as_deref().unwrap_or_default())
}

fn a_cut_connection_is_taken_up_again() -> Outcome {
    let place = Place::make()?;
    for at in [300_000, 200_000, 100_000] {
        place.proxy.fail("GET", "/blobs/", 1, Fault::Cut(at));
    }
    check(place.fetch()? == place.bytes, "what came in four parts is whole")?;
    let ranges = place.ranges();
    check(ranges == ["all", "bytes=300000-", "bytes=500000-", "bytes=600000-"], format!("{ranges:?}"))
}

fn a_silent_connection_is_given_up() -> Outcome {
    let place = Place::make()?;
    place.proxy.fail("GET", "/blobs/", 1, Fault::Stall(400_000));
    let started = Instant::now();
    check(place.fetch()? == place.bytes, "it goes on after the silence")?;
    check(started.elapsed() < Duration::from_secs(5), format!("{:?}", started.elapsed()))?;
    check(place.ranges() == ["all", "bytes=400000-"], format!("{:?}", place.ranges()))
}

fn a_connection_that_never_brings_anything() -> Outcome {
    let place = Place::make()?;
    place.proxy.fail("GET", "/blobs/", 1000, Fault::Cut(10));
    let message = place.fetch().err().ok_or("it must give up")?;
    check(message.contains(&place.digest) && message.contains("the connection broke"), message)?;
    check(place.ranges().len() <= 6, format!("{:?}", place.ranges()))
}

fn a_server_without_ranges_sends_it_all_again() -> Outcome {
    let bytes = images::noise(7, SIZE, false);
    let content = bytes.clone();
    let server = Server::answering(move |_| Answer::new(200, "application/octet-stream", content.clone()))?;
    let proxy = FaultProxy::before(&server.address.to_string())?;
    proxy.fail("GET", "/blobs/", 2, Fault::Cut(600_000));
    check(fetch(&proxy.address, &digest(&bytes), bytes.len())? == bytes, "nothing comes twice")
}

fn a_range_that_was_not_asked_for() -> Outcome {
    let bytes = images::noise(7, SIZE, false);
    let content = bytes.clone();
    let server = Server::answering(move |request| match request.header("range") {
        None => Answer::new(200, "application/octet-stream", content.clone()),
        Some(_) => Answer::new(206, "application/octet-stream", &content[10..])
            .with("content-range", format!("bytes 10-{}/{}", content.len() - 1, content.len())),
    })?;
    let proxy = FaultProxy::before(&server.address.to_string())?;
    proxy.fail("GET", "/blobs/", 1, Fault::Cut(600_000));
    let message = fetch(&proxy.address, &digest(&bytes), bytes.len()).err().ok_or("it must be refused")?;
    check(message.contains("asked for what follows byte 600000") && message.contains("bytes 10-"), message)
}

fn more_or_less_than_the_manifest_says() -> Outcome {
    let place = Place::make()?;
    let (real, wrong) = (place.bytes.len(), place.bytes.len() - 1);
    let message = fetch(&place.proxy.address, &place.digest, wrong).err().ok_or("it must be refused")?;
    check(message.contains(&real.to_string()) && message.contains(&wrong.to_string()), message)?;
    // A body whose length is not said beforehand.
    let endless = Server::start(|mut stream| {
        let _ = std::io::Read::read(&mut stream, &mut [0; 1000]);
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let _ = std::io::Write::write_all(&mut stream, head.as_bytes());
        while std::io::Write::write_all(&mut stream, b"4\r\nlong\r\n").is_ok() {}
    })?;
    let message = fetch(&endless.address, &digest(b"longlong"), 8).err().ok_or("it must be refused")?;
    check(message.contains("more than the 8 bytes"), message)
}

fn a_busy_registry_is_asked_again() -> Outcome {
    let place = Place::make()?;
    let wait = vec![("retry-after", "1".to_owned())];
    place.proxy.fail("GET", "/blobs/", 1, Fault::Status(429, wait));
    place.proxy.fail("GET", "/blobs/", 2, Fault::Status(503, Vec::new()));
    let started = Instant::now();
    check(place.fetch()? == place.bytes, "the fourth attempt gets it")?;
    check(started.elapsed() >= Duration::from_secs(1), "it waits as long as it was asked to")?;
    check(place.ranges().len() == 4, format!("{:?}", place.ranges()))
}

fn nobody_waits_an_hour() -> Outcome {
    let place = Place::make()?;
    place.proxy.fail("GET", "/blobs/", 1, Fault::Status(429, vec![("retry-after", "3600".to_owned())]));
    let message = place.fetch().err().ok_or("it must give up")?;
    check(message.contains("asked too often") && message.contains("boxlab login"), message)?;
    check(place.ranges().len() == 1, format!("{:?}", place.ranges()))
}

fn the_last_error_is_told() -> Outcome {
    let place = Place::make()?;
    place.proxy.fail("GET", "/manifests/", 99, Fault::Status(502, Vec::new()));
    let started = Instant::now();
    let inspected = ran("busy", &["manifest", "inspect", &format!("{}/x:1", place.proxy.address)]);
    fails(&inspected, &["status 502", "several times"])?;
    check(place.proxy.lines().len() == 5 && started.elapsed() > Duration::from_secs(2), "with pauses that grow")
}
