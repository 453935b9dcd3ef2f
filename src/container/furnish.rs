//! Furnishes a container's root: the kernel's filesystems, devices, the few files
//! of /etc that are made for it, what the user mounts, and what is covered.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use super::spec::{Device, Mount, Spec, What};
use crate::error::{Context, Error, IoContext, Result};
use crate::kernel::cgroup::Version;
use crate::kernel::errno::{ENOENT, ENOSYS};
use crate::kernel::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWPID, Kernel, MOUNT_ATTR_RDONLY, MS_NODEV, MS_NOEXEC,
    MS_NOSUID, MS_RDONLY, O_PATH, O_WRONLY, OFlag, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, is_directory, is_procfs,
    is_sysfs, is_tmpfs, maps, proc as kernel_proc,
};
use crate::primitives::cgroup::mounts as cgroups;
use crate::primitives::mount::{bind, dev, mask, proc, readonly, sysfs, target, tmpfs};

/// The group that owns terminals, in Debian and nearly everywhere.
const TTY: u32 = 5;

/// The container's /proc and /sys, as they were mounted. Their paths lead elsewhere
/// if somebody who can write to the root renames them meanwhile; a descriptor does
/// not, and so what is covered in them is covered. CVE-2019-19921, CVE-2023-27561
#[derive(Debug)]
pub struct KernelFilesystems {
    proc: Option<OwnedFd>,
    sys: Option<OwnedFd>,
}

impl KernelFilesystems {
    /// Which of them a path leads into, and the rest of the path.
    fn find<'a>(&self, path: &'a Path) -> Option<(&OwnedFd, &'a Path)> {
        let within = |(top, mounted): (&str, _)| Option::zip(mounted, path.strip_prefix(top).ok());
        [("/proc", self.proc.as_ref()), ("/sys", self.sys.as_ref())].into_iter().find_map(within)
    }
}

/// /proc, /sys and /dev, for the namespaces of this container.
pub fn kernel_filesystems(k: &Kernel, spec: &Spec, root: &OwnedFd) -> Result<KernelFilesystems> {
    let proc = k.part("proc", |k| proc_filesystem(k, spec, root).map(Some))?;
    sysctls(k, spec, proc.as_ref())?;
    let sys = k.part("sys", |k| {
        let sys = sys_filesystem(k, spec, root)?;
        cgroup_filesystems(k, spec, &sys)?;
        Ok(Some(sys))
    })?;
    k.part("dev", |k| devices(k, spec, root))?;
    if !spec.devices.is_empty() {
        k.step("Add the devices of the host that it is given");
        spec.devices.iter().try_for_each(|device| asked_device(k, spec, device, root))?;
    }
    Ok(KernelFilesystems { proc, sys })
}

/// What was opened before a mount lies beneath it; this is the mount.
fn mounted(k: &Kernel, root: &OwnedFd, place: &str, is_it: fn(&OwnedFd) -> bool) -> Result<OwnedFd> {
    let mounted = target::directory(k, root, Path::new(place))?;
    if k.plans() || is_it(&mounted) {
        return Ok(mounted);
    }
    let error = Error::new(format!("{place} of the container leads elsewhere than where it was just mounted"));
    Err(error.hint("Something else is changing that root filesystem: use one that only this container has."))
}

/// Settings of the container's own namespaces, while /proc/sys can be written to.
fn sysctls(k: &Kernel, spec: &Spec, proc: Option<&OwnedFd>) -> Result<()> {
    for (name, value) in &spec.sysctls {
        k.step("Set what you asked for, in its own namespaces only");
        let proc = proc.ok_or_else(|| Error::usage("--sysctl needs the part proc, which you leave out"))?;
        let path = Path::new("sys").join(name.replace('.', "/"));
        let resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
        let file = k.openat2(proc.as_fd(), &path, O_WRONLY, 0, resolve);
        let file = file.doing(|| format!("cannot set {name}"))?;
        // A write that lands elsewhere could be made to do anything. CVE-2025-52881
        if !k.plans() && !is_procfs(&file) {
            return Err(Error::new(format!("/proc/{} does not lead into /proc", path.display())));
        }
        k.write_into(&file, &path, value).doing(|| format!("cannot set {name} to '{value}'"))?;
    }
    Ok(())
}

