//! What the engine promises: level and edge, baselines, no check that matches itself, several at a
//! time, and that nothing is left, however it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::pack::{self, Made};
use crate::common::leftovers;
use crate::common::people::people;
use crate::common::place::{Ground, Place};
use crate::common::process::finish;
use crate::common::trials::Verdict;

/// A trial and its name.
pub type Named = (&'static str, fn(&Ground) -> Verdict);

pub const TRIALS: &[Named] = &[
    ("a_level_must_hold_an_edge_has_happened", a_level_must_hold_an_edge_has_happened),
    ("a_baseline_that_proves_nothing_is_refused", a_baseline_that_proves_nothing_is_refused),
    ("no_check_matches_itself", no_check_matches_itself),
    ("what_ran_before_does_not_count", what_ran_before_does_not_count),
    ("several_can_be_started", several_can_be_started),
    ("hints_are_counted_and_the_solution_is_remembered", hints_are_counted_and_the_solution_is_remembered),
    ("reset_begins_anew", reset_begins_anew),
    ("stop_leaves_nothing_and_what_was_mounted_stays", stop_leaves_nothing_and_what_was_mounted_stays),
    ("skip_prepares_for_the_next", skip_prepares_for_the_next),
    ("a_killed_start_is_found_by_cleanup", a_killed_start_is_found_by_cleanup),
    ("ctrl_c_during_the_start_leaves_nothing", ctrl_c_during_the_start_leaves_nothing),
    ("a_started_exercise_is_found_by_cleanup", a_started_exercise_is_found_by_cleanup),
    ("wrong_names_offer_the_nearest", wrong_names_offer_the_nearest),
    ("broken_exercises_say_where", broken_exercises_say_where),
    ("verify_notices_what_is_wrong_with_an_exercise", verify_notices_what_is_wrong_with_an_exercise),
];

const A: &str = "that = { file = { path = 'a', exists = true } }";

pub fn check(claim: bool, text: impl Into<String>) -> Verdict {
    if claim { Ok(()) } else { Err(text.into()) }
}

/// A place with lessons of its own.
pub struct School {
    pub place: Place,
    pub lessons: PathBuf,
}

impl School {
    pub fn new(ground: &Ground, name: &str, exercises: &[Made]) -> Self {
        let person = people().into_iter().flatten().next().expect("somebody runs the tests");
        let place = ground.place(&person, name);
        let lessons = pack::write(&place.home, exercises);
        Self { place, lessons }
    }

    pub fn command(&self, words: &[&str]) -> std::process::Command {
        let mut command = self.place.boxlab(words);
        command.env("BOXLAB_LESSONS", &self.lessons);
        command
    }

    /// Status, output, errors.
    pub fn run(&self, words: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(words).output().expect("boxlab can be run");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (status.code().unwrap_or(-1), text(&stdout), text(&stderr))
    }

    /// [`School::run`], which must end like this and say this.
    pub fn must(&self, words: &[&str], status: i32, says: &str) -> Verdict {
        let ran = self.run(words);
        let said = ran.1.contains(says) || ran.2.contains(says);
        check(ran.0 == status && said, format!("{words:?}: wanted {status} and '{says}', got {ran:?}"))
    }

    /// The learner's directory of an exercise.
    pub fn directory(&self, name: &str) -> PathBuf {
        self.place.store().join("exercises/test").join(name).join("box")
    }

    /// Nothing bears this place's mark, and nothing is in the ledger.
    pub fn is_tidy(&self) -> Verdict {
        let mut left = leftovers::of(&self.place);
        for directory in ["exercises/test", "exercises/.trials"] {
            let entries = fs::read_dir(self.place.store().join(directory)).into_iter().flatten().flatten();
            left.extend(entries.map(|entry| entry.path().display().to_string()));
        }
        leftovers::end(&self.place);
        check(left.is_empty(), format!("left: {left:?}"))
    }

    /// A program that the learner starts beside it.
    fn start(&self, program: &str, arguments: &[&str]) -> Child {
        let mut command = self.place.command_as_person(Path::new(program));
        command.args(arguments).stdin(Stdio::null()).spawn().expect("a program can be started")
    }
}

/// A program that ends with its trial.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn a_level_must_hold_an_edge_has_happened(ground: &Ground) -> Verdict {
    let edge = Made::about("edge", &format!("{A}\nhappened = true"));
    let school = School::new(ground, "edge", &[Made::about("level", A), edge]);
    for (name, after) in [("level", 1), ("edge", 0)] {
        school.must(&["exercise", "start", name], 0, "Do what is asked")?;
        school.must(&["exercise", "check", name], 1, "Not so.")?;
        fs::write(school.directory(name).join("a"), "").map_err(|error| error.to_string())?;
        school.must(&["exercise", "check", name], 0, "That was it.")?;
        fs::remove_file(school.directory(name).join("a")).map_err(|error| error.to_string())?;
        school.must(&["exercise", "check", name], after, "")?;
    }
    school.must(&["exercise", "stop", "--all"], 0, "has ended")?;
    school.is_tidy()
}

