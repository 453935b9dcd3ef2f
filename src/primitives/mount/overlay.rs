//! Overlay: read-only layers below, one writable layer above, shown as one.
//!
//! It copies a file up when it is first changed, and hides a deleted one behind a
//! whiteout. kernel: Documentation/filesystems/overlayfs.rst

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::kernel::{Kernel, MsFlags, proc};

/// The directories of one overlay.
#[derive(Debug, Clone)]
pub struct Layers {
    /// The layers below, the lowest first. Never changed.
    pub lower: Vec<PathBuf>,
    /// Takes every change.
    pub upper: PathBuf,
    /// overlayfs's own workshop, on the filesystem of `upper`.
    pub work: PathBuf,
    /// Where each layer below has its place in the order, from 0, as a short name.
    pub links: PathBuf,
    /// Mark with `user.` attributes: a user namespace may not set `trusted.` ones.
    pub userxattr: bool,
}

/// Bytes of options that mount(2) takes: a page with a zero at its end.
const LONGEST: usize = 4095;

/// Mounts the layers as one tree at `target`.
pub fn mount(k: &Kernel, layers: &Layers, target: &Path) -> Result<()> {
    let mut all = options(layers, |_, path| escaped(path));
    if needs_links(layers) {
        k.step("The paths of so many layers fill more than a page: use short names");
        k.chdir(&layers.links)?;
        all = options(layers, |place, _| place.to_string());
    }
    k.mount(Some(OsStr::new("overlay")), target, Some("overlay"), MsFlags::empty(), Some(&all))
}

/// True if the layers can only be mounted by their `links`.
pub fn needs_links(layers: &Layers) -> bool {
    options(layers, |_, path| escaped(path)).len() > LONGEST
}

/// `lowerdir` names the topmost first; `:` separates, so paths escape it.
fn options(layers: &Layers, name: impl Fn(usize, &Path) -> String) -> OsString {
    let lower: Vec<String> = layers.lower.iter().enumerate().rev().map(|(place, path)| name(place, path)).collect();
    let (upper, work) = (escaped(&layers.upper), escaped(&layers.work));
    let userxattr = if layers.userxattr { ",userxattr" } else { "" };
    format!("lowerdir={},upperdir={upper},workdir={work}{userxattr}", lower.join(":")).into()
}

fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "\\\\").replace(':', "\\:").replace(',', "\\,")
}

/// Lab: read, change, create, delete, replace; after each, all layers as a picture.
pub fn demonstrate(k: &Kernel, layers: &Layers, merged: &Path) -> Result<()> {
    k.step("Put a writable layer above a read-only one, and show them as one");
    mount(k, layers, merged)?;
    picture(k, layers, merged);

    k.step("Read a file: it comes from below, nothing is copied");
    k.read_to_string(&merged.join("read-me"))?;

    k.step("Change a file: it is copied up first, then changed there");
    k.append(&merged.join("change-me"), "changed above\n")?;
    picture(k, layers, merged);

    k.step("Create a file: it exists only above");
    k.put(&merged.join("new"), "born above\n")?;

    hide(k, merged)?;
    picture(k, layers, merged);
    Ok(())
}

/// Lab: what is deleted above must be hidden below.
fn hide(k: &Kernel, merged: &Path) -> Result<()> {
    k.step("Delete one: a whiteout (device 0,0) above hides it below");
    k.unlink(&merged.join("delete-me"))?;

    k.step("Replace a directory: marked opaque, it hides all of the old one");
    k.unlink(&merged.join("directory/old"))?;
    k.rmdir(&merged.join("directory"))?;
    k.mkdir(&merged.join("directory"), 0o755)
}

/// Host: the layer below is as it was; the changes lie in the layer above.
pub fn outside(k: &Kernel, layers: &Layers) {
    k.step("Look from outside: below nothing has changed");
    let below = layers.lower.first().cloned().unwrap_or_default();
    k.show("the layer below", || proc::tree(&below));
    k.show("the layer above: all that this container changed", || proc::tree(&layers.upper));
}

fn picture(k: &Kernel, layers: &Layers, merged: &Path) {
    k.show("what is seen, and where it comes from", || {
        let lower = layers.lower.first().map(|lower| proc::tree(lower)).unwrap_or_default();
        columns(&proc::tree(merged), &proc::tree(&layers.upper), &lower)
    });
}

/// Three trees side by side: merged, upper, lower.
fn columns(merged: &[String], upper: &[String], lower: &[String]) -> Vec<String> {
    let name = |entry: &String| entry.split(' ').next().unwrap_or_default().to_owned();
    let mut names: Vec<String> = merged.iter().chain(upper).chain(lower).map(name).collect();
    names.sort();
    names.dedup();
    let cell = |tree: &[String], wanted: &str| {
        tree.iter().find(|entry| name(entry) == wanted).cloned().unwrap_or_else(|| "-".to_owned())
    };
    let row = |[a, b, c]: [&str; 3]| format!("{a:<18} {b:<26} {c}").trim_end().to_owned();
    let head = row(["merged", "upper (writable)", "lower (read-only)"]);
    let rows = names.iter().map(|name| row([&cell(merged, name), &cell(upper, name), &cell(lower, name)]));
    std::iter::once(head).chain(rows).collect()
}
