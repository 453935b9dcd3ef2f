//! What came out: a table, JSON, and the bars that must hold.

use std::fmt::Write;

use serde_json::json;

use crate::contenders::{BOXLAB, BOXLAB_JSON, CRUN, FLOOR, VERSION};
use crate::measure::Times;

/// At most half of crun's time.
const OF_CRUN: f64 = 0.5;
/// The JSON trace may take twice the silent time.
const OF_SILENT: f64 = 2.0;
/// Milliseconds for a start and nothing else.
const START: f64 = 2.0;
/// What is aimed at: twice the floor. It is shown, but breaks nothing.
const OF_FLOOR: f64 = 2.0;

/// Everything that was measured.
#[derive(Debug)]
pub struct Report {
    rounds: u32,
    results: Vec<Times>,
    /// Who could not be measured, and why.
    pub missing: Vec<(String, String)>,
}

/// Something that must hold (or is only aimed at), as it came out.
struct Bar {
    what: &'static str,
    measured: f64,
    limit: f64,
    must: bool,
}

impl Bar {
    fn holds(&self) -> bool {
        self.measured <= self.limit
    }
}

impl Report {
    /// Of so many rounds.
    pub fn new(rounds: u32, results: Vec<Times>, missing: Vec<(String, String)>) -> Self {
        Self { rounds, results, missing }
    }

    fn median(&self, name: &str) -> Option<f64> {
        self.results.iter().find(|times| times.name == name).map(Times::median)
    }

    fn ratio(&self, name: &str, to: &str) -> Option<f64> {
        Some(self.median(name)? / self.median(to)?)
    }

    /// Those that can be judged by what was measured.
    fn bars(&self) -> Vec<Bar> {
        let bar = |what, measured: Option<f64>, limit, must| Some(Bar { what, measured: measured?, limit, must });
        let bars = [
            bar("boxlab run / crun run", self.ratio(BOXLAB, CRUN), OF_CRUN, true),
            bar("with --trace json / silent", self.ratio(BOXLAB_JSON, BOXLAB), OF_SILENT, true),
            bar("boxlab --version, milliseconds", self.median(VERSION), START, true),
            bar("boxlab run / the floor (the aim)", self.ratio(BOXLAB, FLOOR), OF_FLOOR, false),
        ];
        bars.into_iter().flatten().collect()
    }

    /// False if one is broken, or could not be judged.
    pub fn keeps_all_bars(&self) -> bool {
        let bars = self.bars();
        bars.iter().filter(|bar| bar.must).count() == 3 && bars.iter().all(|bar| bar.holds() || !bar.must)
    }

    /// For people, and for a README.
    pub fn markdown(&self) -> String {
        let mut text = format!("Whole processes, {} rounds, interleaved; milliseconds.\n\n", self.rounds);
        text.push_str("| | median | p10 | p90 | to the floor | to crun |\n|---|---:|---:|---:|---:|---:|\n");
        for times in &self.results {
            let ratio = |to| self.ratio(&times.name, to).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
            let (median, low, high) = (times.median(), times.quantile(0.1), times.quantile(0.9));
            let (floor, crun) = (ratio(FLOOR), ratio(CRUN));
            let _ = writeln!(text, "| {} | {median:.2} | {low:.2} | {high:.2} | {floor} | {crun} |", times.name);
        }
        for (name, reason) in &self.missing {
            let _ = writeln!(text, "\nNot measured: {name}: {reason}");
        }
        text.push_str("\n| bar | measured | at most | |\n|---|---:|---:|---|\n");
        for bar in self.bars() {
            let holds = if bar.holds() { "holds" } else { "broken" };
            let _ = writeln!(text, "| {} | {:.2} | {:.2} | {holds} |", bar.what, bar.measured, bar.limit);
        }
        text
    }

    /// For programs: every time of every run, sorted.
    pub fn json(&self) -> String {
        let results = self.results.iter().map(|times| {
            json!({
                "name": times.name,
                "median": times.median(),
                "p10": times.quantile(0.1),
                "p90": times.quantile(0.9),
                "milliseconds": times.milliseconds,
            })
        });
        let bars = self.bars().into_iter().map(|bar| {
            json!({ "what": bar.what, "measured": bar.measured, "limit": bar.limit, "must": bar.must, "holds": bar.holds() })
        });
        let missing = self.missing.iter().map(|(name, reason)| json!({ "name": name, "reason": reason }));
        let report = json!({
            "rounds": self.rounds,
            "results": results.collect::<Vec<_>>(),
            "bars": bars.collect::<Vec<_>>(),
            "missing": missing.collect::<Vec<_>>(),
        });
        format!("{report:#}\n")
    }
}
