//! The two documents that make an image of a layer.
//!
//! The configuration says how to run it, and which layers its root filesystem is made of;
//! the manifest says by which digests all of that is fetched. It does *not* store them.
//! See the OCI image specification, config.md and manifest.md.

use std::env;

use jiff::Timestamp;
use oci_spec::OciSpecError;
use oci_spec::image::{
    Arch, Config, ConfigBuilder, Descriptor, Digest, HistoryBuilder, ImageConfiguration, ImageConfigurationBuilder,
    ImageManifest, ImageManifestBuilder, MediaType, Os, RootFsBuilder, SCHEMA_VERSION,
};

use super::layer;
use super::recipe::Contents;
use crate::error::{Error, Result};

/// The manifest of an image.
pub fn manifest(config: Descriptor, layers: Vec<Descriptor>) -> Result<ImageManifest> {
    ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageManifest)
        .config(config)
        .layers(layers)
        .build()
        .map_err(invalid)
}

/// The configuration of the host image. It is as old as the newest file in it: the time
/// of making would give the same programs another digest.
pub fn configuration(contents: &Contents, diff_id: &Digest) -> Result<ImageConfiguration> {
    let created = rfc3339(layer::newest(&contents.tree));
    let history =
        HistoryBuilder::default().created(created.clone()).created_by("boxlab image host").build().map_err(invalid)?;
    let layers = RootFsBuilder::default().typ("layers").diff_ids(vec![diff_id.to_string()]).build().map_err(invalid)?;
    ImageConfigurationBuilder::default()
        .created(created)
        .architecture(architecture())
        .os(Os::Linux)
        .config(run(contents)?)
        .rootfs(layers)
        .history(vec![history])
        .build()
        .map_err(invalid)
}

/// How to run it, unless the user says otherwise.
fn run(contents: &Contents) -> Result<Config> {
    let mut environment = vec![format!("PATH={}", contents.path)];
    if contents.has_locale {
        environment.push("LANG=C.UTF-8".into());
    }
    ConfigBuilder::default()
        .env(environment)
        .cmd(vec![contents.shell.to_string_lossy().into_owned()])
        .working_dir("/")
        .build()
        .map_err(invalid)
}

/// This machine, as Go calls it.
pub fn architecture() -> Arch {
    match env::consts::ARCH {
        "x86" => Arch::i386,
        "loongarch64" => Arch::Other("loong64".into()),
        _ => Arch::default(),
    }
}

/// `2026-01-31T12:00:00Z` (RFC 3339)
fn rfc3339(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// What an image can't be described with.
pub fn invalid(error: OciSpecError) -> Error {
    Error::new(format!("cannot describe the image: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{architecture, rfc3339};
    use oci_spec::image::Arch;

    #[test]
    fn dates() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_735_689_599), "2024-12-31T23:59:59Z");
        assert_eq!(rfc3339(4_107_542_400), "2100-03-01T00:00:00Z");
        assert_eq!(rfc3339(u64::MAX), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn the_machine_has_gos_name() {
        match std::env::consts::ARCH {
            "x86_64" => assert_eq!(architecture(), Arch::Amd64),
            "aarch64" => assert_eq!(architecture(), Arch::ARM64),
            _ => {}
        }
    }
}
