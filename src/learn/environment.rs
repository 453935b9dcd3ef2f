//! What the programs of the classroom find around them: this very boxlab as `boxlab`, and the
//! store and the lessons that the command has which starts them.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::error::{IoContext, Result};

/// For the user who has no $PATH at all.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Names and values of environ(7).
#[derive(Debug, Clone)]
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// This process's own, with `programs` first in $PATH. `root` and `lessons` are what the
    /// options say.
    pub fn new(programs: &Path, root: Option<&Path>, lessons: Option<&Path>) -> Self {
        // Bash would run that file first.
        let kept = std::env::vars_os().filter(|(name, _)| name != "BASH_ENV");
        let mut path = programs.as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_else(|| USUAL_PATH.into()));
        let mut environment = Self(kept.collect()).with("PATH", path);
        for (name, place) in [("BOXLAB_ROOT", root), ("BOXLAB_LESSONS", lessons)] {
            if let Some(place) = place {
                // Programs run in a directory of their own.
                let place = std::path::absolute(place).unwrap_or_else(|_| place.to_owned());
                environment = environment.with(name, place);
            }
        }
        environment
    }

    /// The same with this variable.
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.into(), value.into()));
        self
    }

    /// For `std::process::Command`.
    pub fn pairs(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// `NAME=VALUE`, as execve(2) takes them.
    pub fn entries(&self) -> Vec<OsString> {
        let entry = |(name, value): (&OsStr, &OsStr)| {
            let mut entry = name.to_owned();
            entry.push("=");
            entry.push(value);
            entry
        };
        self.pairs().map(entry).collect()
    }
}

/// Puts this very program into a directory of programs, as `boxlab`.
pub fn furnish(programs: &Path) -> Result<()> {
    let link = programs.join("boxlab");
    let failed = || format!("cannot make {}", link.display());
    let boxlab = std::env::current_exe().or_fail(|| "cannot find this program".to_owned())?;
    std::fs::create_dir_all(programs).or_fail(failed)?;
    if std::fs::read_link(&link).is_ok_and(|target| target == boxlab) {
        return Ok(());
    }
    // Of another boxlab, which has been there before.
    let _ = std::fs::remove_file(&link);
    symlink(boxlab, &link).or_fail(failed)
}
