//! How long it takes to read the default profile and to make its filter: it is done
//! before every container. `cargo bench --bench seccomp`

use std::hint::black_box;
use std::time::Instant;

use boxlab::kernel::CapSet;
use boxlab::seccomp::{DEFAULT, Profile, Target};

fn main() {
    let target = Target { caps: CapSet::from_bits(0xa804_25fb), kernel: (6, 1) };
    let profile = Profile::default_profile().expect("the default profile");
    let filter = profile.compile(&target).expect("its filter");
    println!("the default filter has {} instructions", filter.instructions.len());
    median("read the default profile", || drop(black_box(Profile::from_json(black_box(DEFAULT)))));
    median("compile it", || drop(black_box(profile.compile(black_box(&target)))));
    let number = boxlab::seccomp::Arch::X86_64.number("getppid").unwrap_or_default();
    let arch = boxlab::seccomp::Arch::X86_64.audit();
    median("evaluate it for one call", || {
        black_box(filter.answer(black_box(number), arch, &[0; 6]));
    });
}

fn median(what: &str, mut work: impl FnMut()) {
    let mut times: Vec<_> = (0..2001)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("{what}: first {:?}, median {:?}, p90 {:?}", times[0], times[1000], times[1800]);
}
