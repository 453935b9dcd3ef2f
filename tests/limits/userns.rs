//! `--userns`

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use boxlab::kernel::maps;

use crate::support::{check, is_root, needs_root, refused, run, scratch};
use crate::{Outcome, inside};

/// Root inside is nobody outside, and the image's files are root's all the same.
pub fn private() -> Outcome {
    needs_root()?;
    let volume = scratch("volume");
    std::fs::set_permissions(&volume, PermissionsExt::from_mode(0o777))?;
    std::fs::write(volume.join("roots"), "of the host's root\n")?;
    let mounted = format!("{}:/volume", volume.display());
    let options = ["--userns", "private", "-v", &mounted];
    let (user, group) = maps::range_for_root().root();
    let script = "id -u; stat -c %u:%g /bin/cat /etc/passwd /tmp; touch /volume/made; stat -c %u /volume/made /volume/roots; \
        touch /new /etc/passwd && stat -c %u /new; echo x > /volume/roots || echo refused; cut -c1-30 /proc/self/uid_map";
    let ran = run(&[&["run"], &options[..], &["host", "sh", "-c", script]].concat());
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let wanted = ["0", "0:0", "0:0", "0:0", "0", "65534", "0", "refused"];
    check(ran.status == 0 && lines[..8] == wanted, format!("root of what is its own: {ran:?}"))?;
    let map: Vec<&str> = lines[8].split_whitespace().collect();
    check(map[..2] == ["0", &user.to_string()], format!("its ids: {ran:?}"))?;
    let made = std::fs::metadata(volume.join("made"))?;
    check((made.uid(), made.gid()) == (user, group), format!("outside it is {}:{}", made.uid(), made.gid()))?;
    check(std::fs::read_to_string(volume.join("roots"))? == "of the host's root\n", "the host's root's file is whole")?;
    for more in
        [&["--init"][..], &["-t"], &["--read-only"], &["--user", "33"], &["--memory", "64m", "--network", "none"]]
    {
        let found =
            inside(&[&["--userns", "private"], more].concat(), "stat -c %u /bin/cat; cut -c1-30 /proc/self/uid_map")?;
        check(found.starts_with('0') && found.contains(&user.to_string()), format!("{more:?}: {found}"))?;
    }
    let root = scratch("userns-root");
    std::fs::create_dir_all(root.join("bin"))?;
    std::fs::copy(env!("CARGO_BIN_EXE_boxlab"), root.join("bin/boxlab"))?;
    let ran = run(&["run", "--userns", "private", "--rootfs", &root.to_string_lossy(), "/bin/boxlab", "--version"]);
    check(ran.status == 0, format!("a directory as root filesystem: {ran:?}"))?;
    let owner = std::fs::metadata(root.join("proc"))?;
    check(owner.uid() == 0, format!("what is made in it belongs to who has it: {}", owner.uid()))?;
    // Capabilities are those of the namespace: the machine stays out of reach.
    let powers = "hostname other && echo renamed; echo 1 > /proc/sys/kernel/core_uses_pid || echo refused";
    let ran = run(&["run", "--userns", "private", "--privileged", "host", "sh", "-c", powers]);
    check(ran.stdout == "renamed\nrefused\n", format!("{ran:?}"))
}

pub fn of_the_host() -> Outcome {
    if is_root() && maps::on_the_host() {
        let map = inside(&["--userns", "host"], "cat /proc/self/uid_map")?;
        return check(map.split_whitespace().eq(["0", "0", "4294967295"]), format!("the host's ids: {map}"));
    }
    let words = ["run", "--userns", "host", "host", "true"];
    refused(&words, 125, &["only root", "--userns host"])?;
    check(inside(&["--userns", "private"], "id -u")? == "0\n", "a private one is everybody's")
}
