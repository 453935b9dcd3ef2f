//! `--without` and `--only`: which parts of a command are made.

use crate::error::{Error, Result};

/// The user's choice of parts.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    without: Vec<String>,
    only: Option<Vec<String>>,
}

impl Parts {
    /// Checks the names against those that the command has.
    pub fn choose(without: &[String], only: &[String], known: &[&str]) -> Result<Self> {
        for name in without.iter().chain(only) {
            if !known.contains(&name.as_str()) {
                return Err(unknown(name, known));
            }
        }
        let only = (!only.is_empty()).then(|| only.to_vec());
        Ok(Self { without: without.to_vec(), only })
    }

    /// True if this part is to be made.
    pub fn wants(&self, part: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == part);
        !named(&self.without) && self.only.as_deref().is_none_or(named)
    }
}

fn unknown(name: &str, known: &[&str]) -> Error {
    let error = Error::usage(format!("there is no part named '{name}' here"));
    if known.is_empty() {
        return error.hint("This command has no part that can be left out.");
    }
    let nearest =
        nearest(name, known.iter().copied()).map_or_else(String::new, |near| format!("Did you mean '{near}'? "));
    error.hint(format!("{nearest}The parts that can be left out: {}.", known.join(", ")))
}

/// The known name most like `name`, if one is like it at all.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::Parts;

    #[test]
    fn parts_are_chosen_by_name() {
        let known = ["proc", "pivot_root"];
        let without = Parts::choose(&["proc".into()], &[], &known).expect("proc is known");
        assert!(!without.wants("proc") && without.wants("pivot_root"));
        let only = Parts::choose(&[], &["proc".into()], &known).expect("proc is known");
        assert!(only.wants("proc") && !only.wants("pivot_root"));
    }

    #[test]
    fn a_wrong_name_offers_the_nearest() {
        let error = Parts::choose(&["pivot".into()], &[], &["proc", "pivot_root"]).expect_err("pivot is no part");
        let hint = error.failure().hint.clone().unwrap_or_default();
        assert!(hint.contains("'pivot_root'"), "{hint}");
    }
}
