//! The house rules (design, "The house" and "Style"), read off the sources:
//! which module may use which, where system calls may be made, how long things
//! are, and that no example of the documents has gone stale.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module may use those after it, and itself. `learn`, `network` and
/// `volume` have their places reserved.
const ARROW: [&[&str]; 13] = [
    &["main"],
    &["cli"],
    &["learn"],
    &["catalog"],
    &["container"],
    &["explain", "image", "network", "volume"],
    &["ledger"],
    &["primitives"],
    &["seccomp"],
    &["paths"],
    &["kernel"],
    &["trace"],
    &["error"],
];

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 40, "the sources were not found");
    found
}

fn collect(directory: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            found.push((path, text));
        }
    }
}

/// `src/primitives/ns/uts.rs` → `primitives/ns/uts.rs`
fn name(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    path.strip_prefix(root).expect("beneath src").to_string_lossy().into_owned()
}

fn module(name: &str) -> &str {
    name.split('/').next().unwrap_or(name).trim_end_matches(".rs")
}

fn rank(module: &str) -> usize {
    let found = ARROW.iter().position(|names| names.contains(&module));
    found.unwrap_or_else(|| panic!("the module '{module}' has no place in the house"))
}

/// Lines of code: without comments and without the unit tests at the end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("[cfg(test)]").unwrap_or(text.len());
    text[..end]
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The modules that a line names after `crate::`.
fn used(line: &str) -> Vec<String> {
    let word =
        |rest: &str| rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
    line.split("crate::").skip(1).map(word).filter(|name: &String| !name.is_empty()).collect()
}

#[test]
fn modules_use_only_those_below_them() {
    // `error` spells an errno with `trace::decode`, which is data only.
    let allowed = |from: &str, to: &str| (from, to) == ("error", "trace");
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let name = name(&path);
        let from = module(&name);
        if from == "lib" {
            continue;
        }
        for (number, line) in code(&text) {
            for to in used(line) {
                let upwards = rank(&to) < rank(from) || (rank(&to) == rank(from) && to != from);
                if upwards && !allowed(from, &to) {
                    wrong.push(format!("{name}:{number}: {from} uses {to}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn primitives_do_not_know_each_other() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let name = name(&path);
        if name.starts_with("primitives/") {
            let knows = |line: &str| line.contains("crate::primitives") || line.contains("super::");
            wrong.extend(
                code(&text).filter(|(_, line)| knows(line)).map(|(number, line)| format!("{name}:{number}: {line}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn system_calls_are_made_in_the_kernel_alone() {
    // An untold call would be possible wherever one of these is in reach.
    let everywhere = ["libc::", "rustix::", "unsafe "];
    let taught = ["nix::", "std::fs", "std::process", "std::os::unix::process", "fs::", "File::"];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let name = name(&path);
        let is_taught = name.starts_with("primitives/") || name == "container/init.rs";
        let banned: Vec<&str> = everywhere.iter().chain(taught.iter().filter(|_| is_taught)).copied().collect();
        if module(&name) == "kernel" {
            continue;
        }
        for (number, line) in code(&text) {
            wrong.extend(
                banned.iter().filter(|word| line.contains(**word)).map(|word| format!("{name}:{number}: {word}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_unsafe_says_what_it_owes() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let is_unsafe = line.contains("unsafe {") && !line.trim_start().starts_with("//");
            let said = lines[index.saturating_sub(4)..index].iter().any(|line| line.contains("SAFETY:"));
            if is_unsafe && !said {
                wrong.push(format!("{}:{}", name(&path), index + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "unsafe without a SAFETY comment:\n{}", wrong.join("\n"));
}

#[test]
fn steps_are_sentences_that_fit() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (path, text) in sources() {
        for (number, line) in code(&text) {
            // The client of registries tells its steps together with what came of them.
            let begins = [".step(\"", "why: \"", "why = \""].iter().find_map(|begin| line.split_once(begin));
            let Some((_, rest)) = begins else { continue };
            let Some((step, _)) = rest.split_once('"') else { continue };
            seen += 1;
            if step.chars().count() > 72 || (step.ends_with('.') && !step.ends_with("...")) {
                wrong.push(format!("{}:{number}: {} columns: {step}", name(&path), step.chars().count()));
            }
        }
    }
    assert!(seen > 50, "the steps were not found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_and_functions_can_be_read_at_a_glance() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let name = name(&path);
        let is_primitive = name.starts_with("primitives/");
        let limit = if is_primitive { 120 } else { 500 };
        if text.lines().count() > limit {
            wrong.push(format!("{name}: {} lines, {limit} at most", text.lines().count()));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{name}: no header that says what it is"));
        }
        let longest = if is_primitive { 25 } else { 60 };
        wrong.extend(
            functions(&text)
                .into_iter()
                .filter(|(_, length)| *length > longest)
                .map(|(function, length)| format!("{name}: {function} has {length} lines, {longest} at most")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Functions and how many lines they have, by their indentation (rustfmt's).
fn functions(text: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut open: Option<(String, usize, usize)> = None;
    for (number, line) in code(text) {
        let indent = line.len() - line.trim_start().len();
        match &open {
            Some((function, start, depth)) if line.trim_end() == format!("{}}}", " ".repeat(*depth)) => {
                found.insert(function.clone(), number - start + 1);
                open = None;
            }
            None => {
                let starts = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(super) ");
                if let Some(rest) = starts.strip_prefix("fn ") {
                    let function = rest.split(['(', '<']).next().unwrap_or_default().to_owned();
                    open = (!line.trim_end().ends_with('}')).then_some((function, number, indent));
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn nothing_is_left_to_panic() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let panics = |line: &str| {
            [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!("].iter().any(|word| line.contains(word))
        };
        wrong.extend(
            code(&text)
                .filter(|(_, line)| panics(line))
                .map(|(number, line)| format!("{}:{number}: {}", name(&path), line.trim())),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
