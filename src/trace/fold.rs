//! Folding: of many calls in a row that differ in one short argument, the first is
//! shown whole and the others by that argument. Nothing is left out.

use super::{Event, Record};

/// So many at least, beside the first, are worth a line of their own.
const WORTH: usize = 3;

/// An argument longer than this says too much to stand in a list.
const SHORT: usize = 28;

/// Calls that are like one that has been shown.
#[derive(Debug, Default)]
pub struct Fold {
    first: Option<Record>,
    alike: Vec<(Record, String)>,
}

/// What to show for calls that were kept.
#[derive(Debug, PartialEq)]
pub enum Folded {
    /// Each as it is: they are few.
    Each(Vec<Record>),
    /// What sets each of them apart.
    List(Vec<String>),
}

impl Fold {
    /// Keeps a call that is like the one shown last.
    pub fn keep(&mut self, record: &Record) -> bool {
        let Some(differs) = self.first.as_ref().and_then(|first| difference(first, record)) else { return false };
        self.alike.push((record.clone(), differs));
        true
    }

    /// Notes what has just been shown.
    pub fn shown(&mut self, record: &Record) {
        self.first = matches!(record.event, Event::Call { errno: None, .. }).then(|| record.clone());
    }

    /// Gives back what was kept, if anything was.
    pub fn take(&mut self) -> Option<Folded> {
        self.first = None;
        let alike = std::mem::take(&mut self.alike);
        match alike.len() {
            0 => None,
            few if few < WORTH => Some(Folded::Each(alike.into_iter().map(|(record, _)| record).collect())),
            _ => Some(Folded::List(alike.into_iter().map(|(_, differs)| differs).collect())),
        }
    }
}

/// The one argument in which two successful calls of one process differ. The
/// length of what is written goes with the text.
fn difference(first: &Record, next: &Record) -> Option<String> {
    let (Event::Call { name, args, ret, .. }, Event::Call { name: like, args: given, ret: also, errno: None, .. }) =
        (&first.event, &next.event)
    else {
        return None;
    };
    let counted = if name == "write" { 2.min(args.len()) } else { args.len() };
    let same_kind = name == like && args.len() == given.len() && first.pid == next.pid;
    if !same_kind || (counted == args.len() && ret != also) {
        return None;
    }
    let mut differing = args.iter().zip(given).take(counted).filter(|(one, other)| one != other);
    match (differing.next(), differing.next()) {
        (Some((_, argument)), None) if argument.chars().count() <= SHORT => Some(argument.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Fold, Folded};
    use crate::trace::{Event, Record};

    fn call(args: &[&str]) -> Record {
        let event = Event::Call {
            name: "prctl".to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            ret: "0".to_owned(),
            errno: None,
            ns: 1,
            source: String::new(),
        };
        Record { event, seq: 1, role: "child".to_owned(), pid: 7 }
    }

    fn folded(seconds: &[&str]) -> (Vec<bool>, Option<Folded>) {
        let mut fold = Fold::default();
        fold.shown(&call(&["DROP", "A"]));
        let kept = seconds.iter().map(|second| fold.keep(&call(&["DROP", second]))).collect();
        (kept, fold.take())
    }

    #[test]
    fn many_alike_become_a_list_and_few_stay_as_they_are() {
        let (kept, list) = folded(&["B", "C", "D"]);
        assert_eq!(kept, [true; 3]);
        assert_eq!(list, Some(Folded::List(["B", "C", "D"].map(str::to_owned).to_vec())));
        let (_, each) = folded(&["B"]);
        assert_eq!(each, Some(Folded::Each(vec![call(&["DROP", "B"])])));
    }

    #[test]
    fn what_differs_in_more_is_shown() {
        let mut fold = Fold::default();
        fold.shown(&call(&["DROP", "A"]));
        assert!(!fold.keep(&call(&["KEEP", "B"])));
        assert!(!fold.keep(&call(&["DROP", "an argument that is far too long for a list"])));
        assert_eq!(fold.take(), None);
    }
}
