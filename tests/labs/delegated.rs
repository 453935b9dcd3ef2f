//! An ordinary user to whom cgroups are delegated can do every lab in them: root
//! makes a cgroup in each tree, gives it away, and starts the user's process in it.
//! admin-guide/cgroup-v2 "Delegation"

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use boxlab::kernel::cgroup::{CONTROLLERS, Hierarchy, Version, hierarchies, words};

use crate::Outcome;
use crate::cgroups::possible;
use crate::common::people::{Person, people};
use crate::common::place::{Ground, Place};
use crate::support::{check, needs_root};

/// Cgroups that belong to somebody, until they are dropped.
struct Delegated {
    /// All of them, those beneath others last.
    made: Vec<PathBuf>,
    /// Where the somebody's processes begin.
    leaves: Vec<PathBuf>,
}

impl Delegated {
    fn to(person: &Person) -> Result<Self, String> {
        let mut delegated = Self { made: Vec::new(), leaves: Vec::new() };
        for tree in hierarchies() {
            delegated.in_tree(&tree, person).map_err(|error| format!("{}: {error}", tree.mount.display()))?;
        }
        Ok(delegated)
    }

    fn in_tree(&mut self, tree: &Hierarchy, person: &Person) -> std::io::Result<()> {
        let top = tree.mount.join(format!("boxlab-test-{}", std::process::id()));
        if tree.version == Version::V2 {
            let known = |name: &String| CONTROLLERS.contains(&name.as_str());
            let controllers = words(&tree.mount.join("cgroup.controllers")).into_iter().filter(known);
            let passed_on: Vec<String> = controllers.map(|name| format!("+{name}")).collect();
            fs::write(tree.mount.join("cgroup.subtree_control"), passed_on.join(" "))?;
        }
        self.make(&top, person)?;
        if tree.version == Version::V1 {
            for file in ["cpuset.cpus", "cpuset.mems"].into_iter().filter(|file| top.join(file).exists()) {
                fs::write(top.join(file), fs::read(tree.mount.join(file))?)?;
            }
            self.leaves.push(top);
        } else {
            // v2 passes nothing on from a cgroup with processes in it.
            self.make(&top.join("leaf"), person)?;
            self.leaves.push(top.join("leaf"));
        }
        Ok(())
    }

    fn make(&mut self, path: &Path, person: &Person) -> std::io::Result<()> {
        fs::create_dir(path)?;
        self.made.push(path.to_owned());
        for name in [".", "cgroup.procs", "tasks", "cgroup.subtree_control"] {
            let file = path.join(name);
            if file.exists() {
                chown(file, Some(person.uid), Some(person.gid))?;
            }
        }
        Ok(())
    }

    /// What is beneath these that was not made by this test.
    fn left(&self) -> Vec<PathBuf> {
        let beneath = self.made.iter().flat_map(|path| boxlab::kernel::cgroup::children(path));
        beneath.filter(|path| !self.made.contains(path)).collect()
    }

    /// `boxlab WORDS...` as the person, started in these cgroups.
    fn boxlab(&self, place: &Place, words: &[&str]) -> Command {
        let enter = self.leaves.iter().map(|leaf| format!("echo 0 > {}/cgroup.procs; ", leaf.display()));
        let become_person =
            format!("exec setpriv --reuid {0} --regid {1} --clear-groups", place.person.uid, place.person.gid);
        let mut command = place.command(Path::new("sh"));
        command.arg("-c").arg(format!("{}{become_person} \"$@\"", enter.collect::<String>())).arg("sh");
        command.arg(place.program()).arg("--root").arg(place.store()).args(words);
        command
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        for path in self.made.iter().rev() {
            let _ = fs::remove_dir(path);
        }
    }
}

pub fn every_lab_works_where_cgroups_are_delegated() -> Outcome {
    needs_root()?;
    let Some(person) = people().into_iter().flatten().find(|person| person.other) else {
        return Err("there is no ordinary user here".into());
    };
    let ground = Ground::new(env!("CARGO_BIN_EXE_boxlab"));
    let place = ground.place(&person, "delegated");
    let delegated = Delegated::to(&person)?;
    for lab in possible() {
        let words = [&["-q"], &lab.split(' ').collect::<Vec<_>>()[..], &["--", "cat", "/proc/self/cgroup"]].concat();
        let output = delegated.boxlab(&place, &words).output()?;
        let inside = String::from_utf8_lossy(&output.stdout).into_owned();
        let own = format!("/boxlab-test-{}/boxlab-", std::process::id());
        check(output.status.success() && inside.contains(&own), format!("{lab}: {output:?}"))?;
        check(delegated.left().is_empty(), format!("{lab} has left {:?}", delegated.left()))?;
    }
    let words = ["cgroup", "mem", "--memory", "8m", "--swap", "0", "--", "true"];
    let output = delegated.boxlab(&place, &words).output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    check(told.contains("killed by SIGKILL: the kernel chose it"), told)
}
