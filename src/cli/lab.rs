//! How every lab command runs: a child does the work and then becomes the user's
//! program; this process stays on the host, watches from outside and cleans up.

use std::cell::RefCell;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use clap::Args;

use super::Trace;
use super::context::Context;
use crate::catalog::{self, Row};
use crate::error::{IoContext, Result};
use crate::kernel::Maps;
use crate::kernel::cgroup::Group;
use crate::kernel::maps;
use crate::kernel::{Child, CloneFlags, Exit, Heard, Kernel, Mode, Parts, Program, is_terminal_input, proc};
use crate::ledger::{Item, Ledger, Process};
use crate::paths;
use crate::primitives::cgroup::group;
use crate::primitives::ns::user;

/// The gate at which the child lets the host look.
pub const DONE: &str = "done";

const YOUR_TURN: &str = "Your turn: the program takes over in here (exit ends it)";

/// Options of every lab command.
#[derive(Debug, Clone, Default, Args)]
pub struct Options {
    /// Wait for Enter between steps, and say what to look at meanwhile
    #[arg(long, help_heading = "Lab options")]
    pause: bool,
    /// Say the steps and calls, make none
    #[arg(long, help_heading = "Lab options")]
    plan: bool,
    /// Leave a part out, to see what it is for
    #[arg(long, value_name = "PART", value_delimiter = ',', help_heading = "Lab options")]
    without: Vec<String>,
    /// Of the parts that can be left out, make only these
    #[arg(long, value_name = "PART", value_delimiter = ',', help_heading = "Lab options")]
    only: Vec<String>,
}

impl Options {
    /// Checked against the parts that the command has.
    pub fn mode(&self, row: &Row) -> Result<Mode> {
        let parts = Parts::choose(&self.without, &self.only, row.parts)?;
        Ok(Mode { plan: self.plan, pause: self.pause, parts })
    }
}

/// What every lab command takes.
#[derive(Debug, Args)]
pub struct Common {
    #[command(flatten)]
    options: Options,
    /// The program to run inside [default: $SHELL]
    #[arg(last = true, value_name = "COMMAND")]
    program: Vec<OsString>,
}

impl Common {
    /// Runs a lab whose program is one of the host's.
    pub fn lab(
        &self,
        context: &Context,
        command: &'static str,
        body: impl FnOnce(&Lab<'_>) -> Result<i32>,
    ) -> Result<i32> {
        Lab::run(context, command, &self.options, &self.program, body)
    }

    /// Runs a lab whose program is found in another root, where $SHELL may not be.
    pub fn lab_in_root(
        &self,
        context: &Context,
        command: &'static str,
        body: impl FnOnce(&Lab<'_>) -> Result<i32>,
    ) -> Result<i32> {
        let shell = [OsString::from("/bin/sh")];
        let program = if self.program.is_empty() { &shell } else { &self.program[..] };
        Lab::run(context, command, &self.options, program, body)
    }
}

/// One lab command under way.
#[derive(Debug)]
pub struct Lab<'c> {
    /// This process's kernel.
    pub k: Kernel,
    context: &'c Context,
    /// A user namespace for who has no privilege; its maps.
    maps: Option<Maps>,
    ledger: RefCell<Option<Ledger>>,
    program: Vec<OsString>,
    /// Whether the user has named the program, or can use a shell.
    wants_program: bool,
}

impl<'c> Lab<'c> {
    /// Runs a lab: `body` builds and returns the status, then all is taken down.
    pub fn run(
        context: &'c Context,
        command: &'static str,
        options: &Options,
        program: &[OsString],
        body: impl FnOnce(&Self) -> Result<i32>,
    ) -> Result<i32> {
        let row = catalog::row(command);
        let k = context.kernel(Trace::Full, options.mode(row)?)?;
        k.take_signals()?;
        let wants_program = !program.is_empty() || is_terminal_input();
        let program = if program.is_empty() { vec![shell()] } else { program.to_vec() };
        let lab = Self { k, context, maps: maps::needed(), ledger: RefCell::new(None), program, wants_program };
        let outcome = body(&lab);
        let cleared = lab.ledger.take().map_or(Ok(()), |ledger| ledger.clear(&lab.k));
        if outcome.is_ok() {
            see(&lab.k, row);
        }
        lab.k.done(outcome.as_ref().map_or_else(|error| error.failure().status, |status| *status));
        outcome.and_then(|status| cleared.map(|()| status))
    }

    /// True if a user namespace stands around the lab.
    pub fn in_user_namespace(&self) -> bool {
        self.maps.is_some() || !maps::on_the_host()
    }

    /// True if the lab's root can become somebody else.
    pub fn has_other_users(&self) -> bool {
        self.maps.as_ref().map_or_else(maps::has_others, Maps::have_others)
    }

