//! The files that a process sees: its root, what of the kernel is mounted there and
//! what is covered, which directories are the host's, and what it holds open beyond
//! its root. mount_namespaces(7), proc_pid_mountinfo(5)

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::namespaces::{Host, Namespaces};
use crate::kernel::peer;
use crate::kernel::proc::{self, Mount};
use crate::primitives::mount::mask::{MASKED, READONLY};

/// Whose the root directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// The host's own.
    Host,
    /// A directory in a larger tree: chroot(2).
    Chroot,
    /// The top of its mount namespace: pivot_root(2).
    Own,
}

/// The root directory.
#[derive(Debug, Clone, Serialize)]
pub struct Root {
    /// Whose it is.
    pub whose: Whose,
    /// Where it is, as the reader sees it; `None` if that is hidden.
    pub path: Option<PathBuf>,
    /// Type of the filesystem; `None` if the root is no mount.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Lower layers of an overlay.
    pub layers: usize,
    /// The host's directory that it shows, if it is one.
    pub source: Option<PathBuf>,
    /// Whether the mount is read-only.
    pub read_only: bool,
}

/// One of the mounts by which the kernel shows itself.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    /// Where it is.
    pub point: PathBuf,
    /// `proc`, `sysfs`, `tmpfs`, `cgroup2`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether the mount is read-only.
    pub read_only: bool,
}

/// A file or directory of the host's, shown inside.
#[derive(Debug, Clone, Serialize)]
pub struct Bind {
    /// Where it is inside.
    pub point: PathBuf,
    /// Where it is on the host.
    pub source: PathBuf,
    /// Whether the mount is read-only.
    pub read_only: bool,
    /// True for what every engine brings: /etc/hosts and the like.
    pub usual: bool,
}

/// What it sees.
#[derive(Debug, Clone, Serialize)]
pub struct Files {
    /// Its root directory.
    pub root: Root,
    /// /proc, /sys, /dev and the cgroup filesystems.
    pub views: Vec<View>,
    /// Whether its /proc shows the reader's processes; `None` if that is hidden.
    pub proc_is_hosts: Option<bool>,
    /// What tells of the machine and is covered.
    pub masked: Vec<&'static str>,
    /// What tells of the machine and can be read.
    pub bare: Vec<&'static str>,
    /// What configures the machine and is read-only, or not there.
    pub settings_read_only: Vec<&'static str>,
    /// What configures the machine and is not read-only.
    pub settings_writable: Vec<&'static str>,
    /// What is the host's; nothing if the root is.
    pub binds: Vec<Bind>,
    /// Mounts that pass events to and from the host.
    pub shared: Vec<PathBuf>,
    /// Mounts that receive the host's events.
    pub follows: Vec<PathBuf>,
    /// The numbers of all its mounts.
    #[serde(skip)]
    pub numbers: BTreeSet<u32>,
}

impl Files {
    /// Reads the mounts of a process; `None` if they are hidden.
    pub fn of(pid: i32, host: &Host, namespaces: &Namespaces) -> Option<Self> {
        let mounts = proc::mounts(&pid.to_string()).ok()?;
        let hosts = host.mounts();
        let root = root(pid, host, &mounts, &hosts);
        let (masked, bare) = split(&MASKED, |path| !reachable(&mounts, path) || mount_at(&mounts, path).is_some());
        let (settings_read_only, settings_writable) =
            split(&READONLY, |path| !reachable(&mounts, path) || governing(&mounts, path).is_none_or(read_only));
        let apart = namespaces.is_hosts("mnt") == Some(false);
        let binds = if root.whose == Whose::Own { binds(&mounts, &hosts) } else { Vec::new() };
        let groups = peer_groups(&hosts);
        let in_group = |word: &'static str| {
            let has = |mount: &&Mount| group(mount, word).is_some_and(|number| apart && groups.contains(number));
            mounts.iter().filter(has).map(|mount| mount.point.clone()).collect::<Vec<_>>()
        };
        Some(Self {
            views: mounts.iter().filter(|mount| is_view(mount)).map(view).collect(),
            proc_is_hosts: proc_is_hosts(pid, &mounts),
            masked,
            bare,
            settings_read_only,
            settings_writable,
            binds,
            shared: in_group("shared:"),
            follows: in_group("master:"),
            numbers: mounts.iter().map(|mount| mount.id).collect(),
            root,
        })
    }

    /// What is mounted at a place.
    pub fn view(&self, point: &str) -> Option<&View> {
        self.views.iter().rfind(|view| view.point == Path::new(point))
    }

    /// The cgroup filesystems.
    pub fn cgroups(&self) -> impl Iterator<Item = &View> {
        self.views.iter().filter(|view| view.kind.starts_with("cgroup"))
    }
}

