//! From a host's name to its addresses: /etc/hosts, then the name servers of
//! /etc/resolv.conf.
//!
//! boxlab is one file, linked statically; the C library's getaddrinfo(3) would load plugins
//! into it (nsswitch.conf(5)) which fit another build. So it asks by itself. It does *not* know
//! names of mDNS or LDAP.
//! See hosts(5), resolv.conf(5), RFC 1035.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// `ureq` keeps so many.
const MOST: usize = 16;
/// A port for questions (RFC 1035, section 4.2).
const PORT: u16 = 53;

/// Asks as described above.
#[derive(Debug)]
pub struct Names;

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, config: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let found = addresses(host).map_err(|error| ureq::Error::Other(Box::new(Unanswered(error))))?;
        let found = found.into_iter().map(|address| SocketAddr::new(address, port));
        let mut addresses = self.empty();
        for address in config.ip_family().keep_wanted(found).take(MOST) {
            addresses.push(address);
        }
        if addresses.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(addresses) }
    }
}

/// Nobody could be asked, which is not the same as "there is no such name".
#[derive(Debug)]
pub struct Unanswered(io::Error);

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Unanswered {}

/// The addresses of a host; none: nobody knows it.
fn addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse() {
        return Ok(vec![address]);
    }
    let known = in_hosts(&fs::read_to_string("/etc/hosts").unwrap_or_default(), host);
    if !known.is_empty() {
        return Ok(known);
    }
    if super::proxy::is_loopback(host) {
        // RFC 6761, section 6.3: no server is asked for this name.
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let servers = Servers::read(&fs::read_to_string("/etc/resolv.conf").unwrap_or_default());
    for name in servers.candidates(host) {
        let found = servers.ask(&name)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// hosts(5): an address, and the names that it has.
fn in_hosts(text: &str, host: &str) -> Vec<IpAddr> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().split_whitespace());
    let named = |mut words: std::str::SplitWhitespace<'_>| {
        let address = words.next()?.parse().ok()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then_some(address)
    };
    lines.filter_map(named).collect()
}

/// resolv.conf(5).
#[derive(Debug, PartialEq)]
struct Servers {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    dots: usize,
    timeout: Duration,
    attempts: u32,
}

