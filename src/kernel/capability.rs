//! Capabilities: what root may do, in 41 pieces. capabilities(7), capset(2), prctl(2)

use nix::errno::Errno;

use super::{Kernel, nearest};
use crate::error::{Error, Result};

macro_rules! capabilities {
    ($($number:literal $name:ident $allows:literal)*) => {
        $(#[doc = $allows] pub const $name: u8 = $number;)*

        /// Name and permission of each, in the kernel's order. capabilities(7)
        pub const CAPABILITIES: &[(&str, &str)] = &[$((stringify!($name), $allows)),*];
    };
}

capabilities! {
    0 CAP_CHOWN "give any file to any owner and group"
    1 CAP_DAC_OVERRIDE "read, write and search whatever the permission bits say"
    2 CAP_DAC_READ_SEARCH "read files and search directories whatever the permission bits say"
    3 CAP_FOWNER "change mode, times and attributes of files that others own"
    4 CAP_FSETID "keep the setuid and setgid bits of a file that is changed"
    5 CAP_KILL "send signals to the processes of others"
    6 CAP_SETGID "take on any group id, map group ids into a user namespace"
    7 CAP_SETUID "take on any user id, map user ids into a user namespace"
    8 CAP_SETPCAP "drop from the bounding set, widen the inheritable set from it"
    9 CAP_LINUX_IMMUTABLE "mark files immutable or append-only, and unmark them"
    10 CAP_NET_BIND_SERVICE "listen on ports below 1024"
    11 CAP_NET_BROADCAST "nothing: no kernel has used it yet"
    12 CAP_NET_ADMIN "change interfaces, addresses, routes and firewall rules"
    13 CAP_NET_RAW "send and receive raw packets: ping, ARP, forged senders"
    14 CAP_IPC_LOCK "lock memory beyond the limit"
    15 CAP_IPC_OWNER "use the System V IPC objects of others"
    16 CAP_SYS_MODULE "load and unload kernel modules"
    17 CAP_SYS_RAWIO "reach I/O ports, physical memory and raw device commands"
    18 CAP_SYS_CHROOT "call chroot, join a mount namespace"
    19 CAP_SYS_PTRACE "trace and read the processes of others"
    20 CAP_SYS_PACCT "switch process accounting on and off"
    21 CAP_SYS_ADMIN "mount, set the hostname, join namespaces and very much else"
    22 CAP_SYS_BOOT "reboot, load another kernel"
    23 CAP_SYS_NICE "raise priorities, choose schedulers, CPUs and memory nodes"
    24 CAP_SYS_RESOURCE "raise hard limits, go beyond quotas and reserved space"
    25 CAP_SYS_TIME "set the clock"
    26 CAP_SYS_TTY_CONFIG "hang up terminals, configure virtual consoles"
    27 CAP_MKNOD "make device nodes"
    28 CAP_LEASE "take leases on files that others own"
    29 CAP_AUDIT_WRITE "write to the audit log"
    30 CAP_AUDIT_CONTROL "configure auditing"
    31 CAP_SETFCAP "give capabilities to program files"
    32 CAP_MAC_OVERRIDE "override the rules of a security module (Smack)"
    33 CAP_MAC_ADMIN "change the rules of a security module (AppArmor, Smack)"
    34 CAP_SYSLOG "read and clear the kernel's log, see kernel addresses"
    35 CAP_WAKE_ALARM "set alarms that wake the machine up"
    36 CAP_BLOCK_SUSPEND "keep the machine from suspending"
    37 CAP_AUDIT_READ "read the audit log as it is written"
    38 CAP_PERFMON "observe performance, also the kernel's"
    39 CAP_BPF "use BPF beyond what everybody may"
    40 CAP_CHECKPOINT_RESTORE "choose the number of a new process, read the mapped files of others"
}

/// The capability's name; a number that this table lacks is its own name.
pub fn name(capability: u8) -> String {
    let known = CAPABILITIES.get(usize::from(capability));
    known.map_or_else(|| format!("CAP_{capability}"), |(name, _)| (*name).to_owned())
}

/// A set of capabilities, as the kernel holds five of for each thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CapSet(u64);

impl CapSet {
    /// None.
    pub const EMPTY: Self = Self(0);

    /// Exactly these.
    pub const fn of(capabilities: &[u8]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        // A constant can't be made by an iterator.
        while index < capabilities.len() {
            bits |= 1 << capabilities[index];
            index += 1;
        }
        Self(bits)
    }

    /// All that the running kernel knows: asked one by one, since a container may
    /// have no /proc/sys/kernel/cap_last_cap to read.
    pub fn all() -> Self {
        Self((0..64).take_while(|&capability| in_bounding_set(capability).is_some()).fold(0, |all, bit| all | 1 << bit))
    }

    /// One capability by name, `NET_ADMIN` or `cap_net_admin`; `ALL` is all.
    pub fn from_name(name: &str) -> Result<Self> {
        let wanted = name.trim().to_ascii_uppercase();
        let wanted = wanted.strip_prefix("CAP_").unwrap_or(&wanted);
        if wanted == "ALL" {
            return Ok(Self::all());
        }
        let short = || CAPABILITIES.iter().map(|(name, _)| name.trim_start_matches("CAP_"));
        if let Some(number) = short().position(|known| known == wanted) {
            return Ok(Self(1 << number));
        }
        let error = Error::usage(format!("there is no capability '{name}'"));
        Err(match nearest(wanted, short()) {
            Some(near) => error.hint(format!("Did you mean {near}? capabilities(7) lists them all.")),
            None => error.hint("capabilities(7) lists them all: CHOWN, NET_ADMIN, SYS_ADMIN, ..."),
        })
    }

    /// As /proc/PID/status has it: bit n for capability n.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// See [`CapSet::bits`].
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// True if nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// True if this one is in it.
    pub const fn contains(self, capability: u8) -> bool {
        capability < 64 && self.0 & (1 << capability) != 0
    }

    /// This set and one more.
    #[must_use]
    pub const fn with(self, capability: u8) -> Self {
        self.union(Self::of(&[capability]))
    }

    /// This set but for one.
    #[must_use]
    pub const fn without(self, capability: u8) -> Self {
        self.minus(Self::of(&[capability]))
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this one alone.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Their numbers, in the kernel's order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |&capability| self.contains(capability))
    }

    /// Their names, in the kernel's order.
    pub fn names(self) -> Vec<String> {
        self.iter().map(name).collect()
    }

    /// For a reader: `none`, `all 41`, `all but CAP_SYS_BOOT`, or their names.
    pub fn described(self) -> String {
        let all = Self::all();
        let missing = all.minus(self);
        match (self.len(), missing.len()) {
            (0, _) => "none".to_owned(),
            (count, 0) => format!("all {count}"),
            (_, 1..=3) => format!("all but {}", missing.names().join(" ")),
            _ => self.names().join(" "),
        }
    }

    /// `1<<CAP_CHOWN|1<<CAP_KILL`, as strace has it.
    fn spelled(self) -> String {
        let bits: Vec<String> = self.iter().map(|capability| format!("1<<{}", name(capability))).collect();
        if bits.is_empty() { "0".to_owned() } else { bits.join("|") }
    }
}

/// The five sets of a thread. capabilities(7)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CapSets {
    /// What may pass through execve(2) to a program whose file asks for it.
    pub inheritable: CapSet,
    /// What may be made effective.
    pub permitted: CapSet,
    /// What the kernel checks.
    pub effective: CapSet,
    /// What execve(2) can give at most.
    pub bounding: CapSet,
    /// What a program without privileges of its own keeps over execve(2).
    pub ambient: CapSet,
}

