//! `boxlab cgroup ls` and `show`: what there is, and what limits whom.

use std::path::Path;

use serde::Serialize;

use super::output;
use crate::error::{Error, Result};
use crate::primitives::cgroup::list::{self, Reading, Tree};

#[derive(Serialize)]
struct All {
    trees: Vec<Tree>,
    limits: Vec<Reading>,
}

/// The trees, and every limit in them.
pub fn ls(json: bool) -> Result<i32> {
    let all = All { trees: list::trees(), limits: list::limited() };
    if json {
        return output::json(&all).map(|()| 0);
    }
    if all.trees.is_empty() {
        return output::print("No tree of cgroups is mounted.\n").map(|()| 0);
    }
    let header = ["VERSION", "CONTROLLERS", "MOUNTED AT", "OWN CGROUP", "YOU MAY MAKE SOME IN"];
    let path = |path: &Path| path.display().to_string();
    let row = |tree: &Tree| {
        let controllers = if tree.controllers.is_empty() { "-".to_owned() } else { tree.controllers.join(",") };
        let may = tree.may_make_in.as_deref().map_or_else(|| "(nowhere)".to_owned(), path);
        vec![tree.version.clone(), controllers, path(&tree.mount), path(&tree.own), may]
    };
    output::table(&rows(&header, all.trees.iter().map(row)))?;
    if all.limits.is_empty() {
        return output::print("\nNo cgroup has a limit.\n").map(|()| 0);
    }
    output::print("\nLimited:\n")?;
    let header = ["CGROUP", "WHAT", "LIMIT", "USED", "PROCESSES"];
    let row = |limit: &Reading| {
        let used = limit.used.clone().unwrap_or_else(|| "-".to_owned());
        vec![path(&limit.cgroup), limit.what.to_owned(), limit.limit.clone(), used, limit.processes.to_string()]
    };
    output::table(&rows(&header, all.limits.iter().map(row)))?;
    Ok(0)
}

/// What limits a process, or a cgroup.
pub fn show(target: Option<&str>, json: bool) -> Result<i32> {
    let readings = match target {
        None => list::of_process("self"),
        Some(pid) if pid.bytes().all(|byte| byte.is_ascii_digit()) => process(pid)?,
        Some(path) => list::of_path(Path::new(path)).ok_or_else(|| no_cgroup(path))?,
    };
    if json {
        return output::json(&readings).map(|()| 0);
    }
    let header = ["WHAT", "HERE", "FILE OF V1", "FILE OF V2", "LIMIT", "USED", "CGROUP"];
    let row = |limit: &Reading| {
        let value = if limit.limited { limit.limit.clone() } else { "none".to_owned() };
        let file = |name: &str| if name.is_empty() { "-".to_owned() } else { name.to_owned() };
        vec![
            limit.what.to_owned(),
            limit.version.clone(),
            file(limit.v1),
            file(limit.v2),
            value,
            limit.used.clone().unwrap_or_else(|| "-".to_owned()),
            limit.cgroup.display().to_string(),
        ]
    };
    output::table(&rows(&header, readings.iter().map(row)))?;
    Ok(0)
}

fn process(pid: &str) -> Result<Vec<Reading>> {
    if !Path::new("/proc").join(pid).exists() {
        return Err(Error::new(format!("there is no process {pid}"))
            .hint("`boxlab cgroup show` alone shows what limits this process."));
    }
    Ok(list::of_process(pid))
}

fn no_cgroup(path: &str) -> Error {
    Error::new(format!("{path} is no cgroup")).hint("A cgroup is a directory; `boxlab cgroup ls` says where they are.")
}

fn rows(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let header = header.iter().map(|name| (*name).to_owned()).collect();
    std::iter::once(header).chain(rows).collect()
}
