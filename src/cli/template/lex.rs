//! Cuts a template into text and actions, and an action into words.

use serde_json::Value;

use super::{Parsed, Wrong};

/// A stretch of a template.
#[derive(Debug)]
pub enum Piece {
    /// To be printed as it is.
    Text(String),
    /// What stands between `{{` and `}}`, and where it begins.
    Action(usize, Vec<Token>),
}

/// A word of an action.
#[derive(Debug, Clone)]
pub struct Token {
    /// In bytes from the start of the template.
    pub at: usize,
    /// No space stands before it.
    pub adjacent: bool,
    pub kind: Kind,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `.`
    Dot,
    /// `.Name`
    Field(String),
    /// `$name`, without the dollar
    Variable(String),
    /// A function or keyword
    Word(String),
    Literal(Value),
    /// `|`, `(`, `)`, `,`, `=`, `:=`
    Sign(&'static str),
}

/// All of a template. `{{-` takes the white space before it away, `-}}` that behind it.
pub fn pieces(text: &str) -> Parsed<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut trim = false;
    while let Some(found) = text[at..].find("{{") {
        let open = at + found;
        let inside = open + 2;
        let trims = text[inside..].strip_prefix('-').is_some_and(|rest| rest.starts_with(char::is_whitespace));
        let before = &text[at..open];
        let before = if trim { before.trim_start() } else { before };
        pieces.push(Piece::Text(if trims { before.trim_end() } else { before }.to_owned()));
        let mut lexer = Lexer { text, at: inside + usize::from(trims) };
        if !lexer.comment(open)? {
            let at = lexer.skip_space();
            pieces.push(Piece::Action(at, lexer.tokens(open)?));
        }
        (at, trim) = lexer.close(open)?;
    }
    let rest = &text[at..];
    pieces.push(Piece::Text(if trim { rest.trim_start() } else { rest }.to_owned()));
    Ok(pieces)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) -> usize {
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.at
    }

    /// Steps over `/* ... */`, if that is what the action holds.
    fn comment(&mut self, open: usize) -> Parsed<bool> {
        let inside = self.rest().trim_start();
        if !inside.starts_with("/*") {
            return Ok(false);
        }
        self.skip_space();
        let length = inside.find("*/").ok_or_else(|| Wrong::new(open, "this comment has no end"))?;
        self.at += length + 2;
        Ok(true)
    }

    /// Steps over `}}` or ` -}}`; true for the latter.
    fn close(&mut self, open: usize) -> Parsed<(usize, bool)> {
        self.skip_space();
        let trims = self.rest().starts_with("-}}");
        self.at += usize::from(trims);
        match self.rest().starts_with("}}") {
            true => Ok((self.at + 2, trims)),
            false => Err(Wrong::new(open, "this {{ is never closed")),
        }
    }

    fn tokens(&mut self, open: usize) -> Parsed<Vec<Token>> {
        let mut tokens = Vec::new();
        loop {
            let before = self.at;
            let at = self.skip_space();
            let rest = self.rest();
            if rest.is_empty() {
                return Err(Wrong::new(open, "this {{ is never closed"));
            }
            if rest.starts_with("}}") || (before < at && rest.starts_with("-}}")) {
                return Ok(tokens);
            }
            let kind = self.token()?;
            tokens.push(Token { at, adjacent: before == at, kind });
        }
    }

    fn token(&mut self) -> Parsed<Kind> {
        let rest = self.rest();
        for sign in ["|", "(", ")", ",", ":=", "="] {
            if rest.starts_with(sign) {
                self.at += sign.len();
                return Ok(Kind::Sign(sign));
            }
        }
        let mut letters = rest.chars();
        match (letters.next(), letters.next()) {
            (Some('.'), Some(next)) if is_word(next) && !next.is_ascii_digit() => {
                self.at += 1;
                Ok(Kind::Field(self.word()))
            }
            (Some('.'), _) => {
                self.at += 1;
                Ok(Kind::Dot)
            }
            (Some('$'), _) => {
                self.at += 1;
                Ok(Kind::Variable(self.word()))
            }
            (Some('"' | '`' | '\''), _) => self.quoted(),
            (Some(first), next) => {
                let signed = matches!(first, '+' | '-') && next.is_some_and(|next| next.is_ascii_digit());
                if signed || first.is_ascii_digit() {
                    return self.number();
                }
                if is_word(first) {
                    return Ok(word(self.word()));
                }
                Err(Wrong::new(self.at, format!("'{first}' is no part of a template")))
            }
            (None, _) => Err(Wrong::new(self.at, "something is missing")),
        }
    }

    fn word(&mut self) -> String {
        let rest = self.rest();
        let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_owned()
    }

    fn number(&mut self) -> Parsed<Kind> {
        let rest = self.rest();
        let part = |(index, letter): &(usize, char)| is_word(*letter) || *letter == '.' || *index == 0;
        let end = rest.char_indices().find(|place| !part(place)).map_or(rest.len(), |(index, _)| index);
        let digits = &rest[..end];
        let whole = match digits.strip_prefix("0x") {
            Some(hexadecimal) => i64::from_str_radix(hexadecimal, 16).ok(),
            None => digits.parse().ok(),
        };
        let number = whole.map(Value::from).or_else(|| digits.parse::<f64>().ok().map(Value::from));
        let number = number.ok_or_else(|| Wrong::new(self.at, format!("'{digits}' is no number")))?;
        self.at += end;
        Ok(Kind::Literal(number))
    }

    /// `"text"` with escapes, `` `text` `` without, `'x'`: the number of a letter.
    fn quoted(&mut self) -> Parsed<Kind> {
        let start = self.at;
        let unfinished = || Wrong::new(start, "this text has no end");
        let mut letters = self.rest().char_indices();
        let quote = letters.next().map_or('"', |(_, quote)| quote);
        let mut text = String::new();
        while let Some((index, letter)) = letters.next() {
            if letter == quote {
                self.at += index + 1;
                return literal(quote, text).ok_or_else(|| Wrong::new(start, "between ' and ' stands one letter"));
            }
            match letter {
                '\\' if quote != '`' => {
                    let (_, escaped) = letters.next().ok_or_else(unfinished)?;
                    let unknown = || Wrong::new(start + index, format!("'\\{escaped}' is no escape that Go knows"));
                    let mut digits = |count: usize| {
                        let digits: String = letters.by_ref().take(count).map(|(_, digit)| digit).collect();
                        u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32)
                    };
                    text.push(unescape(escaped, &mut digits).ok_or_else(unknown)?);
                }
                _ => text.push(letter),
            }
        }
        Err(unfinished())
    }
}

fn literal(quote: char, text: String) -> Option<Kind> {
    if quote != '\'' {
        return Some(Kind::Literal(text.into()));
    }
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) => Some(Kind::Literal(u32::from(letter).into())),
        _ => None,
    }
}

fn unescape(letter: char, digits: &mut dyn FnMut(usize) -> Option<char>) -> Option<char> {
    match letter {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        'a' => Some('\u{7}'),
        '\\' | '"' | '\'' => Some(letter),
        'x' => digits(2),
        'u' => digits(4),
        'U' => digits(8),
        _ => None,
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn word(word: String) -> Kind {
    match word.as_str() {
        "true" => Kind::Literal(true.into()),
        "false" => Kind::Literal(false.into()),
        "nil" => Kind::Literal(Value::Null),
        _ => Kind::Word(word),
    }
}
