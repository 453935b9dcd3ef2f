//! The judge: one process's calls as strace saw them against the events told of it.
//!
//! Both are walked in order. A taught call must be the next event; another call may
//! be, and is passed over if it is not; in the end no event may be left.

use std::collections::VecDeque;
use std::fmt;

use super::spelling::plain;
use crate::common::call::Call;
use crate::common::taught::{is_taught, is_watched};

/// Something that is not as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A taught call happened, and no event tells of it.
    Untold(Call),
    /// An event tells of a call that did not happen, or not then.
    Invented(Call),
    /// A call happened otherwise than it is told.
    Altered {
        /// As strace saw it.
        happened: Call,
        /// As the event tells it.
        told: Call,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untold(call) => write!(f, "happened, but is not told:  {call}"),
            Self::Invented(call) => write!(f, "told, but did not happen:   {call}"),
            Self::Altered { happened, told } => write!(f, "happened:  {happened}\n      told:  {told}"),
        }
    }
}

/// All that differs between one process's calls and the events told of it.
pub fn compare(strace: &[Call], events: &[Call]) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut left: VecDeque<(Call, &Call)> = events.iter().map(|event| (plain(event), event)).collect();
    differences.extend(events.iter().filter(|event| !is_watched(&event.name)).cloned().map(Difference::Invented));
    for call in strace {
        let spelled = plain(call);
        if left.front().is_some_and(|(event, _)| *event == spelled) {
            left.pop_front();
        } else if is_taught(call) {
            missed(call, &spelled, &mut left, &mut differences);
        }
    }
    differences.extend(left.into_iter().map(|(_, event)| Difference::Invented(event.clone())));
    differences
}

/// A taught call that is not the next event: told later (then what is told before
/// it did not happen), told otherwise, or not told at all.
fn missed(call: &Call, spelled: &Call, left: &mut VecDeque<(Call, &Call)>, differences: &mut Vec<Difference>) {
    if let Some(later) = left.iter().position(|(event, _)| event == spelled) {
        differences.extend(left.drain(..later).map(|(_, event)| Difference::Invented(event.clone())));
        left.pop_front();
        return;
    }
    match left.iter().position(|(event, _)| event.name == spelled.name) {
        Some(altered) => {
            differences.extend(left.drain(..altered).map(|(_, event)| Difference::Invented(event.clone())));
            let told = left.pop_front().map_or_else(|| call.clone(), |(_, event)| event.clone());
            differences.push(Difference::Altered { happened: call.clone(), told });
        }
        None => differences.push(Difference::Untold(call.clone())),
    }
}
