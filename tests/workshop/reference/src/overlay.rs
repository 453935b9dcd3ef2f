//! Stage 8: many containers on the same files. Kernel documentation, filesystems/overlayfs

use std::fs;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};

use super::Result;
use super::child::{exec, in_child};
use super::pid::{NEW, mount_proc};
use super::pivot::{enter, prepare};

/// Runs a program with the files of all `lowers`, the topmost first, and one more layer
/// for what it writes, which is gone at its end; else as [`super::pid::run`] does.
pub fn run(lowers: &str, program: &[String]) -> Result<i32> {
    let place = tempfile::tempdir()?;
    in_child(NEW, || {
        enter(&stack(lowers, place.path())?)?;
        exec(program)
    })
}

/// Puts the layers on top of each other, with a /proc: where they can be seen as one.
pub fn stack(lowers: &str, place: &Path) -> Result<PathBuf> {
    prepare(place)?;
    // In memory, and in this mount namespace alone: it ends with the program.
    mount(Some("tmpfs"), place, Some("tmpfs"), MsFlags::MS_NODEV, Some("mode=755"))?;
    let [upper, work, merged] = ["upper", "work", "merged"].map(|name| place.join(name));
    [&upper, &work, &merged].into_iter().try_for_each(fs::create_dir)?;
    // overlayfs keeps notes in attributes; in a user namespace it may only keep those of users.
    let options = format!("lowerdir={lowers},upperdir={},workdir={},userxattr", upper.display(), work.display());
    mount(Some("overlay"), &merged, Some("overlay"), MsFlags::empty(), Some(options.as_str()))?;
    fs::create_dir_all(merged.join("proc"))?;
    mount_proc(&merged).map(|()| merged)
}
