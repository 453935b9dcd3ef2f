//! rtnetlink(7): how interfaces are asked for and changed, message by message.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

use super::Kernel;
use crate::error::Result;
use crate::trace::decode;

/// The loopback interface is the first of every network namespace.
pub const LOOPBACK: i32 = 1;

const HEADER: usize = 16;
const LENGTH: usize = HEADER + 16;

impl Kernel {
    /// A socket to talk to the kernel's routing tables. rtnetlink(7)
    #[track_caller]
    pub fn rtnetlink(&self) -> Result<OwnedFd> {
        let names = ["AF_NETLINK", "SOCK_RAW|SOCK_CLOEXEC", "NETLINK_ROUTE"];
        self.call(
            "socket",
            || names.map(str::to_owned).to_vec(),
            || {
                let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
                // SAFETY: takes plain numbers; a non-negative result is a new descriptor.
                let made = Errno::result(unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) })?;
                // SAFETY: see above; it is ours alone.
                Ok(unsafe { OwnedFd::from_raw_fd(made) })
            },
        )
    }

    /// Switches an interface on (`ip link set DEV up`): RTM_NEWLINK with IFF_UP.
    #[track_caller]
    pub fn set_link_up(&self, socket: &OwnedFd, index: i32) -> Result<()> {
        let message = link_up(index);
        let args = || {
            let header = format!(
                "{{nlmsg_len={LENGTH}, nlmsg_type=RTM_NEWLINK, nlmsg_flags=NLM_F_REQUEST|NLM_F_ACK, nlmsg_seq=1, nlmsg_pid=0}}"
            );
            let link = "{ifi_family=AF_UNSPEC, ifi_type=ARPHRD_NETROM, ifi_index=if_nametoindex(\"lo\"), ifi_flags=IFF_UP, ifi_change=0x1}";
            let mut args = vec![self.fd(socket), format!("[{header}, {link}]"), LENGTH.to_string()];
            args.extend(["0", decode::NULL, "0"].map(str::to_owned));
            args
        };
        self.call("sendto", args, || {
            // SAFETY: the pointer and length describe `message`, which lives across the call.
            let sent =
                unsafe { libc::sendto(socket.as_raw_fd(), message.as_ptr().cast(), LENGTH, 0, std::ptr::null(), 0) };
            Errno::result(sent).map(|sent| usize::try_from(sent).unwrap_or_default())
        })?;
        if self.plans() {
            return Ok(());
        }
        acknowledged(socket).map_err(|errno| {
            let source = std::panic::Location::caller();
            self.failed("RTM_NEWLINK", vec!["IFF_UP".to_owned()], errno, source)
        })
    }
}

/// nlmsghdr and ifinfomsg, in the byte order of this machine.
fn link_up(index: i32) -> [u8; LENGTH] {
    let mut message = [0; LENGTH];
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_ACK).unwrap_or_default();
    let up = (libc::IFF_UP as u32).to_ne_bytes();
    message[0..4].copy_from_slice(&(LENGTH as u32).to_ne_bytes());
    message[4..6].copy_from_slice(&libc::RTM_NEWLINK.to_ne_bytes());
    message[6..8].copy_from_slice(&flags.to_ne_bytes());
    message[8..12].copy_from_slice(&1_u32.to_ne_bytes());
    message[HEADER + 4..HEADER + 8].copy_from_slice(&index.to_ne_bytes());
    message[HEADER + 8..HEADER + 12].copy_from_slice(&up);
    message[HEADER + 12..HEADER + 16].copy_from_slice(&up);
    message
}

/// Reads the answer: an NLMSG_ERROR whose error is 0 for success. netlink(7)
fn acknowledged(socket: &OwnedFd) -> nix::Result<()> {
    let mut answer = [0_u8; 1024];
    let length = nix::unistd::read(socket, &mut answer)?;
    let error = answer.get(HEADER..HEADER + 4).filter(|_| length >= HEADER + 4);
    let error = error.and_then(|bytes| bytes.try_into().ok()).map_or(-libc::EBADMSG, i32::from_ne_bytes);
    if error == 0 { Ok(()) } else { Err(Errno::from_raw(-error)) }
}

/// A network interface, as getifaddrs(3) lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// `lo`, `eth0`, ...
    pub name: String,
    /// Whether it is switched on (IFF_UP).
    pub up: bool,
    /// Its addresses.
    pub addresses: Vec<String>,
}

/// The interfaces of the caller's network namespace.
pub fn interfaces() -> Vec<Interface> {
    let mut found: Vec<Interface> = Vec::new();
    for entry in nix::ifaddrs::getifaddrs().into_iter().flatten() {
        let up = entry.flags.contains(nix::net::if_::InterfaceFlags::IFF_UP);
        let address = entry.address.as_ref().and_then(|address| {
            let v4 = address.as_sockaddr_in().map(|address| address.ip().to_string());
            v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().to_string()))
        });
        match found.iter_mut().find(|known| known.name == entry.interface_name) {
            Some(known) => known.addresses.extend(address),
            None => found.push(Interface { name: entry.interface_name, up, addresses: address.into_iter().collect() }),
        }
    }
    found
}

impl std::fmt::Display for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = if self.up { "UP" } else { "DOWN" };
        write!(f, "{:<12} {state:<5} {}", self.name, self.addresses.join(" "))
    }
}
