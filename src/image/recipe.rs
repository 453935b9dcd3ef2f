//! What goes into the host image: the list of programs becomes a tree of files.
//!
//! What it builds: the tree (`gather.rs` finds what each program needs), with the
//! data and the made-up files of `base.rs`, and notes about what is not in it.
//! It does *not* write anything.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::base::{self, DEFAULT_PROGRAMS};
use super::gather::{Gap, Gatherer};
use super::layer::{Content, Node, Tree};
use super::ld_cache;
use super::sources::Sources;
use super::store::Progress;
use crate::error::{Error, Result};

/// What is not in the image, though it could be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// Programs of the default list that this machine does not have.
    pub missing: Vec<String>,
    /// Files that this user may not read.
    pub unreadable: Vec<PathBuf>,
    /// Libraries and interpreters that were found nowhere.
    pub unresolved: Vec<Unresolved>,
}

/// A library or interpreter that was found nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unresolved {
    /// The name in DT_NEEDED.
    pub name: String,
    /// The file that asks for it.
    pub wanted_by: PathBuf,
}

/// What will be in the image.
pub struct Contents {
    pub tree: Tree,
    pub sources: Sources,
    pub notes: Notes,
    /// PATH inside.
    pub path: String,
    pub shell: PathBuf,
    pub has_locale: bool,
}

/// Finds it all. If `strict`, whatever a program named by the user lacks is an error, as
/// it was asked for just now; otherwise it is only noted.
pub fn gather(
    named: &[String],
    strict: bool,
    search: Vec<PathBuf>,
    report: &mut dyn FnMut(Progress),
) -> Result<Contents> {
    let mut gatherer = Gatherer::new(search.clone());
    let mut programs = Programs::default();
    for program in named {
        programs.add(program, &mut gatherer, report);
        if strict {
            programs.complain(program, &gatherer, &search)?;
        }
    }
    for program in DEFAULT_PROGRAMS {
        programs.add(program, &mut gatherer, report);
    }
    let has_locale = add_data(&mut gatherer);
    let shell = shell(&mut gatherer);
    let path = inner_path(&search, &programs.directories);
    make_files(&mut gatherer, &path, &shell);
    Ok(Contents {
        notes: notes(programs.missing, gatherer.gaps),
        tree: gatherer.tree,
        sources: gatherer.sources,
        path,
        shell,
        has_locale,
    })
}

/// What became of the programs that were wanted.
#[derive(Default)]
struct Programs {
    /// Those found nowhere.
    missing: Vec<String>,
    /// The directories in which the others were found.
    directories: Vec<PathBuf>,
}

impl Programs {
    fn add(&mut self, program: &str, gatherer: &mut Gatherer, report: &mut dyn FnMut(Progress)) {
        match gatherer.find(program) {
            Some(path) => {
                self.directories.extend(path.parent().map(Path::to_owned));
                gatherer.program(&path);
            }
            None => self.missing.push(program.to_owned()),
        }
        let files = gatherer.tree.len();
        report(Progress::Found { files });
    }

    /// The error if the program added last is missing or lacks something.
    fn complain(&self, program: &str, gatherer: &Gatherer, search: &[PathBuf]) -> Result<()> {
        if !self.missing.is_empty() {
            return Err(no_such_program(program, search));
        }
        match gatherer.gaps.first() {
            Some(gap) => Err(incomplete(program, gap)),
            None => Ok(()),
        }
    }
}

fn no_such_program(program: &str, search: &[PathBuf]) -> Error {
    let searched = match program.contains('/') {
        true => "There is no executable file at that path.".into(),
        false => {
            let search: Vec<_> = search.iter().map(|one| one.to_string_lossy()).collect();
            format!("It was looked for in {}. Install it, or give its path.", search.join(":"))
        }
    };
    Error::new(format!("cannot put {program} into the host image: there is no such program")).hint(searched)
}

fn incomplete(program: &str, gap: &Gap) -> Error {
    let (why, hint) = match gap {
        Gap::Unreadable(path) => {
            (format!("you may not read {}", path.display()), "Leave it out, or run this as root.".to_owned())
        }
        Gap::Unresolved { name, wanted_by } => (
            format!("{} needs {}, which is not on this machine", wanted_by.display(), name.display()),
            format!("Does it run here? `ldd {}` shows what it lacks.", wanted_by.display()),
        ),
    };
    Error::new(format!("cannot put {program} into the host image: {why}")).hint(hint)
}