fn read_only(mount: &Mount) -> bool {
    let ro = |options: &str| options.split(',').any(|option| option == "ro");
    ro(&mount.options) || ro(&mount.super_options)
}

/// What is on top at a place: of several mounts there the last one.
fn mount_at<'m>(mounts: &'m [Mount], path: &Path) -> Option<&'m Mount> {
    mounts.iter().rfind(|mount| mount.point == path)
}

/// The mount on which a path lies.
fn governing<'m>(mounts: &'m [Mount], path: &Path) -> Option<&'m Mount> {
    path.ancestors().find_map(|above| mount_at(mounts, above))
}

/// False if this kernel has no such file, or the process no /proc or /sys to see it in.
fn reachable(mounts: &[Mount], path: &Path) -> bool {
    let shown = path.ancestors().filter_map(|above| mount_at(mounts, above));
    proc::exists(path) && shown.into_iter().any(|mount| ["proc", "sysfs"].contains(&mount.kind.as_str()))
}

fn split(paths: &[&'static str], first: impl Fn(&Path) -> bool) -> (Vec<&'static str>, Vec<&'static str>) {
    paths.iter().filter(|path| proc::exists(Path::new(path))).partition(|path| first(Path::new(path)))
}

fn root(pid: i32, host: &Host, mounts: &[Mount], hosts: &[Mount]) -> Root {
    let link = PathBuf::from(format!("/proc/{pid}/root"));
    let top = mount_at(mounts, Path::new("/"));
    let is_hosts = peer::same_file(&link, &host.root()).unwrap_or_else(|| {
        let same = |mine: &Mount, hosts: &Mount| (&mine.device, &mine.root) == (&hosts.device, &hosts.root);
        top.zip(mount_at(hosts, Path::new("/"))).is_some_and(|(mine, hosts)| same(mine, hosts))
    });
    // `..` ends at the reader's root, not at the process's: whatever is above a
    // chroot is found by it, and above the top of a mount namespace there is nothing.
    let above = peer::same_file(&link, &link.join("..")).map_or(top.is_none(), |same| !same);
    let whose = match (is_hosts, above) {
        (true, _) => Whose::Host,
        (false, true) => Whose::Chroot,
        (false, false) => Whose::Own,
    };
    Root {
        whose,
        path: link.read_link().ok(),
        kind: top.map(|mount| mount.kind.clone()),
        layers: top.map_or(0, layers),
        source: top.filter(|_| whose != Whose::Host).and_then(|mount| on_host(mount, hosts)),
        read_only: governing(mounts, Path::new("/")).is_some_and(read_only),
    }
}

/// The lower layers of an overlay: `lowerdir=` has them all, with colons, or newer
/// kernels one in each `lowerdir+=`.
fn layers(mount: &Mount) -> usize {
    let count = |option: &str| match option.strip_prefix("lowerdir") {
        Some(rest) if rest.starts_with('+') => 1,
        Some(rest) => rest.replace("\\:", "").split(':').count(),
        None => 0,
    };
    if mount.kind == "overlay" { mount.super_options.split(',').map(count).sum() } else { 0 }
}

/// The filesystems that show the kernel, wherever they are, and what stands at
/// their usual places.
fn is_view(mount: &Mount) -> bool {
    let usual = ["/proc", "/sys", "/dev"].iter().any(|point| mount.point == Path::new(point));
    usual || mount.kind.starts_with("cgroup")
}

fn view(mount: &Mount) -> View {
    View { point: mount.point.clone(), kind: mount.kind.clone(), read_only: read_only(mount) }
}

/// /proc/self leads to whoever reads it, if its PID namespace knows them.
fn proc_is_hosts(pid: i32, mounts: &[Mount]) -> Option<bool> {
    mount_at(mounts, Path::new("/proc")).filter(|mount| mount.kind == "proc")?;
    let proc = PathBuf::from(format!("/proc/{pid}/root/proc"));
    proc.metadata().ok()?;
    Some(proc.join("self").read_link().is_ok_and(|own| own == Path::new(&proc::own_pid().to_string())))
}

/// Filesystems that the kernel fills, one for all who mount them: to have it too is
/// not to have the host's.
const KERNELS: [&str; 12] = [
    "sysfs",
    "cgroup",
    "cgroup2",
    "mqueue",
    "devpts",
    "securityfs",
    "debugfs",
    "tracefs",
    "bpf",
    "pstore",
    "efivarfs",
    "selinuxfs",
];

/// What every engine brings from the host into each container.
const USUAL: [&str; 7] = [
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
    "/run/.containerenv",
    "/run/secrets",
    "/dev/shm",
    "/dev/termination-log",
];

/// A filesystem that the host has mounted too is the host's, or a part of it. Of
/// /proc and /dev only the whole counts: masks and single devices are parts.
fn binds(mounts: &[Mount], hosts: &[Mount]) -> Vec<Bind> {
    let foreign = |mount: &&Mount| match mount.kind.as_str() {
        "proc" | "devtmpfs" => mount.root == "/" && !is_view(mount),
        kind => !KERNELS.contains(&kind) && mount.point != Path::new("/"),
    };
    let bind = |mount: &Mount| {
        Some(Bind {
            source: on_host(mount, hosts)?,
            read_only: read_only(mount),
            usual: USUAL.iter().any(|usual| mount.point == Path::new(usual)),
            point: mount.point.clone(),
        })
    };
    let found: Vec<Bind> = mounts.iter().filter(foreign).filter_map(bind).collect();
    found.iter().filter(|bind| !found.iter().any(|above| bind.comes_with(above))).cloned().collect()
}

impl Bind {
    /// True if it is shown because a directory above is, with what is mounted there.
    fn comes_with(&self, above: &Self) -> bool {
        let rest = |path: &Path, above: &Path| path.strip_prefix(above).ok().map(Path::to_owned);
        let inner = rest(&self.point, &above.point);
        self.point != above.point
            && self.read_only == above.read_only
            && inner.is_some()
            && inner == rest(&self.source, &above.source)
    }
}

/// Where the host has what a mount shows.
fn on_host(mount: &Mount, hosts: &[Mount]) -> Option<PathBuf> {
    let shown = |host: &Mount| {
        let inner = Path::new(&mount.root).strip_prefix(&host.root).ok()?;
        let path = if inner.as_os_str().is_empty() { host.point.clone() } else { host.point.join(inner) };
        Some((host.root.len(), path))
    };
    let candidates = hosts.iter().filter(|host| host.device == mount.device && !KERNELS.contains(&host.kind.as_str()));
    candidates.filter_map(shown).max_by_key(|(length, _)| *length).map(|(_, path)| path)
}

/// `7` of `shared:7`.
fn group<'m>(mount: &'m Mount, word: &str) -> Option<&'m str> {
    mount.propagation.split(' ').find_map(|field| field.strip_prefix(word))
}

