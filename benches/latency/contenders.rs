//! Who is compared: the floor, boxlab in several ways, and the other runtimes,
//! each with the same root filesystem, program and namespaces.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bundle;
use crate::floor;
use crate::ground::Ground;

/// The names that bars and ratios refer to.
pub const FLOOR: &str = "the floor";
pub const BOXLAB: &str = "boxlab run";
pub const BOXLAB_JSON: &str = "boxlab run, --trace json to a file";
pub const CRUN: &str = "crun run";
pub const VERSION: &str = "boxlab --version";
const HOST: &str = "boxlab run host true";

/// The program in the container: busybox, which needs no library.
const PROGRAM: &str = "/bin/true";

/// One of those that are compared.
pub struct Contender {
    /// As the table has it.
    pub name: String,
    command: Box<dyn Fn(u32) -> Command>,
    /// What it writes to standard error goes through a pipe, and is read.
    pub through_a_pipe: bool,
    lacks: Option<String>,
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contender({})", self.name)
    }
}

impl Contender {
    fn new(name: &str, command: impl Fn(u32) -> Command + 'static) -> Self {
        Self { name: name.to_owned(), command: Box::new(command), through_a_pipe: false, lacks: None }
    }

    /// It can't be run if this has failed.
    fn needs(self, made: Result<(), String>) -> Self {
        Self { lacks: made.err(), ..self }
    }

    /// The command of this run; `number` is different each time.
    pub fn command(&self, number: u32) -> Command {
        let mut command = (self.command)(number);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Why it can't run here, if it can't: it is tried.
    pub fn missing(&self) -> Option<String> {
        if self.lacks.is_some() {
            return self.lacks.clone();
        }
        let output = self.command(0).stderr(Stdio::piped()).output();
        match output {
            Err(error) => Some(format!("cannot start it: {error}")),
            Ok(output) if output.status.success() => None,
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr);
                // Warnings come before errors.
                let error = text.lines().find(|line| line.to_lowercase().contains("error")).or(text.lines().next());
                Some(format!("{}: {}", output.status, error.unwrap_or("it says nothing")))
            }
        }
    }
}

/// All of them.
pub fn all(ground: &Ground, against: &[PathBuf]) -> Vec<Contender> {
    let this = Boxlab::new(ground, env!("CARGO_BIN_EXE_boxlab").as_ref(), "boxlab");
    let mut all = vec![the_floor(ground)];
    all.extend(this.contenders(ground));
    for (number, other) in against.iter().enumerate() {
        let other = Boxlab::new(ground, other, &format!("boxlab-{number}"));
        all.push(other.silent(&format!("{BOXLAB}, {}", other.program.display())));
    }
    all.push(oci_runtime(ground, CRUN, &["crun"]));
    all.push(oci_runtime(ground, "crun run, without cgroups", &["crun", "--cgroup-manager=disabled"]));
    all.push(oci_runtime(ground, "runc run", &["runc"]));
    all.push(podman(ground));
    all.iter_mut().for_each(|contender| rule_out(ground, contender));
    all
}

/// What need not be tried.
fn rule_out(ground: &Ground, contender: &mut Contender) {
    let in_rootfs = contender.name != VERSION && contender.name != HOST;
    if let Some(reason) = ground.lacks().filter(|_| in_rootfs) {
        contender.lacks = Some(reason);
    }
    // Without root they would need a setup of their own, and podman would leave a process behind.
    if !ground.root_user() && !contender.name.starts_with("boxlab") {
        contender.lacks = Some("it is measured as root only".to_owned());
    }
}

fn the_floor(ground: &Ground) -> Contender {
    let root = ground.root();
    Contender::new(FLOOR, move |_| {
        let mut command = Command::new("/proc/self/exe");
        command.args([OsStr::new(floor::NAME), root.as_os_str(), OsStr::new(PROGRAM)]);
        command
    })
}

/// One build of boxlab, and where it keeps its things.
#[derive(Debug, Clone)]
struct Boxlab {
    program: PathBuf,
    rootfs: PathBuf,
    root: PathBuf,
    made: Result<(), String>,
}

