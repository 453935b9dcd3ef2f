//! What must not be shown: passwords and tokens, in errors, traces and debug output.

use std::fmt;

use ureq::http::Uri;

/// A text that shows itself as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Values of a query that say what is asked, not who may ask.
const HARMLESS: [&str; 8] = ["service", "scope", "digest", "mount", "from", "n", "last", "client_id"];

/// An address to show: the storage behind a registry is reached by signed addresses, and
/// whoever has one is let in. So the values of their queries are hidden.
pub fn shown(url: &Uri) -> String {
    let scheme = url.scheme_str().unwrap_or("http");
    // What stands before the '@' is a user and a password.
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let mut shown = format!("{scheme}://{host}{}", url.path());
    for (index, pair) in url.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if !HARMLESS.contains(&name) => shown.push_str(&format!("{name}=***")),
            _ => shown.push_str(pair),
        }
    }
    shown
}

/// What a server wrote, fit for a terminal: no control characters, not endless.
pub fn tamed(text: &str) -> String {
    const LONGEST: usize = 300;
    let letters = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let visible = letters.filter(|letter| !is_direction(*letter));
    let tamed: String = visible.take(LONGEST).collect();
    tamed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Marks that change the order in which a terminal shows letters.
fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{Secret, shown, tamed};

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(secret.to_string(), "***");
    }

    #[test]
    fn signatures_and_passwords_are_hidden_in_addresses() {
        let of = |url: &str| shown(&url.parse().unwrap());
        assert_eq!(of("https://u:p@s3.example/x?X-Sig=abc&n=1"), "https://s3.example/x?X-Sig=***&n=1");
        assert_eq!(of("http://localhost:5000/v2/"), "http://localhost:5000/v2/");
    }

    #[test]
    fn what_a_server_writes_is_tamed() {
        assert_eq!(tamed("a\u{1b}[31mred\r\nb\u{202e}c"), "a [31mred bc");
        assert_eq!(tamed(&"x".repeat(9999)).len(), 300);
    }
}
