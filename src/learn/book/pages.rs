//! The book without mdBook: a folder of pages that any browser shows, offline.
//!
//! They are the same chapters in the same order, with the same players, in a plainer dress: no
//! search, no themes but light and dark.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::markup::{escape, html};
use super::{Book, embedded};
use crate::catalog::CATALOG;
use crate::error::{Error, IoContext, Result};
use crate::kernel::nearest;

const PAGE: &str = include_str!("../../../book/page/page.html");
const STYLE: &str = include_str!("../../../book/page/page.css");
/// The page that one begins with.
pub const FIRST: &str = "index.html";

/// A line of the table of contents.
enum Entry {
    Part(String),
    Page(Page),
}

/// A page: its title, its file in `book/src` and among the pages.
struct Page {
    title: String,
    chapter: String,
    file: String,
}

impl Book {
    /// Writes all pages into a directory; its path is that of the first one.
    pub fn write_pages(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory).or_fail(|| format!("cannot make {}", directory.display()))?;
        let entries = self.contents()?;
        let pages: Vec<&Page> =
            entries.iter().filter_map(|entry| if let Entry::Page(page) = entry { Some(page) } else { None }).collect();
        put(&directory.join("pages.css"), STYLE)?;
        for (index, page) in pages.iter().enumerate() {
            let text = embedded::chapter(&page.chapter).unwrap_or_default();
            let text = included(text)
                .and_then(|text| self.expand(&text, &beside))
                .map_err(|error| Error::new(format!("in the chapter {}", page.chapter)).because(&error))?;
            let neighbours = [index.checked_sub(1), Some(index + 1)].map(|index| pages.get(index?).copied());
            put(&directory.join(&page.file), &self.page(page, &html(&text), &entries, neighbours))?;
        }
        Ok(())
    }

    /// As `SUMMARY.md` has it, without the lessons that this pack has not.
    fn contents(&self) -> Result<Vec<Entry>> {
        let summary = embedded::chapter("SUMMARY.md").ok_or_else(|| Error::new("the book has no table of contents"))?;
        let mut entries: Vec<Entry> = Vec::new();
        for line in summary.lines().skip(1) {
            if let Some(part) = line.strip_prefix("# ") {
                entries.push(Entry::Part(part.to_owned()));
            }
            let Some((title, file)) = line.split_once("](").filter(|_| line.contains('[')) else { continue };
            let (chapter, name) = (file.trim_end_matches(')').to_owned(), file.trim_end_matches(".md)"));
            let title = title.trim_start_matches(['-', ' ', '[']).to_owned();
            let first = !entries.iter().any(|entry| matches!(entry, Entry::Page(_)));
            match self.pack.lesson(name) {
                Ok(lesson) => {
                    entries.push(Entry::Page(Page {
                        title: lesson.title.clone(),
                        chapter,
                        file: format!("{name}.html"),
                    }));
                }
                Err(_) if first => entries.push(Entry::Page(Page { title, chapter, file: FIRST.to_owned() })),
                Err(_) => {}
            }
        }
        Ok(entries)
    }

    fn page(&self, page: &Page, content: &str, entries: &[Entry], neighbours: [Option<&Page>; 2]) -> String {
        let say = |key: &str| escape(&self.pack.phrases.say(key, &[]));
        let mut menu = String::new();
        for entry in entries {
            menu += &match entry {
                Entry::Part(title) => format!("<li class=\"part\">{}</li>\n", escape(title)),
                Entry::Page(other) => {
                    let now = if other.file == page.file { " aria-current=\"page\"" } else { "" };
                    format!("<li><a href=\"{}\"{now}>{}</a></li>\n", other.file, escape(&other.title))
                }
            };
        }
        let link = |page: Option<&Page>, relation: &str, key: &str| {
            page.map(|page| {
                format!("<a rel=\"{relation}\" href=\"{}\">{}: {}</a>\n", page.file, say(key), escape(&page.title))
            })
        };
        let [before, after] = neighbours;
        let turn = link(before, "prev", "book.previous").unwrap_or_default()
            + &link(after, "next", "book.next").unwrap_or_default();
        [
            ("{title}", escape(&page.title)),
            ("{book}", say("book.title")),
            ("{contents}", say("book.contents")),
            // The first page is where one chooses.
            ("{open}", if page.file == FIRST { " open".to_owned() } else { String::new() }),
            ("{menu}", menu),
            ("{turn}", turn),
            ("{turning}", say("book.turning")),
            ("{content}", content.to_owned()),
        ]
        .iter()
        .fold(PAGE.to_owned(), |text, (name, value)| text.replacen(name, value, 1))
    }

    /// The page that is meant by a command of the catalog, a lesson's name, or nothing.
    pub fn page_of(&self, words: &[String]) -> Result<String> {
        let wanted = words.join(" ");
        if wanted.is_empty() {
            return Ok(FIRST.to_owned());
        }
        let row = CATALOG.iter().find(|row| row.command == wanted);
        let lesson = match row {
            Some(row) => row.lesson.and_then(|folder| self.pack.lesson(folder).ok()),
            None => self.pack.lesson(&wanted).ok(),
        };
        if let Some(lesson) = lesson {
            return Ok(format!("{}.html", lesson.folder));
        }
        let error = Error::usage(format!("the book has no page '{wanted}'"));
        let commands = CATALOG.iter().filter(|row| row.lesson.is_some()).map(|row| row.command);
        let names = self.pack.lessons.iter().map(|lesson| lesson.name.as_str()).chain(commands);
        Err(match nearest(&wanted, names) {
            Some(near) => error.hint(format!("Did you mean '{near}'?")),
            None => error.hint("Name a lesson (`boxlab lesson ls`) or a command, such as `boxlab book ns uts`."),
        })
    }
}

