//! Recorded runs: what README, lessons and book show is what the program does.
//!
//! Each is a real run, taken from its JSON trace; what differs from run to run
//! (process numbers, inodes, identifiers, times) is made alike, and the result is
//! rendered by boxlab's own narrator. To record anew:
//! `INSTA_UPDATE=always cargo test --test recordings`

mod support;

use std::collections::HashMap;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use boxlab::kernel::cgroup::{Hierarchy, hierarchies};
use boxlab::kernel::lsm::Labels;
use boxlab::kernel::proc;
use boxlab::trace::narrate::{Marks, Narrator};
use boxlab::trace::{Detail, Event, Observer, Record};
use libtest_mimic::Failed;
use support::{check, is_root};

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    support::main(vec![
        ("ns_uts", || recorded("ns-uts", Detail::Full, &["ns", "uts", "--", "uname", "-n"])),
        ("ns_pid", || recorded("ns-pid", Detail::Full, &["ns", "pid", "--", "sh", "-c", "echo $$"])),
        ("ns_user", || recorded("ns-user", Detail::Full, &["ns", "user", "--map", "single", "--", "id", "-u"])),
        ("mount_overlay", || recorded("mount-overlay", Detail::Full, &["mount", "overlay", "--", "true"])),
        ("mount_readonly", || recorded("mount-readonly", Detail::Full, &["mount", "readonly", "--", "true"])),
        ("security_caps", || recorded("security-caps", Detail::Full, &["security", "caps", "--", "true"])),
        ("security_no_new_privs", || {
            recorded("security-no-new-privs", Detail::Full, &["security", "no-new-privs", "--", "true"])
        }),
        ("security_seccomp", || {
            recorded(
                "security-seccomp",
                Detail::Full,
                &["security", "seccomp", "--", "grep", "^Seccomp:", "/proc/self/status"],
            )
        }),
        ("run", || recorded("run", Detail::Steps, &["run", "host", "echo", "hello from the box"])),
        ("run_full", || recorded("run-full", Detail::Full, &["run", "host", "echo", "hello from the box"])),
        ("the_readme_shows_recorded_runs", the_readme_shows_recorded_runs),
    ])
}

/// What is covered in /proc and /sys depends on what the kernel was built with, and
/// which capabilities there are on its age: only the first, which every kernel has,
/// are kept.
fn without_what_kernels_differ_in(events: Vec<Record>) -> Vec<Record> {
    let mut step = String::new();
    let mut calls = 0;
    let mut kept = Vec::new();
    for record in events {
        if let Event::Step { text, .. } = &record.event {
            (step, calls) = (text.clone(), 0);
        }
        calls += usize::from(matches!(record.event, Event::Call { .. }));
        let first_path = match step.as_str() {
            text if text.starts_with("Cover what tells") => 3,
            text if text.starts_with("Make read-only what would") => 4,
            text if text.starts_with("Drop from the bounding set") => 3,
            _ => usize::MAX,
        };
        if calls <= first_path {
            kept.push(record);
        }
    }
    kept
}

/// Runs the command, and compares its narration with the one that was recorded:
/// as root, or as an ordinary user with ranges of ids.
fn recorded(name: &str, detail: Detail, args: &[&str]) -> Outcome {
    if name.starts_with("run") {
        needs_the_same_host()?;
    }
    let (events, output) = run(args)?;
    let helped =
        events.iter().any(|record| matches!(&record.event, Event::Step { text, .. } if text.contains("/etc/subuid")));
    let who = match (is_root(), helped) {
        (true, _) => "",
        (false, true) => "-rootless",
        // A single id: the calls differ, and `ns-user` is the recording for it.
        (false, false) if name != "ns-user" => return Ok(()),
        (false, false) => "-rootless",
    };
    let text = format!("$ boxlab {}\n{}", quoted(args), narrate(detail, &events, &output));
    let compared = std::panic::catch_unwind(|| {
        insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(format!("{name}{who}"), text);
        });
    });
    check(compared.is_ok(), format!("{name}{who} differs from its recording"))
}

/// The trees of cgroups that root's containers were recorded in.
const TREES: [&str; 9] = ["blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids", "v2"];

/// What `run` does depends on how the host's cgroups are mounted, and on AppArmor.
fn needs_the_same_host() -> Outcome {
    if Labels::AppArmor.active() {
        return Err(support::lacks("a host without AppArmor, as that on which it was recorded"));
    }
    if proc::processors() != 2 {
        return Err(support::lacks("two processors, as the machine had on which it was recorded"));
    }
    let trees = hierarchies();
    let mut names: Vec<String> = trees.iter().filter(|tree| tree.base().is_some()).map(Hierarchy::name).collect();
    names.sort();
    let recorded: &[&str] = if is_root() { &TREES } else { &[] };
    match names == recorded {
        true => Ok(()),
        false => {
            Err(support::lacks(&format!("these cgroups, with which it was recorded: {recorded:?}; here are {names:?}")))
        }
    }
}

