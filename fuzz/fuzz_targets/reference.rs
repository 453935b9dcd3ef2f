//! Any text as the name of an image: what is accepted means the same when it is read again.
#![no_main]

use boxlab::image::Reference;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(reference) = Reference::parse(text) {
        let again = Reference::parse(&reference.to_string()).expect("a name that was accepted");
        assert_eq!(again.to_string(), reference.to_string());
    }
});
