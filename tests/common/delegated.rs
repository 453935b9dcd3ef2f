//! Cgroups that root has given to an ordinary user, and a process of that user's in
//! them. admin-guide/cgroup-v2 "Delegation"

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use boxlab::kernel::cgroup::{CONTROLLERS, Hierarchy, Version, hierarchies, words};

use super::people::Person;
use super::place::Place;

/// Cgroups that belong to somebody, until they are dropped.
#[derive(Debug)]
pub struct Delegated {
    /// All of them, those beneath others last.
    made: Vec<PathBuf>,
    /// Where the somebody's processes begin.
    leaves: Vec<PathBuf>,
}

impl Delegated {
    /// Makes one in each tree.
    pub fn to(person: &Person) -> Result<Self, String> {
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
    pub fn left(&self) -> Vec<PathBuf> {
        let beneath = self.made.iter().flat_map(|path| boxlab::kernel::cgroup::children(path));
        beneath.filter(|path| !self.made.contains(path)).collect()
    }

    /// `boxlab WORDS...` as the person, started in these cgroups.
    pub fn boxlab(&self, place: &Place, words: &[&str]) -> Command {
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
