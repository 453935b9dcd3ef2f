//! Programs in another language, and programs that no judge likes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Workshop;
use crate::common::leftovers;
use crate::common::people::Person;
use crate::common::place::{Place, give};
use crate::judged::{finding, judge};

type Body = fn(&Workshop, &Person) -> Result<(), String>;

/// By name.
pub const TRIALS: [(&str, Body); 5] = [
    ("a shell script can pass", shell),
    ("a shell script is told what is wrong", wrong_shell),
    ("what is no program is said to be none", garbage),
    ("Ctrl-C leaves nothing", interrupted),
    ("cleanup finds what a killed judge leaves", killed),
];

/// The first two stages in sh(1).
const SCRIPT: &str = r#"#!/bin/sh
stage=$1
shift
case $stage in
child) shift; "$@"; exit $? ;;
uts) name=$1; shift 2; unshare --uts sh -c 'hostname "$0" && "$@"; exit $?' "$name" "$@"; exit $? ;;
esac
echo "this is not written yet" >&2
exit 125
"#;

fn script(place: &Place, text: &str) -> PathBuf {
    let path = place.home.join("mycontainer");
    fs::write(&path, text).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    give(&path, &place.person);
    path
}

fn shell(workshop: &Workshop, person: &Person) -> Result<(), String> {
    let place = workshop.ground.place(person, "shell");
    let script = script(&place, SCRIPT).display().to_string();
    for stage in ["child", "uts"] {
        let judged = judge(&place, &[stage, "--program", &script])?;
        if judged[0]["passed"] != true {
            return Err(format!("{judged:#?}"));
        }
    }
    // Without a stage, as far as it goes.
    let judged = judge(&place, &["--program", &script])?;
    if judged.len() != 3 || judged[2]["stage"] != "pivot" || judged[2]["passed"] == true {
        return Err(format!("{judged:#?}"));
    }
    Ok(())
}

fn wrong_shell(workshop: &Workshop, person: &Person) -> Result<(), String> {
    let place = workshop.ground.place(person, "wrong shell");
    let script = script(&place, &SCRIPT.replace("unshare --uts sh", "sh")).display().to_string();
    let name = fs::read_to_string("/proc/sys/kernel/hostname").map_err(|error| error.to_string())?;
    let judged = judge(&place, &["uts", "--program", &script])?;
    for (check, kind) in [("new-namespace", "same"), ("outside", "renamed")] {
        let found = finding(&judged[0], check)?;
        if found["state"] != "failed" || found["kind"] != kind {
            return Err(format!("{check}: {judged:#?}"));
        }
    }
    let after = fs::read_to_string("/proc/sys/kernel/hostname").map_err(|error| error.to_string())?;
    if name == after { Ok(()) } else { Err(format!("the host is called {after} now")) }
}

fn garbage(workshop: &Workshop, person: &Person) -> Result<(), String> {
    let place = workshop.ground.place(person, "garbage");
    let text = place.home.join("garbage");
    fs::write(&text, "no program").map_err(|error| error.to_string())?;
    let text = text.display().to_string();
    let cases: [(&[&str], i32, &str); 4] = [
        (&["--program", &text], 125, "cannot run"),
        (&["--program", "/no/such/program"], 125, "cannot find the program"),
        (&["utz", "--program", "/bin/true"], 2, "Did you mean uts?"),
        (&["uts"], 2, "there is no workshop here"),
    ];
    for (words, status, said) in cases {
        let mut command = place.boxlab(&["workshop", "check"]);
        let output = command.args(words).output().map_err(|error| error.to_string())?;
        let told = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(status) || !told.contains(said) || told.contains("bug") {
            return Err(format!("{words:?}: {}: {told}", output.status));
        }
    }
    let left = leftovers::of(&place);
    // A program that is one, and knows nothing of the contract.
    let judged = judge(&place, &["child", "--program", "/bin/true"])?;
    let found = finding(&judged[0], "started")?;
    let is_told = found["kind"] == "ended" && left.is_empty();
    if is_told { Ok(()) } else { Err(format!("{left:?} {judged:#?}")) }
}

/// A judge that waits for a program which does not end.
fn waiting(place: &Place) -> Result<std::process::Child, String> {
    let script = script(place, "#!/bin/sh\nsetsid sleep 1000 &\nsleep 1000\n");
    let mut command = place.boxlab(&["workshop", "check", "uts", "--program"]);
    command.arg(script).stdout(Stdio::null()).stderr(Stdio::null());
    let judge = command.spawn().map_err(|error| error.to_string())?;
    let end = Instant::now() + Duration::from_secs(20);
    // Both of its programs run.
    while leftovers::named(place, "sleep") < 2 {
        if Instant::now() > end {
            return Err("the program has not begun".to_owned());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(judge)
}

fn interrupted(workshop: &Workshop, person: &Person) -> Result<(), String> {
    let place = workshop.ground.place(person, "interrupted");
    let mut judge = waiting(&place)?;
    // As a terminal does it: to boxlab and its own children, not to the program's session.
    for pid in leftovers::group(judge.id()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
    }
    let status = judge.wait().map_err(|error| error.to_string())?;
    let left = leftovers::of(&place);
    leftovers::end(&place);
    match (status.code(), left.is_empty()) {
        (Some(130), true) => Ok(()),
        _ => Err(format!("{status}, left: {left:?}")),
    }
}

fn killed(workshop: &Workshop, person: &Person) -> Result<(), String> {
    let place = workshop.ground.place(person, "killed");
    let mut judge = waiting(&place)?;
    judge.kill().and_then(|()| judge.wait()).map_err(|error| error.to_string())?;
    let output = place.boxlab(&["cleanup", "--yes"]).output().map_err(|error| error.to_string())?;
    let left = leftovers::of(&place);
    leftovers::end(&place);
    match (output.status.success(), left.is_empty()) {
        (true, true) => Ok(()),
        _ => Err(format!("{}, left: {left:?}", String::from_utf8_lossy(&output.stderr))),
    }
}
