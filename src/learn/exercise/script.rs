//! Running an exercise's scripts, and the programs that its checks ask: as the learner,
//! in the learner's directory, with this very boxlab as `boxlab`.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, IoContext, Result};
use crate::kernel::{Kernel, Program};
use crate::ledger::{Sandbox, TOKEN};
use crate::paths::Paths;

/// The variable that holds the exercise's name, for the shell's prompt.
pub const NAME: &str = "BOXLAB_EXERCISE_NAME";

/// How long a script or a program of a check may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The environment of all that runs in an exercise.
#[derive(Debug)]
pub struct Surroundings {
    environment: Vec<OsString>,
}

impl Surroundings {
    /// Those of a sandbox. `lessons` is what the option says.
    pub fn new(sandbox: &Sandbox, paths: &Paths, lessons: Option<&Path>) -> Self {
        let mut path = sandbox.home.join("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin".into()));
        let mut own: Vec<(&str, OsString)> =
            vec![("PATH", path), (TOKEN, sandbox.token.clone().into()), (NAME, sandbox.name.clone().into())];
        // Beneath --root, or without a session: its own commands find the same.
        if paths.state == paths.store.join("state") {
            own.push(("BOXLAB_ROOT", paths.store.clone().into()));
        }
        own.extend(lessons.map(|lessons| {
            let lessons = std::path::absolute(lessons).unwrap_or_else(|_| lessons.to_owned());
            ("BOXLAB_LESSONS", lessons.into())
        }));
        // Bash would run that file first.
        let is_replaced = |name: &OsString| name == "BASH_ENV" || own.iter().any(|(own, _)| name == own);
        let kept = std::env::vars_os().filter(|(name, _)| !is_replaced(name));
        let all = kept.chain(own.iter().map(|(name, value)| (OsString::from(name), value.clone())));
        let entry = |(mut name, value): (OsString, OsString)| {
            name.push("=");
            name.push(value);
            name
        };
        Self { environment: all.map(entry).collect() }
    }

    /// Puts this very program where the others will find it.
    pub fn furnish(sandbox: &Sandbox) -> Result<()> {
        let programs = sandbox.home.join("bin");
        let link = programs.join("boxlab");
        let failed = || format!("cannot make {}", link.display());
        let boxlab = std::env::current_exe().or_fail(|| "cannot find this program".to_owned())?;
        if fs::read_link(&link).is_ok_and(|target| target == boxlab) {
            return Ok(());
        }
        fs::create_dir_all(&programs).or_fail(failed)?;
        let _ = fs::remove_file(&link);
        symlink(boxlab, &link).or_fail(failed)
    }

    /// Finds a program by their PATH.
    pub fn program(&self, words: &[String]) -> Result<Program> {
        Program::find(&words.iter().map(OsString::from).collect::<Vec<_>>(), &self.environment)
    }

    /// [`Surroundings::program`] with one more variable.
    pub fn program_with(&self, words: &[OsString], name: &str, value: &str) -> Result<Program> {
        let mut environment = self.environment.clone();
        environment.push(format!("{name}={value}").into());
        Program::find(words, &environment)
    }

    /// Runs a program; its status and all that it printed. `None`: it took too long.
    pub fn run(&self, k: &Kernel, words: &[String], directory: &Path) -> Result<Option<(i32, String)>> {
        let failed = || "cannot make a temporary file".to_owned();
        let mut said = tempfile::tempfile().or_fail(failed)?;
        let program = self.program(words)?;
        let exit = k.run_apart(&program, directory, &said, LIMIT)?;
        let mut bytes = Vec::new();
        said.seek(SeekFrom::Start(0)).and_then(|_| said.read_to_end(&mut bytes)).or_fail(failed)?;
        Ok(exit.map(|exit| (exit.status(), String::from_utf8_lossy(&bytes).into_owned())))
    }

    /// Runs a script of the exercise; its status and what it said. It must return;
    /// what it leaves running goes on.
    pub fn script(&self, k: &Kernel, file: &str, text: &str, directory: &Path) -> Result<(i32, String)> {
        let words = ["bash", "-c", text, file].map(str::to_owned);
        let ran = self.run(k, &words, directory)?;
        ran.ok_or_else(|| {
            let error = Error::new(format!("{file} has not returned within {} seconds", LIMIT.as_secs()));
            error.hint("What goes on must be started in the background: PROGRAM &")
        })
    }

    /// A script that must succeed.
    pub fn must(&self, k: &Kernel, file: &str, text: &str, directory: &Path) -> Result<()> {
        match self.script(k, file, text, directory)? {
            (0, _) => Ok(()),
            (status, said) => {
                Err(Error::new(format!("{file} ended with status {status}")).hint(said.trim().to_owned()))
            }
        }
    }
}

/// Where the file lies that gives bash its prompt.
pub fn rcfile(sandbox: &Sandbox) -> PathBuf {
    sandbox.home.join("bashrc")
}
