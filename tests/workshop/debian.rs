//! The reference runs a real Debian.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use libtest_mimic::Trial;

use crate::Workshop;
use crate::common::images::debian_archive;
use crate::common::people::{Rights, people};
use crate::common::trials::{made_by_root, skipped, trial};

/// Skipped where no Debian can be made.
pub fn trial_of(workshop: &Arc<Workshop>) -> Trial {
    const NAME: &str = "the reference runs Debian";
    let Some(root) = people().into_iter().flatten().find(|person| person.rights == Rights::Root) else {
        return made_by_root(NAME, "only root can give files to all their owners".to_owned());
    };
    let archive = match debian_archive() {
        Ok(archive) => archive,
        Err(reason) => return skipped(NAME, reason),
    };
    let workshop = Arc::clone(workshop);
    trial(NAME, move || {
        let place = workshop.ground.place(&root, "debian");
        let failed = |error: std::io::Error| error.to_string();
        let imported = place.boxlab(&["-q", "import"]).arg(&archive).arg("debian:test").output().map_err(failed)?;
        if !imported.status.success() {
            return Err(String::from_utf8_lossy(&imported.stderr).into_owned());
        }
        let mut serve = place.boxlab(&["registry", "serve", "--listen", "127.0.0.1:0", "--read-only"]);
        let mut registry = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
        let mut address = String::new();
        BufReader::new(registry.stdout.take().expect("its output")).read_line(&mut address).map_err(failed)?;
        let image = format!("{}/library/debian:test", address.trim());
        // In a mount namespace of its own, whatever it does.
        let mut command = Command::new("unshare");
        command
            .arg("--mount")
            .arg(workshop.programs.as_ref()?.named("reference"))
            .args(["run", &image, "--", "sh", "-c"]);
        command.arg("dpkg --version | head -n 1; stat -c %U:%G /etc/shadow; cat /etc/debian_version; echo $$; exit 7");
        let output = command.env("TMPDIR", &place.home).stdin(Stdio::null()).output().map_err(failed);
        let _ = registry.kill().and_then(|()| registry.wait());
        let output = output?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let is_debian =
            printed.starts_with("Debian 'dpkg'") && printed.contains("root:shadow\n12.") && printed.ends_with("\n1\n");
        match output.status.code() == Some(7) && is_debian {
            true => Ok(()),
            false => Err(format!("{}: {printed}{}", output.status, String::from_utf8_lossy(&output.stderr))),
        }
    })
}
