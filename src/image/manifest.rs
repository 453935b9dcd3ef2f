//! The documents that a registry hands out under a tag, in both families.
//!
//! A **manifest** lists one configuration and the layers of one image; an **index** (Docker:
//! manifest list) lists a manifest for each platform. OCI's documents and those of Docker's
//! schema 2 differ in the names of their media types alone, so one reader serves both.
//! It does *not* fetch anything.
//! See the OCI image specification, manifest.md and image-index.md, and
//! <https://distribution.github.io/distribution/spec/manifest-v2-2/>.

use oci_spec::image::{Descriptor, Digest, ImageIndex, ImageManifest, MediaType};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::reference::parse_digest;
use crate::error::{Error, Result};

/// OCI's index: a manifest for each platform.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// OCI's manifest: one image.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Docker's word for an index.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's manifest.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// What is understood, as the header `Accept` says it. A registry that finds nothing of it
/// there may convert, and then the digest is another one.
pub const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";
/// The longest document that is read: what registries take at most.
pub const LONGEST: u64 = 4 * 1024 * 1024;

/// Docker's configuration; OCI's is `MediaType::ImageConfig`.
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const DOCKER_LAYER_ZSTD: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";
/// Docker's layers that must be fetched from elsewhere; windows had them.
const DOCKER_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar";
/// What buildkit keeps beside an image: who built it, and of what.
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A document, read.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "there are one or two at a time")]
pub enum Document {
    /// One image.
    Manifest(ImageManifest),
    /// One manifest for each platform.
    Index(ImageIndex),
}

/// How the tar archive of a layer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// It is the tar archive itself.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// The parts that tell the kinds apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    schema_version: Option<u32>,
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
    config: Option<serde::de::IgnoredAny>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Manifest,
    Index,
}

/// Reads a document. What it is, it says itself; else the registry's `Content-Type` says it;
/// else its shape tells.
pub fn parse(content_type: Option<&str>, bytes: &[u8]) -> Result<Document> {
    if bytes.len() as u64 > LONGEST {
        return Err(Error::new(format!("the manifest is longer than {} MiB", LONGEST >> 20)));
    }
    let shape: Shape = read(bytes)?;
    let content_type = content_type.map(essence);
    match kind(&shape, content_type.as_deref())? {
        Kind::Manifest => {
            let manifest: ImageManifest = read(bytes)?;
            check_digest(manifest.config().digest())?;
            manifest.layers().iter().try_for_each(|layer| check_digest(layer.digest()))?;
            Ok(Document::Manifest(manifest))
        }
        Kind::Index => {
            let index: ImageIndex = read(bytes)?;
            index.manifests().iter().try_for_each(|manifest| check_digest(manifest.digest()))?;
            Ok(Document::Index(index))
        }
    }
}

/// The media type under which it is stored and pushed.
pub fn media_type(document: &Document) -> MediaType {
    let (said, usual) = match document {
        Document::Manifest(manifest) => (manifest.media_type(), MediaType::ImageManifest),
        Document::Index(index) => (index.media_type(), MediaType::ImageIndex),
    };
    said.clone().unwrap_or(usual)
}

/// That this is an image which can be run: a manifest may as well describe a chart, a
/// signature or anything else.
pub fn check_image(manifest: &ImageManifest) -> Result<()> {
    let config = manifest.config().media_type();
    if *config != MediaType::ImageConfig && config.as_ref() != DOCKER_CONFIG {
        let what = manifest.artifact_type().as_ref().unwrap_or(config);
        return Err(Error::new(format!("this is no container image, but {}", printable(what.as_ref())))
            .hint("Registries store other things too, as charts and signatures. Such can't be run."));
    }
    manifest.layers().iter().try_for_each(|layer| compression(layer.media_type()).map(drop))
}

/// How a layer is packed; a kind of layer that can't be unpacked is refused.
pub fn compression(layer: &MediaType) -> Result<Compression> {
    match layer {
        MediaType::ImageLayer => Ok(Compression::None),
        MediaType::ImageLayerGzip => Ok(Compression::Gzip),
        MediaType::ImageLayerZstd => Ok(Compression::Zstd),
        other => match other.as_ref() {
            DOCKER_LAYER => Ok(Compression::None),
            DOCKER_LAYER_GZIP => Ok(Compression::Gzip),
            DOCKER_LAYER_ZSTD => Ok(Compression::Zstd),
            name => Err(refused(name)),
        },
    }
}

