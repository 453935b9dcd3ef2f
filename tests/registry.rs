//! The client of registries, against a real one: docker-registry, plain, behind a password,
//! behind a token service, behind TLS, and with all that can go wrong on the way.

mod common;
#[path = "registry/auth.rs"]
mod auth;
#[path = "registry/blobs.rs"]
mod blobs;
#[path = "registry/manifests.rs"]
mod manifests;
#[path = "registry/pushing.rs"]
mod pushing;
#[path = "registry/ways.rs"]
mod ways;
mod support;

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use boxlab::image::Reference;
use boxlab::image::registry::{Access, Registry, Settings, Timeouts, Witness};
use boxlab::trace::Exchange;
use libtest_mimic::Failed;
use support::{Ran, boxlab, scratch};

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    let trials = [manifests::TRIALS, auth::TRIALS, blobs::TRIALS, pushing::TRIALS, ways::TRIALS];
    support::main(trials.concat())
}

/// boxlab with a home of its own, in which no credentials are.
fn client(name: &str) -> Command {
    let home = scratch(name);
    let mut command = boxlab();
    for variable in ["HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"] {
        command.env(variable, &home);
    }
    for variable in ["DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "BOXLAB_MIRROR", "NO_PROXY", "no_proxy"] {
        command.env_remove(variable);
    }
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(variable);
    }
    command.env("BOXLAB_ROOT", home.join("root"));
    command
}

/// Runs it as the user `name` with these arguments.
fn ran(name: &str, arguments: &[&str]) -> Ran {
    client(name).args(arguments).output().expect("boxlab can be run").into()
}

/// Fails unless it succeeds; what it printed.
fn prints(ran: Ran) -> Result<String, Failed> {
    if ran.status == 0 { Ok(ran.stdout) } else { Err(format!("{ran:?}").into()) }
}

/// Fails unless it fails with these words.
fn fails(ran: &Ran, words: &[&str]) -> Outcome {
    let said = words.iter().all(|word| ran.stderr.contains(word));
    let failed = ran.status == 125 && ran.stderr.starts_with("boxlab: cannot");
    support::check(failed && said, format!("wanted {words:?}, got {ran:?}"))
}

/// What the client tells.
#[derive(Default)]
struct Told(Mutex<Vec<(&'static str, Exchange)>>);

impl Told {
    fn statuses(&self) -> Vec<u16> {
        let told = self.0.lock().expect("no thread panics");
        told.iter().map(|(_, exchange)| exchange.status.unwrap_or(0)).collect()
    }
}

impl Witness for Told {
    fn exchanged(&self, why: &'static str, exchange: Exchange) {
        self.0.lock().expect("no thread panics").push((why, exchange));
    }
}

/// Settings under which nothing takes long.
fn hasty() -> Settings {
    let timeouts = Timeouts {
        connect: Duration::from_secs(2),
        silence: Duration::from_millis(400),
        pause: Duration::from_millis(5),
        patience: Duration::from_secs(3),
    };
    Settings { timeouts, auth_file: Some("/dev/null".into()), ..Settings::new(BTreeMap::new()) }
}

/// The client itself, in a hurry.
fn connect(name: &str, access: Access) -> Result<(Registry, Arc<Told>), Failed> {
    let told = Arc::new(Told::default());
    let reference = Reference::parse(name).map_err(|error| error.to_string())?;
    let registry = Registry::connect(&reference, access, &hasty(), Arc::clone(&told) as Arc<dyn Witness>);
    Ok((registry.map_err(|error| error.to_string())?, told))
}
