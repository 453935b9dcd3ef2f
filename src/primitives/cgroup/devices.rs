//! Which devices a group may open or make: the cgroup that stands between root in
//! a container and the host's disks.
//!
//! v1 has a list of rules in a file; v2 asks an eBPF program that is attached to
//! the cgroup. admin-guide/cgroup-v1/devices, bpf(2)

use crate::error::Result;
use crate::kernel::bpf::{self, Access, DeviceRule, Kind};
use crate::kernel::cgroup::{Group, Version};
use crate::kernel::{Kernel, O_DIRECTORY, O_RDONLY};

/// Docker's and runc's rules: any node may be made, these may be used.
pub const DEFAULT: [DeviceRule; 10] = [
    // To make a node is harmless where it can't be opened.
    DeviceRule { kind: Kind::Character, major: None, minor: None, access: Access::MKNOD },
    DeviceRule { kind: Kind::Block, major: None, minor: None, access: Access::MKNOD },
    // null, zero, full, random, urandom
    DeviceRule::character(1, Some(3)),
    DeviceRule::character(1, Some(5)),
    DeviceRule::character(1, Some(7)),
    DeviceRule::character(1, Some(8)),
    DeviceRule::character(1, Some(9)),
    // tty, ptmx, and each terminal of /dev/pts (/dev/console is one of these)
    DeviceRule::character(5, Some(0)),
    DeviceRule::character(5, Some(2)),
    DeviceRule::character(136, None),
];

/// Allows what the rules name, and nothing else.
pub fn limit(k: &Kernel, group: &Group, rules: &[DeviceRule]) -> Result<()> {
    // v1's controller, where it is mounted, or else a program on v2's cgroup.
    if let Some(place) = group.find(&["devices"]).filter(|place| place.version == Version::V1) {
        k.step("Forbid every device, then allow those that do no harm");
        k.write_to(&place.path.join("devices.deny"), "a")?;
        return rules.iter().try_for_each(|rule| k.write_to(&place.path.join("devices.allow"), &rule.to_string()));
    }
    let Some(place) = group.v2() else { return group.controller(&["devices"]).map(drop) };
    k.step("v2 asks a program whether a device may be used: write and load one");
    let program = k.bpf_load_device_program(&bpf::device_program(rules))?;

    k.step("Attach it to the cgroup, which holds it from now on");
    let cgroup = k.open(&place.path, O_RDONLY | O_DIRECTORY, 0)?;
    k.bpf_attach_device_program(&program, &cgroup)
}
