//! Lists as Docker prints them: columns, `--format` with a template, JSON lines.
//!
//! A list is rows of named cells. Without `--format`, and with `table TEMPLATE`, they stand in
//! columns below their headings; with another template each row is filled in by itself.

use serde_json::{Map, Value};

use super::output;
use super::template::Template;
use crate::error::Result;

/// No column is narrower.
const NARROWEST: usize = 10;
/// So many spaces between two columns, at least.
const GAP: usize = 3;

/// What a list can show, and what it shows unless it is told otherwise.
#[derive(Debug)]
pub struct List {
    /// `table {{.ID}}\t{{.Size}}`
    pub default: &'static str,
    /// Each name with its heading; one without a heading is for templates alone.
    pub headings: &'static [(&'static str, &'static str)],
}

impl List {
    /// Prints the rows, each a JSON object with these names.
    pub fn print(&self, format: Option<&str>, rows: &[Value]) -> Result<()> {
        output::print(&self.render(format, rows)?)
    }

    fn render(&self, format: Option<&str>, rows: &[Value]) -> Result<String> {
        let format = match format.map(str::trim) {
            None | Some("" | "table") => self.default,
            Some("json") => "{{json .}}",
            Some(format) => format,
        };
        // A shell passes \t on as it is written.
        let format = format.replace("\\t", "\t").replace("\\n", "\n");
        let columns = format.strip_prefix("table ").or_else(|| format.strip_prefix("table\t"));
        let Some(columns) = columns else {
            let template = Template::parse(&format)?;
            return rows.iter().map(|row| Ok(template.render(row)? + "\n")).collect();
        };
        let template = Template::parse(columns.trim_start())?;
        let mut lines = vec![template.render(&self.heading())?];
        for row in rows {
            lines.push(template.render(row)?);
        }
        Ok(align(&lines))
    }

    fn heading(&self) -> Value {
        let headings: Map<String, Value> =
            self.headings.iter().map(|(name, heading)| ((*name).to_owned(), (*heading).into())).collect();
        headings.into()
    }
}

/// Turns tabs into columns. What stands behind the last tab of a line is as long as it is.
fn align(lines: &[String]) -> String {
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split('\t').collect()).collect();
    let mut widths = vec![NARROWEST; rows.iter().map(Vec::len).max().unwrap_or_default()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(&row[..row.len() - 1]) {
            *width = (*width).max(cell.chars().count() + GAP);
        }
    }
    let line = |row: &Vec<&str>| {
        let last = row.len() - 1;
        let cells = row.iter().zip(&widths).enumerate();
        let cells =
            cells.map(|(at, (cell, width))| if at == last { (*cell).to_owned() } else { format!("{cell:<width$}") });
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::List;
    use serde_json::json;

    const LIST: List = List {
        default: "table {{.ID}}\t{{.Name}}\t{{.Size}}",
        headings: &[("ID", "IMAGE ID"), ("Name", "NAME"), ("Size", "SIZE")],
    };

    #[test]
    fn columns_are_as_dockers() {
        let rows = [json!({"ID": "0123456789ab", "Name": "x", "Size": "1MB"})];
        let table = LIST.render(None, &rows).unwrap();
        assert_eq!(table, "IMAGE ID       NAME      SIZE\n0123456789ab   x         1MB\n");
        assert_eq!(LIST.render(None, &[]).unwrap(), "IMAGE ID   NAME      SIZE\n");
        let chosen = LIST.render(Some("table {{.Name}}\\t{{.ID}}"), &rows).unwrap();
        assert_eq!(chosen, "NAME      IMAGE ID\nx         0123456789ab\n");
    }

    #[test]
    fn json_is_an_object_a_line_and_a_template_a_line_a_row() {
        let rows = [json!({"ID": "<a>", "Name": "x", "Size": ""}), json!({"ID": "b", "Name": "y", "Size": ""})];
        let lines = LIST.render(Some("json"), &rows).unwrap();
        assert_eq!(lines, LIST.render(Some("{{json .}}"), &rows).unwrap());
        assert!(lines.starts_with("{\"ID\":\"<a>\"") && lines.lines().count() == 2);
        assert_eq!(LIST.render(Some("{{.ID}}"), &rows).unwrap(), "<a>\nb\n");
        assert!(LIST.render(Some("{{.Nmae}}"), &rows).is_err());
    }
}
