//! `WWW-Authenticate`: how a registry wants to be told who asks.
//!
//! The header is a list of challenges, each a scheme and a list of parameters; both lists
//! are separated by commas, so only the grammar tells where a challenge ends.
//! See RFC 9110, section 11.6.1, and
//! <https://distribution.github.io/distribution/spec/auth/token/>.

use std::iter::Peekable;
use std::str::Chars;

/// One way to say who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// `bearer`, `basic`, in lower case.
    pub scheme: String,
    /// Names in lower case, and values.
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

// ANCHOR: parse
/// Reads a header; what it can't understand ends the list.
pub fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut letters = header.chars().peekable();
    loop {
        skip(&mut letters, |letter| letter == ',' || letter.is_whitespace());
        let word = token(&mut letters);
        if word.is_empty() {
            return challenges;
        }
        let spaced = skip(&mut letters, char::is_whitespace);
        match (letters.next_if_eq(&'=').is_some(), challenges.last_mut()) {
            (true, Some(challenge)) => {
                skip(&mut letters, char::is_whitespace);
                let value = if letters.peek() == Some(&'"') { quoted(&mut letters) } else { token(&mut letters) };
                challenge.parameters.push((word.to_ascii_lowercase(), value));
            }
            (true, None) => return challenges,
            (false, _) => {
                let end = letters.peek().is_none_or(|letter| *letter == ',');
                if !spaced && !end {
                    return challenges;
                }
                challenges.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
            }
        }
    }
}
// ANCHOR_END: parse

fn skip(letters: &mut Peekable<Chars<'_>>, which: impl Fn(char) -> bool) -> bool {
    let mut skipped = false;
    while letters.next_if(|letter| which(*letter)).is_some() {
        skipped = true;
    }
    skipped
}

/// RFC 9110, section 5.6.2, and what base64 needs, for challenges with a token68.
fn token(letters: &mut Peekable<Chars<'_>>) -> String {
    let is_token = |letter: &char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/:".contains(*letter);
    std::iter::from_fn(|| letters.next_if(is_token)).collect()
}

/// RFC 9110, section 5.6.4.
fn quoted(letters: &mut Peekable<Chars<'_>>) -> String {
    letters.next();
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => text.extend(letters.next()),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::parse;
    use proptest::prelude::*;

    #[test]
    fn docker_hub_s() {
        let header = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/debian:pull,push""#;
        let challenges = parse(header);
        assert_eq!(challenges.len(), 1);
        assert_eq!(challenges[0].scheme, "bearer");
        assert_eq!(challenges[0].parameter("realm"), Some("https://auth.docker.io/token"));
        assert_eq!(challenges[0].parameter("scope"), Some("repository:library/debian:pull,push"));
        assert_eq!(challenges[0].parameter("error"), None);
    }

    #[test]
    fn several_in_one_header() {
        let challenges = parse(r#"Negotiate, Basic realm="a \"b\", c" , Bearer realm = x,service=y"#);
        let schemes: Vec<_> = challenges.iter().map(|challenge| challenge.scheme.as_str()).collect();
        assert_eq!(schemes, ["negotiate", "basic", "bearer"]);
        assert_eq!(challenges[1].parameter("realm"), Some(r#"a "b", c"#));
        assert_eq!(challenges[2].parameter("service"), Some("y"));
    }

    #[test]
    fn nonsense_gives_nothing() {
        for header in ["", "   ", ",,,", "=x", "realm=\"x\"", "\"", "\u{0}"] {
            assert_eq!(parse(header), [], "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn it_always_ends(header in ".{0,80}") {
            parse(&header);
        }
    }
}