/// `{{#include FILE}}` and `{{#include FILE:ANCHOR}}`, as mdBook has them.
fn included(text: &str) -> Result<String> {
    const OPEN: &str = "{{#include ";
    let mut out = String::new();
    for line in text.lines() {
        match line.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix("}}")) {
            Some(path) => {
                let (file, anchor) = path.split_once(':').map_or((path, None), |(file, anchor)| (file, Some(anchor)));
                let source = beside(file)?;
                out += &anchor.map_or(Ok(source.clone()), |anchor| anchored(&source, anchor, path))?;
            }
            None => {
                out += line;
                out.push('\n');
            }
        }
    }
    Ok(out)
}

fn beside(file: &str) -> Result<String> {
    let found = embedded::source(file).map(str::to_owned);
    found.ok_or_else(|| Error::new(format!("{file} is not in this binary")).hint("src/learn/sources.rs lists what is."))
}

fn anchored(source: &str, anchor: &str, path: &str) -> Result<String> {
    let is = |line: &&str, mark: &str| line.split_once(mark).is_some_and(|(_, name)| name.trim() == anchor);
    let after = source.lines().skip_while(|line| !is(line, "ANCHOR: ")).skip(1);
    let lines: Vec<&str> =
        after.take_while(|line| !is(line, "ANCHOR_END: ")).filter(|line| !line.contains("ANCHOR")).collect();
    if lines.is_empty() {
        return Err(Error::new(format!("there is no anchor {path}")));
    }
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}

/// Writes a file whole or not at all; a browser may be reading the old one.
fn put(path: &Path, text: &str) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("."))).or_fail(failed)?;
    file.write_all(text.as_bytes()).or_fail(failed)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).or_fail(failed)?;
    file.persist(path).map_err(|error| error.error).or_fail(failed).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{Book, FIRST};
    use crate::learn::Pack;

    #[test]
    fn a_page_is_found_by_command_or_lesson() {
        let book = Book { pack: Pack::open(None).expect("lessons"), recordings: None, html: true };
        let page = |words: &[&str]| book.page_of(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(page(&[]).expect("a page"), FIRST);
        for words in [&["ns", "uts"][..], &["uts"], &["01-uts"]] {
            assert_eq!(page(words).expect("a page"), "01-uts.html");
        }
        let error = page(&["ns", "utz"]).expect_err("no such page");
        assert_eq!((error.failure().status, error.failure().hint.as_deref()), (2, Some("Did you mean 'ns uts'?")));
    }

    #[test]
    fn every_page_can_be_made_from_what_is_embedded() {
        let book = Book { pack: Pack::open(None).expect("lessons"), recordings: None, html: true };
        let directory = tempfile::tempdir().expect("a directory");
        book.write_pages(directory.path()).expect("pages");
        for lesson in &book.pack.lessons {
            let page =
                std::fs::read_to_string(directory.path().join(format!("{}.html", lesson.folder))).expect("a page");
            assert!(page.contains("boxlab-run") && !page.contains("{{#"), "{}", lesson.folder);
        }
    }
}
