//! Looking at images and moving them: each command by its effect, and against the tools that
//! read and write the same formats. Nothing here needs a network: images are made by hand.

#[path = "images/archives.rs"]
mod archives;
#[path = "images/crash.rs"]
mod crash;
#[path = "images/hostile.rs"]
mod hostile;
#[path = "images/looking.rs"]
mod looking;
#[path = "images/made.rs"]
mod made;
#[path = "images/removing.rs"]
mod removing;
#[path = "images/rootfs.rs"]
mod rootfs;
mod common;
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::Failed;
use support::{Ran, check};

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    support::main(vec![
        ("an_empty_store_has_a_header", looking::an_empty_store_has_a_header),
        ("lists", looking::lists),
        ("filters", looking::filters),
        ("inspect", looking::inspect),
        ("history", looking::history),
        ("the_stack", looking::the_stack),
        ("where_a_file_comes_from", looking::where_a_file_comes_from),
        ("differences", looking::differences),
        ("an_image_has_many_names", looking::an_image_has_many_names),
        ("wrong_names", looking::wrong_names),
        ("other_tools_read_the_store", looking::other_tools_read_the_store),
        ("layers_are_shared", removing::layers_are_shared),
        ("an_image_in_use_stays", removing::an_image_in_use_stays),
        ("a_container_holds_its_image", removing::a_container_holds_its_image),
        ("a_lab_holds_its_image", removing::a_lab_holds_its_image),
        ("prune", removing::prune),
        ("prune_chooses", removing::prune_chooses),
        ("a_damaged_image_can_go", removing::a_damaged_image_can_go),
        ("what_is_saved_comes_back", archives::what_is_saved_comes_back),
        ("other_tools_read_what_is_saved", archives::other_tools_read_what_is_saved),
        ("what_other_tools_save_is_read", archives::what_other_tools_save_is_read),
        ("platforms_travel_together", archives::platforms_travel_together),
        ("docker_s_older_and_newer_archives", archives::dockers_older_and_newer_archives),
        ("a_file_is_written_whole_or_not_at_all", archives::whole_or_not_at_all),
        ("import", archives::import),
        ("hostile_archives", hostile::hostile_archives),
        ("garbage", hostile::garbage),
        ("no_space", hostile::no_space),
        ("no_permission", hostile::no_permission),
        ("export_is_what_a_container_sees", rootfs::export_is_what_a_container_sees),
        ("unpack_is_what_umoci_unpacks", rootfs::unpack_is_what_umoci_unpacks),
        ("everybody_can_unpack", rootfs::everybody_can_unpack),
        ("killed_at_any_moment_the_store_is_whole", crash::killed_at_any_moment),
    ])
}

/// A store of one trial's own.
struct Store(PathBuf);

impl Store {
    fn new(trial: &str) -> Self {
        Self(support::scratch(trial).join("store"))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = support::boxlab();
        command.env("BOXLAB_ROOT", &self.0).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().expect("boxlab can be run").into()
    }

    /// [`Store::run`], which must succeed; what it printed.
    fn out(&self, args: &[&str]) -> Result<String, Failed> {
        let ran = self.run(args);
        match ran.status {
            0 => Ok(ran.stdout),
            _ => Err(format!("boxlab {}: {ran:?}", args.join(" ")).into()),
        }
    }

    /// Fails unless it ended with that status and its message names each of these.
    fn refused(&self, args: &[&str], status: i32, words: &[&str]) -> Outcome {
        let ran = self.run(args);
        let said = words.iter().all(|word| ran.stderr.contains(word));
        let clean = ran.stderr.starts_with("boxlab: ") && !ran.stderr.contains("panicked");
        check(
            ran.status == status && said && (clean || status == 2),
            format!("boxlab {}: wanted {status} and {words:?}, got {ran:?}", args.join(" ")),
        )
    }

    fn oci(&self) -> PathBuf {
        self.0.join("oci")
    }

    /// The digests of all blobs, in order.
    fn blobs(&self) -> Vec<String> {
        names(&self.oci().join("blobs/sha256"))
    }
}

/// The names in a directory, in order; none where it is missing.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Runs another tool, which must succeed; what it printed.
fn tool(program: &str, args: &[&str]) -> Result<String, Failed> {
    support::needs(program)?;
    let output = std::process::Command::new(program).args(args).stdin(std::process::Stdio::null()).output()?;
    let ran = Ran::from(output);
    match ran.status {
        0 => Ok(ran.stdout),
        _ => Err(format!("{program} {}: {ran:?}", args.join(" ")).into()),
    }
}

/// A path as text.
fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}