impl Servers {
    fn read(text: &str) -> Self {
        let (timeout, attempts) = (Duration::from_secs(5), 2);
        let mut read = Self { servers: Vec::new(), search: Vec::new(), dots: 1, timeout, attempts };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                // Only the first three count.
                Some("nameserver") if read.servers.len() < 3 => read.servers.extend(words.next().and_then(server)),
                Some("search" | "domain") => read.search = words.map(str::to_owned).collect(),
                Some("options") => words.for_each(|option| read.option(option)),
                _ => {}
            }
        }
        if read.servers.is_empty() {
            read.servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PORT));
        }
        read
    }

    fn option(&mut self, option: &str) {
        let Some((name, Ok(number))) = option.split_once(':').map(|(name, number)| (name, number.parse::<u32>()))
        else {
            return;
        };
        match name {
            "ndots" => self.dots = number.min(15) as usize,
            "timeout" => self.timeout = Duration::from_secs(number.clamp(1, 30).into()),
            "attempts" => self.attempts = number.clamp(1, 5),
            _ => {}
        }
    }

    /// The full names that a short one may stand for, in order. With enough dots it is
    /// tried as it is first, else last.
    fn candidates(&self, host: &str) -> Vec<String> {
        if let Some(whole) = host.strip_suffix('.') {
            return vec![whole.to_owned()];
        }
        let mut names: Vec<String> = self.search.iter().map(|domain| format!("{host}.{domain}")).collect();
        let first = host.matches('.').count() >= self.dots;
        names.insert(if first { 0 } else { names.len() }, host.to_owned());
        names
    }

    /// The first server that knows an answer, be it "there is none", ends the search.
    fn ask(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut last = None;
        for _ in 0..self.attempts {
            for server in &self.servers {
                match self.both(*server, name) {
                    Ok(found) => return Ok(found),
                    Err(error) => last = Some(error),
                }
            }
        }
        let silent = || io::Error::new(io::ErrorKind::TimedOut, "no name server answers");
        Err(last.map_or_else(silent, |error| io::Error::new(error.kind(), format!("no name server answers: {error}"))))
    }

    /// IPv6 and IPv4, both questions on their way at once; IPv4 comes first, since many
    /// a network says that it has IPv6 and has not.
    fn both(&self, server: SocketAddr, name: &str) -> io::Result<Vec<IpAddr>> {
        let kinds = [TYPE::A, TYPE::AAAA];
        let first = identifier();
        let questions = [question(first, name, kinds[0])?, question(first.wrapping_add(1), name, kinds[1])?];
        let local: SocketAddr =
            if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
        let socket = UdpSocket::bind(local)?;
        socket.connect(server)?; // so that nobody else's answer is taken
        for question in &questions {
            socket.send(question)?;
        }
        let mut answers: [Option<Vec<IpAddr>>; 2] = [None, None];
        let end = Instant::now() + self.timeout;
        let mut buffer = [0; 4096];
        while answers.iter().any(Option::is_none) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(left))?;
            let Ok(length) = socket.recv(&mut buffer) else { break };
            let place = |packet: &Packet<'_>| usize::from(packet.id().wrapping_sub(first));
            let Ok(packet) = Packet::parse(&buffer[..length]) else { continue };
            let place = place(&packet);
            if place >= 2 || !is_about(&packet, name, kinds[place]) {
                continue; // somebody guesses
            }
            answers[place] = Some(match packet.has_flags(PacketFlag::TRUNCATION) {
                true => self.by_tcp(server, &questions[place])?,
                false => read(&packet)?,
            });
        }
        match answers {
            [None, None] => Err(io::Error::new(io::ErrorKind::TimedOut, format!("{} is silent", server.ip()))),
            // A server that does not know one kind at all keeps silent about it.
            [four, six] => Ok(four.into_iter().chain(six).flatten().collect()),
        }
    }

    /// An answer that is too long for a datagram. RFC 7766
    fn by_tcp(&self, server: SocketAddr, question: &[u8]) -> io::Result<Vec<IpAddr>> {
        let mut stream = TcpStream::connect_timeout(&server, self.timeout)?;
        stream.set_read_timeout(Some(self.timeout))?;
        let length = u16::try_from(question.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), question].concat())?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut answer = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut answer)?;
        read(&Packet::parse(&answer).map_err(io::Error::other)?)
    }
}

fn server(text: &str) -> Option<SocketAddr> {
    // A link-local address may name its interface: fe80::1%eth0.
    let address = text.split('%').next().unwrap_or_default();
    Some(SocketAddr::new(address.parse().ok()?, PORT))
}

/// Hard to guess, so that a forged answer does not fit (RFC 5452).
fn identifier() -> u16 {
    let random = crate::kernel::random_hex(2).unwrap_or_default();
    u16::from_str_radix(&random, 16).unwrap_or_default()
}

