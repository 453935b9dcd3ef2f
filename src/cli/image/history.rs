//! `boxlab history`: which instruction made which layer.

use clap::Args;
use oci_spec::image::History as Step;
use serde_json::{Value, json};

use super::{open, short};
use crate::catalog::{about, after_help};
use crate::cli::context::Context;
use crate::cli::table::List;
use crate::cli::{output, units};
use crate::error::Result;
use crate::image::Image;

/// Which instruction made which layer
#[derive(Debug, Args)]
#[command(about = about("image history"), after_help = after_help("image history"))]
pub struct History {
    /// A name, an ID, or the beginning of one
    image: String,
    /// `table`, `json`, or a Go template: '{{.CreatedBy}}'
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Show whole IDs and instructions
    #[arg(long)]
    no_trunc: bool,
    /// Show IDs alone
    #[arg(short, long)]
    quiet: bool,
}

const LIST: List = List {
    default: "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
    headings: &[
        ("ID", "IMAGE"),
        ("CreatedSince", "CREATED"),
        ("CreatedAt", "CREATED AT"),
        ("CreatedBy", "CREATED BY"),
        ("Size", "SIZE"),
        ("Comment", "COMMENT"),
    ],
};
/// So much of an instruction is shown.
const LONGEST: usize = 45;
/// The ID of a step that no image was made of.
const MISSING: &str = "<missing>";

impl History {
    /// Prints the steps, the last one first.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let image = open(context)?.resolve(&self.image)?.image;
        let id = short(&image.id, self.no_trunc);
        let steps: Vec<_> = steps(&image).into_iter().rev().collect();
        let ids = (0..steps.len()).map(|position| if position == 0 { id.as_str() } else { MISSING });
        if self.quiet {
            return output::print(&ids.map(|id| format!("{id}\n")).collect::<String>()).map(|()| 0);
        }
        let rows: Vec<Value> = ids.zip(&steps).map(|(id, (step, size))| self.row(id, step, *size)).collect();
        LIST.print(self.format.as_deref(), &rows).map(|()| 0)
    }

    fn row(&self, id: &str, step: &Step, size: u64) -> Value {
        let created = step.created().as_deref().and_then(|time| time.parse().ok());
        let by = instruction(step);
        let by = if self.no_trunc { by } else { truncated(&by) };
        json!({
            "ID": id,
            "CreatedSince": created.map_or_else(|| "N/A".to_owned(), units::ago),
            "CreatedAt": step.created().clone().unwrap_or_default(),
            "CreatedBy": by,
            "Size": units::size(size),
            "Comment": step.comment().clone().unwrap_or_default(),
        })
    }
}

/// What made it, on one line.
pub fn instruction(step: &Step) -> String {
    step.created_by().clone().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn truncated(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// Each step with the size of its layer, the first one first. Layers without a step get an empty
/// one: nobody must write a history.
pub fn steps(image: &Image) -> Vec<(Step, u64)> {
    let mut sizes = image.stack.iter().map(|layer| layer.descriptor.size());
    let mut steps = Vec::new();
    for step in image.config.history().iter().flatten() {
        let empty = step.empty_layer().unwrap_or(false);
        steps.push((step.clone(), if empty { 0 } else { sizes.next().unwrap_or(0) }));
    }
    steps.extend(sizes.map(|size| (Step::default(), size)));
    steps
}
