//! Stage 6: no more than it was given. cgroups(7)

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use super::Result;
use super::child::{exec, in_child};
use super::pid::{NEW, contain};

/// As [`super::pid::run`], with so many bytes of memory and so many processes at most.
pub fn run(memory: u64, pids: u64, root: &Path, program: &[String]) -> Result<i32> {
    let group = Group::new(memory, pids)?;
    in_child(NEW, || {
        group.join()?;
        contain(root)?;
        exec(program)
    })
}

/// Cgroups of this run's own, which go with it: one of v2, or one in each tree of v1.
#[derive(Default)]
pub struct Group(Vec<PathBuf>);

impl Group {
    /// Makes them, and sets their limits.
    pub fn new(memory: u64, pids: u64) -> Result<Self> {
        let mut group = Self::default();
        let place = group.make("CGROUP_MEMORY")?;
        // v2 and v1 have other names for it. The second is for the swap: only some kernels count it.
        let [limit, swap, most] = match place.join("memory.max").exists() {
            true => ["memory.max", "memory.swap.max", "0"],
            false => ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes", &memory.to_string()],
        };
        fs::write(place.join(limit), memory.to_string())?;
        let _ = fs::write(place.join(swap), most);
        fs::write(group.make("CGROUP_PIDS")?.join("pids.max"), pids.to_string())?;
        Ok(group)
    }

    /// A new cgroup beneath the one that the environment names.
    fn make(&mut self, variable: &str) -> Result<PathBuf> {
        let parent = env::var(variable).map_err(|_| format!("{variable} is not set"))?;
        let place = Path::new(&parent).join(format!("mycontainer-{}", process::id()));
        if !self.0.contains(&place) {
            fs::create_dir(&place)?;
            self.0.push(place.clone());
        }
        Ok(place)
    }

    /// Moves the caller in, and so the children that it will have.
    pub fn join(&self) -> std::io::Result<()> {
        self.0.iter().try_for_each(|place| fs::write(place.join("cgroup.procs"), "0"))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.0.iter().for_each(|place| drop(fs::remove_dir(place)));
    }
}