fn notes(missing: Vec<String>, gaps: Vec<Gap>) -> Notes {
    let mut notes = Notes { missing, ..Notes::default() };
    for gap in gaps {
        match gap {
            Gap::Unreadable(path) => notes.unreadable.push(path),
            Gap::Unresolved { name, wanted_by } => {
                notes.unresolved.push(Unresolved { name: name.to_string_lossy().into_owned(), wanted_by })
            }
        }
    }
    notes
}

/// Files that no header asks for. Whether the C.UTF-8 locale is among them.
fn add_data(gatherer: &mut Gatherer) -> bool {
    for path in base::FIXED_PATHS {
        gatherer.program(Path::new(path));
    }
    for library in base::OPENED_LIBRARIES {
        gatherer.opened_library(library);
    }
    for terminal in base::TERMINALS {
        for directory in base::TERMINFO {
            gatherer.data(&Path::new(directory).join(&terminal[..1]).join(terminal));
        }
    }
    gatherer.directory(Path::new(base::LOCALE)).is_ok()
}

/// bash where there is one, else sh.
fn shell(gatherer: &mut Gatherer) -> PathBuf {
    gatherer.find("bash").or_else(|| gatherer.find("sh")).unwrap_or("/bin/sh".into())
}

/// PATH inside: those directories that gave a program, and the standard ones; last, those of
/// programs that were given by a path.
fn inner_path(search: &[PathBuf], used: &[PathBuf]) -> String {
    let is_standard = |one: &PathBuf| base::STANDARD_PATH.iter().any(|path| one == Path::new(path));
    let inner = search.iter().filter(|one| used.contains(one) || is_standard(one));
    let given = used.iter().filter(|one| !search.contains(one) && !one.to_string_lossy().contains(':'));
    let mut path: Vec<String> = Vec::new();
    for directory in inner.chain(given).map(|one| one.to_string_lossy().into_owned()) {
        if !path.contains(&directory) {
            path.push(directory);
        }
    }
    path.join(":")
}

/// The files that are made up; last, so that nothing of the host stands in their place.
fn make_files(gatherer: &mut Gatherer, path: &str, shell: &Path) {
    for (directory, mode) in base::DIRECTORIES {
        put(&mut gatherer.tree, directory, *mode, Content::Directory);
    }
    let shell = shell.to_string_lossy();
    for (file, text) in base::MADE_FILES {
        let text = text.replace("@SHELL@", &shell).replace("@PATH@", path);
        put(&mut gatherer.tree, file, 0o644, Content::Made(text.into()));
    }
    put(&mut gatherer.tree, "/etc/mtab", 0o777, Content::Symlink("/proc/mounts".into()));
    if gatherer.find("vi").is_some() {
        let (file, text) = base::VIMRC;
        put(&mut gatherer.tree, file, 0o644, Content::Made(text.into()));
    }
    // The part of the loader's cache that is about libraries in the image.
    let tree = &gatherer.tree;
    if let Some(cache) = gatherer.loader.cache_of(|path| holds(tree, path)) {
        put(&mut gatherer.tree, ld_cache::PATH, 0o644, Content::Made(cache));
    }
}

fn put(tree: &mut Tree, path: &str, mode: u32, content: Content) {
    // Where the host has a symlink instead of a directory (/root -> /var/roothome), it stays.
    let path = Path::new(path);
    let is_link = |path: &Path| tree.get(path).is_some_and(|node| matches!(node.content, Content::Symlink(_)));
    let kept = match content {
        Content::Directory => path.ancestors().any(is_link),
        _ => path.ancestors().skip(1).any(is_link),
    };
    if !kept {
        tree.insert(path.to_owned(), Node { mode, mtime: None, content });
    }
}

/// Whether a path of the host is in the tree: /lib/x is, if /lib -> usr/lib and /usr/lib/x are.
fn holds(tree: &Tree, path: &Path) -> bool {
    let directory = path.parent().and_then(|directory| fs::canonicalize(directory).ok());
    directory.zip(path.file_name()).is_some_and(|(at, name)| tree.contains_key(&at.join(name)))
}
