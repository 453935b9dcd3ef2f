//! `boxlab explain`: what isolates a process, whoever made it.

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::output;
use super::page::Page;
use crate::error::{Error, Result};
use crate::explain::aspect::Grade;
use crate::explain::files::{Bind, Files, Outside, Whose};
use crate::explain::guards::RULING;
use crate::explain::judge;
use crate::explain::limits::Measure;
use crate::explain::verdict::{Finding, Verdict};
use crate::explain::{Kind, Portrait};
use crate::kernel::capability::{CAPABILITIES, name};
use crate::kernel::maps::IdMap;
use crate::kernel::{CapSet, nearest, proc, user_name};
use crate::ledger;

/// What isolates a process: any process, whoever made it
#[derive(Debug, Args)]
#[command(after_help = "See: namespaces(7), cgroups(7), capabilities(7), proc(5)\n\
The same in a shell: ls -l /proc/PID/ns; cat /proc/PID/{status,cgroup,mountinfo}")]
pub struct Explain {
    /// A process, or a running container of boxlab's by name or ID [default: the shell that asks]
    #[arg(value_name = "PID|CONTAINER")]
    target: Option<String>,
    /// `text` or `json`
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

/// The whole answer, for programs.
#[derive(Serialize)]
struct Explained<'p> {
    #[serde(flatten)]
    portrait: &'p Portrait,
    verdict: &'p Verdict,
}

impl Explain {
    /// Looks and tells.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let pid = match &self.target {
            Some(target) => find(context, target)?,
            None => proc::parent_pid(),
        };
        let portrait = Portrait::of(pid)?;
        let verdict = Verdict::on(&portrait);
        if self.format == "json" {
            return output::json(&Explained { portrait: &portrait, verdict: &verdict }).map(|()| 0);
        }
        context.color_the_result();
        output::print(&page(&portrait, &verdict)).map(|()| 0)
    }
}

/// The process that a user means: a number, or a container's name or identifier.
pub fn find(context: &Context, target: &str) -> Result<i32> {
    let number = target.parse::<i32>().ok().filter(|pid| *pid > 0);
    if let Some(pid) = number.filter(|pid| proc::start_time(*pid).is_some()) {
        return Ok(pid);
    }
    if let Some(process) = ledger::running(&context.paths, target)? {
        return Ok(process.pid);
    }
    // A zombie has no start time; whoever is not there at all is told so.
    number.ok_or_else(|| {
        let error = Error::new(format!("there is no process and no running container '{target}'"));
        let names = ledger::names(&context.paths);
        match nearest(target, names.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("Did you mean '{near}'?")),
            None => error.hint("Give the number of a process (`ps -e` lists them), or the name or ID of a container\nthat this user has started with `boxlab run`."),
        }
    })
}

fn page(portrait: &Portrait, verdict: &Verdict) -> String {
    let mut page = Page::new();
    let thread = portrait.thread_of.map(|group| format!(", a thread of {group}")).unwrap_or_default();
    page.title(&format!("Process {}{thread}", portrait.pid), &portrait.command);
    if portrait.kind == Kind::Process {
        identity(&mut page, portrait);
        namespaces(&mut page, portrait);
        user_namespace(&mut page, portrait);
        files(&mut page, portrait);
        limits(&mut page, portrait);
        capabilities(&mut page, portrait, verdict);
        guards(&mut page, portrait);
    }
    conclude(&mut page, portrait, verdict);
    page.finish()
}

fn named(uid: u32) -> String {
    user_name(uid).map_or_else(|| uid.to_string(), |name| format!("{name} ({uid})"))
}

fn identity(page: &mut Page, portrait: &Portrait) {
    let identity = &portrait.identity;
    let (uid, gid) = (identity.uid, identity.gid);
    let mut user = format!("{}, group {}", named(uid.effective), gid.effective);
    if portrait.namespaces.is_hosts("user") == Some(false) {
        let inner = |id: Option<u32>| id.map_or_else(|| "unmapped".to_owned(), |id| id.to_string());
        let inside = &identity.user_namespace;
        user = format!("uid {}, gid {} inside; {user} outside", inner(inside.uid), inner(inside.gid));
    }
    page.line("user", &user);
    if (uid.real, uid.saved) != (uid.effective, uid.effective) {
        page.line("", &format!("real {}, effective {}, saved {}", uid.real, uid.effective, uid.saved));
    }
    if !identity.groups.is_empty() {
        page.line("groups", &list(&identity.groups));
    }
    if identity.pids.len() > 1 {
        page.line("PID", &numbers(&identity.pids));
    }
}

