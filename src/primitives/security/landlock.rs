//! Landlock: a process takes access to files away from itself, without privilege.
//!
//! It can only take away: file permissions and everything else still count. Ports,
//! signals and abstract sockets (ABI 4 and 6) are left alone here. landlock(7)

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::{Context, Result};
use crate::kernel::errno::EACCES;
use crate::kernel::landlock::Access;
use crate::kernel::{Kernel, O_PATH, proc};

/// Where programs, their libraries and their settings lie; some are mere links to
/// others of them, and a rule looks at the file, not at its name.
pub const SYSTEM: [&str; 9] = ["/bin", "/sbin", "/lib", "/lib64", "/usr", "/opt", "/nix/store", "/etc", "/proc"];

/// Terminals, /dev/null and the like.
pub const DEVICES: &str = "/dev";

/// Beneath which paths what is allowed; everything else is forbidden.
#[derive(Debug)]
pub struct Rules {
    /// To be read, and run.
    pub read: Vec<PathBuf>,
    /// To be written to, too.
    pub write: Vec<PathBuf>,
}

/// Leaves this process, and all that come from it, what the rules allow.
pub fn restrict(k: &Kernel, rules: &Rules) -> Result<()> {
    k.step("Ask which version this is: an older kernel forbids fewer things");
    let everything = Access::known_by(k.landlock_abi()?);

    k.step("Name all that shall be forbidden unless a rule allows it");
    let ruleset = k.landlock_create_ruleset(everything)?;

    k.step("Allow reading and running beneath some paths, all beneath others");
    let read = rules.read.iter().map(|path| (path.as_path(), Access::READ));
    let write = rules.write.iter().map(|path| (path.as_path(), everything));
    let devices = (Path::new(DEVICES), Access::USE.within(everything));
    for (path, access) in read.chain([devices]).chain(write) {
        let cannot = || format!("cannot make a rule for {}", path.display());
        let parent = k.open(path, O_PATH, 0).doing(cannot)?;
        k.landlock_add_rule(&ruleset, access, &parent).doing(cannot)?;
    }

    k.part("no_new_privs", |k| {
        k.step("Restricting a setuid program could trick it: give those up first");
        k.no_new_privs()
    })?;

    k.step("Close the door: no process that comes from here can open it again");
    k.landlock_restrict_self(&ruleset)
}

/// The system's directories here, and this program, wherever it lies.
pub fn system(program: PathBuf) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        SYSTEM.map(PathBuf::from).into_iter().filter(|path| proc::is_directory(path)).collect();
    if !paths.iter().any(|path| program.starts_with(path)) {
        paths.push(program);
    }
    paths
}

/// What the rules leave of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// Files can be read.
    Reading,
    /// And written.
    Writing,
}

/// Lab: a directory inside the rules and one outside, before and after.
pub fn demonstrate(k: &Kernel, rules: &Rules, inside: &Path, outside: &Path, left: Left) -> Result<()> {
    k.step("Before: this process reads and writes in both directories");
    let [inside, outside] = [inside, outside].map(|directory| directory.join(OsStr::new("note")));
    k.put(&inside, "from before\n")?;
    k.put(&outside, "from before\n")?;

    restrict(k, rules)?;

    k.step("Inside the rules all is as before");
    k.put(&inside, "from after\n")?;

    if left == Left::Writing {
        k.step("The other directory: a rule of yours allows that, too");
        return k.put(&outside, "from after\n");
    }
    k.step("Outside: the owner and the mode would allow it, Landlock does not");
    k.refused(k.put(&outside, "from after\n"), EACCES, "a file outside of the rules could be written to")?;
    if left == Left::Reading {
        k.step("Reading there is allowed by a rule of yours");
        return k.read_to_string(&outside).map(drop);
    }
    k.refused(k.read_to_string(&outside), EACCES, "a file outside of the rules could be read")
}
