//! On a real terminal: the shell of `start`, and `watch` with its keys.

use std::fs;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use rexpect::session::{PtySession, spawn_command};

use super::engine::{Named, School, check};
use super::pack::Made;
use crate::common::place::Ground;
use crate::common::trials::Verdict;

pub const TRIALS: &[Named] = &[
    ("start_opens_a_shell_that_says_where_it_is", start_opens_a_shell_that_says_where_it_is),
    ("watch_shows_only_keys_that_do_something", watch_shows_only_keys_that_do_something),
    ("watch_gives_the_terminal_back", watch_gives_the_terminal_back),
    ("a_killed_watch_changes_nothing", a_killed_watch_changes_nothing),
    ("watch_without_a_terminal_ends_when_it_is_done", watch_without_a_terminal_ends_when_it_is_done),
];

/// How long a slow machine may take, in milliseconds.
const PATIENCE: Option<u64> = Some(30_000);

const A: &str = "that = { file = { path = 'a', exists = true } }";

/// rexpect gives the child the terminal as all three descriptors, unless set.
fn on_terminal(school: &School, words: &[&str]) -> Result<PtySession, String> {
    let command = school.command(words);
    let mut fresh = Command::new(command.get_program());
    fresh.args(command.get_args()).env_clear().env("SHELL", "/bin/bash");
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            fresh.env(name, value);
        }
    }
    spawn_command(fresh, PATIENCE).map_err(|error| error.to_string())
}

fn until(session: &mut PtySession, text: &str) -> Result<String, String> {
    session.exp_string(text).map_err(|error| format!("waiting for '{text}': {error}"))
}

fn send(session: &mut PtySession, keys: &str) -> Verdict {
    session.send(keys).and_then(|_| session.flush()).map_err(|error| error.to_string())
}

fn status(mut session: PtySession) -> Result<String, String> {
    session.exp_eof().map_err(|error| error.to_string())?;
    session.process().wait().map(|status| format!("{status:?}")).map_err(|error| error.to_string())
}

fn start_opens_a_shell_that_says_where_it_is(ground: &Ground) -> Verdict {
    let school = School::new(ground, "shell", &[Made::about("shell", A)]);
    let mut session = on_terminal(&school, &["exercise", "start", "shell"])?;
    until(&mut session, "Do what is asked")?;
    until(&mut session, "(test/shell) ")?;
    send(&mut session, "boxlab exercise check; touch a; boxlab exercise check && echo $((40 + 2))done\n")?;
    until(&mut session, "Not yet")?;
    until(&mut session, "That was it.")?;
    until(&mut session, "42done")?;
    // Whoever starts it from inside gets no shell in a shell.
    send(&mut session, "boxlab exercise start shell; pwd\n")?;
    until(&mut session, "exercises/test/shell/box")?;
    send(&mut session, "exit\n")?;
    until(&mut session, "The exercise test/shell goes on")?;
    let ended = status(session)?;
    check(ended.contains(", 0)"), ended)?;
    school.must(&["exercise", "check"], 0, "")?;
    school.must(&["exercise", "stop"], 0, "")?;
    school.is_tidy()
}

fn watch_shows_only_keys_that_do_something(ground: &Ground) -> Verdict {
    let school = School::new(ground, "watch", &[Made::about("first", A), Made::about("second", A)]);
    school.must(&["exercise", "start", "first"], 0, "")?;
    let mut session = on_terminal(&school, &["exercise", "watch", "first"])?;
    until(&mut session, "c check now | h a hint | q leave")?;
    // It does nothing yet, so that nothing is shown until the next key.
    send(&mut session, "nh")?;
    until(&mut session, "Hint 1 of 2: first")?;
    until(&mut session, "c check now | h a hint | q leave")?;
    send(&mut session, "h")?;
    until(&mut session, "Hint 2 of 2: second")?;
    until(&mut session, "c check now | q leave")?;
    fs::write(school.directory("first").join("a"), "").map_err(|error| error.to_string())?;
    until(&mut session, "That was it.")?;
    until(&mut session, "n next: test/second | q leave")?;
    // What is tried afterwards does not take it back.
    fs::remove_file(school.directory("first").join("a")).map_err(|error| error.to_string())?;
    until(&mut session, "It was done")?;
    until(&mut session, "c check now | n next: test/second | q leave")?;
    check(!school.directory("second").exists(), "it went on by itself")?;
    send(&mut session, "n")?;
    until(&mut session, "About second")?;
    until(&mut session, "c check now | h a hint | q leave")?;
    send(&mut session, "q")?;
    let ended = status(session)?;
    check(ended.contains(", 1)"), ended)?;
    school.must(&["exercise", "stop", "--all"], 0, "")?;
    school.is_tidy()
}

