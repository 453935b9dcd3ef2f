//! The functions that a template can call: Go's own, and those that Docker adds.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use crate::kernel::nearest;

/// All of them.
pub const NAMES: [&str; 25] = [
    "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice", "print", "printf", "println",
    "json", "join", "split", "upper", "lower", "title", "truncate", "pad", "html", "urlquery",
];

/// A width in printf that is larger is a mistake.
const WIDEST: usize = 10_000;

type Result<T> = std::result::Result<T, String>;
type Argument<'a> = Cow<'a, Value>;

/// What to say to someone who calls another one.
pub fn near(name: &str) -> Option<String> {
    let near = nearest(name, NAMES.into_iter()).map(|near| format!("Did you mean '{near}'? ")).unwrap_or_default();
    Some(format!("{near}There are: {}.", NAMES.join(", ")))
}

/// Calls one.
pub fn call(name: &str, given: &[Argument<'_>]) -> Result<Value> {
    match name {
        "and" => Ok(pick(given, false)),
        "or" => Ok(pick(given, true)),
        "not" => Ok((!truth(exactly::<1>(given)?[0])).into()),
        "eq" => equal(given),
        "ne" => Ok((compare(given)? != Ordering::Equal).into()),
        "lt" => Ok((order(given)? == Ordering::Less).into()),
        "le" => Ok((order(given)? != Ordering::Greater).into()),
        "gt" => Ok((order(given)? == Ordering::Greater).into()),
        "ge" => Ok((order(given)? != Ordering::Less).into()),
        "len" => length(exactly::<1>(given)?[0]).map(Value::from),
        "index" => index(given),
        "slice" => slice(given),
        "print" => Ok(print(given).into()),
        "println" => Ok((given.iter().map(|value| text(value)).collect::<Vec<_>>().join(" ") + "\n").into()),
        "printf" => printf(given).map(Value::from),
        "json" => Ok(exactly::<1>(given)?[0].to_string().into()),
        "html" => Ok(html(&text(exactly::<1>(given)?[0])).into()),
        "urlquery" => Ok(urlquery(&text(exactly::<1>(given)?[0])).into()),
        "upper" => Ok(text(exactly::<1>(given)?[0]).to_uppercase().into()),
        "lower" => Ok(text(exactly::<1>(given)?[0]).to_lowercase().into()),
        "title" => Ok(title(&text(exactly::<1>(given)?[0])).into()),
        _ => with_several(name, given),
    }
}

/// Docker's functions of several arguments.
fn with_several(name: &str, given: &[Argument<'_>]) -> Result<Value> {
    match name {
        "join" => {
            let [list, between] = exactly(given)?;
            let Value::Array(list) = list else { return Err(format!("{} can't be joined", kind(list))) };
            Ok(list.iter().map(text).collect::<Vec<_>>().join(&text(between)).into())
        }
        "split" => {
            let [whole, at] = exactly(given)?;
            Ok(text(whole).split(&text(at)).collect::<Vec<_>>().into())
        }
        "truncate" => {
            let [whole, length] = exactly(given)?;
            let length = number(length)?;
            Ok(text(whole).chars().take(length).collect::<String>().into())
        }
        "pad" => {
            let [whole, before, behind] = exactly(given)?;
            let spaces = |count: &Value| number(count).map(|count| " ".repeat(count.min(WIDEST)));
            let whole = text(whole);
            // As Docker does it: nothing stays nothing.
            if whole.is_empty() { Ok("".into()) } else { Ok((spaces(before)? + &whole + &spaces(behind)?).into()) }
        }
        _ => Err("there is no such function".to_owned()),
    }
}

fn exactly<'a, const COUNT: usize>(given: &'a [Argument<'_>]) -> Result<[&'a Value; COUNT]> {
    let values: Vec<&Value> = given.iter().map(|value| &**value).collect();
    let found = values.len();
    let plural = if COUNT == 1 { "" } else { "s" };
    values.try_into().map_err(|_| format!("it takes {COUNT} argument{plural}, not {found}"))
}

/// As Go prints it.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(text).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", text(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        other => other.to_string(),
    }
}