impl CapSets {
    /// The caller's own, asked of the kernel: no /proc is needed. capget(2), prctl(2)
    pub fn own() -> Self {
        let asked = |ask: fn(u8) -> Option<bool>| {
            let held = (0..64).map_while(|bit| ask(bit).map(|held| u64::from(held) << bit));
            CapSet(held.fold(0, |all, bit| all | bit))
        };
        Self { bounding: asked(in_bounding_set), ambient: asked(in_ambient_set), ..Self::held() }
    }

    /// Those of the caller's own that are one call away; the other two are empty
    /// here. capget(2)
    pub fn held() -> Self {
        let mut header = Header { version: VERSION_3, pid: 0 };
        let mut data = [Data::default(); 2];
        // SAFETY: version 3 has the kernel fill in two `Data`, which outlive the call.
        let got = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) };
        if got != 0 {
            data = [Data::default(); 2];
        }
        let whole = |half: fn(&Data) -> u32| CapSet(u64::from(half(&data[1])) << 32 | u64::from(half(&data[0])));
        Self {
            inheritable: whole(|data| data.inheritable),
            permitted: whole(|data| data.permitted),
            effective: whole(|data| data.effective),
            ..Self::default()
        }
    }
}

impl CapSets {
    /// Lines of at most 64 columns: sets that are alike stand together.
    pub fn described(&self) -> Vec<String> {
        let named = [
            ("permitted", self.permitted),
            ("effective", self.effective),
            ("bounding", self.bounding),
            ("inheritable", self.inheritable),
            ("ambient", self.ambient),
        ];
        let mut groups: Vec<(CapSet, Vec<&str>)> = Vec::new();
        for (name, set) in named {
            match groups.iter_mut().find(|(known, _)| *known == set) {
                Some((_, names)) => names.push(name),
                None => groups.push((set, vec![name])),
            }
        }
        let lines = groups.into_iter().flat_map(|(set, names)| {
            let text = format!("{}: {}", names.join(", "), set.described());
            let options = textwrap::Options::new(64).subsequent_indent("  ");
            textwrap::wrap(&text, options).into_iter().map(|line| line.into_owned()).collect::<Vec<_>>()
        });
        lines.collect()
    }
}

