//! `boxlab ns`: one namespace at a time.

use std::path::Path;

use clap::{Args, Subcommand};

use super::context::Context;
use super::lab::{Common, DONE, Lab};
use super::output;
use crate::catalog::{about, after_help};
use crate::error::{Error, Result};
use crate::kernel::maps;
use crate::kernel::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUTS, CloneFlags,
    Kernel, NAMESPACES, egid, euid, proc, program_path,
};
use crate::kernel::{IdMap, Maps};
use crate::ledger::Item;
use crate::primitives::net::loopback;
use crate::primitives::ns::{cgroup, enter, ipc, list, mnt, net, pid, time, user, uts};

/// Namespaces: what a process sees of the machine
#[derive(Debug, Subcommand)]
pub enum Ns {
    #[command(about = about("ns uts"), after_help = after_help("ns uts"))]
    Uts {
        /// The name inside
        #[arg(long, default_value = "box")]
        hostname: String,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("ns ipc"), after_help = after_help("ns ipc"))]
    Ipc {
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("ns mnt"), after_help = after_help("ns mnt"))]
    Mnt {
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("ns pid"), after_help = after_help("ns pid"))]
    Pid {
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("ns net"), after_help = after_help("ns net"))]
    Net {
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("ns user"), after_help = after_help("ns user"))]
    User {
        /// `single`, `subuid`, or INSIDE:OUTSIDE:COUNT (repeatable) [default: single, then subuid]
        #[arg(long, value_name = "MAP")]
        map: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("ns cgroup"), after_help = after_help("ns cgroup"))]
    Cgroup {
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("ns time"), after_help = after_help("ns time"))]
    Time {
        /// How many days ago the machine was started, as seen inside
        #[arg(long, default_value_t = 10, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(0..=3650))]
        days: i64,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("ns all"), after_help = after_help("ns all"))]
    All {
        /// The name inside
        #[arg(long, default_value = "box")]
        hostname: String,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("ns enter"), after_help = after_help("ns enter"))]
    Enter {
        /// The process whose namespaces to join
        pid: i32,
        #[command(flatten)]
        kinds: Kinds,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("ns ls"), after_help = after_help("ns ls"))]
    Ls {
        /// Only the namespaces of this process
        pid: Option<i32>,
        /// `table` or `json`
        #[arg(long, default_value = "table", value_parser = ["table", "json"])]
        format: String,
    },
}

/// Which namespaces to join; none named means all in which the process is apart.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)]
pub struct Kinds {
    /// Join its cgroup namespace
    #[arg(long)]
    cgroup: bool,
    /// Join its IPC namespace
    #[arg(long)]
    ipc: bool,
    /// Join its mount namespace
    #[arg(long)]
    mnt: bool,
    /// Join its network namespace
    #[arg(long)]
    net: bool,
    /// Join its PID namespace
    #[arg(long = "pid")]
    pid_ns: bool,
    /// Join its time namespace
    #[arg(long)]
    time: bool,
    /// Join its user namespace
    #[arg(long)]
    user: bool,
    /// Join its UTS namespace
    #[arg(long)]
    uts: bool,
}

impl Ns {
    /// Runs one of them.
    pub fn run(self, context: &Context) -> Result<i32> {
        match self {
            Self::Uts { hostname, common } => common.lab(context, "ns uts", |lab| lab_uts(lab, &hostname)),
            Self::Ipc { common } => {
                common.lab(context, "ns ipc", |lab| lab.isolate(ipc::isolate, |k, _| ipc::outside(k)))
            }
            Self::Mnt { common } => common.lab(context, "ns mnt", lab_mnt),
            Self::Pid { common } => common.lab(context, "ns pid", lab_pid),
            Self::Net { common } => common.lab(context, "ns net", lab_net),
            Self::User { map, common } => lab_user(context, &map, &common),
            Self::Cgroup { common } => common.lab(context, "ns cgroup", lab_cgroup),
            Self::Time { days, common } => common.lab(context, "ns time", |lab| lab_time(lab, days)),
            Self::All { hostname, common } => common.lab(context, "ns all", |lab| lab_all(lab, &hostname)),
            Self::Enter { pid, kinds, common } => common.lab(context, "ns enter", |lab| lab_enter(lab, pid, &kinds)),
            Self::Ls { pid, format } => ls(pid, format == "json"),
        }
    }
}

fn lab_uts(lab: &Lab<'_>, hostname: &str) -> Result<i32> {
    let before = proc::hostname();
    lab.isolate(
        |k| uts::isolate(k, hostname),
        |k, _| {
            uts::outside(k, &before);
            Ok(())
        },
    )
}