impl Boxlab {
    fn new(ground: &Ground, program: &Path, name: &str) -> Self {
        let made = ground.divide(name).map_err(|error| format!("cannot make its directories: {error}"));
        Self { program: program.to_owned(), rootfs: ground.root(), root: ground.place(name), made }
    }

    /// Silent and not, and what its start alone takes.
    fn contenders(&self, ground: &Ground) -> Vec<Contender> {
        let traces = ground.place("traces");
        let to_a_file = move |command: &mut Command, number| {
            let file = traces.join(format!("{number}.jsonl"));
            command.args(["--trace", "json", "--trace-file"]).arg(file);
        };
        let mut to_a_pipe = self.in_rootfs("boxlab run, --trace full to a pipe", |command, _| {
            command.args(["--trace", "full"]);
        });
        to_a_pipe.through_a_pipe = true;
        vec![
            self.silent(BOXLAB),
            self.in_rootfs(BOXLAB_JSON, to_a_file),
            to_a_pipe,
            self.contender(HOST, |command, _| {
                command.args(["--trace", "off", "run", "host", "true"]);
            }),
            self.contender(VERSION, |command, _| {
                command.arg("--version");
            }),
        ]
    }

    fn silent(&self, name: &str) -> Contender {
        self.in_rootfs(name, |command, _| {
            command.args(["--trace", "off"]);
        })
    }

    /// `boxlab run` of the program in the root filesystem.
    fn in_rootfs(&self, name: &str, trace: impl Fn(&mut Command, u32) + 'static) -> Contender {
        let rootfs = self.rootfs.clone();
        self.contender(name, move |command, number| {
            trace(command, number);
            command.args(["run", "--network", "none", "--rootfs"]).arg(&rootfs).arg(PROGRAM);
        })
    }

    fn contender(&self, name: &str, arguments: impl Fn(&mut Command, u32) + 'static) -> Contender {
        let this = self.clone();
        let contender = Contender::new(name, move |number| {
            let mut command = Command::new(&this.program);
            // What would change what it does for the one who runs the benchmark.
            command.env_remove("BOXLAB_TRACE").env("XDG_CONFIG_HOME", &this.root);
            command.arg("--root").arg(&this.root);
            arguments(&mut command, number);
            command
        });
        contender.needs(self.made.clone())
    }
}

/// `crun run` and the like, told to do what boxlab does; see [`bundle`].
fn oci_runtime(ground: &Ground, name: &str, words: &'static [&'static str]) -> Contender {
    let own = name.replace(' ', "-");
    let (bundle, state, cgroup) = (ground.place("bundle").join(&own), ground.state(&own), ground.cgroup());
    let made = bundle::write(words[0], &bundle, &ground.root(), PROGRAM);
    let contender = Contender::new(name, move |number| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg("--root").arg(&state).arg("run").arg("--bundle").arg(&bundle);
        command.arg(format!("{cgroup}-{own}-{number}"));
        command
    });
    contender.needs(made)
}

/// Its storage, its state and its settings are the benchmark's own. Even as root
/// a process may lack CAP_SYS_RESOURCE, so no limit is raised. No bridge is made.
fn podman(ground: &Ground) -> Contender {
    let (rootfs, storage, state) = (ground.root(), ground.place("podman"), ground.state("podman"));
    let (settings, cgroup) = (ground.place("containers.conf"), ground.cgroup());
    let text =
        "[containers]\ndefault_ulimits = []\n[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"none\"\n";
    let made = fs::write(&settings, text).map_err(|error| format!("cannot write its settings: {error}"));
    let contender = Contender::new("podman run", move |_| {
        let mut command = Command::new("podman");
        command.env("CONTAINERS_CONF", &settings).env("XDG_RUNTIME_DIR", state.join("user"));
        command.arg("--root").arg(&storage).arg("--runroot").arg(state.join("run"));
        command.arg("--tmpdir").arg(state.join("tmp"));
        command.args(["run", "--rm", "--network", "none", "--cgroups", "no-conmon"]);
        command.arg("--cgroup-parent").arg(format!("/{cgroup}")).arg("--rootfs").arg(&rootfs).arg(PROGRAM);
        command
    });
    contender.needs(made)
}
