//! `boxlab run -it` on a real terminal: the keys reach the program, the size
//! follows, and the user's own terminal comes back as it was.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::Failed;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rexpect::session::{PtySession, spawn_command};
use support::{boxlab, check};

type Outcome = Result<(), Failed>;

/// How long a slow machine may take for a line, in milliseconds.
const PATIENCE: Option<u64> = Some(20_000);

fn main() -> ExitCode {
    support::main(vec![
        ("a_shell_has_a_terminal", a_shell_has_a_terminal),
        ("keys_become_signals", keys_become_signals),
        ("what_was_ignored_outside_is_no_business_inside", what_was_ignored_outside_is_no_business_inside),
        ("nohup_is_heard", nohup_is_heard),
        ("jobs_are_controlled", jobs_are_controlled),
        ("the_terminal_is_given_back", the_terminal_is_given_back),
        ("run_alone_opens_a_shell", run_alone_opens_a_shell),
        ("a_lab_waits_for_enter", a_lab_waits_for_enter),
        ("a_load_is_drawn_live", a_load_is_drawn_live),
        ("a_cgroup_lab_ends_in_a_shell", a_cgroup_lab_ends_in_a_shell),
        ("ctrl_c_while_paused_ends_it_cleanly", ctrl_c_while_paused_ends_it_cleanly),
    ])
}

/// A shell in a container, at its prompt.
fn shell(options: &[&str]) -> Result<PtySession, Failed> {
    let mut command = boxlab();
    command.args(["-q", "run", "-it", "-e", "PS1=ready> "]).args(options).args(["host", "bash", "--norc"]);
    open(command)
}

fn open(command: Command) -> Result<PtySession, Failed> {
    let mut session = spawn_command(with_terminal(command), PATIENCE)?;
    session.exp_string("ready> ")?;
    Ok(session)
}

/// rexpect gives the child the terminal as all three descriptors, unless set.
fn with_terminal(command: Command) -> Command {
    let mut fresh = Command::new(command.get_program());
    fresh.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => fresh.env(name, value),
            None => fresh.env_remove(name),
        };
    }
    fresh
}

fn ends_with(mut session: PtySession, status: i32) -> Outcome {
    session.exp_eof()?;
    let ended = session.process().wait()?;
    check(format!("{ended:?}").contains(&format!(", {status})")), format!("wanted {status}, got {ended:?}"))
}

fn a_shell_has_a_terminal() -> Outcome {
    let mut session = shell(&[])?;
    session.send_line("tty; test -t 0 -a -t 1 -a -t 2 && echo all three")?;
    session.exp_string("/dev/pts/0")?;
    session.exp_string("all three")?;
    session.send_line("stat -c %t:%T /dev/console; exit 7")?;
    session.exp_string("88:0")?;
    ends_with(session, 7)
}

fn keys_become_signals() -> Outcome {
    for options in [&[][..], &["--init"][..]] {
        let mut session = shell(options)?;
        // The echo of the line is not the sign that the program runs; its sum is.
        session.send_line("sh -c 'echo $((40 + 2))up; exec sleep 1000'")?;
        session.exp_string("42up")?;
        session.send_control('c')?;
        session.exp_string("ready> ")?;
        session.send_line("echo status $?; exit")?;
        session.exp_string("status 130")?;
        ends_with(session, 0)?;
    }
    Ok(())
}