fn question(id: u16, name: &str, kind: TYPE) -> io::Result<Vec<u8>> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).map_err(io::Error::other)?;
    packet.questions.push(Question::new(name, QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
    packet.build_bytes_vec().map_err(io::Error::other)
}

fn is_about(packet: &Packet<'_>, name: &str, kind: TYPE) -> bool {
    let [question] = packet.questions.as_slice() else { return false };
    let same = question.qname.to_string().trim_end_matches('.').eq_ignore_ascii_case(name.trim_end_matches('.'));
    same && question.qtype == QTYPE::TYPE(kind) && packet.has_flags(PacketFlag::RESPONSE)
}

/// The addresses in an answer; aliases (CNAME) lead to them within it.
fn read(packet: &Packet<'_>) -> io::Result<Vec<IpAddr>> {
    match packet.rcode() {
        RCODE::NoError => {}
        RCODE::NameError => return Ok(Vec::new()),
        other => return Err(io::Error::other(format!("a name server fails: {other:?}"))),
    }
    let address = |data: &RData<'_>| match data {
        RData::A(four) => Some(IpAddr::from(Ipv4Addr::from(four.address))),
        RData::AAAA(six) => Some(IpAddr::from(Ipv6Addr::from(six.address))),
        _ => None,
    };
    Ok(packet.answers.iter().filter_map(|record| address(&record.rdata)).collect())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, TcpListener, UdpSocket};
    use std::thread;

    use simple_dns::rdata::{A, RData};
    use simple_dns::{CLASS, Packet, PacketFlag, QTYPE, ResourceRecord, TYPE};

    use super::*;

    #[test]
    fn hosts_names_come_first() {
        let text = "127.0.0.1 localhost # this\n#10.0.0.1 web\n10.0.0.2\tweb Web2\n::1 localhost\nx y\n";
        assert_eq!(in_hosts(text, "WEB2"), ["10.0.0.2".parse::<IpAddr>().unwrap()]);
        assert_eq!(in_hosts(text, "localhost").len(), 2);
        assert!(in_hosts(text, "this").is_empty() && in_hosts(text, "y").is_empty());
    }

    #[test]
    fn resolv_conf_is_read() {
        let text = "; x\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\nsearch a.example b.example\noptions ndots:2 timeout:1 rotate attempts:9\n";
        let read = Servers::read(text);
        assert_eq!(read.servers, ["10.0.0.1:53".parse().unwrap(), "[fe80::1]:53".parse::<SocketAddr>().unwrap()]);
        assert_eq!((read.dots, read.timeout, read.attempts), (2, Duration::from_secs(1), 5));
        assert_eq!(read.candidates("x.y"), ["x.y.a.example", "x.y.b.example", "x.y"]);
        assert_eq!(read.candidates("x.y.z")[0], "x.y.z");
        assert_eq!(read.candidates("x."), ["x"]);
        assert_eq!(Servers::read("").servers, ["127.0.0.1:53".parse().unwrap()]);
    }

    /// Answers A questions with `addresses`, and others with nothing.
    fn answer(bytes: &[u8], addresses: &[[u8; 4]], truncated: bool) -> Vec<u8> {
        let question = Packet::parse(bytes).unwrap();
        let mut reply = Packet::new_reply(question.id());
        let asked = question.questions[0].clone();
        if asked.qtype == QTYPE::TYPE(TYPE::A) && !truncated {
            for address in addresses {
                let data = RData::A(A { address: u32::from_be_bytes(*address) });
                reply.answers.push(ResourceRecord::new(asked.qname.clone(), CLASS::IN, 60, data));
            }
        }
        if truncated {
            reply.set_flags(PacketFlag::TRUNCATION);
        }
        reply.questions.push(asked);
        reply.build_bytes_vec().unwrap()
    }

    fn servers(address: SocketAddr) -> Servers {
        let mut servers = Servers::read("options timeout:1 attempts:1");
        servers.servers = vec![address];
        servers
    }

    #[test]
    fn a_server_is_asked_and_forged_answers_are_not_taken() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let server = thread::spawn(move || {
            let mut buffer = [0; 512];
            for _ in 0..2 {
                let (length, from) = socket.recv_from(&mut buffer).unwrap();
                let right = answer(&buffer[..length], &[[10, 0, 0, 7]], false);
                let mut wrong = answer(&buffer[..length], &[[6, 6, 6, 6]], false);
                wrong[0] ^= 0x55; // another identifier
                socket.send_to(&wrong, from).unwrap();
                socket.send_to(&right, from).unwrap();
            }
        });
        assert_eq!(servers(address).ask("a.example").unwrap(), ["10.0.0.7".parse::<IpAddr>().unwrap()]);
        server.join().unwrap();
    }

    #[test]
    fn long_answers_come_by_tcp() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let socket = UdpSocket::bind(address).unwrap();
        let server = thread::spawn(move || {
            let mut buffer = [0; 512];
            for _ in 0..2 {
                let (length, from) = socket.recv_from(&mut buffer).unwrap();
                let is_a = Packet::parse(&buffer[..length]).unwrap().questions[0].qtype == QTYPE::TYPE(TYPE::A);
                socket.send_to(&answer(&buffer[..length], &[], is_a), from).unwrap();
            }
            let (mut stream, _) = listener.accept().unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut question = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut question).unwrap();
            let many: Vec<[u8; 4]> = (0..100).map(|number| [10, 0, 1, number]).collect();
            let reply = answer(&question, &many, false);
            stream.write_all(&u16::try_from(reply.len()).unwrap().to_be_bytes()).unwrap();
            stream.write_all(&reply).unwrap();
        });
        assert_eq!(servers(address).ask("a.example").unwrap().len(), 100);
        server.join().unwrap();
    }

    #[test]
    fn a_silent_server_is_an_error_not_an_absent_name() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let error = servers(socket.local_addr().unwrap()).ask("a.example").unwrap_err();
        assert!(error.to_string().contains("is silent"), "{error}");
    }
}
