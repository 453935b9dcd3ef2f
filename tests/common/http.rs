//! As much HTTP/1.1 as the fixtures need (RFC 9112): a server of one function, and a client
//! that hides nothing. Written out, so that a test says which bytes it sends, also wrong ones.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Nobody in these tests is silent for longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names in lower case, in the order in which they came.
pub type Headers = Vec<(String, String)>;

/// The value of the first header of that name.
pub fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// What was asked.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Request {
    /// Without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The pairs of the query, or of a form in the body, percent-decoded.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query).to_owned();
        let form = String::from_utf8_lossy(&self.body).into_owned();
        let text = if self.method == "POST" { form } else { query };
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key), decoded(value))
        };
        text.split('&').filter(|text| !text.is_empty()).map(pair).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// What was answered.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type".into(), content_type.into())], body: body.into() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The `code` of the first error in a registry's answer.
    pub fn code(&self) -> String {
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        json["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// A server on a free port of 127.0.0.1; it ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    ends: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Server {
    /// Each connection gets a thread in which `connected` is called.
    pub fn start(connected: impl Fn(TcpStream) + Send + Sync + 'static) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (ends, connected) = (Arc::new(AtomicBool::new(false)), Arc::new(connected));
        let ending = Arc::clone(&ends);
        let listener = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ending.load(Ordering::SeqCst) {
                    return;
                }
                let connected = Arc::clone(&connected);
                thread::spawn(move || {
                    stream.set_read_timeout(Some(PATIENCE)).ok();
                    stream.set_nodelay(true).ok();
                    connected(stream);
                });
            }
        });
        Ok(Self { address, ends, listener: Some(listener) })
    }

    /// Each request is answered by `answer`.
    pub fn answering(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Result<Self, String> {
        Self::start(move |stream| {
            let Ok(mut writer) = stream.try_clone() else { return };
            let mut reader = BufReader::new(stream);
            while let Ok(Some(request)) = read_request(&mut reader, &mut writer) {
                if write_answer(&mut writer, &request.method, &answer(&request)).is_err() {
                    return;
                }
            }
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // Wakes it from accept(2).
        TcpStream::connect(self.address).ok();
        self.listener.take().map(JoinHandle::join);
    }
}

/// The next request of a connection; `None` at its end.
pub fn read_request(reader: &mut impl BufRead, writer: &mut impl Write) -> io::Result<Option<Request>> {
    let Some((first, headers)) = read_head(reader)? else { return Ok(None) };
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut request = Request { method: method.into(), target: target.into(), headers, body: Vec::new() };
    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    if let Some(mut body) = body(reader, &request.headers, false) {
        body.read_to_end(&mut request.body)?;
    }
    Ok(Some(request))
}

/// Its first line and headers.
pub fn read_head(reader: &mut impl BufRead) -> io::Result<Option<(String, Headers)>> {
    let mut line = || {
        let mut line = Vec::new();
        reader.by_ref().take(64 * 1024).read_until(b'\n', &mut line)?;
        Ok::<_, io::Error>(String::from_utf8_lossy(&line).trim_end().to_owned())
    };
    let first = line()?;
    if first.is_empty() {
        return Ok(None);
    }
    let mut headers = Headers::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { return Ok(Some((first, headers))) };
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
}

/// The body that comes after a head; `None`: there is none. `to_the_end` if it may last
/// until the connection is closed, as an answer may.
pub fn body<'a>(reader: &'a mut impl BufRead, headers: &Headers, to_the_end: bool) -> Option<Box<dyn Read + 'a>> {
    if header(headers, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return Some(Box::new(Chunked { reader, left: 0, ended: false }));
    }
    match header(headers, "content-length").and_then(|value| value.parse().ok()) {
        Some(length) => Some(Box::new(reader.take(length))),
        None if to_the_end => Some(Box::new(reader)),
        None => None,
    }
}

struct Chunked<'a, Inner> {
    reader: &'a mut Inner,
    left: u64,
    ended: bool,
}

impl<Inner: BufRead> Read for Chunked<'_, Inner> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 && !self.ended {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            let size = line.trim().split(';').next().unwrap_or_default();
            if size.is_empty() && !line.is_empty() {
                continue; // the line end behind a chunk
            }
            self.left = u64::from_str_radix(size, 16).map_err(|_| io::ErrorKind::UnexpectedEof)?;
            if self.left == 0 {
                self.ended = true;
                self.reader.read_line(&mut line)?;
            }
        }
        let read = self.reader.by_ref().take(self.left).read(bytes)?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Sends an answer; to a HEAD without its body, but with its length.
pub fn write_answer(writer: &mut impl Write, method: &str, answer: &Answer) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Status\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if answer.header("content-length").is_none() && answer.status != 204 {
        head.push_str(&format!("content-length: {}\r\n", answer.body.len()));
    }
    writer.write_all(head.as_bytes())?;
    writer.write_all(b"\r\n")?;
    if method != "HEAD" {
        writer.write_all(&answer.body)?;
    }
    writer.flush()
}

/// Asks a server on a connection of its own, and returns all that it says.
pub fn ask(address: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, String> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let sized = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    if !sized && (!body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH")) {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut stream = connect(address).map_err(|error| format!("{address}: {error}"))?;
    // A server that refuses may close before all is sent; its answer counts.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    read_answer(&mut BufReader::new(stream), method).map_err(|error| format!("{method} {target}: {error}"))
}

/// A connection that is not waited for longer than a minute.
pub fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The next answer of a connection.
pub fn read_answer(reader: &mut impl BufRead, method: &str) -> io::Result<Answer> {
    let Some((first, headers)) = read_head(reader)? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    if status == 100 {
        return read_answer(reader, method);
    }
    let mut answer = Answer { status, headers, body: Vec::new() };
    if has_body(method, status)
        && let Some(mut body) = body(reader, &answer.headers, true)
    {
        body.read_to_end(&mut answer.body)?;
    }
    Ok(answer)
}

/// Whether an answer has a body (RFC 9112, section 6.3).
pub fn has_body(method: &str, status: u16) -> bool {
    method != "HEAD" && status >= 200 && status != 204 && status != 304
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).unwrap_or(0);
        bytes.push(match byte {
            b'%' => u8::try_from(digit() * 16 + digit()).unwrap_or(b'?'),
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