fn refused(layer: &str) -> Error {
    let foreign = layer.starts_with(DOCKER_FOREIGN) || layer.contains(".nondistributable.");
    let hint = if foreign {
        "Its maker does not let registries pass this layer on; images of Windows are so made."
    } else if layer == IN_TOTO {
        "That is a statement about how the image was built, and no image. Choose a platform: --platform linux/amd64."
    } else {
        "Layers are tar archives, plain or packed with gzip or zstd."
    };
    Error::new(format!("cannot use a layer of the type {}", printable(layer))).hint(hint)
}

fn kind(shape: &Shape, content_type: Option<&str>) -> Result<Kind> {
    if shape.schema_version == Some(1) {
        return Err(schema_1());
    }
    let both = shape.manifests.is_some() && (shape.layers.is_some() || shape.config.is_some());
    if both {
        // Two readers could take it for two different images (CVE-2021-41190).
        return Err(Error::new("the document is a manifest and an index at once"));
    }
    let sent = content_type.map_or(Ok(None), named)?;
    let said = match shape.media_type.as_deref() {
        Some(name) => Some(named(name)?.ok_or_else(|| unknown(name))?),
        None => None,
    };
    if let (Some(sent), Some(said)) = (sent, said)
        && sent != said
    {
        return Err(Error::new("the registry and the document don't agree whether it is a manifest or an index"));
    }
    let looks = match (shape.manifests.is_some(), shape.layers.is_some() || shape.config.is_some()) {
        (true, _) => Some(Kind::Index),
        (_, true) => Some(Kind::Manifest),
        _ => None,
    };
    said.or(sent).or(looks).ok_or_else(|| unknown(content_type.unwrap_or("unnamed")))
}

/// What a media type names; `None`: it doesn't say, as `application/json`.
fn named(media_type: &str) -> Result<Option<Kind>> {
    match media_type {
        OCI_MANIFEST | DOCKER_MANIFEST => Ok(Some(Kind::Manifest)),
        OCI_INDEX | DOCKER_LIST => Ok(Some(Kind::Index)),
        name if name.starts_with("application/vnd.docker.distribution.manifest.v1+") => Err(schema_1()),
        name if name.starts_with("application/vnd.") => Err(unknown(name)),
        _ => Ok(None),
    }
}

fn schema_1() -> Error {
    Error::new("the image is in Docker's schema 1, which is no longer in use")
        .hint("Its layers can't be verified. Pull it with an older tool and push it again, or ask its owner to do so.")
}

fn unknown(media_type: &str) -> Error {
    Error::new(format!("the document is of the unknown type {}", printable(media_type)))
        .hint("Manifests and indexes of OCI and of Docker's schema 2 are understood.")
}

fn check_digest(digest: &Digest) -> Result<()> {
    parse_digest(digest.as_ref()).map(drop).map_err(|why| Error::new(format!("cannot use the manifest: {why}")))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        let looks_like_a_page = bytes.trim_ascii_start().first() == Some(&b'<');
        let error = Error::new(format!("cannot understand the manifest: {error}"));
        match looks_like_a_page {
            true => error.hint("This is a web page and no manifest: is there a registry at that address?"),
            false => error,
        }
    })
}

/// `Application/JSON; charset=utf-8` → `application/json`
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What somebody else has written, fit for a terminal.
fn printable(text: &str) -> String {
    text.chars().take(120).flat_map(char::escape_debug).collect()
}

/// Descriptors of all that a manifest needs: the configuration first.
pub fn blobs(manifest: &ImageManifest) -> impl Iterator<Item = &Descriptor> {
    std::iter::once(manifest.config()).chain(manifest.layers())
}

