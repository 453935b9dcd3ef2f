//! Ways to a registry: TLS, proxies, mirrors.

use std::io::{BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::common::fault_proxy::FaultProxy;
use super::common::http::{Server, read_head};
use super::common::images::{self, Family, Packing};
use super::common::registry::{DockerRegistry, must};
use super::support::{Named, Ran, check, scratch};
use super::{Outcome, client, fails, prints, ran};

pub const TRIALS: &[Named] = &[
    ("tls_is_spoken_where_it_is_wanted", tls_is_spoken_where_it_is_wanted),
    ("a_client_can_have_a_certificate", a_client_can_have_a_certificate),
    ("proxies_are_gone_through", proxies_are_gone_through),
    ("mirrors_are_asked_first", mirrors_are_asked_first),
    ("the_config_file_names_mirrors", the_config_file_names_mirrors),
];

fn tls_is_spoken_where_it_is_wanted() -> Outcome {
    let registry = DockerRegistry::plain().with_tls().start()?;
    let port = registry.address.rsplit(':').next().unwrap_or_default();
    let directory = scratch("tls-certificates");
    std::fs::copy(registry.authority(), directory.join("ca.crt"))?;
    let certificates = directory.display().to_string();
    let image = images::tiny(Packing::Gzip, Family::Oci);
    image.push_by_skopeo(&registry.address, "tiny:1", &[])?;
    for name in [format!("{}/tiny:1", registry.address), format!("localhost:{port}/tiny:1")] {
        let inspect = |options: &[&str]| ran("tls", &[&["manifest", "inspect"], options, &[&name]].concat());
        fails(&inspect(&[]), &["no authority that this machine knows has signed it", "--cert-dir", "--insecure"])?;
        prints(inspect(&["--cert-dir", &certificates]))?;
        prints(inspect(&["--insecure"]))?;
        let file =
            client("tls").args(["manifest", "inspect", &name]).env("SSL_CERT_FILE", registry.authority()).output()?;
        prints(Ran::from(file))?;
    }
    // A certificate holds for the names that are in it.
    let other = format!("127.0.0.2:{port}/tiny:1");
    let through = ran("tls", &["manifest", "inspect", "--cert-dir", &certificates, &other]);
    check(through.status == 125, format!("nothing is there: {through:?}"))?;
    std::fs::write(directory.join("bad.crt"), "no certificate")?;
    let name = format!("{}/tiny:1", registry.address);
    fails(&ran("tls", &["manifest", "inspect", "--cert-dir", &certificates, &name]), &["no certificate in", "bad.crt"])
}

/// `NAME.cert` and `NAME.key`; a key of another certificate is an error and no crash.
fn a_client_can_have_a_certificate() -> Outcome {
    let registry = DockerRegistry::plain().with_tls().start()?;
    let directory = scratch("client-certificates");
    std::fs::copy(registry.authority(), directory.join("ca.crt"))?;
    let openssl = |name: &str| {
        let words = format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {name}.key -out {name}.cert -days 2 -subj /CN={name}"
        );
        must(std::process::Command::new("openssl").args(words.split(' ')).current_dir(&directory))
    };
    openssl("me")?;
    let certificates = directory.display().to_string();
    let name = format!("{}/tiny:1", registry.address);
    let inspect = || ran("client-certificate", &["manifest", "inspect", "--cert-dir", &certificates, &name]);
    fails(&inspect(), &["has no repository tiny"])?;
    openssl("you")?;
    std::fs::rename(directory.join("you.key"), directory.join("me.key"))?;
    std::fs::remove_file(directory.join("you.cert"))?;
    fails(&inspect(), &["me.key", "does not belong to"])?;
    std::fs::remove_file(directory.join("me.key"))?;
    fails(&inspect(), &["cannot read", "me.key"])
}

/// What a proxy was asked.
type Asked = Arc<Mutex<Vec<String>>>;

/// A proxy whose tunnels all end at one address, whatever was asked for.
fn tunnel(to: &str) -> Result<(Server, Asked), String> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (seen, to) = (Arc::clone(&asked), to.to_owned());
    let server = Server::start(move |mut stream| {
        let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
        let Ok(Some((line, _))) = read_head(&mut reader) else { return };
        seen.lock().expect("no thread panics").push(line);
        let mut target = TcpStream::connect(&to).expect("the registry is there");
        let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
        let mut back = target.try_clone().expect("a stream");
        let mut client = stream.try_clone().expect("a stream");
        let forth = thread::spawn(move || {
            let _ = std::io::copy(&mut reader, &mut target);
            let _ = target.shutdown(Shutdown::Write);
        });
        let _ = std::io::copy(&mut back, &mut client);
        let _ = client.shutdown(Shutdown::Both);
        let _ = forth.join();
    })?;
    Ok((server, asked))
}

