//! `boxlab mount`: the files that a container sees, mount by mount.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::context::Context;
use super::image;
use super::lab::{Common, DONE, Lab};
use crate::catalog::{about, after_help};
use crate::error::{IoContext, Result};
use crate::image::locks::Held;
use crate::kernel::{Child, Kernel};
use crate::ledger::Item;
use crate::primitives::mount::overlay::Layers;
use crate::primitives::mount::{bind, overlay, pivot, proc, propagation, readonly, tmpfs};
use crate::primitives::ns::{mnt, pid};

/// Mounts: the files that a process sees
#[derive(Debug, Subcommand)]
pub enum Mount {
    #[command(about = about("mount bind"), after_help = after_help("mount bind"))]
    Bind {
        /// The directory to show again [default: one of the lab's own]
        #[arg(requires = "target")]
        source: Option<PathBuf>,
        /// Where to show it [default: one of the lab's own]
        target: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("mount tmpfs"), after_help = after_help("mount tmpfs"))]
    Tmpfs {
        /// Where to mount it [default: a directory of the lab's own]
        target: Option<PathBuf>,
        /// Its limit, as in tmpfs(5)
        #[arg(long, default_value = "1m")]
        size: String,
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("mount proc"), after_help = after_help("mount proc"))]
    Proc {
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("mount overlay"), after_help = after_help("mount overlay"))]
    Overlay {
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("mount propagation"), after_help = after_help("mount propagation"))]
    Propagation {
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("mount readonly"), after_help = after_help("mount readonly"))]
    Readonly {
        #[command(flatten)]
        common: Common,
    },
    #[command(about = about("mount pivot"), after_help = after_help("mount pivot"))]
    Pivot {
        /// The new root [default: the host image]
        #[arg(long, value_name = "DIR")]
        rootfs: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
}

impl Mount {
    /// Runs one of them.
    pub fn run(self, context: &Context) -> Result<i32> {
        match self {
            Self::Bind { source, target, common } => {
                common.lab(context, "mount bind", |lab| lab_bind(lab, source.as_deref(), target.as_deref()))
            }
            Self::Tmpfs { target, size, common } => {
                common.lab(context, "mount tmpfs", |lab| lab_tmpfs(lab, target.as_deref(), &size))
            }
            Self::Proc { common } => common.lab(context, "mount proc", lab_proc),
            Self::Overlay { common } => common.lab(context, "mount overlay", lab_overlay),
            Self::Propagation { common } => common.lab(context, "mount propagation", lab_propagation),
            Self::Readonly { common } => common.lab(context, "mount readonly", lab_readonly),
            Self::Pivot { rootfs, common } => {
                let (root, in_use) = Root::choose(context, rootfs)?;
                common.lab_in_root(context, "mount pivot", |lab| lab_pivot(lab, &root, in_use))
            }
        }
    }
}

/// A mount namespace of the child's own, before anything is mounted.
fn in_own_namespace(k: &Kernel, demonstrate: impl FnOnce(&Kernel) -> Result<()>) -> Result<()> {
    mnt::isolate(k)?;
    demonstrate(k)
}

/// Directories of the lab's own, by name.
fn directories<const N: usize>(lab: &Lab<'_>, names: [&str; N]) -> Result<[PathBuf; N]> {
    let scratch = lab.scratch()?;
    let paths = names.map(|name| scratch.join(name));
    for path in &paths {
        if !lab.k.plans() {
            std::fs::create_dir_all(path).or_fail(|| format!("cannot make {}", path.display()))?;
        }
    }
    Ok(paths)
}

fn lab_bind(lab: &Lab<'_>, source: Option<&Path>, target: Option<&Path>) -> Result<i32> {
    let own = directories(lab, ["source", "target"])?;
    let [source, target] = [source.unwrap_or(&own[0]), target.unwrap_or(&own[1])];
    lab.isolate(
        |k| in_own_namespace(k, |k| bind::demonstrate(k, source, target)),
        |k, _| {
            bind::outside(k, source, target);
            Ok(())
        },
    )
}

