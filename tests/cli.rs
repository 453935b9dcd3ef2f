//! The command line itself: help, global options, the config file, cleanup. None
//! of this needs a namespace, so it runs everywhere.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use boxlab::catalog::CATALOG;

/// boxlab with a home of its own, in which nothing is set.
fn boxlab(home: &Path) -> Command {
    let mut command = Command::cargo_bin("boxlab").expect("the program is built");
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home).env("BOXLAB_ROOT", home.join("root"));
    command
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A plan makes no call, so it can be told anywhere.
const PLAN: [&str; 5] = ["ns", "uts", "--plan", "--", "true"];

#[test]
fn every_command_of_the_catalog_exists_and_names_its_sources() {
    let home = home();
    for row in CATALOG {
        let output = boxlab(home.path()).args(row.command.split(' ')).arg("--help").output().expect("help");
        let help = text(&output.stdout);
        assert!(output.status.success() && help.starts_with(row.about), "{}: {help}", row.command);
        let unwrapped = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(row.man.iter().all(|page| unwrapped.contains(page)), "{}: {help}", row.command);
        assert!(row.parts.iter().all(|part| unwrapped.contains(part)), "{}: {help}", row.command);
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{}: {help}", row.command);
    }
}

#[test]
fn the_list_of_commands_says_what_each_is_for() {
    let output = boxlab(home().path()).arg("--help").output().expect("help");
    let help = text(&output.stdout);
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let named: Vec<&str> = list.filter(|line| !line.starts_with("   ")).collect();
    assert!(named.len() > 20, "{help}");
    assert!(named.iter().all(|line| line.split_whitespace().count() > 2), "{help}");
}

#[test]
fn manual_and_completions_are_made_from_the_commands() {
    let home = home();
    let script = boxlab(home.path()).args(["completions", "bash"]).output().expect("a script");
    assert!(
        text(&script.stdout).contains("boxlab__subcmd__ns__subcmd__uts")
            || text(&script.stdout).contains("boxlab__ns__uts")
    );
    let page = boxlab(home.path()).arg("man").output().expect("a page");
    assert!(text(&page.stdout).contains(".TH boxlab 1"));
    boxlab(home.path()).arg("man").arg(home.path().join("man")).assert().success();
    assert!(home.path().join("man/boxlab-ns-uts.1").exists());
    boxlab(home.path()).args(["completions", "csh"]).assert().code(2);
}

#[test]
fn the_narration_goes_to_standard_error() {
    let home = home();
    let output = boxlab(home.path()).args(PLAN).output().expect("a plan");
    assert!(output.status.success() && output.stdout.is_empty());
    let told = text(&output.stderr);
    assert!(told.contains("unshare(CLONE_NEWUTS) = ?") && told.contains("uts_namespaces(7)"), "{told}");
}

#[test]
fn trace_says_how_much() {
    let home = home();
    let told =
        |how: &str| text(&boxlab(home.path()).args(["--trace", how]).args(PLAN).output().expect("a plan").stderr);
    assert_eq!(told("off"), "");
    let steps = told("steps");
    assert!(steps.contains("Stop sharing the host's name") && !steps.contains("unshare("), "{steps}");
    for line in told("json").lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("an object a line");
        assert!(event["event"].is_string() && event["seq"].is_u64() && event["role"].is_string(), "{event}");
    }
    let quiet = boxlab(home.path()).arg("-q").args(PLAN).output().expect("a plan");
    assert!(quiet.stderr.is_empty());
    let after =
        boxlab(home.path()).args(["ns", "uts", "--plan", "--trace", "off", "--", "true"]).output().expect("a plan");
    assert!(after.stderr.is_empty(), "after the subcommand it means the same");
    let environment = boxlab(home.path()).env("BOXLAB_TRACE", "off").args(PLAN).output().expect("a plan");
    assert!(environment.stderr.is_empty());
    boxlab(home.path()).args(["--trace", "loud"]).args(PLAN).assert().code(2);
}

#[test]
fn a_trace_can_go_to_a_file() {
    let home = home();
    let file = home.path().join("trace.json");
    let output =
        boxlab(home.path()).args(["--trace", "json", "--trace-file"]).arg(&file).args(PLAN).output().expect("a plan");
    assert!(output.stderr.is_empty() && fs::read_to_string(&file).expect("the trace").lines().count() > 5);
    let lost = home.path().join("no/such/place");
    let output = boxlab(home.path()).arg("--trace-file").arg(&lost).args(PLAN).output().expect("a plan");
    let error = text(&output.stderr);
    assert!(output.status.code() == Some(125) && error.contains("cannot write the trace"), "{error}");
}

