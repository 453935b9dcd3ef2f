//! A number that is measured again and again: on a terminal a line with a picture
//! of its course, drawn anew each time and always the last; elsewhere the numbers,
//! once they are complete.

use super::Event;

/// Heights of the picture's columns, where the terminal shows UTF-8 and where not.
const HEIGHTS: [[char; 8]; 2] = [['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'], ['_', '.', ',', '-', '=', '+', '*', '#']];

/// Goes to the start of the line and clears it. console_codes(4)
const ERASE: &str = "\r\x1b[K";

/// The samples of one subject, and whether their line is on the screen.
#[derive(Debug, Default)]
pub struct Samples {
    live: bool,
    utf8: bool,
    subject: String,
    unit: String,
    most: u64,
    values: Vec<u64>,
    drawn: bool,
}

impl Samples {
    /// For a terminal, if `live`; with signs beyond ASCII, if `utf8`.
    pub fn new(live: bool, utf8: bool) -> Self {
        Self { live, utf8, ..Self::default() }
    }

    /// True if samples are drawn as they come.
    pub fn are_live(&self) -> bool {
        self.live
    }

    /// Takes a sample in; what to write is its line, if that is drawn at once.
    pub fn take(&mut self, event: &Event, margin: usize, width: usize) -> String {
        let Event::Sample { subject, value, most, unit } = event else { return String::new() };
        let ended = if *subject == self.subject { String::new() } else { self.end(margin, width) };
        (self.subject, self.unit, self.most) = (subject.clone(), unit.clone(), *most);
        self.values.push(*value);
        ended + &self.draw(margin, width)
    }

    /// Puts text above the line, which stays the last.
    pub fn above(&mut self, text: &str, margin: usize, width: usize) -> String {
        if text.is_empty() || !self.drawn {
            return text.to_owned();
        }
        format!("{ERASE}{text}{}", self.draw(margin, width))
    }

    /// No more samples of this subject: the line stays, or the numbers are written.
    pub fn end(&mut self, margin: usize, width: usize) -> String {
        let values = std::mem::take(&mut self.values);
        let drawn = std::mem::take(&mut self.drawn);
        let subject = std::mem::take(&mut self.subject);
        match (drawn, values.is_empty()) {
            (true, _) => "\n".to_owned(),
            (false, true) => String::new(),
            (false, false) => {
                let numbers: Vec<String> = values.iter().map(|value| scaled(*value, self.most, &self.unit)).collect();
                let text = format!("{subject}: {} of {}", numbers.join(" "), amount(self.most, self.most, &self.unit));
                let indent = " ".repeat(margin);
                textwrap::wrap(&text, width - margin).iter().map(|line| format!("{indent}{line}\n")).collect()
            }
        }
    }

    fn draw(&mut self, margin: usize, width: usize) -> String {
        if !self.live {
            return String::new();
        }
        self.drawn = true;
        let last = self.values.last().copied().unwrap_or_default();
        let now = format!("{} of {}", scaled(last, self.most, &self.unit), amount(self.most, self.most, &self.unit));
        let room = width.saturating_sub(margin + self.subject.chars().count() + now.chars().count() + 3);
        let columns: String =
            self.values[self.values.len().saturating_sub(room)..].iter().map(|&value| self.column(value)).collect();
        format!("{ERASE}{}{} {columns} {now}", " ".repeat(margin), self.subject)
    }

    fn column(&self, value: u64) -> char {
        let heights = HEIGHTS[usize::from(!self.utf8)];
        let eighth = u128::from(value) * 8 / u128::from(self.most.max(1));
        heights[usize::try_from(eighth).unwrap_or(7).min(7)]
    }
}

/// A value in the unit that suits the greatest: bytes as MiB or KiB.
fn scaled(value: u64, most: u64, unit: &str) -> String {
    match divisor(most, unit) {
        (1, _) => value.to_string(),
        (divisor, _) => format!("{}.{}", value / divisor, value % divisor * 10 / divisor),
    }
}

/// [`scaled`], with the unit.
fn amount(value: u64, most: u64, unit: &str) -> String {
    format!("{} {}", scaled(value, most, unit), divisor(most, unit).1).trim_end().to_owned()
}

fn divisor(most: u64, unit: &str) -> (u64, String) {
    match unit.strip_prefix("bytes") {
        Some(rest) if most >= 1 << 20 => (1 << 20, format!("MiB{rest}")),
        Some(rest) if most >= 1 << 10 => (1 << 10, format!("KiB{rest}")),
        _ => (1, unit.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Samples;
    use crate::trace::Event;

    fn sample(value: u64) -> Event {
        Event::Sample { subject: "memory.current".into(), value, most: 4 << 20, unit: "bytes".into() }
    }

    #[test]
    fn in_a_pipe_the_numbers_come_at_the_end() {
        let mut samples = Samples::new(false, true);
        assert_eq!(samples.take(&sample(1 << 20), 2, 80) + &samples.take(&sample(3 << 19), 2, 80), "");
        assert_eq!(samples.end(2, 80), "  memory.current: 1.0 1.5 of 4.0 MiB\n");
        assert_eq!(samples.end(2, 80), "");
    }

    #[test]
    fn on_a_terminal_one_line_is_drawn_anew_beneath_all_else() {
        for (utf8, first, both) in [(true, "▃", "▃█"), (false, ",", ",#")] {
            let mut samples = Samples::new(true, utf8);
            let line = |columns: &str, value: &str| format!("\r\x1b[K  memory.current {columns} {value} of 4.0 MiB");
            assert_eq!(samples.take(&sample(1 << 20), 2, 80), line(first, "1.0"));
            assert_eq!(samples.above("a call\n", 2, 80), format!("\r\x1b[Ka call\n{}", line(first, "1.0")));
            assert_eq!(samples.take(&sample(4 << 20), 2, 80), line(both, "4.0"));
            assert_eq!(samples.end(2, 80), "\n");
        }
    }
}
