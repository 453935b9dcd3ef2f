//! The exchanges of one connection, in HTTP/1.1.
//!
//! ureq-proto knows the protocol: it reads heads, finds the ends of bodies, and knows which
//! answers have none. It does no input or output, so how long one waits, and for whom, is decided
//! here. See RFC 9110 and RFC 9112.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::{IpAddr, TcpStream};
use std::time::Instant;

use ureq_proto::http::{HeaderMap, Method};
use ureq_proto::server::state::{ProvideResponse, RecvBody, RecvRequest, Send100};
use ureq_proto::server::{RecvRequestResult, Reply, SendResponseResult};

use super::Served;
use super::answer::{Answer, Refusal};
use super::wire::Wire;
use crate::trace::Exchange;

/// The headers that the trace shows.
const TOLD: [&str; 7] =
    ["range", "content-range", "content-type", "docker-content-digest", "location", "accept", "link"];
/// So much of a refused body is read, to keep the connection.
const DRAINED: u64 = 256 * 1024;

/// What is asked.
pub struct Request {
    pub peer: IpAddr,
    pub method: Method,
    /// As it was sent.
    pub target: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A pair of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The body of a question, read when it is wanted: a client that asked whether it may send
/// it (`Expect: 100-continue`) is told so only then.
pub struct Body<'a, 'wire> {
    wire: &'a mut Wire<'wire>,
    state: Receiving,
    pub received: u64,
}

enum Receiving {
    Asks(Reply<Send100>),
    Open(Reply<RecvBody>),
    Done(Reply<ProvideResponse>),
    Broken,
}

impl Read for Body<'_, '_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, Receiving::Broken) {
                Receiving::Broken => return Err(io::ErrorKind::BrokenPipe.into()),
                Receiving::Done(reply) => {
                    self.state = Receiving::Done(reply);
                    return Ok(0);
                }
                Receiving::Asks(reply) => {
                    let mut line = [0; 64];
                    let (length, reply) = reply.accept(&mut line).map_err(wrong)?;
                    self.wire.send(&line[..length])?;
                    self.state = Receiving::Open(reply);
                }
                Receiving::Open(reply) if reply.is_ended() => {
                    self.state = Receiving::Done(reply.proceed().map_err(wrong)?);
                }
                Receiving::Open(mut reply) => {
                    let (used, read) = reply.read(self.wire.arrived(), bytes).map_err(wrong)?;
                    self.wire.used(used);
                    self.wire.transferred(read);
                    self.received += read as u64;
                    let stuck = used == 0 && read == 0 && !reply.is_ended();
                    self.state = Receiving::Open(reply);
                    if read > 0 || bytes.is_empty() {
                        return Ok(read);
                    }
                    if stuck && !self.wire.fill()? {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
        }
    }
}

impl<'a, 'wire> Body<'a, 'wire> {
    fn new(wire: &'a mut Wire<'wire>, reply: Reply<RecvRequest>, request: &Request) -> io::Result<Self> {
        let sized = |name| request.headers.contains_key(name);
        let state = match reply.proceed() {
            Some(RecvRequestResult::Send100(reply)) => Receiving::Asks(reply),
            Some(RecvRequestResult::RecvBody(mut reply)) => {
                if !sized("content-length") && !sized("transfer-encoding") {
                    // Nothing says that a body comes, so none does (RFC 9112, section 6.3, rule 7);
                    // the library waits for the chunks of one. It gets the last chunk from here.
                    reply.read(b"0\r\n\r\n", &mut [0; 8]).map_err(wrong)?;
                }
                Receiving::Open(reply)
            }
            Some(RecvRequestResult::ProvideResponse(reply)) => Receiving::Done(reply),
            None => Receiving::Broken,
        };
        Ok(Self { wire, state, received: 0 })
    }

    /// On to the answer; false if the connection can't go on behind it.
    fn finish(mut self) -> (Option<Reply<ProvideResponse>>, bool) {
        if matches!(self.state, Receiving::Asks(_)) {
            // The client waits for a word before it sends; this answer is the word.
            return (nothing_asked(), false);
        }
        let mut rest = (&mut self).take(DRAINED);
        let _ = io::copy(&mut rest, &mut io::sink());
        // To learn of the end one has to read once more.
        let _ = self.read(&mut [0]);
        match self.state {
            Receiving::Done(reply) => (Some(reply), true),
            _ => (nothing_asked(), false),
        }
    }
}

/// Serves one connection to its end.
pub fn serve(
    stream: &TcpStream,
    peer: IpAddr,
    answer: &dyn Fn(&Request, &mut Body<'_, '_>) -> Answer,
    tell: &dyn Fn(Served),
) {
    // Whoever hangs up has had enough.
    let Ok(mut wire) = Wire::new(stream) else { return };
    while exchange(&mut wire, peer, answer, tell).unwrap_or(false) {}
    wire.end();
}

