//! `boxlab run`: a program in a container.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Trace;
use super::context::Context;
use super::guards::GuardOptions;
use super::image::{self, When};
use super::lab::{self, Options};
use super::limits::LimitOptions;
use super::mounts;
use super::pull::PullOptions;
use super::size;
use crate::catalog;
use crate::container::launch;
use crate::container::limits::Limits;
use crate::container::spec::{Network, Root, Spec};
use crate::error::{Error, IoContext, Result};
use crate::image::Image;
use crate::image::locks::Held;
use crate::kernel::cgroup::Group;
use crate::kernel::maps;
use crate::kernel::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS, CloneFlags,
    Kernel, Maps, Mode, is_terminal, is_terminal_input, leads_to_directory, random_hex,
};
use crate::ledger::{Item, Ledger};
use crate::primitives::mount::overlay::Layers;

/// Where programs are looked for if neither image nor user says so.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `boxlab run [OPTIONS] [IMAGE] [COMMAND] [ARG...]`
#[derive(Debug, Args)]
#[command(about = catalog::about("run"))]
#[allow(clippy::struct_excessive_bools)]
pub struct Run {
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// Keep standard input open
    #[arg(short, long)]
    interactive: bool,
    /// Give it a terminal of its own
    #[arg(short, long)]
    tty: bool,
    /// A name that no other container has
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Its hostname [default: the container's short ID]
    #[arg(short = 'h', long, value_name = "NAME")]
    hostname: Option<String>,
    /// Run as USER[:GROUP], by name or number, as the image knows them
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,
    /// Where it starts, inside
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<PathBuf>,
    /// Set a variable (NAME=value), or pass one on (NAME)
    #[arg(short, long, value_name = "VARIABLE")]
    env: Vec<OsString>,
    /// Read variables from a file, one a line
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Show a file or directory of the host: SOURCE:TARGET[:ro]
    #[arg(short, long, value_name = "VOLUME")]
    volume: Vec<String>,
    /// type=bind,src=SOURCE,dst=TARGET[,readonly] or type=tmpfs,dst=TARGET[,tmpfs-size=64m]
    #[arg(long, value_name = "MOUNT")]
    mount: Vec<String>,
    /// Memory as files: TARGET[:size=64m,mode=1777]
    #[arg(long, value_name = "TARGET")]
    tmpfs: Vec<String>,
    /// Nothing in the root filesystem can be written to
    #[arg(long)]
    read_only: bool,
    /// Size of /dev/shm
    #[arg(long, value_name = "SIZE", default_value = "64m", value_parser = size::parse)]
    shm_size: u64,
    /// Whose network: `none` (loopback alone) or `host`
    #[arg(long, value_name = "NETWORK", default_value = "none", value_parser = network)]
    network: Network,
    /// Whose ids it has: `host`, or `private` for a user namespace in which root is nobody outside
    #[arg(long, value_name = "USERNS", default_value = "", hide_default_value = true, value_parser = Userns::parse)]
    userns: Userns,
    /// A small init is PID 1: it collects orphans and passes signals on
    #[arg(long)]
    init: bool,
    /// The program, in place of the image's; empty for none
    #[arg(long, value_name = "PROGRAM")]
    entrypoint: Option<OsString>,
    /// Remove the container when it ends (it always is: `start` comes later)
    #[arg(long)]
    rm: bool,
    /// Use a directory as the root filesystem; no image is named then
    #[arg(long, value_name = "DIR")]
    rootfs: Option<PathBuf>,
    /// When to pull the image: `always`, if it is `missing`, `never`
    #[arg(long, value_name = "WHEN", default_value = "missing")]
    pull: When,
    #[command(flatten)]
    pulling: PullOptions,
    #[command(flatten)]
    limits: LimitOptions,
    #[command(flatten)]
    guards: GuardOptions,
    #[command(flatten)]
    lab: Options,
    /// The image [default: host], then the command and its arguments
    #[arg(trailing_var_arg = true, value_name = "IMAGE [COMMAND] [ARG]", help_heading = "Arguments")]
    image_and_command: Vec<OsString>,
}

fn network(text: &str) -> std::result::Result<Network, String> {
    match text {
        "none" => Ok(Network::None),
        "host" => Ok(Network::Host),
        other => Err(format!("there is no network '{other}' yet: none or host")),
    }
}

/// `--userns`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Userns {
    /// The host's for root, a private one for others.
    Usual,
    Host,
    Private,
}

