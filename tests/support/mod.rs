//! What the tests of the program share: the binary, a store of their own, and
//! trials that say why they can't run instead of passing.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// The program under test.
pub fn boxlab() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boxlab"));
    command
        .env("BOXLAB_ROOT", store())
        .env_remove("BOXLAB_TRACE")
        .env("XDG_CONFIG_HOME", store())
        .env("LANG", "C.UTF-8");
    command.stdin(Stdio::null());
    command
}

/// A store for all trials of one test binary; removed by [`main`].
pub fn store() -> &'static Path {
    static STORE: OnceLock<PathBuf> = OnceLock::new();
    STORE.get_or_init(|| {
        let directory = std::env::temp_dir().join(format!("boxlab-test-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory for the tests");
        directory
    })
}

/// A directory for one trial.
pub fn scratch(name: &str) -> PathBuf {
    let directory = store().join("scratch").join(name);
    std::fs::create_dir_all(&directory).expect("a directory for the trial");
    directory
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { status: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Runs boxlab with these arguments, without narration.
pub fn run(args: &[&str]) -> Ran {
    boxlab().arg("-q").args(args).output().expect("boxlab can be run").into()
}

/// [`run`], which must succeed; what it printed.
pub fn stdout(args: &[&str]) -> Result<String, Failed> {
    let ran = run(args);
    match ran.status {
        0 => Ok(ran.stdout),
        _ => Err(format!("boxlab {}: {ran:?}", args.join(" ")).into()),
    }
}

/// The events of a run, from its JSON trace.
pub fn trace(args: &[&str]) -> Vec<serde_json::Value> {
    let output = boxlab().args(["--trace", "json"]).args(args).output().expect("boxlab can be run");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Fails with this text unless the claim holds.
pub fn check(claim: bool, text: impl Into<String>) -> Result<(), Failed> {
    if claim { Ok(()) } else { Err(text.into().into()) }
}

/// Fails unless it ended with that status and its message names each of these.
pub fn refused(args: &[&str], status: i32, words: &[&str]) -> Result<(), Failed> {
    let ran = run(args);
    let said = words.iter().all(|word| ran.stderr.contains(word));
    check(
        ran.status == status && said,
        format!("boxlab {}: wanted {status} and {words:?}, got {ran:?}", args.join(" ")),
    )
}

/// True if this process is root.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self")
        .map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata))
        .is_ok_and(|uid| uid == 0)
}

/// Why containers can't be made here at all, if so; found out by trying.
pub fn obstacle() -> Option<&'static str> {
    static OBSTACLE: OnceLock<Option<String>> = OnceLock::new();
    let found = OBSTACLE.get_or_init(|| {
        let ran = run(&["ns", "all", "--", "true"]);
        (ran.status != 0).then(|| ran.stderr.trim().replace('\n', " "))
    });
    found.as_deref()
}

/// A trial that needs namespaces.
pub fn trial(name: &str, body: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::ignorable_test(name, move || match obstacle() {
        Some(reason) => skip(reason),
        None => match body() {
            Err(failed) => match failed.message() {
                Some(text) if text.starts_with(LACKS) => skip(text),
                Some(text) if text.starts_with(BY_ROOT) => Ok(Completion::ignored_with(text)),
                _ => Err(failed),
            },
            Ok(()) => Ok(Completion::Completed),
        },
    })
}

/// What the failure of a trial starts with that needs what is not here.
const LACKS: &str = "this needs ";

/// What the failure of a trial starts with that an ordinary user can't make.
const BY_ROOT: &str = "root's run of these tests does this: ";

/// Ends a trial that traces boxlab, where its setuid helpers would then fail.
pub fn needs_untraced_helpers() -> Result<(), Failed> {
    let helped = !is_root() && boxlab::kernel::maps::ranges().is_some();
    if helped { Err(format!("{BY_ROOT}a tracer who is not root takes newuidmap's privilege").into()) } else { Ok(()) }
}

/// Ends a trial that only root can make, for that reason.
pub fn needs_root_for(why: &str) -> Result<(), Failed> {
    if is_root() { Ok(()) } else { Err(format!("{BY_ROOT}{why}").into()) }
}

/// Ends a trial in which root acts as somebody else.
pub fn needs_root() -> Result<(), Failed> {
    needs_root_for("only root can become another user")
}

/// Ends a trial for which a controller of cgroups must be this user's to use.
pub fn needs_cgroup(controller: &str) -> Result<(), Failed> {
    let found = boxlab::kernel::cgroup::Group::named("x").find(&[controller]).is_some();
    if found { Ok(()) } else { Err(format!("{BY_ROOT}this user may make no cgroup").into()) }
}

/// Ends a trial that needs a program, where that is not installed.
pub fn needs(program: &str) -> Result<(), Failed> {
    match boxlab::kernel::program_path(program) {
        Some(_) => Ok(()),
        None => Err(format!("{LACKS}{program}, which is not installed").into()),
    }
}

/// What a trial says that this host can't make.
pub fn lacks(what: &str) -> Failed {
    format!("{LACKS}{what}").into()
}

/// Says why a trial can't run here; where all must run, that is a failure.
pub fn skip(reason: &str) -> Result<Completion, Failed> {
    if std::env::var_os("BOXLAB_REQUIRE").is_some_and(|value| value == "all") {
        return Err(format!("skipped, but BOXLAB_REQUIRE=all: {reason}").into());
    }
    Ok(Completion::ignored_with(reason.to_owned()))
}

/// A trial's name and what it does.
pub type Named = (&'static str, fn() -> Result<(), Failed>);

/// Runs the trials and removes the store.
pub fn main(trials: Vec<Named>) -> ExitCode {
    run_all(trials.into_iter().map(|(name, body)| trial(name, body)).collect())
}

/// [`main`], for trials that are made.
pub fn run_all(trials: Vec<Trial>) -> ExitCode {
    // Some of them press Ctrl-C, also where the tests themselves run in the background.
    boxlab::kernel::default_signals();
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    let _ = std::fs::remove_dir_all(store());
    conclusion.exit_code()
}