/// By a key, by Ctrl-C, by a signal.
fn watch_gives_the_terminal_back(ground: &Ground) -> Verdict {
    let school = School::new(ground, "raw", &[Made::about("raw", A)]);
    school.must(&["exercise", "start", "raw"], 0, "")?;
    let boxlab = format!(
        "NO_COLOR=1 BOXLAB_LESSONS={} {} --root {} exercise watch",
        school.lessons.display(),
        ground.boxlab().display(),
        school.place.store().display()
    );
    for (way, ended) in [("q", 1), ("\u{3}", 130), ("TERM", 143)] {
        let script = format!(
            "before=$(stty -g); {boxlab} & echo pid=$!; fg >/dev/null; status=$?; \
             [ \"$before\" = \"$(stty -g)\" ] && echo \"as it was: $status\""
        );
        let mut command = Command::new("bash");
        command.args(["-mc", &script]);
        let mut session = spawn_command(command, PATIENCE).map_err(|error| error.to_string())?;
        until(&mut session, "pid=")?;
        let pid = session.read_line().map_err(|error| error.to_string())?;
        until(&mut session, "q leave")?;
        if way == "TERM" {
            let pid: i32 = pid.trim().parse().map_err(|_| format!("no PID: {pid}"))?;
            kill(nix::unistd::Pid::from_raw(pid), Signal::SIGTERM).map_err(|errno| errno.to_string())?;
        } else {
            send(&mut session, way)?;
        }
        until(&mut session, &format!("as it was: {ended}"))?;
        session.exp_eof().map_err(|error| error.to_string())?;
    }
    school.must(&["exercise", "stop"], 0, "")?;
    school.is_tidy()
}

fn a_killed_watch_changes_nothing(ground: &Ground) -> Verdict {
    let school = School::new(ground, "killed-watch", &[Made::about("watched", A).with_setup("sleep 736 &")]);
    school.must(&["exercise", "start", "watched"], 0, "")?;
    let mut session = on_terminal(&school, &["exercise", "watch"])?;
    until(&mut session, "q leave")?;
    session.process_mut().kill(Signal::SIGKILL).map_err(|error| error.to_string())?;
    drop(session);
    school.must(&["exercise", "check"], 1, "Not so.")?;
    school.must(&["cleanup", "--dry-run"], 0, "exercise test/watched in ")?;
    school.must(&["cleanup", "--yes", "--exercises"], 0, "")?;
    school.must(&["cleanup", "--dry-run"], 0, "Nothing is left behind.")?;
    school.is_tidy()
}

fn watch_without_a_terminal_ends_when_it_is_done(ground: &Ground) -> Verdict {
    let school = School::new(ground, "pipe", &[Made::about("pipe", A)]);
    school.must(&["exercise", "start", "pipe"], 0, "")?;
    let mut command = school.command(&["exercise", "watch"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let output = crate::common::process::collect(child.stdout.take().ok_or("no output")?);
    fs::write(school.directory("pipe").join("a"), "").map_err(|error| error.to_string())?;
    let ended = crate::common::process::finish(&mut child)?;
    let said = output.join().map_err(|_| "no output")?;
    check(ended.code() == Some(0) && said.contains("That was it.") && !said.contains('\u{1b}'), said)?;
    school.must(&["exercise", "stop"], 0, "")?;
    school.is_tidy()
}