impl Userns {
    fn parse(text: &str) -> std::result::Result<Self, String> {
        match text {
            "" => Ok(Self::Usual),
            "host" => Ok(Self::Host),
            "private" => Ok(Self::Private),
            other => Err(format!("there is no '{other}': host or private")),
        }
    }

    fn maps(self) -> Result<Option<Maps>> {
        match (self, maps::needed()) {
            (Self::Host, Some(_)) => Err(Error::new("only root can run a container in the host's user namespace")
                .hint("Leave out --userns host: yours is private, and root in it is you outside.")),
            (Self::Private, None) => Ok(Some(maps::range_for_root())),
            (_, maps) => Ok(maps),
        }
    }
}

impl Run {
    /// Runs the container; its program's status.
    pub fn run(self, context: &Context) -> Result<i32> {
        let row = catalog::row("run");
        let mode = self.lab.mode(row)?;
        if self.rootfs.is_some() && !mode.parts.wants("pid") && !mode.parts.wants("etc") {
            let error = Error::usage("with --rootfs, the parts pid and etc can't both be left out");
            return Err(error.hint(
                "What outlives a killed run is then known by the files bound over its /etc:\n\
                 without them `boxlab cleanup` could not find it.",
            ));
        }
        let k = context.kernel(Trace::Steps, mode.clone())?;
        k.take_signals()?;
        // No image is removed between being found and being written down as used.
        let in_use = if self.rootfs.is_some() || k.plans() { None } else { Some(image::share(context)?) };
        let (image, command) = self.image(context, &k)?;
        if k.plans() {
            let spec = self.spec(context, &mode, &random_hex(32)?, image.as_ref(), command)?;
            let status = launch::run(&k, &spec, None)?;
            lab::see(&k, row);
            return Ok(status);
        }
        let mut ledger = Ledger::open(&context.paths)?;
        let outcome = self.launch(context, &k, &mode, &mut ledger, (image.as_ref(), in_use), command);
        let cleared = ledger.clear(&k);
        if outcome.is_ok() {
            lab::see(&k, row);
        }
        k.done(outcome.as_ref().map_or_else(|error| error.failure().status, |status| *status));
        outcome.and_then(|status| cleared.map(|()| status))
    }

    fn launch(
        &self,
        context: &Context,
        k: &Kernel,
        mode: &Mode,
        ledger: &mut Ledger,
        (image, in_use): (Option<&Image>, Option<Held>),
        command: &[OsString],
    ) -> Result<i32> {
        if let Some(image) = image {
            ledger.record(Item::Image(image.id.clone()))?;
        }
        drop(in_use);
        let spec = self.spec(context, mode, &ledger.id.clone(), image, command)?;
        if let Some(name) = &self.name {
            launch::claim_name(&context.paths, checked_name(name)?, ledger)?;
        }
        launch::prepare(&context.paths, &spec, ledger)?;
        launch::run(k, &spec, Some(ledger))
    }

    /// The image, unless a root filesystem is given, and what comes after it.
    fn image(&self, context: &Context, k: &Kernel) -> Result<(Option<Image>, &[OsString])> {
        if self.rootfs.is_some() {
            return Ok((None, &self.image_and_command));
        }
        let (name, command) = match self.image_and_command.split_first() {
            Some((name, command)) => (name.as_os_str(), command),
            None => (OsStr::new("host"), &[][..]),
        };
        let name = name.to_str().ok_or_else(|| Error::usage("an image's name is text"))?;
        image::obtain(context, k, name, self.pull, &self.pulling).map(|image| (Some(image), command))
    }