/// boxlab, started by somebody who has these signals ignored.
fn ignoring(signals: &str) -> Command {
    let boxlab = boxlab();
    let mut command = Command::new("bash");
    command.args(["-c", &format!("trap '' {signals}; exec \"$0\" \"$@\"")]).arg(boxlab.get_program());
    command.envs(boxlab.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// As after `nohup`, or beneath a shell that has put boxlab into the background.
fn what_was_ignored_outside_is_no_business_inside() -> Outcome {
    let mut command = ignoring("INT HUP CHLD");
    command.args(["-q", "run", "-it", "-e", "PS1=ready> ", "host", "bash", "--norc"]);
    let mut session = open(command)?;
    session.send_line("sh -c 'echo $((40 + 2))up; exec sleep 1000'")?;
    session.exp_string("42up")?;
    session.send_control('c')?;
    session.exp_string("ready> ")?;
    session.send_line("echo status $?; exit")?;
    session.exp_string("status 130")?;
    ends_with(session, 0)
}

/// What nohup(1) protects goes on when the terminal is gone.
fn nohup_is_heard() -> Outcome {
    for (ignored, status) in [("HUP", Some(0)), ("USR2", Some(129))] {
        let mut command = ignoring(ignored);
        command.args(["-q", "ns", "uts", "--", "sh", "-c", "echo up; read line; exit 0"]);
        let mut lab = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(lab.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        check(line == "up\n", line)?;
        kill(Pid::from_raw(i32::try_from(lab.id())?), Signal::SIGHUP)?;
        // Who has heard it does not read any more.
        let mut input = lab.stdin.take().ok_or("no input")?;
        if status == Some(0) {
            input.write_all(b"go on\n")?;
        }
        let ended = lab.wait()?;
        check(ended.code() == status, format!("with {ignored} ignored: {ended:?}"))?;
    }
    Ok(())
}

fn jobs_are_controlled() -> Outcome {
    let mut session = shell(&[])?;
    // The job stops itself once, so that its words say when it has the terminal.
    session.send_line("sh -c 'kill -STOP $$; echo $((40 + 2))back; exec cat'")?;
    session.exp_string("Stopped")?;
    session.exp_string("ready> ")?;
    session.send_line("fg")?;
    session.exp_string("42back")?;
    session.send_line("echoed")?;
    session.exp_string("echoed\r\nechoed")?;
    session.send_control('z')?;
    session.exp_string("Stopped")?;
    session.exp_string("ready> ")?;
    session.send_line("exec sh -c 'exit 3'")?;
    ends_with(session, 3)
}

fn the_terminal_is_given_back() -> Outcome {
    let boxlab = format!("BOXLAB_ROOT={} {} -q run -it", support::store().display(), env!("CARGO_BIN_EXE_boxlab"));
    let ways_out = [
        format!("{boxlab} host sh -c 'exit 0'"),
        format!("{boxlab} host sh -c 'kill -9 $$; exit 1'"),
        format!("{boxlab} host nosuchprogram"),
        format!("{boxlab} host sh -c 'sleep 1000' & kill -TERM $!; wait"),
    ];
    for way in ways_out {
        let mut command = Command::new("bash");
        let script = format!(
            "before=$(stty -g); {way} >/dev/null 2>&1; after=$(stty -g); [ \"$before\" = \"$after\" ] && echo as it was"
        );
        command.args(["-c", &script]);
        let mut session = spawn_command(command, PATIENCE)?;
        session.exp_string("as it was").map_err(|error| Failed::from(format!("{way}: {error}")))?;
        session.exp_eof()?;
    }
    Ok(())
}

fn run_alone_opens_a_shell() -> Outcome {
    let mut command = boxlab();
    command.args(["--color", "never", "run"]);
    let mut session = spawn_command(with_terminal(command), PATIENCE)?;
    session.exp_string("Start the first process")?;
    session.exp_string("root@")?;
    session.send_line("echo $$ is PID; exit")?;
    session.exp_string("1 is PID")?;
    ends_with(session, 0)
}

fn a_lab_waits_for_enter() -> Outcome {
    let mut command = boxlab();
    command.args(["--color", "never", "ns", "uts", "--pause", "--", "sh", "-c", "echo $((40 + 2))up"]);
    let mut session = spawn_command(with_terminal(command), PATIENCE)?;
    session.exp_string("look, in another terminal: ls -l /proc/")?;
    while session.exp_regex("Enter: go on|42up")?.1.starts_with("Enter") {
        session.send_line("")?;
    }
    ends_with(session, 0)
}

fn a_load_is_drawn_live() -> Outcome {
    support::needs_cgroup("memory")?;
    // rexpect has a character for each byte: this is "▁▁".
    for (locale, signs) in [("C.UTF-8", "\u{e2}\u{96}\u{81}\u{e2}\u{96}\u{81}"), ("C", "__")] {
        let mut command = boxlab();
        command.args(["--color", "never", "cgroup", "mem", "--memory", "16m", "--swap", "0", "--", "true"]);
        command.env("LANG", locale).env_remove("LC_ALL").env("TERM", "xterm");
        let mut session = spawn_command(with_terminal(command), PATIENCE)?;
        // Drawn anew: back to the start of the line, and clear it.
        session.exp_regex(&format!("\r\x1b\\[K +memory[a-z_.]+ {signs}[^\r\n]* of 16.0 MiB\r\x1b\\[K"))?;
        session.exp_string("Look at the kernel's own counters")?;
        ends_with(session, 0)?;
    }
    Ok(())
}

fn a_cgroup_lab_ends_in_a_shell() -> Outcome {
    support::needs_cgroup("pids")?;
    let mut command = boxlab();
    command.args(["-q", "cgroup", "pids", "--limit", "9"]).env("SHELL", "/bin/sh").env("PS1", "ready> ");
    let mut session = open(command)?;
    session.send_line("grep pids: /proc/self/cgroup; cat /proc/self/cgroup | tail -1; exit 7")?;
    session.exp_string("/boxlab-")?;
    ends_with(session, 7)
}

fn ctrl_c_while_paused_ends_it_cleanly() -> Outcome {
    let mut command = boxlab();
    command.args(["--color", "never", "run", "--pause", "--name", "paused", "host", "true"]);
    let mut session = spawn_command(with_terminal(command), PATIENCE)?;
    for _ in 0..3 {
        session.exp_string("Enter: go on")?;
        session.send_line("")?;
    }
    session.exp_string("Enter: go on")?;
    session.send_control('c')?;
    session.exp_string("interrupted by SIGINT")?;
    ends_with(session, 130)?;
    check(support::run(&["run", "--name", "paused", "host", "true"]).status == 0, "its name is free again")?;
    let left = support::stdout(&["cleanup", "--dry-run"])?;
    check(!left.contains("paused"), left)
}
