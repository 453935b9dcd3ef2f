//! Markdown on a terminal: wrapped to its width, and as readable without colour.
//!
//! Paragraphs, headings, lists, quotations, code and tables, which is what lessons are written
//! in. Code is never wrapped: a figure stays as it was drawn.
//! See <https://spec.commonmark.org/>.

use colored::Colorize;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use textwrap::core::display_width;

/// Text as it is shown.
pub fn render(markdown: &str, width: usize) -> String {
    let mut page = Page { width, ..Page::default() };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.event(event);
    }
    page.text.trim_end().to_owned() + "\n"
}

/// What is under way.
#[derive(Default)]
struct Page {
    width: usize,
    text: String,
    /// The paragraph so far, each word with its own style.
    line: String,
    strong: usize,
    emphasis: usize,
    heading: bool,
    code: bool,
    /// What stands before the first line of a paragraph, and before the others.
    first: String,
    rest: String,
    /// The number of the next entry of each open list; `None`: with dots.
    lists: Vec<Option<u64>>,
    rows: Vec<Vec<String>>,
    link: String,
}

impl Page {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.code => {
                text.lines().for_each(|line| self.text.push_str(&format!("{}    {line}\n", self.rest)));
            }
            Event::Text(text) => self.words(&text),
            Event::Code(code) => self.words_styled(&format!("`{code}`"), |word| word.cyan().to_string()),
            Event::SoftBreak => self.line.push(' '),
            Event::HardBreak => self.line.push('\n'),
            Event::Rule => self.block(&"-".repeat(self.width.min(20))),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.strong += 1,
            Tag::Emphasis => self.emphasis += 1,
            Tag::Heading { .. } => self.heading = true,
            Tag::CodeBlock(_) => {
                self.flush();
                self.code = true;
            }
            Tag::List(first) => {
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::BlockQuote(_) => {
                self.flush();
                self.rest.push_str("| ");
                self.first = self.rest.clone();
            }
            Tag::Link { dest_url, .. } => self.link = dest_url.into_string(),
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.strong -= 1,
            TagEnd::Emphasis => self.emphasis -= 1,
            TagEnd::Paragraph => {
                self.flush();
                self.gap();
            }
            TagEnd::Heading(_) => {
                self.heading = false;
                self.flush();
                self.gap();
            }
            TagEnd::CodeBlock => {
                self.code = false;
                self.gap();
            }
            TagEnd::Item => {
                self.flush();
                let indent = self.rest.len().saturating_sub(3);
                self.rest.truncate(indent);
                self.first = self.rest.clone();
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.gap();
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.rest.truncate(self.rest.len().saturating_sub(2));
                self.first = self.rest.clone();
                self.gap();
            }
            TagEnd::Link if self.link.starts_with("http") => {
                let target = std::mem::take(&mut self.link);
                self.words(&format!(" ({target})"));
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.line);
                self.rows.last_mut().into_iter().for_each(|row| row.push(cell.trim().to_owned()));
            }
            TagEnd::Table => self.table(),
            _ => {}
        }
    }

    fn item(&mut self) {
        self.flush();
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{:<3}", format!("{}.", *number - 1))
            }
            _ => " - ".to_owned(),
        };
        self.first = format!("{}{mark}", self.rest);
        self.rest.push_str("   ");
    }

    fn words(&mut self, text: &str) {
        let (strong, emphasis, heading) = (self.strong > 0, self.emphasis > 0, self.heading);
        self.words_styled(text, |word| match (strong || heading, emphasis) {
            (true, _) => word.bold().to_string(),
            (false, true) => word.italic().to_string(),
            (false, false) => word.to_owned(),
        });
    }

    /// Each word by itself: a line may end between two of them.
    fn words_styled(&mut self, text: &str, style: impl Fn(&str) -> String) {
        for (index, word) in text.split(' ').enumerate() {
            if index > 0 {
                self.line.push(' ');
            }
            if !word.is_empty() {
                self.line.push_str(&style(word));
            }
        }
    }

    /// Ends the paragraph.
    fn flush(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.trim().is_empty() {
            self.block(line.trim());
        }
    }

    fn block(&mut self, line: &str) {
        let options = textwrap::Options::new(self.width).initial_indent(&self.first).subsequent_indent(&self.rest);
        self.text.push_str(&textwrap::fill(line, options.break_words(false)));
        self.text.push('\n');
        self.first = self.rest.clone();
    }

    /// An empty line, but never two, and none between the entries of a list.
    fn gap(&mut self) {
        if self.lists.is_empty() && !self.text.ends_with("\n\n") && !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Columns as wide as their cells; the first row is the head.
    fn table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| rows.iter().map(|row| display_width(&cell(row, column))).max().unwrap_or(0))
            .collect();
        for (index, row) in rows.iter().enumerate() {
            let padded = (0..columns).map(|column| {
                let text = cell(row, column);
                let gap = " ".repeat(widths[column] - display_width(&text));
                text + &gap
            });
            let line = padded.collect::<Vec<_>>().join("  ");
            self.text.push_str(&format!("  {}\n", line.trim_end()));
            if index == 0 {
                let rule = widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("  ");
                self.text.push_str(&format!("  {rule}\n"));
            }
        }
        self.gap();
    }
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn a_page_is_wrapped_and_keeps_figures() {
        colored::control::set_override(false);
        let text = "## A *short* head\n\nOne **bold** word and `code` that is longer than a line.\n\n- a\n- b c d e f g h i j k l m n o p\n  1. one\n\n```text\n+--+   a very long line that is never wrapped\n```\n\n> said\n\n| a | bb |\n|---|---|\n| ccc | d |\n";
        let expected = "A short head\n\nOne bold word and `code`\nthat is longer than a line.\n\n - a\n - b c d e f g h i j k l m n\n   o p\n   1. one\n\n    +--+   a very long line that is never wrapped\n\n| said\n\n  a    bb\n  ---  --\n  ccc  d\n";
        assert_eq!(render(text, 28), expected);
    }
}
