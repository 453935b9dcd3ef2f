//! Under which addresses others reach this machine.
//!
//! The kernel is asked which address it would send from towards the internet: that is the one
//! of the default route's interface, and so the one that a class on the same wifi can reach.
//! To connect a UDP socket sends nothing. connect(2), udp(7), getifaddrs(3)

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use crate::kernel::interface_addresses;

/// An address of the documentation (RFC 5737): it is nobody's, and so behind the default route.
const FAR_AWAY: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// The best first; empty without a network.
pub fn addresses() -> Vec<IpAddr> {
    let towards = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        socket.connect(FAR_AWAY).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    };
    let mut found: Vec<IpAddr> = towards().into_iter().collect();
    for address in interface_addresses().into_iter().map(IpAddr::V4) {
        if !address.is_loopback() && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}
