//! A container of podman's, with storage, state and cgroup of its own, and the
//! filter that runc and libseccomp have put on its process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use boxlab::kernel::SeccompFlags;
use boxlab::seccomp::Filter;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::common::place::Place;
use super::common::process::{collect, finish};
use super::installed;

/// podman, in a place of its own.
#[derive(Debug, Clone)]
pub struct Podman {
    place: Place,
}

impl Podman {
    pub fn new(place: Place) -> Self {
        Self { place }
    }

    /// Where it works.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// A file of this name.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let path = self.place.home.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// Where podman has its default profile.
    pub fn profile_path(&self) -> Result<PathBuf, String> {
        let state = state()?;
        let mut command = self.podman(state.path())?;
        let told = command.args(["info", "--format", "{{.Host.Security.SECCOMPProfilePath}}"]).output();
        Ok(PathBuf::from(String::from_utf8_lossy(&told.map_err(|error| error.to_string())?.stdout).trim()))
    }

    /// The filter of a container with this profile, or with podman's own.
    pub fn filter(&self, profile: Option<&Path>) -> Result<Filter, String> {
        let (state, cgroup) = (state()?, Cgroup::new());
        let pid_file = state.path().join("pid");
        let mut command = self.podman(state.path())?;
        command.args(["run", "--rm", "--network", "none", "--log-driver", "none", "--cgroups", "no-conmon"]);
        command.arg("--cgroup-parent").arg(&cgroup.0).arg("--pidfile").arg(&pid_file);
        // Beyond podman's eleven those that Docker keeps.
        command.args(["--cap-add", "MKNOD,NET_RAW,AUDIT_WRITE"]);
        if let Some(profile) = profile {
            command.arg("--security-opt").arg(format!("seccomp={}", profile.display()));
        }
        command.arg("--rootfs").arg(self.place.rootfs()).args(["/bin/sh", "-c", "echo ready; exec sleep 60"]);
        let podman = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut podman = podman.map_err(|error| error.to_string())?;
        let said = collect(podman.stderr.take().ok_or("no standard error")?);
        let mut line = String::new();
        let _ = BufReader::new(podman.stdout.take().ok_or("no output")?).read_line(&mut line);
        let pid = fs::read_to_string(&pid_file).ok().and_then(|pid| pid.trim().parse().ok());
        let filter = match pid.filter(|_| line == "ready\n") {
            Some(pid) => {
                let filter = installed::filter(pid);
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                filter
            }
            None => Err("it did not start".to_owned()),
        };
        finish(&mut podman)?;
        let said = said.join().unwrap_or_default();
        filter
            .map(|instructions| Filter { instructions, flags: SeccompFlags::empty() })
            .map_err(|error| format!("{error}: {}", said.trim().replace('\n', " ")))
    }

    /// runc, since crun refuses a machine with both versions of cgroups; no limits,
    /// since even root may lack CAP_SYS_RESOURCE.
    fn podman(&self, state: &Path) -> Result<Command, String> {
        let settings = "[containers]\ndefault_ulimits = []\n[engine]\ncgroup_manager = \"cgroupfs\"\n\
                        events_logger = \"none\"\nruntime = \"runc\"\n";
        let settings = self.write("containers.conf", settings)?;
        let mut command = self.place.command(Path::new("podman"));
        command.env("CONTAINERS_CONF", settings);
        for (option, directory) in [("--root", "storage"), ("--runroot", "run"), ("--tmpdir", "tmp")] {
            command.arg(option).arg(state.join(directory));
        }
        command.args(["--storage-driver", "vfs"]);
        Ok(command)
    }
}

/// Storage and state of one container; podman wants a short path.
fn state() -> Result<TempDir, String> {
    tempfile::Builder::new().prefix("boxlab-podman-").tempdir().map_err(|error| error.to_string())
}

/// The cgroup above the container, which podman leaves behind in each hierarchy.
struct Cgroup(String);

impl Cgroup {
    fn new() -> Self {
        let thread = format!("{:?}", std::thread::current().id());
        let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
        Self(format!("/boxlab-seccomp-{}-{thread}", std::process::id()))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let root = Path::new("/sys/fs/cgroup");
        for hierarchy in fs::read_dir(root).into_iter().flatten().flatten() {
            let _ = fs::remove_dir(hierarchy.path().join(&self.0[1..]));
        }
        let _ = fs::remove_dir(root.join(&self.0[1..]));
    }
}
