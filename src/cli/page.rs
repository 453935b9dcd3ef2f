//! A page of a report: a title, headings, and lines with a label, wrapped to the
//! width of the terminal.

use colored::Colorize;

use super::context::width;

/// Columns of the labels.
const LABEL: usize = 15;

/// A page in the making.
#[derive(Debug)]
pub struct Page {
    text: String,
    width: usize,
}

impl Page {
    /// As wide as where standard output goes.
    pub fn new() -> Self {
        Self { text: String::new(), width: width(std::io::stdout()) }
    }

    /// What the page is about.
    pub fn title(&mut self, title: &str, about: &str) {
        let room = self.width.saturating_sub(title.chars().count() + 2);
        let about: String = plain(about).chars().take(room).collect();
        self.text.push_str(&format!("{}: {about}\n", title.bold()));
    }

    /// A new section.
    pub fn heading(&mut self, title: &str) {
        self.text.push_str(&format!("\n{}\n", title.bold()));
    }

    /// A label and what belongs to it; a long label has a line of its own.
    pub fn line(&mut self, label: &str, text: &str) {
        let indent = " ".repeat(LABEL + 2);
        let (label, text) = (plain(label), plain(text));
        let wrapped = textwrap::wrap(&text, self.width.saturating_sub(LABEL + 2)).join(&format!("\n{indent}"));
        let gap = if label.chars().count() < LABEL { String::new() } else { format!("\n{indent}") };
        self.text.push_str(&format!("  {label:<LABEL$}{gap}{wrapped}\n"));
    }

    /// A paragraph.
    pub fn text(&mut self, text: &str) {
        for line in textwrap::wrap(text, self.width.saturating_sub(2)) {
            self.text.push_str(&format!("  {line}\n"));
        }
    }

    /// A paragraph that matters most.
    pub fn strong(&mut self, text: &str) {
        for line in textwrap::wrap(text, self.width.saturating_sub(2)) {
            self.text.push_str(&format!("  {}\n", line.bold()));
        }
    }

    /// The whole page.
    pub fn finish(self) -> String {
        self.text
    }
}

/// Commands and paths are others' words: none of them may talk to the terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn a_name_can_not_talk_to_the_terminal() {
        colored::control::set_override(false);
        let mut page = Page::new();
        page.title("Process 7", "evil\x1b[2Jname\nsecond");
        page.line("/\x1b]0;x\x07", "the host's /a\tb");
        assert!(!page.finish().chars().any(|letter| letter.is_control() && letter != '\n'));
    }
}
