//! Any text as the header with which a registry asks for a token.
#![no_main]

use boxlab::image::registry::challenges;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for challenge in challenges(text) {
        let _ = challenge.parameter("realm");
    }
});
