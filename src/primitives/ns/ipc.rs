//! IPC namespace: message queues, semaphores and shared memory of one's own.
//!
//! Pipes, sockets and signals are not in it: they go by other names.
//! ipc_namespaces(7), svipc(7), mq_overview(7)

use std::path::Path;

use crate::error::Result;
use crate::kernel::{CLONE_NEWIPC, Kernel};

/// The key under which the lab's queue is known: "box" in ASCII.
pub const KEY: i32 = 0x0062_6f78;

/// The kernel's list of System V queues, of the namespace of whoever reads it.
const QUEUES: &str = "/proc/sysvipc/msg";

/// Child: leaves the shared queues behind and makes one that only it can see.
pub fn isolate(k: &Kernel) -> Result<()> {
    k.step("Stop sharing System V IPC and POSIX message queues");
    k.unshare(CLONE_NEWIPC)?;

    k.step("Make a message queue; its key counts only in this namespace");
    k.msgget(KEY)?;
    list(k, "queues inside")
}

/// Host: the same list, read outside.
pub fn outside(k: &Kernel) -> Result<()> {
    k.step("Look from outside: no queue with that key exists here");
    list(k, "queues outside")
}

fn list(k: &Kernel, title: &str) -> Result<()> {
    let text = k.read_to_string(Path::new(QUEUES))?;
    let columns = |line: &str| line.split_ascii_whitespace().take(4).map(|column| format!("{column:>10}")).collect();
    k.show(title, || text.lines().map(columns).collect());
    Ok(())
}