#[cfg(test)]
mod tests {
    use super::{Compression, Document, blobs, check_image, compression, media_type, parse};
    use oci_spec::image::MediaType;
    use proptest::prelude::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn manifest(said: &str, config: &str, layer: &str) -> String {
        format!(
            r#"{{"schemaVersion":2,{said}"config":{{"mediaType":"{config}","digest":"{DIGEST}","size":0}},
               "layers":[{{"mediaType":"{layer}","digest":"{DIGEST}","size":0}}]}}"#
        )
    }

    fn oci() -> String {
        manifest(
            r#""mediaType":"application/vnd.oci.image.manifest.v1+json","#,
            "application/vnd.oci.image.config.v1+json",
            "application/vnd.oci.image.layer.v1.tar+gzip",
        )
    }

    fn docker() -> String {
        manifest(
            r#""mediaType":"application/vnd.docker.distribution.manifest.v2+json","#,
            "application/vnd.docker.container.image.v1+json",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
        )
    }

    fn index() -> String {
        let platform = r#""platform":{"os":"linux","architecture":"amd64"}"#;
        format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json",
               "digest":"{DIGEST}","size":2,{platform}}}]}}"#
        )
    }

    fn refused(content_type: Option<&str>, document: &str) -> String {
        let error = parse(content_type, document.as_bytes()).unwrap_err();
        format!("{error} {}", error.failure().hint.as_deref().unwrap_or_default())
    }

    #[test]
    fn both_families_are_read() {
        for text in [oci(), docker()] {
            for content_type in [None, Some("application/json"), Some("text/plain; charset=utf-8")] {
                let document = parse(content_type, text.as_bytes()).unwrap();
                let Document::Manifest(manifest) = &document else { panic!("{document:?}") };
                check_image(manifest).unwrap();
                assert_eq!(blobs(manifest).count(), 2);
                assert!(text.contains(media_type(&document).as_ref()));
            }
        }
        let list = Some("application/vnd.docker.distribution.manifest.list.v2+json; charset=utf-8");
        assert!(matches!(parse(list, index().as_bytes()), Ok(Document::Index(_))));
        assert!(matches!(parse(None, index().as_bytes()), Ok(Document::Index(_))));
    }

    #[test]
    fn what_it_is_must_be_certain() {
        assert!(refused(Some("application/vnd.oci.image.index.v1+json"), &oci()).contains("don't agree"));
        let both = oci().replacen('{', r#"{"manifests":[],"#, 1);
        assert!(refused(None, &both).contains("at once"));
        assert!(refused(None, "{}").contains("unknown type unnamed"));
        assert!(refused(None, "<html>").contains("web page"));
        assert!(refused(Some("application/vnd.oci.artifact.manifest.v1+json"), "{}").contains("artifact"));
        assert!(refused(None, &format!("{}{}", oci(), " ".repeat(4 << 20))).contains("longer than 4 MiB"));
    }

    #[test]
    fn old_and_weak_things_are_refused_by_name() {
        assert!(refused(None, r#"{"schemaVersion":1,"fsLayers":[]}"#).contains("schema 1"));
        let signed = Some("application/vnd.docker.distribution.manifest.v1+prettyjws");
        assert!(refused(signed, "{}").contains("schema 1"));
        let other = oci().replace(DIGEST, &format!("sha512:{}", "a".repeat(128)));
        assert!(refused(None, &other).contains("sha512"));
    }

    #[test]
    fn a_chart_is_no_image() {
        let chart = manifest("", "application/vnd.cncf.helm.config.v1+json", "application/vnd.oci.image.layer.v1.tar");
        let Document::Manifest(chart) = parse(None, chart.as_bytes()).unwrap() else { panic!() };
        assert!(check_image(&chart).unwrap_err().to_string().contains("helm"));
    }

    #[test]
    fn layers_are_packed_in_three_ways() {
        let of = |name: &str| compression(&MediaType::from(name)).map_err(|error| error.to_string());
        assert_eq!(of("application/vnd.oci.image.layer.v1.tar"), Ok(Compression::None));
        assert_eq!(of("application/vnd.oci.image.layer.v1.tar+zstd"), Ok(Compression::Zstd));
        assert_eq!(of("application/vnd.docker.image.rootfs.diff.tar.gzip"), Ok(Compression::Gzip));
        for name in [
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "application/vnd.in-toto+json",
            "application/x-rar",
        ] {
            assert!(of(name).unwrap_err().contains(name), "{name}");
        }
    }

    proptest! {
        /// Whatever arrives, it is read or refused.
        #[test]
        fn nothing_makes_it_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..400_usize) {
            let _ = parse(None, &bytes);
            let text = oci();
            let _ = parse(None, &text.as_bytes()[..cut.min(text.len())]);
        }
    }
}
