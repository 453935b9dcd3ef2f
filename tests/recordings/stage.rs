//! Where demos are recorded: as a learner would run them, but told in full and without a terminal.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use boxlab::kernel::proc;
use boxlab::learn::book::recording::{Line, Mark, Recording};
use boxlab::learn::pack::{Demo, Look};
use boxlab::trace::{Event, Record};
use libtest_mimic::Failed;

use crate::alike::Alike;
use crate::support::check;

/// How long a demo may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// The place of one lesson.
pub struct Stage {
    root: PathBuf,
    place: PathBuf,
    staying: Option<Staying>,
}

/// A demo that goes on, until its input ends.
struct Staying {
    name: String,
    demo: Demo,
    child: Child,
    stream: File,
    looks: Vec<(String, i32, Recording)>,
}

impl Stage {
    /// For a lesson; `root` is where its images are.
    pub fn new(root: PathBuf, place: PathBuf) -> Result<Self, Failed> {
        std::fs::create_dir_all(&place)?;
        Ok(Self { root, place, staying: None })
    }

    /// Runs a demo to its end. One that goes on is recorded when it ends, by the next step.
    pub fn demo(&mut self, name: String, demo: &Demo) -> Result<Vec<(String, Recording)>, Failed> {
        let mut done = self.end()?;
        let told = told(&demo.run);
        if demo.stays {
            self.staying = Some(self.start(name, demo, &told)?);
            return Ok(done);
        }
        let output = self.shell(&told).stdin(Stdio::null()).output()?;
        let status = output.status.code().unwrap_or(-1);
        check(status == demo.status, format!("{name}: it ended with {status}"))?;
        let run = Recording::capture(demo.run.trim(), &self.named(&output.stdout), status);
        done.push((name, alike(run, &mut Alike::new(&self.root, Some(&self.place)))?));
        Ok(done)
    }

    /// Looks at the demo that goes on.
    pub fn look(&mut self, name: String, look: &Look) -> Result<(), Failed> {
        let Some(staying) = &self.staying else { return Err(format!("{name}: nothing goes on").into()) };
        let mut pid = i32::try_from(staying.child.id())?;
        while let [.., last] = proc::children_of(pid)[..] {
            pid = last;
        }
        let line = look.run.trim();
        let output = self.shell(&told(&line.replace("{pid}", &pid.to_string()))).stdin(Stdio::null()).output()?;
        let status = output.status.code().unwrap_or(-1);
        let run = Recording::capture(&line.replace("{pid}", "PID"), &self.named(&output.stdout), status);
        self.staying.iter_mut().for_each(|staying| staying.looks.push((name.clone(), pid, run.clone())));
        Ok(())
    }

    /// Ends the demo that goes on: its recording, and those of the looks at it.
    pub fn end(&mut self) -> Result<Vec<(String, Recording)>, Failed> {
        let Some(mut staying) = self.staying.take() else { return Ok(Vec::new()) };
        drop(staying.child.stdin.take());
        let status = staying.child.wait()?.code().unwrap_or(-1);
        let stream = read(&mut staying.stream)?;
        let run = Recording::capture(staying.demo.run.trim(), &self.named(stream.as_bytes()), status);
        let mut names = Alike::new(&self.root, Some(&self.place));
        let mut done = vec![(staying.name.clone(), alike(run, &mut names)?)];
        for (name, pid, run) in std::mem::take(&mut staying.looks) {
            names.process(&pid.to_string());
            done.push((name, alike(run, &mut names)?));
        }
        Ok(done)
    }

