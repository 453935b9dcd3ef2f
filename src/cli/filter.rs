//! `--filter KEY=VALUE`, and what Docker compares in it.

use crate::error::{Error, Result};
use crate::image::Image;

/// Whether something is wanted.
pub type Filter<T> = Box<dyn Fn(&T) -> bool>;

/// Splits `key=value` each.
pub fn pairs(filters: &[String]) -> Result<Vec<(&str, &str)>> {
    let pair = |filter: &'_ String| Error::usage(format!("'{filter}' is no filter: write KEY=VALUE"));
    filters.iter().map(|filter| filter.split_once('=').ok_or_else(|| pair(filter))).collect()
}

/// `true`, `1`, `false`, `0`
pub fn truth(value: &str) -> Result<bool> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Error::usage(format!("'{value}' is neither true nor false"))),
    }
}

/// `label=KEY`, `label=KEY=VALUE`
pub fn label(wanted: &str) -> Filter<Image> {
    let (key, value) = match wanted.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (wanted.to_owned(), None),
    };
    Box::new(move |image| {
        let labels = image.config.config().as_ref().and_then(|config| config.labels().as_ref());
        let found = labels.and_then(|labels| labels.get(&key));
        found.is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
    })
}

/// A pattern as the shell has it: `*` and `?` stand for anything but a slash, `[a-z]` for one letter.
#[derive(Debug)]
pub struct Pattern(Vec<Part>);

#[derive(Debug)]
enum Part {
    Letter(char),
    Any,
    Many,
    Among { ranges: Vec<(char, char)>, not: bool },
}

impl Pattern {
    /// Reads it.
    pub fn new(text: &str) -> Result<Self> {
        let wrong = || Error::usage(format!("'{text}' is no pattern: a '[' or '\\' is not finished"));
        let mut letters = text.chars().peekable();
        let mut parts = Vec::new();
        while let Some(letter) = letters.next() {
            parts.push(match letter {
                '*' => Part::Many,
                '?' => Part::Any,
                '\\' => Part::Letter(letters.next().ok_or_else(wrong)?),
                '[' => {
                    let not = letters.next_if(|next| *next == '^' || *next == '!').is_some();
                    let mut ranges = Vec::new();
                    loop {
                        let from = letters.next().ok_or_else(wrong)?;
                        if from == ']' && !ranges.is_empty() {
                            break;
                        }
                        let to = match letters.next_if(|next| *next == '-') {
                            Some(_) => letters.next().ok_or_else(wrong)?,
                            None => from,
                        };
                        ranges.push((from, to));
                    }
                    Part::Among { ranges, not }
                }
                letter => Part::Letter(letter),
            });
        }
        Ok(Self(parts))
    }

    /// Whether all of `text` fits.
    pub fn matches(&self, text: &str) -> bool {
        let letters: Vec<char> = text.chars().collect();
        // For each prefix of the text: whether the parts so far fit it.
        let mut fits = vec![false; letters.len() + 1];
        fits[0] = true;
        for part in &self.0 {
            let mut next = vec![false; letters.len() + 1];
            next[0] = matches!(part, Part::Many) && fits[0];
            for (index, letter) in letters.iter().enumerate() {
                next[index + 1] = match part {
                    Part::Many => fits[index + 1] || (next[index] && *letter != '/'),
                    one => fits[index] && one.fits(*letter),
                };
            }
            fits = next;
        }
        fits[letters.len()]
    }
}

impl Part {
    fn fits(&self, letter: char) -> bool {
        match self {
            Self::Letter(wanted) => *wanted == letter,
            Self::Any | Self::Many => letter != '/',
            Self::Among { ranges, not } => {
                letter != '/' && ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter)) != *not
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pattern, pairs};

    #[test]
    fn patterns_are_the_shells() {
        for (pattern, text, fits) in [
            ("debian", "debian", true),
            ("deb*", "debian", true),
            ("deb*", "deb/ian", false),
            ("*/*", "a/b", true),
            ("*:1?", "debian:12", true),
            ("[a-d]x", "cx", true),
            ("[^a-d]x", "cx", false),
            ("a\\*", "a*", true),
            ("", "", true),
            ("*a*a*a*b", &"a".repeat(2000), false),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().matches(text), fits, "{pattern} {text}");
        }
        assert!(Pattern::new("[a").is_err() && Pattern::new("a\\").is_err());
    }

    #[test]
    fn a_filter_has_a_key_and_a_value() {
        assert_eq!(pairs(&["a=b=c".to_owned()]).unwrap(), [("a", "b=c")]);
        assert!(pairs(&["a".to_owned()]).is_err());
    }
}
