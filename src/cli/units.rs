//! Sizes and ages for people, in Docker's words.

use std::time::SystemTime;

use jiff::Timestamp;

/// `74.8MB`: three digits that matter, in powers of 1000.
pub fn size(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        // What would be rounded up to 1000 belongs to the next unit.
        if size < 999.5 {
            let decimals = if size < 9.995 { 2 } else { usize::from(size < 99.95) };
            let shown = format!("{size:.decimals$}");
            let shown = if decimals > 0 { shown.trim_end_matches('0').trim_end_matches('.') } else { &shown };
            return format!("{shown}{unit}");
        }
        size /= 1000.0;
    }
    format!("{size:.0}PB")
}

/// `2 minutes ago`
pub fn ago(time: Timestamp) -> String {
    format!("{} ago", duration(now().as_second() - time.as_second()))
}

/// `2026-01-31 12:00:00 +0000 UTC`, as Go prints it
pub fn at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string()
}

/// This moment.
pub fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `About an hour`, `3 weeks`
pub fn duration(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, (seconds + 1800) / 3600);
    let (count, unit) = match seconds {
        ..1 => return "Less than a second".to_owned(),
        1 => return "1 second".to_owned(),
        2..60 => (seconds, "seconds"),
        60..120 => return "About a minute".to_owned(),
        120..3600 => (minutes, "minutes"),
        _ if hours == 1 => return "About an hour".to_owned(),
        _ if hours < 48 => (hours, "hours"),
        _ if hours < 24 * 7 * 2 => (hours / 24, "days"),
        _ if hours < 24 * 30 * 2 => (hours / 24 / 7, "weeks"),
        _ if hours < 24 * 365 * 2 => (hours / 24 / 30, "months"),
        _ => (hours / 24 / 365, "years"),
    };
    format!("{count} {unit}")
}

#[cfg(test)]
mod tests {
    use super::{duration, size};

    #[test]
    fn sizes() {
        for (bytes, shown) in [
            (0, "0B"),
            (999, "999B"),
            (1000, "1kB"),
            (1_500, "1.5kB"),
            (74_800_000, "74.8MB"),
            (116_991_000, "117MB"),
            (999_600, "1MB"),
            (9_996, "10kB"),
            (4_269_678, "4.27MB"),
            (1_234_000_000_000, "1.23TB"),
        ] {
            assert_eq!(size(bytes), shown, "{bytes}");
        }
    }

    #[test]
    fn ages() {
        const HOUR: i64 = 3600;
        for (seconds, words) in [
            (-5, "Less than a second"),
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (150, "2 minutes"),
            (59 * 60, "59 minutes"),
            (HOUR, "About an hour"),
            (HOUR + 1799, "About an hour"),
            (HOUR + 1800, "2 hours"),
            (47 * HOUR, "47 hours"),
            (48 * HOUR, "2 days"),
            (13 * 24 * HOUR, "13 days"),
            (14 * 24 * HOUR, "2 weeks"),
            (60 * 24 * HOUR, "2 months"),
            (729 * 24 * HOUR, "24 months"),
            (730 * 24 * HOUR, "2 years"),
        ] {
            assert_eq!(duration(seconds), words, "{seconds}");
        }
    }
}
