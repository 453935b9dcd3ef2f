//! The ground that all run on: a mount table of the benchmark's own, one root
//! filesystem, and fresh directories for everybody's state.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, statfs};
use tempfile::TempDir;

/// Where Debian and others put a busybox that needs no library.
const BUSYBOX: [&str; 4] = ["/bin/busybox", "/usr/bin/busybox", "/bin/busybox-static", "/usr/bin/busybox-static"];

/// What everybody is given.
#[derive(Debug)]
pub struct Ground {
    scratch: TempDir,
    state: TempDir,
    /// Why there is no root filesystem, or nothing.
    without: Option<String>,
}

impl Ground {
    /// Makes all of it.
    pub fn prepare(scratch: Option<&Path>, state: Option<&Path>) -> Result<Self, String> {
        let root = nix::unistd::geteuid().is_root();
        if root {
            hide_second_hierarchy().map_err(|errno| format!("cannot make a mount namespace: {errno}"))?;
        }
        let scratch = scratch.map_or_else(std::env::temp_dir, Path::to_owned);
        let usual = if root { Path::new("/run") } else { &scratch };
        let (state, scratch) = (fresh(state.unwrap_or(usual))?, fresh(&scratch)?);
        let mut ground = Self { scratch, state, without: None };
        fs::create_dir(ground.place("traces")).map_err(|error| format!("cannot make a directory: {error}"))?;
        let busybox = BUSYBOX.map(Path::new).into_iter().find(|path| path.is_file());
        match busybox {
            Some(busybox) => {
                ground.furnish(busybox).map_err(|error| format!("cannot make a root filesystem: {error}"))?
            }
            None => ground.without = Some("busybox-static is not installed".to_owned()),
        }
        Ok(ground)
    }

    /// A root filesystem with busybox and nothing else.
    fn furnish(&self, busybox: &Path) -> io::Result<()> {
        for name in ["bin", "proc", "sys", "dev", "etc", "tmp"] {
            fs::create_dir_all(self.root().join(name))?;
        }
        fs::copy(busybox, self.root().join("bin/busybox"))?;
        symlink("busybox", self.root().join("bin/true"))
    }

    /// The root filesystem.
    pub fn root(&self) -> PathBuf {
        self.place("bundle").join("rootfs")
    }

    /// A place of this name for what lies on a disk: a bundle, settings, storage.
    pub fn place(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// A place of this name for what a reboot may remove: the state of one of them.
    pub fn state(&self, name: &str) -> PathBuf {
        self.state.path().join(name)
    }

    /// Makes `place(name)` what boxlab calls its root, with the state in it where
    /// all others have theirs.
    pub fn divide(&self, name: &str) -> io::Result<()> {
        fs::create_dir_all(self.state(name))?;
        fs::create_dir_all(self.place(name))?;
        symlink(self.state(name), self.place(name).join("state"))
    }

    /// What cgroups of this benchmark are called; one for each process that measures.
    pub fn cgroup(&self) -> String {
        format!("boxlab-latency-{}", std::process::id())
    }

    /// True if root measures: only then has everybody the same ground.
    pub fn root_user(&self) -> bool {
        nix::unistd::geteuid().is_root()
    }

    /// Why nothing can be run in the root filesystem.
    pub fn lacks(&self) -> Option<String> {
        self.without.clone()
    }
}

impl Drop for Ground {
    /// podman leaves the cgroup above its containers behind, once a hierarchy.
    fn drop(&mut self) {
        for hierarchy in fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            let _ = fs::remove_dir(hierarchy.path().join(self.cgroup()));
        }
        let _ = fs::remove_dir(Path::new("/sys/fs/cgroup").join(self.cgroup()));
    }
}

fn fresh(place: &Path) -> Result<TempDir, String> {
    let made = tempfile::Builder::new().prefix("boxlab-latency-").tempdir_in(place);
    made.map_err(|error| format!("cannot make a directory in {}: {error}", place.display()))
}

/// crun 1.8 refuses a machine that has cgroup v1 and v2 side by side (hybrid):
/// nobody gets to see the second one, in a mount namespace of our own.
fn hide_second_hierarchy() -> nix::Result<()> {
    let nothing = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
    let second = Path::new("/sys/fs/cgroup/unified");
    match statfs(second) {
        Ok(found) if found.filesystem_type() == CGROUP2_SUPER_MAGIC => {
            mount(Some("tmpfs"), second, Some("tmpfs"), MsFlags::empty(), nothing)
        }
        _ => Ok(()),
    }
}
