//! The options of `run` that say what a container may do, as Docker has them.

use std::path::{Component, Path, PathBuf};

use clap::Args;

use crate::container::spec::{Device, Guards, Network};
use crate::error::{Error, Result};
use crate::kernel::bpf::{Access, DeviceRule, Kind};
use crate::kernel::{CLONE_NEWIPC, CLONE_NEWNET, CapSet, CapSets, CloneFlags, device_node, maps};
use crate::primitives::cgroup::devices;
use crate::primitives::security::caps;

/// What a container may do.
#[derive(Debug, Args)]
#[command(next_help_heading = "Guards")]
pub struct GuardOptions {
    /// Keep this capability too, or ALL: NET_ADMIN
    #[arg(long, value_name = "CAPABILITY")]
    cap_add: Vec<String>,
    /// Lay this one down too, or ALL
    #[arg(long, value_name = "CAPABILITY")]
    cap_drop: Vec<String>,
    /// All capabilities and devices, no filter, nothing covered: root, nearly on the host
    #[arg(long)]
    privileged: bool,
    /// no-new-privileges, systempaths=unconfined
    #[arg(long, value_name = "OPTION")]
    security_opt: Vec<String>,
    /// Give it a device of the host: /dev/fuse[:TARGET[:rwm]]
    #[arg(long, value_name = "DEVICE")]
    device: Vec<String>,
    /// One more group for its user, by name or number
    #[arg(long, value_name = "GROUP")]
    pub group_add: Vec<String>,
    /// A kernel setting of its own namespaces: net.ipv4.ip_forward=1
    #[arg(long, value_name = "NAME=VALUE")]
    sysctl: Vec<String>,
}

/// What `--security-opt` can ask for.
#[derive(Debug, Default)]
struct Options {
    no_new_privs: bool,
    unmasked: bool,
}

impl GuardOptions {
    /// All of them.
    pub fn guards(&self) -> Result<Guards> {
        let options = self.options()?;
        Ok(Guards {
            capabilities: self.capabilities()?,
            no_new_privs: options.no_new_privs,
            masks: !self.privileged && !options.unmasked,
            writable_sys: self.privileged,
        })
    }

    fn options(&self) -> Result<Options> {
        let mut options = Options::default();
        for text in &self.security_opt {
            // Docker took `name:value` before it took `name=value`, and still does.
            let (name, value) = text.split_once(['=', ':']).unwrap_or((text, "true"));
            match (name, value) {
                ("no-new-privileges", "true") => options.no_new_privs = true,
                ("no-new-privileges", "false") => options.no_new_privs = false,
                ("systempaths", "unconfined") => options.unmasked = true,
                _ => {
                    let error = Error::usage(format!("there is no security option '{text}'"));
                    return Err(error.hint("There are: no-new-privileges, systempaths=unconfined."));
                }
            }
        }
        Ok(options)
    }

    /// Docker's rule: the default set, or nothing after `--cap-drop ALL`, or all
    /// that there are after `--cap-add ALL`; then one by one.
    fn capabilities(&self) -> Result<CapSet> {
        let set = |names: &[String]| -> Result<CapSet> {
            names.iter().try_fold(CapSet::EMPTY, |all, name| CapSet::from_name(name).map(|one| all.union(one)))
        };
        let (added, dropped) = (set(&self.cap_add)?, set(&self.cap_drop)?);
        let all = |names: &[String]| names.iter().any(|name| name.trim().eq_ignore_ascii_case("all"));
        // Root of a new user namespace holds all there are.
        let held = if maps::privileged() { CapSets::own().bounding } else { CapSet::all() };
        if self.privileged {
            return Ok(held);
        }
        let missing = if all(&self.cap_add) { CapSet::EMPTY } else { added.minus(held) };
        if !missing.is_empty() {
            let error = Error::new(format!("cannot keep {}: not even boxlab holds it", missing.names().join(", ")));
            return Err(error.hint("Root here is without it, as in a container; `grep CapBnd /proc/self/status`."));
        }
        Ok(match (all(&self.cap_add), all(&self.cap_drop)) {
            (true, true) => CapSet::EMPTY,
            (true, false) => held.minus(dropped),
            (false, true) => added,
            (false, false) => caps::DEFAULT.minus(dropped).union(added).intersection(held),
        })
    }

    /// The devices that it is given beside the usual ones.
    pub fn devices(&self) -> Result<Vec<Device>> {
        let mut devices = Vec::new();
        for text in &self.device {
            let (source, target, _) = device_fields(text)?;
            let before = devices.len();
            collect(Path::new(source), Path::new(target), &mut devices);
            if devices.len() == before {
                return Err(Error::usage(format!("{source} is no device, and no directory with devices in it")));
            }
        }
        if self.privileged {
            collect(Path::new("/dev"), Path::new("/dev"), &mut devices);
            devices.retain(|device| !is_furnished(&device.target));
        }
        Ok(devices)
    }

