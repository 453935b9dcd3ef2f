//! `boxlab manifest`: what a registry holds under a name, without pulling it.

use clap::{Args, Subcommand};
use oci_spec::image::Descriptor;

use super::Trace;
use super::context::Context;
use super::output;
use super::registry_options::RegistryOptions;
use crate::catalog::{about, after_help};
use crate::error::Result;
use crate::image::manifest::{Document, parse};
use crate::image::registry::{Access, Fetched, Registry, narrated};
use crate::image::{Platform, Reference, platform};
use crate::kernel::Mode;

/// Manifests: what an image is made of, as its registry says it
#[derive(Debug, Subcommand)]
pub enum Manifest {
    #[command(about = about("manifest inspect"), after_help = after_help("manifest inspect"))]
    Inspect(Inspect),
}

/// The options of `manifest inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// `debian`, `ghcr.io/owner/name:tag`, `localhost:5000/name@sha256:...`
    #[arg(value_name = "IMAGE")]
    reference: String,
    /// `json`: the document as the registry sends it; `table`: what is in it
    #[arg(long, default_value = "json", value_parser = ["json", "table"])]
    format: String,
    #[command(flatten)]
    registry: RegistryOptions,
}

impl Manifest {
    /// Runs it.
    pub fn run(self, context: &Context) -> Result<i32> {
        match self {
            Self::Inspect(inspect) => inspect.run(context),
        }
    }
}

impl Inspect {
    fn run(self, context: &Context) -> Result<i32> {
        let reference = Reference::parse(&self.reference)?;
        let settings = self.registry.settings(context)?;
        let kernel = context.kernel(Trace::Off, Mode::default())?;
        let fetched = narrated(&kernel, |witness| {
            Registry::connect(&reference, Access::Pull, &settings, witness)?.manifest(&reference.tag_or_digest())
        })?;
        kernel.done(0);
        let document = parse(fetched.media_type.as_deref(), &fetched.bytes)?;
        match self.format.as_str() {
            "table" => output::table(&table(&document, &fetched))?,
            _ => output::print(&indented(&fetched.bytes))?,
        }
        Ok(0)
    }
}

/// A JSON document with a line for each value. Nothing is read and written anew: fields that
/// this program does not know stay, and in their order.
fn indented(json: &[u8]) -> String {
    let (mut text, mut depth, mut quoted, mut escaped) = (String::new(), 0_usize, false, false);
    for letter in String::from_utf8_lossy(json).chars() {
        if quoted {
            text.push(letter);
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '{' | '[' => depth += 1,
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                text.push_str(&line(depth));
            }
            _ => {}
        }
        match letter {
            ':' => text.push_str(": "),
            ',' | '{' | '[' => text.push_str(&format!("{letter}{}", line(depth))),
            letter if letter.is_ascii_whitespace() => {}
            letter => text.push(letter),
        }
        quoted = letter == '"';
    }
    text + "\n"
}

fn line(depth: usize) -> String {
    format!("\n{}", "  ".repeat(depth))
}

fn table(document: &Document, fetched: &Fetched) -> Vec<Vec<String>> {
    let row = |what: String, descriptor: &Descriptor| {
        vec![what, descriptor.digest().to_string(), descriptor.size().to_string()]
    };
    let header = |what: &str| vec![what.to_owned(), "DIGEST".to_owned(), "SIZE".to_owned()];
    let whole = |what: &str| vec![what.to_owned(), fetched.digest.to_string(), fetched.bytes.len().to_string()];
    match document {
        Document::Index(index) => {
            let platform = |entry: &Descriptor| match (platform::is_image(entry), Platform::of(entry)) {
                (true, Some(platform)) => platform.to_string(),
                (true, None) => "not said".to_owned(),
                (false, _) => "(about an image)".to_owned(),
            };
            let rows = index.manifests().iter().map(|entry| row(platform(entry), entry));
            [header("PLATFORM"), whole("(index)")].into_iter().chain(rows).collect()
        }
        Document::Manifest(manifest) => {
            let rows = manifest.layers().iter().map(|layer| row("layer".to_owned(), layer));
            let first = [header("WHAT"), whole("manifest"), row("config".to_owned(), manifest.config())];
            first.into_iter().chain(rows).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn documents_are_shown_as_they_are() {
        let json = br#"{"b":[1, {"a":"x,{\"\\"}],"a":null}"#;
        let expected = "{\n  \"b\": [\n    1,\n    {\n      \"a\": \"x,{\\\"\\\\\"\n    }\n  ],\n  \"a\": null\n}\n";
        assert_eq!(indented(json), expected);
    }
}