/// What counts as true: all but false, zero, and what is empty.
pub fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// What a value is, for an error.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The first argument that decides, else the last.
fn pick(given: &[Argument<'_>], wanted: bool) -> Value {
    let decides = given.iter().find(|value| truth(value) == wanted);
    decides.or(given.last()).map_or(Value::Null, |value| value.clone().into_owned())
}

/// True if the first is equal to any of the others.
fn equal(given: &[Argument<'_>]) -> Result<Value> {
    match given {
        [first, others @ ..] if !others.is_empty() => Ok(others.iter().any(|other| same(first, other)).into()),
        _ => Err(format!("it takes 2 arguments or more, not {}", given.len())),
    }
}

fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other) == Ordering::Equal,
        _ => one == other,
    }
}

fn compare(given: &[Argument<'_>]) -> Result<Ordering> {
    let [one, other] = exactly(given)?;
    if same(one, other) { Ok(Ordering::Equal) } else { Ok(Ordering::Less) }
}

fn order(given: &[Argument<'_>]) -> Result<Ordering> {
    let [one, other] = exactly(given)?;
    match (one, other) {
        (Value::String(one), Value::String(other)) => Ok(one.cmp(other)),
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap_or_default(), other.as_f64().unwrap_or_default());
            Ok(one.total_cmp(&other))
        }
        _ => Err(format!("{} and {} can't be compared", kind(one), kind(other))),
    }
}

fn length(value: &Value) -> Result<usize> {
    match value {
        Value::String(text) => Ok(text.len()),
        Value::Array(list) => Ok(list.len()),
        Value::Object(map) => Ok(map.len()),
        Value::Null => Ok(0),
        other => Err(format!("{} has no length", kind(other))),
    }
}

fn number(value: &Value) -> Result<usize> {
    let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| format!("'{}' is no number of things", text(value)))
}

