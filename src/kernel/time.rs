//! The clocks that a time namespace shifts. time_namespaces(7)

use nix::time::{ClockId, clock_gettime};

/// Seconds since boot, as this process sees them. clock_gettime(2)
pub fn boottime() -> i64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |time| time.tv_sec())
}
