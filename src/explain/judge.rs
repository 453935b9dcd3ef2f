//! The judgements behind [`super::aspect::ASPECTS`], one function an aspect, in
//! that order.

use super::Portrait;
use super::aspect::Judgement;
use super::files::{Bind, Outside, Whose};
use super::guards::{Mode, RULING};
use super::limits::Measure;
use crate::kernel::capability::{CAP_MKNOD, CAPABILITIES, name};
use crate::kernel::{CapSet, user_name};
use crate::primitives::security::caps::DEFAULT;

type Judged = Option<Judgement>;

/// True if it has root's rights over what belongs to the host.
fn is_hosts_root(portrait: &Portrait) -> bool {
    portrait.identity.uid.effective == 0
}

fn own_user_namespace(portrait: &Portrait) -> bool {
    portrait.namespaces.is_hosts("user") == Some(false)
}

/// What root may do, and where it counts.
pub fn capabilities(portrait: &Portrait) -> Judged {
    let found = &portrait.guards.capabilities;
    let (permitted, bounding) = (found.sets.permitted, found.sets.bounding);
    let value = counted(permitted);
    if own_user_namespace(portrait) {
        let value = format!("{value}, inside only");
        let why = "More than the usual 14, though they count only in its own user namespace";
        return Some(if found.beyond.is_empty() { Judgement::isolated(value) } else { Judgement::partly(value, why) });
    }
    let ruling = RULING.into_iter().find(|capability| found.beyond.contains(*capability));
    if let Some(worst) = ruling.or_else(|| found.beyond.iter().next()) {
        let more = match found.beyond.len() {
            1 => String::new(),
            count => format!(", and {} more beyond the usual 14", count - 1),
        };
        let allows = CAPABILITIES.get(usize::from(worst)).map_or("", |(_, allows)| *allows);
        let why = format!("It may {allows} ({}){more}", name(worst));
        return Some(if ruling.is_some() { Judgement::not(value, why) } else { Judgement::partly(value, why) });
    }
    let regained = bounding.minus(DEFAULT);
    if permitted.is_empty() && !regained.is_empty() && !portrait.guards.no_new_privs {
        let why = format!("None now, but a setuid program can bring {} back", bounding.len());
        return Some(Judgement::partly("none now", why));
    }
    Some(Judgement::isolated(value))
}

fn counted(set: CapSet) -> String {
    match (set.len(), set.minus(DEFAULT).len()) {
        (0, _) => "none".to_owned(),
        (14, 0) => "the usual 14".to_owned(),
        (count, 0) => format!("{count} of the usual 14"),
        (count, unusual) => format!("{count}, {unusual} beyond the usual"),
    }
}

/// Who it is on the host.
pub fn users(portrait: &Portrait) -> Judged {
    let identity = &portrait.identity;
    let outside = identity.uid.effective;
    let called = |uid: u32| user_name(uid).unwrap_or_else(|| format!("user {uid}"));
    Some(match portrait.namespaces.is_hosts("user") {
        Some(true) if outside == 0 => {
            Judgement::not("root is root", "Root inside is root on the host: no user namespace")
        }
        Some(true) => {
            let who = called(outside);
            Judgement::partly(
                format!("{who} is {who}"),
                format!("{who} inside is {who} on the host: no user namespace"),
            )
        }
        Some(false) => {
            let inside = identity.user_namespace.uid.map_or_else(|| "nobody".to_owned(), inner_name);
            let value = format!("{inside} is {}", called(outside));
            match outside {
                0 => Judgement::partly(
                    value,
                    format!("{inside} inside is root on the host: root's files are open to it"),
                ),
                _ => Judgement::isolated(value),
            }
        }
        None => Judgement::unknown(),
    })
}

fn inner_name(uid: u32) -> String {
    if uid == 0 { "root".to_owned() } else { format!("user {uid}") }
}

/// Its root directory.
pub fn root(portrait: &Portrait) -> Judged {
    let Some(files) = &portrait.files else { return Some(Judgement::unknown()) };
    Some(match files.root.whose {
        Whose::Host => Judgement::not("the host's", "It sees the host's files: no root directory of its own"),
        Whose::Chroot => Judgement::partly("chroot", "A chroot: whoever may call chroot(2) again can leave it"),
        Whose::Own => Judgement::isolated("own"),
    })
}

