//! Saying who asks: passwords, tokens, `boxlab login` and `logout`.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use boxlab::image::registry::Access;
use oci_spec::image::{Descriptor, MediaType};

use super::common::fault_proxy::{Fault, FaultProxy};
use super::common::http::{Answer, Server};
use super::common::images::{self, Family, Image, Packing};
use super::common::registry::DockerRegistry;
use super::common::token_service::{Answers, TokenService};
use super::support::{Named, Ran, check, scratch};
use super::{Outcome, client, connect, fails, prints, ran};

pub const TRIALS: &[Named] = &[
    ("a_password_is_tried_before_it_is_kept", a_password_is_tried_before_it_is_kept),
    ("credentials_of_docker_are_found", credentials_of_docker_are_found),
    ("without_a_terminal_nothing_is_asked", without_a_terminal_nothing_is_asked),
    ("at_a_terminal_it_is_asked_and_not_shown", at_a_terminal_it_is_asked_and_not_shown),
    ("anybody_gets_a_token_for_what_is_public", anybody_gets_a_token_for_what_is_public),
    ("one_token_serves_all_threads", one_token_serves_all_threads),
    ("an_identity_token_is_sent_by_post", an_identity_token_is_sent_by_post),
    ("tokens_expire", tokens_expire),
    ("a_token_server_refuses", a_token_server_refuses),
    ("a_password_stays_with_its_registry", a_password_stays_with_its_registry),
    ("nobody_else_may_ask_for_the_password", nobody_else_may_ask_for_the_password),
    ("no_secret_is_ever_told", no_secret_is_ever_told),
];

const USER: &str = "ann";
const PASSWORD: &str = "correct-horse:battery";

