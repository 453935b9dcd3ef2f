//! Any bytes as a manifest, under each of the media types that a registry may name.
#![no_main]

use boxlab::image::manifest::{Document, blobs, check_image, media_type, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Option<&str>, &[u8])| {
    let (content_type, bytes) = input;
    if let Ok(document) = parse(content_type, bytes) {
        let _ = media_type(&document);
        if let Document::Manifest(manifest) = &document {
            let _ = check_image(manifest);
            let _ = blobs(manifest).count();
        }
    }
});