fn lab_tmpfs(lab: &Lab<'_>, target: Option<&Path>, size: &str) -> Result<i32> {
    let [own] = directories(lab, ["tmpfs"])?;
    let target = target.unwrap_or(&own);
    lab.isolate(|k| in_own_namespace(k, |k| tmpfs::demonstrate(k, target, size)), |_, _| Ok(()))
}

fn lab_proc(lab: &Lab<'_>) -> Result<i32> {
    let [target] = directories(lab, ["proc"])?;
    let first = |k: &Kernel| in_own_namespace(k, |k| proc::demonstrate(k, &target));
    lab.isolate_children(pid::isolate, first, |_, _| Ok(()))
}

fn lab_overlay(lab: &Lab<'_>) -> Result<i32> {
    let [lower, upper, work, merged] = directories(lab, ["lower", "upper", "work", "merged"])?;
    if !lab.k.plans() {
        furnish(&lower)?;
    }
    let userxattr = lab.in_user_namespace();
    let layers = Layers { lower: vec![lower], upper, work, links: PathBuf::new(), userxattr };
    lab.isolate(
        |k| in_own_namespace(k, |k| overlay::demonstrate(k, &layers, &merged)),
        |k, _| {
            overlay::outside(k, &layers);
            Ok(())
        },
    )
}

/// The files of the lab's image.
fn furnish(lower: &Path) -> Result<()> {
    let write = |name: &str| std::fs::write(lower.join(name), format!("{name}, from below\n"));
    let made = std::fs::create_dir(lower.join("directory"))
        .and_then(|()| ["read-me", "change-me", "delete-me", "directory/old"].iter().try_for_each(|name| write(name)));
    made.or_fail(|| format!("cannot furnish {}", lower.display()))
}

fn lab_propagation(lab: &Lab<'_>) -> Result<i32> {
    let [left, right] = directories(lab, ["left", "right"])?;
    lab.isolate(|k| in_own_namespace(k, |k| propagation::demonstrate(k, &left, &right)), |_, _| Ok(()))
}

fn lab_readonly(lab: &Lab<'_>) -> Result<i32> {
    let [source, target] = directories(lab, ["source/beneath", "target"])?;
    let source = source.parent().unwrap_or(&source).to_owned();
    lab.isolate(|k| in_own_namespace(k, |k| readonly::demonstrate(k, &source, &target)), |_, _| Ok(()))
}

/// Two children: one leaves its chroot, the other can't leave its pivot.
fn lab_pivot(lab: &Lab<'_>, root: &Root, in_use: Option<(String, Held)>) -> Result<i32> {
    let [shown] = directories(lab, ["root"])?;
    if let Some((image, held)) = in_use {
        // What is written down can't be removed; until then, nothing can.
        lab.record(|_| Item::Image(image))?;
        drop(held);
    }
    let in_root = |k: &Kernel, demonstrate: fn(&Kernel, &Path) -> Result<()>| {
        mnt::isolate(k)?;
        match root {
            Root::Own(directory) => demonstrate(k, directory),
            Root::Shared(layer) => {
                k.step("Take the host image as a root, read-only: others use it too");
                bind::bind(k, layer, &shown, false)?;
                readonly::remount(k, &shown)?;
                demonstrate(k, &shown)
            }
        }
    };
    let child: Child = lab.start(|k| {
        in_root(k, pivot::escape_from_chroot)?;
        k.gate(DONE)
    })?;
    lab.watch(child, |_, _| Ok(()))?;
    lab.isolate(|k| in_root(k, pivot::try_to_escape_from_pivot), |_, _| Ok(()))
}

/// The new root of `mount pivot`.
enum Root {
    /// A directory of the user's.
    Own(PathBuf),
    /// A layer of an image.
    Shared(PathBuf),
}

impl Root {
    /// With the ID of the image, which is held until that is written down.
    fn choose(context: &Context, rootfs: Option<PathBuf>) -> Result<(Self, Option<(String, Held)>)> {
        let Some(directory) = rootfs else {
            let image = image::host(context)?;
            let layer = image.layers().into_iter().next().unwrap_or_default();
            return Ok((Self::Shared(layer), Some((image.id, image::share(context)?))));
        };
        let found = directory.canonicalize().or_fail(|| format!("cannot use {} as a root", directory.display()))?;
        Ok((Self::Own(found), None))
    }
}
