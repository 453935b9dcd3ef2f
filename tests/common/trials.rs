//! Trials of libtest-mimic: one that can't run here says why and counts as
//! ignored, and with `BOXLAB_REQUIRE=all` as failed; never as passed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// What a trial comes to: passed, or what was wrong.
pub type Verdict = Result<(), String>;

/// A trial that runs.
pub fn trial(name: impl Into<String>, body: impl FnOnce() -> Verdict + Send + 'static) -> Trial {
    let body = move || match catch_unwind(AssertUnwindSafe(body)) {
        Ok(verdict) => verdict.map_err(Failed::from),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(Failed::from(text.unwrap_or_else(|| "the trial panicked".to_owned())))
        }
    };
    Trial::test(name, body)
}

/// A trial that can't run here.
pub fn skipped(name: impl Into<String>, reason: String) -> Trial {
    Trial::ignorable_test(name, move || {
        if std::env::var_os("BOXLAB_REQUIRE").is_some_and(|value| value == "all") {
            return Err(Failed::from(format!("BOXLAB_REQUIRE=all, but: {reason}")));
        }
        Ok(Completion::ignored_with(&reason))
    })
}

/// A trial that this user can't run, and that root's run of the same tests makes.
pub fn made_by_root(name: impl Into<String>, reason: String) -> Trial {
    Trial::ignorable_test(name, move || Ok(Completion::ignored_with(&reason)))
}

/// Runs them all, says `summary` and ends this process with their status. What
/// the trials share goes with them, before that.
pub fn run(trials: Vec<Trial>, summary: impl FnOnce()) -> ! {
    conclude(&Arguments::from_args(), trials, summary)
}

/// As [`run`], for trials that mostly wait: several at a time for each processor.
pub fn run_waiting(trials: Vec<Trial>, summary: impl FnOnce()) -> ! {
    let mut arguments = Arguments::from_args();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(4 * processors);
    conclude(&arguments, trials, summary)
}

fn conclude(arguments: &Arguments, trials: Vec<Trial>, summary: impl FnOnce()) -> ! {
    // Some of them press Ctrl-C, also where the tests themselves run in the background.
    boxlab::kernel::default_signals();
    let conclusion = libtest_mimic::run(arguments, trials);
    if !arguments.list {
        summary();
    }
    conclusion.exit()
}
