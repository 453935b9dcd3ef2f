//! Filters against those of the others: what podman, runc and libseccomp make of a
//! profile is read back from a running container's process, and every number of
//! every architecture is put to it and to the filter that boxlab makes.

mod common;
#[path = "seccomp/compare.rs"]
mod compare;
#[path = "seccomp/container.rs"]
mod container;
#[path = "seccomp/differences.rs"]
mod differences;
#[path = "seccomp/installed.rs"]
mod installed;

use std::sync::Arc;

use boxlab::kernel::{CapSet, proc};
use boxlab::seccomp::{Arch, DEFAULT, Filter, Profile, Target};

use common::people::{Person, Rights};
use common::place::Ground;
use common::trials::{self, Verdict, made_by_root, skipped, trial};
use compare::{Difference, Vectors};
use container::Podman;

/// Docker's 14 capabilities.
const DEFAULT_CAPS: CapSet = CapSet::from_bits(0xa804_25fb);

/// Every comparison, conditions on one argument twice, i386's two ways to a socket,
/// rules that contradict each other, several architectures, several actions.
const HARD: &str = include_str!("seccomp/hard.json");

/// A trial's name and what it asks podman.
type Named = (&'static str, fn(&Podman) -> Verdict);

fn main() {
    let ground = Arc::new(Ground::new(env!("CARGO_BIN_EXE_boxlab")));
    let names: [Named; 5] = [
        ("what boxlab loads is on the program", ours_is_installed),
        ("podman's profile means here what it means there", podmans_profile),
        ("the default profile means there what it means here", our_profile),
        ("a profile of hard cases means the same in both", hard_profile),
        ("the default differs from podman's in what is listed, and in nothing else", differences_are_listed),
    ];
    let reason = "only root may read a process's filter (PTRACE_SECCOMP_GET_FILTER)";
    if !nix::unistd::geteuid().is_root() {
        let all = names.into_iter().map(|(name, _)| made_by_root(name, reason.to_owned())).collect();
        trials::run(all, || ());
    }
    let all = match prepared(&ground) {
        Ok(podman) => names
            .into_iter()
            .map(|(name, body)| {
                let (podman, ground) = (podman.clone(), ground.clone());
                trial(name, move || {
                    let _ground = ground;
                    body(&podman)
                })
            })
            .collect(),
        Err(reason) => names.into_iter().map(|(name, _)| skipped(name, reason.clone())).collect(),
    };
    trials::run(all, move || drop(ground));
}

/// podman, once it has been tried; else why it can't be asked here.
fn prepared(ground: &Ground) -> Result<Podman, String> {
    if let Some(reason) = common::place::obstacle() {
        return Err(reason);
    }
    let root = Person { name: "root".to_owned(), uid: 0, gid: 0, rights: Rights::Root, other: false };
    let podman = Podman::new(ground.place(&root, "podman"));
    podman.filter(None).map_err(|error| format!("podman can't run a container here: {error}"))?;
    Ok(podman)
}

fn compiled(profile: &Profile, caps: CapSet) -> Filter {
    let target = Target { caps, kernel: proc::kernel_version() };
    profile.compile(&target).expect("a filter")
}

/// No differences, or those that `explained` accounts for.
fn same(differences: &[Difference], explained: impl Fn(&Difference) -> bool) -> Verdict {
    let unexplained: Vec<String> =
        differences.iter().filter(|difference| !explained(difference)).map(ToString::to_string).collect();
    if unexplained.is_empty() { Ok(()) } else { Err(unexplained.join("\n")) }
}

/// The lab's and a container's filter, instruction by instruction.
fn ours_is_installed(podman: &Podman) -> Verdict {
    let profile = Profile::default_profile().map_err(|error| error.to_string())?;
    let compiled = compiled(&profile, DEFAULT_CAPS);
    let lab = ["security", "seccomp", "--"];
    // In a PID namespace the program would not know its number here.
    let container = ["run", "--without", "pid", "--rootfs", "{rootfs}"];
    for words in [&lab[..], &container] {
        let installed = installed::of_boxlab(podman.place(), words)?;
        if installed != compiled.instructions {
            return Err(format!("{words:?}: {} instructions, not those compiled", installed.len()));
        }
    }
    Ok(())
}

fn podmans_profile(podman: &Podman) -> Verdict {
    let theirs = podman.filter(None)?;
    let path = podman.profile_path()?;
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let profile = Profile::from_json(&text).map_err(|error| error.to_string())?;
    let found = compare::all(&compiled(&profile, DEFAULT_CAPS), &theirs, &Vectors::of(&[&profile]));
    same(&found, |_| false)
}

fn our_profile(podman: &Podman) -> Verdict {
    let found = loaded_by_runc(podman, "default.json", DEFAULT)?;
    same(&found, Difference::is_newer_than_libseccomp)
}

/// For architectures of 32 bits libseccomp cuts what a rule compares with: less
/// than 2^33 becomes less than 0. Here the number stays what it is.
fn hard_profile(podman: &Podman) -> Verdict {
    let cut = |difference: &Difference| {
        difference.arch != Arch::X86_64 && difference.name().is_some_and(|name| ["mbind", "move_pages"].contains(&name))
    };
    let found = loaded_by_runc(podman, "hard.json", HARD)?;
    same(&found, cut)
}

/// This profile, made a filter here and there.
fn loaded_by_runc(podman: &Podman, name: &str, text: &str) -> Result<Vec<Difference>, String> {
    let profile = Profile::from_json(text).map_err(|error| error.to_string())?;
    let theirs = podman.filter(Some(&podman.write(name, text)?))?;
    Ok(compare::all(&compiled(&profile, DEFAULT_CAPS), &theirs, &Vectors::of(&[&profile])))
}

fn differences_are_listed(podman: &Podman) -> Verdict {
    let profile = Profile::default_profile().map_err(|error| error.to_string())?;
    let ours = compiled(&profile, DEFAULT_CAPS);
    let found = compare::all(&ours, &podman.filter(None)?, &Vectors::of(&[&profile]));
    differences::check(&found)
}