/// A way to the whole machine for whoever may write there.
fn takes_over(bind: &Bind) -> bool {
    let source = bind.source.to_string_lossy();
    let whole = ["/", "/etc", "/root", "/boot", "/usr", "/var", "/var/lib", "/run", "/var/run", "/proc", "/dev"];
    whole.contains(&source.as_ref()) || source.ends_with(".sock")
}

/// Directories of the host's, shown inside.
pub fn host_files(portrait: &Portrait) -> Judged {
    let files = portrait.files.as_ref().filter(|files| files.root.whose == Whose::Own)?;
    let shown: Vec<&Bind> = files.binds.iter().filter(|bind| !bind.usual).collect();
    let writable: Vec<&Bind> = shown.iter().copied().filter(|bind| !bind.read_only).collect();
    let listed =
        |binds: &[&Bind]| binds.iter().map(|bind| bind.source.display().to_string()).collect::<Vec<_>>().join(", ");
    let value = match (shown.len(), writable.len()) {
        (0, _) => "none".to_owned(),
        (count, 0) => format!("{count} read-only"),
        (_, count) => format!("{count} writable"),
    };
    let taking: Vec<&Bind> = writable.iter().copied().filter(|bind| takes_over(bind)).collect();
    Some(if !taking.is_empty() {
        Judgement::not(value, format!("Writable from inside, and enough to take over the host: {}", listed(&taking)))
    } else if !writable.is_empty() {
        Judgement::partly(value, format!("Of the host and writable from inside: {}", listed(&writable)))
    } else {
        Judgement::isolated(value)
    })
}

/// What it holds open beyond its root.
pub fn descriptors(portrait: &Portrait) -> Judged {
    if portrait.files.as_ref().is_some_and(|files| files.root.whose == Whose::Host) {
        return None;
    }
    let Some(outside) = &portrait.outside else { return Some(Judgement::unknown()) };
    let called = |held: &Outside| format!("{} to {}", held.name, held.target.display());
    let leaks: Vec<String> =
        outside.iter().filter(|held| !held.is_standard() && held.name != "exe").map(called).collect();
    if !leaks.is_empty() {
        let why = format!("They lead out of its root: {} (CVE-2024-21626)", leaks.join(", "));
        return Some(Judgement::not(format!("{} lead outside", leaks.len()), why));
    }
    if let Some(program) = outside.iter().find(|held| held.name == "exe") {
        let why = format!("It runs a program of the host's, {} (CVE-2019-5736)", program.target.display());
        return Some(Judgement::partly("its program is the host's", why));
    }
    Some(Judgement::isolated(if outside.is_empty() { "none lead outside" } else { "only 0, 1, 2 lead outside" }))
}

/// Which devices it may open.
pub fn devices(portrait: &Portrait) -> Judged {
    let found = &portrait.cgroups.devices;
    let hosts_dev =
        portrait.files.as_ref().is_some_and(|files| files.view("/dev").is_some_and(|dev| dev.kind == "devtmpfs"));
    let dev = if hosts_dev { "the host's /dev" } else { "its own /dev" };
    if own_user_namespace(portrait) {
        let why = "It sees the host's /dev: what its user may open there, it may";
        return Some(if hosts_dev { Judgement::partly(dev, why) } else { Judgement::isolated(dev) });
    }
    let rules = found.rules.as_ref().filter(|rules| !rules.iter().any(|rule| rule == "a *:* rwm"));
    match (rules, found.programs) {
        (Some(rules), _) => return Some(Judgement::isolated(format!("{dev}, {} rules", rules.len()))),
        (None, Some(1..)) => return Some(Judgement::isolated(format!("{dev}, rules of v2"))),
        (None, None) if found.rules.is_none() => return Some(Judgement::unknown()),
        _ => {}
    }
    let makes = portrait.guards.capabilities.sets.permitted.contains(CAP_MKNOD);
    let value = format!("{dev}, no rules");
    Some(if makes || hosts_dev && is_hosts_root(portrait) {
        Judgement::not(value, "No device rules: every device of the host is open to it, its disks too")
    } else {
        Judgement::partly(value, "No device rules: only permissions keep it from the host's devices")
    })
}

