//! Images for the tests, made byte by byte: so it is known exactly what is in them, and
//! wrong ones can be made as well. Kept in memory; written as an OCI layout, or pushed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::http::{Answer, ask};
use super::registry::{must, needs};

/// How layers are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// Whose names the media types have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Oci,
    Docker,
}

/// `sha256:...`
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A layer before it is packed: a tar archive.
#[derive(Debug, Clone)]
pub struct Layer(pub Vec<u8>);

impl Layer {
    /// What `fill` puts in it.
    pub fn new(fill: impl FnOnce(&mut Builder<Vec<u8>>)) -> Self {
        let mut builder = Builder::new(Vec::new());
        fill(&mut builder);
        Self(builder.into_inner().expect("memory can be written"))
    }

    /// Nothing in it.
    pub fn empty() -> Self {
        Self::new(|_| ())
    }

    pub fn diff_id(&self) -> String {
        digest(&self.0)
    }

    /// As it is stored and sent.
    pub fn packed(&self, packing: Packing) -> Vec<u8> {
        match packing {
            Packing::Plain => self.0.clone(),
            Packing::Gzip => {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                gzip.write_all(&self.0).and_then(|()| gzip.finish()).expect("memory can be written")
            }
            Packing::Zstd => zstd::encode_all(self.0.as_slice(), 1).expect("memory can be written"),
        }
    }
}

/// Adds an entry of any type. The name is taken as it is, also a hostile one.
pub fn entry(builder: &mut Builder<Vec<u8>>, kind: EntryType, path: &str, mode: u32, link: &str, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000);
    let gnu = header.as_gnu_mut().expect("a GNU header");
    gnu.name[..path.len()].copy_from_slice(path.as_bytes());
    gnu.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    builder.append(&header, content).expect("memory can be written");
}

pub fn file(builder: &mut Builder<Vec<u8>>, path: &str, mode: u32, content: &[u8]) {
    entry(builder, EntryType::Regular, path, mode, "", content);
}

pub fn directory(builder: &mut Builder<Vec<u8>>, path: &str, mode: u32) {
    entry(builder, EntryType::Directory, path, mode, "", b"");
}

pub fn symlink(builder: &mut Builder<Vec<u8>>, path: &str, target: &str) {
    entry(builder, EntryType::Symlink, path, 0o777, target, b"");
}

/// Bytes that look random and are always the same; `half` of them can be packed well.
pub fn noise(seed: u64, length: usize, half: bool) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let word = if half && state.is_multiple_of(2) { 0x6c6162_786f62 } else { state };
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// What another document points at.
#[derive(Debug, Clone)]
pub struct Pointer {
    pub media_type: String,
    pub digest: String,
    pub size: usize,
}

impl Pointer {
    fn json(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.size})
    }
}

/// A whole image, or several under one index.
#[derive(Debug, Clone)]
pub struct Image {
    /// Configurations and layers, by digest.
    pub blobs: BTreeMap<String, Vec<u8>>,
    /// Manifests, those that others point at first, each with its media type.
    pub manifests: Vec<(Pointer, Vec<u8>)>,
}

impl Image {
    /// Of these layers, for this machine.
    pub fn new(layers: &[Layer], packing: Packing, family: Family) -> Self {
        let config = json!({"Cmd": ["sh"], "Env": ["PATH=/bin:/usr/bin"], "WorkingDir": "/"});
        Self::with(layers, packing, family, architecture(), config)
    }

    /// Of these layers, for that architecture, to be run so.
    pub fn with(layers: &[Layer], packing: Packing, family: Family, architecture: &str, config: Value) -> Self {
        let packed = layers.iter().map(|layer| layer.packed(packing)).collect();
        Self::of_packed(layers, packed, layer_type(packing, family), family, architecture, config)
    }

