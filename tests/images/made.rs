//! Images made by hand, byte by byte the same every time.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Store, text};

/// The time at which everything was made.
const TIME: u64 = 1_700_000_000;

/// An entry of a layer.
#[derive(Debug, Clone, Copy)]
pub enum Made<'a> {
    File(&'a str, &'a str),
    Directory(&'a str, u32),
    Symlink(&'a str, &'a str),
    Link(&'a str, &'a str),
    Fifo(&'a str),
    /// A file with this owner, mode, and one extended attribute.
    Owned(&'a str, u64, u32, (&'a str, &'a str)),
}

/// A layer as a plain archive.
pub fn tar(entries: &[Made<'_>]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for made in entries {
        let mut header = tar::Header::new_ustar();
        header.set_mtime(TIME);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        let (path, content) = match *made {
            Made::File(path, content) => (path, content),
            Made::Directory(path, mode) => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_mode(mode);
                (path, "")
            }
            Made::Symlink(path, target) | Made::Link(path, target) => {
                let is_symlink = matches!(made, Made::Symlink(..));
                header.set_entry_type(if is_symlink { tar::EntryType::Symlink } else { tar::EntryType::Link });
                header.set_link_name_literal(target).expect("a short target");
                (path, "")
            }
            Made::Fifo(path) => {
                header.set_entry_type(tar::EntryType::Fifo);
                (path, "")
            }
            Made::Owned(path, owner, mode, (name, value)) => {
                archive
                    .append_pax_extensions([(format!("SCHILY.xattr.{name}").as_str(), value.as_bytes())])
                    .expect("a record");
                header.set_uid(owner);
                header.set_gid(owner);
                header.set_mode(mode);
                (path, "owned\n")
            }
        };
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, content.as_bytes()).expect("an entry");
    }
    archive.into_inner().expect("an archive")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("gzip");
    encoder.finish().expect("gzip")
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An OCI layout that is put together by hand.
#[derive(Debug)]
pub struct Layout {
    pub path: PathBuf,
    manifests: Vec<Value>,
}

/// A layer as it is stored, and as a plain archive.
pub type Stored = (Vec<u8>, Vec<u8>);

impl Layout {
    pub fn new(path: &Path) -> Self {
        fs::create_dir_all(path.join("blobs/sha256")).expect("a directory");
        fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("a file");
        Self { path: path.to_owned(), manifests: Vec::new() }
    }

    pub fn blob(&self, kind: &str, bytes: &[u8]) -> Value {
        let digest = sha256(bytes);
        fs::write(self.path.join("blobs/sha256").join(&digest), bytes).expect("a blob");
        json!({"mediaType": kind, "size": bytes.len(), "digest": format!("sha256:{digest}")})
    }

    /// Adds an image; its ID.
    pub fn add(&mut self, name: &str, layers: &[Stored], change: impl FnOnce(&mut Value)) -> String {
        let diff_ids: Vec<String> = layers.iter().map(|(_, plain)| format!("sha256:{}", sha256(plain))).collect();
        let history: Vec<Value> = (1..=layers.len())
            .map(|number| json!({"created": "2020-01-02T03:04:05Z", "created_by": format!("RUN step {number}")}))
            .collect();
        let mut config = json!({
            "created": "2020-01-02T03:04:05Z", "architecture": architecture(), "os": "linux",
            "config": {"Cmd": ["sh"], "Env": ["PATH=/bin", "A=1"], "Labels": {"kind": "test"}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history,
        });
        change(&mut config);
        let config = self.blob("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
        let id = config["digest"].as_str().expect("a digest").to_owned();
        let layers: Vec<Value> = layers.iter().map(|(stored, _)| self.blob(kind(stored), stored)).collect();
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers});
        let mut manifest = self.blob(media_type, manifest.to_string().as_bytes());
        if !name.is_empty() {
            manifest["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        }
        self.manifests.push(manifest);
        self.finish();
        id
    }

    fn finish(&self) {
        let index = json!({"schemaVersion": 2, "manifests": self.manifests});
        fs::write(self.path.join("index.json"), index.to_string()).expect("an index");
    }
}

fn kind(stored: &[u8]) -> &'static str {
    match stored {
        [0x1f, 0x8b, ..] => "application/vnd.oci.image.layer.v1.tar+gzip",
        [0x28, 0xb5, ..] => "application/vnd.oci.image.layer.v1.tar+zstd",
        _ => "application/vnd.oci.image.layer.v1.tar",
    }
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The layer at the bottom of all images here.
pub fn base() -> Vec<u8> {
    tar(&[
        Made::Directory("bin/", 0o755),
        Made::File("bin/program", "program\n"),
        Made::Symlink("bin/sh", "program"),
        Made::Directory("etc/", 0o755),
        Made::File("etc/motd", "hello\n"),
        Made::Link("etc/motd.old", "etc/motd"),
        Made::Directory("var/cache/", 0o700),
        Made::File("var/cache/a", "a\n"),
        Made::File("var/cache/b", "b\n"),
        Made::Directory("usr/lib/", 0o755),
        Made::Symlink("lib", "usr/lib"),
        Made::Owned("srv", 1000, 0o640, ("user.kind", "test")),
    ])
}

/// What is put on top of it: every kind of change.
pub fn upper() -> Vec<u8> {
    tar(&[
        Made::Directory("etc/", 0o750),
        Made::File("etc/.wh.motd", ""),
        Made::File("new", "new\n"),
        Made::Directory("var/cache/", 0o711),
        Made::File("var/cache/.wh..wh..opq", ""),
        Made::File("var/cache/c", "c\n"),
        Made::File("lib/library", "library\n"),
        Made::Symlink("bin/sh", "/bin/program"),
    ])
}

/// A store with `base:1` and `app:latest`, which stands on it with one layer as gzip and one as zstd.
pub fn store(trial: &str) -> Store {
    let store = Store::new(trial);
    let mut layout = Layout::new(&store.0.with_file_name("layout"));
    layout.add("base:1", &[(base(), base())], |_| ());
    let top = tar(&[Made::File("top", "top\n"), Made::File("bin/program", "changed\n")]);
    let layers =
        [(base(), base()), (gzip(&upper()), upper()), (zstd::encode_all(top.as_slice(), 1).expect("zstd"), top)];
    layout.add("app", &layers, |config| {
        config["config"]["Cmd"] = json!(["app"]);
        config["config"]["ExposedPorts"] = json!({"80/tcp": {}});
        config["created"] = json!("2021-01-02T03:04:05Z");
        config["history"]
            .as_array_mut()
            .expect("a list")
            .insert(1, json!({"created_by": "ENV A=1", "empty_layer": true}));
    });
    let loaded = store.out(&["load", "-i", text(&layout.path)]).expect("the layout can be loaded");
    assert_eq!(loaded, "Loaded image: base:1\nLoaded image: app:latest\n");
    store
}

/// A store with `app:latest` alone, made of what all tools know: no zstd.
pub fn older_store(trial: &str) -> Store {
    let store = Store::new(trial);
    let mut layout = Layout::new(&store.0.with_file_name("layout"));
    layout.add("app", &[(gzip(&base()), base()), (gzip(&upper()), upper())], |_| ());
    store.out(&["load", "-i", text(&layout.path)]).expect("the layout can be loaded");
    store
}

/// A root filesystem of busybox, with a directory that belongs to somebody else.
pub fn busybox(program: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |path: &str, kind: tar::EntryType, owner: u64, mode: u32, link: &str, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_uid(owner);
        header.set_gid(owner);
        header.set_mode(mode);
        header.set_link_name_literal(link).expect("a short target");
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content).expect("an entry");
    };
    add("bin", tar::EntryType::Directory, 0, 0o755, "", b"");
    add("bin/busybox", tar::EntryType::Regular, 0, 0o755, "", program);
    for applet in ["sh", "echo", "cat"] {
        add(&format!("bin/{applet}"), tar::EntryType::Symlink, 0, 0o777, "busybox", b"");
    }
    add("closed", tar::EntryType::Directory, 1000, 0o700, "", b"");
    add("closed/file", tar::EntryType::Regular, 1000, 0o600, "", b"closed\n");
    archive.into_inner().expect("an archive")
}

/// A tree of files: path, what it is, mode, owner, and content or target.
pub type Tree = BTreeMap<String, String>;

/// What is in an archive.
pub fn listing(bytes: &[u8]) -> Tree {
    let mut tree = Tree::new();
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let path = String::from_utf8_lossy(&entry.path_bytes()).trim_end_matches('/').to_owned();
        let mut content = String::new();
        std::io::Read::read_to_string(&mut entry, &mut content).expect("text");
        let header = entry.header();
        let kind = header.entry_type();
        let link = entry.link_name_bytes().map(|link| String::from_utf8_lossy(&link).into_owned()).unwrap_or_default();
        let (mode, owner) = (header.mode().expect("a mode"), header.uid().expect("an owner"));
        tree.insert(path, format!("{kind:?} {mode:o} {owner} {link}{content}"));
    }
    tree
}
