//! Where a person's commands run: a directory of their own with a store, a root
//! filesystem of busybox, and a directory to show to containers.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::people::Person;

/// The variable by which a process of a trial is known again. See `leftovers`.
pub const MARK: &str = "BOXLAB_TEST_MARK";

/// A program that needs no libraries.
const BUSYBOX: &str = "/bin/busybox";

/// Programs that a root filesystem of busybox offers.
const APPLETS: [&str; 8] = ["true", "false", "sh", "sleep", "echo", "cat", "ls", "stty"];

/// Why no place can be furnished here.
pub fn obstacle() -> Option<String> {
    let missing = !Path::new(BUSYBOX).exists();
    missing.then(|| format!("there is no {BUSYBOX} (package busybox-static)"))
}

/// The temporary directory of a test binary, with a boxlab that everybody may run.
#[derive(Debug)]
pub struct Ground {
    directory: TempDir,
}

impl Ground {
    /// Makes it.
    pub fn new(boxlab: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("boxlab-test-").tempdir().expect("a temporary directory");
        open_up(directory.path());
        fs::copy(boxlab, directory.path().join("boxlab")).expect("a copy of boxlab");
        Self { directory }
    }

    /// The copied program.
    pub fn boxlab(&self) -> PathBuf {
        self.directory.path().join("boxlab")
    }

    /// A place for this person; `name` is its own among the trials.
    pub fn place(&self, person: &Person, name: &str) -> Place {
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        // The end mark keeps one place's name from being the beginning of another's.
        let home = self.directory.path().join(format!("{}-{name}_", person.name));
        let place = Place { boxlab: self.boxlab(), person: person.clone(), home };
        place.make();
        place
    }

    /// [`Ground::place`] with the image of another place of this person.
    pub fn place_with_image(&self, person: &Person, name: &str, template: &Place) -> Result<Place, String> {
        let place = self.place(person, name);
        let copied = Command::new("cp").arg("-al").arg(template.store().join(".")).arg(place.store()).status();
        let copied = copied.map_err(|error| error.to_string())?;
        if copied.success() { Ok(place) } else { Err(format!("cannot copy the image: {copied}")) }
    }
}

fn open_up(directory: &Path) {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("a directory open to all");
}

/// A person, and the directory in which their commands run.
#[derive(Debug, Clone)]
pub struct Place {
    boxlab: PathBuf,
    /// Who runs the commands.
    pub person: Person,
    /// The directory; its name is in every path of the place and in no other.
    pub home: PathBuf,
}

impl Place {
    fn make(&self) {
        // Places are made once: a trial that finds its own is asked for twice.
        fs::create_dir(&self.home).expect("a place of its own");
        for directory in ["store", "shared", "traces"] {
            fs::create_dir_all(self.home.join(directory)).expect("a directory");
        }
        fs::write(self.home.join("shared/file"), "shared\n").expect("a file");
        self.furnish();
        self.give(&self.home);
        self.make_setuid();
    }

    /// A root filesystem made of busybox, once as it is and once setuid.
    fn furnish(&self) {
        for directory in ["rootfs/bin", "rootfs/setuid"] {
            let directory = self.home.join(directory);
            fs::create_dir_all(&directory).expect("a directory");
            fs::copy(BUSYBOX, directory.join("busybox")).expect("a copy of busybox");
            for applet in APPLETS {
                symlink("busybox", directory.join(applet)).expect("a link");
            }
        }
    }

    /// Marks one busybox setuid, which a change of owner would take back.
    fn make_setuid(&self) {
        let file = self.home.join("rootfs/setuid/busybox");
        fs::set_permissions(file, fs::Permissions::from_mode(0o4755)).expect("its mode");
    }

    /// Gives a tree to the person.
    fn give(&self, path: &Path) {
        if !self.person.other {
            return;
        }
        std::os::unix::fs::lchown(path, Some(self.person.uid), Some(self.person.gid)).expect("root may give away");
        if path.is_dir() && !path.is_symlink() {
            for entry in fs::read_dir(path).expect("a readable directory") {
                self.give(&entry.expect("an entry").path());
            }
        }
    }

    /// The store of `--root`.
    pub fn store(&self) -> PathBuf {
        self.home.join("store")
    }

    /// The root filesystem of busybox.
    pub fn rootfs(&self) -> PathBuf {
        self.home.join("rootfs")
    }

    /// A file of this name for a trace.
    pub fn trace(&self, name: &str) -> PathBuf {
        self.home.join("traces").join(name)
    }

    /// What marks the processes and mounts of this place: the last two names of its
    /// path, since a mount table may leave out what stands before them.
    pub fn mark(&self) -> String {
        let ground = self.home.parent().unwrap_or(&self.home);
        self.home.strip_prefix(ground.parent().unwrap_or(ground)).unwrap_or(&self.home).display().to_string()
    }

    /// The words of a boxlab command line, `{rootfs}`, `{shared}` and `{mark}` filled in.
    pub fn words(&self, words: &[&str]) -> Vec<String> {
        let fill = |word: &&str| {
            word.replace("{rootfs}", &self.rootfs().to_string_lossy())
                .replace("{shared}", &self.home.join("shared").to_string_lossy())
                .replace("{mark}", &format!("{MARK}={}", self.mark()))
        };
        words.iter().map(fill).collect()
    }

    /// A boxlab command as this person.
    pub fn boxlab(&self, words: &[&str]) -> Command {
        let mut command = self.command_as_person(&self.boxlab);
        command.arg("--root").arg(self.store()).args(self.words(words));
        command
    }

    /// [`Place::command`], run by this person.
    pub fn command_as_person(&self, program: &Path) -> Command {
        let mut command = self.command(program);
        if self.person.other {
            command.uid(self.person.uid).gid(self.person.gid);
        }
        command
    }

    /// `program` with the environment and the directory of this place, as whoever runs the tests.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(&self.home).stdin(Stdio::null());
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", &self.home).env("XDG_CONFIG_HOME", self.home.join("config"));
        command.env("TERM", "xterm").env("NO_COLOR", "1").env(MARK, self.mark());
        command
    }

    /// Path of the program, for a command line that begins with another.
    pub fn program(&self) -> &Path {
        &self.boxlab
    }

    /// Makes the host image, so that no trial has to.
    pub fn make_host_image(&self) -> Result<(), String> {
        let made = self.boxlab(&["-q", "image", "host"]).output().map_err(|error| error.to_string())?;
        if made.status.success() {
            return Ok(());
        }
        Err(format!("cannot make the host image: {}", String::from_utf8_lossy(&made.stderr)))
    }
}

/// Gives one file to a person.
pub fn give(path: &Path, person: &Person) {
    if person.other {
        chown(path, Some(person.uid), Some(person.gid)).expect("root may give away");
    }
}