fn quoted(args: &[&str]) -> String {
    let word = |arg: &&str| if arg.contains([' ', '$']) { format!("'{arg}'") } else { (*arg).to_owned() };
    args.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A run in a bare environment: its events, made alike, and what its program printed.
fn run(args: &[&str]) -> Result<(Vec<Record>, String), Failed> {
    // The image is made beforehand; its making is no part of the recording.
    support::stdout(&["image", "host"])?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_boxlab"));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("BOXLAB_ROOT", support::store()).env("HOME", "/nowhere");
    let output = command.args(["--trace", "json"]).args(args).output()?;
    check(output.status.success(), format!("boxlab {args:?}: {output:?}"))?;
    let mut alike = Alike::default();
    let lines = String::from_utf8(output.stderr)?;
    let events: Result<Vec<Record>, _> = lines.lines().map(|line| serde_json::from_str(&alike.line(line))).collect();
    Ok((without_what_kernels_differ_in(events?), String::from_utf8(output.stdout)?))
}

fn narrate(detail: Detail, events: &[Record], output: &str) -> String {
    colored::control::set_override(false);
    let mut text = Vec::new();
    let last = events.iter().rposition(|record| matches!(&record.event, Event::Call { name, .. } if name == "execve"));
    let mut narrator = Narrator::new(&mut text, detail, 80, Marks::new(true));
    for record in &events[..=last.unwrap_or_default()] {
        narrator.observe(record).expect("written to memory");
    }
    drop(narrator);
    text.extend_from_slice(output.as_bytes());
    let mut narrator = Narrator::new(&mut text, detail, 80, Marks::new(true));
    for record in &events[last.unwrap_or_default() + 1..] {
        narrator.observe(record).expect("written to memory");
    }
    drop(narrator);
    String::from_utf8(text).expect("text")
}

/// Root on this host may lack a capability (or have one more than the recording).
fn all_capabilities(text: &str) -> String {
    let own = boxlab::kernel::CapSets::own().bounding;
    let hex = format!("{:016x} ({})", own.bits(), own.len());
    let text = text.replace(&hex, "000001ffffffffff (41)");
    text.replace(&own.described(), "all 41")
}

/// The ids of this user, and the range that /etc/subuid grants.
struct Ids {
    uid: String,
    first: String,
    count: String,
}

fn ids() -> &'static Ids {
    static IDS: OnceLock<Ids> = OnceLock::new();
    IDS.get_or_init(|| {
        let uid = boxlab::kernel::euid();
        let range = boxlab::kernel::subordinate_ids("/etc/subuid", uid);
        let text = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        // Root's own 0 stands for many things.
        let uid = if uid == 0 { String::new() } else { uid.to_string() };
        Ids { uid, first: text(range.map(|range| range.first)), count: text(range.map(|range| range.count)) }
    })
}

/// The namespaces of this very process, and what the recordings call them.
fn own_namespaces() -> &'static [(String, &'static str)] {
    const RECORDED: [(&str, &str); 8] = [
        ("mnt", "4026531832"),
        ("net", "4026531833"),
        ("time", "4026531834"),
        ("cgroup", "4026531835"),
        ("pid", "4026531836"),
        ("user", "4026531837"),
        ("uts", "4026531838"),
        ("ipc", "4026531839"),
    ];
    static OWN: OnceLock<Vec<(String, &str)>> = OnceLock::new();
    OWN.get_or_init(|| {
        let inode = |kind: &str| boxlab::kernel::proc::namespace("self", kind).unwrap_or_default();
        let number = |name: String| name.chars().filter(char::is_ascii_digit).collect();
        RECORDED.iter().map(|(kind, recorded)| (number(inode(kind)), *recorded)).collect()
    })
}

/// What this machine is called.
fn hostname() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a hostname").trim().to_owned())
}

/// Gives what differs from run to run the same name in each.
#[derive(Default)]
struct Alike {
    names: HashMap<String, String>,
    processes: u32,
    namespaces: u64,
}

