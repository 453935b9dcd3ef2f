//! When to try again, and how long to wait before.
//!
//! Each wait is twice as long as the one before, so that a registry which has too much to
//! do gets less of it; what it says itself (`Retry-After`) counts more.
//! See RFC 9110, section 10.2.3, RFC 6585, section 4.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::Timeouts;

/// So many attempts in all.
pub const ATTEMPTS: u32 = 5;

/// Whether a status says that it may go better the next time.
pub fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// How long to wait after attempt number `attempt`, from 1; `None`: not that long.
pub fn wait(attempt: u32, retry_after: Option<&str>, timeouts: &Timeouts) -> Option<Duration> {
    let own = timeouts.pause.saturating_mul(1 << (attempt - 1).min(10)).min(timeouts.patience);
    match retry_after.and_then(|text| asked(text, Timestamp::now())) {
        Some(asked) if asked > timeouts.patience => None,
        Some(asked) => Some(own.max(asked)),
        None => Some(own),
    }
}

/// Seconds, or a date.
fn asked(retry_after: &str, now: Timestamp) -> Option<Duration> {
    let text = retry_after.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{asked, is_passing, wait};
    use crate::image::registry::Timeouts;
    use std::time::Duration;

    #[test]
    fn waits_grow_and_what_the_registry_asks_counts_more() {
        let timeouts = Timeouts::default();
        let milliseconds = |attempt, text| wait(attempt, text, &timeouts).map(|wait| wait.as_millis());
        assert_eq!([1, 2, 3].map(|attempt| milliseconds(attempt, None)), [Some(250), Some(500), Some(1000)]);
        assert_eq!(milliseconds(1, Some("2")), Some(2000));
        assert_eq!(milliseconds(1, Some("nonsense")), Some(250));
        assert_eq!(milliseconds(1, Some("0")), Some(250));
        assert_eq!(milliseconds(1, Some("3600")), None, "nobody waits an hour");
        assert!(is_passing(429) && is_passing(503) && !is_passing(404) && !is_passing(501));
    }

    #[test]
    fn a_date_will_do() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(asked("Thu, 01 Jan 2026 00:00:07 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(asked("Wed, 01 Jan 2025 00:00:07 GMT", now), Some(Duration::ZERO), "it is past");
    }
}
