//! What is wanted: everything that a container is made from, decided before
//! anything is made.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::kernel::CloneFlags;
use crate::kernel::Maps;
use crate::primitives::mount::overlay::Layers;

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
