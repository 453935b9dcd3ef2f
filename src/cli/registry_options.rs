//! Options of all that speak to a registry.

use super::context::Context;
use crate::error::Result;
use crate::image::registry::Settings;

/// How to reach it.
#[derive(Debug, Clone, clap::Args)]
pub struct RegistryOptions {}

impl RegistryOptions {
    /// With what environment and config file say.
    pub fn settings(&self, _context: &Context) -> Result<Settings> {
        Ok(Settings::new(std::collections::BTreeMap::new()))
    }
}
