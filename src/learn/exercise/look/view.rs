//! What a process sees: its hostname, its mounts, its files, the others beside it,
//! who answers it. For some of that one must go where it is. setns(2), mountinfo in proc(5)

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{self, Error};
use crate::kernel::view;
use crate::kernel::{CLONE_NEWNET, CLONE_NEWUSER, CloneFlags, Kernel, echo, euid, maps, proc};
use crate::learn::exercise::scene::{Finding, Look, Scene, Verdict, unknown};
use crate::learn::exercise::vocabulary::{File, HOST, Hostname, Me, Mount, ProcessesSeen, Reaches, Who};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asked for in its UTS namespace: no file says it.
pub fn hostname(scene: &Scene<'_>, claim: &Hostname) -> Look {
    let pid = scene.pid(&claim.of)?;
    let found = super::hostname_of(scene.k, pid).map_err(unknown)?;
    Ok(match (&claim.is, &claim.is_not) {
        (Some(is), _) => Finding::of(found == *is, &found, is),
        (None, Some(other)) => {
            Finding::of(found != *other, &found, scene.say("checks.another_than", &[("what", other)]))
        }
        (None, None) => Finding::of(false, found, ""),
    })
}

/// An echo request that is sent from its network namespace is answered.
pub fn reaches(scene: &Scene<'_>, claim: &Reaches) -> Look {
    let pid = scene.pid(&claim.of)?;
    let address = claim.address;
    let ask = || {
        let answered = echo::answers(address, PATIENCE);
        answered.map(|answered| answered.to_string()).map_err(|error| Error::io("cannot send a packet", &error))
    };
    let answered = there(scene.k, pid, "net", CLONE_NEWNET, ask).map_err(unknown)? == "true";
    let text = scene.say(if answered { "checks.answered" } else { "checks.unanswered" }, &[("address", &address)]);
    Ok(Finding::of(answered, text, scene.say("checks.answered", &[("address", &address)])))
}

/// Does something in a namespace of a process; a child goes there, unless it is ours.
/// An ordinary user must enter the user namespace first: there it is somebody.
pub(super) fn there(
    k: &Kernel,
    pid: i32,
    kind: &str,
    flag: CloneFlags,
    work: impl FnOnce() -> error::Result<String>,
) -> error::Result<String> {
    let is_ours = |kind| {
        let theirs = proc::namespace(&pid.to_string(), kind);
        theirs.is_ok_and(|theirs| proc::namespace("self", kind).is_ok_and(|ours| theirs == ours))
    };
    if is_ours(kind) {
        return work();
    }
    let flags = if maps::privileged() || is_ours("user") { flag } else { flag | CLONE_NEWUSER };
    k.found_by("visitor", |k| {
        let process = k.pidfd_open(pid)?;
        k.setns(&process, flags)?;
        work()
    })
}

/// The topmost mount at a place.
pub fn mount(scene: &Scene<'_>, claim: &Mount) -> Look {
    let pid = scene.pid(&claim.of)?;
    let mounts = if claim.of == HOST { proc::mounts("self") } else { proc::mounts(&pid.to_string()) };
    let mounts = mounts.map_err(unknown)?;
    let at = scene.path(&claim.at);
    let found = mounts.iter().rfind(|mount| mount.point == at);
    let wanted = [claim.kind.clone(), claim.propagation.clone(), claim.source.clone()];
    let wanted: Vec<String> = wanted.into_iter().flatten().chain(claim.options.iter().cloned()).collect();
    let expected = if claim.absent {
        scene.say("checks.no_mount", &[])
    } else {
        let what = if wanted.is_empty() { scene.say("checks.any_mount", &[]) } else { wanted.join(" ") };
        scene.say("checks.mounted", &[("what", &what), ("at", &at.display())])
    };
    let Some(mount) = found else {
        return Ok(Finding::of(claim.absent, scene.say("checks.no_mount", &[]), expected));
    };
    let propagation = match &mount.propagation {
        text if text.contains("shared") => "shared",
        text if text.contains("master") => "slave",
        _ => "private",
    };
    let has = |option: &str| mount.options.split(',').chain(mount.super_options.split(',')).any(|has| has == option);
    // What is mounted read-only in one place is rw as a filesystem, and no one can write there.
    let has = |option: &String| if option == "rw" { !has("ro") } else { has(option) };
    let is_right = !claim.absent
        && claim.kind.as_ref().is_none_or(|kind| *kind == mount.kind)
        && claim.source.as_ref().is_none_or(|source| *source == mount.source)
        && claim.propagation.as_ref().is_none_or(|wanted| wanted == propagation)
        && claim.options.iter().all(has);
    let what = format!("{} {} {propagation} {} ({})", mount.kind, mount.source, mount.options, mount.super_options);
    let text = scene.say("checks.mounted", &[("what", &what), ("at", &at.display())]);
    Ok(Finding::of(is_right, text, expected))
}

