//! The same escapes won by a race: another process swaps a directory of the root for
//! a link, or for another directory, while `run` is putting the root together. For
//! a few seconds, with renameat2(2), which swaps both names at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use super::{Outcome, attack_in, evil_root, forbidden, from_far_below, text, untouched};
use crate::support::{check, scratch};

/// How long each race is run.
const RACE: Duration = Duration::from_secs(3);

/// Swaps two names until it is dropped.
struct Swapper {
    stop: Arc<AtomicBool>,
    swaps: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Swapper {
    fn start(one: PathBuf, other: PathBuf) -> Self {
        let (stop, swaps) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (until, count) = (stop.clone(), swaps.clone());
        let thread = std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                renameat2(AT_FDCWD, &one, AT_FDCWD, &other, RenameFlags::RENAME_EXCHANGE).expect("both names");
                count.fetch_add(1, Ordering::Relaxed);
                std::thread::yield_now();
            }
        });
        Self { stop, swaps, thread: Some(thread) }
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// CVE-2021-30465: a volume's place is a directory when it is looked at, and a link
/// to the host when it is mounted on.
pub fn targets() -> Outcome {
    let outside = forbidden("race");
    let root = evil_root("race");
    let volume = scratch("race-volume");
    std::fs::create_dir(root.join("data"))?;
    std::os::unix::fs::symlink(from_far_below(&outside), root.join("link"))?;
    let swapper = Swapper::start(root.join("data"), root.join("link"));
    let started = Instant::now();
    let mut inside = 0;
    while started.elapsed() < RACE {
        let bind = format!("{}:/data/sub", volume.display());
        let ran = attack_in(&root, &["-v", &bind], &["write", "/data/sub/mark", "x"]);
        check(untouched(&outside), format!("the volume's place was made outside: {ran:?}"))?;
        // A link within the root is followed within the root, and so may work as well.
        let known = ran.status == 0 || (ran.status == 125 && ran.stderr.contains("inside the container"));
        check(known, format!("mounted, or refused: {ran:?}"))?;
        inside += usize::from(std::fs::remove_file(volume.join("mark")).is_ok());
        let names = ["secret", "sub"].map(|name| outside.join(name).exists());
        check(names == [true, false], "a mount point was made outside")?;
    }
    check(inside > 0, "not one of them mounted the volume")?;
    check(swapper.swaps.load(Ordering::Relaxed) > 1000, "there was no race")
}

/// CVE-2023-27561: /proc is mounted on one directory, and then its name leads to
/// another, in which nothing is found to be covered.
pub fn kernel_filesystems() -> Outcome {
    for name in ["proc", "sys"] {
        let root = evil_root(&format!("race-{name}"));
        let other = root.join("other");
        std::fs::create_dir_all(&other)?;
        std::fs::create_dir_all(root.join(name))?;
        let swapper = Swapper::start(root.join(name), other);
        let started = Instant::now();
        let mut started_programs = 0;
        while started.elapsed() < RACE / 2 {
            let top = format!("/{name}");
            started_programs += usize::from(covered(&root, &top)?);
        }
        check(swapper.swaps.load(Ordering::Relaxed) > 1000, "there was no race")?;
        drop(swapper);
        check(covered(&root, &format!("/{name}"))? || started_programs > 0, "not one of them ran")?;
    }
    Ok(())
}

/// One run; true if its program ran, and then nothing may be open to it.
fn covered(root: &Path, top: &str) -> Result<bool, libtest_mimic::Failed> {
    let ran = attack_in(
        root,
        &[],
        &[
            "open",
            &format!("{top}/sys/kernel/core_pattern"),
            "/other/sys/kernel/core_pattern",
            "/other/sysrq-trigger",
            &format!("{top}/kernel/uevent_seqnum"),
            "/other/kernel/rcu_expedited",
            "/sys/kernel/rcu_expedited",
        ],
    );
    check(!ran.stdout.contains(": ok"), format!("{}: this can be written to: {ran:?}", text(root)))?;
    // AppArmor's label is what needs a real /proc after that.
    let reasons = ["leads elsewhere", "cannot", "is not a proc filesystem"];
    let refused = ran.status == 125 && reasons.iter().any(|reason| ran.stderr.contains(reason));
    check(ran.status == 0 || refused, format!("covered, or refused: {ran:?}"))?;
    Ok(ran.status == 0)
}
