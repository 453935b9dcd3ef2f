//! `boxlab security`: what root in a container may not do.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::context::Context;
use super::lab::{Common, DONE, Lab};
use super::seccomp::Seccomp;
use crate::catalog::{about, after_help};
use crate::error::{Error, Result};
use crate::kernel::limits::Limit;
use crate::kernel::lsm::{Labels, SECURITYFS, active, profile_is_loaded};
use crate::kernel::{CapSet, Kernel, MsFlags, maps, proc, program_path};
use crate::ledger::Item;
use crate::primitives::mount::tmpfs;
use crate::primitives::ns::mnt;
use crate::primitives::security::{ambient, bounding, caps, landlock, lsm, no_new_privs, rlimit, userns};

/// A user that is not root, in every user namespace that has more than one.
const OTHER: u32 = 1;

/// Security: what root in a container may not do
#[derive(Debug, Subcommand)]
pub enum Security {
    #[command(about = about("security caps"), after_help = after_help("security caps"))]
    Caps {
        /// Capabilities to lay down besides; ALL is all
        #[arg(long, value_name = "CAP", value_delimiter = ',')]
        drop: Vec<String>,
        /// Capabilities to keep [default: the 14 of a container]
        #[arg(long, value_name = "CAP", value_delimiter = ',')]
        keep: Vec<String>,
        /// The capability that another user's program shall keep
        #[arg(long, value_name = "CAP", default_value = "NET_BIND_SERVICE")]
        ambient: String,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("security no-new-privs"), after_help = after_help("security no-new-privs"))]
    NoNewPrivs {
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("security rlimit"), after_help = after_help("security rlimit"))]
    Rlimit {
        /// Limits, as for `docker run --ulimit` [default: nofile=64:128 fsize=65536:131072]
        #[arg(value_name = "NAME=SOFT:HARD")]
        limits: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("security landlock"), after_help = after_help("security landlock"))]
    Landlock {
        /// Allow reading and running beneath this path, besides the system's own
        #[arg(long, value_name = "PATH")]
        read: Vec<PathBuf>,
        /// Allow writing beneath this path, too
        #[arg(long, value_name = "PATH")]
        write: Vec<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("security lsm"), after_help = after_help("security lsm"))]
    Lsm {
        /// Run the program under this AppArmor profile [default: one for containers]
        #[arg(long, value_name = "PROFILE", conflicts_with = "label")]
        apparmor: Option<String>,
        /// Run the program with this SELinux context
        #[arg(long, value_name = "LABEL")]
        label: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("security seccomp"), after_help = after_help("security seccomp"))]
    Seccomp(Seccomp),
    #[command(about = about("security userns"), after_help = after_help("security userns"))]
    Userns {
        #[command(flatten)]
        common: Common,
    },
}

impl Security {
    /// Runs one of them.
    pub fn run(self, context: &Context) -> Result<i32> {
        match self {
            Self::Caps { drop, keep, ambient, common } => {
                let keep = if keep.is_empty() { caps::DEFAULT } else { capabilities(&keep)? };
                let keep = keep.minus(capabilities(&drop)?);
                let ambient = single(&ambient)?;
                common.lab(context, "security caps", |lab| lab_caps(lab, keep, ambient))
            }
            Self::NoNewPrivs { common } => common.lab(context, "security no-new-privs", lab_no_new_privs),
            Self::Rlimit { limits, common } => {
                let limits = choose_limits(&limits)?;
                common.lab(context, "security rlimit", |lab| lab_rlimit(lab, &limits))
            }
            Self::Landlock { read, write, common } => {
                common.lab(context, "security landlock", |lab| lab_landlock(lab, read, write))
            }
            Self::Lsm { apparmor, label, common } => {
                let wanted = apparmor.map(|name| (Labels::AppArmor, name));
                let wanted = wanted.or_else(|| label.map(|label| (Labels::Selinux, label)));
                common.lab(context, "security lsm", |lab| lab_lsm(lab, wanted))
            }
            Self::Seccomp(command) => command.run(context),
            Self::Userns { common } => common.lab(context, "security userns", lab_userns),
        }
    }
}