/// One question and its answer; false if it was the last.
fn exchange(
    wire: &mut Wire<'_>,
    peer: IpAddr,
    answer: &dyn Fn(&Request, &mut Body<'_, '_>) -> Answer,
    tell: &dyn Fn(Served),
) -> io::Result<bool> {
    wire.begin();
    let (request, reply) = match receive(wire, peer) {
        Ok(Some(received)) => received,
        Ok(None) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            let refusal = Refusal::new(400, "UNSUPPORTED", "this is no HTTP/1.1").answer();
            return send(wire, nothing_asked(), refusal, false).map(|_| false);
        }
        Err(error) => return Err(error),
    };
    // Only now: how long a client says nothing is its own affair.
    wire.begin();
    let began = Instant::now();
    let mut body = Body::new(wire, reply, &request)?;
    let answer = answer(&request, &mut body);
    let sent = body.received;
    let (reply, goes_on) = body.finish();
    let mut exchange = Exchange {
        method: request.method.to_string(),
        url: request.target.clone(),
        status: Some(answer.status),
        request: told(request.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("?")))),
        response: told(answer.headers.iter().map(|(name, value)| (*name, value.as_str()))),
        sent,
        source: answer.source.clone(),
        ..Exchange::default()
    };
    let why = answer.why;
    let result = send(wire, reply, answer, goes_on);
    exchange.received = *result.as_ref().map_or(&0, |(_, sent)| sent);
    exchange.failure = result.as_ref().err().map(|error| format!("the connection broke: {error}"));
    exchange.ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    tell(Served { peer, why, exchange });
    result.map(|(goes_on, _)| goes_on)
}

/// The head of the next question.
fn receive(wire: &mut Wire<'_>, peer: IpAddr) -> io::Result<Option<(Request, Reply<RecvRequest>)>> {
    let mut reply = Reply::new().map_err(wrong)?;
    // Bodies of DELETE and the like are read too: else they would be taken for the next question.
    reply.force_recv_body();
    loop {
        let (used, head) = reply.try_request(wire.arrived()).map_err(wrong)?;
        wire.used(used);
        if let Some(head) = head {
            let (path, query) = (head.uri().path(), head.uri().query().unwrap_or_default());
            let request = Request {
                peer,
                target: head.uri().path_and_query().map_or_else(|| path.to_owned(), ToString::to_string),
                path: decoded(path).ok_or(io::ErrorKind::InvalidData)?,
                query: query.split('&').filter_map(pair).collect(),
                method: head.method().clone(),
                headers: head.headers().clone(),
            };
            return Ok(Some((request, reply)));
        }
        let begun = !wire.arrived().is_empty();
        match wire.fill() {
            Ok(true) => {}
            Ok(false) if begun => return Err(io::ErrorKind::InvalidData.into()),
            Ok(false) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// Sends the answer: whether the connection goes on, and how long the body was.
fn send(
    wire: &mut Wire<'_>,
    reply: Option<Reply<ProvideResponse>>,
    mut answer: Answer,
    goes_on: bool,
) -> io::Result<(bool, u64)> {
    let Some(reply) = reply else { return Ok((false, 0)) };
    let mut head = ureq_proto::http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        head = head.header(*name, value);
    }
    if answer.status != 204 {
        head = head.header("content-length", answer.length);
    }
    if !goes_on {
        head = head.header("connection", "close");
    }
    let mut reply = reply.provide(head.body(()).map_err(wrong)?).map_err(wrong)?;
    let mut buffer = vec![0; 64 * 1024];
    while !reply.is_finished() {
        let length = reply.write(&mut buffer).map_err(wrong)?;
        wire.send(&buffer[..length])?;
    }
    let mut sent = 0;
    let cleanup = match reply.proceed() {
        SendResponseResult::Cleanup(cleanup) => cleanup,
        SendResponseResult::SendBody(mut reply) => {
            while sent < answer.length {
                let most = buffer.len().min(usize::try_from(answer.length - sent).unwrap_or(usize::MAX));
                let read = answer.content.read(&mut buffer[..most])?;
                if read == 0 {
                    // Less came than was promised: the client must not take it for the whole.
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                wire.send(&buffer[..read])?;
                reply.consume_direct_write(read).map_err(wrong)?;
                sent += read as u64;
            }
            reply.write(&[], &mut buffer).map_err(wrong)?;
            reply.proceed()
        }
    };
    Ok((goes_on && !cleanup.must_close_connection(), sent))
}

/// For an answer to a question that was not understood, or not read to its end.
fn nothing_asked() -> Option<Reply<ProvideResponse>> {
    let mut reply = Reply::new().ok()?;
    reply.try_request(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").ok()?;
    match reply.proceed()? {
        RecvRequestResult::ProvideResponse(reply) => Some(reply),
        _ => None,
    }
}

fn told<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    let matter = headers.filter(|(name, _)| TOLD.contains(name));
    matter.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn pair(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    Some((decoded(key)?, decoded(value)?))
}

/// `sha256%3Aab` → `sha256:ab` (RFC 3986, section 2.1)
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

fn wrong(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