    /// Everything that is wanted, from the options and the image.
    fn spec(
        &self,
        context: &Context,
        mode: &Mode,
        id: &str,
        image: Option<&Image>,
        command: &[OsString],
    ) -> Result<Spec> {
        let config = image.and_then(|image| image.config.config().as_ref());
        let maps = self.userns.maps()?;
        let in_user_namespace = maps.is_some() || !maps::on_the_host();
        let (assembled, etc, writable) = launch::places(&context.paths, &id[..12]);
        let (root, shifted) = self.root(image, &context.paths.running(&id[..12]), &writable, in_user_namespace)?;
        let shell = self.image_and_command.is_empty() && is_terminal();
        let (terminal, interactive) = (self.tty || shell, self.interactive || shell);
        check_streams(terminal, interactive)?;
        let hostname = self.hostname.clone().unwrap_or_else(|| id[..12].to_owned());
        let namespaces = self.namespaces(mode, maps.is_some());
        let (group, limits) = self.limits(mode, id, maps.is_some())?;
        Ok(Spec {
            id: id.to_owned(),
            command: self.command(config, command)?,
            env: self.environment(config, &hostname, terminal)?,
            workdir: self.workdir(config)?,
            user: self.user.clone().or_else(|| config.and_then(|config| config.user().clone())),
            read_only: self.read_only,
            mounts: mounts::parse(&self.volume, &self.mount, &self.tmpfs)?,
            init: self.init,
            network: self.network,
            shm_size: self.shm_size,
            guards: self.guards.guards()?,
            devices: self.guards.devices()?,
            sysctls: self.guards.sysctls(namespaces, self.network)?,
            groups: self.guards.group_add.clone(),
            namespaces,
            hostname,
            root,
            shifted,
            assembled,
            etc,
            terminal,
            interactive,
            maps,
            in_user_namespace,
            group,
            limits,
        })
    }

    /// Its files, and what of them root shows to a user namespace with owners shifted.
    fn root(
        &self,
        image: Option<&Image>,
        running: &Path,
        writable: &Path,
        in_user_namespace: bool,
    ) -> Result<(Root, Vec<(PathBuf, PathBuf)>)> {
        let shifts = self.userns == Userns::Private && maps::privileged();
        if let Some(directory) = &self.rootfs {
            let directory = root_directory(directory)?;
            if !shifts {
                return Ok((Root::Directory(directory), Vec::new()));
            }
            let place = running.join("lower/0");
            return Ok((Root::Directory(place.clone()), vec![(directory, place)]));
        }
        let mut lower = image.map(|image| image.layers()).unwrap_or_default();
        let mut shifted = Vec::new();
        if shifts {
            let place = |(index, layer): (usize, PathBuf)| (layer, running.join(format!("lower/{index}")));
            shifted = lower.into_iter().enumerate().map(place).collect();
            lower = shifted.iter().map(|(_, place)| place.clone()).collect();
        }
        let (upper, work, links) = (writable.join("upper"), writable.join("work"), running.join("lower"));
        Ok((Root::Overlay(Layers { lower, upper, work, links, userxattr: in_user_namespace }), shifted))
    }

    /// What it may use, and the cgroups that hold it to that.
    fn limits(&self, mode: &Mode, id: &str, in_user_namespace: bool) -> Result<(Group, Limits)> {
        let limits = self.limits.limits(self.guards.device_rules()?, in_user_namespace)?;
        if !mode.parts.wants("cgroup") {
            if LimitOptions::need_cgroups(&limits) {
                return Err(Error::usage("a limit needs the cgroup that you leave out"));
            }
            return Ok((Group::default(), limits));
        }
        let name = format!("boxlab-{}", &id[..12]);
        let mut group = Group::named(&name);
        // What this user may not make can still be planned.
        if mode.plan && limits.check(&group).is_err() {
            group = Group::planned(&name);
        }
        limits.check(&group)?;
        Ok((group, limits))
    }

    fn namespaces(&self, mode: &Mode, rootless: bool) -> CloneFlags {
        let named = [
            ("pid", CLONE_NEWPID),
            ("uts", CLONE_NEWUTS),
            ("ipc", CLONE_NEWIPC),
            ("net", CLONE_NEWNET),
            ("cgroup", CLONE_NEWCGROUP),
        ];
        let mut flags = CLONE_NEWNS;
        for (name, flag) in named {
            let shared = flag == CLONE_NEWNET && self.network == Network::Host;
            if mode.parts.wants(name) && !shared {
                flags |= flag;
            }
        }
        if rootless { flags | CLONE_NEWUSER } else { flags }
    }

    /// Docker's rule: entrypoint then command; a command given replaces the
    /// image's, an entrypoint given drops both.
    fn command(&self, config: Option<&oci_spec::image::Config>, given: &[OsString]) -> Result<Vec<OsString>> {
        let of_image = |words: Option<&Vec<String>>| {
            words.map(|words| words.iter().map(OsString::from).collect()).unwrap_or_default()
        };
        let (mut words, default): (Vec<OsString>, Vec<OsString>) = match &self.entrypoint {
            Some(program) if program.is_empty() => (Vec::new(), Vec::new()),
            Some(program) => (vec![program.clone()], Vec::new()),
            None => (
                of_image(config.and_then(|config| config.entrypoint().as_ref())),
                of_image(config.and_then(|config| config.cmd().as_ref())),
            ),
        };
        words.extend(if given.is_empty() { default } else { given.to_vec() });
        if words.is_empty() && self.rootfs.is_some() {
            words.push("/bin/sh".into());
        }
        if words.is_empty() {
            return Err(Error::usage("the image names no command to run").hint("Give one: boxlab run IMAGE COMMAND"));
        }
        Ok(words)
    }

