//! v2's device program, also where v1 has a list of devices, which boxlab prefers:
//! in a mount namespace of its own, in which that list is not mounted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxlab::kernel::cgroup::{Version, hierarchies};
use libtest_mimic::Trial;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

use crate::Sums;
use crate::common::place::{Ground, Place};
use crate::common::strace::Streams;
use crate::common::trials::{skipped, trial};
use crate::record::record;

/// One trial, for root.
pub fn trials(ground: &Arc<Ground>, place: &Place, sums: &Arc<Sums>) -> Vec<Trial> {
    let name = format!("{}: the device program of v2", place.person.label());
    let trees = hierarchies();
    if !trees.iter().any(|tree| tree.version == Version::V2) {
        return vec![skipped(name, "no cgroup of v2 is mounted".to_owned())];
    }
    let list =
        trees.iter().find(|tree| tree.version == Version::V1 && tree.controllers.iter().any(|it| it == "devices"));
    let list = list.map(|tree| tree.mount.clone());
    let (ground, place, sums) = (ground.clone(), place.clone(), sums.clone());
    vec![trial(name, move || {
        let words = ["run", "--device", "/dev/zero:/dev/mine:r", "--rootfs", "{rootfs}", "/bin/true"];
        let run = || record(&place, "bpf", &words, Streams::Pipes);
        let recorded = without(list, run)??;
        drop(ground);
        crate::judge(&recorded, &sums)?;
        let loaded = recorded.processes.values().flat_map(|process| &process.events).any(|call| call.name == "bpf");
        let well = loaded && recorded.status == 0;
        if well { Ok(()) } else { Err(format!("status {}:\n{}", recorded.status, recorded.output)) }
    })]
}

/// Runs something in a thread, and so with children, that does not see this mount.
fn without<T: Send>(hidden: Option<PathBuf>, run: impl FnOnce() -> T + Send) -> Result<T, String> {
    let hide = |hidden: &Path| {
        unshare(CloneFlags::CLONE_FS | CloneFlags::CLONE_NEWNS)?;
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
        umount2(hidden, MntFlags::MNT_DETACH)
    };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            hidden.as_deref().map_or(Ok(()), hide).map_err(|errno| format!("cannot hide the list: {errno}"))?;
            Ok(run())
        });
        thread.join().map_err(|_| "the thread panicked".to_owned())?
    })
}