fn proxies_are_gone_through() -> Outcome {
    let registry = DockerRegistry::plain().with_tls().start()?;
    let (proxy, asked) = tunnel(&registry.address)?;
    let inspect = |variables: &[(&str, &str)]| -> Result<Ran, String> {
        let mut command = client("proxy");
        command.args(["manifest", "inspect", "--insecure", "registry.invalid/tiny:1"]);
        command.envs(variables.iter().copied());
        Ok(command.output().map_err(|error| error.to_string())?.into())
    };
    let address = format!("http://user:hunter2@{}", proxy.address);
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let ran = inspect(&[(variable, &address)])?;
        fails(&ran, &["has no repository tiny"])?;
        check(!ran.stderr.contains("hunter2"), "the proxy's password is not told")?;
    }
    let lines = asked.lock().expect("no thread panics").clone();
    check(lines.iter().all(|line| line.starts_with("CONNECT registry.invalid:443 ")), format!("{lines:?}"))?;
    check(!lines.is_empty(), "the proxy was asked")?;
    fails(&inspect(&[("HTTPS_PROXY", &address), ("NO_PROXY", "example,.invalid")])?, &["registry.invalid"])?;
    check(asked.lock().expect("no thread panics").len() == lines.len(), "NO_PROXY goes without")?;
    let broken = inspect(&[("HTTPS_PROXY", "nonsense://user:hunter2@x")])?;
    fails(&broken, &["cannot use the proxy that HTTPS_PROXY names"])?;
    check(!broken.stderr.contains("hunter2"), format!("{broken:?}"))
}

fn mirrors_are_asked_first() -> Outcome {
    let registry = DockerRegistry::start()?;
    let image = images::tiny(Packing::Gzip, Family::Oci);
    image.push(&registry.address, "library/tiny", "latest")?;
    let proxy = FaultProxy::before(&registry.address)?;
    let with = |mirror: &str, name: &str| -> Result<Ran, String> {
        let mut command = client("mirror");
        command.args(["--trace", "json", "manifest", "inspect", name]).env("BOXLAB_MIRROR", mirror);
        // Docker Hub itself is nobody here.
        command.env("HTTPS_PROXY", "http://127.0.0.1:1");
        Ok(command.output().map_err(|error| error.to_string())?.into())
    };
    for mirror in [format!("http://{}", proxy.address), format!("http://{}/", proxy.address), proxy.address.clone()] {
        check(with(&mirror, "tiny")?.status == 0, format!("through {mirror}"))?;
    }
    check(proxy.lines() == ["GET /v2/library/tiny/manifests/latest"; 3], format!("{:?}", proxy.lines()))?;
    let other = with(&format!("http://{}", proxy.address), "other")?;
    check(other.status == 125 && other.stderr.contains("docker.io/library/other"), format!("{other:?}"))?;
    let told = other.stderr.matches("\"event\":\"exchange\"").count();
    check(told == 2 && other.stderr.contains("registry-1.docker.io"), format!("mirror and hub: {other:?}"))?;
    let private = with(&format!("http://{}", proxy.address), &format!("{}/library/tiny", registry.address))?;
    check(private.status == 0 && proxy.lines().len() == 4, "the mirror is Docker Hub's alone")?;
    let nonsense = with("http://", "tiny")?;
    check(nonsense.status == 125 && nonsense.stderr.contains("is no address"), format!("{nonsense:?}"))
}

fn the_config_file_names_mirrors() -> Outcome {
    let registry = DockerRegistry::start()?;
    images::tiny(Packing::Gzip, Family::Oci).push(&registry.address, "library/tiny", "latest")?;
    let config = scratch("mirror-config").join("boxlab");
    std::fs::create_dir_all(&config)?;
    let dead = "http://127.0.0.1:1";
    let text = format!("[registries.\"docker.io\"]\nmirrors = [\"{dead}\", \"http://{}\"]\n", registry.address);
    std::fs::write(config.join("config.toml"), text)?;
    let ran_with = |name: &str| ran("mirror-config", &["--trace", "json", "manifest", "inspect", name]);
    let found = ran_with("tiny");
    check(found.status == 0, format!("a dead mirror is passed over: {found:?}"))?;
    check(found.stderr.contains("connection refused"), format!("and told: {found:?}"))?;
    std::fs::write(config.join("config.toml"), "[registries.\"docker.io\"]\nmirors = []\n")?;
    let wrong = ran_with("tiny");
    check(wrong.status == 125 && wrong.stderr.contains("mirors"), format!("{wrong:?}"))
}