fn a_baseline_that_proves_nothing_is_refused(ground: &Ground) -> Verdict {
    let check = "baseline = 'start'\nthat = { file = { path = 'a', absent = true } }";
    let vacuous = Made::about("vacuous", check).with_setup("touch b; sleep 730 &");
    let school = School::new(ground, "baseline", &[vacuous, Made::about("sound", check).with_setup("touch a")]);
    school.must(&["exercise", "start", "vacuous"], 125, "its check 'c' proves nothing")?;
    school.is_tidy()?;
    school.must(&["exercise", "start", "sound"], 0, "")?;
    school.must(&["exercise", "check"], 1, "Not so.")?;
    school.must(&["exercise", "stop"], 0, "")?;
    school.is_tidy()
}

/// The subject is the very command line that asks.
fn no_check_matches_itself(ground: &Ground) -> Verdict {
    let mut made = Made::about("self", "that = { running = { subject = 'box' } }");
    let school = School::new(ground, "self", &[made.clone()]);
    let store = school.place.store().display().to_string();
    let words = ["boxlab", "--root", &store, "exercise", "check", "self"].map(|word| format!("'{word}'"));
    made.toml = made.toml.replace("['sleep', '720']", &format!("[{}]", words.join(", ")));
    pack::write(&school.place.home, &[made]);
    school.must(&["exercise", "start", "self"], 0, "")?;
    school.must(&["exercise", "check", "self"], 1, "Not so.")?;
    // Nor a shell that was told to do it.
    let line = format!("{} --root {store} exercise check self; exit $?", ground.boxlab().display());
    let mut shell = school.place.command_as_person(Path::new("/bin/sh"));
    let ran = shell.args(["-c", &line]).env("BOXLAB_LESSONS", &school.lessons).output();
    let ran = ran.map_err(|error| error.to_string())?;
    check(ran.status.code() == Some(1), format!("{ran:?}"))?;
    school.must(&["exercise", "stop"], 0, "")?;
    school.is_tidy()
}

fn what_ran_before_does_not_count(ground: &Ground) -> Verdict {
    let mut made = Made::about("before", "that = { running = { subject = 'box' } }");
    // A number of its own: the end of another trial's exercise would end this program, too.
    made.toml = made.toml.replace("'720'", "'739'");
    let school = School::new(ground, "before", &[made]);
    let before = Program(school.start("/bin/sleep", &["739"]));
    // A clock tick later, so that the order is certain.
    std::thread::sleep(std::time::Duration::from_millis(20));
    school.must(&["exercise", "start", "before"], 0, "")?;
    school.must(&["exercise", "check"], 1, "")?;
    let after = Program(school.start("/bin/sleep", &["739"]));
    school.must(&["exercise", "check"], 0, "")?;
    school.must(&["exercise", "stop"], 0, "")?;
    let line = fs::read_to_string(format!("/proc/{}/cmdline", before.0.id()));
    check(line.is_ok_and(|line| line.contains("739")), "what ran before the exercise was ended with it")?;
    drop((before, after));
    school.is_tidy()
}

