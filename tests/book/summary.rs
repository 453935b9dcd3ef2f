//! The table of contents follows from the lessons that there are.
//! `INSTA_UPDATE=always cargo test --test book` writes it anew.

use std::fs;
use std::path::{Path, PathBuf};

use boxlab::catalog::CATALOG;
use boxlab::learn::Pack;

use crate::common::trials::Verdict;
use crate::support::check;

/// The parts of the book, each from the lesson of this number on.
const PARTS: [(u32, &str); 6] = [
    (1, "What a process sees: namespaces"),
    (10, "Which files it has: mounts"),
    (17, "How much it may use: control groups"),
    (23, "What it may do: guards"),
    (30, "What it is made of: images and containers"),
    (36, "The whole"),
];

pub fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src")
}

/// True where what is recorded is to be written anew.
fn writes() -> bool {
    std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always")
}

/// What a chapter has that nobody has written yet.
fn template(name: &str) -> String {
    format!(
        "{{{{#lesson {name}}}}}\n\n## Exercises\n\n{{{{#exercises {name}}}}}\n\n## Read on\n\n{{{{#reading {name}}}}}\n"
    )
}

pub fn lists_every_lesson() -> Verdict {
    let pack = Pack::open(None).map_err(|error| error.to_string())?;
    let mut text = "# Summary\n\n[Introduction](introduction.md)\n".to_owned();
    let mut parts = PARTS.iter().peekable();
    for lesson in &pack.lessons {
        let number: u32 = lesson.folder.split('-').next().and_then(|number| number.parse().ok()).unwrap_or_default();
        let mut title = None;
        while let Some((_, part)) = parts.next_if(|(from, _)| *from <= number) {
            title = Some(part);
        }
        if let Some(title) = title {
            text += &format!("\n# {title}\n\n");
        }
        text += &format!("- [{}]({}.md)\n", lesson.title, lesson.folder);
        let chapter = source().join(format!("{}.md", lesson.folder));
        if writes() && !chapter.exists() {
            fs::write(chapter, template(&lesson.name)).map_err(|error| error.to_string())?;
        }
    }
    let path = source().join("SUMMARY.md");
    if writes() {
        fs::write(&path, &text).map_err(|error| error.to_string())?;
    }
    let found = fs::read_to_string(path).map_err(|error| error.to_string())?;
    check(found == text, "SUMMARY.md lacks a lesson: INSTA_UPDATE=always cargo test --test book writes it anew")
        .map_err(|failed| failed.message().unwrap_or_default().to_owned())
}

/// Book, lesson, command and source name each other, and all that they name is there.
pub fn links_lead_somewhere() -> Verdict {
    let pack = Pack::open(None).map_err(|error| error.to_string())?;
    let mut wrong = Vec::new();
    for lesson in &pack.lessons {
        let chapter = fs::read_to_string(source().join(format!("{}.md", lesson.folder))).unwrap_or_default();
        for asked in ["lesson", "exercises", "reading"] {
            if !chapter.contains(&format!("{{{{#{asked} {}}}}}", lesson.name)) {
                wrong.push(format!("{}.md does not ask for {asked} of {}", lesson.folder, lesson.name));
            }
        }
        for command in lesson.primitives.iter().filter(|command| CATALOG.iter().all(|row| row.command != **command)) {
            wrong.push(format!("{}: the catalog has no command {command}", lesson.folder));
        }
    }
    for row in CATALOG {
        if let Some(folder) = row.lesson.filter(|folder| pack.lessons.iter().all(|lesson| lesson.folder != *folder)) {
            wrong.push(format!("boxlab {}: there is no lesson {folder}", row.command));
        }
        let teaching = pack.lessons.iter().filter(|lesson| lesson.primitives.iter().any(|name| name == row.command));
        let folders: Vec<&str> = teaching.map(|lesson| lesson.folder.as_str()).collect();
        if !folders.is_empty() && !row.lesson.is_some_and(|lesson| folders.contains(&lesson)) {
            wrong.push(format!(
                "boxlab {}: it is taught in {folders:?}, the catalog says {:?}",
                row.command, row.lesson
            ));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}
