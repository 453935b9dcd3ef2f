//! What lies where: the store (images, writable layers) and the state (ledger,
//! running containers). XDG Base Directory Specification, FHS.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, IoContext, Result};
use crate::kernel::euid;

/// The directories of one user, or those beneath `--root DIR`.
#[derive(Debug, Clone)]
pub struct Paths {
    /// Images and writable layers: `/var/lib/boxlab`, `$XDG_DATA_HOME/boxlab`.
    pub store: PathBuf,
    /// What is gone after a reboot: `/run/boxlab`, `$XDG_RUNTIME_DIR/boxlab`.
    pub state: PathBuf,
}

impl Paths {
    /// For `--root`, or by what the user is.
    pub fn new(root: Option<&Path>) -> Self {
        if let Some(root) = root {
            let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
            return Self { state: root.join("state"), store: root };
        }
        if euid() == 0 && is_root_of_the_machine() {
            return Self { store: "/var/lib/boxlab".into(), state: "/run/boxlab".into() };
        }
        let store = directory("XDG_DATA_HOME", ".local/share");
        // Without a session there is no $XDG_RUNTIME_DIR; the store then holds both.
        let state = absolute("XDG_RUNTIME_DIR").map_or_else(|| store.join("state"), |run| run.join("boxlab"));
        Self { store, state }
    }

    /// One file per running command that made something.
    pub fn ledger(&self) -> PathBuf {
        self.state.join("ledger")
    }

    /// What running containers and labs keep in memory, a directory each.
    pub fn running(&self, id: &str) -> PathBuf {
        self.state.join("running").join(id)
    }

    /// Where a container's root is put together. One empty directory serves all,
    /// since each container mounts there in a mount namespace of its own.
    pub fn assembled(&self) -> PathBuf {
        self.state.join("root")
    }

    /// The names in use, a file each.
    pub fn names(&self) -> PathBuf {
        self.state.join("names")
    }

    /// The places of exercises that are under way: `LESSON/EXERCISE`.
    pub fn exercises(&self) -> PathBuf {
        self.store.join("exercises")
    }

    /// The pages of the book, made anew whenever it is asked for.
    pub fn book(&self) -> PathBuf {
        self.store.join("book")
    }

    /// The places in which authors try exercises.
    pub fn trials(&self) -> PathBuf {
        self.exercises().join(".trials")
    }

    /// Writable layers, a directory each.
    pub fn writable(&self, id: &str) -> PathBuf {
        self.store.join("writable").join(id)
    }
}

/// True for the machine's root. Root of a user namespace that was made on the machine, as in
/// `boxlab ns user -- boxlab run`, sees / as nobody's, and may write where its user may.
fn is_root_of_the_machine() -> bool {
    std::fs::metadata("/").is_ok_and(|root| root.uid() == 0)
}

/// `$XDG_CONFIG_HOME/boxlab`
pub fn config() -> PathBuf {
    directory("XDG_CONFIG_HOME", ".config")
}

/// `$XDG_STATE_HOME/boxlab/progress.json`: what a learner has done.
pub fn progress() -> PathBuf {
    directory("XDG_STATE_HOME", ".local/state").join("progress.json")
}

/// Makes a directory and those above it: others may pass through, not look.
pub fn make(directory: &Path) -> Result<()> {
    make_with(directory, 0o711)
}

/// Makes a directory that nobody else may pass: a setuid program in the files of a
/// container is for the container alone.
pub fn make_private(directory: &Path) -> Result<()> {
    directory.parent().map_or(Ok(()), make)?;
    make_with(directory, 0o700)
}

fn make_with(directory: &Path, mode: u32) -> Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(directory).map_err(|error| {
        let place = "Another place can be chosen with --root DIR or BOXLAB_ROOT.";
        Error::io(format!("cannot make the directory {}", directory.display()), &error).hint(place)
    })
}

/// Writes a file whole or not at all, also if the power fails meanwhile. fsync(2), rename(2)
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let doing = || format!("cannot write {}", path.display());
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).or_fail(doing)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).or_fail(doing)?;
    file.persist(path).map_err(|error| error.error).or_fail(doing).map(drop)
}

fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn directory(variable: &str, in_home: &str) -> PathBuf {
    let home = || absolute("HOME").unwrap_or_else(|| "/".into()).join(in_home);
    absolute(variable).unwrap_or_else(home).join("boxlab")
}