fn capabilities(names: &[String]) -> Result<CapSet> {
    names.iter().try_fold(CapSet::EMPTY, |set, name| Ok(set.union(CapSet::from_name(name)?)))
}

fn single(name: &str) -> Result<u8> {
    let set = CapSet::from_name(name)?;
    let mut numbers = set.iter();
    match (numbers.next(), numbers.next()) {
        (Some(number), None) => Ok(number),
        _ => Err(Error::usage("--ambient takes one capability").hint("As in --ambient NET_BIND_SERVICE.")),
    }
}

fn lab_caps(lab: &Lab<'_>, keep: CapSet, ambient: u8) -> Result<i32> {
    let status = lab.tool(&["cat", "/proc/self/status"])?;
    let others = lab.has_other_users();
    let inside = |k: &Kernel| {
        bounding::look(k, "root's capabilities, by set");
        bounding::prepare(k)?;
        bounding::try_out(k)?;
        if others {
            ambient::demonstrate(k, ambient, OTHER, &status)?;
        } else {
            k.step("Only one id is mapped here: the ambient set needs another user");
        }
        bounding::lay_down_in_vain(k, keep, &status)?;
        k.part("bounding", |k| caps::bound(k, keep))?;
        k.part("capset", |k| caps::settle(k, keep))?;
        bounding::look(k, "root's capabilities, by set");
        bounding::try_out(k)?;
        bounding::exec_as_root(k, &status)
    };
    lab.isolate(inside, |_, _| Ok(()))
}

fn lab_no_new_privs(lab: &Lab<'_>) -> Result<i32> {
    let status = lab.tool(&["cat", "/proc/self/status"])?;
    let directory = lab.scratch()?;
    let others = lab.has_other_users();
    let inside = |k: &Kernel| {
        if others {
            mnt::isolate(k)?;
            k.step("A filesystem that no one else can reach, for a dangerous file");
            tmpfs::mount(k, &directory, MsFlags::empty(), "size=64m,mode=0755")?;
            no_new_privs::demonstrate(k, &directory, &status, OTHER)?;
            no_new_privs::clear(k, &directory)?;
        } else {
            k.step("Only one id is mapped here: setuid has nobody else to make you");
        }
        no_new_privs::set(k)
    };
    lab.isolate(inside, |_, _| Ok(()))
}

fn choose_limits(texts: &[String]) -> Result<Vec<Limit>> {
    let default = ["nofile=64:128", "fsize=65536:131072"].map(str::to_owned);
    let texts = if texts.is_empty() { &default } else { texts };
    texts.iter().map(|text| Limit::parse(text)).collect()
}

fn lab_rlimit(lab: &Lab<'_>, limits: &[Limit]) -> Result<i32> {
    limits.iter().try_for_each(Limit::check)?;
    let file = lab.scratch()?.join("file");
    let child = lab.start_with(None, |k| {
        rlimit::demonstrate(k, limits, &file)?;
        lab.become_program(k)
    })?;
    lab.watch(child, |_, _| Ok(()))
}

fn lab_landlock(lab: &Lab<'_>, read: Vec<PathBuf>, write: Vec<PathBuf>) -> Result<i32> {
    let [inside, outside] = ["inside", "outside"].map(|name| lab.scratch_for_anyone(name));
    let (inside, outside) = (inside?, outside?);
    let program = lab.program_file()?;
    let covers = |paths: &[PathBuf]| {
        let covers = |path: &PathBuf| path.canonicalize().is_ok_and(|path| outside.starts_with(path));
        paths.iter().any(covers)
    };
    let left = match (covers(&write), covers(&read)) {
        (true, _) => landlock::Left::Writing,
        (_, true) => landlock::Left::Reading,
        _ => landlock::Left::Nothing,
    };
    let rules = landlock::Rules {
        read: landlock::system(program).into_iter().chain(read).collect(),
        write: [inside.clone()].into_iter().chain(write).collect(),
    };
    let child = lab.start_with(None, |k| {
        landlock::demonstrate(k, &rules, &inside, &outside, left)?;
        lab.become_program(k)
    })?;
    lab.watch(child, |_, _| Ok(()))
}

/// A label for the program, and whether the profile is the lab's own.
struct Wanted {
    module: Labels,
    label: String,
    own: bool,
}