/// /sys/fs/cgroup: what the container is allowed, for it to see and not to change.
fn cgroup_filesystems(k: &Kernel, spec: &Spec, sys: &OwnedFd) -> Result<()> {
    let own_namespace = spec.namespaces.contains(CLONE_NEWCGROUP);
    if spec.group.places.is_empty() || !own_namespace {
        return Ok(());
    }
    k.step("Show it its own cgroups, read-only: it may see its limits");
    let read_only = !spec.guards.writable_sys;
    let place = Path::new("fs/cgroup");
    let target = target::directory(k, sys, place)?;
    if let [only] = &spec.group.places[..]
        && only.version == Version::V2
    {
        if own_sysfs(spec) {
            return cgroups::unified(k, &target, read_only);
        }
        // The host's /sys brings the same filesystem along, and the kernel mounts none
        // twice at one place (EBUSY): a directory in memory comes between.
        cgroups::directory(k, &target)?;
        return cgroups::unified(k, &target::directory(k, sys, place)?, read_only);
    }
    cgroups::directory(k, &target)?;
    let directory = target::directory(k, sys, place)?;
    cgroups::trees(k, &directory, &spec.group, read_only)?;
    if read_only { readonly::remount(k, &kernel_proc::fd_path(&directory)) } else { Ok(()) }
}

/// `--device`
fn asked_device(k: &Kernel, spec: &Spec, device: &Device, root: &OwnedFd) -> Result<()> {
    let doing = || format!("cannot give it {}", device.source.display());
    let (Some(parent), Some(name)) = (device.target.parent(), device.target.file_name()) else { return Ok(()) };
    if spec.in_user_namespace {
        return dev::borrowed(k, &device.source, &target::file(k, root, &device.target)?).doing(doing);
    }
    let directory = target::directory(k, root, parent)?;
    dev::node(k, &directory, name, &device.node).doing(doing)
}

fn proc_filesystem(k: &Kernel, spec: &Spec, root: &OwnedFd) -> Result<OwnedFd> {
    let own = spec.namespaces.contains(CLONE_NEWPID);
    k.step(if own {
        "A /proc that shows this PID namespace and no other"
    } else {
        "Without a PID namespace /proc can only be the host's"
    });
    let target = target::directory(k, root, Path::new("/proc"))?;
    let target = kernel_proc::fd_path(&target);
    if own { proc::mount(k, &target) } else { bind::bind(k, Path::new("/proc"), &target, true) }?;
    mounted(k, root, "/proc", is_procfs)
}

/// sysfs belongs to the network namespace, which may not be ours to show.
fn own_sysfs(spec: &Spec) -> bool {
    !spec.in_user_namespace || spec.namespaces.contains(CLONE_NEWNET)
}

fn sys_filesystem(k: &Kernel, spec: &Spec, root: &OwnedFd) -> Result<OwnedFd> {
    let own = own_sysfs(spec);
    k.step(if own {
        "A /sys that shows this network namespace, read-only"
    } else {
        "The network is the host's, and so /sys must be: bind it"
    });
    let target = target::directory(k, root, Path::new("/sys"))?;
    if own {
        sysfs::mount(k, &kernel_proc::fd_path(&target), !spec.guards.writable_sys)?;
        return mounted(k, root, "/sys", is_sysfs);
    }
    bind::bind(k, Path::new("/sys"), &kernel_proc::fd_path(&target), true)?;
    let sys = mounted(k, root, "/sys", is_sysfs)?;
    readonly::recursive(k, &kernel_proc::fd_path(&sys))?;
    Ok(sys)
}

fn devices(k: &Kernel, spec: &Spec, root: &OwnedFd) -> Result<()> {
    k.step("An empty /dev in memory: no disk of the host is in it");
    dev::empty(k, &target::directory(k, root, Path::new("/dev"))?)?;
    let dev = mounted(k, root, "/dev", is_tmpfs)?;
    if !spec.in_user_namespace {
        dev::nodes(k, &dev)?;
    } else {
        dev::borrowed_nodes(k, &dev)?;
    }
    dev::links(k, &dev)?;

    k.step("Terminals, shared memory and message queues of its own");
    let tty = maps::has_group(TTY).then_some(TTY);
    dev::pts(k, &dev::directory(k, &dev, "pts")?, tty)?;
    dev::shm(k, &dev::directory(k, &dev, "shm")?, spec.shm_size)?;
    if !spec.in_user_namespace || spec.namespaces.contains(CLONE_NEWIPC) {
        dev::mqueue(k, &dev::directory(k, &dev, "mqueue")?)?;
    }
    Ok(())
}