/// /proc/sys and what else configures the machine.
pub fn settings(portrait: &Portrait) -> Judged {
    let Some(files) = &portrait.files else { return Some(Judgement::unknown()) };
    Some(if files.view("/proc").is_none() {
        Judgement::isolated("not mounted")
    } else if files.settings_writable.is_empty() {
        Judgement::isolated("read-only")
    } else if is_hosts_root(portrait) {
        let why = format!("It can configure the host's kernel: writable are {}", files.settings_writable.join(", "));
        Judgement::not("writable", why)
    } else {
        Judgement::isolated("for the host's root alone")
    })
}

/// Drivers, and the cgroups themselves.
pub fn sys(portrait: &Portrait) -> Judged {
    let Some(files) = &portrait.files else { return Some(Judgement::unknown()) };
    let writable = files.view("/sys").is_some_and(|sys| !sys.read_only);
    let cgroups = files.cgroups().any(|tree| !tree.read_only);
    Some(match (files.view("/sys"), is_hosts_root(portrait)) {
        (None, _) => Judgement::isolated("not mounted"),
        (Some(_), true) if writable => Judgement::not("writable", "It can configure the host's devices and drivers"),
        (Some(_), true) if cgroups => {
            Judgement::partly("cgroups writable", "It can lift its own limits: /sys/fs/cgroup is writable")
        }
        (Some(_), _) if writable || cgroups => Judgement::isolated("for the host's root alone"),
        (Some(_), _) => Judgement::isolated("read-only"),
    })
}

/// Which system calls it may make.
pub fn seccomp(portrait: &Portrait) -> Judged {
    let Some(found) = portrait.guards.seccomp else { return Some(Judgement::unknown()) };
    Some(match (found.mode, found.filters) {
        (Mode::Disabled, _) => Judgement::not("none", "No filter: every system call of the kernel is open to it"),
        (Mode::Strict, _) => Judgement::isolated("strict"),
        (Mode::Filter, Some(2..)) => Judgement::isolated(format!("{} filters", found.filters.unwrap_or(0))),
        (Mode::Filter, _) => Judgement::isolated("a filter"),
    })
}

fn namespace(portrait: &Portrait, kind: &str, why: &str) -> Judged {
    Some(match portrait.namespaces.is_hosts(kind) {
        Some(true) => Judgement::not("the host's", why),
        Some(false) => Judgement::isolated("own"),
        None => Judgement::unknown(),
    })
}

/// Which processes it sees.
pub fn processes(portrait: &Portrait) -> Judged {
    let judged = namespace(portrait, "pid", "It sees the host's processes: no PID namespace")?;
    let hosts_proc = portrait.files.as_ref().and_then(|files| files.proc_is_hosts) == Some(true);
    if portrait.namespaces.is_hosts("pid") == Some(false) && hosts_proc {
        return Some(Judgement::partly(
            "own, but the host's /proc",
            "It sees the host's processes: /proc is the host's",
        ));
    }
    Some(judged)
}

/// Which interfaces, ports and sockets.
pub fn network(portrait: &Portrait) -> Judged {
    namespace(portrait, "net", "It sees the host's network: interfaces, ports, abstract sockets")
}

/// Which message queues and shared memory.
pub fn ipc(portrait: &Portrait) -> Judged {
    namespace(portrait, "ipc", "It shares the host's message queues, semaphores and shared memory")
}

/// Whether its mounts reach the host.
pub fn propagation(portrait: &Portrait) -> Judged {
    let files = portrait.files.as_ref()?;
    if portrait.namespaces.is_hosts("mnt") != Some(false) {
        return None;
    }
    Some(match (files.shared.first(), files.follows.is_empty()) {
        (Some(first), _) => Judgement::not(
            "shared with the host",
            format!("What it mounts beneath {} appears on the host", first.display()),
        ),
        (None, false) => Judgement::isolated("only from the host"),
        (None, true) => Judgement::isolated("none with the host"),
    })
}

fn measure(found: Option<&Measure>, spelled: fn(u64) -> String, why: &str) -> Judged {
    let Some(found) = found else { return Some(Judgement::unknown()) };
    Some(match found.limit {
        Some(limit) => Judgement::isolated(spelled(limit)),
        None => Judgement::not("unlimited", why),
    })
}

