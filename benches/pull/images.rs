//! The images that are pulled: a real Debian, and eight layers of 40 MB.

use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

use super::Ground;

/// An image in the registry.
pub struct Made {
    pub name: &'static str,
    /// `127.0.0.1:PORT/NAME:latest`
    pub reference: String,
    /// Where each layer's blob can be fetched.
    pub layers: Vec<String>,
    /// Bytes of all layers, compressed.
    pub size: u64,
}

/// Bytes of a file in the made-up layers, and how many of these a layer has.
const FILE: usize = 80 * 1024;
const FILES: usize = 512;

/// Debian as mmdebstrap makes it.
pub fn debian(ground: &Ground) -> Result<Made, String> {
    let archive = ground.scratch.path().join("debian.tar");
    shell(&format!("mmdebstrap --quiet --variant=apt --skip=output/dev bookworm {}", archive.display()))?;
    push(ground, "debian", &[archive])
}

/// Eight layers that compress as programs do.
pub fn eight_layers(ground: &Ground) -> Result<Made, String> {
    let mut archives = Vec::new();
    for layer in 0..8_u64 {
        let path = ground.scratch.path().join(format!("layer-{layer}.tar"));
        let file = std::fs::File::create(&path).map_err(|error| error.to_string())?;
        let mut archive = tar::Builder::new(std::io::BufWriter::new(file));
        for number in 0..FILES as u64 {
            let content = content(layer * FILES as u64 + number + 1);
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(1_700_000_000);
            let name = format!("layer-{layer}/{}/file-{number}", number / 64);
            archive.append_data(&mut header, name, content.as_slice()).map_err(|error| error.to_string())?;
        }
        archive
            .into_inner()
            .and_then(|mut file| std::io::Write::flush(&mut file))
            .map_err(|error| error.to_string())?;
        archives.push(path);
    }
    push(ground, "eight-layers", &archives)
}

/// A third of it can't be compressed. xorshift64
fn content(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(FILE);
    while bytes.len() < FILE {
        for _ in 0..4 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        bytes.extend_from_slice(b"text that compresses well, as it comes again and again; ");
    }
    bytes.truncate(FILE);
    bytes
}

/// Compresses the archives, describes them as an image, and lets skopeo push that.
fn push(ground: &Ground, name: &'static str, archives: &[impl AsRef<Path>]) -> Result<Made, String> {
    let layout = ground.scratch.path().join(format!("{name}-oci"));
    let blobs = layout.join("blobs/sha256");
    let text = |error: std::io::Error| error.to_string();
    std::fs::create_dir_all(&blobs).map_err(text)?;
    let blob = |bytes: &[u8]| -> Result<String, String> {
        let digest = hex(&Sha256::digest(bytes));
        std::fs::write(blobs.join(&digest), bytes).map_err(text)?;
        Ok(digest)
    };
    let (mut layers, mut diff_ids, mut size) = (Vec::new(), Vec::new(), 0);
    for archive in archives {
        let archive = archive.as_ref();
        diff_ids.push(format!("sha256:{}", digest(archive)?));
        shell(&format!("pigz --force {}", archive.display()))?;
        let packed = archive.with_extension("tar.gz");
        let bytes = packed.metadata().map_err(text)?.len();
        size += bytes;
        let digest = digest(&packed)?;
        std::fs::rename(packed, blobs.join(&digest)).map_err(text)?;
        layers.push((digest, bytes));
    }
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Cmd":["/bin/sh"]}},"rootfs":{{"type":"layers","diff_ids":{diff_ids:?}}}}}"#
    );
    let described: Vec<String> = layers
        .iter()
        .map(|(digest, size)| {
            let kind = "application/vnd.oci.image.layer.v1.tar+gzip";
            format!(r#"{{"mediaType":"{kind}","digest":"sha256:{digest}","size":{size}}}"#)
        })
        .collect();
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:{}","size":{}}},"layers":[{}]}}"#,
        blob(config.as_bytes())?,
        config.len(),
        described.join(",")
    );
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:{}","size":{},"annotations":{{"org.opencontainers.image.ref.name":"latest"}}}}]}}"#,
        blob(manifest.as_bytes())?,
        manifest.len()
    );
    std::fs::write(layout.join("index.json"), index).map_err(text)?;
    std::fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).map_err(text)?;
    let address = &ground.registry.address;
    let reference = format!("{address}/{name}:latest");
    shell(&format!(
        "skopeo copy --quiet --dest-tls-verify=false oci:{}:latest docker://{reference}",
        layout.display()
    ))?;
    let url = |(digest, _): &(String, u64)| format!("http://{address}/v2/{name}/blobs/sha256:{digest}");
    Ok(Made { name, reference, layers: layers.iter().map(url).collect(), size })
}

/// Piece by piece: what this process has in memory counts for those that it starts.
fn digest(path: &Path) -> Result<String, String> {
    let mut file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 128 * 1024];
    loop {
        match std::io::Read::read(&mut file, &mut piece).map_err(|error| error.to_string())? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&piece[..read]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn shell(script: &str) -> Result<(), String> {
    let status = Command::new("sh").args(["-c", script]).status().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("failed: {script}")) }
}
