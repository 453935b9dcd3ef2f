//! The OCI bundle of crun and runc: what the runtime's own `spec` writes, with
//! boxlab's program, namespaces, capabilities, device rules, masks and seccomp
//! profile, so that all do the same work.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// boxlab's default profile, in the format of Docker and podman.
const PROFILE: &str = include_str!("../../src/seccomp/default.json");

/// The 14 that boxlab and Docker keep.
const CAPABILITIES: [&str; 14] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
];

/// The namespaces of all of them, as the OCI runtime specification names them.
const NAMESPACES: [&str; 6] = ["mount", "pid", "uts", "ipc", "network", "cgroup"];

/// Type, major and minor number (or all) of the devices that may be used.
const DEVICES: [(&str, Option<u32>, Option<u32>, &str); 10] = [
    ("c", None, None, "m"),
    ("b", None, None, "m"),
    ("c", Some(1), Some(3), "rwm"),
    ("c", Some(1), Some(5), "rwm"),
    ("c", Some(1), Some(7), "rwm"),
    ("c", Some(1), Some(8), "rwm"),
    ("c", Some(1), Some(9), "rwm"),
    ("c", Some(5), Some(0), "rwm"),
    ("c", Some(5), Some(2), "rwm"),
    ("c", Some(136), None, "rwm"),
];

/// Writes it for this runtime.
pub fn write(runtime: &str, bundle: &Path, root: &Path, program: &str) -> Result<(), String> {
    fs::create_dir_all(bundle).map_err(|error| error.to_string())?;
    let wrote = Command::new(runtime).arg("spec").current_dir(bundle).stdout(Stdio::null()).status();
    let wrote = wrote.map_err(|_| format!("{runtime} is not installed"))?;
    if !wrote.success() {
        return Err(format!("`{runtime} spec` ended with {wrote}"));
    }
    let path = bundle.join("config.json");
    let text = fs::read(&path).map_err(|error| error.to_string())?;
    let mut config: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    config["root"] = json!({ "path": root, "readonly": false });
    config["process"]["terminal"] = json!(false);
    config["process"]["args"] = json!([program]);
    // boxlab limits no descriptors unless it is asked to.
    config["process"]["rlimits"] = json!([]);
    config["process"]["noNewPrivileges"] = json!(false);
    config["process"]["capabilities"] =
        json!({ "bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES });
    config["linux"]["namespaces"] = NAMESPACES.map(|kind| json!({ "type": kind })).into();
    config["linux"]["resources"] = json!({ "devices": devices() });
    config["linux"]["seccomp"] = seccomp()?;
    fs::write(&path, config.to_string()).map_err(|error| error.to_string())
}

fn devices() -> Vec<Value> {
    let allowed = DEVICES.iter().map(|(kind, major, minor, access)| {
        let mut rule = json!({ "allow": true, "type": kind, "access": access });
        for (name, number) in [("major", major), ("minor", minor)] {
            if let Some(number) = number {
                rule[name] = json!(number);
            }
        }
        rule
    });
    std::iter::once(json!({ "allow": false, "access": "rwm" })).chain(allowed).collect()
}

/// The profile as the OCI specification has it: without conditions on who is
/// confined, which Docker and podman answer before they call the runtime.
fn seccomp() -> Result<Value, String> {
    let profile: Value = serde_json::from_str(PROFILE).map_err(|error| error.to_string())?;
    let rules = profile["syscalls"].as_array().cloned().unwrap_or_default();
    let rules: Vec<Value> = rules.into_iter().filter(applies).map(without_conditions).collect();
    Ok(json!({
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": rules,
    }))
}

fn applies(rule: &Value) -> bool {
    let named = |condition: &str, kind: &str| -> BTreeSet<String> {
        let names = rule[condition][kind].as_array().into_iter().flatten();
        names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
    };
    let kept: BTreeSet<String> = CAPABILITIES.iter().map(ToString::to_string).collect();
    let here: BTreeSet<String> = ["amd64", "x32", "x86"].map(str::to_owned).into();
    let arches = named("includes", "arches");
    named("includes", "caps").is_subset(&kept)
        && named("excludes", "caps").is_disjoint(&kept)
        && (arches.is_empty() || !arches.is_disjoint(&here))
        && named("excludes", "arches").is_disjoint(&here)
}

fn without_conditions(mut rule: Value) -> Value {
    if let Some(fields) = rule.as_object_mut() {
        fields.retain(|name, _| ["names", "action", "errnoRet", "args"].contains(&name.as_str()));
    }
    rule
}
