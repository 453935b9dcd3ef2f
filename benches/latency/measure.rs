//! The clock: from spawn to the end of the process, in turn.

use std::fs::File;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::contenders::Contender;
use crate::ground::Ground;

/// A moment of rest before each start: the kernel takes a network namespace
/// down after its last process has ended, and whoever comes next would pay.
const REST: Duration = Duration::from_millis(15);

/// The times of one contender, in milliseconds, sorted.
#[derive(Debug)]
pub struct Times {
    /// Whose.
    pub name: String,
    /// Ascending.
    pub milliseconds: Vec<f64>,
}

impl Times {
    /// The time that this share (0 to 1) of all runs did not exceed.
    pub fn quantile(&self, share: f64) -> f64 {
        let last = self.milliseconds.len().saturating_sub(1);
        let place = share * last as f64;
        let (below, above) = (place.floor() as usize, place.ceil() as usize);
        let (low, high) = (self.milliseconds[below], self.milliseconds[above]);
        low + (high - low) * place.fract()
    }

    /// Half of all runs took no longer.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

/// Runs all of them once a round, in an order that is new each time.
pub fn interleaved(ground: &Ground, contenders: &[Contender], rounds: u32) -> Result<Vec<Times>, String> {
    let mut times: Vec<Times> =
        contenders.iter().map(|one| Times { name: one.name.clone(), milliseconds: Vec::new() }).collect();
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    let mut chance = Chance(0x5eed);
    for round in 1..=rounds {
        chance.shuffle(&mut order);
        for &index in &order {
            let time = once(ground, &contenders[index], round)?;
            times[index].milliseconds.push(time.as_secs_f64() * 1000.0);
        }
    }
    times.iter_mut().for_each(|times| times.milliseconds.sort_by(f64::total_cmp));
    Ok(times)
}

/// One run, which must succeed.
fn once(ground: &Ground, contender: &Contender, number: u32) -> Result<Duration, String> {
    let mut command = contender.command(number);
    let complaints = ground.place("complaints");
    let failed = |what: String| format!("{}, run {number}: {what}", contender.name);
    if contender.through_a_pipe {
        command.stderr(Stdio::piped());
    } else {
        command.stderr(File::create(&complaints).map_err(|error| failed(error.to_string()))?);
    }
    sleep(REST);
    let started = Instant::now();
    // Reads the pipe, if there is one, until its end; then waits.
    let output = command.spawn().and_then(|child| child.wait_with_output());
    let time = started.elapsed();
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(time);
    }
    let text = std::fs::read_to_string(&complaints).unwrap_or_default();
    Err(failed(format!("{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr))))
}

/// xorshift64: the same orders in each benchmark.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    /// Fisher and Yates.
    fn shuffle(&mut self, order: &mut [usize]) {
        for last in (1..order.len()).rev() {
            order.swap(last, self.below(last + 1));
        }
    }
}
