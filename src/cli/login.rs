//! `boxlab login` and `logout`: who the user is to a registry.
//!
//! The password is tried before it is kept. It lies in `$XDG_CONFIG_HOME/boxlab/auth.json`,
//! which only its owner can read, in the format of docker and podman; what these know
//! already, boxlab knows too (see `image/registry/credentials.rs`).

use std::io::{IsTerminal, Read};

use clap::Args;
use dialoguer::{Input, Password};

use super::Trace;
use super::context::Context;
use super::output;
use super::registry_options::RegistryOptions;
use crate::error::{Error, IoContext, Result};
use crate::image::Reference;
use crate::image::registry::{self, Credentials, Secret, credentials, narrated};
use crate::kernel::Mode;

/// Tell boxlab who you are to a registry
#[derive(Debug, Args)]
#[command(after_help = "See: docker-login(1), podman-login(1), containers-auth.json(5)")]
pub struct Login {
    /// The registry, as it stands before the slash of an image's name
    #[arg(value_name = "REGISTRY", default_value = "docker.io")]
    registry: String,
    /// The user's name there
    #[arg(short, long, value_name = "USER")]
    username: Option<String>,
    /// The password, for all to see in `ps`; without this it is asked for
    #[arg(short, long, value_name = "PASSWORD", conflicts_with = "password_stdin", value_parser = secret)]
    password: Option<Secret>,
    /// Take the password from standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    options: RegistryOptions,
}

/// Make boxlab forget who you are to a registry
#[derive(Debug, Args)]
pub struct Logout {
    /// The registry, as it stands before the slash of an image's name
    #[arg(value_name = "REGISTRY", default_value = "docker.io")]
    registry: String,
    #[command(flatten)]
    options: RegistryOptions,
}

impl Login {
    /// Tries the password, and keeps it if it is right.
    pub fn run(self, context: &Context) -> Result<i32> {
        let registry = name(&self.registry)?;
        let settings = self.options.settings(context)?;
        let user = match self.username {
            Some(user) => user,
            None => ask_user(&registry)?,
        };
        let password = match self.password {
            Some(password) => password,
            None if self.password_stdin => from_standard_input()?,
            None => ask_password(&user, &registry)?,
        };
        if user.is_empty() || user.contains(':') || password.expose().is_empty() {
            return Err(Error::usage("a user's name has no colon in it, and neither it nor the password is empty"));
        }
        let kernel = context.kernel(Trace::Off, Mode::default())?;
        let tried = Credentials::Password { user: user.clone(), password: password.clone() };
        narrated(&kernel, |witness| registry::login(&registry, tried, &settings, &witness))?;
        kernel.done(0);
        let file = credentials::store(&registry, &user, &password, &settings)?;
        if !context.quiet() {
            eprintln!("The password is in {}, in base64, which hides nothing; its mode is 0600.", file.display());
        }
        output::print("Login Succeeded\n")?;
        Ok(0)
    }
}

impl Logout {
    /// Forgets it.
    pub fn run(self, context: &Context) -> Result<i32> {
        let registry = name(&self.registry)?;
        let (known, elsewhere) = credentials::forget(&registry, &self.options.settings(context)?)?;
        for file in elsewhere {
            eprintln!("It is also in {}, which `docker logout` or `podman logout` change.", file.display());
        }
        let text = if known { "Removed the login for" } else { "There was no login for" };
        output::print(&format!("{text} {registry}\n"))?;
        Ok(0)
    }
}

/// A registry is what stands before the slash; a slash behind it and a scheme are let pass.
fn name(text: &str) -> Result<String> {
    let bare = text.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let bare = bare.trim_end_matches("/v1").trim_end_matches("/v2");
    let parsed =
        Reference::parse(&format!("{bare}/x")).ok().filter(|reference| reference.repository != format!("{bare}/x"));
    match parsed {
        Some(reference) if !bare.contains('/') => Ok(reference.registry),
        _ => Err(Error::usage(format!("'{text}' is no registry"))
            .hint("A registry looks like docker.io, ghcr.io or localhost:5000.")),
    }
}

fn secret(text: &str) -> std::result::Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

fn from_standard_input() -> Result<Secret> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).or_fail(|| "cannot read the password".to_owned())?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

fn ask_user(registry: &str) -> Result<String> {
    can_ask("--username USER")?;
    let asked = Input::new().with_prompt(format!("Username at {registry}")).interact_text();
    asked.map_err(|error| Error::new(format!("cannot ask for the user's name: {error}")))
}

fn ask_password(user: &str, registry: &str) -> Result<Secret> {
    can_ask("--password-stdin")?;
    let asked = Password::new().with_prompt(format!("Password of {user} at {registry}")).interact();
    asked.map(Secret::new).map_err(|error| Error::new(format!("cannot ask for the password: {error}")))
}

fn can_ask(instead: &str) -> Result<()> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Ok(());
    }
    Err(Error::usage("there is no terminal to ask at").hint(format!("Say it with {instead}.")))
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_registry_is_called_by_its_host() {
        for (text, expected) in [
            ("docker.io", "docker.io"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("localhost:5000", "localhost:5000"),
            ("http://localhost:5000/", "localhost:5000"),
            ("ghcr.io", "ghcr.io"),
        ] {
            assert_eq!(name(text).unwrap(), expected, "{text}");
        }
        for text in ["", "debian", "a b", "ghcr.io/owner", "-x.y"] {
            assert!(name(text).is_err(), "{text}");
        }
    }
}
