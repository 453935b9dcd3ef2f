//! Makes a tree of the words: what to print, and what to do again or only perhaps.

use serde_json::Value;

use super::functions;
use super::lex::{Kind, Piece, Token};
use super::{Parsed, Wrong};

/// Parentheses and blocks may be nested so deep.
const DEEPEST: usize = 100;

/// A part of a template.
#[derive(Debug)]
pub enum Node {
    Text(String),
    Print(Pipeline),
    /// `if` and `with`; `with` makes the value the dot of what is inside.
    If {
        condition: Pipeline,
        moves_dot: bool,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Range {
        over: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Break,
    Continue,
}

/// `$x := .Labels | json`: each command gets the result of the one before as its last argument.
#[derive(Debug)]
pub struct Pipeline {
    pub at: usize,
    /// What is set: one variable, or two in a range.
    pub variables: Vec<String>,
    /// `:=` makes them, `=` changes them.
    pub declares: bool,
    pub commands: Vec<Vec<Operand>>,
}

/// A value or a function, and the fields that are asked of it.
#[derive(Debug)]
pub struct Operand {
    pub at: usize,
    pub base: Base,
    pub fields: Vec<String>,
}

/// Where a value comes from.
#[derive(Debug)]
pub enum Base {
    Dot,
    Variable(String),
    Literal(Value),
    Function(String),
    Inner(Box<Pipeline>),
}

/// Reads a whole template.
pub fn parse(pieces: Vec<Piece>) -> Parsed<Vec<Node>> {
    let mut parser = Parser { pieces: pieces.into_iter(), depth: 0, ranges: 0 };
    let (nodes, end) = parser.block()?;
    match end {
        Ended::Whole => Ok(nodes),
        Ended::Here(at) => Err(Wrong::new(at, "nothing is open that could end here")),
        Ended::Else(at, _) => Err(Wrong::new(at, "there is no 'if' that this 'else' belongs to")),
    }
}

/// What ends a block.
enum Ended {
    /// With the template.
    Whole,
    /// By `end`.
    Here(usize),
    /// With what follows the `else`: nothing, or an `if` of its own.
    Else(usize, Vec<Token>),
}

struct Parser {
    pieces: std::vec::IntoIter<Piece>,
    depth: usize,
    ranges: usize,
}

impl Parser {
    fn block(&mut self) -> Parsed<(Vec<Node>, Ended)> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let (at, tokens) = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(at, tokens) => (at, tokens),
            };
            let keyword = match tokens.first() {
                None => return Err(Wrong::new(at, "there is nothing between {{ and }}")),
                Some(Token { kind: Kind::Word(word), .. }) => word.as_str(),
                Some(_) => "",
            };
            match keyword {
                "end" => return Ok((nodes, Ended::Here(at))),
                "else" => return Ok((nodes, Ended::Else(at, tokens[1..].to_vec()))),
                "if" | "with" | "range" => nodes.push(self.nested(at, &tokens)?),
                "break" | "continue" if self.ranges == 0 => {
                    return Err(Wrong::new(at, format!("'{keyword}' stands in no 'range'")));
                }
                "break" => nodes.push(Node::Break),
                "continue" => nodes.push(Node::Continue),
                _ => nodes.push(Node::Print(pipeline(at, &tokens)?)),
            }
        }
        Ok((nodes, Ended::Whole))
    }

    /// `if`, `with` or `range` up to its end.
    fn nested(&mut self, at: usize, tokens: &[Token]) -> Parsed<Node> {
        let Some((Kind::Word(keyword), rest)) = tokens.split_first().map(|(first, rest)| (&first.kind, rest)) else {
            return Err(Wrong::new(at, "'if', 'with' or 'range' is missing"));
        };
        let loops = usize::from(keyword == "range");
        let head = pipeline(at, rest)?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Wrong::new(at, "it is nested too deeply"));
        }
        self.ranges += loops;
        let (then, end) = self.block()?;
        self.ranges -= loops;
        let otherwise = match end {
            Ended::Whole => return Err(Wrong::new(at, format!("this '{keyword}' has no {{{{end}}}}"))),
            Ended::Here(_) => Vec::new(),
            // `else if` is an if inside of the else, and their one end ends both.
            Ended::Else(at, tokens) if !tokens.is_empty() => vec![self.nested(at, &tokens)?],
            Ended::Else(..) => self.last_block(at, keyword)?,
        };
        self.depth -= 1;
        Ok(match keyword.as_str() {
            "range" => Node::Range { over: head, body: then, otherwise },
            "with" => Node::If { condition: head, moves_dot: true, then, otherwise },
            _ => Node::If { condition: head, moves_dot: false, then, otherwise },
        })
    }

    fn last_block(&mut self, at: usize, keyword: &str) -> Parsed<Vec<Node>> {
        match self.block()? {
            (nodes, Ended::Here(_)) => Ok(nodes),
            (_, Ended::Else(at, _)) => Err(Wrong::new(at, format!("this '{keyword}' has an 'else' already"))),
            (_, Ended::Whole) => Err(Wrong::new(at, format!("this '{keyword}' has no {{{{end}}}}"))),
        }
    }
}