#[test]
fn colour_is_for_terminals_unless_it_is_asked_for() {
    let home = home();
    let told =
        |arguments: &[&str]| text(&boxlab(home.path()).args(arguments).args(PLAN).output().expect("a plan").stderr);
    assert!(!told(&[]).contains('\u{1b}'), "none in a pipe");
    assert!(told(&["--color", "always"]).contains('\u{1b}'));
    assert!(!told(&["--color", "never"]).contains('\u{1b}'));
}

#[test]
fn other_locales_get_plain_letters() {
    let home = home();
    let told =
        |locale: &str| text(&boxlab(home.path()).env("LANG", locale).args(PLAN).output().expect("a plan").stderr);
    assert!(told("C").is_ascii());
    assert!(told("C.UTF-8").contains('▸'));
}

#[test]
fn the_config_file_sets_the_defaults() {
    let home = home();
    let config = home.path().join(".config/boxlab");
    fs::create_dir_all(&config).expect("a directory");
    fs::write(config.join("config.toml"), "trace = \"off\"\n").expect("a file");
    assert!(boxlab(home.path()).args(PLAN).output().expect("a plan").stderr.is_empty());
    for garbage in ["trace = \"loud\"", "tarce = \"off\"", "trace =", "\u{0}"] {
        fs::write(config.join("config.toml"), garbage).expect("a file");
        let output = boxlab(home.path()).args(PLAN).output().expect("an error");
        let error = text(&output.stderr);
        assert!(
            output.status.code() == Some(125) && error.contains("config.toml") && error.contains("`trace`"),
            "{error}"
        );
    }
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let home = home();
    let binary = assert_cmd::cargo::cargo_bin("boxlab");
    let script = format!("{} ns ls | true; echo ${{PIPESTATUS[0]}}", binary.display());
    let output = Command::new("bash").env("HOME", home.path()).args(["-c", &script]).output().expect("a shell");
    assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).as_str()), ("0\n", ""));
}

/// Writes a ledger as a command does that was killed: its owner can't be alive.
fn left_behind(root: &Path) -> PathBuf {
    let running = root.join("state/running/0123456789ab");
    fs::create_dir_all(running.join("etc")).expect("a directory");
    let ledger = root.join("state/ledger");
    fs::create_dir_all(&ledger).expect("a directory");
    let owner = r#"{"process":{"pid":4194304,"start":1},"command":"boxlab run host sh"}"#;
    let item = format!(r#"{{"directory":"{}"}}"#, running.display());
    // The last line was torn when the power failed.
    fs::write(ledger.join("0123456789ab.jsonl"), format!("{owner}\n{item}\n{{\"dir")).expect("a file");
    running
}

#[test]
fn cleanup_lists_asks_and_removes() {
    let home = home();
    let running = left_behind(&home.path().join("root"));
    let writable = home.path().join("root/writable/ba9876543210");
    fs::create_dir_all(&writable).expect("a directory");

    let listed = boxlab(home.path()).args(["cleanup", "--dry-run"]).output().expect("a list");
    let list = text(&listed.stdout);
    assert!(list.contains("boxlab run host sh") && list.contains(running.to_str().expect("text")), "{list}");
    assert!(list.contains("writable/ba9876543210"), "what a power failure left without a ledger: {list}");
    assert!(running.exists(), "a dry run removes nothing");

    let asked = boxlab(home.path()).arg("cleanup").output().expect("an error");
    assert!(asked.status.code() == Some(125) && text(&asked.stderr).contains("--yes") && running.exists());

    boxlab(home.path()).args(["cleanup", "--yes"]).assert().success();
    assert!(!running.exists() && !writable.exists());
    let again = boxlab(home.path()).args(["cleanup", "--dry-run"]).output().expect("a list");
    assert_eq!(text(&again.stdout), "Nothing is left behind.\n");
    let json = boxlab(home.path()).args(["cleanup", "--dry-run", "--format", "json"]).output().expect("a list");
    assert_eq!(text(&json.stdout), "[]\n");
}

#[test]
fn cleanup_touches_nothing_that_it_has_not_made() {
    let home = home();
    left_behind(&home.path().join("root"));
    let other = home.path().join("root/somebody-elses");
    fs::create_dir_all(&other).expect("a directory");
    boxlab(home.path()).args(["cleanup", "--yes"]).assert().success();
    assert!(other.exists());
}

#[test]
fn a_store_that_cannot_be_made_is_said_so() {
    let home = home();
    let file = home.path().join("a-file");
    fs::write(&file, "").expect("a file");
    let output =
        boxlab(home.path()).arg("--root").arg(file.join("root")).args(["image", "host"]).output().expect("an error");
    let error = text(&output.stderr);
    assert!(output.status.code() == Some(125) && error.starts_with("boxlab: cannot"), "{error}");
    assert!(!error.contains("panicked"), "{error}");
}
