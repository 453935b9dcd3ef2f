//! Walks the tree over a JSON value, and prints.

use std::borrow::Cow;

use serde_json::Value;

use super::parse::{Base, Node, Operand, Pipeline};
use super::{Parsed, Wrong, functions};
use crate::kernel::nearest;

/// A result that is longer is a mistake in the template.
const LONGEST: usize = 64 << 20;
/// So many turns of all loops together.
const MOST_TURNS: usize = 1 << 24;

/// Fills in a template.
pub fn render(nodes: &[Node], data: &Value) -> Parsed<String> {
    let mut scope = Scope { variables: vec![(String::new(), data.clone())], output: String::new(), turns: 0 };
    scope.walk(nodes, data)?;
    Ok(scope.output)
}

/// How a stretch ended.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

struct Scope {
    /// The newest last; `$` is the one without a name.
    variables: Vec<(String, Value)>,
    output: String,
    turns: usize,
}

impl Scope {
    fn walk(&mut self, nodes: &[Node], dot: &Value) -> Parsed<Flow> {
        for node in nodes {
            let flow = match node {
                Node::Text(text) => {
                    self.output.push_str(text);
                    Flow::On
                }
                Node::Print(pipeline) => {
                    let value = self.value(pipeline, dot)?;
                    if pipeline.variables.is_empty() {
                        self.output.push_str(&functions::text(&value));
                    }
                    Flow::On
                }
                Node::If { condition, moves_dot, then, otherwise } => {
                    let known = self.variables.len();
                    let value = self.value(condition, dot)?.into_owned();
                    let flow = match (functions::truth(&value), moves_dot) {
                        (false, _) => self.walk(otherwise, dot),
                        (true, true) => self.walk(then, &value),
                        (true, false) => self.walk(then, dot),
                    };
                    self.variables.truncate(known);
                    flow?
                }
                Node::Range { over, body, otherwise } => self.range(over, body, otherwise, dot)?,
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn range(&mut self, over: &Pipeline, body: &[Node], otherwise: &[Node], dot: &Value) -> Parsed<Flow> {
        let known = self.variables.len();
        let whole = self.chain(over, dot)?.into_owned();
        let items = items(whole)
            .ok_or_else(|| Wrong::new(over.at, "can't go through text, a truth value or a negative number"))?;
        let mut empty = true;
        for (key, value) in items {
            empty = false;
            self.turns += 1;
            if self.turns > MOST_TURNS || self.output.len() > LONGEST {
                return Err(Wrong::new(over.at, "what it makes is too long"));
            }
            let values = if over.variables.len() == 2 { vec![key, value.clone()] } else { vec![value.clone()] };
            for (name, value) in over.variables.iter().zip(values) {
                self.variables.push((name.clone(), value));
            }
            let flow = self.walk(body, &value);
            self.variables.truncate(known);
            if flow? == Flow::Break {
                break;
            }
        }
        if empty { self.walk(otherwise, dot) } else { Ok(Flow::On) }
    }

    /// The value of a pipeline, which it may give to a variable.
    fn value<'a>(&mut self, pipeline: &'a Pipeline, dot: &'a Value) -> Parsed<Cow<'a, Value>> {
        let value = self.chain(pipeline, dot)?;
        if pipeline.variables.len() > 1 {
            return Err(Wrong::new(pipeline.at, "only a range sets two variables"));
        }
        for name in &pipeline.variables {
            if pipeline.declares {
                self.variables.push((name.clone(), value.clone().into_owned()));
                continue;
            }
            let found = self.variables.iter_mut().rev().find(|(known, _)| known == name);
            let (_, old) = found.ok_or_else(|| unset(pipeline.at, name))?;
            *old = value.clone().into_owned();
        }
        Ok(value)
    }

    fn chain<'a>(&mut self, pipeline: &'a Pipeline, dot: &'a Value) -> Parsed<Cow<'a, Value>> {
        let mut result: Option<Cow<'a, Value>> = None;
        for command in &pipeline.commands {
            result = Some(self.command(command, result, dot)?);
        }
        Ok(result.unwrap_or(Cow::Owned(Value::Null)))
    }

    fn command<'a>(
        &mut self,
        operands: &'a [Operand],
        piped: Option<Cow<'a, Value>>,
        dot: &'a Value,
    ) -> Parsed<Cow<'a, Value>> {
        let Some((first, rest)) = operands.split_first() else {
            return Ok(Cow::Owned(Value::Null));
        };
        let Base::Function(name) = &first.base else {
            return match rest.is_empty() && piped.is_none() {
                true => self.operand(first, dot),
                false => Err(Wrong::new(first.at, "only functions take arguments")),
            };
        };
        let mut arguments = rest.iter().map(|operand| self.operand(operand, dot)).collect::<Parsed<Vec<_>>>()?;
        arguments.extend(piped);
        let result = functions::call(name, &arguments);
        let result = result.map_err(|why| Wrong::new(first.at, format!("{name}: {why}")))?;
        fields(Cow::Owned(result), first)
    }

    fn operand<'a>(&mut self, operand: &'a Operand, dot: &'a Value) -> Parsed<Cow<'a, Value>> {
        let base = match &operand.base {
            Base::Dot => Cow::Borrowed(dot),
            Base::Literal(value) => Cow::Borrowed(value),
            Base::Inner(pipeline) => self.value(pipeline, dot)?,
            Base::Function(_) => self.command(std::slice::from_ref(operand), None, dot)?,
            Base::Variable(name) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                Cow::Owned(found.map(|(_, value)| value.clone()).ok_or_else(|| unset(operand.at, name))?)
            }
        };
        if matches!(operand.base, Base::Function(_)) { Ok(base) } else { fields(base, operand) }
    }
}

