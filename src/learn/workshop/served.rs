//! An image in a registry on loopback, for the stages that pull: boxlab's own `registry serve`,
//! from a store made for it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::layout::{self, Entry, Image};
use crate::error::{Error, IoContext, Result};
use crate::image::{Platform, Store};
use crate::kernel::random_hex;

/// The tag of an index: of this image, and of others for other platforms.
pub const PLATFORMS: &str = "platforms";

/// An index as real registries have them: what suits this machine stands in the middle.
fn index(layout: &Path, foreign: &str, own: &str) -> Result<String> {
    let here = Platform::this().architecture;
    let elsewhere = if here == "s390x" { "ppc64le" } else { "s390x" };
    let platforms = [
        (foreign, "linux", elsewhere),
        (foreign, "windows", &here),
        (own, "linux", &here),
        (foreign, "unknown", "unknown"),
    ];
    let mut manifests = Vec::new();
    for (digest, os, architecture) in platforms {
        let blob = layout::blob(layout, digest);
        let size = fs::metadata(&blob).or_fail(|| format!("cannot find {}", blob.display()))?.len();
        manifests.push(json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest,
            "size": size,
            "platform": { "os": os, "architecture": architecture },
        }));
    }
    let kind = "application/vnd.oci.image.index.v1+json";
    Ok(json!({ "schemaVersion": 2, "mediaType": kind, "manifests": manifests }).to_string())
}

/// The registry, as long as it runs, and what it serves.
#[derive(Debug)]
pub struct Served {
    process: Child,
    store: PathBuf,
    /// `127.0.0.1:PORT/library/NAME:TAG`
    pub image: String,
    /// NAME.
    pub name: String,
    /// TAG.
    pub tag: String,
    /// The digest of its manifest.
    pub manifest: String,
    /// What its environment and its file /etc/which hold.
    pub token: String,
    /// The status of the program that it runs by itself.
    pub status: i32,
    /// The digest of its upper layer, as it is stored.
    pub layer: String,
}

impl Served {
    /// Starts it, in a new directory. `programs` is the archive of the lower layer.
    /// Its process is told to `started` at once: it must not outlive this one.
    pub fn start(place: &Path, programs: &[u8], started: &mut dyn FnMut(i32) -> Result<()>) -> Result<Self> {
        let failed = || "cannot start a registry".to_owned();
        let token = random_hex(6)?;
        let (name, tag) = (format!("workshop-{token}"), random_hex(2)?);
        let status = 10 + i32::from(token.bytes().fold(0u8, u8::wrapping_add) % 80);
        let upper =
            [Entry::Directory("srv/"), Entry::File("etc/which", &token, 0o644), Entry::File("srv/here", "", 0o644)];
        let upper = layout::archive(&upper)?;
        let config = json!({
            "Env": [format!("TOKEN={token}"), "PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            "WorkingDir": "/srv",
            "Cmd": ["sh", "-c", format!("exit {status}")],
        });
        let layout = place.join("layout");
        let foreign = layout::archive(&[Entry::File("foreign", "", 0o644)])?;
        let foreign = Image { tag: &format!("{name}:foreign"), config: json!({}), layers: &[(&foreign, true)] };
        let image = Image { tag: &format!("{name}:{tag}"), config, layers: &[(programs, true), (&upper, true)] };
        let manifests = layout::write(&layout, &[foreign, image])?;
        let [foreign, manifest] = <[String; 2]>::try_from(manifests).unwrap_or_default();
        let index = index(&layout, &foreign, &manifest)?;
        let store = place.join("store");
        Store::open(&store)?.load_directory(&layout, &Platform::this())?;
        fs::remove_dir_all(&layout).or_fail(failed)?;

        let boxlab = std::env::current_exe().or_fail(|| "cannot find this program".to_owned())?;
        let mut command = Command::new(boxlab);
        command.args(["registry", "serve", "--listen", "127.0.0.1:0"]).env("BOXLAB_ROOT", &store);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().or_fail(failed)?;
        started(i32::try_from(process.id()).unwrap_or_default())?;
        let mut address = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut address).or_fail(failed)?;
        }
        let layer = layout::digest(&layout::gzip(&upper)?);
        if address.trim().is_empty() {
            return Err(Error::new("cannot start a registry: it has ended by itself"));
        }
        let image = format!("{}/library/{name}:{tag}", address.trim());
        let url = format!("http://{}/v2/library/{name}/manifests/{PLATFORMS}", address.trim());
        let pushed = ureq::put(url).content_type("application/vnd.oci.image.index.v1+json").send(index);
        pushed.map_err(|error| Error::new(format!("cannot push an index: {error}")))?;
        Ok(Self { process, store, image, name, tag, manifest, token, status, layer })
    }

    /// The file in which it keeps a blob.
    pub fn blob(&self, digest: &str) -> PathBuf {
        layout::blob(&self.store.join("oci"), digest)
    }

    /// Ends it.
    pub fn stop(mut self) -> Result<()> {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        ended.map(drop).or_fail(|| "cannot end the registry".to_owned())
    }
}