fn lab_mnt(lab: &Lab<'_>) -> Result<i32> {
    let directory = lab.scratch()?;
    let inside = |k: &Kernel| {
        mnt::isolate(k)?;
        mnt::demonstrate(k, &directory)
    };
    lab.isolate(inside, |k, _| mnt::outside(k, &directory))
}

fn lab_pid(lab: &Lab<'_>) -> Result<i32> {
    lab.isolate_children(pid::isolate, pid::first, |k, child| {
        pid::outside(k, child.pid);
        Ok(())
    })
}

fn lab_net(lab: &Lab<'_>) -> Result<i32> {
    let inside = |k: &Kernel| {
        net::isolate(k)?;
        k.part("loopback", loopback::up)?;
        net::list(k, "interfaces inside, now");
        Ok(())
    };
    lab.isolate(inside, |k, _| {
        net::outside(k);
        Ok(())
    })
}

fn lab_time(lab: &Lab<'_>, days: i64) -> Result<i32> {
    let first = |k: &Kernel| {
        time::inside(k);
        Ok(())
    };
    lab.isolate_children(
        |k| time::isolate(k, days),
        first,
        |k, _| {
            time::outside(k);
            Ok(())
        },
    )
}

fn lab_all(lab: &Lab<'_>, hostname: &str) -> Result<i32> {
    let all = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWPID | CLONE_NEWTIME;
    let caller = |k: &Kernel| {
        k.step("Leave the others all at once, in a single call");
        k.unshare(all)?;
        mnt::private(k)?;
        k.part("sethostname", |k| uts::rename(k, hostname))?;
        k.part("loopback", loopback::up)
    };
    lab.isolate_all(caller, |k| k.part("proc", pid::fresh_proc))
}

fn lab_cgroup(lab: &Lab<'_>) -> Result<i32> {
    let own = proc::own_cgroup().ok_or_else(|| {
        Error::new("no cgroup hierarchy is mounted").hint("Mount one: mount -t cgroup2 none /sys/fs/cgroup")
    })?;
    let mut child = lab.start(|k| {
        k.gate("cgroup")?;
        cgroup::isolate(k)?;
        lab.become_program(k)
    })?;
    lab.k.until(&mut child, "cgroup")?;
    if proc::writable(&own) {
        let mut made = own.join("boxlab-lab");
        lab.record(|id| {
            made = own.join(format!("boxlab-{id}"));
            Item::Cgroup(made.clone())
        })?;
        cgroup::place(&lab.k, &made, child.pid)?;
    } else {
        lab.k.step("No cgroup may be made without delegation: the present ones serve");
    }
    lab.k.answer(&child)?;
    lab.watch(child, |k, child| {
        cgroup::outside(k, child.pid);
        Ok(())
    })
}

fn lab_enter(lab: &Lab<'_>, pid: i32, kinds: &Kinds) -> Result<i32> {
    let flags = kinds.flags(pid)?;
    lab.enter(|k| enter::join(k, pid, flags))
}

impl Kinds {
    /// The kinds named; else all in which the process lives apart from us.
    fn flags(&self, pid: i32) -> Result<CloneFlags> {
        let target = list::process(pid).ok_or_else(|| unreadable(pid))?;
        let named = [self.cgroup, self.ipc, self.mnt, self.net, self.pid_ns, self.time, self.user, self.uts];
        let own = list::process(proc::own_pid());
        let apart = own.map(|own| target.apart_from(&own)).unwrap_or_default();
        let wanted = |index: usize, kind: &str| {
            if named.contains(&true) { named[index] } else { apart.contains(&kind) }
        };
        let chosen = NAMESPACES.into_iter().enumerate().filter(|(index, (_, kind, ..))| wanted(*index, kind));
        let flags = chosen.fold(CloneFlags::empty(), |flags, (_, (flag, ..))| flags | flag);
        if flags.is_empty() {
            return Err(Error::new(format!("process {pid} shares all namespaces with you: there is nothing to enter")));
        }
        if self.user && !apart.contains(&"user") {
            return Err(Error::new(format!("process {pid} shares your user namespace: there is nothing to enter"))
                .hint("Entering it anew would give all capabilities back, so setns(2) refuses it."));
        }
        Ok(flags)
    }
}

fn unreadable(pid: i32) -> Error {
    if Path::new(&format!("/proc/{pid}")).exists() {
        return Error::new(format!("the namespaces of process {pid} are hidden from you"))
            .hint("They can be read by root and, for a process that is not setuid, by its owner.");
    }
    Error::new(format!("there is no process {pid}"))
        .hint("`boxlab ns ls` lists the processes that live apart from the host.")
}

fn lab_user(context: &Context, map: &[String], common: &Common) -> Result<i32> {
    let chosen = choose_maps(map)?;
    common.lab(context, "ns user", |lab| {
        let mut status = 0;
        for (index, maps) in chosen.iter().enumerate() {
            let directory = lab.scratch_for_anyone(&index.to_string())?;
            status = one_user_namespace(lab, maps, &directory, index + 1 == chosen.len())?;
        }
        Ok(status)
    })
}

