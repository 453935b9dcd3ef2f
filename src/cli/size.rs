//! Sizes as Docker takes them: `64m` is 64 MiB.

/// `1048576`, `1024k`, `1m`, `1g`, `1.5g`, with an optional `b`: bytes.
pub fn parse(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no size: write 65536, 64k, 64m or 1g");
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches("ib").trim_end_matches('b');
    let (digits, unit) = match digits.char_indices().next_back() {
        Some((at, 'k')) => (&digits[..at], 1_u64 << 10),
        Some((at, 'm')) => (&digits[..at], 1 << 20),
        Some((at, 'g')) => (&digits[..at], 1 << 30),
        Some((at, 't')) => (&digits[..at], 1 << 40),
        _ => (digits, 1),
    };
    if let Ok(whole) = digits.parse::<u64>() {
        return whole.checked_mul(unit).ok_or_else(wrong);
    }
    let number: f64 = digits.parse().map_err(|_| wrong())?;
    let bytes = number * unit as f64;
    if bytes.is_finite() && bytes >= 0.0 && bytes < u64::MAX as f64 { Ok(bytes as u64) } else { Err(wrong()) }
}

/// `74.8MB`: decimal, with three digits that count, as Docker shows sizes.
pub fn decimal(bytes: u64) -> String {
    let mut number = bytes as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB", "PB"] {
        if number < 999.5 {
            break;
        }
        number /= 1000.0;
        unit = larger;
    }
    let places = if unit == "B" || number >= 99.95 {
        0
    } else if number >= 9.995 {
        1
    } else {
        2
    };
    let text = format!("{number:.places$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::{decimal, parse};

    #[test]
    fn units_are_powers_of_two() {
        for (text, bytes) in [
            ("65536", 65_536),
            ("64k", 65_536),
            ("64m", 67_108_864),
            ("1g", 1 << 30),
            ("1.5g", 3 << 29),
            ("64MiB", 67_108_864),
            ("10b", 10),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn sizes_have_three_digits_that_count() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (1000, "1kB"),
            (1_234, "1.23kB"),
            (58_520_315, "58.5MB"),
            (116_500_000, "116MB"),
            (999_999, "1MB"),
            (2_000_000_000, "2GB"),
        ] {
            assert_eq!(decimal(bytes), text);
        }
    }

    #[test]
    fn garbage_is_refused() {
        for text in ["", "m", "-1", "64x", "99999999999999t", "nan"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