fn unset(at: usize, name: &str) -> Wrong {
    Wrong::new(at, format!("the variable ${name} is not set"))
}

/// Goes from a value into its fields.
fn fields<'a>(base: Cow<'a, Value>, operand: &Operand) -> Parsed<Cow<'a, Value>> {
    let mut value = base;
    for name in &operand.fields {
        value = match value {
            Cow::Borrowed(value) => Cow::Borrowed(field(value, name, operand.at)?),
            Cow::Owned(value) => Cow::Owned(field(&value, name, operand.at)?.clone()),
        };
    }
    Ok(value)
}

fn field<'a>(value: &'a Value, name: &str, at: usize) -> Parsed<&'a Value> {
    let Value::Object(map) = value else {
        let what = match value {
            Value::String(text) => format!("'{text}'"),
            other => functions::kind(other).to_owned(),
        };
        return Err(Wrong::new(at, format!("{what} has no fields, so no '{name}'")));
    };
    map.get(name).ok_or_else(|| {
        let names: Vec<&str> = map.keys().map(String::as_str).collect();
        let near =
            nearest(name, names.iter().copied()).map(|near| format!("Did you mean '{near}'? ")).unwrap_or_default();
        Wrong::new(at, format!("there is no field '{name}'"))
            .hint(Some(format!("{near}There are: {}.", names.join(", "))))
    })
}

/// What a range goes through, each with its key or index.
fn items(value: Value) -> Option<Box<dyn Iterator<Item = (Value, Value)>>> {
    Some(match value {
        Value::Null => Box::new(std::iter::empty()),
        Value::Array(list) => Box::new(list.into_iter().enumerate().map(|(index, value)| (index.into(), value))),
        Value::Object(map) => Box::new(map.into_iter().map(|(key, value)| (key.into(), value))),
        Value::Number(number) => {
            let count = number.as_u64()?;
            Box::new((0..count).map(|index| (index.into(), index.into())))
        }
        Value::String(_) | Value::Bool(_) => return None,
    })
}
