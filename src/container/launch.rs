//! The parent's half: starts the container's first process, helps it where only
//! someone outside can, and stays until it ends.
//!
//! The child's half is `init`. All that outlives this process is in the ledger
//! before it is made.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use super::attach::Attached;
use super::init;
use super::limits;
use super::spec::{Network, Root, Spec, What};
use crate::error::{Error, IoContext, Result};
use crate::kernel::lsm;
use crate::kernel::{
    CLONE_NEWCGROUP, CLONE_NEWPID, CLONE_NEWUSER, Child, Exit, Heard, Kernel, Maps, O_RDONLY, Signal, create_whole,
    proc,
};
use crate::ledger::{Item, Ledger, Process};
use crate::paths::{self, Paths};
use crate::primitives::cgroup::{group, mem};
use crate::primitives::mount::overlay::Layers;
use crate::primitives::mount::{idmap, overlay};
use crate::primitives::ns::user;
use crate::primitives::security::lsm as security;

/// How many Ctrl-C a program without a terminal may ignore.
const PATIENCE: usize = 3;

/// Makes the directories of a container: its place to be put together, its /etc
/// files and its writable layer.
pub fn prepare(paths: &Paths, spec: &Spec, ledger: &mut Ledger) -> Result<()> {
    let running = paths.running(ledger.short_id());
    ledger.record(Item::Directory(running))?;
    let cgroups = spec.group.places.iter().map(|place| Item::Cgroup(place.path.clone()));
    ledger.record_all(cgroups.collect())?;
    paths::make(&spec.assembled)?;
    paths::make(&spec.etc)?;
    if let Root::Overlay(layers) = &spec.root {
        let writable = paths.writable(ledger.short_id());
        ledger.record(Item::Directory(writable.clone()))?;
        make_writable(spec, &writable, &[&layers.upper, &layers.work])?;
        if spec.shifted.is_empty() && overlay::needs_links(layers) {
            make_links(layers)?;
        }
    }
    spec.shifted.iter().try_for_each(|(_, target)| paths::make(target))?;
    for mount in &spec.mounts {
        if let What::Bind(source) = &mount.what
            && !source.exists()
        {
            // The user's own from now on, as with Docker: it is no leftover.
            paths::make(source)?;
        }
    }
    for (name, text) in etc_files(spec) {
        let path = spec.etc.join(name);
        std::fs::write(&path, text).or_fail(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The writable layer, for nobody but the container's root.
fn make_writable(spec: &Spec, place: &Path, layers: &[&Path]) -> Result<()> {
    paths::make_private(place)?;
    let cannot = |path: &Path| format!("cannot make {}", path.display());
    for layer in layers {
        std::fs::create_dir(layer).or_fail(|| cannot(layer))?;
    }
    let Some((user, group)) = spec.maps.as_ref().filter(|_| !spec.shifted.is_empty()).map(Maps::root) else {
        return Ok(());
    };
    layers.iter().try_for_each(|layer| chown(layer, Some(user), Some(group)).or_fail(|| cannot(layer)))?;
    // The host's root still owns the way there, and lets that group pass.
    chown(place, None, Some(group)).or_fail(|| cannot(place))?;
    std::fs::set_permissions(place, Permissions::from_mode(0o710)).or_fail(|| cannot(place))
}

/// A short name for each layer below.
fn make_links(layers: &Layers) -> Result<()> {
    paths::make(&layers.links)?;
    for (place, layer) in layers.lower.iter().enumerate() {
        let link = layers.links.join(place.to_string());
        symlink(layer, &link).or_fail(|| format!("cannot make {}", link.display()))?;
    }
    Ok(())
}

/// What the container finds in /etc.
fn etc_files(spec: &Spec) -> [(&'static str, String); 3] {
    let hosts = match spec.network {
        Network::Host => std::fs::read_to_string("/etc/hosts").unwrap_or_default(),
        Network::None => format!(
            "127.0.0.1\tlocalhost {0}\n::1\tlocalhost ip6-localhost ip6-loopback {0}\nff02::1\tip6-allnodes\n",
            spec.hostname
        ),
    };
    let resolvers = match spec.network {
        Network::Host => std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default(),
        Network::None => String::new(),
    };
    [("hostname", format!("{}\n", spec.hostname)), ("hosts", hosts), ("resolv.conf", resolvers)]
}

/// Takes a container's name for as long as it exists.
pub fn claim_name(paths: &Paths, name: &str, ledger: &mut Ledger) -> Result<()> {
    paths::make(&paths.names())?;
    let file = paths.names().join(name);
    let id = ledger.short_id().to_owned();
    ledger.record(Item::Name { file: file.clone(), id: id.clone() })?;
    // The file appears with its text or not at all, and only for the first who asks.
    match create_whole(&file, id.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let holder = std::fs::read_to_string(&file).unwrap_or_default();
            let taken = Error::new(format!("the name '{name}' is in use by container {holder}"));
            Err(taken.hint(
                "Choose another, or wait until that container has ended. If it was\nkilled, `boxlab cleanup` frees the name.",
            ))
        }
        taken => taken.map(drop).or_fail(|| format!("cannot take the name '{name}'")),
    }
}

// ANCHOR: run
/// Runs the container to its end; the status of its program.
pub fn run(k: &Kernel, spec: &Spec, ledger: Option<&mut Ledger>) -> Result<i32> {
    let alone = !spec.namespaces.contains(CLONE_NEWPID);
    if alone {
        k.step("No PID namespace will end what the program leaves behind: adopt it");
        k.become_subreaper()?;
    }
    load_profile(k, spec)?;
    let cgroup = set_limits(k, spec)?;
    let shifted = shift_owners(k, spec)?;
    k.step("Start the first process, in namespaces of its own");
    // A cgroup namespace has the cgroup as its root in which it is made: `init`
    // makes it once the process is in all its cgroups.
    let namespaces = spec.namespaces.difference(CLONE_NEWCGROUP);
    let mut child = k.clone3_into("child", namespaces, cgroup.as_ref(), |k| init::init(k, spec, &shifted))?;
    drop((cgroup, shifted));
    k.look(|| format!("ls -l /proc/{}/ns; cat /proc/{}/mountinfo", child.pid, child.pid));
    let helped = record(&child, ledger).and_then(|()| score(k, spec, &child));
    let ended = helped.and_then(|()| follow(k, spec, &mut child));
    if ended.is_err() {
        k.kill(&mut child);
    }
    if alone {
        end_orphans(k)?;
    }
    let exit = ended?;
    if !spec.group.places.is_empty() {
        tell_kills(k, spec);
        group::remove(k, &spec.group)?;
    }
    Ok(exit.status())
}
// ANCHOR_END: run

/// Before anything runs: cgroups, and what they are to hold. The one of v2 is
/// returned, for the first process to be born in.
fn set_limits(k: &Kernel, spec: &Spec) -> Result<Option<OwnedFd>> {
    if spec.group.places.is_empty() {
        return Ok(None);
    }
    group::make(k, &spec.group)?;
    spec.limits.set(k, &spec.group)?;
    limits::devices(k, spec)?;
    group::open_v2(k, &spec.group)
}

/// AppArmor: boxlab's own profile is compiled once, and stays for the next container.
fn load_profile(k: &Kernel, spec: &Spec) -> Result<()> {
    match spec.guards.label.as_ref().filter(|label| label.own) {
        Some(label) if lsm::profile_is_loaded(&label.name) != Some(true) => {
            security::load(k, &label.name, &spec.etc.join("apparmor"))
        }
        _ => Ok(()),
    }
}

/// `--userns private` as root: the image's files belong to the host's root and its
/// like. A mount takes its map from a user namespace, which a process must make.
fn shift_owners(k: &Kernel, spec: &Spec) -> Result<Vec<OwnedFd>> {
    let Some(maps) = spec.maps.as_ref().filter(|_| !spec.shifted.is_empty()) else { return Ok(Vec::new()) };
    k.step("Have a helper make a user namespace: a mount takes its map from one");
    let mut lender = k.clone3("lender", CLONE_NEWUSER, |k| k.gate(idmap::LENT))?;
    k.until(&mut lender, idmap::LENT)?;
    user::map(k, lender.pid, maps)?;
    let namespace = k.open(Path::new(&format!("/proc/{}/ns/user", lender.pid)), O_RDONLY, 0)?;
    k.answer(&lender)?;
    k.watch(&mut lender)?;
    let sources: Vec<PathBuf> = spec.shifted.iter().map(|(source, _)| source.clone()).collect();
    idmap::shifted(k, &sources, &namespace)
}

/// Its own user namespace may forbid the child to say so itself.
fn score(k: &Kernel, spec: &Spec, child: &Child) -> Result<()> {
    let Some(score) = spec.limits.oom_score_adj else { return Ok(()) };
    k.step("Say how soon it is to be ended when the machine runs short of memory");
    k.set(Path::new(&format!("/proc/{}/oom_score_adj", child.pid)), &score.to_string())
}

/// Afterwards: a status of 137 says only that something sent SIGKILL.
fn tell_kills(k: &Kernel, spec: &Spec) {
    if spec.limits.memory.limit.is_some() && !k.plans() {
        let kills = mem::kills(&spec.group);
        if kills > 0 {
            k.step(format!("OOMKilled: at its memory limit the kernel ended {kills} of its processes"));
        }
    }
}

/// A setuid program, say, does not die with its parent: `cleanup` must know it.
fn record(child: &Child, ledger: Option<&mut Ledger>) -> Result<()> {
    match (ledger, Process::of(child.pid)) {
        (Some(ledger), Some(process)) => ledger.record(Item::Process(process)),
        _ => Ok(()),
    }
}

fn follow(k: &Kernel, spec: &Spec, child: &mut Child) -> Result<Exit> {
    let mut terminal = None;
    loop {
        match k.hear(child)? {
            Heard::Gate(_) => {
                if let Some(maps) = &spec.maps {
                    user::map(k, child.pid, maps)?;
                }
                k.answer(child)?;
            }
            Heard::Descriptor(master) => terminal = Some(Attached::new(k, master, spec.interactive)?),
            Heard::Ended if k.plans() => return k.wait(child),
            Heard::Ended => return Err(Error::new("the container's first process ended before its program started")),
            Heard::Started => break,
        }
    }
    match terminal {
        Some(terminal) => terminal.run(k, child),
        None => wait(k, child),
    }
}

/// Without a terminal: passes signals on, as `docker run` does. A PID 1 ignores
/// what it does not handle, so who insists on Ctrl-C gets out all the same.
fn wait(k: &Kernel, child: &mut Child) -> Result<Exit> {
    let mut interrupts = 0;
    loop {
        if !k.wait_for_end(child)? {
            return k.wait(child);
        }
        while let Some(signal) = k.signal() {
            interrupts += usize::from(signal == Signal::SIGINT);
            let signal = if interrupts >= PATIENCE { Signal::SIGKILL } else { signal };
            if signal != Signal::SIGWINCH {
                k.pidfd_send_signal(child, signal)?;
            }
        }
    }
}

/// Without a PID namespace: ends whatever the program has left running.
fn end_orphans(k: &Kernel) -> Result<()> {
    let own = proc::own_pid();
    loop {
        let orphans = proc::children_of(own);
        if orphans.is_empty() {
            return Ok(());
        }
        k.step("End what the program left behind");
        for pid in orphans {
            if let Some(orphan) = Process::of(pid) {
                let _ = k.end_process(pid, orphan.start);
            }
            k.collect(pid);
        }
    }
}

/// Where the parts of a container lie: its root (put together at the same place
/// for all, each in a mount namespace of its own), its /etc files, its writable layer.
pub fn places(paths: &Paths, short_id: &str) -> (PathBuf, PathBuf, PathBuf) {
    (paths.assembled(), paths.running(short_id), paths.writable(short_id))
}
