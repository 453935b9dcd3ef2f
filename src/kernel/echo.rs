//! Whether a packet arrives: an ICMP echo request, and the answer to it. It changes
//! nothing, so it is not told. icmp(7), RFC 792

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, recv, sendto, setsockopt, socket,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::random_hex;

const REQUEST: u8 = 8;
const REPLY: u8 = 0;

/// True if this address answers within the time; false if nobody does, or no way leads
/// there. An error if this process may not ask: ping(8) would fail as well.
pub fn answers(address: Ipv4Addr, patience: Duration) -> io::Result<bool> {
    let (socket, is_raw) = open()?;
    let mark = random_hex(8).map_err(|error| io::Error::other(error.to_string()))?;
    let to = SockaddrIn::from(std::net::SocketAddrV4::new(address, 0));
    match sendto(socket.as_raw_fd(), &request(mark.as_bytes()), &to, MsgFlags::empty()) {
        Err(Errno::ENETUNREACH | Errno::EHOSTUNREACH | Errno::ENETDOWN | Errno::EADDRNOTAVAIL) => return Ok(false),
        Err(errno) => return Err(errno.into()),
        Ok(_) => {}
    }
    let end = Instant::now() + patience;
    let mut packet = [0_u8; 1500];
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| left.as_millis() > 0) {
        let left = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
        setsockopt(&socket, ReceiveTimeout, &TimeVal::milliseconds(left))?;
        match recv(socket.as_raw_fd(), &mut packet, MsgFlags::empty()) {
            Ok(length) if is_reply(&packet[..length], is_raw, mark.as_bytes()) => return Ok(true),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN | Errno::EHOSTUNREACH | Errno::ENETUNREACH | Errno::ECONNREFUSED) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(false)
}

/// A raw socket needs CAP_NET_RAW, the other kind a group: `net.ipv4.ping_group_range`.
fn open() -> io::Result<(OwnedFd, bool)> {
    let open = |kind| socket(AddressFamily::Inet, kind, SockFlag::SOCK_CLOEXEC, SockProtocol::Icmp);
    match open(SockType::Raw) {
        Ok(socket) => Ok((socket, true)),
        Err(Errno::EPERM | Errno::EACCES) => Ok((open(SockType::Datagram)?, false)),
        Err(errno) => Err(errno.into()),
    }
}

/// Type, code, checksum, identifier, sequence number, and the mark.
fn request(mark: &[u8]) -> Vec<u8> {
    let mut packet = [&[REQUEST, 0, 0, 0, 0, 7, 0, 1], mark].concat();
    let sum = checksum(&packet);
    packet[2..4].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// RFC 1071
fn checksum(packet: &[u8]) -> u16 {
    let words = packet.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |byte| u32::from(*byte)));
    let mut sum: u32 = words.sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

/// A raw socket gives the IP header as well.
fn is_reply(packet: &[u8], is_raw: bool, mark: &[u8]) -> bool {
    let header = if is_raw { packet.first().map_or(0, |first| usize::from(first & 0xf) * 4) } else { 0 };
    packet.get(header..).is_some_and(|icmp| icmp.first() == Some(&REPLY) && icmp.get(8..) == Some(mark))
}

#[cfg(test)]
mod tests {
    use super::{checksum, is_reply, request};

    #[test]
    fn a_checksum_over_a_whole_packet_is_zero() {
        assert_eq!(checksum(&request(b"mark")), 0);
        assert_eq!(checksum(&request(b"odd")), 0);
    }

    #[test]
    fn only_the_own_reply_counts() {
        let mut reply = request(b"mark");
        assert!(!is_reply(&reply, false, b"mark"));
        reply[0] = 0;
        assert!(is_reply(&reply, false, b"mark") && !is_reply(&reply, false, b"kram"));
        let raw = [&[0x45; 20][..], &reply].concat();
        assert!(is_reply(&raw, true, b"mark") && !is_reply(b"", true, b"mark"));
    }
}
