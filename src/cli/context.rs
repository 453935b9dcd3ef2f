//! What the global options, the environment and the config file decide.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;

use serde::Deserialize;

use super::{Color, Global, Trace};
use crate::error::{Error, IoContext, Result};
use crate::image::registry::RegistryConfig;
use crate::kernel::{Kernel, Mode, window_size};
use crate::paths::{self, Paths};
use crate::trace::json::Json;
use crate::trace::narrate::{Marks, Narrator};
use crate::trace::{Detail, Observer, Silent};

/// `$XDG_CONFIG_HOME/boxlab/config.toml`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    trace: Option<Trace>,
    color: Option<Color>,
    #[serde(default)]
    registries: BTreeMap<String, RegistryConfig>,
}

/// What all commands need to know.
#[derive(Debug)]
pub struct Context {
    /// Where things lie.
    pub paths: Paths,
    global: Global,
    config: Config,
}

impl Context {
    /// Reads the config file, if there is one.
    pub fn new(global: Global) -> Result<Self> {
        let context = Self { paths: Paths::new(global.root.as_deref()), global, config: config()? };
        colored::control::set_override(context.colors(draws(std::io::stderr())));
        Ok(context)
    }

    /// For a command whose result is coloured: what counts is where that goes.
    pub fn color_the_result(&self) {
        colored::control::set_override(self.colors(draws(std::io::stdout())));
    }

    /// `--root DIR`, if it is given.
    pub fn root(&self) -> Option<&Path> {
        self.global.root.as_deref()
    }

    /// True if `-q` stands before the subcommand.
    pub fn quiet(&self) -> bool {
        self.global.quiet
    }

    /// What the config file says of registries: `[registries."docker.io"]`.
    pub fn registries(&self) -> &BTreeMap<String, RegistryConfig> {
        &self.config.registries
    }

    /// How much this command tells; `default` is the command's own.
    pub fn trace(&self, default: Trace) -> Trace {
        if self.global.quiet {
            return Trace::Off;
        }
        self.global.trace.or(self.config.trace).unwrap_or(default)
    }

    /// The kernel, and the observer that the options ask for.
    pub fn kernel(&self, default: Trace, mode: Mode) -> Result<Kernel> {
        Ok(Kernel::new(self.observer(self.trace(default))?, mode))
    }

    fn observer(&self, trace: Trace) -> Result<Box<dyn Observer>> {
        let detail = match trace {
            Trace::Off => return Ok(Box::new(Silent)),
            Trace::Json => return Ok(Box::new(Json(self.sink()?))),
            Trace::Steps => Detail::Steps,
            Trace::Full => Detail::Full,
        };
        let narrator = Narrator::new(self.sink()?, detail, width(std::io::stderr()), Marks::new(utf8()));
        Ok(Box::new(narrator.on_terminal(self.global.trace_file.is_none() && draws(std::io::stderr()))))
    }

    fn sink(&self) -> Result<Box<dyn Write>> {
        let Some(path) = &self.global.trace_file else { return Ok(Box::new(std::io::stderr())) };
        let file = File::create(path).or_fail(|| format!("cannot write the trace to {}", path.display()))?;
        Ok(Box::new(file))
    }

    fn colors(&self, terminal: bool) -> bool {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self.global.color.or(self.config.color).unwrap_or(Color::Auto) {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !plain && self.global.trace_file.is_none() && terminal,
        }
    }
}

fn config() -> Result<Config> {
    let path = paths::config().join("config.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(error) => return Err(Error::io(format!("cannot read {}", path.display()), &error)),
    };
    let parsed = toml::from_str(&text);
    parsed.map_err(|error| {
        let error = Error::new(format!("cannot understand {}: {}", path.display(), error.message()));
        error.hint(
            "It may set `trace` (off, steps, full, json) and `color` (auto, always, never), and in\n\
             [registries.\"docker.io\"] `mirrors` (addresses as \"http://HOST:PORT\") and `insecure` (true, false).",
        )
    })
}

/// True if that is a terminal which understands more than lines.
pub fn draws(to: impl IsTerminal) -> bool {
    to.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Columns of the terminal, within what reads well; 80 in a pipe.
pub fn width(of: impl AsFd) -> usize {
    let columns = window_size(of.as_fd()).map(|size| usize::from(size.ws_col));
    columns.filter(|columns| *columns > 0).unwrap_or(80).clamp(60, 100)
}

/// True if the locale says that the terminal shows UTF-8. locale(7)
pub fn utf8() -> bool {
    let set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let name = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find(set);
    let locale = name.and_then(|name| std::env::var(name).ok()).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}
