//! Sockets, where a lesson is about who may have which. socket(2), bind(2)

use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::SockaddrIn;

use super::Kernel;
use crate::error::Result;

impl Kernel {
    /// A socket for TCP. tcp(7)
    #[track_caller]
    pub fn tcp_socket(&self) -> Result<OwnedFd> {
        let names = ["AF_INET", "SOCK_STREAM|SOCK_CLOEXEC", "IPPROTO_IP"];
        self.call(
            "socket",
            || names.map(str::to_owned).to_vec(),
            || {
                // SAFETY: takes plain numbers; a non-negative result is a new descriptor.
                let made =
                    Errno::result(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) })?;
                // SAFETY: see above; it is ours alone.
                Ok(unsafe { OwnedFd::from_raw_fd(made) })
            },
        )
    }

    /// Takes a port on every address of this network namespace. bind(2), ip(7)
    #[track_caller]
    pub fn bind_port(&self, socket: &OwnedFd, port: u16) -> Result<()> {
        let args = || {
            let address = format!("{{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr(\"0.0.0.0\")}}");
            vec![self.fd(socket), address, "16".to_owned()]
        };
        let address = SockaddrIn::from(std::net::SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port));
        self.call("bind", args, || nix::sys::socket::bind(socket.as_raw_fd(), &address))
    }
}
