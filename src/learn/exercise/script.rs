//! Running an exercise's scripts, and the programs that its checks ask: as the learner,
//! in the learner's directory, with this very boxlab as `boxlab`.

use std::ffi::OsString;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, IoContext, Result};
use crate::kernel::{Kernel, Program};
use crate::learn::environment::{self, Environment};
use crate::ledger::{Sandbox, TOKEN};

/// The variable that holds the exercise's name, for the shell's prompt.
pub const NAME: &str = "BOXLAB_EXERCISE_NAME";

/// How long a script or a program of a check may take.
const LIMIT: Duration = Duration::from_secs(60);

/// What surrounds all that runs in an exercise.
#[derive(Debug)]
pub struct Surroundings {
    environment: Environment,
}

impl Surroundings {
    /// Those of a sandbox. `root` and `lessons` are what the options say.
    pub fn new(sandbox: &Sandbox, root: Option<&Path>, lessons: Option<&Path>) -> Self {
        let environment = Environment::new(&programs(sandbox), root, lessons);
        Self { environment: environment.with(TOKEN, &sandbox.token).with(NAME, &sandbox.name) }
    }

    /// Puts this very program where the others will find it.
    pub fn furnish(sandbox: &Sandbox) -> Result<()> {
        environment::furnish(&programs(sandbox))
    }

    /// Finds a program by their PATH.
    pub fn program(&self, words: &[String]) -> Result<Program> {
        Program::find(&words.iter().map(OsString::from).collect::<Vec<_>>(), &self.environment.entries())
    }

    /// [`Surroundings::program`] with one more variable.
    pub fn program_with(&self, words: &[OsString], name: &str, value: &str) -> Result<Program> {
        Program::find(words, &self.environment.clone().with(name, value).entries())
    }

    /// Runs a program; its status and all that it printed. `None`: it took too long.
    pub fn run(&self, k: &Kernel, words: &[String], directory: &Path) -> Result<Option<(i32, String)>> {
        let failed = || "cannot make a temporary file".to_owned();
        let mut said = tempfile::tempfile().or_fail(failed)?;
        let program = self.program(&from_here(words, directory))?;
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

/// `./script` is sought in the directory in which it will run.
fn from_here(words: &[String], directory: &Path) -> Vec<String> {
    let mut words = words.to_vec();
    if let Some(program) = words.first_mut().filter(|program| program.contains('/')) {
        *program = directory.join(&*program).to_string_lossy().into_owned();
    }
    words
}

/// Where this boxlab lies as `boxlab`.
fn programs(sandbox: &Sandbox) -> PathBuf {
    sandbox.home.join("bin")
}

/// Where the file lies that gives bash its prompt.
pub fn rcfile(sandbox: &Sandbox) -> PathBuf {
    sandbox.home.join("bashrc")
}