    /// What the devices cgroup allows; `None` for all.
    pub fn device_rules(&self) -> Result<Option<Vec<DeviceRule>>> {
        if self.privileged {
            return Ok(None);
        }
        let mut rules = devices::DEFAULT.to_vec();
        for text in &self.device {
            let (source, target, access) = device_fields(text)?;
            let mut found = Vec::new();
            collect(Path::new(source), Path::new(target), &mut found);
            rules.extend(found.iter().map(|device| DeviceRule {
                kind: if device.node.block { Kind::Block } else { Kind::Character },
                major: u32::try_from(device.node.major).ok(),
                minor: u32::try_from(device.node.minor).ok(),
                access,
            }));
        }
        Ok(Some(rules))
    }

    /// The settings, each of a namespace that the container has for itself.
    pub fn sysctls(&self, namespaces: CloneFlags, network: Network) -> Result<Vec<(String, String)>> {
        let mut settings = Vec::new();
        for text in &self.sysctl {
            let (name, value) = text.split_once('=').ok_or_else(|| {
                Error::usage(format!("'{text}' is no setting")).hint("Write NAME=VALUE, as in net.ipv4.ip_forward=1.")
            })?;
            let of_ipc = name.starts_with("fs.mqueue.") || IPC.contains(&name);
            let of_net = name.starts_with("net.");
            let own = of_ipc && namespaces.contains(CLONE_NEWIPC)
                || of_net && namespaces.contains(CLONE_NEWNET) && network != Network::Host;
            if !own || name.contains(['/', '\0']) || name.contains("..") {
                let error = Error::usage(format!("cannot set {name} for a container alone"));
                return Err(error.hint(if of_ipc || of_net {
                    "It shares that namespace with the host, whose setting it would be."
                } else {
                    "Only net.*, fs.mqueue.* and the kernel's IPC settings belong to a namespace;\nothers are the machine's: set them with sysctl(8) on the host."
                }));
            }
            settings.push((name.to_owned(), value.to_owned()));
        }
        Ok(settings)
    }
}

/// Settings of an IPC namespace. ipc_namespaces(7)
const IPC: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// `SOURCE[:TARGET][:ACCESS]`
fn device_fields(text: &str) -> Result<(&str, &str, Access)> {
    let fields: Vec<&str> = text.split(':').collect();
    let is_access = |text: &str| !text.is_empty() && text.chars().all(|letter| "rwm".contains(letter));
    let (source, target, letters) = match fields[..] {
        [source] => (source, source, "rwm"),
        [source, letters] if is_access(letters) => (source, source, letters),
        [source, target] => (source, target, "rwm"),
        [source, target, letters] if is_access(letters) => (source, target, letters),
        _ => return Err(Error::usage(format!("'{text}' is no device")).hint("Write SOURCE:TARGET:rwm.")),
    };
    let clean =
        |path: &str| path.starts_with('/') && !Path::new(path).components().any(|part| part == Component::ParentDir);
    if !clean(source) || !clean(target) || target == "/" {
        return Err(Error::usage(format!("'{text}' is no device")).hint("Both paths begin with / and hold no '..'."));
    }
    let access = [('r', Access::READ), ('w', Access::WRITE), ('m', Access::MKNOD)];
    let access =
        access.iter().filter(|(letter, _)| letters.contains(*letter)).fold(Access::empty(), |all, (_, one)| all | *one);
    Ok((source, target, access))
}

/// A device, or those in a directory and beneath it.
fn collect(source: &Path, target: &Path, devices: &mut Vec<Device>) {
    if let Some(node) = device_node(source) {
        devices.push(Device { source: source.to_owned(), target: target.to_owned(), node });
        return;
    }
    // A link to a directory, such as /dev/fd, could lead anywhere.
    if !source.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return;
    }
    let entries = source.read_dir().into_iter().flatten().flatten();
    let mut names: Vec<PathBuf> = entries.map(|entry| PathBuf::from(entry.file_name())).collect();
    names.sort();
    for name in names {
        // A link has its target's node beside it.
        if !source.join(&name).is_symlink() {
            collect(&source.join(&name), &target.join(&name), devices);
        }
    }
}

/// What a container's /dev has of its own.
fn is_furnished(target: &Path) -> bool {
    let own = ["null", "zero", "full", "random", "urandom", "tty", "ptmx", "console", "pts", "shm", "mqueue", "fd"];
    own.iter().any(|name| target.starts_with(Path::new("/dev").join(name)))
}
