//! The tests of this directory on another kernel: `vm/run` makes them in a virtual
//! machine with Debian 12's 6.1, once where cgroups are v2 alone and AppArmor is in
//! force, once where cgroups are v1 alone. Each test of the guest is a trial here.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use common::trials::{self, made_by_root, skipped, trial};
use libtest_mimic::{Arguments, Trial};

/// `vm/run` can't run here, and has said why.
const CANNOT: i32 = 77;

fn main() {
    let arguments = Arguments::from_args();
    let mut all = Vec::new();
    for cgroups in ["v2", "v1"] {
        let prefix = format!("vm {cgroups}: ");
        match arguments.list {
            // What the guest's tests are called is known once they have run.
            true => all.push(trial(format!("{prefix}{END}"), || Ok(()))),
            false => all.extend(machine(cgroups, &prefix, arguments.filter.as_deref())),
        }
    }
    trials::run(all, || ());
}

/// The trial that a machine always has.
const END: &str = "the machine comes to its end";

/// Runs the machine, and makes a trial of each test that it reports.
fn machine(cgroups: &str, prefix: &str, filter: Option<&str>) -> Vec<Trial> {
    // Where all must run, root's run of these tests boots it, once for both.
    if !nix::unistd::geteuid().is_root() && std::env::var_os("BOXLAB_REQUIRE").is_some() {
        return vec![made_by_root(format!("{prefix}{END}"), "the machine is booted once".to_owned())];
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vm/run");
    let filter = filter.map(|filter| filter.strip_prefix(prefix).unwrap_or(filter));
    let output = Command::new(script).args(["--cgroups", cgroups]).args(filter).output();
    let output = output.expect("tests/vm/run can be run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(CANNOT) {
        return vec![skipped(format!("{prefix}{END}"), said.trim().to_owned())];
    }
    let report = Report::read(&String::from_utf8_lossy(&output.stdout));
    let ended = if report.ended { Ok(()) } else { Err(said) };
    let mut all = vec![trial(format!("{prefix}{END}"), move || ended)];
    all.extend(report.suites.into_iter().flat_map(|(name, suite)| suite.trials(&format!("{prefix}{name}"))));
    all
}

/// What the machine has printed.
#[derive(Debug, Default)]
struct Report {
    suites: Vec<(String, Suite)>,
    ended: bool,
}

/// What one of its test binaries has printed.
#[derive(Debug, Default)]
struct Suite {
    /// Names and outcomes of its tests.
    tests: Vec<(String, String)>,
    /// Why some of them failed.
    reasons: BTreeMap<String, String>,
    /// How it ended, if it did.
    status: Option<String>,
}

impl Report {
    fn read(text: &str) -> Self {
        let mut report = Self::default();
        let mut reason = None;
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("== ") {
                reason = None;
                report.heading(heading);
            } else if let Some((_, suite)) = report.suites.last_mut() {
                suite.line(line, &mut reason);
            }
        }
        report
    }

    /// A line of the guest's own: a suite begins, has ended, or was the last.
    fn heading(&mut self, heading: &str) {
        match (heading.split_once(" ended with "), self.suites.last_mut()) {
            (Some((name, status)), Some((last, suite))) if name == last => suite.status = Some(status.to_owned()),
            _ if heading == "the machine ends" => self.ended = true,
            _ => self.suites.push((heading.to_owned(), Suite::default())),
        }
    }
}

impl Suite {
    /// A line of a test binary; `reason` is the test whose reasons are being told.
    fn line(&mut self, line: &str, reason: &mut Option<String>) {
        let test = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... "));
        if let (None, Some((name, outcome))) = (&reason, test) {
            self.tests.push((name.trim_end().to_owned(), outcome.to_owned()));
        } else if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" ----")) {
            *reason = Some(name.to_owned());
        } else if let Some(name) = reason {
            let text = self.reasons.entry(name.clone()).or_default();
            text.push_str(line);
            text.push('\n');
        }
    }

    fn trials(mut self, name: &str) -> Vec<Trial> {
        let failures = self.tests.iter().filter(|(_, outcome)| outcome == "FAILED").count();
        let status = self.status.unwrap_or_else(|| "did not end".to_owned());
        let as_told = status.starts_with(if failures == 0 { "0," } else { "101," });
        let ended = if as_told { Ok(()) } else { Err(format!("{failures} failures, but it ended with {status}")) };
        let mut all = vec![trial(format!("{name}: it tells how it ended"), move || ended)];
        for (test, outcome) in self.tests {
            let reason = self.reasons.remove(&test).unwrap_or_default();
            let full = format!("{name}: {test}");
            all.push(match outcome.as_str() {
                "ok" => trial(full, || Ok(())),
                "FAILED" => trial(full, move || Err(reason)),
                // With BOXLAB_REQUIRE=all the guest itself lets none pass but these.
                _ => made_by_root(full, outcome.trim_start_matches("ignored (").trim_end_matches(')').to_owned()),
            });
        }
        all
    }
}