fn one_user_namespace(lab: &Lab<'_>, maps: &Maps, directory: &Path, last: bool) -> Result<i32> {
    let child = lab.start_with(Some(maps), |k| {
        user::demonstrate(k, directory)?;
        if last { lab.become_program(k) } else { k.gate(DONE) }
    })?;
    lab.watch(child, |k, _| {
        user::outside(k, directory);
        Ok(())
    })
}

/// The maps to show: the one id that anyone may map, then the ranges of
/// /etc/subuid if there are any; or those that were asked for.
fn choose_maps(map: &[String]) -> Result<Vec<Maps>> {
    match map {
        [] => Ok([Some(lab_single()), ranges()].into_iter().flatten().collect()),
        [one] if one == "single" => Ok(vec![lab_single()]),
        [one] if one == "subuid" => ranges().map(|maps| vec![maps]).ok_or_else(no_ranges),
        explicit => {
            let explicit: Vec<IdMap> = explicit.iter().map(|text| id_map(text)).collect::<Result<_>>()?;
            let (users, groups) = (explicit.clone(), explicit);
            let is_own = |map: &IdMap| (map.outside, map.count) == (euid(), 1);
            // Anything but the own id is for newuidmap(1) to grant.
            let is_there = program_path("newuidmap").is_some();
            if euid() != 0 && is_there && !users.iter().all(is_own) {
                return Ok(vec![Maps::Helped { users, groups }]);
            }
            Ok(vec![Maps::Written { users, groups, deny_setgroups: euid() != 0 }])
        }
    }
}

/// The ranges granted to this user; root may map any.
fn ranges() -> Option<Maps> {
    match (maps::privileged(), maps::on_the_host()) {
        (true, true) => Some(maps::range_for_root()),
        (true, false) => None,
        (false, _) => maps::ranges(),
    }
}

/// Root inside is this user outside; for root, nobody, so that there is a difference.
fn lab_single() -> Maps {
    let (user, group) = if maps::privileged() && maps::on_the_host() { (65_534, 65_534) } else { (euid(), egid()) };
    let map = |outside| vec![IdMap { inside: 0, outside, count: 1 }];
    Maps::Written { users: map(user), groups: map(group), deny_setgroups: euid() != 0 }
}

fn no_ranges() -> Error {
    Error::new("this host grants you no ranges of ids").hint(
        "It needs a line for you in /etc/subuid and /etc/subgid (as root: usermod\n\
         --add-subuids 100000-165535 --add-subgids 100000-165535 USER) and the programs\n\
         newuidmap and newgidmap (package uidmap or shadow-utils).",
    )
}

fn id_map(text: &str) -> Result<IdMap> {
    let fields: Vec<Option<u32>> = text.split(':').map(|field| field.parse().ok()).collect();
    match fields[..] {
        [Some(inside), Some(outside), Some(count)] if count > 0 => Ok(IdMap { inside, outside, count }),
        _ => Err(Error::usage(format!("'{text}' is no id map"))
            .hint("Give single, subuid or INSIDE:OUTSIDE:COUNT, as in 0:1000:1.")),
    }
}

fn ls(pid: Option<i32>, json: bool) -> Result<i32> {
    let host = list::host().ok_or_else(|| Error::new("cannot read /proc").hint("/proc must be mounted."))?;
    let processes = match pid {
        Some(pid) => vec![list::process(pid).ok_or_else(|| unreadable(pid))?],
        None => list::processes(),
    };
    let namespaces = list::namespaces(&processes, &host);
    if json {
        return output::json(&namespaces).map(|()| 0);
    }
    let header = ["TYPE", "NAMESPACE", "HOST'S", "PROCESSES", "FIRST", "COMMAND"];
    let row = |namespace: &list::Namespace| {
        let first = namespace.processes.first();
        let command: String = first.map(|process| process.command.chars().take(32).collect()).unwrap_or_default();
        let host = if namespace.host { "yes" } else { "no" };
        let pid = first.map(|process| process.pid.to_string()).unwrap_or_default();
        vec![
            namespace.kind.to_owned(),
            namespace.name.clone(),
            host.to_owned(),
            namespace.processes.len().to_string(),
            pid,
            command,
        ]
    };
    let rows: Vec<Vec<String>> =
        std::iter::once(header.map(str::to_owned).to_vec()).chain(namespaces.iter().map(row)).collect();
    output::table(&rows)?;
    let tree = list::tree(&processes, &host);
    if pid.is_none() && !tree.is_empty() {
        output::print(&format!("\nApart from the host:\n{}\n", tree.join("\n")))?;
    }
    Ok(0)
}