fn several_can_be_started(ground: &Ground) -> Verdict {
    let school = School::new(ground, "several", &[Made::about("one", A), Made::about("two", A)]);
    school.must(&["exercise", "check"], 2, "no exercise is started")?;
    school.must(&["exercise", "check", "one"], 2, "the exercise test/one is not started")?;
    school.must(&["exercise", "start", "one"], 0, "About one")?;
    school.must(&["exercise", "start", "two"], 0, "About two")?;
    school.must(&["exercise", "ls"], 0, "started    1 min  test/one")?;
    fs::write(school.directory("two").join("a"), "").map_err(|error| error.to_string())?;
    school.must(&["exercise", "check"], 0, "Done: About two")?;
    school.must(&["exercise", "check", "one"], 1, "Not yet")?;
    school.must(&["exercise", "start", "one"], 0, "is started already")?;
    // In the shell of the one, it is that one that is meant.
    let ledger = school.directory("one").with_file_name("place.json");
    let state: serde_json::Value = serde_json::from_slice(&fs::read(ledger).map_err(|error| error.to_string())?)
        .map_err(|error| error.to_string())?;
    let token = state["sandbox"]["token"].as_str().unwrap_or_default().to_owned();
    let ran = school.command(&["exercise", "check"]).env("BOXLAB_EXERCISE", token).output();
    check(ran.is_ok_and(|ran| ran.status.code() == Some(1)), "not the one in whose shell it was asked")?;
    school.must(&["exercise", "stop", "--all"], 0, "test/one has ended")?;
    school.is_tidy()
}

fn hints_are_counted_and_the_solution_is_remembered(ground: &Ground) -> Verdict {
    let school = School::new(ground, "hints", &[Made::about("hinted", A)]);
    school.must(&["exercise", "start", "hinted"], 0, "")?;
    school.must(&["exercise", "hint"], 0, "Hint 1 of 2: first")?;
    school.must(&["exercise", "hint"], 0, "Hint 2 of 2: second")?;
    school.must(&["exercise", "hint"], 0, "That was the last hint")?;
    school.must(&["exercise", "solution"], 125, "no terminal to ask on")?;
    school.must(&["exercise", "solution", "--yes"], 0, "touch a")?;
    school.must(&["exercise", "check"], 1, "")?;
    school.must(&["exercise", "ls", "--format", "json"], 0, "\"solution\": true")?;
    school.must(&["exercise", "ls", "--format", "json"], 0, "\"hints\": 2")?;
    school.must(&["exercise", "stop"], 0, "")?;
    school.must(&["exercise", "ls", "--format", "json"], 0, "\"hints\": 2")?;
    school.is_tidy()
}

fn reset_begins_anew(ground: &Ground) -> Verdict {
    let made = Made::about("reset", &format!("{A}\nhappened = true")).with_setup("mkdir start; sleep 731 &");
    let school = School::new(ground, "reset", &[made]);
    school.must(&["exercise", "start", "reset"], 0, "")?;
    let directory = school.directory("reset");
    fs::write(directory.join("a"), "").map_err(|error| error.to_string())?;
    fs::remove_dir(directory.join("start")).map_err(|error| error.to_string())?;
    school.must(&["exercise", "check"], 0, "")?;
    school.must(&["exercise", "reset"], 0, "as it was at the start")?;
    check(directory.join("start").is_dir() && !directory.join("a").exists(), "not as it was")?;
    school.must(&["exercise", "check"], 1, "")?;
    school.must(&["exercise", "stop"], 0, "")?;
    school.is_tidy()
}

