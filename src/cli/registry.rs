//! `boxlab registry`: hand images to others, without the internet.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::{Args, Subcommand};

use super::context::Context;
use super::registry_options::RegistryOptions;
use super::units::size;
use super::{Trace, output};
use crate::catalog::{about, after_help};
use crate::error::{Error, Result};
use crate::image::Store;
use crate::image::serve::{Options, Served, Server, addresses};
use crate::kernel::Mode;

/// Where registries usually listen.
const PORT: u16 = 5000;

/// Under which names.
const NAMES: &str = "Hand the images of this machine to others, as a registry does\n\n\
An image is served under its name without its registry: debian:12, which is in full\n\
docker.io/library/debian:12, as library/debian:12, ghcr.io/x/y:1 as x/y:1, the host image as host:latest.\n\
What is pushed here as x:1 is kept as ADDRESS:PORT/x:1; `boxlab images` lists it so.";

/// Registries: hand images to others
#[derive(Debug, Subcommand)]
pub enum Registry {
    #[command(about = about("registry serve"), long_about = NAMES, after_help = after_help("registry serve"))]
    Serve(Serve),
}

/// Serve the images of the store
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen; port 0 takes any that is free [default: 127.0.0.1:5000, with --lan 0.0.0.0:5000]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen)]
    listen: Option<SocketAddr>,
    /// Let other machines in, and print the line that each of a class types
    #[arg(long)]
    lan: bool,
    /// Fetch what is asked for and not here: from docker.io, HOST:PORT or a URL
    #[arg(long, value_name = "REGISTRY")]
    mirror_of: Option<String>,
    /// Take no pushes
    #[arg(long, conflicts_with = "allow_push")]
    read_only: bool,
    /// Take pushes from other machines, too
    #[arg(long, requires = "lan")]
    allow_push: bool,
    #[command(flatten)]
    registry: RegistryOptions,
}

impl Registry {
    /// Runs one of them.
    pub fn run(self, context: &Context) -> Result<i32> {
        match self {
            Self::Serve(command) => command.run(context),
        }
    }
}

impl Serve {
    fn run(self, context: &Context) -> Result<i32> {
        let listen = self.address()?;
        let k = context.kernel(Trace::Off, Mode::default())?;
        let options = Options {
            listen,
            read_only: self.read_only,
            allow_push: self.allow_push,
            mirror_of: self.mirror_of.clone(),
            settings: self.registry.settings(context)?,
        };
        let server = Server::bind(Store::open(&context.paths.store)?, &options)?;
        self.welcome(context, server.address)?;
        let logs = !context.quiet() && context.trace(Trace::Off) == Trace::Off;
        server.run(&k, &mut |served| match logs {
            true => eprintln!("{}", line(served)),
            false => k.exchange(served.why, &served.exchange),
        })?;
        k.done(0);
        Ok(0)
    }

    /// Nobody serves a network by accident.
    fn address(&self) -> Result<SocketAddr> {
        let everywhere = if self.lan { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        let listen = self.listen.unwrap_or_else(|| SocketAddr::from((everywhere, PORT)));
        if listen.ip().to_canonical().is_loopback() || self.lan {
            return Ok(listen);
        }
        Err(Error::usage(format!("cannot listen on {listen}: other machines reach that address"))
            .hint("Everybody there could pull every image of this store. If that is meant, add --lan."))
    }

    /// Says where it listens: the line for standard output can be used as it is.
    fn welcome(&self, context: &Context, address: SocketAddr) -> Result<()> {
        let say = |text: &str| {
            if !context.quiet() {
                eprintln!("{text}")
            }
        };
        if !self.lan {
            output::print(&format!("{address}\n"))?;
            let pushes = if self.read_only { "" } else { ", and push as `skopeo copy --dest-tls-verify=false` does" };
            say(&format!("Serving the images of this store: `boxlab pull {address}/NAME`{pushes}. Ctrl-C ends it."));
            return Ok(());
        }
        let reached: Vec<IpAddr> = if address.ip().is_unspecified() { addresses() } else { vec![address.ip()] };
        let urls = reached.iter().map(|ip| format!("http://{}", SocketAddr::new(*ip, address.port())));
        let mut lines = urls.map(|url| format!("export BOXLAB_MIRROR={url}"));
        let first = lines.next().ok_or_else(|| {
            Error::new("this machine has no address that others could reach")
                .hint("Is it in a network? `ip address` shows its addresses; --listen ADDRESS:PORT takes one of them.")
        })?;
        say("Each learner types this; `boxlab pull debian` then asks this machine first:");
        output::print(&format!("{first}\n"))?;
        let others: Vec<String> = lines.collect();
        if !others.is_empty() {
            say(&format!("If that can't be reached, one of these may:\n{}", others.join("\n")));
        }
        let pushes = if self.allow_push { "from anybody" } else { "from this machine only" };
        say(&format!("Everybody in the network can pull; pushes are taken {pushes}. Ctrl-C ends it."));
        Ok(())
    }
}

/// `127.0.0.1:5000`, `[::1]:5000`, `localhost:5000`; not other names, which may move.
fn listen(text: &str) -> std::result::Result<SocketAddr, String> {
    let here = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let read = here.as_deref().unwrap_or(text).parse();
    read.map_err(|_| "it looks like 127.0.0.1:5000 or, for all addresses of IPv4, 0.0.0.0:5000".to_owned())
}

/// `127.0.0.1 GET /v2/x/manifests/1 200 1.2 KB 3 ms  why`
fn line(served: &Served) -> String {
    let exchange = &served.exchange;
    let status = exchange.status.unwrap_or_default();
    let took = exchange.ns / 1_000_000;
    let bytes = size(exchange.received.max(exchange.sent));
    let target: String = exchange.url.chars().take(200).flat_map(char::escape_debug).collect();
    let failure = exchange.failure.as_deref().unwrap_or_default();
    format!(
        "{} {} {target} {status} {bytes} {took} ms  {}{}{failure}",
        served.peer,
        exchange.method,
        served.why,
        if failure.is_empty() { "" } else { ", but " }
    )
}
