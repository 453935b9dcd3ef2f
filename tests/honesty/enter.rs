//! `ns enter`: it needs a process to enter, which this file starts and ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;

use libtest_mimic::Trial;

use crate::Sums;
use crate::common::people::Rights;
use crate::common::place::{Ground, Place};
use crate::common::strace::Streams;
use crate::common::trials::trial;
use crate::record::record;

/// Enters all namespaces of a process, and one of them.
pub fn trials(ground: &Arc<Ground>, place: &Place, sums: &Arc<Sums>) -> Vec<Trial> {
    let variants: [(&str, &[&str]); 2] = [("all", &[]), ("one", &["--uts"])];
    let make = |(name, options): (&'static str, &'static [&'static str])| {
        let (ground, place, sums) = (ground.clone(), place.clone(), sums.clone());
        // Its own user namespace is the only one that an ordinary user may enter.
        let user = if place.person.rights == Rights::Root { &[][..] } else { &["--user"][..] };
        trial(format!("{}: ns enter, {name}", place.person.label()), move || {
            let target = Target::start(&place)?;
            let pid = target.0.id().to_string();
            let mut words = vec!["ns", "enter", &pid];
            words.extend(options);
            if !options.is_empty() {
                words.extend(user);
            }
            words.extend(["--", "/bin/true"]);
            let recorded = record(&place, &format!("enter-{name}"), &words, Streams::Pipes)?;
            drop(ground);
            crate::judge(&recorded, &sums)?;
            if recorded.status == 0 { Ok(()) } else { Err(format!("status {}:\n{}", recorded.status, recorded.output)) }
        })
    };
    variants.map(make).into()
}

/// A process that lives apart from the host; ended with this value.
struct Target(Child);

impl Target {
    fn start(place: &Place) -> Result<Self, String> {
        let mut command = place.command_as_person(Path::new("unshare"));
        command.args(["--uts", "--ipc", "--mount", "--net"]);
        if place.person.rights != Rights::Root {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["sh", "-c", "echo ready; exec sleep 1000"]).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("cannot start unshare: {error}"))?;
        let stdout = child.stdout.take().expect("a pipe");
        let target = Self(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        if line == "ready\n" { Ok(target) } else { Err("unshare(1) could not make the namespaces".to_owned()) }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