    /// Of layers as they are sent, whatever they may be.
    pub fn of_packed(
        layers: &[Layer],
        packed: Vec<Vec<u8>>,
        layer_type: &str,
        family: Family,
        architecture: &str,
        config: Value,
    ) -> Self {
        let (config_type, manifest_type) = match family {
            Family::Oci => ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.manifest.v1+json"),
            Family::Docker => (
                "application/vnd.docker.container.image.v1+json",
                "application/vnd.docker.distribution.manifest.v2+json",
            ),
        };
        let mut image = Self { blobs: BTreeMap::new(), manifests: Vec::new() };
        let layer_pointers: Vec<Value> = packed.into_iter().map(|bytes| image.blob(layer_type, bytes).json()).collect();
        let history: Vec<Value> = (0..layers.len())
            .map(|number| json!({"created": "2023-11-14T22:13:20Z", "created_by": format!("layer {number}")}))
            .collect();
        let diff_ids: Vec<String> = layers.iter().map(Layer::diff_id).collect();
        let config = json!({"created": "2023-11-14T22:13:20Z", "architecture": architecture, "os": "linux",
            "config": config, "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history});
        let config = image.blob(config_type, config.to_string().into_bytes()).json();
        image.manifest(
            manifest_type,
            &json!({"schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": layer_pointers}),
        );
        image
    }

    /// Several under one index: each with its platform, as `linux/arm/v7`.
    pub fn index(images: &[(&str, &Image)], family: Family) -> Self {
        let index_type = match family {
            Family::Oci => "application/vnd.oci.image.index.v1+json",
            Family::Docker => "application/vnd.docker.distribution.manifest.list.v2+json",
        };
        let mut index = Self { blobs: BTreeMap::new(), manifests: Vec::new() };
        let mut entries = Vec::new();
        for (platform, image) in images {
            let mut words = platform.split('/');
            let mut entry = image.top().json();
            entry["platform"] = json!({"os": words.next(), "architecture": words.next()});
            if let Some(variant) = words.next() {
                entry["platform"]["variant"] = variant.into();
            }
            entries.push(entry);
            index.blobs.extend(image.blobs.clone());
            index.manifests.extend(image.manifests.clone());
        }
        index.manifest(index_type, &json!({"schemaVersion": 2, "mediaType": index_type, "manifests": entries}));
        index
    }

    /// What its tag points at.
    pub fn top(&self) -> &Pointer {
        &self.manifests.last().expect("an image has a manifest").0
    }

    /// The digest of that.
    pub fn digest(&self) -> &str {
        &self.top().digest
    }

    /// The bytes of that.
    pub fn document(&self) -> &[u8] {
        &self.manifests.last().expect("an image has a manifest").1
    }

    fn blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Pointer {
        let pointer = Pointer { media_type: media_type.to_owned(), digest: digest(&bytes), size: bytes.len() };
        self.blobs.insert(pointer.digest.clone(), bytes);
        pointer
    }

    fn manifest(&mut self, media_type: &str, document: &Value) {
        let bytes = document.to_string().into_bytes();
        let pointer = Pointer { media_type: media_type.to_owned(), digest: digest(&bytes), size: bytes.len() };
        self.manifests.push((pointer, bytes));
    }

    /// Writes it as an OCI image layout in which it has this tag.
    pub fn write_layout(&self, directory: &Path, tag: &str) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
        let blobs = directory.join("blobs/sha256");
        fs::create_dir_all(&blobs).map_err(failed)?;
        let documents = self.manifests.iter().map(|(pointer, bytes)| (&pointer.digest, bytes));
        for (digest, bytes) in self.blobs.iter().chain(documents) {
            fs::write(blobs.join(digest.trim_start_matches("sha256:")), bytes).map_err(failed)?;
        }
        let mut entry = self.top().json();
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        let index = json!({"schemaVersion": 2, "manifests": [entry]});
        fs::write(directory.join("index.json"), index.to_string()).map_err(failed)?;
        fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).map_err(failed)
    }

    /// Pushes it as it is, to a registry that asks for no password.
    pub fn push(&self, address: &str, repository: &str, tag: &str) -> Result<(), String> {
        self.push_as(address, repository, tag, &[])
    }

    /// The same with these headers, as `("Authorization", "Basic ...")`.
    pub fn push_as(&self, address: &str, repository: &str, tag: &str, headers: &[(&str, &str)]) -> Result<(), String> {
        for (digest, bytes) in &self.blobs {
            let started = ask(address, "POST", &format!("/v2/{repository}/blobs/uploads/"), headers, b"")?;
            let location = created(&started, 202)?.header("location").unwrap_or_default().to_owned();
            let path = location.strip_prefix("http://").and_then(|url| url.find('/').map(|at| url[at..].to_owned()));
            let path = path.unwrap_or(location);
            let joint = if path.contains('?') { '&' } else { '?' };
            let sent = ask(address, "PUT", &format!("{path}{joint}digest={digest}"), headers, bytes)?;
            created(&sent, 201)?;
        }
        for (place, (pointer, bytes)) in self.manifests.iter().enumerate() {
            let name = if place + 1 == self.manifests.len() { tag } else { &pointer.digest };
            let kind = [headers, &[("Content-Type", pointer.media_type.as_str())]].concat();
            created(&ask(address, "PUT", &format!("/v2/{repository}/manifests/{name}"), &kind, bytes)?, 201)?;
        }
        Ok(())
    }

