//! The addresses of this network namespace's interfaces. getifaddrs(3)

use std::net::Ipv4Addr;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

/// Those of IPv4, of interfaces that are up, in the kernel's order.
pub fn interface_addresses() -> Vec<Ipv4Addr> {
    let all = getifaddrs().into_iter().flatten();
    let up = all.filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP));
    up.filter_map(|interface| Some(interface.address?.as_sockaddr_in()?.ip())).collect()
}
