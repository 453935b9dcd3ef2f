//! The contract as small tests: they say what the program does, and nothing of how. `cargo test uts` runs
//! those of one stage. `boxlab workshop check` looks closer.

use std::process::{Command, Output};

/// Runs mycontainer as root of a user namespace, whoever you are, with the host's own files at `/mnt`.
fn mycontainer(words: &[&str]) -> Output {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--uts", "sh", "-c"]);
    command.args(["mount --rbind / /mnt && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_mycontainer")]).args(words);
    command.output().expect("unshare(1) runs")
}

fn printed(words: &[&str]) -> String {
    String::from_utf8_lossy(&mycontainer(words).stdout).trim().to_owned()
}

#[test]
fn child_passes_the_status_on() {
    assert_eq!(mycontainer(&["child", "--", "sh", "-c", "exit 7"]).status.code(), Some(7));
}

#[test]
fn child_counts_a_signal_from_128() {
    assert_eq!(mycontainer(&["child", "--", "sh", "-c", "kill -TERM $$"]).status.code(), Some(128 + 15));
}

#[test]
fn child_knows_what_it_cannot_run() {
    assert_eq!(mycontainer(&["child", "--", "no-such-program"]).status.code(), Some(127));
    assert_eq!(mycontainer(&["child", "--", "/etc/passwd"]).status.code(), Some(126));
}

#[test]
fn uts_gives_a_name_of_its_own() {
    assert_eq!(printed(&["uts", "box", "--", "uname", "-n"]), "box");
}

#[test]
fn pivot_shows_the_files_of_root() {
    assert_eq!(printed(&["pivot", "/mnt", "--", "pwd"]), "/");
    // It is the root of the namespace: what lies above it is gone.
    assert_eq!(printed(&["pivot", "/mnt", "--", "sh", "-c", "cd ../.. && pwd"]), "/");
}

#[test]
fn pid_makes_the_first_process() {
    assert_eq!(printed(&["pid", "/mnt", "--", "sh", "-c", "echo $$"]), "1");
    assert_eq!(printed(&["pid", "/mnt", "--", "sh", "-c", "echo /proc/[0-9]*"]), "/proc/1");
}

#[test]
fn user_is_root_inside() {
    assert_eq!(printed(&["user", "/mnt", "--", "id", "-u"]), "0");
}

#[test]
fn seal_leaves_fourteen_capabilities() {
    let status = printed(&["seal", "/mnt", "--", "grep", "CapEff", "/proc/self/status"]);
    assert!(status.ends_with("00000000a80425fb"), "{status}");
}

#[test]
fn seal_refuses_calls() {
    assert_eq!(mycontainer(&["seal", "/mnt", "--", "unshare", "--user", "true"]).status.code(), Some(1));
}
