//! Limits for the disk beneath the place, whatever its name is, and a weight where
//! this kernel knows one.

use std::sync::Arc;

use boxlab::kernel::cgroup::Group;
use boxlab::kernel::disk;
use libtest_mimic::Trial;

use crate::Sums;
use crate::common::place::{Ground, Place};
use crate::common::strace::Streams;
use crate::common::trials::{skipped, trial};
use crate::record::record;

/// One trial for the rates and one for the weight, for root.
pub fn trials(ground: &Arc<Ground>, place: &Place, sums: &Arc<Sums>) -> Vec<Trial> {
    let name = |what: &str| format!("{}: {what} of a disk", place.person.label());
    let disk = disk::beneath(&place.home).ok().filter(|_| Group::named("x").find(&["blkio", "io"]).is_some());
    let Some(disk) = disk else {
        return vec![skipped(name("rates and weight"), "no disk beneath, or no controller for it".to_owned())];
    };
    let device = |rate: &str| format!("/dev/{}:{rate}", disk.name);
    let mut rates = Vec::new();
    for (option, rate) in [("read-bps", "1m"), ("write-bps", "2m"), ("read-iops", "100"), ("write-iops", "200")] {
        rates.extend([format!("--device-{option}"), device(rate)]);
    }
    // Where the kernel knows no weight that is the end of it, told as it was.
    let weight = vec!["--blkio-weight".to_owned(), "300".to_owned()];
    let make = |(what, options, statuses): (&str, Vec<String>, &'static [i32])| {
        let (ground, place, sums) = (ground.clone(), place.clone(), sums.clone());
        let directory = format!("disk-{what}");
        trial(name(what), move || {
            let mut words = vec!["run", "--rootfs", "{rootfs}"];
            words.extend(options.iter().map(String::as_str));
            words.push("/bin/true");
            let recorded = record(&place, &directory, &words, Streams::Pipes)?;
            drop(ground);
            crate::judge(&recorded, &sums)?;
            let well = statuses.contains(&recorded.status);
            if well { Ok(()) } else { Err(format!("status {}:\n{}", recorded.status, recorded.output)) }
        })
    };
    [("rates", rates, &[0][..]), ("weight", weight, &[0, 125])].map(make).into()
}