    /// A program of the host's that a lab itself runs.
    pub fn tool(&self, command: &[&str]) -> Result<Program> {
        let command: Vec<OsString> = command.iter().map(OsString::from).collect();
        Program::find(&command, &environment())
    }

    /// The file of the user's program.
    pub fn program_file(&self) -> Result<PathBuf> {
        let program = Program::find(&self.program, &environment())?;
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(program.path.to_bytes()));
        path.canonicalize().or_fail(|| format!("cannot find {}", path.display()))
    }

    /// Writes down something that is about to be made; `item` is given the
    /// identifier that the lab's things are named by. A plan makes nothing.
    pub fn record(&self, item: impl FnOnce(&str) -> Item) -> Result<()> {
        if self.k.plans() {
            return Ok(());
        }
        self.in_ledger(|ledger| {
            let item = item(ledger.short_id());
            ledger.record(item)
        })
    }

    /// The ledger of this command, opened when it is first needed.
    fn in_ledger<T>(&self, write: impl FnOnce(&mut Ledger) -> Result<T>) -> Result<T> {
        let mut slot = self.ledger.borrow_mut();
        let mut ledger = match slot.take() {
            Some(ledger) => ledger,
            None => Ledger::open(&self.context.paths)?,
        };
        let written = write(&mut ledger);
        slot.replace(ledger);
        written
    }

    /// A name for what the lab makes: it holds the identifier of what is written down.
    pub fn name(&self) -> Result<String> {
        if self.k.plans() {
            return Ok("boxlab-lab".to_owned());
        }
        self.in_ledger(|ledger| Ok(format!("boxlab-{}", ledger.short_id())))
    }

    /// Writes down a process: one that becomes setuid does not die with its parent.
    fn record_process(&self, pid: i32) -> Result<()> {
        Process::of(pid).map_or(Ok(()), |process| self.record(|_| Item::Process(process)))
    }

    /// A directory of the lab's own, removed at its end.
    pub fn scratch(&self) -> Result<PathBuf> {
        let mut directory = self.context.paths.running("lab");
        self.record(|id| {
            directory = self.context.paths.running(id);
            Item::Directory(directory.clone())
        })?;
        if !self.k.plans() {
            paths::make(&directory)?;
        }
        Ok(directory)
    }

