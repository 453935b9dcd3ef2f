//! Many short runs in a row: each ends, and well. A lost wake-up hangs one in fifty.

use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::common::people::Person;
use crate::common::place::Ground;
use crate::common::process::finish;
use crate::common::trials::trial;

const RUNS: usize = 200;
const TOGETHER: Duration = Duration::from_secs(120);

/// One trial a person.
pub fn trials(ground: &Arc<Ground>, person: &Person) -> Vec<Trial> {
    let (ground, person) = (ground.clone(), person.clone());
    vec![trial(format!("{}: {RUNS} short runs in a row", person.label()), move || {
        let place = ground.place(&person, "many");
        let started = Instant::now();
        for number in 1..=RUNS {
            let mut command = place.boxlab(&["--trace", "off", "run", "--rootfs", "{rootfs}", "/bin/true"]);
            let mut child = command.spawn().map_err(|error| error.to_string())?;
            let status = finish(&mut child).map_err(|error| format!("run {number}: {error}"))?;
            if !status.success() {
                return Err(format!("run {number}: {status}"));
            }
            if started.elapsed() > TOGETHER {
                return Err(format!("only {number} runs in {} s", TOGETHER.as_secs()));
            }
        }
        println!("many: {RUNS} runs as {} in {:.1} s", person.label(), started.elapsed().as_secs_f64());
        Ok(())
    })]
}
