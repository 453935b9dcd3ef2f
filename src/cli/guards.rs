//! The options of `run` that say what a container may do, as Docker has them.

use std::path::{Component, Path, PathBuf};

use clap::Args;

use crate::container::spec::{Device, Guards, Label, Network};
use crate::error::{Error, IoContext, Result};
use crate::kernel::bpf::{Access, DeviceRule, Kind};
use crate::kernel::lsm::{self, Labels};
use crate::kernel::{CLONE_NEWIPC, CLONE_NEWNET, CapSet, CapSets, CloneFlags, device_node, maps, program_path};
use crate::primitives::cgroup::devices;
use crate::primitives::security::caps;
use crate::seccomp::{Filter, Profile, Target};

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
    /// seccomp=FILE|unconfined, apparmor=PROFILE|unconfined, label=type:TYPE, no-new-privileges, systempaths=unconfined
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

/// What `--security-opt` asks for.
#[derive(Debug, Default)]
struct Options<'t> {
    no_new_privs: bool,
    unmasked: bool,
    seccomp: Option<&'t str>,
    apparmor: Option<&'t str>,
    /// Parts of an SELinux context: `type:container_t`; or `disable`.
    label: Vec<&'t str>,
}

impl GuardOptions {
    /// All of them.
    pub fn guards(&self) -> Result<Guards> {
        let options = self.options()?;
        let capabilities = self.capabilities()?;
        Ok(Guards {
            capabilities,
            filter: self.filter(&options, capabilities)?,
            label: self.label(&options)?,
            no_new_privs: options.no_new_privs,
            masks: !self.privileged && !options.unmasked,
            writable_sys: self.privileged,
        })
    }

    fn options(&self) -> Result<Options<'_>> {
        let mut options = Options::default();
        for text in &self.security_opt {
            // Docker took `name:value` before it took `name=value`, and still does.
            let (name, value) = text.split_once(['=', ':']).unwrap_or((text, "true"));
            match (name, value) {
                ("no-new-privileges", "true") => options.no_new_privs = true,
                ("no-new-privileges", "false") => options.no_new_privs = false,
                ("systempaths", "unconfined") => options.unmasked = true,
                ("seccomp", value) => options.seccomp = Some(value),
                ("apparmor", value) => options.apparmor = Some(value),
                ("label", value) => options.label.push(value),
                _ => {
                    let error = Error::usage(format!("there is no security option '{text}'"));
                    return Err(error
                        .hint("There are: seccomp=, apparmor=, label=, no-new-privileges, systempaths=unconfined."));
                }
            }
        }
        Ok(options)
    }

    /// The default profile, or one of the user's, made for the capabilities kept.
    fn filter(&self, options: &Options<'_>, capabilities: CapSet) -> Result<Option<Filter>> {
        let profile = match options.seccomp {
            Some("unconfined") => return Ok(None),
            None if self.privileged => return Ok(None),
            None | Some("builtin") => Profile::default_profile()?,
            Some(file) => {
                let cannot = || format!("cannot use the seccomp profile {file}");
                let text = std::fs::read_to_string(file).or_fail(cannot)?;
                Profile::from_json(&text).map_err(|error| Error::usage(cannot()).because(&error))?
            }
        };
        profile.compile(&Target::here(capabilities)).map(Some)
    }

    /// As Docker: AppArmor's default profile where it is at work, unless asked for
    /// another; an SELinux context only if asked for.
    fn label(&self, options: &Options<'_>) -> Result<Option<Label>> {
        if let Some(name) = options.apparmor {
            return if name == "unconfined" { Ok(None) } else { apparmor(name).map(Some) };
        }
        if options.label.contains(&"disable") {
            return Ok(None);
        }
        if !options.label.is_empty() {
            return selinux(&options.label).map(Some);
        }
        let usual = Labels::AppArmor.active() && maps::privileged() && maps::on_the_host() && !self.privileged;
        // Without its parser no profile can be given to the kernel: see `doctor`.
        let possible =
            usual && (program_path("apparmor_parser").is_some() || lsm::profile_is_loaded(PROFILE) == Some(true));
        Ok(possible.then(|| Label { module: Labels::AppArmor, name: PROFILE.to_owned(), own: true }))
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
            if name.contains(['/', '\0']) || name.contains("..") {
                let error = Error::usage(format!("'{name}' is no setting's name"));
                return Err(error.hint("Write it with dots, as in net.ipv4.ip_forward."));
            }
            let of_ipc = name.starts_with("fs.mqueue.") || IPC.contains(&name);
            let of_net = name.starts_with("net.");
            let own = of_ipc && namespaces.contains(CLONE_NEWIPC)
                || of_net && namespaces.contains(CLONE_NEWNET) && network != Network::Host;
            if !own {
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

/// The profile that boxlab brings.
const PROFILE: &str = "boxlab-default";

fn apparmor(name: &str) -> Result<Label> {
    let module = Labels::AppArmor;
    if !module.active() {
        return Err(Error::new(format!("cannot confine it by the AppArmor profile '{name}': AppArmor is not at work here"))
            .hint("`boxlab security lsm` shows what is. On Debian and Ubuntu it is on unless the kernel's\ncommand line says apparmor=0."));
    }
    if name != PROFILE && lsm::profile_is_loaded(name) == Some(false) {
        return Err(Error::new(format!("AppArmor has no profile '{name}'"))
            .hint("As root: `aa-status` lists those that it has, `apparmor_parser -r FILE` gives it one."));
    }
    Ok(Label { module, name: name.to_owned(), own: name == PROFILE })
}

/// `user:`, `role:`, `type:` and `level:` replace the parts of the usual context.
fn selinux(parts: &[&str]) -> Result<Label> {
    let mut context = ["system_u", "system_r", "container_t", "s0"].map(str::to_owned);
    for part in parts {
        let (name, value) = part.split_once(':').unwrap_or((part, ""));
        let place = ["user", "role", "type", "level"].iter().position(|known| *known == name);
        match place.filter(|_| !value.is_empty()) {
            Some(place) => context[place] = value.to_owned(),
            None => {
                return Err(Error::usage(format!("there is no label option '{part}'"))
                    .hint("There are: disable, user:USER, role:ROLE, type:TYPE, level:LEVEL."));
            }
        }
    }
    let name = context.join(":");
    if !Labels::Selinux.active() {
        return Err(Error::new(format!("cannot label it {name}: SELinux is not at work here"))
            .hint("`boxlab security lsm` shows what is."));
    }
    Ok(Label { module: Labels::Selinux, name, own: false })
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