impl Alike {
    /// One line of the JSON trace.
    fn line(&mut self, line: &str) -> String {
        let mut record: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        let pid = record["pid"].as_i64().unwrap_or_default();
        let pid = self.process(&pid.to_string());
        record["pid"] = serde_json::json!(pid.parse::<i64>().unwrap_or_default());
        if record["event"] == "call" {
            record["ns"] = serde_json::json!(0);
        }
        if (record["name"] == "clone3" || record["name"] == "clone")
            && record["ret"].as_str().is_some_and(|ret| ret.len() > 2)
        {
            let ret = record["ret"].as_str().unwrap_or_default().to_owned();
            record["ret"] = serde_json::json!(self.process(&ret));
        }
        if record["name"] == "keyctl" && record["errno"].is_null() {
            // Each session has another keyring.
            record["ret"] = serde_json::json!("271828182");
        }
        self.value(&mut record);
        if record["name"] == "write" && record["args"][0].as_str().is_some_and(|file| file.ends_with("_map>")) {
            // The ids have other numbers of digits now: without quotes, with \n as one byte.
            let length = record["args"][1].as_str().unwrap_or_default().len() - 3;
            record["args"][2] = serde_json::json!(length.to_string());
            record["ret"] = serde_json::json!(length.to_string());
        }
        record.to_string()
    }

    fn value(&mut self, value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => *text = self.text(text),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            serde_json::Value::Object(fields) => fields.iter_mut().for_each(|(_, field)| self.value(field)),
            _ => {}
        }
    }

    fn process(&mut self, pid: &str) -> String {
        if let Some(known) = self.names.get(&format!("process {pid}")) {
            return known.clone();
        }
        self.processes += 1;
        let name = (4700 + self.processes).to_string();
        self.names.insert(format!("process {pid}"), name.clone());
        name
    }

    /// Words of letters and digits are looked at one by one.
    fn text(&mut self, text: &str) -> String {
        let store = support::store().to_string_lossy().into_owned();
        let text = text.replace(&format!("{store}/state"), "/run/boxlab").replace(&store, "/var/lib/boxlab");
        if text.contains(" of them: ") && !text.starts_with("1 of") {
            return "142 of them: 1 2 3 4 5 6 7 8 ...".to_owned();
        }
        if let Some((before, after)) = text.split_once("filter=0x") {
            let after = after.trim_start_matches(|letter: char| letter.is_ascii_hexdigit());
            return format!("{before}filter=0x55d0c8a4e6b0{after}");
        }
        if let Some((before, after)) = text.split_once("socket:[") {
            let after = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
            return format!("{}socket:[31415{}", self.text(before), self.text(after));
        }
        if let Some((before, after)) = text.split_once("filter=0x") {
            // Where the program lies in memory is chosen at random.
            let after = after.trim_start_matches(|letter: char| letter.is_ascii_hexdigit());
            return format!("{}filter=0x5566778899a0{after}", self.text(before));
        }
        let text = all_capabilities(&text);
        let mut alike = String::new();
        let mut word = String::new();
        for letter in text.chars().chain(['\0']) {
            if letter.is_ascii_alphanumeric() {
                word.push(letter);
                continue;
            }
            alike.push_str(&self.word(&word));
            word.clear();
            if letter != '\0' {
                alike.push(letter);
            }
        }
        alike
    }

    fn word(&mut self, word: &str) -> String {
        let hexadecimal = word.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let number = word.bytes().all(|byte| byte.is_ascii_digit());
        match word.len() {
            0 => String::new(),
            64 if hexadecimal => "f2".repeat(32),
            12 if hexadecimal => "3f2a9c41d07e".to_owned(),
            _ if number && word == ids().uid => "1000".to_owned(),
            _ if number && word == ids().first => "100000".to_owned(),
            _ if number && word == ids().count => "65536".to_owned(),
            10 if number && word.starts_with("40265") => self.namespace(word),
            3.. if number && self.names.contains_key(&format!("process {word}")) => self.process(word),
            _ if word == hostname() => "laptop".to_owned(),
            _ => word.to_owned(),
        }
    }

    /// Those in which this test runs get the numbers of the recording; new ones
    /// are counted.
    fn namespace(&mut self, inode: &str) -> String {
        if let Some((_, recorded)) = own_namespaces().iter().find(|(own, _)| own == inode) {
            return (*recorded).to_owned();
        }
        if let Some(known) = self.names.get(inode) {
            return known.clone();
        }
        self.namespaces += 1;
        let name = (4_026_532_200 + self.namespaces).to_string();
        self.names.insert(inode.to_owned(), name.clone());
        name
    }
}

fn the_readme_shows_recorded_runs() -> Outcome {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md"))?;
    let mut shown = 0;
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        let found = std::fs::read_dir(root.join("snapshots"))?
            .flatten()
            .any(|entry| std::fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(block.trim_end())));
        check(found, format!("no recording shows this:\n{block}"))?;
        shown += 1;
    }
    check(shown > 0, "the README shows no recorded run")
}