/// What a mount shows in the sandbox is not the sandbox's.
fn stop_leaves_nothing_and_what_was_mounted_stays(ground: &Ground) -> Verdict {
    let school = School::new(ground, "mounted", &[Made::about("mounted", A).with_setup("mkdir m; sleep 732 &")]);
    let outside = school.place.home.join("shared/file");
    school.must(&["exercise", "start", "mounted"], 0, "")?;
    if crate::common::people::people().into_iter().flatten().next().is_some_and(|person| person.uid == 0) {
        let target = school.directory("mounted").join("m");
        let mounted = std::process::Command::new("mount")
            .arg("--bind")
            .arg(school.place.home.join("shared"))
            .arg(&target)
            .status();
        check(mounted.is_ok_and(|status| status.success()), "cannot mount")?;
        let twice = std::process::Command::new("mount").args(["-t", "tmpfs", "none"]).arg(&target).status();
        check(twice.is_ok_and(|status| status.success()), "cannot mount")?;
    }
    school.must(&["exercise", "stop"], 0, "has ended")?;
    check(outside.exists(), "what was mounted there was removed")?;
    school.is_tidy()
}

fn skip_prepares_for_the_next(ground: &Ground) -> Verdict {
    let school = School::new(ground, "skip", &[Made::about("skipped", A)]);
    school.must(&["exercise", "skip", "skipped", "--because", "no time"], 0, "is passed over")?;
    school.must(&["exercise", "ls"], 0, "skipped    1 min")?;
    school.must(&["exercise", "skip", "skipped"], 2, "--because")?;
    school.must(&["exercise", "skip", "skipped", "--because", "no time", "--prepare"], 0, "carried out")?;
    check(school.directory("skipped").join("a").exists(), "the solution was not carried out")?;
    school.must(&["exercise", "check"], 0, "")?;
    school.must(&["exercise", "stop"], 0, "")?;
    school.is_tidy()
}