/// `index .Labels "key"`, `index .List 0 1`: what an object lacks is empty, as in Go.
fn index(given: &[Argument<'_>]) -> Result<Value> {
    let Some((first, keys)) = given.split_first() else { return Err("it takes an object or a list".to_owned()) };
    let mut value = first.clone().into_owned();
    for key in keys {
        value = match value {
            Value::Object(map) => map.get(&text(key)).cloned().unwrap_or_else(|| "".into()),
            Value::Array(list) => {
                let position = number(key)?;
                let missing = || format!("{position} is out of range: there are {}", list.len());
                list.get(position).cloned().ok_or_else(missing)?
            }
            Value::Null => "".into(),
            other => return Err(format!("{} has no parts", kind(&other))),
        };
    }
    Ok(value)
}

/// `slice .ID 0 12`: from the first number to before the second.
fn slice(given: &[Argument<'_>]) -> Result<Value> {
    let Some((whole, bounds)) = given.split_first() else { return Err("it takes text or a list".to_owned()) };
    let length = length(whole)?;
    let bound = |at: usize, otherwise: usize| bounds.get(at).map_or(Ok(otherwise), |bound| number(bound));
    let (from, to) = (bound(0, 0)?, bound(1, length)?);
    let outside = || format!("{from} to {to} is out of range: there are {length}");
    match &**whole {
        Value::String(text) => text.get(from..to).map(Value::from).ok_or_else(outside),
        Value::Array(list) => list.get(from..to).map(Value::from).ok_or_else(outside),
        other => Err(format!("{} has no parts in order", kind(other))),
    }
}

/// Go's Sprint: a space between two values that are both no text.
fn print(given: &[Argument<'_>]) -> String {
    let mut printed = String::new();
    for (position, value) in given.iter().enumerate() {
        if position > 0 && !value.is_string() && !given[position - 1].is_string() {
            printed.push(' ');
        }
        printed.push_str(&text(value));
    }
    printed
}

/// Go's Sprintf with %s %v %d %q %x %X %t %f %e %g %c %%, flags `-`, `0` and `+`, width and precision.
fn printf(given: &[Argument<'_>]) -> Result<String> {
    let Some((format, values)) = given.split_first() else { return Err("it takes a format".to_owned()) };
    let Value::String(format) = &**format else { return Err(format!("{} is no format", kind(format))) };
    let mut values = values.iter();
    let mut printed = String::new();
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            printed.push(letter);
            continue;
        }
        let mut spec: String =
            std::iter::from_fn(|| letters.next_if(|letter| "-+ #0123456789.".contains(*letter))).collect();
        let verb = letters.next().ok_or("the format ends after a '%'")?;
        if verb == '%' {
            printed.push('%');
            continue;
        }
        let value = values.next().ok_or_else(|| format!("there is no value for %{spec}{verb}"))?;
        let left = spec.contains('-');
        let plus = spec.contains('+');
        spec.retain(|letter| !"-+ #".contains(letter));
        let zero = spec.starts_with('0') && !left;
        let (width, precision) =
            spec.split_once('.').map_or((spec.as_str(), None), |(width, rest)| (width, Some(rest)));
        let width = width.parse().unwrap_or(0);
        let precision = precision.map(|digits| digits.parse().unwrap_or(0));
        if width > WIDEST || precision.is_some_and(|digits| digits > WIDEST) {
            return Err(format!("the width in '{format}' is too large"));
        }
        let shown = verb_text(verb, value, precision, plus)?;
        printed.push_str(&padded(&shown, width, left, zero));
    }
    Ok(printed)
}

fn verb_text(verb: char, value: &Value, precision: Option<usize>, plus: bool) -> Result<String> {
    let wants = |what: &str| format!("%{verb} wants {what}, not '{}'", text(value));
    let whole = || value.as_i64().ok_or_else(|| wants("a number"));
    let real = || value.as_f64().ok_or_else(|| wants("a number"));
    let signed = |shown: String| if plus && !shown.starts_with('-') { format!("+{shown}") } else { shown };
    Ok(match verb {
        's' | 'v' => text(value).chars().take(precision.unwrap_or(usize::MAX)).collect(),
        'd' => signed(whole()?.to_string()),
        'q' => Value::from(text(value)).to_string(),
        't' => value.as_bool().ok_or_else(|| wants("a truth value"))?.to_string(),
        'x' | 'X' => {
            let shown = match value {
                Value::String(text) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
                _ => format!("{:x}", whole()?),
            };
            if verb == 'X' { shown.to_uppercase() } else { shown }
        }
        'f' | 'F' => signed(format!("{:.*}", precision.unwrap_or(6), real()?)),
        'g' => signed(real()?.to_string()),
        'c' => whole()
            .ok()
            .and_then(|code| char::from_u32(code.try_into().ok()?))
            .ok_or_else(|| wants("a letter's number"))?
            .to_string(),
        _ => return Err(format!("there is no %{verb}")),
    })
}

fn padded(shown: &str, width: usize, left: bool, zero: bool) -> String {
    match (left, zero) {
        (true, _) => format!("{shown:<width$}"),
        (false, true) => {
            let (sign, digits) = shown.split_at(usize::from(shown.starts_with(['-', '+'])));
            format!("{sign}{digits:0>width$}", width = width.saturating_sub(sign.len()))
        }
        (false, false) => format!("{shown:>width$}"),
    }
}

/// The first letter of each word large.
fn title(text: &str) -> String {
    let mut starts = true;
    let mut large = String::new();
    for letter in text.chars() {
        match starts {
            true => large.extend(letter.to_uppercase()),
            false => large.push(letter),
        }
        starts = !letter.is_alphanumeric() && letter != '\'' && letter != '_';
    }
    large
}

fn html(text: &str) -> String {
    let escaped = |letter: char| match letter {
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '&' => "&amp;".to_owned(),
        '"' => "&#34;".to_owned(),
        '\'' => "&#39;".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(escaped).collect()
}

fn urlquery(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escaped).collect()
}