fn peer_groups(mounts: &[Mount]) -> BTreeSet<&str> {
    mounts.iter().filter_map(|mount| group(mount, "shared:")).collect()
}

/// Something held that lies outside of the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outside {
    /// A descriptor's number, `cwd` or `exe`.
    pub name: String,
    /// Where it leads.
    pub target: PathBuf,
}

impl Outside {
    /// True for standard input, output and error: whoever started the process meant
    /// it to have these.
    pub fn is_standard(&self) -> bool {
        ["0", "1", "2"].contains(&self.name.as_str())
    }
}

/// What leads out of its root: it lies on a mount that the process does not have,
/// or, in a chroot, not beneath that directory. CVE-2024-21626
pub fn outside(pid: i32, files: &Files) -> Option<Vec<Outside>> {
    let held = peer::held(pid).ok()?;
    let root = files.root.path.as_deref()?;
    let leads_out = |held: &peer::Held| match files.root.whose {
        Whose::Host => false,
        Whose::Chroot => !held.target.starts_with(root),
        Whose::Own => held.mount.is_some_and(|mount| !files.numbers.contains(&mount)),
    };
    let held = held.into_iter().filter(leads_out);
    Some(held.map(|held| Outside { name: held.name, target: held.target }).collect())
}

#[cfg(test)]
mod tests {
    use super::{Mount, Path, PathBuf, binds, layers, mount_at, on_host, read_only};