    /// A directory of the lab's own in which whoever a child becomes may write.
    pub fn scratch_for_anyone(&self, name: &str) -> Result<PathBuf> {
        let directory = self.scratch()?.join(name);
        if !self.k.plans() {
            paths::make(&directory)?;
            let opened = std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o1777));
            opened.or_fail(|| format!("cannot open up {}", directory.display()))?;
        }
        Ok(directory)
    }

    /// Starts the child: first its user namespace, if one is needed, then `inside`.
    pub fn start(&self, inside: impl FnOnce(&Kernel) -> Result<()>) -> Result<Child> {
        self.start_with(self.maps.as_ref(), inside)
    }

    /// [`Lab::start`] with these id maps, or without a user namespace.
    pub fn start_with(&self, maps: Option<&Maps>, inside: impl FnOnce(&Kernel) -> Result<()>) -> Result<Child> {
        self.k.step("Start a child to do it in; this process stays as it is");
        let mut child = self.k.clone3("child", CloneFlags::empty(), |k| {
            if maps.is_some() {
                user::enter(k)?;
            }
            inside(k)
        })?;
        self.record_process(child.pid)?;
        self.k.look(|| format!("ls -l /proc/{}/ns", child.pid));
        if let Some(maps) = maps {
            self.k.until(&mut child, user::MAPS)?;
            user::map(&self.k, child.pid, maps)?;
            self.k.answer(&child)?;
        }
        Ok(child)
    }

    /// Starts a child in these cgroups; whoever is in them at the end is ended.
    pub fn start_in(&self, group: &Group, inside: impl FnOnce(&Kernel) -> Result<()>) -> Result<Child> {
        let born_in = group::open_v2(&self.k, group)?;
        let child = self.k.clone3_into("child", CloneFlags::empty(), born_in.as_ref(), |k| {
            group::enter_v1(k, group)?;
            inside(k)
        })?;
        self.record_process(child.pid)?;
        Ok(child)
    }

    /// Host: hears a child out, whose gates `at` is told, and waits for its end.
    pub fn attend(&self, mut child: Child, mut at: impl FnMut(&str) -> Result<()>) -> Result<Exit> {
        while let Heard::Gate(gate) = self.k.hear(&mut child)? {
            at(&gate)?;
            self.k.answer(&child)?;
        }
        self.k.watch(&mut child)
    }

    /// The user's program in these cgroups; none, if the user has named none and has
    /// no terminal to use a shell on.
    pub fn run_in(&self, group: &Group) -> Result<i32> {
        if !self.wants_program {
            return Ok(0);
        }
        self.k.step("Start your program in the same group, with the limit as it is");
        let child = self.start_in(group, |k| self.become_program(k))?;
        self.watch(child, |_, _| Ok(()))
    }

    /// Child: lets the host look, then becomes the user's program.
    pub fn become_program(&self, k: &Kernel) -> Result<()> {
        let program = Program::find(&self.program, &environment())?;
        k.gate(DONE)?;
        k.step(YOUR_TURN);
        match k.execve(&program)? {}
    }

    /// [`Lab::become_program`], after calls that may keep this process from telling.
    pub fn become_program_after(&self, k: &Kernel, last: impl Fn(&Kernel) -> Result<()>) -> Result<()> {
        let program = Program::find(&self.program, &environment())?;
        k.gate(DONE)?;
        let ended = k.last(|k| {
            last(k)?;
            k.step(YOUR_TURN);
            k.execve(&program)
        });
        match ended? {}
    }

    /// Host: waits until all is built, looks, and watches the program to its end.
    pub fn watch(&self, mut child: Child, outside: impl FnOnce(&Kernel, &Child) -> Result<()>) -> Result<i32> {
        self.k.until(&mut child, DONE)?;
        proc::children_of(child.pid).into_iter().try_for_each(|pid| self.record_process(pid))?;
        outside(&self.k, &child)?;
        self.k.answer(&child)?;
        Ok(self.k.watch(&mut child)?.status())
    }

    /// The usual lab: `inside` in a child, then the look from `outside`.
    pub fn isolate(
        &self,
        inside: impl FnOnce(&Kernel) -> Result<()>,
        outside: impl FnOnce(&Kernel, &Child) -> Result<()>,
    ) -> Result<i32> {
        let child = self.start(|k| {
            inside(k)?;
            self.become_program(k)
        })?;
        self.watch(child, outside)
    }

    /// A lab whose namespace begins with the caller's next child, `first`.
    pub fn isolate_children(
        &self,
        caller: impl FnOnce(&Kernel) -> Result<()>,
        first: impl FnOnce(&Kernel) -> Result<()>,
        outside: impl FnOnce(&Kernel, &Child) -> Result<()>,
    ) -> Result<i32> {
        let child = self.start(|k| self.move_children(k, caller, first))?;
        self.watch(child, outside)
    }

    /// [`Lab::isolate_children`] in a user namespace, also for root, who needs none.
    pub fn isolate_all(
        &self,
        caller: impl FnOnce(&Kernel) -> Result<()>,
        first: impl FnOnce(&Kernel) -> Result<()>,
    ) -> Result<i32> {
        let maps = self.maps.clone().unwrap_or_else(maps::identity);
        let child = self.start_with(Some(&maps), |k| self.move_children(k, caller, first))?;
        self.watch(child, |_, _| Ok(()))
    }

    /// A lab that joins namespaces: one of its own around it would be in the way.
    pub fn enter(&self, caller: impl FnOnce(&Kernel) -> Result<()>) -> Result<i32> {
        let child = self.start_with(None, |k| self.move_children(k, caller, |_| Ok(())))?;
        self.watch(child, |_, _| Ok(()))
    }

    /// Child: `caller` in this process, `first` and the program in its child.
    fn move_children(
        &self,
        k: &Kernel,
        caller: impl FnOnce(&Kernel) -> Result<()>,
        first: impl FnOnce(&Kernel) -> Result<()>,
    ) -> Result<()> {
        caller(k)?;
        k.step("Start the first child: it is born into the new namespace");
        let init = k.clone3("init", CloneFlags::empty(), |k| {
            first(k)?;
            self.become_program(k)
        })?;
        // The link is the init's alone now; its end of file means its exec.
        k.hang_up();
        k.exit(k.wait(&init)?.status())
    }
}

/// This process's environment, as execve(2) takes it.
fn environment() -> Vec<OsString> {
    let entry = |(mut name, value): (OsString, OsString)| {
        name.push("=");
        name.push(value);
        name
    };
    std::env::vars_os().map(entry).collect()
}

/// The user's shell. environ(7)
fn shell() -> OsString {
    std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into())
}

/// Where to read on, at the end of a command.
pub fn see(k: &Kernel, row: &Row) {
    k.see("man", &row.man.join(", "));
    k.see("shell", row.shell);
    if let Some(lesson) = row.lesson_name() {
        k.see("lesson", &format!("boxlab learn {lesson}"));
        k.see("book", &format!("boxlab book {}", row.command));
    }
}
