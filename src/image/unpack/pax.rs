//! Records: what POSIX writes before a header, for all that does not fit in one.
//!
//! Each is `LENGTH KEY=VALUE\n`, and the length counts itself: so a value may hold any byte,
//! newlines as well. Extended attributes are records that begin with `SCHILY.xattr.`.
//! See pax(1p), "pax Extended Header", and the OCI image specification, layer.md.

use std::ffi::CString;

use super::archive::{Entry, damaged};
use super::sparse::Map;
use crate::error::Result;
use crate::kernel::Time;

/// Keys and values, in their order.
pub(super) type Records = Vec<Record>;
type Record = (Vec<u8>, Vec<u8>);

/// Before the name of an extended attribute.
const XATTR: &[u8] = b"SCHILY.xattr.";

/// Takes the records apart.
pub(super) fn records(mut text: &[u8]) -> Result<Records> {
    let mut records = Vec::new();
    // Some tools fill up with zeros.
    while !text.is_empty() && text[0] != 0 {
        let (record, rest) = split(text).ok_or_else(|| damaged("its records don't have the length that they say"))?;
        records.push(record);
        text = rest;
    }
    Ok(records)
}

fn split(text: &[u8]) -> Option<(Record, &[u8])> {
    let space = text.iter().position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(&text[..space])?).ok()?;
    let (record, rest) = text.split_at_checked(length)?;
    let record = record.strip_suffix(b"\n")?.get(space + 1..)?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some(((record[..equals].to_owned(), record[equals + 1..].to_owned()), rest))
}

/// Lets the records have their way; what they say about holes in the file.
pub(super) fn apply(records: Records, entry: &mut Entry) -> Result<Map> {
    let mut map = Map::default();
    for (key, value) in records {
        let wrong =
            || damaged(&format!("the record {:?} has a value that it can't have", String::from_utf8_lossy(&key)));
        if let Some(name) = key.strip_prefix(XATTR) {
            let name = CString::new(name).map_err(|_| wrong())?;
            entry.xattrs.push((name, value));
            continue;
        }
        if value.is_empty() {
            continue; // takes back what a record for all files says, and we know none
        }
        let number = || decimal(&value).ok_or_else(wrong);
        match key.as_slice() {
            b"path" => entry.path = value,
            b"linkpath" => entry.link = value,
            b"size" => entry.size = number()?,
            b"uid" => entry.uid = number()?,
            b"gid" => entry.gid = number()?,
            b"mtime" => entry.modified = time(&value).ok_or_else(wrong)?,
            key if key.starts_with(b"GNU.sparse.") => map.record(key, value).ok_or_else(wrong)?,
            // Names of users and groups (the ids count), other times, comments.
            _ => {}
        }
    }
    Ok(map)
}

/// Digits, and nothing else.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

/// Seconds with a fraction: `1700000000.123456789`. Before 1970 they are negative, fraction and all.
fn time(text: &[u8]) -> Option<Time> {
    let (negative, text) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
    let point = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    let seconds = i64::try_from(decimal(&text[..point])?).ok()?;
    let fraction = text.get(point + 1..).unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = fraction.iter().chain([b'0'; 9].iter()).take(9);
    let nanoseconds = digits.fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    Some(match (negative, nanoseconds) {
        (false, nanoseconds) => Time { seconds, nanoseconds },
        (true, 0) => Time { seconds: -seconds, nanoseconds: 0 },
        (true, nanoseconds) => Time { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}

#[cfg(test)]
mod tests {
    use super::{records, time};
    use crate::kernel::Time;

    #[test]
    fn a_value_may_hold_newlines_and_nothing() {
        let found = records(b"13 a=b\nc=d\ne\n5 x=\n\0\0").unwrap();
        assert_eq!(found, [(b"a".to_vec(), b"b\nc=d\ne".to_vec()), (b"x".to_vec(), Vec::new())]);
    }

    #[test]
    fn wrong_lengths_are_noticed() {
        for text in
            [&b"5 a=b\n"[..], b"8 a=b\n", b"a=b\n", b"5 ab\n", b"99999999999999999999 a=b\n", b"2 a=b\n", b"-7 a=b\n"]
        {
            assert!(records(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn times_have_nanoseconds_and_may_lie_before_1970() {
        let at = |seconds, nanoseconds| Some(Time { seconds, nanoseconds });
        assert_eq!(time(b"12"), at(12, 0));
        assert_eq!(time(b"12.5"), at(12, 500_000_000));
        assert_eq!(time(b"12.0000000019"), at(12, 1));
        assert_eq!(time(b"-1.5"), at(-2, 500_000_000));
        assert_eq!(time(b"-3"), at(-3, 0));
        for text in [&b""[..], b"-", b".5", b"1e9", b"1.-5", b"99999999999999999999"] {
            assert_eq!(time(text), None, "{text:?}");
        }
    }
}