/// All of an action as a pipeline.
fn pipeline(at: usize, tokens: &[Token]) -> Parsed<Pipeline> {
    let mut words = Words { tokens, next: 0, depth: 0, end: tokens.last().map_or(at, |last| last.at) };
    let pipeline = words.pipeline(at)?;
    match words.peek() {
        Some(Token { at, .. }) => Err(Wrong::new(*at, "this ')' closes nothing")),
        None => Ok(pipeline),
    }
}

struct Words<'a> {
    tokens: &'a [Token],
    next: usize,
    depth: usize,
    end: usize,
}

impl<'a> Words<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    fn is(&self, offset: usize, sign: &str) -> bool {
        let token = self.tokens.get(self.next + offset);
        token.is_some_and(|token| matches!(token.kind, Kind::Sign(found) if found == sign))
    }

    /// Up to the end, or to a `)`.
    fn pipeline(&mut self, at: usize) -> Parsed<Pipeline> {
        let (variables, declares) = self.variables();
        let mut commands = Vec::new();
        loop {
            let command = self.command()?;
            if command.is_empty() {
                let after =
                    if commands.is_empty() { "something must stand here" } else { "something must follow the '|'" };
                return Err(Wrong::new(self.peek().map_or(self.end, |token| token.at), after));
            }
            commands.push(command);
            if !self.is(0, "|") {
                return Ok(Pipeline { at, variables, declares, commands });
            }
            self.next += 1;
        }
    }

    /// `$x :=`, `$x =`, `$i, $x :=`; nothing where none is set.
    fn variables(&mut self) -> (Vec<String>, bool) {
        let name = |offset: usize| match self.tokens.get(self.next + offset).map(|token| &token.kind) {
            Some(Kind::Variable(name)) => Some(name.clone()),
            _ => None,
        };
        let count = if self.is(1, ",") { 2 } else { 1 };
        let sign = 2 * count - 1;
        let names: Option<Vec<String>> = (0..count).map(|index| name(2 * index)).collect();
        match names {
            Some(names) if self.is(sign, ":=") || self.is(sign, "=") => {
                let declares = self.is(sign, ":=");
                self.next += sign + 1;
                (names, declares)
            }
            _ => (Vec::new(), false),
        }
    }

    fn command(&mut self) -> Parsed<Vec<Operand>> {
        let mut operands: Vec<Operand> = Vec::new();
        while let Some(token) = self.peek() {
            match &token.kind {
                Kind::Sign("|" | ")") => break,
                Kind::Sign(sign @ ("," | "=" | ":=")) => {
                    return Err(Wrong::new(token.at, format!("'{sign}' can't stand here")));
                }
                _ => operands.push(self.operand(token)?),
            }
        }
        Ok(operands)
    }

    fn operand(&mut self, token: &Token) -> Parsed<Operand> {
        self.next += 1;
        let mut fields = Vec::new();
        let base = match &token.kind {
            Kind::Field(name) => {
                fields.push(name.clone());
                Base::Dot
            }
            Kind::Variable(name) => Base::Variable(name.clone()),
            Kind::Literal(value) => Base::Literal(value.clone()),
            Kind::Word(name) => Base::Function(known(token.at, name)?),
            Kind::Sign(_) => Base::Inner(Box::new(self.parenthesis(token.at)?)),
            Kind::Dot => Base::Dot,
        };
        while let Some(Token { adjacent: true, kind: Kind::Field(name), .. }) = self.peek() {
            fields.push(name.clone());
            self.next += 1;
        }
        Ok(Operand { at: token.at, base, fields })
    }

    fn parenthesis(&mut self, at: usize) -> Parsed<Pipeline> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Wrong::new(at, "it is nested too deeply"));
        }
        let inner = self.pipeline(at)?;
        if !self.is(0, ")") {
            return Err(Wrong::new(at, "this '(' is never closed"));
        }
        self.next += 1;
        self.depth -= 1;
        Ok(inner)
    }
}

fn known(at: usize, name: &str) -> Parsed<String> {
    match functions::NAMES.contains(&name) {
        true => Ok(name.to_owned()),
        false => Err(Wrong::new(at, format!("there is no function '{name}'")).hint(functions::near(name))),
    }
}
