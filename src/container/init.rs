//! The child's half: from a fresh process in new namespaces to the user's program,
//! primitive by primitive. Read it from top to bottom.
//!
//! The parent's half is `launch`. Every path of the image is resolved inside the
//! container's root (`target`), every descriptor closes on exec.

use std::convert::Infallible;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::confine;
use super::furnish;
use super::identity::Identity;
use super::spec::{Root, Spec};
use super::terminal;
use crate::error::{Context, Error, Result};
use crate::kernel::errno::{EEXIST, ENOENT};
use crate::kernel::{
    CLONE_NEWCGROUP, CLONE_NEWNET, CLONE_NEWUTS, CloneFlags, Kernel, O_DIRECTORY, O_PATH, Outside, Program, maps,
};
use crate::primitives::cgroup::group;
use crate::primitives::mount::{bind, idmap, overlay, pivot, readonly};
use crate::primitives::net::loopback;
use crate::primitives::ns::{cgroup, mnt, user, uts};

/// The container's first process, up to its exec.
pub fn init(k: &Kernel, spec: &Spec, shifted: &[OwnedFd]) -> Result<Infallible> {
    // The modes below are meant as they are written.
    k.umask(0);
    // One of them could lead out of the container while its paths are resolved.
    k.step("Close what was open outside: no descriptor leads out of here");
    k.close_others(shifted)?;
    let outside = k.outside();
    group::enter_v1(k, &spec.group)?;
    if spec.maps.is_some() {
        user::become_root(k)?;
    }
    let groups_fixed = maps::groups_fixed();
    if spec.namespaces.contains(CLONE_NEWCGROUP) {
        cgroup::hide(k)?;
    }
    if spec.namespaces.contains(CLONE_NEWUTS) {
        uts::rename(k, &spec.hostname)?;
    }
    if spec.namespaces.contains(CLONE_NEWNET) {
        k.part("loopback", loopback::up)?;
    }

    k.step("Cut the mount table off from the host's: no mount travels out");
    mnt::private(k)?;
    let terminal = {
        let root = assemble(k, spec, shifted)?;
        let filesystems = furnish::kernel_filesystems(k, spec, &root)?;
        k.part("etc", |k| furnish::etc(k, spec, &root))?;
        furnish::user_mounts(k, spec, &root)?;
        let terminal = terminal::make(k, spec, &root)?;
        if spec.guards.masks {
            k.part("mask", |k| furnish::mask(k, &filesystems))?;
            k.part("readonly_paths", |k| furnish::readonly_paths(k, &filesystems))?;
        }
        terminal
    };
    if spec.read_only {
        k.step("Make the root read-only: what must be written has its own mounts");
        readonly::remount(k, &spec.assembled)?;
    }
    k.part("pivot_root", |k| pivot::enter(k, &spec.assembled))?;

    let identity = Identity::find(k, spec.user.as_deref(), &spec.groups, groups_fixed)?;
    terminal::take(k, spec, terminal, &identity)?;
    start_in(k, &spec.workdir)?;
    confine::lay_down(k, spec, &identity)?;
    if spec.init {
        return supervise(k, spec, &identity, outside);
    }
    become_program(k, spec, &identity, outside, |k| confine::seal(k, spec, &identity))
}

/// Puts the root filesystem together and opens it.
fn assemble(k: &Kernel, spec: &Spec, shifted: &[OwnedFd]) -> Result<OwnedFd> {
    if !shifted.is_empty() {
        let targets: Vec<&Path> = spec.shifted.iter().map(|(_, target)| target.as_path()).collect();
        idmap::place(k, shifted, &targets)?;
    }
    let cannot = || format!("cannot put the root filesystem together at {}", spec.assembled.display());
    match &spec.root {
        Root::Overlay(layers) => {
            k.step("The image's layers below, a fresh writable one above");
            overlay::mount(k, layers, &spec.assembled).doing(cannot)?;
        }
        Root::Directory(directory) => {
            k.step("A new root must be a mount point: bind the directory");
            bind::bind(k, directory, &spec.assembled, true).doing(cannot)?;
        }
    }
    k.open(&spec.assembled, O_PATH | O_DIRECTORY, 0)
}

/// The working directory, made if the image lacks it, and surely inside.
fn start_in(k: &Kernel, workdir: &Path) -> Result<()> {
    k.step("Start in the working directory");
    let started = match k.chdir(workdir) {
        Err(error) if error.errno() == Some(ENOENT) => make_all(k, workdir).and_then(|()| k.chdir(workdir)),
        other => other,
    };
    started.doing(|| format!("cannot start in {}", workdir.display()))?;
    // A path through /proc/self/fd could have led out. CVE-2024-21626
    if !k.is_inside_root() {
        return Err(Error::new(format!("the working directory {} lies outside of the container", workdir.display())));
    }
    Ok(())
}

fn make_all(k: &Kernel, path: &Path) -> Result<()> {
    let mut reached = PathBuf::from("/");
    for name in path.components().skip(1) {
        reached.push(name);
        match k.mkdir(&reached, 0o755) {
            Err(error) if error.errno() == Some(EEXIST) => {}
            other => other?,
        }
    }
    Ok(())
}

/// Nothing of boxlab is left when the program starts: no descriptor, no mask, no
/// right that it is not to have.
fn become_program(
    k: &Kernel,
    spec: &Spec,
    identity: &Identity,
    outside: Outside,
    seal: impl Fn(&Kernel) -> Result<()>,
) -> Result<Infallible> {
    let program = Program::find(&spec.command, &identity.environment(&spec.env))?;
    outside.refuse(&program)?;
    k.step("No descriptor of ours reaches the program");
    k.umask(0o022);
    k.close_on_exec_from(3)?;
    k.last(|k| {
        seal(k)?;
        k.step("The program takes over; nothing of boxlab is left in here");
        k.execve(&program)
    })
}

/// `--init`: this process stays PID 1, passes signals on and collects orphans. It
/// lays its own rights down first, and the program is born without them.
fn supervise(k: &Kernel, spec: &Spec, identity: &Identity, outside: Outside) -> Result<Infallible> {
    confine::seal(k, spec, identity)?;
    k.step("Stay as PID 1, which collects orphans; the program is its child");
    // Its memory and its /proc/1/exe are not for the container to open. CVE-2019-5736
    k.set_not_dumpable()?;
    k.block_all_signals()?;
    let program = k.clone3("program", CloneFlags::empty(), |k| {
        if spec.terminal {
            k.take_foreground()?;
        }
        become_program(k, spec, identity, outside, |_| Ok(()))
    })?;
    k.hang_up();
    k.exit(k.reap_until(&program)?.status())
}