    fn start(&self, name: String, demo: &Demo, told: &str) -> Result<Staying, Failed> {
        let path = self.place.with_extension("stream");
        let mut shell = self.shell(told);
        let child = shell.stdin(Stdio::piped()).stdout(File::create(&path)?).spawn()?;
        let mut staying = Staying { name, demo: demo.clone(), child, stream: File::open(&path)?, looks: Vec::new() };
        let begun = Instant::now();
        let ready = |stream: &str| {
            let run = Recording::capture("", stream, 0);
            run.lines.iter().any(|line| matches!(line, Line::Mark(Mark::Output { text }) if text.contains('\n')))
        };
        while !ready(&read(&mut staying.stream)?) {
            check(begun.elapsed() < PATIENCE, format!("{}: it never says that it is ready", staying.name))?;
            std::thread::sleep(Duration::from_millis(10));
        }
        // Most say so right before they become the program that waits: `exec cat`.
        std::thread::sleep(Duration::from_millis(100));
        Ok(staying)
    }

    fn shell(&self, line: &str) -> Command {
        // A file of the lesson's own that takes the narration is to look as the lesson says.
        let tells = !line.contains("2>");
        let mut shell = Command::new("sh");
        // One stream, as on a terminal: in the order in which it was written.
        shell.args(["-c", &format!("exec 2>&1\n{line}")]).current_dir(&self.place).env_clear();
        let path = format!("{}:/usr/bin:/bin:/usr/sbin:/sbin", programs().display());
        shell.env("PATH", path).env("HOME", "/nowhere").env("LANG", "C.UTF-8").env("TZ", "UTC");
        shell.env("BOXLAB_ROOT", &self.root).envs(tells.then_some(("BOXLAB_TRACE", "json")));
        shell
    }

    fn named(&self, stream: &[u8]) -> String {
        String::from_utf8_lossy(stream).replace(&*programs().to_string_lossy(), "/usr/local/bin")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// The player shows steps and calls, whatever the lesson chooses.
fn told(line: &str) -> String {
    line.trim().replace("--trace steps ", "").replace("--trace full ", "")
}

/// Where this boxlab is.
fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_boxlab")).parent().unwrap_or(Path::new("/"))
}

fn read(stream: &mut File) -> Result<String, Failed> {
    use std::io::{Read, Seek};
    let mut bytes = Vec::new();
    stream.rewind()?;
    stream.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn alike(mut run: Recording, names: &mut Alike) -> Result<Recording, Failed> {
    for (index, line) in run.lines.iter_mut().enumerate() {
        match line {
            Line::Told(record) => {
                let mut told: Record = serde_json::from_str(&names.line(&serde_json::to_string(record)?))?;
                told.seq = index as u64 + 1;
                without_line(&mut told.event);
                common_directories(&mut told.event);
                *record = told;
            }
            Line::Mark(Mark::Output { text }) => {
                let lines: Vec<String> = text.split('\n').map(|line| names.text(line)).collect();
                *text = lines.join("\n");
            }
            Line::Mark(_) => {}
        }
    }
    Ok(run)
}

/// What every Debian and Ubuntu has in its root directory. hier(7), and /lib64
const IN_ROOT: &str = "bin boot dev etc home lib lib64 media mnt opt proc root run sbin srv sys tmp usr var";

/// Keeps of a list of the root directory what every host has there.
fn common_directories(event: &mut Event) {
    let Event::Show { title, lines } = event else { return };
    if title.starts_with("files in /") {
        let listed = lines.join(" ");
        let names = listed.split(' ').filter(|name| IN_ROOT.split(' ').any(|known| known == *name));
        let text = names.collect::<Vec<_>>().join("  ");
        *lines = textwrap::wrap(&text, 64).into_iter().map(|line| line.trim_end().to_owned()).collect();
    }
}

/// `src/x.rs:12` → `src/x.rs`: a line added above is no other run. No time is kept either.
fn without_line(event: &mut Event) {
    let source = match event {
        Event::Step { source, .. } => source,
        Event::Call { source, ns, .. } => {
            *ns = 0;
            source
        }
        Event::Exchange(exchange) => {
            exchange.ns = 0;
            &mut exchange.source
        }
        _ => return,
    };
    if let Some((file, _)) = source.rsplit_once(':') {
        *source = file.to_owned();
    }
}