/// A start that is under way: its setup has started something, and does not return.
fn starting(ground: &Ground, name: &str) -> Result<(School, Child), String> {
    let made = Made::about("slow", A).with_setup("sleep 733 & echo ready > \"$HOME/setup\"; sleep 1000");
    let school = School::new(ground, name, &[made]);
    let fifo = school.place.home.join("setup");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).map_err(|errno| errno.to_string())?;
    crate::common::place::give(&fifo, &school.place.person);
    let mut command = school.command(&["exercise", "start", "slow"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    let ready = fs::read_to_string(&fifo).map_err(|error| error.to_string())?;
    check(ready == "ready\n", ready)?;
    Ok((school, child))
}

fn a_killed_start_is_found_by_cleanup(ground: &Ground) -> Verdict {
    let (school, mut child) = starting(ground, "killed")?;
    child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    school.must(&["exercise", "check"], 2, "no exercise is started")?;
    school.must(&["cleanup", "--dry-run"], 0, "exercise test/slow in ")?;
    school.must(&["cleanup", "--yes"], 0, "")?;
    school.must(&["cleanup", "--dry-run"], 0, "Nothing is left behind.")?;
    school.is_tidy()
}

fn ctrl_c_during_the_start_leaves_nothing(ground: &Ground) -> Verdict {
    let (school, mut child) = starting(ground, "interrupted")?;
    let pid = Pid::from_raw(i32::try_from(child.id()).map_err(|error| error.to_string())?);
    kill(pid, Signal::SIGINT).map_err(|errno| errno.to_string())?;
    let status = finish(&mut child)?;
    check(status.code() == Some(130), format!("{status}"))?;
    school.is_tidy()
}

fn a_started_exercise_is_found_by_cleanup(ground: &Ground) -> Verdict {
    let school =
        School::new(ground, "started", &[Made::about("started", A).with_setup("sleep 734 & mkdir d; echo x > d/f")]);
    school.must(&["exercise", "start", "started"], 0, "")?;
    school.must(&["cleanup", "--dry-run"], 0, "exercise test/started in ")?;
    school.must(&["cleanup", "--dry-run"], 0, ", 1 process")?;
    // Who is in the middle of it keeps it, unless it is meant.
    school.must(&["cleanup", "--yes"], 0, "(under way, and kept:")?;
    school.must(&["exercise", "check"], 1, "Not so.")?;
    school.must(&["cleanup", "--yes", "--exercises"], 0, "")?;
    school.must(&["exercise", "check"], 2, "no exercise is started")?;
    school.is_tidy()
}

fn wrong_names_offer_the_nearest(ground: &Ground) -> Verdict {
    let school = School::new(ground, "names", &[Made::about("own-name", A), Made::about("own-pid", A)]);
    let other = school.lessons.join("02-more/exercises/own-pid");
    fs::create_dir_all(&other).map_err(|error| error.to_string())?;
    fs::write(other.join("exercise.toml"), "").map_err(|error| error.to_string())?;
    school.must(&["exercise", "start", "own-nam"], 2, "Did you mean test/own-name?")?;
    school.must(&["exercise", "start", "tst/own-name"], 2, "Did you mean test/own-name?")?;
    school.must(&["exercise", "start", "zzz"], 2, "`boxlab exercise ls` lists them")?;
    school.must(&["exercise", "start", "own-pid"], 2, "Say which: test/own-pid, more/own-pid")
}

fn broken_exercises_say_where(ground: &Ground) -> Verdict {
    let made = Made::about("broken", A);
    let school = School::new(ground, "broken", std::slice::from_ref(&made));
    for (from, to, words) in [
        ("minutes = 1", "minutes = 'many'", "01-test/exercises/broken/exercise.toml:2"),
        ("says =", "sys =", "exercise.toml:9"),
        ("file =", "fiel =", "exercise.toml:10: unknown variant `fiel`"),
        ("exists = true", "absent = true", "exercise.toml:8: the check 'c': it is negative"),
        ("exists = true", "exist = true", "unknown field `exist`"),
        ("hints = ['first', 'second']", "", "missing field `hints`"),
    ] {
        let toml = made.toml.replace(from, to);
        check(toml != made.toml, format!("{from} is not there"))?;
        pack::write(&school.place.home, &[Made { toml, ..made.clone() }]);
        school.must(&["exercise", "start", "broken"], 125, words)?;
    }
    pack::write(&school.place.home, &[Made { wrong: vec![("d", "true")], ..made.clone() }]);
    school.must(&["exercise", "start", "broken"], 125, "wrong/0.sh: there is no check 'd'")?;
    pack::write(&school.place.home, &[Made { wrong: vec![("c/d", "true")], ..made }]);
    school.must(&["exercise", "start", "broken"], 125, "the check 'c' has no diagnosis 'd'")?;
    school.is_tidy()
}

fn verify_notices_what_is_wrong_with_an_exercise(ground: &Ground) -> Verdict {
    let good = Made { wrong: vec![("c", "true"), ("c", "touch b"), ("c", "touch c")], ..Made::about("x", A) };
    let school = School::new(ground, "verify", std::slice::from_ref(&good));
    school.must(&["exercise", "verify"], 0, "good test/x (5 attempts)")?;
    for (made, words) in [
        (good.clone().with_setup("touch a"), "untouched: it passes before anything is done"),
        (Made { solution: "touch b", ..good.clone() }, "solution.sh: it does not pass: c: Not so."),
        (Made { wrong: vec![("c", "touch a"); 3], ..good.clone() }, "wrong/0.sh: it passes"),
        (
            Made { wrong: vec![("c/not-running", "true"); 3], ..good.clone() },
            "it is not refused by c/not-running, but by c:",
        ),
        (good.clone().with_setup("exit 3"), "setup.sh ended with status 3"),
        (Made { wrong: Vec::new(), ..good.clone() }, "wrong/: there are fewer than three wrong attempts"),
        (good.clone().with_setup("setsid sleep 735 & no-such-program"), "setup.sh ended with status 127"),
    ] {
        let folder = school.lessons.join("01-test/exercises/x");
        fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
        pack::write(&school.place.home, &[made]);
        school.must(&["exercise", "verify", "--patience", "1"], 1, words)?;
        school.is_tidy()?;
    }
    school.is_tidy()
}
