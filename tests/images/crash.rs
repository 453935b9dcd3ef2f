//! A boxlab that is killed while it adds or removes images: what is in the store then is whole.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::made::{self, sha256};
use crate::support::{boxlab, check, scratch};
use crate::{Outcome, Store, text};

/// So many times it is killed.
const TIMES: u32 = 25;

pub fn killed_at_any_moment() -> Outcome {
    let template = made::store("killed");
    let archive = scratch("killed").join("images.tar");
    template.out(&["save", "-o", text(&archive), "app", "base:1"])?;
    let store = Store::new("killed/victim");
    let words: [&[&str]; 4] =
        [&["load", "-i", text(&archive)], &["tag", "app", "other"], &["rmi", "-f", "app"], &["image", "prune", "-af"]];
    // As long as each takes undisturbed, in steps.
    let mut took = Vec::new();
    for words in words {
        let start = Instant::now();
        store.out(words)?;
        took.push(start.elapsed());
    }
    let mut killed = 0;
    for round in 0..TIMES {
        for (words, took) in words.iter().zip(&took) {
            let wait = *took * (round * 7 % TIMES) / TIMES;
            killed += u32::from(kill_after(&store, words, wait)?);
            whole(&store)?;
        }
    }
    check(killed > TIMES / 2, format!("most were killed in the middle: {killed}"))?;
    // What is left over is found, and then an undisturbed round works.
    store.out(&["image", "prune", "-af"])?;
    check(store.blobs().is_empty() && crate::names(&store.0.join("tmp")).is_empty(), "nothing is left")?;
    store.out(words[0])?;
    check(store.out(&["images", "-q"])?.lines().count() == 2, "both are back")
}

/// True if it was still running.
fn kill_after(store: &Store, words: &[&str], wait: Duration) -> Result<bool, libtest_mimic::Failed> {
    let mut command: Command = boxlab();
    command.env("BOXLAB_ROOT", &store.0).args(words).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    std::thread::sleep(wait);
    let running = child.try_wait()?.is_none();
    child.kill()?;
    child.wait()?;
    Ok(running)
}

/// Every blob is what its name says, every image can be read to its last byte, and JSON is JSON.
fn whole(store: &Store) -> Outcome {
    for name in store.blobs() {
        let bytes = std::fs::read(store.oci().join("blobs/sha256").join(&name))?;
        check(sha256(&bytes) == name, format!("the blob {name} is not whole"))?;
    }
    for image in store.out(&["images", "--format", "{{.ID}}"])?.lines() {
        store.out(&["image", "export", "-o", "/dev/null", image])?;
    }
    Ok(())
}
