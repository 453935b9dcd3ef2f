//! Tests of `resolve`, with a name server of their own.

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