/// `64 MiB`, `1.5 GiB`.
pub fn bytes(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = units.iter().enumerate().rev().find(|(index, _)| bytes >= 1 << (10 * index)).unwrap_or((0, &"B"));
    let tenths = (bytes >> (10 * unit.0.saturating_sub(1))) * 10 / if unit.0 == 0 { 1 } else { 1024 };
    match tenths % 10 {
        0 => format!("{} {}", tenths / 10, unit.1),
        tenth => format!("{}.{tenth} {}", tenths / 10, unit.1),
    }
}

/// Memory.
pub fn memory(portrait: &Portrait) -> Judged {
    measure(portrait.cgroups.memory.as_ref(), bytes, "Unlimited: it can starve the machine")
}

/// How many processes and threads.
pub fn tasks(portrait: &Portrait) -> Judged {
    let why = "Unlimited: a fork bomb inside stops the machine";
    measure(portrait.cgroups.pids.as_ref(), |limit| limit.to_string(), why)
}

/// Time of processors.
pub fn processors(portrait: &Portrait) -> Judged {
    let Some(found) = &portrait.cgroups.cpu else { return Some(Judgement::unknown()) };
    let on = &portrait.cgroups.processors;
    Some(match found.quota {
        Some(quota) => {
            Judgement::isolated(format!("{quota:.2}").trim_end_matches('0').trim_end_matches('.').to_owned())
        }
        None => {
            Judgement::partly(format!("all the time of {on}"), "No quota: it may take all the time that others leave")
        }
    })
}

/// Whether a setuid program makes it more.
pub fn no_new_privs(portrait: &Portrait) -> Judged {
    if portrait.guards.no_new_privs {
        return Some(Judgement::isolated("on"));
    }
    let bound = portrait.guards.capabilities.sets.bounding.minus(DEFAULT).is_empty() || own_user_namespace(portrait);
    Some(if bound {
        Judgement::partly("off, but bounded", "Setuid programs work: whoever runs one gains its rights")
    } else {
        Judgement::not("off", "Setuid programs work, and can give it all of root's rights")
    })
}

/// AppArmor or SELinux; nothing where neither is at work.
pub fn security_module(portrait: &Portrait) -> Judged {
    if !portrait.guards.security_labels {
        return None;
    }
    let why = "No security module confines it";
    Some(match portrait.guards.security_label.as_deref() {
        None => Judgement::not("none", why),
        Some(label) if label.ends_with("(complain)") => Judgement::partly(label, "Its profile only complains"),
        Some(label) if is_free(label) => Judgement::not(label, why),
        Some(label) => Judgement::isolated(label),
    })
}

/// Labels that confine nothing: AppArmor's, and SELinux's types for the free.
fn is_free(label: &str) -> bool {
    let kind = label.split(':').nth(2).unwrap_or(label);
    ["unconfined", "unconfined (unconfined)", "kernel", "kernel_t", "init_t", "unconfined_t", "spc_t"].contains(&kind)
        || kind == "unconfined_service_t"
}

/// What tells of the machine.
pub fn masked(portrait: &Portrait) -> Judged {
    let Some(files) = &portrait.files else { return Some(Judgement::unknown()) };
    let why = format!("They tell of the machine: {}", files.bare.join(", "));
    Some(match files.bare.len() {
        0 if files.view("/proc").is_none() => Judgement::isolated("not mounted"),
        0 => Judgement::isolated("masked"),
        bare => Judgement::partly(format!("{bare} of {} not masked", bare + files.masked.len()), why),
    })
}

/// Whose terminal it can type into.
pub fn terminal(portrait: &Portrait) -> Judged {
    if portrait.namespaces.is_hosts("mnt") != Some(false) {
        return None;
    }
    let is_terminal = |held: &&Outside| held.target.starts_with("/dev/pts") || held.target.starts_with("/dev/tty");
    let hosts = portrait.outside.iter().flatten().filter(is_terminal).any(Outside::is_standard);
    Some(match &portrait.guards.terminal {
        None => Judgement::isolated("none"),
        Some(name) if hosts => Judgement::partly(
            format!("{name}, the host's"),
            "Where ioctl TIOCSTI works, it can type into your terminal",
        ),
        Some(name) => Judgement::isolated(name),
    })
}