    /// Pushes it with skopeo, as `NAME:TAG`; `options` are skopeo's.
    pub fn push_by_skopeo(&self, address: &str, name: &str, options: &[&str]) -> Result<(), String> {
        let layout = tempfile::tempdir().map_err(|error| error.to_string())?;
        self.write_layout(layout.path(), "image")?;
        let from = format!("oci:{}:image", layout.path().display());
        let to = format!("docker://{address}/{name}");
        let mut skopeo = Command::new("skopeo");
        skopeo.args(["--insecure-policy", "copy", "--all", "--dest-tls-verify=false"]).args(options).args([from, to]);
        must(&mut skopeo).map(drop)
    }
}

fn created(answer: &Answer, status: u16) -> Result<&Answer, String> {
    if answer.status == status { Ok(answer) } else { Err(format!("{}: {}", answer.status, answer.text())) }
}

fn layer_type(packing: Packing, family: Family) -> &'static str {
    match (family, packing) {
        (Family::Oci, Packing::Plain) => "application/vnd.oci.image.layer.v1.tar",
        (Family::Oci, Packing::Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
        (Family::Oci, Packing::Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
        (Family::Docker, Packing::Plain) => "application/vnd.docker.image.rootfs.diff.tar",
        (Family::Docker, Packing::Gzip) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
        (Family::Docker, Packing::Zstd) => "application/vnd.docker.image.rootfs.diff.tar.zstd",
    }
}

/// This machine, as Go calls it.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// One file in one layer.
pub fn tiny(packing: Packing, family: Family) -> Image {
    let layer = Layer::new(|builder| {
        directory(builder, "etc/", 0o755);
        file(builder, "etc/tiny", 0o644, b"tiny\n");
    });
    Image::new(&[layer], packing, family)
}

/// A shell and its programs, all of them busybox: it can be run.
pub fn busybox() -> Result<Image, String> {
    needs("busybox")?;
    let program = fs::read("/bin/busybox").map_err(|error| format!("this needs a static /bin/busybox: {error}"))?;
    let layer = Layer::new(|builder| {
        for path in ["bin/", "etc/", "proc/", "sys/", "dev/", "tmp/"] {
            directory(builder, path, 0o755);
        }
        file(builder, "bin/busybox", 0o755, &program);
        for applet in ["sh", "cat", "ls", "echo", "true", "false", "sleep", "id", "hostname", "test", "stat"] {
            symlink(builder, &format!("bin/{applet}"), "busybox");
        }
        file(builder, "etc/passwd", 0o644, b"root:x:0:0:root:/:/bin/sh\n");
    });
    Ok(Image::new(&[layer], Packing::Gzip, Family::Oci))
}

/// `count` layers, each with `size` bytes in files of its own, half of which pack well; and
/// `top`, which each layer writes anew: the last one is seen.
pub fn layered(count: usize, size: usize, packing: Packing, family: Family) -> Image {
    Image::new(&layers(0..count, size), packing, family)
}

/// The layers of [`layered`]: images made of an equal beginning share it.
pub fn layers(numbers: std::ops::Range<usize>, size: usize) -> Vec<Layer> {
    const FILE: usize = 256 * 1024;
    let layer = |number: usize| {
        Layer::new(|builder| {
            directory(builder, "data/", 0o755);
            let content = noise(number as u64 + 1, size, true);
            for (place, part) in content.chunks(FILE).enumerate() {
                file(builder, &format!("data/{number}-{place}"), 0o644, part);
            }
            file(builder, "top", 0o644, format!("{number}\n").as_bytes());
        })
    };
    numbers.map(layer).collect()
}

/// A real Debian root filesystem, with apt. It is made once and kept in /var/tmp.
pub fn debian() -> Result<Image, String> {
    let config = json!({"Cmd": ["bash"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]});
    let mut archive = Vec::new();
    let path = debian_archive()?;
    File::open(&path).and_then(|mut file| file.read_to_end(&mut archive)).map_err(|error| error.to_string())?;
    Ok(Image::with(&[Layer(archive)], Packing::Gzip, Family::Oci, architecture(), config))
}

/// Its tar archive.
pub fn debian_archive() -> Result<PathBuf, String> {
    const SUITE: &str = "bookworm";
    needs("mmdebstrap")?;
    let failed = |error: std::io::Error| format!("this needs room in /var/tmp: {error}");
    let uid = fs::metadata("/proc/self").map_err(failed)?.uid();
    let place = format!("/var/tmp/boxlab-test-debian-{SUITE}-{uid}-1");
    let path = PathBuf::from(format!("{place}.tar"));
    // Several test programs may want it at once: one makes it.
    let lock = File::create(format!("{place}.lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if !path.exists() {
        let made = format!("{place}.new.tar");
        must(Command::new("mmdebstrap").args(["--quiet", "--variant=apt", SUITE, &made]))
            .map_err(|error| format!("this needs a Debian mirror, which mmdebstrap can't reach: {error}"))?;
        fs::rename(made, &path).map_err(failed)?;
    }
    Ok(path)
}
