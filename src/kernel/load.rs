//! Bounded loads for limits to be shown at: processor time, threads, processes that
//! only wait, a counter, transfers to and from a disk. They run in a child; none of
//! their calls is what a lesson is about.

use std::collections::BTreeSet;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use nix::sys::uio::{pread, pwrite};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, Whence, lseek};

use crate::error::{Error, IoContext, Result};

/// The processors on which this process may run. sched_setaffinity(2)
pub fn processors() -> Vec<usize> {
    let set = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    (0..CpuSet::count()).filter(|&processor| set.is_set(processor).unwrap_or(false)).collect()
}

/// Processor time that this process has used, all its threads together. clock_gettime(2)
pub fn used() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// Keeps so many threads busy for a time; `tick` is called again and again meanwhile.
pub fn spin(threads: usize, time: Duration, every: Duration, mut tick: impl FnMut()) -> Result<()> {
    let end = Instant::now() + time;
    let busy = move || while Instant::now() < end {};
    thread::scope(|scope| {
        for _ in 1..threads {
            thread::Builder::new().spawn_scoped(scope, busy).or_fail(|| "cannot start a thread".to_owned())?;
        }
        let mut next = Instant::now() + every;
        while Instant::now() < end {
            if Instant::now() >= next {
                tick();
                next += every;
            }
        }
        tick();
        Ok(())
    })
}

/// Starts so many threads, and for each notes the processors on which it ran.
pub fn wander(threads: usize, time: Duration) -> Result<Vec<BTreeSet<i32>>> {
    let end = Instant::now() + time;
    let note = move || {
        let mut seen = BTreeSet::new();
        loop {
            // SAFETY: has no preconditions.
            seen.insert(unsafe { libc::sched_getcpu() });
            if Instant::now() >= end {
                return seen;
            }
        }
    };
    thread::scope(|scope| {
        let start = |_| thread::Builder::new().spawn_scoped(scope, note);
        let started: io::Result<Vec<_>> = (0..threads).map(start).collect();
        let started = started.or_fail(|| "cannot start a thread".to_owned())?;
        Ok(started.into_iter().map(|thread| thread.join().unwrap_or_default()).collect())
    })
}

/// What processes wait for that do nothing else: a pipe whose other end goes with
/// whoever holds this, however that one ends.
#[derive(Debug)]
pub struct Release {
    wait: PipeReader,
    hold: PipeWriter,
}

impl Release {
    /// Makes the pipe.
    pub fn new() -> Result<Self> {
        let (wait, hold) = io::pipe().or_fail(|| "cannot make a pipe".to_owned())?;
        Ok(Self { wait, hold })
    }

    /// Child: waits until it is let go.
    pub fn wait(self) -> Result<()> {
        let Self { mut wait, hold } = self;
        drop(hold);
        wait.read(&mut [0]).map(drop).or_fail(|| "cannot wait".to_owned())
    }
}

/// A number that a child counts up in memory which its parent sees too. mmap(2)
#[derive(Debug)]
pub struct Counter(NonNull<Words>);

/// The number, and whether to stop.
type Words = [AtomicU64; 2];

const LENGTH: NonZeroUsize = NonZeroUsize::MIN.saturating_add(size_of::<Words>() - 1);

impl Counter {
    /// Maps the memory; it is shared with children that are made from now on.
    pub fn new() -> Result<Self> {
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping, of no file and at no address that is in use.
        let mapped = unsafe { mmap_anonymous(None, LENGTH, access, MapFlags::MAP_SHARED) };
        mapped.map(|mapped| Self(mapped.cast())).map_err(|errno| Error::io("cannot share memory", &errno.into()))
    }

    fn words(&self) -> &Words {
        // SAFETY: the mapping is aligned to a page, begins as zeroes and lasts as long
        // as `self`; whoever else has it uses atomics too.
        unsafe { self.0.as_ref() }
    }

    /// How far it is.
    pub fn value(&self) -> u64 {
        self.words()[0].load(Ordering::Relaxed)
    }

    /// Tells whoever counts to stop.
    pub fn stop(&self) {
        self.words()[1].store(1, Ordering::Relaxed);
    }

    /// Child: counts at this pace until it is told to stop.
    pub fn count(&self, pace: Duration) {
        while self.words()[1].load(Ordering::Relaxed) == 0 {
            self.words()[0].fetch_add(1, Ordering::Relaxed);
            thread::sleep(pace);
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and no reference is left.
        let _ = unsafe { munmap(self.0.cast(), LENGTH.get()) };
    }
}

/// Where bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the disk.
    Read,
    /// To the disk.
    Write,
}

/// What a transfer may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes in each call: a multiple of 4096, at most [`BLOCK`].
    pub block: usize,
    /// Bytes altogether.
    pub most: u64,
    /// Time; the call that is under way then still ends.
    pub time: Duration,
}

/// The largest block.
pub const BLOCK: usize = 1 << 16;

/// O_DIRECT wants memory that is aligned as the disk's sectors are. open(2)
#[repr(align(4096))]
struct Aligned([u8; BLOCK]);

/// Reads or writes block by block, from the start of the file and around its end;
/// bytes a second. `tick` is told the rate of each tenth of a second.
pub fn transfer(file: &OwnedFd, way: Direction, bounds: Bounds, mut tick: impl FnMut(u64)) -> Result<u64> {
    let failed = |errno: Errno| Error::io("cannot transfer to or from the disk", &errno.into());
    let mut memory = Box::new(Aligned([1; BLOCK]));
    let block = &mut memory.0[..bounds.block];
    let size = u64::try_from(lseek(file, 0, Whence::SeekEnd).map_err(failed)?).unwrap_or(0);
    let around = if way == Direction::Read { size - size % bounds.block as u64 } else { bounds.most };
    let (start, mut last) = (Instant::now(), (0, Instant::now()));
    let mut done = 0;
    while done < bounds.most && start.elapsed() < bounds.time && around > 0 {
        let at = i64::try_from(done % around).unwrap_or(0);
        let moved = match way {
            Direction::Read => pread(file, block, at),
            Direction::Write => pwrite(file, block, at),
        };
        done += moved.map_err(failed)? as u64;
        if last.1.elapsed() >= Duration::from_millis(100) {
            tick(rate(done - last.0, last.1.elapsed()));
            last = (done, Instant::now());
        }
    }
    Ok(rate(done, start.elapsed()))
}

fn rate(bytes: u64, time: Duration) -> u64 {
    let micros = time.as_micros().max(1);
    u64::try_from(u128::from(bytes) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Counter, processors, rate, spin, used, wander};

    #[test]
    fn time_is_used_where_this_process_may_run() {
        let before = used();
        let mut ticks = 0;
        spin(1, Duration::from_millis(30), Duration::from_millis(10), || ticks += 1).expect("no thread is needed");
        assert!(ticks >= 2 && used() > before);
        let seen = wander(2, Duration::from_millis(5)).expect("two threads");
        let allowed: Vec<i32> = processors().iter().filter_map(|processor| i32::try_from(*processor).ok()).collect();
        assert!(seen.iter().flatten().all(|processor| allowed.contains(processor)), "{seen:?} {allowed:?}");
    }

    #[test]
    fn a_counter_counts_until_it_is_stopped() {
        let counter = Counter::new().expect("a page of memory");
        counter.stop();
        counter.count(Duration::ZERO);
        assert_eq!(counter.value(), 0);
        assert_eq!(rate(1000, Duration::from_millis(500)), 2000);
    }
}