/// `boxlab login`, with the password on its standard input.
fn login(name: &str, registry: &str, password: &str) -> Result<Ran, String> {
    let mut command = client(name);
    command.args(["--trace", "json", "login", "--username", USER, "--password-stdin", registry]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    child.stdin.take().ok_or("no pipe")?.write_all(password.as_bytes()).map_err(|error| error.to_string())?;
    Ok(child.wait_with_output().map_err(|error| error.to_string())?.into())
}

fn headers() -> (&'static str, String) {
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
    ("Authorization", format!("Basic {pair}"))
}

/// A registry behind a password, with an image in it.
fn with_password() -> Result<(DockerRegistry, Image), String> {
    let registry = DockerRegistry::plain().with_htpasswd(USER, PASSWORD).start()?;
    let image = images::layered(2, 300_000, Packing::Gzip, Family::Oci);
    let (name, value) = headers();
    image.push_as(&registry.address, "tiny", "1", &[(name, &value)])?;
    Ok((registry, image))
}

/// A registry with a token service.
fn with_tokens(answers: Answers) -> Result<DockerRegistry, String> {
    DockerRegistry::plain().with_token_service(TokenService::start(answers)?).start()
}

fn known() -> Answers {
    Answers { users: vec![(USER.to_owned(), PASSWORD.to_owned())], ..Answers::default() }
}

fn a_password_is_tried_before_it_is_kept() -> Outcome {
    let (registry, _image) = with_password()?;
    let address = registry.address.as_str();
    let inspect = || ran("login", &["manifest", "inspect", &format!("{address}/tiny:1")]);
    fails(&inspect(), &["without a login", &format!("boxlab login {address}")])?;
    let wrong = login("login", address, "wrong")?;
    check(wrong.status == 125 && wrong.stderr.contains("does not accept 'ann'"), format!("{wrong:?}"))?;
    fails(&inspect(), &["without a login"])?;
    let right = login("login", address, &format!("{PASSWORD}\n"))?;
    check(right.status == 0 && right.stdout == "Login Succeeded\n", format!("{right:?}"))?;
    prints(inspect())?;
    let out = prints(ran("login", &["logout", address]))?;
    check(out == format!("Removed the login for {address}\n"), out.clone())?;
    fails(&inspect(), &["without a login"])?;
    let again = prints(ran("login", &["logout", address]))?;
    check(again == format!("There was no login for {address}\n"), again.clone())
}

fn credentials_of_docker_are_found() -> Outcome {
    use base64::Engine;
    let (registry, _image) = with_password()?;
    let home = scratch("docker");
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let config = format!(r#"{{"auths":{{"http://{}/v2/":{{"auth":"{pair}"}}}}}}"#, registry.address);
    std::fs::create_dir_all(home.join(".docker"))?;
    let name = format!("{}/tiny:1", registry.address);
    std::fs::write(home.join(".docker/config.json"), &config)?;
    prints(ran("docker", &["manifest", "inspect", &name]))?;
    std::fs::remove_file(home.join(".docker/config.json"))?;
    std::fs::create_dir_all(home.join("containers"))?;
    std::fs::write(home.join("containers/auth.json"), &config)?;
    prints(ran("docker", &["manifest", "inspect", &name]))?;
    std::fs::rename(home.join("containers/auth.json"), home.join("elsewhere.json"))?;
    fails(&ran("docker", &["manifest", "inspect", &name]), &["without a login"])?;
    let file = home.join("elsewhere.json").display().to_string();
    prints(ran("docker", &["manifest", "inspect", "--authfile", &file, &name])).map(drop)
}

/// What docker keeps when a registry gives identity tokens: it goes in a body, since
/// addresses are written into logs.
fn an_identity_token_is_sent_by_post() -> Outcome {
    let registry = with_tokens(Answers { anonymous: false, ..known() })?;
    let service = registry.tokens.as_ref().ok_or("it has a token service")?;
    let name = format!("{}/tiny:1", registry.address);
    let home = scratch("identity");
    let file = home.join("auth.json");
    let config = format!(r#"{{"auths":{{"{}":{{"identitytoken":"{USER}.{PASSWORD}"}}}}}}"#, registry.address);
    std::fs::write(&file, config)?;
    let words = ["manifest", "inspect", "--authfile", &file.display().to_string(), &name];
    let out = ran("identity", &words);
    fails(&out, &["has no repository"])?;
    check(!out.stderr.contains(PASSWORD), out.stderr.clone())?;
    let asked = service.asked();
    let post = asked.first().ok_or("the token service was asked")?;
    check(post.request.method == "POST" && !post.request.target.contains(PASSWORD), format!("{post:?}"))?;
    let has = |key: &str, value: &str| post.request.pairs().contains(&(key.to_owned(), value.to_owned()));
    check(has("grant_type", "refresh_token") && has("client_id", "boxlab"), format!("{:?}", post.request.pairs()))?;
    check(post.user.as_deref() == Some(USER), format!("{post:?}"))
}

fn without_a_terminal_nothing_is_asked() -> Outcome {
    let ran = ran("terminal", &["login", "localhost:1"]);
    check(
        ran.status == 2 && ran.stderr.contains("no terminal") && ran.stderr.contains("--username"),
        format!("{ran:?}"),
    )?;
    let ran = super::ran("terminal", &["login", "-u", USER, "localhost:1"]);
    check(ran.status == 2 && ran.stderr.contains("--password-stdin"), format!("{ran:?}"))?;
    let ran = super::ran("terminal", &["login", "-u", USER, "-p", "x", "localhost:1"]);
    fails(&ran, &["nothing listens at localhost:1"])
}

fn at_a_terminal_it_is_asked_and_not_shown() -> Outcome {
    let (registry, _image) = with_password()?;
    // The one of the trials has no standard input.
    let trial = client("asked");
    let mut command = Command::new(trial.get_program());
    for (name, value) in trial.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args(["--color", "never", "login", &registry.address]).env("TERM", "xterm");
    let mut session = rexpect::session::spawn_command(command, Some(10_000)).map_err(|error| error.to_string())?;
    let failed = |error: rexpect::error::Error| error.to_string();
    session.exp_string("Username at").map_err(failed)?;
    session.send_line(USER).map_err(failed)?;
    session.exp_string("Password of ann at").map_err(failed)?;
    session.send_line(PASSWORD).map_err(failed)?;
    let shown = session.exp_string("Login Succeeded").map_err(failed)?;
    check(!shown.contains("horse"), format!("the password is on the screen: {shown}"))
}

fn anybody_gets_a_token_for_what_is_public() -> Outcome {
    for field in ["token", "access_token"] {
        let registry = with_tokens(Answers { field, ..known() })?;
        let (name, value) = headers();
        let tokens = registry.tokens.as_ref().ok_or("it has a token service")?;
        // What is pushed by hand needs a token of its own: so the client pushes it.
        let image = images::tiny(Packing::Gzip, Family::Oci);
        push_as_ann("public", &registry.address, &image)?;
        let before = tokens.asked().len();
        let name_of = format!("{}/tiny:1", registry.address);
        prints(ran("nobody", &["manifest", "inspect", &name_of]))?;
        let asked = tokens.asked().split_off(before);
        let scopes: Vec<_> = asked.iter().flat_map(|asked| asked.scopes.clone()).collect();
        check(asked.len() == 1 && asked[0].user.is_none() && scopes == ["repository:tiny:pull"], format!("{asked:?}"))?;
        check(value.starts_with("Basic") && name == "Authorization", "the header is made")?;
    }
    Ok(())
}

/// Pushes through boxlab's own client, which then knows how to say who asks.
fn push_as_ann(name: &str, address: &str, image: &Image) -> Outcome {
    let right = login(name, address, PASSWORD)?;
    check(right.status == 0, format!("{right:?}"))?;
    let file = scratch(name).join("boxlab/auth.json");
    let reference = boxlab::image::Reference::parse(&format!("{address}/tiny")).map_err(|error| error.to_string())?;
    let settings = boxlab::image::registry::Settings { auth_file: Some(file), ..super::hasty() };
    let witness = std::sync::Arc::new(super::Told::default());
    let registry = boxlab::image::registry::Registry::connect(&reference, Access::Push, &settings, witness);
    let registry = registry.map_err(|error| error.to_string())?;
    super::pushing::push(&registry, image, "1")
}

fn one_token_serves_all_threads() -> Outcome {
    let registry = with_tokens(known())?;
    let image = images::layered(6, 200_000, Packing::Gzip, Family::Oci);
    push_as_ann("threads", &registry.address, &image)?;
    let tokens = registry.tokens.as_ref().ok_or("it has a token service")?;
    let before = tokens.asked().len();
    let (client, _) = connect(&format!("{}/tiny", registry.address), Access::Pull)?;
    let read = |digest: &str, bytes: &[u8]| {
        let descriptor = describe(digest, bytes.len());
        let mut content = Vec::new();
        let mut blob = client.blob(&descriptor).map_err(|error| error.to_string())?;
        std::io::Read::read_to_end(&mut blob, &mut content).map_err(|error| error.to_string())?;
        if content == bytes { Ok(()) } else { Err("another content".to_owned()) }
    };
    let outcomes: Vec<Result<(), String>> = thread::scope(|scope| {
        let read = &read;
        let threads = image.blobs.iter().map(|(digest, bytes)| scope.spawn(move || read(digest, bytes)));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    outcomes.into_iter().collect::<Result<Vec<()>, String>>()?;
    let asked = tokens.asked().len() - before;
    check(asked == 1, format!("{asked} tokens for {} blobs", image.blobs.len()))
}

pub fn describe(digest: &str, size: usize) -> Descriptor {
    Descriptor::new(MediaType::ImageLayer, size as u64, digest.parse::<oci_spec::image::Digest>().expect("a digest"))
}

/// One that is expired when it comes is fetched anew after the registry has refused it.
fn tokens_expire() -> Outcome {
    let registry = with_tokens(known())?;
    push_as_ann("expire", &registry.address, &images::tiny(Packing::Gzip, Family::Oci))?;
    let tokens = registry.tokens.as_ref().ok_or("it has a token service")?;
    let name = format!("{}/tiny:1", registry.address);
    tokens.change(|answers| answers.stale = 1);
    let ran_once = ran("expire", &["manifest", "inspect", &name]);
    check(ran_once.status == 0, format!("a stale token is fetched anew: {ran_once:?}"))?;
    tokens.change(|answers| answers.stale = 99);
    fails(&ran("expire", &["manifest", "inspect", &name]), &["does not accept 'ann'"])
}

fn a_token_server_refuses() -> Outcome {
    let registry = with_tokens(Answers { anonymous: false, ..known() })?;
    let name = format!("{}/tiny:1", registry.address);
    fails(
        &ran("refuse", &["manifest", "inspect", &name]),
        &["without a login", "the token service of the tests refuses"],
    )?;
    let wrong = login("refuse", &registry.address, "wrong")?;
    check(wrong.status == 125 && wrong.stderr.contains("does not accept the password of 'ann'"), format!("{wrong:?}"))?;
    let tokens = registry.tokens.as_ref().ok_or("it has a token service")?;
    tokens.change(|answers| answers.refuses = Some(418));
    fails(&ran("refuse", &["manifest", "inspect", &name]), &["cannot get a token", "418"])
}

/// Blobs lie elsewhere: the other host refuses whoever shows it credentials.
fn a_password_stays_with_its_registry() -> Outcome {
    let (registry, image) = with_password()?;
    let elsewhere = super::common::fault_proxy::Cdn::over(registry.storage())?;
    let proxy = FaultProxy::before(&registry.address)?;
    proxy.fail("GET", "/blobs/", 100, Fault::Redirect(elsewhere.address.clone()));
    check(login("redirect", &proxy.address, PASSWORD)?.status == 0, "logged in")?;
    let pulled = ran("redirect", &["pull", &format!("{}/tiny:1", proxy.address)]);
    check(pulled.status == 0, format!("{pulled:?}"))?;
    let requests = elsewhere.requests();
    check(requests.len() == image.blobs.len(), format!("all blobs came from there: {requests:?}"))?;
    check(requests.iter().all(|request| request.header("authorization").is_none()), format!("{requests:?}"))?;
    let asked = proxy.requests();
    let told = asked.iter().filter(|request| request.target.contains("/blobs/"));
    check(told.clone().all(|request| request.header("authorization").is_some()), "the registry was told who asks")
}

/// Where a registry sends to, somebody might ask who we are, and name a token server.
fn nobody_else_may_ask_for_the_password() -> Outcome {
    let (registry, image) = with_password()?;
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    let thief = Server::answering(move |request| {
        seen.lock().expect("no thread panics").push(request.clone());
        let realm = format!("Bearer realm=\"http://{}/token\"", request.header("host").unwrap_or_default());
        Answer::new(401, "application/json", "{}").with("www-authenticate", realm)
    })?;
    let proxy = FaultProxy::before(&registry.address)?;
    proxy.fail("GET", "/blobs/", 100, Fault::Redirect(thief.address.to_string()));
    check(login("thief", &proxy.address, PASSWORD)?.status == 0, "logged in")?;
    let pulled = ran("thief", &["pull", &format!("{}/tiny:1", proxy.address)]);
    check(pulled.status == 125, format!("{} can't come: {pulled:?}", image.digest()))?;
    let requests = requests.lock().expect("no thread panics");
    let harmless = requests.iter().all(|request| request.header("authorization").is_none());
    check(!requests.is_empty() && harmless, format!("{requests:?}"))?;
    check(
        requests.iter().all(|request| request.target.contains("/blobs/")),
        format!("no token is asked for: {requests:?}"),
    )
}

fn no_secret_is_ever_told() -> Outcome {
    use base64::Engine;
    let registry = with_tokens(known())?;
    let image = images::tiny(Packing::Gzip, Family::Oci);
    push_as_ann("secret", &registry.address, &image)?;
    let name = format!("{}/tiny:1", registry.address);
    let mut told = String::new();
    let mut note = |ran: &Ran| told.push_str(&format!("{}{}", ran.stdout, ran.stderr));
    note(&login("secret", &registry.address, PASSWORD)?);
    note(&login("secret", &registry.address, "wrong-horse")?);
    for how in ["full", "json"] {
        note(&ran("secret", &["--trace", how, "pull", &name]));
        note(&ran("secret", &["--trace", how, "push", &name]));
        note(&ran("secret", &["--trace", how, "manifest", "inspect", &name]));
        note(&ran("secret", &["--trace", how, "manifest", "inspect", &name.replace(":1", ":2")]));
    }
    let exchanges = told.matches("\"event\":\"exchange\"").count();
    check(exchanges > 20 && told.contains("Bearer ***") && told.contains("Basic ***"), format!("{exchanges}: {told}"))?;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
    // A JSON Web Token begins so.
    for secret in [PASSWORD, "wrong-horse", &pair, "eyJ"] {
        check(!told.contains(secret), format!("{secret} is told: {told}"))?;
    }
    Ok(())
}
