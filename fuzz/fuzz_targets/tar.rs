//! Any bytes as a layer: an error or a directory, and nothing beside it.
#![no_main]

use std::path::Path;

use boxlab::image::unpack::{Ids, Options, unpack};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let place = tempfile::tempdir_in(memory()).expect("a directory");
    let layer = place.path().join("layer");
    std::fs::create_dir(&layer).expect("a directory");
    std::fs::write(place.path().join("canary"), "sings").expect("a file");
    let archive = repaired(bytes);
    let options = Options { ids: Ids::One, max_bytes: 1 << 20, max_entries: 1000 };
    let _ = unpack(&archive[..], &layer, &options, &mut |_| ());
    assert_eq!(std::fs::read_to_string(place.path().join("canary")).expect("the canary"), "sings");
    assert_eq!(std::fs::read_dir(place.path()).expect("a directory").count(), 2);
    boxlab::kernel::remove_tree(&layer).expect("it can be removed");
});

/// Files in memory are made faster.
fn memory() -> &'static Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory } else { Path::new("/tmp") }
}

/// Few random blocks have the sum that a header must have: so each gets it.
fn repaired(bytes: &[u8]) -> Vec<u8> {
    let mut archive = bytes.to_owned();
    for block in archive.chunks_exact_mut(512).filter(|block| block[148] != b'!') {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    archive
}
