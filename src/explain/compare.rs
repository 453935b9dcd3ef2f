//! Two processes side by side: what does one isolate that the other does not?

use std::cmp::Ordering;

use serde::Serialize;

use super::Portrait;
use super::aspect::{ASPECTS, FACTS, Grade, Judgement};

/// What one of them has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// In a few words; `None` if it makes no sense for that process.
    pub value: Option<String>,
    /// How well that isolates; `None` for what has no better and worse.
    pub grade: Option<Grade>,
}

/// One line of the comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What is compared.
    pub aspect: &'static str,
    /// The first.
    pub a: Side,
    /// The second.
    pub b: Side,
    /// True if they are not alike.
    pub differs: bool,
}

/// Who isolates more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The first.
    A,
    /// The second.
    B,
}

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// What is judged, the most serious first, then what only differs.
    pub rows: Vec<Row>,
    /// Aspects that the first isolates better.
    pub only_a: Vec<&'static str>,
    /// Aspects that the second isolates better.
    pub only_b: Vec<&'static str>,
    /// Kinds of namespaces that are one for both, and not the host's.
    pub together: Vec<&'static str>,
}

impl Comparison {
    /// Compares two.
    pub fn of(a: &Portrait, b: &Portrait) -> Self {
        let judged = ASPECTS.iter().map(|aspect| row(aspect.name, [a, b].map(|of| Side::judged((aspect.judge)(of)))));
        let facts = FACTS.iter().map(|fact| row(fact.name, [a, b].map(|of| Side::plain((fact.value)(of)))));
        let rows: Vec<Row> = judged.chain(facts).filter(|row| row.a.value.is_some() || row.b.value.is_some()).collect();
        let isolates = |who: Better| {
            let better = rows.iter().filter(|row| row.better() == Some(who));
            better.map(|row| row.aspect).collect::<Vec<_>>()
        };
        let (only_a, only_b) = (isolates(Better::A), isolates(Better::B));
        Self { only_a, only_b, together: together(a, b), rows }
    }
}

impl Row {
    /// Who isolates this better, if it can be judged for both.
    pub fn better(&self) -> Option<Better> {
        let rank = |side: &Side| match side.grade? {
            Grade::Isolated => Some(2),
            Grade::Partly => Some(1),
            Grade::Not => Some(0),
            Grade::Unknown => None,
        };
        match rank(&self.a)?.cmp(&rank(&self.b)?) {
            Ordering::Greater => Some(Better::A),
            Ordering::Less => Some(Better::B),
            Ordering::Equal => None,
        }
    }
}

impl Side {
    fn judged(judgement: Option<Judgement>) -> Self {
        let (value, grade) = judgement.map(|found| (found.value, found.grade)).unzip();
        Self { value, grade }
    }

    fn plain(value: String) -> Self {
        Self { value: Some(value), grade: None }
    }
}

fn row(aspect: &'static str, [a, b]: [Side; 2]) -> Row {
    Row { aspect, differs: a != b, a, b }
}

/// Containers of a pod, say, share a network that is not the host's.
fn together(a: &Portrait, b: &Portrait) -> Vec<&'static str> {
    let same = |kind: &&str| {
        let (one, other) = (a.namespaces.get(kind), b.namespaces.get(kind));
        one.zip(other)
            .is_some_and(|(one, other)| one.name.is_some() && one.name == other.name && one.host == Some(false))
    };
    a.namespaces.each.iter().map(|namespace| namespace.kind).filter(same).collect()
}