/// The machine's name.
pub fn hostname(portrait: &Portrait) -> Judged {
    namespace(portrait, "uts", "It has the host's name, and with CAP_SYS_ADMIN changes it")
}

/// Where its cgroup seems to be.
pub fn cgroup_view(portrait: &Portrait) -> Judged {
    let judged = namespace(portrait, "cgroup", "")?;
    Some(match portrait.namespaces.is_hosts("cgroup") {
        Some(true) => Judgement::partly("the host's", "It sees where on the host its cgroup lies"),
        _ => judged,
    })
}

/// Boot time and monotonic clock.
pub fn time(portrait: &Portrait) -> String {
    namespace(portrait, "time", "").map_or_else(String::new, |judged| judged.value)
}

/// What its root is made of.
pub fn root_mount(portrait: &Portrait) -> String {
    let Some(files) = &portrait.files else { return "hidden".to_owned() };
    let kind = files.root.kind.as_deref().unwrap_or("a directory");
    let access = if files.root.read_only { "read-only" } else { "writable" };
    match files.root.layers {
        0 => format!("{kind}, {access}"),
        1 => format!("{kind} over 1 layer, {access}"),
        layers => format!("{kind} over {layers} layers, {access}"),
    }
}

/// Memory on disk.
pub fn swap(portrait: &Portrait) -> String {
    let limit = |found: &Measure| found.limit.map_or_else(|| "unlimited".to_owned(), bytes);
    portrait.cgroups.swap.as_ref().map_or_else(|| "not counted".to_owned(), limit)
}

/// Brakes on disks.
pub fn disks(portrait: &Portrait) -> String {
    let brakes: Vec<String> =
        portrait.cgroups.io.iter().map(|brake| format!("{} {} {}", brake.device, brake.what, brake.limit)).collect();
    if brakes.is_empty() { "no limit".to_owned() } else { brakes.join(", ") }
}

/// Stopped by its cgroup.
pub fn frozen(portrait: &Portrait) -> String {
    portrait.cgroups.frozen.map_or("hidden", |frozen| if frozen { "yes" } else { "no" }).to_owned()
}

fn rlimit(portrait: &Portrait, name: &str) -> String {
    let bound = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    match portrait.guards.rlimit(name) {
        Some(limit) if limit.soft == limit.hard => bound(limit.soft),
        Some(limit) => format!("{} of {}", bound(limit.soft), bound(limit.hard)),
        None => "hidden".to_owned(),
    }
}

/// `nofile`
pub fn open_files(portrait: &Portrait) -> String {
    rlimit(portrait, "nofile")
}

/// `nproc`
pub fn user_tasks(portrait: &Portrait) -> String {
    rlimit(portrait, "nproc")
}

/// How gladly it is ended.
pub fn oom_score(portrait: &Portrait) -> String {
    portrait.guards.oom_score_adj.map_or_else(|| "hidden".to_owned(), |score| score.to_string())
}

#[cfg(test)]
mod tests {
    use super::{bytes, counted, is_free};
    use crate::kernel::CapSet;
    use crate::primitives::security::caps::DEFAULT;

    #[test]
    fn sizes_are_short() {
        let spelled = [0, 1023, 1024, 1536, 64 << 20, 3 << 29].map(bytes);
        assert_eq!(spelled, ["0 B", "1023 B", "1 KiB", "1.5 KiB", "64 MiB", "1.5 GiB"]);
    }

    #[test]
    fn sets_are_measured_by_the_usual_one() {
        let all = CapSet::from_bits((1 << 41) - 1);
        let sets = [CapSet::EMPTY, DEFAULT, DEFAULT.without(0), all].map(counted);
        assert_eq!(sets, ["none", "the usual 14", "13 of the usual 14", "41, 27 beyond the usual"]);
    }

    #[test]
    fn labels_that_confine_nothing_are_known() {
        assert!(is_free("unconfined") && is_free("system_u:system_r:spc_t:s0") && is_free("kernel"));
        assert!(!is_free("docker-default (enforce)") && !is_free("system_u:system_r:container_t:s0:c1,c2"));
    }
}
