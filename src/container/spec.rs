//! What is wanted: everything that a container is made from, decided before
//! anything is made.

use std::ffi::OsString;
use std::path::PathBuf;

use super::limits::Limits;
use crate::kernel::cgroup::Group;
use crate::kernel::lsm::Labels;
use crate::kernel::{CapSet, CloneFlags, DeviceNode, Maps};
use crate::primitives::mount::overlay::Layers;
use crate::seccomp::Filter;

/// A container to be.
#[derive(Debug, Clone)]
pub struct Spec {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Its name inside and in `/etc/hosts`.
    pub hostname: String,
    /// Its files.
    pub root: Root,
    /// Where they are put together, in the container's own mount namespace.
    pub assembled: PathBuf,
    /// Where `hosts`, `hostname` and `resolv.conf` lie, made for this container.
    pub etc: PathBuf,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Its environment, `NAME=value`; `HOME` is added by what the user is.
    pub env: Vec<OsString>,
    /// Where it starts, inside.
    pub workdir: PathBuf,
    /// Who it runs as, `USER[:GROUP]` by name or number; as the image knows them.
    pub user: Option<String>,
    /// The root filesystem can't be written to.
    pub read_only: bool,
    /// A terminal of its own is its standard input, output and error.
    pub terminal: bool,
    /// Standard input is passed on; else it is empty.
    pub interactive: bool,
    /// A small init is PID 1 and the program its child.
    pub init: bool,
    /// Whose network it uses.
    pub network: Network,
    /// What the user mounts into it, in order.
    pub mounts: Vec<Mount>,
    /// Size of /dev/shm in bytes.
    pub shm_size: u64,
    /// The namespaces that it gets.
    pub namespaces: CloneFlags,
    /// The id maps of its user namespace, if it has one.
    pub maps: Option<Maps>,
    /// It is in a user namespace, of its own or around boxlab.
    pub in_user_namespace: bool,
    /// What is mounted with its owners shifted by those maps: where from, where to.
    pub shifted: Vec<(PathBuf, PathBuf)>,
    /// Its cgroups; none where this user may make none.
    pub group: Group,
    /// What it may use.
    pub limits: Limits,
    /// What it may do.
    pub guards: Guards,
    /// `--device`: devices of the host that it gets beside the usual.
    pub devices: Vec<Device>,
    /// `--sysctl`: name and value, for its namespaces.
    pub sysctls: Vec<(String, String)>,
    /// `--group-add`: more groups for its user, by name or number.
    pub groups: Vec<String>,
}

/// What the program of a container may do.
#[derive(Debug, Clone)]
pub struct Guards {
    /// The capabilities that are kept.
    pub capabilities: CapSet,
    /// The filter of its system calls; `None` for all.
    pub filter: Option<Filter>,
    /// As what AppArmor or SELinux know it.
    pub label: Option<Label>,
    /// `no-new-privileges`: nothing that it runs gains any.
    pub no_new_privs: bool,
    /// Cover what tells of the machine; what configures it is read-only.
    pub masks: bool,
    /// /sys and the own cgroups can be written to (`--privileged`).
    pub writable_sys: bool,
}

/// A label for a security module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Whose.
    pub module: Labels,
    /// A profile's name, or a context.
    pub name: String,
    /// It is boxlab's own profile, which is given to the kernel when it is missing.
    pub own: bool,
}

/// A device of the host, and where the container finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its path on the host.
    pub source: PathBuf,
    /// Its path inside.
    pub target: PathBuf,
    /// What it is.
    pub node: DeviceNode,
}

/// Where a container's files come from.
#[derive(Debug, Clone)]
pub enum Root {
    /// The layers of an image, below a writable one that goes with the container.
    Overlay(Layers),
    /// A directory, used as it is: changes stay.
    Directory(PathBuf),
}

/// `--network`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// A namespace with nothing but loopback.
    None,
    /// The host's own.
    Host,
}

/// One `-v`, `--mount` or `--tmpfs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub what: What,
    /// Where, inside.
    pub target: PathBuf,
    /// Without write access.
    pub read_only: bool,
}

/// What a user can mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A directory or file of the host.
    Bind(PathBuf),
    /// Memory; options as in tmpfs(5).
    Tmpfs(String),
}
