//! boxlab in a namespace that boxlab has made.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::Outcome;
use crate::support::{self, Ran, boxlab, check};

/// Root of a user namespace is not the machine's: what it keeps lies where its user may write.
pub fn root_of_a_user_namespace_keeps_its_things_at_home() -> Outcome {
    let home = support::scratch("nested");
    // If root tries it, the root inside is nobody outside.
    fs::set_permissions(&home, Permissions::from_mode(0o777))?;
    let program = env!("CARGO_BIN_EXE_boxlab");
    let mut command = boxlab();
    command.args(["-q", "ns", "user", "--", "env", "-u", "BOXLAB_ROOT"]);
    command.args([program, "-q", "ns", "uts", "--hostname", "nested", "--", "uname", "-n"]);
    let output = command.env("HOME", &home).env("XDG_DATA_HOME", &home).env_remove("XDG_RUNTIME_DIR").output()?;
    let ran = Ran::from(output);
    check(ran.status == 0 && ran.stdout == "nested\n", format!("{ran:?}"))?;
    check(home.join("boxlab/state/ledger").is_dir(), "it has kept its ledger somewhere else")
}

/// no_new_privs takes the setuid bit of newuidmap(1) away: one id is mapped, and that will do.
pub fn without_new_privileges_one_id_is_mapped() -> Outcome {
    let mut command = std::process::Command::new("setpriv");
    command.args(["--no-new-privs", env!("CARGO_BIN_EXE_boxlab"), "-q", "ns", "uts", "--", "true"]);
    let ran = Ran::from(command.env("BOXLAB_ROOT", support::store()).output()?);
    check(ran.status == 0 && ran.stderr.is_empty(), format!("{ran:?}"))
}
