//! Stage 10: get an image from a registry. OCI distribution specification, "Pull"

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Result;
use super::unpack::{digest, list, verified};

/// What kinds of manifests are understood: one of an image, or of its platforms.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// As Go names this processor, and so do images.
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// Pulls `HOST:PORT/NAME:TAG` over plain HTTP into an image layout.
pub fn run(image: &str, layout: &Path) -> Result<i32> {
    let (host, name) = image.split_once('/').ok_or("the image is HOST:PORT/NAME:TAG")?;
    let (name, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
    let get = |kind: &str, wanted: &str| -> Result<Vec<u8>> {
        let mut answer =
            ureq::get(format!("http://{host}/v2/{name}/{kind}/{wanted}")).header("Accept", ACCEPT).call()?;
        Ok(answer.body_mut().with_config().limit(u64::MAX).read_to_vec()?)
    };
    // Whoever answers could send something else.
    let get_verified = |kind: &str, descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap_or_default();
        verified(get(kind, digest)?, digest)
    };
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let save = |bytes: &[u8]| fs::write(blobs.join(digest(bytes).trim_start_matches("sha256:")), bytes);

    let mut bytes = get("manifests", tag)?;
    let mut manifest: Value = serde_json::from_slice(&bytes)?;
    let is_ours = |image: &&Value| ["os", "architecture"].map(|key| &image["platform"][key]) == ["linux", ARCHITECTURE];
    if manifest["manifests"].is_array() {
        let image = list(&manifest["manifests"]).iter().find(is_ours).ok_or("it is not made for this machine")?;
        bytes = get_verified("manifests", image)?;
        manifest = serde_json::from_slice(&bytes)?;
    }
    save(&bytes)?;
    for blob in list(&manifest["layers"]).iter().chain([&manifest["config"]]) {
        save(&get_verified("blobs", blob)?)?;
    }
    let kind = manifest["mediaType"].as_str().unwrap_or("application/vnd.oci.image.manifest.v1+json");
    let name = json!({ "org.opencontainers.image.ref.name": tag });
    let image = json!({ "mediaType": kind, "digest": digest(&bytes), "size": bytes.len(), "annotations": name });
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    fs::write(layout.join("index.json"), json!({ "schemaVersion": 2, "manifests": [image] }).to_string())?;
    Ok(0)
}
