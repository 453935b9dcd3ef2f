//! What the reading of strace's output is held to.

use crate::common::strace_lines::{parse, translated};

/// Lines of strace(1) as it really prints them.
pub fn are_understood() -> Result<(), String> {
    let mut calls = parse(concat!(
        "mount(NULL, \"/a, b)\", NULL, MS_REC|MS_PRIVATE, NULL) = 0\n",
        "openat(AT_FDCWD</tmp/x, (y>, \"f\", O_RDONLY) = -1 ENOENT (No such file or directory)\n",
        "--- SIGCHLD {si_signo=SIGCHLD} ---\n",
        "kill(1 /* 4345 in strace's PID NS */, SIGTERM) = 0\n",
        "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 2 /* 77 in strace's PID NS */\n",
        "write(5</x>(deleted), \"a\\\"b\", 3)   = 3\n",
        "setsid()                                = 1\n",
        "execve(\"/bin/x\", [\"x\"], 0x55 /* 0 vars */ <detached ...>\n",
        "+++ exited with 0 +++\n",
    ))?
    .into_iter();
    let mut expect = |args: &[&str], ret: &str, errno: Option<&str>| {
        let call = calls.next().ok_or("a call is missing")?;
        let same = call.args == args && call.ret == ret && call.errno.as_deref() == errno;
        if same { Ok(()) } else { Err(format!("expected {args:?} = {ret} {errno:?}, found {call:?}")) }
    };
    expect(&["NULL", "\"/a, b)\"", "NULL", "MS_REC|MS_PRIVATE", "NULL"], "0", None)?;
    expect(&["AT_FDCWD</tmp/x, (y>", "\"f\"", "O_RDONLY"], "-1", Some("ENOENT"))?;
    expect(&["1", "SIGTERM"], "0", None)?;
    expect(&["-1", "[{WIFEXITED(s) && WEXITSTATUS(s) == 0}]", "0", "NULL"], "2", None)?;
    expect(&["5</x>(deleted)", "\"a\\\"b\"", "3"], "3", None)?;
    expect(&[], "1", None)?;
    expect(&["\"/bin/x\"", "[\"x\"]", "0x55 /* 0 vars */"], "?", None)?;
    let made = translated("clone3({flags=0} => {pidfd=[8<anon_inode:[pidfd]>]}, 88) = 2 /* 4346 in strace's PID NS */");
    if made == Some(4346) { Ok(()) } else { Err(format!("{made:?} is not the new process")) }
}