fn lab_lsm(lab: &Lab<'_>, asked: Option<(Labels, String)>) -> Result<i32> {
    let wanted = match asked {
        Some((module, label)) => Some(available(module, label)?),
        None => own_profile(lab)?,
    };
    let own_label = lab.tool(&["cat", "/proc/self/attr/current"])?;
    let denied = lab.tool(&["cat", "/sys/kernel/security/apparmor/profiles"])?;
    let labels = Labels::AppArmor.active() || Labels::Selinux.active();
    let mounted = proc::exists(&Path::new(SECURITYFS).join("lsm"));
    let child = lab.start_with(None, |k| {
        if !mounted && maps::privileged() && maps::on_the_host() {
            mnt::isolate(k)?;
            lsm::securityfs(k)?;
        }
        lsm::look(k);
        match &wanted {
            Some(wanted) => {
                lsm::run_labelled(k, wanted.module, &wanted.label, &own_label)?;
                if wanted.own {
                    lsm::run_denied(k, &wanted.label, &denied)?;
                }
                lsm::label(k, wanted.module, &wanted.label)?;
            }
            None => lsm::without(k, labels),
        }
        lab.become_program(k)
    })?;
    lab.watch(child, |_, _| Ok(()))
}

/// Refuses a label that nothing here would read.
fn available(module: Labels, label: String) -> Result<Wanted> {
    let name = module.name();
    if !module.active() {
        let modules = active().map_or_else(String::new, |modules| format!("At work here: {}. ", modules.join(", ")));
        return Err(Error::new(format!("{name} is not at work here, so '{label}' means nothing")).hint(format!(
            "{modules}A kernel that was built with {name}\nstarts it by the boot parameter security={}. Landlock needs no\npolicy of the host: boxlab security landlock",
            name.to_lowercase()
        )));
    }
    if module == Labels::AppArmor && label != "unconfined" && profile_is_loaded(&label) == Some(false) {
        return Err(Error::new(format!("AppArmor has no profile '{label}'"))
            .hint("`aa-status` lists those that are loaded; `apparmor_parser -r FILE` loads one."));
    }
    Ok(Wanted { module, label, own: false })
}

/// Where AppArmor is at work and this user may load one: a profile for this run.
fn own_profile(lab: &Lab<'_>) -> Result<Option<Wanted>> {
    let can_load = maps::privileged() && maps::on_the_host() && program_path("apparmor_parser").is_some();
    // The list can be read where securityfs is mounted.
    if !(Labels::AppArmor.active() && can_load && profile_is_loaded("").is_some()) {
        return Ok(None);
    }
    let file = lab.scratch()?.join("profile");
    let mut name = "boxlab".to_owned();
    lab.record(|id| {
        name = format!("boxlab-{id}");
        Item::Profile(name.clone())
    })?;
    lsm::load(&lab.k, &name, &file)?;
    Ok(Some(Wanted { module: Labels::AppArmor, label: name, own: true }))
}

fn lab_userns(lab: &Lab<'_>) -> Result<i32> {
    let path = lab.scratch_for_anyone("userns")?;
    let directory = userns::prepare(&lab.k, &path)?;
    let root = maps::privileged() && maps::on_the_host();
    if root {
        let child = lab.start_with(None, |k| {
            userns::contain(k)?;
            userns::act(k, &directory, "without", true)?;
            k.gate(DONE)
        })?;
        lab.watch(child, |k, child| {
            userns::outside(k, child.pid, &path);
            Ok(())
        })?;
    } else {
        lab.k.step("Without a user namespace only root can start one: not you");
    }
    let maps = if root { Some(maps::range_for_root()) } else { maps::needed() };
    let others = !root && lab.has_other_users();
    let child = lab.start_with(maps.as_ref(), |k| {
        userns::contain(k)?;
        // An ordinary user's root is that user; root's is an id that nobody has.
        userns::act(k, &directory, "with", !root)?;
        if others {
            userns::act_as(k, OTHER, &directory, "with-another")?;
        }
        lab.become_program(k)
    })?;
    lab.watch(child, |k, child| {
        userns::outside(k, child.pid, &path);
        Ok(())
    })
}
