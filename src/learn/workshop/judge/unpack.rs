//! From an image to files: `unpack LAYOUT[:TAG] DIRECTORY`. OCI image specification, layer.md

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Fault, Findings, fault};
use crate::error::{IoContext, Result};
use crate::learn::workshop::layout::{self, Entry, Image};
use crate::learn::workshop::run::{Seen, listing};

/// One image as it should be, one that was damaged, one that is up to no good.
pub fn judge(findings: &mut Findings<'_>) -> Result<()> {
    let (layout, token) = (findings.bench.directory("layout")?, findings.bench.token()?);
    make(&layout, &token)?;
    whole(findings, &layout, &token)?;
    damaged(findings, &layout)?;
    malicious(findings)
}

/// Two images in one layout: one has all that layers can say, the other only bears another name.
fn make(layout: &Path, token: &str) -> Result<()> {
    let lower = layout::archive(&[
        Entry::Directory("etc/"),
        Entry::File("etc/one", token, 0o644),
        Entry::File("etc/two", "lower", 0o644),
        Entry::File("etc/secret", "", 0o4751),
        Entry::Symlink("etc/link", "one"),
        Entry::Link("etc/again", "etc/one"),
        Entry::Owned("etc/owned", 1234, 5678),
        Entry::File("gone", "", 0o644),
        Entry::Directory("hidden/"),
        Entry::File("hidden/a", "", 0o644),
        Entry::Directory("hidden/b/"),
        Entry::File("hidden/b/c", "", 0o644),
        Entry::Directory("swap/"),
        Entry::File("swap/in", "", 0o644),
        Entry::File("plain", "", 0o644),
    ])?;
    let upper = layout::archive(&[
        Entry::File(".wh.gone", "", 0o644),
        Entry::Directory("hidden/"),
        Entry::File("hidden/new", token, 0o644),
        Entry::File("hidden/.wh..wh..opq", "", 0o644),
        Entry::File("swap", token, 0o644),
        Entry::Directory("plain/"),
        Entry::File("plain/in", token, 0o644),
        Entry::File("etc/two", token, 0o644),
    ])?;
    let other = layout::archive(&[Entry::File("other", "", 0o644)])?;
    let other = Image { tag: "other", config: json!({}), layers: &[(&other, false)] };
    let wanted = Image { tag: "wanted", config: json!({}), layers: &[(&lower, false), (&upper, true)] };
    layout::write(layout, &[other, wanted]).map(drop)
}

fn unpacked(findings: &Findings<'_>, layout: &Path, tag: &str, name: &str) -> Result<(Seen, PathBuf)> {
    let directory = findings.bench.directory(name)?;
    let image = format!("{}:{tag}", layout.display());
    let seen = findings.bench.run(&["unpack", &image, &directory.display().to_string()], &[])?;
    Ok((seen, directory))
}

fn whole(findings: &mut Findings<'_>, layout: &Path, token: &str) -> Result<()> {
    let (seen, place) = unpacked(findings, layout, "wanted", "unpacked")?;
    if !findings.finished(&seen)? {
        return Ok(());
    }
    let text = |path: &str| fs::read_to_string(place.join(path)).ok();
    let there = |path: &str| place.join(path).symlink_metadata().ok();
    let is_token = |path: &str| text(path).as_deref() == Some(token);
    let missing = |key, path: &str| fault(key, &[("path", &path)]);
    findings.check(&seen, "tag", there("other").and_then(|_| fault("other", &[])))?;
    let wrong = match (is_token("etc/one"), text("etc/two").as_deref()) {
        (false, _) => missing("none", "etc/one"),
        (true, Some("lower")) => missing("lower", "etc/two"),
        (true, found) if found != Some(token) => missing("none", "etc/two"),
        _ => None,
    };
    findings.check(&seen, "layers", wrong)?;
    let mode = there("etc/secret").map_or(0, |found| found.permissions().mode() & 0o7777);
    let wrong = if mode == 0o4751 { None } else { fault("other", &[("mode", &format!("{mode:04o}"))]) };
    findings.check(&seen, "modes", wrong)?;
    let is_link = fs::read_link(place.join("etc/link")).is_ok_and(|target| target == Path::new("one"));
    let inode = |path: &str| there(path).map(|found| found.ino());
    let is_same = inode("etc/again").is_some() && inode("etc/again") == inode("etc/one");
    let wrong = match (is_link, is_same) {
        (true, true) => None,
        (false, _) => missing("symbolic", "etc/link"),
        (true, false) => missing("hard", "etc/again"),
    };
    findings.check(&seen, "links", wrong)?;
    let wrong = match (there("gone"), there(".wh.gone")) {
        (_, Some(_)) => missing("kept", ".wh.gone"),
        (Some(_), None) => missing("there", "gone"),
        (None, None) => None,
    };
    findings.check(&seen, "whiteout", wrong)?;
    findings.check(&seen, "opaque", opaque(&place, token))?;
    let is_replaced = is_token("swap") && is_token("plain/in");
    let wrong = if is_token("swap") { missing("file", "plain") } else { missing("directory", "swap") };
    findings.check(&seen, "replaced", if is_replaced { None } else { wrong })?;
    if !findings.bench.full {
        return findings.skip_phrase("owners");
    }
    let owner = there("etc/owned").map(|found| (found.uid(), found.gid()));
    let (uid, gid) = owner.unwrap_or_default();
    let wrong = if owner == Some((1234, 5678)) { None } else { fault("other", &[("uid", &uid), ("gid", &gid)]) };
    findings.check(&seen, "owners", wrong)
}

