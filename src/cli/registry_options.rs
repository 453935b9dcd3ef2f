//! The options of every command that speaks to a registry.

use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use crate::error::Result;
use crate::image::registry::Settings;

/// How to reach the registry, and as whom.
#[derive(Debug, Clone, Default, Args)]
pub struct RegistryOptions {
    /// Don't check who answers in the registry's name, and make do with plain HTTP
    #[arg(long, help_heading = "Registry options")]
    pub insecure: bool,
    /// Trust the authorities in DIR/*.crt, too; show DIR/*.cert with its *.key
    #[arg(long, value_name = "DIR", help_heading = "Registry options")]
    pub cert_dir: Option<PathBuf>,
    /// Take credentials from this file and no other (also REGISTRY_AUTH_FILE)
    #[arg(long, value_name = "FILE", help_heading = "Registry options")]
    pub authfile: Option<PathBuf>,
}

impl RegistryOptions {
    /// These options, over what environment and config file say.
    pub fn settings(&self, context: &Context) -> Result<Settings> {
        let mut settings = Settings::new(context.registries().clone());
        settings.insecure = self.insecure;
        settings.certificates.clone_from(&self.cert_dir);
        if let Some(file) = &self.authfile {
            settings.auth_file = Some(file.clone());
        }
        Ok(settings)
    }
}
