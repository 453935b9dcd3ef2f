//! User namespace: ids and capabilities that count only inside.
//!
//! The one namespace that needs no privilege, and the key to all others.
//! user_namespaces(7), newuidmap(1), subuid(5)

use std::path::Path;

use crate::error::{Context, Error, FAILED, Result};
use crate::kernel::{CLONE_NEWUSER, CloneFlags, Exit, IdMap, Kernel, Maps, proc};

/// The gate at which the child waits for its maps.
pub const MAPS: &str = "id maps";

/// Child: leaves the parent's user namespace and waits to be somebody again.
pub fn enter(k: &Kernel) -> Result<()> {
    k.step("Enter a user namespace: every capability, but only in there");
    k.unshare(CLONE_NEWUSER)?;
    become_root(k)
}

/// Child: nobody until the maps are written, then root of this namespace.
pub fn become_root(k: &Kernel) -> Result<()> {
    k.gate(MAPS)?;
    k.step("Take the ids that the map now gives: 0 and 0");
    k.setresgid(0)?;
    k.setresuid(0)?;
    // Changed credentials have taken this wish back. prctl(2)
    k.die_with_parent()
}

/// Parent: tells the kernel which ids outside stand behind those inside.
pub fn map(k: &Kernel, pid: i32, maps: &Maps) -> Result<()> {
    match maps {
        Maps::Written { users, groups, deny_setgroups } => {
            k.step("Write who the child's ids are outside");
            let file = |name: &str| format!("/proc/{pid}/{name}");
            // Without this a process could drop a group that denies it something.
            if *deny_setgroups {
                k.write_to(Path::new(&file("setgroups")), "deny")?;
            }
            k.write_to(Path::new(&file("uid_map")), &lines(users))?;
            k.write_to(Path::new(&file("gid_map")), &lines(groups))
        }
        Maps::Helped { users, groups } => {
            k.step("Ask the setuid helpers to write the ranges of /etc/subuid");
            helper(k, "newuidmap", pid, users)?;
            helper(k, "newgidmap", pid, groups)
        }
    }
}

/// Does something as the root of a user namespace, in a child, and waits for its end.
pub fn within<T>(k: &Kernel, role: &'static str, maps: &Maps, body: impl FnOnce(&Kernel) -> Result<T>) -> Result<Exit> {
    let mut child = k.clone3(role, CloneFlags::empty(), |k| {
        enter(k)?;
        body(k)
    })?;
    child.takes_signals = true;
    k.until(&mut child, MAPS)?;
    map(k, child.pid, maps)?;
    k.answer(&child)?;
    k.watch(&mut child)
}

fn lines(maps: &[IdMap]) -> String {
    maps.iter().map(|map| format!("{} {} {}\n", map.inside, map.outside, map.count)).collect()
}

fn helper(k: &Kernel, program: &str, pid: i32, maps: &[IdMap]) -> Result<()> {
    let mut command = vec![program.into(), pid.to_string().into()];
    for map in maps {
        command.extend([map.inside, map.outside, map.count].map(|number| number.to_string().into()));
    }
    let refuses = || format!("{program} refuses ranges that /etc/subuid and /etc/subgid do not grant.");
    // It has ended by itself: no call of ours failed, nobody pressed Ctrl-C.
    let by_itself = |error: &Error| error.failure().call.is_none() && error.failure().status == FAILED;
    k.run_helper(&command).hint(|error| by_itself(error).then(refuses))
}

/// Child: who it is now, and who owns a file that it makes.
pub fn demonstrate(k: &Kernel, directory: &Path) -> Result<()> {
    k.step("Make a file as root of this namespace");
    let file = directory.join("made-inside");
    k.put(&file, "who owns me?\n")?;
    k.show("uid_map (inside outside count)", || proc::lines("/proc/self/uid_map"));
    k.show("owner of the file, inside", || vec![proc::owner(&file)]);
    Ok(())
}

/// Host: the same file has another owner.
pub fn outside(k: &Kernel, directory: &Path) {
    k.step("Look from outside: the same file, the real owner");
    k.show("owner of the file, outside", || vec![proc::owner(&directory.join("made-inside"))]);
}