/// What was in the directory is gone; what the layer itself puts there is not.
fn opaque(place: &Path, token: &str) -> Option<Fault> {
    let names = listing(&place.join("hidden"));
    let is_kept = fs::read_to_string(place.join("hidden/new")).is_ok_and(|text| text == token);
    match names.iter().find(|name| !name.starts_with("new")) {
        Some(name) => fault("there", &[("path", &format!("hidden/{name}"))]),
        None if !is_kept => fault("too-much", &[]),
        None => None,
    }
}

/// One byte of a layer is another one.
fn damaged(findings: &mut Findings<'_>, layout: &Path) -> Result<()> {
    let failed = || "cannot damage an image".to_owned();
    let largest = fs::read_dir(layout.join("blobs/sha256")).or_fail(failed)?.flatten().map(|entry| entry.path());
    let largest = largest.max_by_key(|path| path.metadata().map_or(0, |found| found.len())).unwrap_or_default();
    let mut bytes = fs::read(&largest).or_fail(failed)?;
    // In the text of the first file: the archive itself stays readable.
    if let Some(byte) = bytes.get_mut(1024) {
        *byte ^= 1;
    }
    fs::write(&largest, bytes).or_fail(failed)?;
    let (seen, _) = unpacked(findings, layout, "wanted", "damaged")?;
    let wrong = if seen.status() == Some(0) { fault("taken", &[]) } else { None };
    findings.check(&seen, "verified", wrong)
}

/// Layers that lead out of the directory: by a link, by `..`, and to remove something.
fn malicious(findings: &mut Findings<'_>) -> Result<()> {
    let bench = findings.bench;
    let outside = bench.directory("outside")?;
    let failed = || "cannot write a file".to_owned();
    let lower = layout::archive(&[Entry::Symlink("out", &outside.display().to_string())])?;
    let attacks = [
        ("written", Entry::File("out/written", "", 0o644)),
        ("removed", Entry::File("out/.wh.victim", "", 0o644)),
        ("above", Entry::File("../outside/above", "", 0o644)),
    ];
    for (name, attack) in attacks {
        fs::write(outside.join("victim"), "").or_fail(failed)?;
        let upper = layout::archive(&[attack])?;
        let layout = bench.directory(&format!("layout-{name}"))?;
        let image = Image { tag: "bad", config: json!({}), layers: &[(&lower, false), (&upper, false)] };
        layout::write(&layout, &[image])?;
        let (seen, _) = unpacked(findings, &layout, "bad", &format!("into-{name}"))?;
        let found = listing(&outside);
        let key = match name {
            "removed" => "removed",
            _ => "written",
        };
        if found != ["victim (0)"] {
            let what = found.iter().find(|path| !path.starts_with("victim")).cloned().unwrap_or("victim".to_owned());
            return findings.check(&seen, "inside", fault(key, &[("path", &what)]));
        }
        if name == "above" {
            findings.check(&seen, "inside", None)?;
        }
    }
    Ok(())
}