    /// PATH, HOSTNAME and TERM, then the image's, then the user's; later ones win.
    fn environment(
        &self,
        config: Option<&oci_spec::image::Config>,
        hostname: &str,
        terminal: bool,
    ) -> Result<Vec<OsString>> {
        let mut env: Vec<OsString> = vec![PATH.into(), format!("HOSTNAME={hostname}").into()];
        if terminal {
            let name = std::env::var("TERM").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "xterm".to_owned());
            env.push(format!("TERM={name}").into());
        }
        let image = config.and_then(|config| config.env().clone()).unwrap_or_default();
        let mut given: Vec<OsString> = image.into_iter().map(OsString::from).collect();
        for file in &self.env_file {
            given.extend(env_file(file)?);
        }
        given.extend(self.env.iter().filter_map(|entry| variable(entry)));
        for entry in given {
            let name = |entry: &OsStr| entry.as_bytes().split(|&byte| byte == b'=').next().unwrap_or_default().to_vec();
            match env.iter_mut().find(|known| name(known) == name(&entry)) {
                Some(known) => *known = entry,
                None => env.push(entry),
            }
        }
        Ok(env)
    }

    fn workdir(&self, config: Option<&oci_spec::image::Config>) -> Result<PathBuf> {
        let of_image = || {
            config.and_then(|config| config.working_dir().as_ref()).filter(|path| !path.is_empty()).map(PathBuf::from)
        };
        let workdir = self.workdir.clone().or_else(of_image).unwrap_or_else(|| "/".into());
        if !workdir.is_absolute() {
            return Err(Error::usage(format!("the working directory '{}' is not absolute", workdir.display()))
                .hint("It is a path inside the container, from its root: /srv/app."));
        }
        Ok(workdir)
    }
}

/// What the program would be passed.
fn check_streams(terminal: bool, interactive: bool) -> Result<()> {
    if terminal && interactive && !is_terminal_input() {
        return Err(Error::usage("standard input is no terminal, so -t and -i can't go together")
            .hint("Leave out -t to pass a pipe on, or run it in a terminal."));
    }
    let passed = [(interactive, "input"), (true, "output"), (true, "error")];
    for (number, (passed, name)) in (0..).zip(passed) {
        if passed && !terminal && leads_to_directory(number) {
            return Err(Error::usage(format!("standard {name} is a directory"))
                .hint("From /proc/self/fd the container could go up from there, to all of the host's files."));
        }
    }
    Ok(())
}

/// As Docker has them: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`.
fn checked_name(name: &str) -> Result<&str> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if first && name.len() > 1 && name.bytes().all(good) {
        return Ok(name);
    }
    Err(Error::usage(format!("'{name}' can't be a container's name"))
        .hint("Two or more letters, digits, and after the first also _ . and -"))
}

fn root_directory(directory: &Path) -> Result<PathBuf> {
    let found =
        directory.canonicalize().or_fail(|| format!("cannot use {} as a root filesystem", directory.display()))?;
    if !found.is_dir() {
        return Err(Error::new(format!("{} is no directory", found.display()))
            .hint("--rootfs takes an unpacked root filesystem."));
    }
    Ok(found)
}

/// `NAME=value` as it is; `NAME` with the value that it has here, if it has one.
fn variable(entry: &OsStr) -> Option<OsString> {
    if entry.as_bytes().contains(&b'=') {
        return Some(entry.to_owned());
    }
    let mut whole = entry.to_owned();
    whole.push("=");
    whole.push(std::env::var_os(entry)?);
    Some(whole)
}

/// Docker's format: a variable a line, `#` for comments, no quoting.
fn env_file(path: &Path) -> Result<Vec<OsString>> {
    let text = std::fs::read_to_string(path).or_fail(|| format!("cannot read the variables in {}", path.display()))?;
    let lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut found = Vec::new();
    for line in lines {
        let name = line.split('=').next().unwrap_or_default();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(Error::usage(format!("{} holds a line that sets no variable: '{line}'", path.display())));
        }
        found.extend(variable(OsStr::new(line)));
    }
    Ok(found)
}
