//! A real registry for the tests: Debian's docker-registry on a free port of 127.0.0.1, open
//! to all, behind a password, behind a token service, or behind TLS. It is stopped and its
//! files are removed when it is dropped.
//!
//! ```ignore
//! let registry = DockerRegistry::start()?;
//! let registry = DockerRegistry::plain().with_htpasswd("ann", "secret").start()?;
//! let registry = DockerRegistry::plain().with_token_service(TokenService::start(Answers::default())?).start()?;
//! ```

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::token_service::TokenService;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fails in the words by which `support` knows a trial that can't run here.
pub fn needs(program: &str) -> Result<(), String> {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|directory| directory.join(program).exists()));
    if found { Ok(()) } else { Err(format!("this needs {program}, which is not installed")) }
}

/// Runs a program that must succeed; what it printed.
pub fn must(command: &mut Command) -> Result<Vec<u8>, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    needs(&name)?;
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!("{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr))),
    }
}

/// What kind of a registry it shall be.
#[derive(Debug, Default)]
pub struct Plan {
    htpasswd: Option<(String, String)>,
    tokens: Option<TokenService>,
    tls: bool,
}

impl Plan {
    /// Asks for this name and password (Basic).
    #[must_use]
    pub fn with_htpasswd(mut self, user: &str, password: &str) -> Self {
        self.htpasswd = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Asks for a token of this service (Bearer).
    #[must_use]
    pub fn with_token_service(mut self, tokens: TokenService) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Speaks TLS, with a certificate of an authority of its own.
    #[must_use]
    pub fn with_tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Starts it, and waits until it listens.
    pub fn start(self) -> Result<DockerRegistry, String> {
        needs("docker-registry")?;
        let directory = tempfile::Builder::new().prefix("boxlab-registry-").tempdir();
        let directory = directory.map_err(|error| error.to_string())?;
        let config = self.config(directory.path())?;
        let path = directory.path().join("config.yml");
        fs::write(&path, config).map_err(|error| error.to_string())?;
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(&path)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("docker-registry: {error}"))?;
        match listening(&mut process) {
            Ok(address) => Ok(DockerRegistry { address, tokens: self.tokens, process, directory }),
            Err(said) => {
                let _ = process.kill();
                let _ = process.wait();
                Err(format!("docker-registry did not start: {said}"))
            }
        }
    }

    fn config(&self, directory: &Path) -> Result<String, String> {
        let place = directory.display();
        // It writes a URL as the client knows it, from its Host header: also behind a proxy.
        let mut config = format!(
            "version: 0.1\nlog: {{level: info, accesslog: {{disabled: true}}}}\nstorage:\n  \
             filesystem: {{rootdirectory: {place}/storage}}\n  delete: {{enabled: true}}\nhttp:\n  addr: 127.0.0.1:0\n"
        );
        if self.tls {
            certify(directory)?;
            config += &format!("  tls: {{certificate: {place}/server.crt, key: {place}/server.key}}\n");
        }
        if let Some((user, password)) = &self.htpasswd {
            let line = must(Command::new("htpasswd").args(["-Bbn", "-C", "4", user, password]))?;
            fs::write(directory.join("htpasswd"), line).map_err(|error| error.to_string())?;
            config += &format!("auth: {{htpasswd: {{realm: test, path: {place}/htpasswd}}}}\n");
        }
        if let Some(tokens) = &self.tokens {
            config += &tokens.config();
        }
        Ok(config)
    }
}

/// The registry.
#[derive(Debug)]
pub struct DockerRegistry {
    /// `127.0.0.1:PORT`
    pub address: String,
    /// Who gives its tokens.
    pub tokens: Option<TokenService>,
    process: Child,
    directory: TempDir,
}

impl DockerRegistry {
    /// One that is open to all.
    pub fn start() -> Result<Self, String> {
        Self::plain().start()
    }

    /// To be refined.
    pub fn plain() -> Plan {
        Plan::default()
    }

    /// The certificate of the authority that vouches for it, with TLS.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.crt")
    }

    /// Where it keeps its files.
    pub fn storage(&self) -> PathBuf {
        self.directory.path().join("storage")
    }

    /// Its process, to be stopped and gone on with.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// It says which port the kernel gave it: `msg="listening on 127.0.0.1:37041, tls"`.
fn listening(process: &mut Child) -> Result<String, String> {
    let stderr = process.stderr.take().ok_or("no standard error")?;
    let (tell, told) = channel();
    thread::spawn(move || {
        // To the end, since a full pipe would stop it.
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    let until = Instant::now() + PATIENCE;
    let mut last = String::new();
    while let Ok(line) = told.recv_timeout(until.saturating_duration_since(Instant::now())) {
        if let Some((_, rest)) = line.split_once("listening on ") {
            return Ok(rest.split([',', '"']).next().unwrap_or_default().to_owned());
        }
        last = line;
    }
    Err(last)
}

/// An authority, and a certificate of it for 127.0.0.1 and localhost.
fn certify(directory: &Path) -> Result<(), String> {
    let openssl =
        |arguments: &str| must(Command::new("openssl").args(arguments.split(' ')).current_dir(directory)).map(drop);
    let mut names = fs::File::create(directory.join("names")).map_err(|error| error.to_string())?;
    writeln!(names, "subjectAltName=IP:127.0.0.1,DNS:localhost").map_err(|error| error.to_string())?;
    let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {new_key} -keyout ca.key -out ca.crt -days 2 -subj /CN=boxlab-test-authority"))?;
    openssl(&format!("req {new_key} -keyout server.key -out server.csr -subj /CN=localhost"))?;
    openssl("x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile names")
}