/// `None` for a capability that this kernel does not know. prctl(2)
fn in_bounding_set(capability: u8) -> Option<bool> {
    // SAFETY: takes plain numbers.
    answer(unsafe { libc::prctl(libc::PR_CAPBSET_READ, libc::c_ulong::from(capability)) })
}

fn in_ambient_set(capability: u8) -> Option<bool> {
    let capability = libc::c_ulong::from(capability);
    // SAFETY: takes plain numbers.
    answer(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_IS_SET, capability, 0, 0) })
}

fn answer(got: i32) -> Option<bool> {
    (got >= 0).then_some(got > 0)
}

const VERSION_3: u32 = 0x2008_0522;

/// `struct __user_cap_header_struct`
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// `struct __user_cap_data_struct`: 32 capabilities; two of them make a set.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

impl Data {
    fn halves(permitted: CapSet, effective: CapSet, inheritable: CapSet) -> [Self; 2] {
        let half = |shift: u32| {
            let part = |set: CapSet| u32::try_from(set.0 >> shift & u64::from(u32::MAX)).unwrap_or_default();
            Self { effective: part(effective), permitted: part(permitted), inheritable: part(inheritable) }
        };
        [half(0), half(32)]
    }
}

impl Kernel {
    /// Sets three of the caller's five sets. capset(2)
    #[track_caller]
    pub fn capset(&self, permitted: CapSet, effective: CapSet, inheritable: CapSet) -> Result<()> {
        let args = || {
            let [effective, permitted, inheritable] = [effective, permitted, inheritable].map(CapSet::spelled);
            vec![
                "{version=_LINUX_CAPABILITY_VERSION_3, pid=0}".to_owned(),
                format!("{{effective={effective}, permitted={permitted}, inheritable={inheritable}}}"),
            ]
        };
        let mut header = Header { version: VERSION_3, pid: 0 };
        let data = Data::halves(permitted, effective, inheritable);
        self.call("capset", args, || {
            // SAFETY: version 3 has the kernel read two `Data`, which outlive the call.
            Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, data.as_ptr()) }).map(drop)
        })
    }

    /// No execve(2) can give this capability again, whatever it runs. prctl(2)
    #[track_caller]
    pub fn drop_from_bounding_set(&self, capability: u8) -> Result<()> {
        let spelled = || vec!["PR_CAPBSET_DROP".to_owned(), name(capability)];
        self.prctl(spelled, libc::PR_CAPBSET_DROP, [capability.into(), 0, 0, 0])
    }

    /// Keeps a capability, permitted and inheritable already, over execve(2). prctl(2)
    #[track_caller]
    pub fn raise_ambient(&self, capability: u8) -> Result<()> {
        let spelled = || ambient("PR_CAP_AMBIENT_RAISE", &name(capability));
        self.prctl(spelled, libc::PR_CAP_AMBIENT, [libc::PR_CAP_AMBIENT_RAISE as u64, capability.into(), 0, 0])
    }

    /// Empties the ambient set. prctl(2)
    #[track_caller]
    pub fn clear_ambient(&self) -> Result<()> {
        let spelled = || ambient("PR_CAP_AMBIENT_CLEAR_ALL", "0");
        self.prctl(spelled, libc::PR_CAP_AMBIENT, [libc::PR_CAP_AMBIENT_CLEAR_ALL as u64, 0, 0, 0])
    }

    /// Whether the permitted set outlives the step from user 0 to another. prctl(2)
    #[track_caller]
    pub fn keep_capabilities(&self, keep: bool) -> Result<()> {
        let spelled = || vec!["PR_SET_KEEPCAPS".to_owned(), u8::from(keep).to_string()];
        self.prctl(spelled, libc::PR_SET_KEEPCAPS, [keep.into(), 0, 0, 0])
    }

    /// From here on execve(2) gives nothing more: no setuid, no file capability.
    /// There is no way back. prctl(2)
    #[track_caller]
    pub fn no_new_privs(&self) -> Result<()> {
        let spelled = || ["PR_SET_NO_NEW_PRIVS", "1", "0", "0", "0"].map(str::to_owned).to_vec();
        self.prctl(spelled, libc::PR_SET_NO_NEW_PRIVS, [1, 0, 0, 0])
    }

    /// Hides this process's memory and descriptors from others of its user, until
    /// execve(2). prctl(2)
    #[track_caller]
    pub fn set_not_dumpable(&self) -> Result<()> {
        let spelled = || ["PR_SET_DUMPABLE", "SUID_DUMP_DISABLE"].map(str::to_owned).to_vec();
        self.prctl(spelled, libc::PR_SET_DUMPABLE, [0; 4])
    }

    #[track_caller]
    fn prctl(&self, spelled: impl Fn() -> Vec<String>, option: i32, rest: [libc::c_ulong; 4]) -> Result<()> {
        self.call("prctl", spelled, || {
            let [second, third, fourth, fifth] = rest;
            // SAFETY: of these options none takes a pointer.
            Errno::result(unsafe { libc::prctl(option, second, third, fourth, fifth) }).map(drop)
        })
    }
}

