//! A proxy in front of a registry that remembers all it is asked, and goes wrong on order:
//! cuts, corrupts, truncates, stalls, delays, refuses for a while, sends elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::http::{Answer, Request, Server, body, has_body, read_head, read_request, write_answer};

/// What goes wrong with an answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The connection ends after so many bytes of the body, short of its `Content-Length`.
    Cut(u64),
    /// After so many bytes of the body nothing comes any more; the connection stays open.
    Stall(u64),
    /// The answer is as whole as any, but its body ends after so many bytes.
    Truncate(u64),
    /// The byte at this place is another one.
    Corrupt(u64),
    /// It comes later.
    Delay(Duration),
    /// Another status instead, with these headers; the registry is not asked.
    Status(u16, Vec<(&'static str, String)>),
    /// Sent to the same path of another host and port, as to a content delivery network.
    Redirect(String),
}

/// When: for the requests of this method whose path holds this text, after so many, so often.
#[derive(Debug, Clone)]
struct Rule {
    method: &'static str,
    path: String,
    skip: usize,
    times: usize,
    fault: Fault,
}

#[derive(Debug, Default)]
struct Shared {
    requests: Vec<Request>,
    rules: Vec<Rule>,
    most: BTreeMap<String, (usize, usize)>,
}

/// The proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    /// `127.0.0.1:PORT`
    pub address: String,
    shared: Arc<Mutex<Shared>>,
    _server: Server,
}

impl FaultProxy {
    /// In front of `127.0.0.1:PORT`.
    pub fn before(upstream: &str) -> Result<Self, String> {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (seen, upstream) = (Arc::clone(&shared), upstream.to_owned());
        let server = Server::start(move |stream| {
            // Whoever hangs up has had enough.
            let _ = pass_on(stream, &upstream, &seen);
        })?;
        Ok(Self { address: server.address.to_string(), shared, _server: server })
    }

    /// Orders a fault for the next `times` requests of this method whose path holds this text.
    pub fn fail(&self, method: &'static str, path: &str, times: usize, fault: Fault) {
        self.fail_after(0, method, path, times, fault);
    }

    /// [`FaultProxy::fail`], after `skip` such requests have passed.
    pub fn fail_after(&self, skip: usize, method: &'static str, path: &str, times: usize, fault: Fault) {
        let rule = Rule { method, path: path.to_owned(), skip, times, fault };
        self.shared().rules.push(rule);
    }

    /// All requests so far, without their bodies.
    pub fn requests(&self) -> Vec<Request> {
        self.shared().requests.clone()
    }

    /// `GET /v2/`, ...: method and target of each.
    pub fn lines(&self) -> Vec<String> {
        self.requests().iter().map(|request| format!("{} {}", request.method, request.target)).collect()
    }

    /// How many requests whose target holds this text were under way at the same time, at most.
    pub fn at_once(&self, path: &str) -> usize {
        let shared = self.shared();
        shared.most.iter().filter(|(known, _)| known.contains(path)).map(|(_, count)| count.1).max().unwrap_or(0)
    }

    /// Forgets what is still to go wrong.
    pub fn mend(&self) {
        self.shared().rules.clear();
    }

    /// Forgets the requests.
    pub fn forget(&self) {
        self.shared().requests.clear();
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().expect("no thread of the proxy panics")
    }
}

impl Shared {
    /// What is to go wrong with this request.
    fn fault(&mut self, request: &Request) -> Option<Fault> {
        let matching =
            |rule: &&mut Rule| rule.method == request.method && request.target.contains(&rule.path) && rule.times > 0;
        let rule = self.rules.iter_mut().find(matching)?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.times -= 1;
        Some(rule.fault.clone())
    }

    fn counts(&mut self, target: &str, change: isize) {
        let count = self.most.entry(target.to_owned()).or_default();
        count.0 = count.0.saturating_add_signed(change);
        count.1 = count.1.max(count.0);
    }
}

fn pass_on(client: TcpStream, upstream: &str, shared: &Mutex<Shared>) -> io::Result<()> {
    let mut writer = client.try_clone()?;
    let mut reader = BufReader::new(client);
    while let Some(request) = read_request(&mut reader, &mut writer)? {
        let fault = {
            let mut shared = shared.lock().expect("no thread of the proxy panics");
            shared.requests.push(Request { body: Vec::new(), ..request.clone() });
            shared.counts(&request.target, 1);
            shared.fault(&request)
        };
        let passed = pass(&mut writer, &request, upstream, fault);
        shared.lock().expect("no thread of the proxy panics").counts(&request.target, -1);
        if !passed? {
            writer.shutdown(Shutdown::Both)?;
            return Ok(());
        }
    }
    Ok(())
}

