//! Gives what differs from run to run the same name in each: process numbers, inodes,
//! identifiers, users, paths.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

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

/// Where a range of ids begins, as useradd(8) and boxlab deal them out: from 100000 on, 65536 each.
fn is_range(number: &str) -> bool {
    number.parse::<u64>().is_ok_and(|number| number > 100_000 && (number - 100_000).is_multiple_of(65_536))
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

/// The cgroups of this very process, which whoever started it has chosen.
fn own_cgroups() -> &'static [String] {
    static OWN: OnceLock<Vec<String>> = OnceLock::new();
    OWN.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let paths = text.lines().filter_map(|line| line.splitn(3, ':').nth(2)).filter(|path| path.len() > 1);
        paths.map(str::to_owned).collect()
    })
}

/// Which kernel this machine runs.
fn release() -> &'static str {
    static RELEASE: OnceLock<String> = OnceLock::new();
    RELEASE.get_or_init(|| std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release").trim().to_owned())
}

/// What this machine is called.
fn hostname() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a hostname").trim().to_owned())
}

/// What has been given a name so far.
pub struct Alike {
    root: PathBuf,
    place: Option<PathBuf>,
    names: HashMap<String, String>,
    processes: u32,
    namespaces: u64,
}

impl Alike {
    /// For runs with this store, in this directory.
    pub fn new(root: &Path, place: Option<&Path>) -> Self {
        let (root, place) = (root.to_owned(), place.map(Path::to_owned));
        Self { root, place, names: HashMap::new(), processes: 0, namespaces: 0 }
    }

    /// One line of the JSON trace.
    pub fn line(&mut self, line: &str) -> String {
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
        if record["name"] == "pidfd_open" && record["errno"].is_null() {
            let of = record["args"][0].as_str().unwrap_or_default().to_owned();
            record["args"][0] = serde_json::json!(self.process(&of));
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
        if record["name"] == "write" && record["args"][0].as_str().is_some_and(|file| file.ends_with("/cgroup.procs>"))
        {
            let length = record["args"][1].as_str().unwrap_or_default().len() - 2;
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

    /// A process number, as the host has it.
    pub fn process(&mut self, pid: &str) -> String {
        if let Some(known) = self.names.get(&format!("process {pid}")) {
            return known.clone();
        }
        self.processes += 1;
        let name = (4700 + self.processes).to_string();
        self.names.insert(format!("process {pid}"), name.clone());
        name
    }

    /// Words of letters and digits are looked at one by one.
    pub fn text(&mut self, text: &str) -> String {
        let place = self.place.as_ref().map(|place| text.replace(&*place.to_string_lossy(), "/tmp/lesson"));
        let store = self.root.to_string_lossy().into_owned();
        let text = place.as_deref().unwrap_or(text);
        let text = text.replace(&format!("{store}/state"), "/run/boxlab").replace(&store, "/var/lib/boxlab");
        let text = text.replace(release(), "6.18.0");
        let text = own_cgroups().iter().fold(text, |text, path| text.replace(path.as_str(), "/session"));
        if text.contains(" of them: ") && !text.starts_with("1 of") {
            return "142 of them: 1 2 3 4 5 6 7 8 ...".to_owned();
        }
        if let Some((before, after)) = text.split_once("filter=0x") {
            // Where the program lies in memory is chosen at random.
            let after = after.trim_start_matches(|letter: char| letter.is_ascii_hexdigit());
            return format!("{before}filter=0x55d0c8a4e6b0{after}");
        }
        if let Some((before, after)) = text.split_once("socket:[") {
            let after = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
            return format!("{}socket:[31415{}", self.text(before), self.text(after));
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
            // The first range that no user of this machine has.
            6.. if number && is_range(word) => "296608".to_owned(),
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
