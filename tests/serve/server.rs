//! A `boxlab registry serve` that runs, on a free port and with a store of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::common::process::{collect, finish};
use crate::support::{self, Ran};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// It is stopped when it is dropped.
pub struct Serving {
    /// `127.0.0.1:PORT`
    pub address: String,
    /// What it printed for use.
    pub first_line: String,
    /// The store.
    pub root: PathBuf,
    process: Child,
    log: Option<JoinHandle<String>>,
}

impl Serving {
    /// With a new store of that name, and these options.
    pub fn start(name: &str, options: &[&str]) -> Result<Self, Failed> {
        let root = support::scratch(&format!("serve-{name}"));
        Self::over(&root, options)
    }

    /// With a store on a disk of so many MiB, which nobody else sees.
    pub fn on_a_small_disk(name: &str, mebibytes: u32) -> Result<Self, Failed> {
        let root = support::scratch(&format!("serve-{name}"));
        let script = format!("mount -t tmpfs -o size={mebibytes}m small \"$BOXLAB_ROOT\" && exec \"$@\"");
        let mut command = support::boxlab();
        let program = command.get_program().to_owned();
        let environment: Vec<_> =
            command.get_envs().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect();
        command = Command::new("unshare");
        command.envs(environment).args(["--mount", "sh", "-c", &script, "sh"]).arg(program);
        Self::launch(command, &root, &[])
    }

    /// Once more over the same store.
    pub fn again(&self, options: &[&str]) -> Result<Self, Failed> {
        // The name of what was pushed holds the address: so that again.
        Self::over(&self.root, &[&["--listen", &self.address], options].concat())
    }

    fn over(root: &Path, options: &[&str]) -> Result<Self, Failed> {
        Self::launch(support::boxlab(), root, options)
    }

    fn launch(mut command: Command, root: &Path, options: &[&str]) -> Result<Self, Failed> {
        command.stdin(Stdio::null()).env("BOXLAB_ROOT", root).args(["registry", "serve"]).args(options);
        if !options.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (stdout, stderr) = (process.stdout.take().ok_or("stdout")?, process.stderr.take().ok_or("stderr")?);
        let (tell, told) = channel();
        thread::spawn(move || {
            let mut line = String::new();
            let mut stdout = BufReader::new(stdout);
            let _ = stdout.read_line(&mut line);
            let _ = tell.send(line.trim().to_owned());
            let _ = stdout.read_to_end(&mut Vec::new());
        });
        let log = collect(stderr);
        let first_line = told.recv_timeout(PATIENCE).unwrap_or_default();
        let port = first_line.rsplit(':').next().unwrap_or_default().to_owned();
        if port.parse::<u16>().is_err() {
            let _ = process.kill();
            return Err(format!("it does not serve: {first_line:?} {:?}", log.join()).into());
        }
        let address = format!("127.0.0.1:{port}");
        Ok(Self { address, first_line, root: root.to_owned(), process, log: Some(log) })
    }

    /// What another boxlab with the same store prints.
    pub fn boxlab(&self, words: &[&str]) -> Result<String, Failed> {
        let ran: Ran = support::boxlab().env("BOXLAB_ROOT", &self.root).arg("-q").args(words).output()?.into();
        if ran.status == 0 { Ok(ran.stdout) } else { Err(format!("boxlab {}: {ran:?}", words.join(" ")).into()) }
    }

    /// SIGKILL.
    pub fn kill(&mut self) -> Result<(), Failed> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Ctrl-C; its exit status.
    pub fn interrupt(&mut self) -> Result<Option<i32>, Failed> {
        let pid = nix::unistd::Pid::from_raw(self.process.id().try_into()?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT)?;
        Ok(finish(&mut self.process)?.code())
    }

    /// All that it wrote to standard error; it must have ended.
    pub fn log(&mut self) -> String {
        self.log.take().and_then(|log| log.join().ok()).unwrap_or_default()
    }

    /// Bytes in the store's work directory.
    pub fn work_bytes(&self) -> u64 {
        let directories = fs::read_dir(self.root.join("tmp")).into_iter().flatten().flatten();
        let files = directories.flat_map(|directory| fs::read_dir(directory.path()).into_iter().flatten().flatten());
        files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
    }

    /// The most memory that it has used, in KiB.
    pub fn peak_memory(&self) -> Result<u64, Failed> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).ok_or("VmHWM")?;
        Ok(line.split_whitespace().nth(1).ok_or("a number")?.parse()?)
    }

    /// Waits until that is so.
    pub fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) -> Result<(), Failed> {
        let until = Instant::now() + PATIENCE;
        while !is_so() {
            if Instant::now() > until {
                return Err(format!("{what} did not come").into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
