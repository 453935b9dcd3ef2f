//! Get an image from a registry: `pull HOST:PORT/NAME:TAG LAYOUT`. OCI distribution specification

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Fault, Findings, fault};
use crate::error::{IoContext, Result};
use crate::learn::workshop::layout::{blob, digest};
use crate::learn::workshop::served::{PLATFORMS, Served};

/// From boxlab's own registry; then from one that lies.
pub fn judge(findings: &mut Findings<'_>) -> Result<()> {
    let bench = findings.bench;
    let served = bench.served()?;
    let layout = bench.directory("pulled")?;
    let seen = bench.run(&["pull", &served.image, &layout.display().to_string()], &[])?;
    if findings.finished(&seen)? {
        findings.check(&seen, "layout", documents(&layout))?;
        findings.check(&seen, "named", named(&layout, served))?;
        findings.check(&seen, "complete", complete(&layout, &served.manifest))?;
    }

    platforms(findings, served)?;

    let failed = || "cannot have the registry lie".to_owned();
    let blob = served.blob(&served.layer);
    let honest = fs::read(&blob).or_fail(failed)?;
    let mut other = honest.clone();
    if let Some(last) = other.last_mut() {
        *last ^= 1;
    }
    fs::write(&blob, other).or_fail(failed)?;
    let layout = bench.directory("lied-to")?;
    let seen = bench.run(&["pull", &served.image, &layout.display().to_string()], &[]);
    fs::write(&blob, honest).or_fail(failed)?;
    let seen = seen?;
    let wrong = if seen.status() == Some(0) { fault("taken", &[("digest", &served.layer)]) } else { None };
    findings.check(&seen, "verified", wrong)
}

/// Of an index of several platforms, the image that suits this machine.
fn platforms(findings: &mut Findings<'_>, served: &Served) -> Result<()> {
    let layout = findings.bench.directory("platforms")?;
    let (image, _) = served.image.rsplit_once(':').unwrap_or_default();
    let seen = findings.bench.run(&["pull", &format!("{image}:{PLATFORMS}"), &layout.display().to_string()], &[])?;
    let index = read(&layout.join("index.json")).unwrap_or_default();
    let entries = index["manifests"].as_array().cloned().unwrap_or_default();
    let digests: Vec<&str> = entries.iter().filter_map(|entry| entry["digest"].as_str()).collect();
    let wrong = match (seen.status(), complete(&layout, &served.manifest)) {
        (Some(0), None) if digests == [served.manifest.as_str()] => None,
        (Some(0), _) => fault("other", &[("digest", &served.manifest), ("found", &digests.join(", "))]),
        (status, _) => fault("failed", &[("digest", &served.manifest), ("status", &status.unwrap_or_default())]),
    };
    findings.check(&seen, "platform", wrong)
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// The two files that make a layout of a directory.
fn documents(layout: &Path) -> Option<Fault> {
    let version = read(&layout.join("oci-layout"));
    if version.is_none_or(|version| version["imageLayoutVersion"] != "1.0.0") {
        return fault("version", &[]);
    }
    match read(&layout.join("index.json")) {
        Some(index) if index["schemaVersion"] == 2 && index["manifests"].is_array() => None,
        _ => fault("index", &[]),
    }
}

/// The index leads to the manifest, under the tag.
fn named(layout: &Path, served: &Served) -> Option<Fault> {
    let index = read(&layout.join("index.json")).unwrap_or_default();
    let entries = index["manifests"].as_array().cloned().unwrap_or_default();
    let Some(entry) = entries.iter().find(|entry| entry["digest"] == served.manifest.as_str()) else {
        let found = entries.first().and_then(|entry| entry["digest"].as_str().map(str::to_owned)).unwrap_or_default();
        return fault("digest", &[("found", &found), ("digest", &served.manifest)]);
    };
    let tag = entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap_or_default();
    let size = fs::metadata(blob(layout, &served.manifest)).map_or(0, |found| found.len());
    let values: &[(&'static str, &dyn std::fmt::Display)] =
        &[("tag", &served.tag), ("found", &tag), ("digest", &served.manifest)];
    match (tag == served.tag, entry["size"] == size && entry["mediaType"].is_string()) {
        (false, _) => fault("tag", values),
        (true, false) => fault("descriptor", values),
        (true, true) => None,
    }
}

/// Everything that the manifest names is there, and is what it is called.
fn complete(layout: &Path, manifest: &str) -> Option<Fault> {
    let document = read(&blob(layout, manifest));
    let Some(document) = document else { return fault("missing", &[("digest", &manifest)]) };
    let layers = document["layers"].as_array().cloned().unwrap_or_default();
    let named = layers.iter().chain([&document["config"]]).filter_map(|entry| entry["digest"].as_str());
    for wanted in named.chain([manifest]) {
        match fs::read(blob(layout, wanted)) {
            Err(_) => return fault("missing", &[("digest", &wanted)]),
            Ok(bytes) if digest(&bytes) != wanted => return fault("other", &[("digest", &wanted)]),
            Ok(_) => {}
        }
    }
    None
}