/// From the reader's PID namespace inwards.
fn numbers(pids: &[i32]) -> String {
    let each = pids.iter().enumerate().map(|(index, pid)| match index {
        0 => format!("{pid} here"),
        index if index + 1 == pids.len() => format!("{pid} inside"),
        _ => pid.to_string(),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn list(items: &[impl ToString]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn namespaces(page: &mut Page, portrait: &Portrait) {
    let host = &portrait.namespaces.compared_with;
    let (heading, shared) = match (host.reader, host.pid, host.first) {
        (true, _, true) => ("Namespaces, against yours (PID 1's are hidden)", "the host's"),
        (true, _, false) => ("Namespaces, against yours (PID 1's are hidden, yours are a container's)", "yours"),
        (false, 2, _) => ("Namespaces, against the host's (kthreadd's, since PID 1's are hidden)", "the host's"),
        (false, _, true) => ("Namespaces, against the host's (PID 1's)", "the host's"),
        (false, _, false) => ("Namespaces, against PID 1's, which are a container's", "PID 1's"),
    };
    page.heading(heading);
    for namespace in &portrait.namespaces.each {
        let whose = match namespace.host {
            Some(true) => shared,
            Some(false) => "own",
            None => "hidden",
        };
        let name = namespace.name.as_deref().unwrap_or_default();
        page.line(namespace.kind, format!("{whose:<12}{name}").trim_end());
        if let Some(children) = &namespace.for_children {
            page.line("", &format!("{:<12}{children} for its children", ""));
        }
    }
}

fn user_namespace(page: &mut Page, portrait: &Portrait) {
    if portrait.namespaces.is_hosts("user") != Some(false) {
        return;
    }
    let inside = &portrait.identity.user_namespace;
    page.heading("User namespace: ids inside are ids outside");
    page.line("users", &map(&inside.uid_map));
    page.line("groups", &map(&inside.gid_map));
    let denied = if inside.setgroups.as_deref() == Some("deny") { "; setgroups(2) is denied" } else { "" };
    if let Some(owner) = inside.owner {
        page.line("made by", &format!("{}{denied}", named(owner)));
    }
}

fn map(lines: &[IdMap]) -> String {
    let range = |first: u32, count: u32| match count {
        1 => first.to_string(),
        count => format!("{first}-{}", first.saturating_add(count - 1)),
    };
    let line = |line: &IdMap| {
        let verb = if line.count == 1 { "is" } else { "are" };
        format!("{} {verb} {}", range(line.inside, line.count), range(line.outside, line.count))
    };
    if lines.is_empty() { "none is mapped".to_owned() } else { lines.iter().map(line).collect::<Vec<_>>().join(", ") }
}

fn files(page: &mut Page, portrait: &Portrait) {
    let Some(files) = &portrait.files else { return };
    page.heading("Files");
    let chroot = files.root.path.as_deref().map_or("?".into(), |path| path.to_string_lossy());
    let made = match files.root.whose {
        Whose::Host => "the host's".to_owned(),
        Whose::Chroot => format!("a chroot in {chroot}"),
        Whose::Own => "own, with nothing above it".to_owned(),
    };
    let source = files.root.source.as_ref().map(|source| format!(", the host's {}", source.display()));
    page.line("/", &format!("{made}: {}{}", judge::root_mount(portrait), source.unwrap_or_default()));
    views(page, files);
    let (usual, others): (Vec<&Bind>, Vec<&Bind>) = files.binds.iter().partition(|bind| bind.usual);
    if !usual.is_empty() {
        let points: Vec<_> = usual.iter().map(|bind| bind.point.display()).collect();
        page.line("the engine's", &list(&points));
    }
    for bind in others {
        let text = format!("the host's {}, {}", bind.source.display(), access(bind.read_only));
        page.line(&bind.point.to_string_lossy(), &text);
    }
    for (names, target) in held(portrait.outside.iter().flatten()) {
        page.line("held outside", &format!("{names}: {target}"));
    }
}

fn access(read_only: bool) -> &'static str {
    if read_only { "read-only" } else { "writable" }
}

/// How the kernel shows itself.
fn views(page: &mut Page, files: &Files) {
    let masked = |view: &str| {
        let of = |paths: &[&str]| paths.iter().filter(|path| path.starts_with(view)).count();
        let (masked, bare) = (of(&files.masked), of(&files.bare));
        if masked + bare == 0 { String::new() } else { format!("; {masked} of {} secrets masked", masked + bare) }
    };
    if files.view("/proc").is_some() {
        let processes = match files.proc_is_hosts {
            Some(true) => "the host's processes",
            Some(false) => "its own processes",
            None => "processes",
        };
        let settings = access(files.settings_writable.is_empty());
        page.line("/proc", &format!("{processes}; kernel settings {settings}{}", masked("/proc")));
    }
    if let Some(sys) = files.view("/sys") {
        page.line("/sys", &format!("{}{}", access(sys.read_only), masked("/sys")));
    }
    if let Some(dev) = files.view("/dev") {
        let whose = if dev.kind == "devtmpfs" { "all devices of the host" } else { "own" };
        page.line("/dev", &format!("{whose} ({})", dev.kind));
    }
    let trees: Vec<_> = files.cgroups().collect();
    if let Some(first) = trees.first() {
        let writable = trees.iter().filter(|tree| !tree.read_only).count();
        let text = if trees.len() == 1 {
            access(first.read_only).to_owned()
        } else {
            format!("{} trees, {writable} writable", trees.len())
        };
        page.line("/sys/fs/cgroup", &text);
    }
}

/// What leads to the same place, together: `0 1 2`, `/dev/null`.
fn held<'o>(outside: impl Iterator<Item = &'o Outside>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for held in outside {
        let target = held.target.display().to_string();
        match found.iter_mut().find(|(_, known)| *known == target) {
            Some((names, _)) => names.push_str(&format!(" {}", held.name)),
            None => found.push((held.name.clone(), target)),
        }
    }
    found
}

fn used(measure: &Measure, spelled: fn(u64) -> String) -> String {
    let limit = measure.limit.map_or_else(|| "unlimited".to_owned(), spelled);
    let used = measure.used.map(|used| format!("; {} used", spelled(used))).unwrap_or_default();
    format!("{limit}{used}")
}

fn limits(page: &mut Page, portrait: &Portrait) {
    let found = &portrait.cgroups;
    page.heading("Limits, and what its cgroup uses");
    for (label, measure) in [("memory", &found.memory), ("swap", &found.swap)] {
        if let Some(measure) = measure {
            page.line(label, &used(measure, judge::bytes));
        }
    }
    if let Some(tasks) = &found.pids {
        page.line("tasks", &used(tasks, |count| count.to_string()));
    }
    if let Some(cpu) = &found.cpu {
        let quota = cpu.quota.map_or_else(|| "no quota".to_owned(), |quota| format!("{quota} of a processor's time"));
        let weight = cpu.weight.map(|weight| format!(", weight {weight}")).unwrap_or_default();
        page.line("processors", &format!("{quota}{weight}; may run on {}", found.processors));
    }
    if !found.io.is_empty() {
        page.line("disks", &judge::disks(portrait));
    }
    match (&found.devices.rules, found.devices.programs) {
        (Some(rules), _) if rules.iter().any(|rule| rule == "a *:* rwm") => page.line("devices", "all"),
        (Some(rules), _) => page.line("devices", &rules.join(", ")),
        (None, Some(programs @ 1..)) => page.line("devices", &format!("as BPF programs decide ({programs})")),
        _ => {}
    }
    if found.frozen == Some(true) {
        page.line("frozen", "yes: none of its processes runs");
    }
    page.line("open files", &judge::open_files(portrait));
    let mut paths: Vec<(String, String)> = Vec::new();
    for tree in &found.trees {
        let name = if tree.controllers.is_empty() { "v2" } else { &tree.controllers };
        match paths.iter_mut().find(|(path, _)| *path == tree.path) {
            Some((_, names)) => names.push_str(&format!(" {name}")),
            None => paths.push((tree.path.clone(), name.to_owned())),
        }
    }
    for (index, (path, names)) in paths.iter().enumerate() {
        page.line(if index == 0 { "cgroups" } else { "" }, &format!("{path} ({names})"));
    }
}

fn capabilities(page: &mut Page, portrait: &Portrait, verdict: &Verdict) {
    let found = &portrait.guards.capabilities;
    page.heading("Capabilities");
    let set = |set: CapSet| match set.len() {
        0 => "none".to_owned(),
        count => format!("{count} ({:016x})", set.bits()),
    };
    let sets = &found.sets;
    if sets.effective == sets.permitted && sets.permitted == sets.bounding {
        page.line("all sets", &set(sets.permitted));
    } else {
        page.line("effective", &set(sets.effective));
        if sets.permitted != sets.effective {
            page.line("permitted", &set(sets.permitted));
        }
        page.line("bounding", &set(sets.bounding));
    }
    for (label, extra) in [("inheritable", sets.inheritable), ("ambient", sets.ambient)] {
        if !extra.is_empty() {
            page.line(label, &set(extra));
        }
    }
    if sets.permitted.is_empty() {
        return;
    }
    let short = |set: CapSet| set.names().join(" ").replace("CAP_", "");
    let usual = sets.permitted.minus(found.beyond);
    if !usual.is_empty() {
        page.line("usual", &short(usual));
    }
    if !found.missing.is_empty() && !usual.is_empty() {
        page.line("not", &short(found.missing));
    }
    if !found.beyond.is_empty() {
        page.line("beyond", &short(found.beyond));
    }
    // Elsewhere they are what root has, or count only inside.
    let threat = portrait.namespaces.is_hosts("user") == Some(true) && verdict.container;
    let ruling = RULING.into_iter().filter(|capability| threat && found.beyond.contains(*capability));
    for (index, capability) in ruling.enumerate() {
        let allows = CAPABILITIES.get(usize::from(capability)).map_or("", |(_, allows)| *allows);
        let label = if index == 0 { "which means" } else { "" };
        page.line(label, &format!("{}: {allows}", name(capability).trim_start_matches("CAP_")));
    }
}

fn guards(page: &mut Page, portrait: &Portrait) {
    let guards = &portrait.guards;
    page.heading("Other guards");
    page.line("seccomp", &judge::seccomp(portrait).map_or_else(String::new, |judged| judged.value));
    page.line("no_new_privs", if guards.no_new_privs { "on" } else { "off" });
    let none = if guards.security_labels { "none" } else { "none on this host" };
    let label = guards.security_label.as_deref().unwrap_or(none);
    page.line("LSM", &format!("{label}; Landlock can't be seen from outside"));
    if guards.dumpable == Some(false) {
        page.line("dumpable", "no: its user may not read its memory");
    }
    if let Some(terminal) = &guards.terminal {
        page.line("terminal", terminal);
    }
}

fn conclude(page: &mut Page, portrait: &Portrait, verdict: &Verdict) {
    page.heading("Verdict");
    page.strong(&verdict.summary);
    let names = |grade: Grade| verdict.graded(grade).map(|finding| finding.aspect).collect::<Vec<_>>().join(", ");
    for (grade, label) in [
        (Grade::Not, "not isolated"),
        (Grade::Partly, "in part"),
        (Grade::Isolated, "isolated"),
        (Grade::Unknown, "hidden"),
    ] {
        if verdict.container && matches!(grade, Grade::Not | Grade::Partly) && !names(grade).is_empty() {
            page.text(&format!("{}:", capital(label)));
            verdict.graded(grade).for_each(|finding| page.line(finding.aspect, &gap(finding)));
        } else if !names(grade).is_empty() {
            page.line(label, &names(grade));
        }
    }
    if !portrait.hidden.is_empty() {
        page.text(&format!("Hidden from you: its {}. {}", portrait.hidden.join(", "), portrait.remedy()));
    }
}

fn capital(text: &str) -> String {
    text[..1].to_uppercase() + &text[1..]
}

fn gap(finding: &Finding) -> String {
    let remedy = finding.remedy.map(|remedy| format!(" [{remedy}]")).unwrap_or_default();
    format!("{}{remedy}", finding.judgement.why)
}