fn ambient(operation: &str, capability: &str) -> Vec<String> {
    ["PR_CAP_AMBIENT", operation, capability, "0", "0"].map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::{CAP_CHECKPOINT_RESTORE, CAP_NET_ADMIN, CAPABILITIES, CapSet, CapSets, name};
    use crate::kernel::proc;

    #[test]
    fn each_has_its_place_in_the_table() {
        assert_eq!(name(CAP_NET_ADMIN), "CAP_NET_ADMIN");
        assert_eq!(usize::from(CAP_CHECKPOINT_RESTORE) + 1, CAPABILITIES.len());
        assert_eq!(name(63), "CAP_63");
    }

    #[test]
    fn a_name_is_understood_in_each_spelling() {
        let set = CapSet::of(&[CAP_NET_ADMIN]);
        for name in ["NET_ADMIN", "CAP_NET_ADMIN", "cap_net_admin", "Net_Admin"] {
            assert_eq!(CapSet::from_name(name).expect("a known name"), set, "{name}");
        }
        assert_eq!(CapSet::from_name("all").expect("every one"), CapSet::all());
    }

    #[test]
    fn an_unknown_name_offers_the_nearest() {
        let error = CapSet::from_name("NET_ADMINS").expect_err("no such capability");
        let hint = error.failure().hint.clone().unwrap_or_default();
        assert!(hint.contains("NET_ADMIN?"), "{hint}");
    }

    #[test]
    fn sets_are_spelled_as_strace_does() {
        assert_eq!(CapSet::of(&[0, 40]).spelled(), "1<<CAP_CHOWN|1<<CAP_CHECKPOINT_RESTORE");
        assert_eq!(CapSet::EMPTY.spelled(), "0");
    }

    #[test]
    fn the_kernel_and_proc_say_the_same() {
        assert_eq!(Some(CapSets::own()), proc::capabilities("self"));
        let last = proc::setting("kernel/cap_last_cap").expect("a kernel since 3.2");
        assert_eq!(i64::from(CapSet::all().len()), last + 1);
    }
}
