//! The known escapes, each played against `run`: none gets out. As root and as an
//! ordinary user; what runs inside is this same program (`escapes/attacker.rs`).
//!
//! Where a guard can be left out, the same attack is made without it, and must
//! succeed: so it is the guard that is tested, and not a blunt attack.

#[path = "escapes/attacker.rs"]
mod attacker;
#[path = "escapes/calls.rs"]
mod calls;
#[path = "escapes/classics.rs"]
mod classics;
#[path = "escapes/descriptors.rs"]
mod descriptors;
#[path = "escapes/kernel_files.rs"]
mod kernel_files;
#[path = "escapes/mounts.rs"]
mod mounts;
#[path = "escapes/program.rs"]
mod program;
#[path = "escapes/race.rs"]
mod race;
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use boxlab::kernel::lsm::Labels;
use libtest_mimic::Failed;
use support::{Ran, check, run, scratch};

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == attacker::WORD) {
        attacker::attack(&words[1..]);
        return ExitCode::SUCCESS;
    }
    support::main(vec![
        ("cve_2024_21626_working_directory", descriptors::as_working_directory),
        ("cve_2024_21626_program", descriptors::as_program),
        ("cve_2024_21626_nothing_is_open", descriptors::nothing_is_open),
        ("cve_2024_21626_a_directory_as_standard_input", descriptors::directories_as_streams),
        ("cve_2019_5736_proc_self_exe_as_program", program::boxlab_is_not_run_inside),
        ("cve_2019_5736_overwriting_by_a_handle", program::boxlab_is_not_overwritten),
        ("cve_2021_30465_links_as_targets", mounts::links_as_targets),
        ("cve_2021_30465_swapped_targets", race::targets),
        ("cve_2019_19921_links_as_proc", mounts::links_as_kernel_filesystems),
        ("cve_2023_27561_swapped_proc", race::kernel_filesystems),
        ("cve_2025_31133_a_link_as_null", mounts::a_link_as_null),
        ("cve_2025_52565_a_link_as_console", mounts::a_link_as_console),
        ("cve_2025_52881_writes_led_astray", mounts::writes_led_astray),
        ("mounts_that_travel_out", mounts::mounts_that_travel_out),
        ("cve_2022_0492_release_agent", kernel_files::release_agent),
        ("files_that_rule_the_machine", kernel_files::files_that_rule_the_machine),
        ("nothing_of_the_machine_is_writable", kernel_files::nothing_is_writable),
        ("what_tells_of_the_machine", kernel_files::what_tells_of_the_machine),
        ("calls_that_rule_the_machine", classics::calls),
        ("a_second_chroot", classics::second_chroot),
        ("the_host_s_disk", classics::disk),
        ("cve_2014_3519_shocker", classics::handle),
        ("keys_for_the_host_s_terminal", classics::keys),
        ("processes_of_the_host", classics::processes),
        ("cve_2020_15257_abstract_sockets", classics::abstract_sockets),
        ("cve_2022_24769_inherited_capabilities", classics::inherited_capabilities),
        ("setuid_programs_are_out_of_reach", classics::setuid_programs),
        ("nothing_is_left_of_any_of_them", || {
            check(
                support::stdout(&["cleanup", "--dry-run"])? == "Nothing is left behind.\n",
                "cleanup finds nothing after all that",
            )
        }),
    ])
}

/// The option that brings the attacker in.
fn attacker() -> String {
    format!("{}:/attacker:ro", std::env::current_exe().expect("this program's path").display())
}

/// An attack from within the host image.
fn attack(options: &[&str], words: &[&str]) -> Ran {
    attack_from(options, &["host"], words)
}

/// An attack from within a root filesystem of the attacker's.
fn attack_in(root: &Path, options: &[&str], words: &[&str]) -> Ran {
    let root = text(root);
    attack_from(&[options, &["--rootfs", &root]].concat(), &[], words)
}

fn attack_from(options: &[&str], image: &[&str], words: &[&str]) -> Ran {
    let volume = attacker();
    run(&[&["run", "-v", &volume], options, image, &["/attacker", attacker::WORD], words].concat())
}

/// These options, and without AppArmor's profile where there is one: for attacks that
/// are to succeed, since that would refuse them too.
fn unconfined<'a>(options: &[&'a str]) -> Vec<&'a str> {
    let mut options = options.to_vec();
    if Labels::AppArmor.active() {
        options.extend(["--security-opt", "apparmor=unconfined"]);
    }
    options
}

/// A root filesystem of the attacker's.
fn evil_root(name: &str) -> PathBuf {
    let root = scratch(name).join("root");
    std::fs::create_dir_all(root.join("tmp")).expect("a directory");
    root
}

/// A directory of the host's that no container is shown, with a file in it.
fn forbidden(name: &str) -> PathBuf {
    let directory = scratch(name).join("forbidden");
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::write(directory.join("secret"), SECRET).expect("a file");
    directory
}

/// What the attacker must not get to read, and must not change.
const SECRET: &str = "of the host's\n";

/// True if the directory is as it was made.
fn untouched(directory: &Path) -> bool {
    let names = std::fs::read_dir(directory).map(Iterator::count);
    names.is_ok_and(|count| count == 1)
        && std::fs::read_to_string(directory.join("secret")).is_ok_and(|text| text == SECRET)
}

/// From any directory up to the root and down again, for links of an image.
fn from_far_below(path: &Path) -> String {
    format!("{}{}", "../".repeat(16), path.strip_prefix("/").unwrap_or(path).display())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