/// One exchange; false if the connection must end with it.
fn pass(writer: &mut TcpStream, request: &Request, upstream: &str, fault: Option<Fault>) -> io::Result<bool> {
    match &fault {
        Some(Fault::Delay(delay)) => thread::sleep(*delay),
        Some(Fault::Status(status, headers)) => {
            let mut answer = Answer::new(*status, "text/plain", "the fault proxy\n");
            headers.iter().for_each(|(name, value)| answer.headers.push(((*name).to_owned(), value.clone())));
            write_answer(writer, &request.method, &answer)?;
            return Ok(true);
        }
        Some(Fault::Redirect(address)) => {
            let location = format!("http://{address}{}", request.target);
            write_answer(writer, &request.method, &Answer::new(307, "text/plain", "").with("location", location))?;
            return Ok(true);
        }
        _ => {}
    }
    let mut upstream = BufReader::new(ask(upstream, request)?);
    let Some((first, headers)) = read_head(&mut upstream)? else { return Ok(false) };
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let kept = |name: &str| !matches!(name, "connection" | "transfer-encoding" | "content-length");
    let mut answer = format!("{first}\r\n");
    for (name, value) in headers.iter().filter(|(name, _)| kept(name)) {
        answer.push_str(&format!("{name}: {value}\r\n"));
    }
    let stated = super::http::header(&headers, "content-length").and_then(|length| length.parse::<u64>().ok());
    if !has_body(&request.method, status) {
        answer.push_str(&stated.map(|length| format!("content-length: {length}\r\n")).unwrap_or_default());
        writer.write_all(format!("{answer}\r\n").as_bytes())?;
        return Ok(true);
    }
    let mut body = body(&mut upstream, &headers, true).expect("an answer may last to the end");
    match stated {
        Some(length) => send(writer, answer, &mut body, length, fault),
        None => {
            let mut whole = Vec::new();
            body.read_to_end(&mut whole)?;
            send(writer, answer, &mut whole.as_slice(), whole.len() as u64, fault)
        }
    }
}

fn ask(upstream: &str, request: &Request) -> io::Result<TcpStream> {
    let mut stream = super::http::connect(upstream)?;
    let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", request.method, request.target);
    let kept = |name: &str| !matches!(name, "connection" | "transfer-encoding" | "content-length" | "expect");
    for (name, value) in request.headers.iter().filter(|(name, _)| kept(name)) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", request.body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(&request.body)?;
    Ok(stream)
}

/// Sends head and body with what is wrong with them.
fn send(
    writer: &mut TcpStream,
    head: String,
    body: &mut dyn Read,
    length: u64,
    fault: Option<Fault>,
) -> io::Result<bool> {
    let (claimed, sent) = match fault {
        Some(Fault::Cut(at) | Fault::Stall(at)) => (length, at.min(length)),
        Some(Fault::Truncate(at)) => (at.min(length), at.min(length)),
        _ => (length, length),
    };
    writer.write_all(format!("{head}content-length: {claimed}\r\n\r\n").as_bytes())?;
    let mut place = 0;
    let mut buffer = vec![0; 64 * 1024];
    let mut body = body.take(sent);
    loop {
        let read = body.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        if let Some(Fault::Corrupt(at)) = fault
            && (place..place + read as u64).contains(&at)
        {
            buffer[usize::try_from(at - place).expect("within the buffer")] ^= 0x55;
        }
        writer.write_all(&buffer[..read])?;
        place += read as u64;
    }
    if matches!(fault, Some(Fault::Stall(_))) {
        // Until the client gives up.
        let _ = writer.try_clone()?.read(&mut [0]);
    }
    Ok(claimed == place)
}

/// Where a registry may send for its blobs: a host of its own, which knows no credentials
/// and refuses those that are meant for others, as S3 does.
#[derive(Debug)]
pub struct Cdn {
    /// `127.0.0.1:PORT`
    pub address: String,
    requests: Arc<Mutex<Vec<Request>>>,
    _server: Server,
}

impl Cdn {
    /// Over the blobs of a docker-registry, see `DockerRegistry::storage`.
    pub fn over(storage: PathBuf) -> Result<Self, String> {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let server = Server::answering(move |request| {
            seen.lock().expect("no thread panics").push(request.clone());
            if request.header("authorization").is_some() {
                return Answer::new(400, "text/plain", "only one way to authenticate, please\n");
            }
            let hex = request.path().rsplit(':').next().unwrap_or_default().to_owned();
            let path = format!("docker/registry/v2/blobs/sha256/{}/{hex}/data", hex.get(..2).unwrap_or("xx"));
            match fs::read(storage.join(path)) {
                Ok(bytes) => part(request, bytes),
                Err(_) => Answer::new(404, "text/plain", "no such blob\n"),
            }
        })?;
        Ok(Self { address: server.address.to_string(), requests, _server: server })
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no thread panics").clone()
    }
}

/// What `Range: bytes=A-B` asks for (RFC 9110, section 14).
fn part(request: &Request, bytes: Vec<u8>) -> Answer {
    const KIND: &str = "application/octet-stream";
    let Some((from, to)) =
        request.header("range").and_then(|range| range.strip_prefix("bytes=")).and_then(|range| range.split_once('-'))
    else {
        return Answer::new(200, KIND, bytes);
    };
    let from: usize = from.parse().unwrap_or(0);
    let to = to.parse().unwrap_or(usize::MAX).min(bytes.len().saturating_sub(1));
    match bytes.get(from..=to) {
        Some(part) => Answer::new(206, KIND, part).with("content-range", format!("bytes {from}-{to}/{}", bytes.len())),
        None => Answer::new(416, KIND, "").with("content-range", format!("bytes */{}", bytes.len())),
    }
}
