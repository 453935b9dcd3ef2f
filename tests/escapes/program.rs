//! CVE-2019-5736: boxlab's own program, in a container's hands. `/proc/self/exe` is
//! boxlab until the container's program has taken over, and `/proc/1/exe` is for as
//! long as boxlab stays PID 1.
//!
//! A copy of boxlab is attacked: if the attack succeeded, only that would be lost.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::attacker::{WORD, copy_of};
use super::{Outcome, attacker, evil_root, text, unconfined};
use crate::support::{Ran, check, is_root, scratch, store};

/// The copy, and what it holds.
struct Victim {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Victim {
    fn new(name: &str) -> Self {
        let path = copy_of(Path::new(env!("CARGO_BIN_EXE_boxlab")), &scratch(name));
        let bytes = std::fs::read(&path).expect("the copy");
        Self { path, bytes }
    }

    fn run(&self, words: &[&str]) -> Result<Ran, std::io::Error> {
        let mut command = Command::new(&self.path);
        command.env("BOXLAB_ROOT", store()).stdin(Stdio::null()).args(["-q", "run", "-v", &attacker()]).args(words);
        command.output().map(Ran::from)
    }

    fn is_whole(&self) -> bool {
        std::fs::read(&self.path).is_ok_and(|bytes| bytes == self.bytes)
    }
}

/// `ENTRYPOINT ["/proc/self/exe"]`, and an image's shell that is a script with
/// `#!/proc/self/exe`: boxlab is to run itself in there.
pub fn boxlab_is_not_run_inside() -> Outcome {
    let victim = Victim::new("exe");
    let root = evil_root("exe");
    symlink("/proc/self/exe", root.join("link"))?;
    symlink("link", root.join("link-to-link"))?;
    let script = |name: &str, text: &str| {
        std::fs::write(root.join(name), text)?;
        std::fs::set_permissions(root.join(name), PermissionsExt::from_mode(0o755))
    };
    script("script", "#!/proc/self/exe\n")?;
    script("spaces", "#! \t /proc/self/exe --version\n")?;
    script("endless", "#!/proc/self/exe")?;
    script("nested-1", "#!/script\n")?;
    for depth in 2..=4 {
        script(&format!("nested-{depth}"), &format!("#!/nested-{}\n", depth - 1))?;
    }
    let ways = ["/proc/self/exe", "/proc/1/exe", "/proc/thread-self/exe", "/link", "/link-to-link", "/script"];
    for path in ways.into_iter().chain(["/spaces", "/endless", "/nested-1", "/nested-4", "link", "nested-4"]) {
        for init in [&[][..], &["--init"]] {
            let root = text(&root);
            let words = [init, &["-e", "PATH=/", "--rootfs", &root, path, "--version"]].concat();
            let ran = victim.run(&words)?;
            // PID 1 that stays can't even be looked at.
            let refused = ran.status == 126
                && (ran.stderr.contains("CVE-2019-5736") || (path == "/proc/1/exe" && ran.stderr.contains("EACCES")));
            check(refused && !ran.stdout.contains("boxlab "), format!("{init:?} {path} is boxlab: {ran:?}"))?;
        }
    }
    // A copy of boxlab in the image is a program like any other.
    std::fs::copy(&victim.path, root.join("boxlab"))?;
    let ran = victim.run(&["--rootfs", &text(&root), "/boxlab", "--version"])?;
    check(ran.status == 0 && ran.stdout.starts_with("boxlab "), format!("a copy may be run: {ran:?}"))?;
    // Brought in on purpose, it is the user's to give.
    let volume = format!("{}:/b:ro", victim.path.display());
    let ran = victim.run(&["-v", &volume, "--rootfs", &text(&root), "/b", "--version"])?;
    check(ran.status == 0, format!("a volume may be run: {ran:?}"))?;
    check(victim.is_whole(), "boxlab has changed")
}

/// A process inside holds boxlab's program open and waits until nothing runs it.
pub fn boxlab_is_not_overwritten() -> Outcome {
    let victim = Victim::new("handle");
    let overwrite = |options: &[&str], path: &str| {
        let words = [options, &["host", "/attacker", WORD, "overwrite", path]].concat();
        victim.run(&words)
    };
    let ran = overwrite(&["--init"], "/proc/1/exe")?;
    check(ran.stdout == "handle: EACCES\nreading: EACCES\nwriting: EACCES\n", format!("PID 1 is boxlab: {ran:?}"))?;
    if is_root() {
        // Who may trace PID 1 gets a handle, but boxlab runs for as long as that one.
        let ran = overwrite(&unconfined(&["--init", "--cap-add", "SYS_PTRACE"]), "/proc/1/exe")?;
        let lines: Vec<&str> = ran.stdout.lines().collect();
        let wanted = ["handle: ok", "reading: ok", "writing: ETXTBSY", "writing by the handle: ETXTBSY"];
        check(lines == wanted, format!("with CAP_SYS_PTRACE: {ran:?}"))?;
    }
    // Without --init and in a PID namespace, nothing in there is boxlab.
    let ran = overwrite(&[], "/proc/1/exe")?;
    check(ran.stdout.starts_with("handle: ok\n"), format!("its own program: {ran:?}"))?;
    // Among the host's processes there is boxlab itself, which may not be traced.
    let ran = outer_boxlab(&victim)?;
    check(ran.stdout.starts_with("handle: EACCES\n"), format!("the boxlab outside: {ran:?}"))?;
    check(victim.is_whole(), "boxlab has been overwritten")
}

/// Without a PID namespace the container's parent, which is boxlab, is in its /proc.
fn outer_boxlab(victim: &Victim) -> Result<Ran, std::io::Error> {
    let script = format!("exec /attacker {WORD} overwrite /proc/$PPID/exe");
    victim.run(&["--without", "pid", "host", "sh", "-c", &script])
}