/// The files that tell a container who and where it is.
pub fn etc(k: &Kernel, spec: &Spec, root: &OwnedFd) -> Result<()> {
    k.step("Its own hostname, hosts and resolv.conf, over the image's");
    for name in ["hostname", "hosts", "resolv.conf"] {
        let path = Path::new("/etc").join(name);
        let file = match target::file(k, root, &path) {
            Err(error) if error.errno() == Some(ENOENT) => behind_link(k, spec, root, &path)?,
            other => other?,
        };
        bind::bind(k, &spec.etc.join(name), &kernel_proc::fd_path(&file), false)?;
    }
    Ok(())
}

/// Some images have a link there (to systemd's /run/...) that leads to nothing yet.
fn behind_link(k: &Kernel, spec: &Spec, root: &OwnedFd, path: &Path) -> Result<OwnedFd> {
    let link = spec.assembled.join(path.strip_prefix("/").unwrap_or(path));
    let leads_to = link.read_link().or_fail(|| format!("cannot read the link {} of the image", path.display()))?;
    let mut wanted = PathBuf::from("/etc");
    for component in leads_to.components() {
        match component {
            Component::RootDir => wanted = PathBuf::from("/"),
            Component::ParentDir => drop(wanted.pop()),
            other => wanted.push(other),
        }
    }
    target::file(k, root, &wanted)
}

/// What `-v`, `--mount` and `--tmpfs` ask for, in order.
pub fn user_mounts(k: &Kernel, spec: &Spec, root: &OwnedFd) -> Result<()> {
    for mount in &spec.mounts {
        user_mount(k, mount, root).doing(|| format!("cannot mount at {}", mount.target.display()))?;
    }
    Ok(())
}

fn user_mount(k: &Kernel, mount: &Mount, root: &OwnedFd) -> Result<()> {
    match &mount.what {
        What::Tmpfs(options) => {
            k.step("Mount the memory that you asked for");
            let target = target::directory(k, root, &mount.target)?;
            let flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
            let flags = if mount.read_only { flags | MS_RDONLY } else { flags };
            tmpfs::mount(k, &kernel_proc::fd_path(&target), flags, options)
        }
        What::Bind(source) => {
            k.step("Show what you asked for: a copy of the mount, not of the files");
            let tree = k.open_tree(source, true)?;
            let target = match source.is_dir() {
                true => target::directory(k, root, &mount.target)?,
                false => target::file(k, root, &mount.target)?,
            };
            if !mount.read_only {
                return k.move_mount(&tree, &target);
            }
            match k.mount_setattr(&tree, true, MOUNT_ATTR_RDONLY) {
                Err(error) if error.errno() == Some(ENOSYS) => {
                    k.move_mount(&tree, &target)?;
                    // What was opened before lies beneath the mount; this is the mount.
                    let mounted = target::file(k, root, &mount.target)?;
                    readonly::remount(k, &kernel_proc::fd_path(&mounted))
                }
                Err(error) => Err(error),
                Ok(()) => k.move_mount(&tree, &target),
            }
        }
    }
}

/// Covers what a container should not see.
pub fn mask(k: &Kernel, filesystems: &KernelFilesystems) -> Result<()> {
    k.step("Cover what tells of the machine: /proc/kcore, keys, firmware, ...");
    let null = k.open(Path::new("/dev/null"), O_PATH, 0)?;
    for (mounted, path) in mask::MASKED.iter().filter_map(|path| filesystems.find(Path::new(path))) {
        let Some(target) = target::existing(k, mounted, path, OFlag::empty())? else { continue };
        if is_directory(&target) { mask::directory(k, &target)? } else { mask::file(k, &null, &target)? }
    }
    Ok(())
}

/// Makes read-only what would configure the machine.
pub fn readonly_paths(k: &Kernel, filesystems: &KernelFilesystems) -> Result<()> {
    k.step("Make read-only what would configure the machine: /proc/sys, ...");
    for (mounted, path) in mask::READONLY.iter().filter_map(|path| filesystems.find(Path::new(path))) {
        let Some(target) = target::existing(k, mounted, path, OFlag::empty())? else { continue };
        mask::readonly(k, &target, || target::file(k, mounted, path))?;
    }
    Ok(())
}