    fn mount(device: &str, root: &str, point: &str, kind: &str, options: &str, super_options: &str) -> Mount {
        Mount {
            id: 1,
            device: device.to_owned(),
            root: root.to_owned(),
            point: point.into(),
            options: options.to_owned(),
            propagation: String::new(),
            kind: kind.to_owned(),
            source: "none".to_owned(),
            super_options: super_options.to_owned(),
        }
    }

    #[test]
    fn what_the_host_has_mounted_too_is_the_host_s() {
        let hosts = [
            mount("8:1", "/", "/", "ext4", "rw", "rw"),
            mount("8:1", "/home", "/home", "ext4", "rw", "rw"),
            mount("0:5", "/", "/dev", "devtmpfs", "rw", "rw"),
        ];
        let inside = [
            mount("0:40", "/", "/", "overlay", "rw", "rw"),
            mount("8:1", "/home/ann", "/data", "ext4", "ro", "rw"),
            mount("8:1", "/home/ann/mail", "/data/mail", "ext4", "ro", "rw"),
            mount("8:1", "/var/lib/x/hosts", "/etc/hosts", "ext4", "rw", "rw"),
            mount("0:5", "/null", "/proc/keys", "devtmpfs", "rw", "rw"),
            mount("0:5", "/", "/dev", "devtmpfs", "rw", "rw"),
            mount("0:41", "/", "/tmp", "tmpfs", "rw", "rw"),
        ];
        let found = binds(&inside, &hosts);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].source.as_path(), found[0].read_only), (Path::new("/home/ann"), true));
        assert_eq!((found[1].source.as_path(), found[1].usual), (Path::new("/var/lib/x/hosts"), true));
        assert_eq!(on_host(&inside[0], &hosts), None);
        assert_eq!(on_host(&mount("8:1", "/", "/x", "ext4", "rw", "rw"), &hosts), Some(PathBuf::from("/")));
    }

    #[test]
    fn layers_are_counted_in_either_spelling() {
        let overlay = |options: &str| layers(&mount("0:1", "/", "/", "overlay", "rw", options));
        assert_eq!(overlay("rw,lowerdir=/a:/b\\:c:/d,upperdir=/u,workdir=/w"), 3);
        assert_eq!(overlay("rw,lowerdir+=/a,lowerdir+=/b,upperdir=/u"), 2);
        assert_eq!(layers(&mount("8:1", "/", "/", "ext4", "rw", "rw")), 0);
    }

    #[test]
    fn the_last_of_several_mounts_counts() {
        let stack = [
            mount("0:1", "/", "/proc", "proc", "rw", "rw"),
            mount("0:1", "/sys", "/proc/sys", "proc", "ro", "rw"),
            mount("0:2", "/", "/proc", "proc", "ro", "rw"),
        ];
        assert!(mount_at(&stack, Path::new("/proc")).is_some_and(read_only));
    }
}