/// How many processes its /proc shows.
pub fn processes_seen(scene: &Scene<'_>, claim: &ProcessesSeen) -> Look {
    let pid = scene.pid(&claim.of)?;
    let names = view::names(&root(pid), Path::new("/proc")).map_err(unknown)?;
    let found = names.iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).count();
    let count = |count: usize| scene.say("checks.processes", &[("count", &count)]);
    let expected = scene.say("checks.at_most", &[("value", &count(claim.at_most))]);
    Ok(Finding::of((1..=claim.at_most).contains(&found), count(found), expected))
}

fn root(pid: i32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/root"))
}

/// A file, in the learner's directory or as a process sees it.
pub fn file(scene: &Scene<'_>, claim: &File) -> Look {
    let root = match claim.of.as_deref() {
        None | Some(HOST) => PathBuf::from("/"),
        Some(of) => root(scene.pid(of)?),
    };
    let path = scene.path(&claim.path);
    let metadata = match view::metadata(&root, &path) {
        Ok(metadata) => Some(metadata),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
        Err(error) => return Err(unknown(error)),
    };
    let there =
        |there: bool| scene.say(if there { "checks.file" } else { "checks.no_file" }, &[("path", &path.display())]);
    let Some(metadata) = metadata else {
        let expected = if claim.absent { there(false) } else { expected(scene, claim).unwrap_or_else(|| there(true)) };
        return Ok(Finding::of(claim.absent, there(false), expected));
    };
    if claim.absent {
        return Ok(Finding::of(false, there(true), there(false)));
    }
    let wrong = properties(scene, claim, &metadata).or(content(scene, claim, &root, &path)?);
    Ok(wrong.unwrap_or_else(|| {
        let expected = expected(scene, claim).unwrap_or_else(|| there(true));
        Finding::of(true, expected.clone(), expected)
    }))
}

/// What is wanted of its content, in words.
fn expected(scene: &Scene<'_>, claim: &File) -> Option<String> {
    let part = |part: &String| scene.say("checks.containing", &[("what", part)]);
    claim.is.clone().or_else(|| claim.contains.as_ref().map(part)).or_else(|| claim.mode.clone())
}

fn properties(scene: &Scene<'_>, claim: &File, metadata: &Metadata) -> Option<Finding> {
    let found = metadata.permissions().mode() & 0o7777;
    let wrong_mode = claim.mode.as_ref().filter(|wanted| u32::from_str_radix(wanted, 8) != Ok(found));
    let mode = wrong_mode.map(|wanted| Finding::of(false, format!("{found:04o}"), wanted));
    let owner = claim.owner.as_ref().map(|who| match who {
        Who::Number(number) => *number,
        Who::Me(Me::Me) => euid(),
    });
    let owned_by = |uid: u32| scene.say("checks.owner", &[("uid", &uid)]);
    let wrong_owner = owner.filter(|wanted| *wanted != metadata.uid());
    mode.or_else(|| wrong_owner.map(|wanted| Finding::of(false, owned_by(metadata.uid()), owned_by(wanted))))
}

fn content(scene: &Scene<'_>, claim: &File, root: &Path, path: &Path) -> Result<Option<Finding>, Verdict> {
    if claim.is.is_none() && claim.contains.is_none() {
        return Ok(None);
    }
    let text = match view::text(root, path) {
        Ok(text) => text,
        Err(error) if error.raw_os_error() == Some(crate::kernel::errno::EINVAL) => {
            return Ok(Some(Finding::of(
                false,
                scene.say("checks.no_text", &[]),
                expected(scene, claim).unwrap_or_default(),
            )));
        }
        Err(error) => return Err(unknown(error)),
    };
    let is_right = claim.is.as_ref().is_none_or(|is| text.trim() == is.trim())
        && claim.contains.as_ref().is_none_or(|part| text.contains(part));
    let shown = shown(scene, &text);
    Ok((!is_right).then(|| Finding::of(false, shown, expected(scene, claim).unwrap_or_default())))
}

/// The first line of a text, as far as it fits in a sentence.
pub fn shown(scene: &Scene<'_>, text: &str) -> String {
    let mut lines = text.trim().lines();
    let first = lines.next().unwrap_or_default();
    if first.is_empty() {
        return scene.say("checks.nothing", &[]);
    }
    let cut: String = first.chars().take(60).collect();
    if cut.len() < first.len() || lines.next().is_some() { format!("{cut} ...") } else { cut }
}

/// Makes an I/O error of what is not there.
pub fn read(path: &Path) -> io::Result<String> {
    view::text(Path::new("/"), path)
}
