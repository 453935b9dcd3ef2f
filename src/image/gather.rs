//! From the names of programs to a tree of files.
//!
//! A path is walked name by name, as the kernel does: each symlink met becomes
//! an entry and is followed, each directory becomes an entry, and the file at the
//! end is looked into: an ELF file asks for its loader and libraries, a script
//! for the program after `#!`. So the tree holds all that is needed to start
//! each program, at the very paths at which it is looked for.
//! It does *not* read the files' contents: that is `layer.rs`.
//! See path_resolution(7), execve(2).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use super::elf;
use super::layer::{Content, Node, Tree};
use super::loader::{self, Loader};
use super::sources::Sources;

/// As many symlinks the kernel follows in one path (path_resolution(7)).
const MOST_SYMLINKS: usize = 40;
/// As much of a script the kernel reads to find its interpreter (execve(2)).
const FIRST_LINE: usize = 256;

/// A tree in the making.
pub struct Gatherer {
    pub tree: Tree,
    pub sources: Sources,
    pub loader: Loader,
    /// What was left out, with the reason.
    pub gaps: Vec<Gap>,
    /// Where programs are searched.
    search: Vec<PathBuf>,
    examined: BTreeSet<PathBuf>,
}

/// Something that should be in the tree and is not.
#[derive(Debug, PartialEq)]
pub enum Gap {
    /// A file that this user may not read.
    Unreadable(PathBuf),
    /// A library or interpreter that is found nowhere, and the file that asks for it.
    Unresolved { name: OsString, wanted_by: PathBuf },
}

/// The entries that a path leads through, and the file at its end.
struct Walk {
    entries: Vec<(PathBuf, Metadata)>,
    end: PathBuf,
}

impl Gatherer {
    /// An empty tree; programs will be searched in `search`.
    pub fn new(search: Vec<PathBuf>) -> Self {
        let mut sources = Sources::default();
        Self {
            tree: Tree::new(),
            loader: Loader::new(&mut sources),
            sources,
            gaps: Vec::new(),
            search,
            examined: BTreeSet::new(),
        }
    }

    /// Where `program` is: a name is searched, a path is taken as it is.
    pub fn find(&mut self, program: &str) -> Option<PathBuf> {
        if program.contains('/') {
            let path = std::path::absolute(program).ok()?;
            return self.is_program(&path).then_some(path);
        }
        let mut directories = self.search.clone().into_iter();
        directories.find_map(|directory| {
            let path = directory.join(program);
            self.is_program(&path).then_some(path)
        })
    }

    fn is_program(&mut self, path: &Path) -> bool {
        let end = self.walk(path).and_then(|walk| walk.entries.into_iter().next_back());
        end.is_some_and(|(_, found)| found.is_file() && found.mode() & 0o111 != 0)
    }

    /// Adds a program and all that it needs to start. (A directory is added as it is.)
    pub fn program(&mut self, path: &Path) {
        let Some(end) = self.path(path) else { return };
        let is_file = self.sources.look(&end).is_some_and(|found| found.is_file());
        if !is_file || !self.examined.insert(end.clone()) {
            return;
        }
        match File::open(&end).and_then(|file| Ok((elf::read(&file)?, first_line(&file)?))) {
            Ok((Some(elf), _)) => self.libraries(&end, &elf),
            Ok((None, Some(line))) => self.interpreter(&line, &end),
            Ok((None, None)) => {}
            Err(_) => self.unreadable(end),
        }
    }

    /// Adds a file of any kind, and what its path leads through; where that ends.
    pub fn path(&mut self, path: &Path) -> Option<PathBuf> {
        let Walk { entries, end } = self.walk(path)?;
        for (path, metadata) in entries {
            if self.tree.contains_key(&path) {
                continue;
            }
            if let Some(node) = node(&path, &metadata) {
                self.tree.insert(path, node);
            }
        }
        Some(end)
    }

    /// Adds a file that is only data; without a word if it can't be read.
    pub fn data(&mut self, path: &Path) {
        if self.walk(path).is_some_and(|walk| File::open(walk.end).is_ok()) {
            self.path(path);
        }
    }

    /// Adds a directory and all that is in it.
    pub fn directory(&mut self, path: &Path) -> io::Result<()> {
        self.sources.look(path);
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => self.directory(&entry.path())?,
                false => self.data(&entry.path()),
            }
        }
        Ok(())
    }

    /// Adds a library that some program opens by its name at run time.
    pub fn opened_library(&mut self, name: &str) {
        let path = self.loader.find_for_shell(name, &mut self.sources);
        if let Some(path) = path {
            self.path(&path);
        }
    }

    fn libraries(&mut self, program: &Path, elf: &elf::Elf) {
        let closure = self.loader.closure(program, &mut self.sources);
        for library in closure.libraries {
            match File::open(&library) {
                Ok(_) => drop(self.path(&library)),
                Err(_) => self.unreadable(library),
            }
        }
        for (name, wanted_by) in closure.missing {
            self.gap(Gap::Unresolved { name, wanted_by });
        }
        if let Some(list) = loader::musl_path_file(elf) {
            self.data(&list);
        }
    }

    /// `#!/bin/sh -e` wants /bin/sh; `#!/usr/bin/env NAME` wants NAME as well.
    fn interpreter(&mut self, line: &[u8], script: &Path) {
        let line = OsString::from_vec(line.to_vec()).to_string_lossy().into_owned();
        let mut words = line.split_ascii_whitespace();
        let Some(interpreter) = words.next().map(Path::new) else {
            return;
        };
        let mut wanted = vec![interpreter.to_str().unwrap_or_default()];
        if interpreter.ends_with("env") {
            // env's own options and settings (NAME=value) stand before the program.
            wanted.extend(words.find(|word| !word.starts_with('-') && !word.contains('=')));
        }
        for name in wanted {
            match self.find(name) {
                Some(path) => self.program(&path),
                None => self.gap(Gap::Unresolved { name: name.into(), wanted_by: script.to_owned() }),
            }
        }
    }

    fn unreadable(&mut self, path: PathBuf) {
        self.tree.remove(&path);
        self.gap(Gap::Unreadable(path));
    }

    fn gap(&mut self, gap: Gap) {
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }

    /// Resolves an absolute path name by name. `None`: it leads nowhere.
    fn walk(&mut self, path: &Path) -> Option<Walk> {
        let mut walk = Walk { entries: Vec::new(), end: PathBuf::from("/") };
        let mut ahead: Vec<OsString> = Vec::new();
        push(&mut ahead, path);
        let mut symlinks = 0;
        while let Some(name) = ahead.pop() {
            if name == ".." {
                walk.end.pop();
                continue;
            }
            let here = walk.end.join(&name);
            let metadata = self.sources.look(&here)?;
            if metadata.is_symlink() {
                symlinks += 1;
                let target = fs::read_link(&here).ok().filter(|_| symlinks <= MOST_SYMLINKS)?;
                if target.is_absolute() {
                    walk.end = PathBuf::from("/");
                }
                push(&mut ahead, &target);
            } else if metadata.is_dir() || ahead.is_empty() {
                walk.end = here.clone();
            } else {
                return None; // a file is not a directory
            }
            walk.entries.push((here, metadata));
        }
        Some(walk)
    }
}

/// Puts the names of `path` on the pile of names to walk, the first on top.
fn push(ahead: &mut Vec<OsString>, path: &Path) {
    let named = |component: &Component<'_>| matches!(component, Component::Normal(_) | Component::ParentDir);
    let names = path.components().filter(named).rev();
    ahead.extend(names.map(|component| component.as_os_str().to_owned()));
}

/// The entry for a file of this machine. The setuid and setgid bits are dropped: in a
/// container one is root already, or must not become it.
fn node(path: &Path, metadata: &Metadata) -> Option<Node> {
    let own_mtime = u64::try_from(metadata.mtime()).unwrap_or(0);
    let (mode, mtime, content) = if metadata.is_dir() {
        (0o755, None, Content::Directory)
    } else if metadata.is_symlink() {
        let target = fs::read_link(path).ok()?;
        (0o777, Some(own_mtime), Content::Symlink(target))
    } else if metadata.is_file() {
        let is_program = metadata.mode() & 0o111 != 0;
        let mode = if is_program { 0o755 } else { 0o644 };
        (mode, Some(own_mtime), host_file(metadata))
    } else {
        return None;
    };
    Some(Node { mode, mtime, content })
}

fn host_file(metadata: &Metadata) -> Content {
    Content::Host { device: metadata.dev(), inode: metadata.ino(), links: metadata.nlink(), size: metadata.len() }
}

/// What follows `#!` in the first line; `None`: no script.
fn first_line(file: &File) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = [0; FIRST_LINE];
    let read = file.read_at(&mut bytes, 0)?;
    let line = bytes[..read].split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(line.strip_prefix(b"#!").map(<[u8]>::to_vec))
}

#[cfg(test)]
mod tests {
    use super::{Content, Gap, Gatherer};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    fn gatherer(search: &[&Path]) -> Gatherer {
        Gatherer::new(search.iter().map(|path| path.to_path_buf()).collect())
    }

    fn script(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o4755)).unwrap();
    }

    #[test]
    fn every_link_on_the_way_is_an_entry() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        fs::create_dir_all(place.join("usr/bin")).unwrap();
        script(&place.join("usr/bin/real"), "");
        symlink("usr/bin", place.join("bin")).unwrap();
        symlink(place.join("bin/real"), place.join("usr/bin/alternative")).unwrap();
        symlink("../bin/alternative", place.join("usr/bin/name")).unwrap();

        let mut gatherer = gatherer(&[&place.join("bin")]);
        let found = gatherer.find("name").unwrap();
        assert_eq!(found, place.join("bin/name"));
        gatherer.program(&found);
        for name in ["bin", "usr/bin/name", "usr/bin/alternative"] {
            let node = &gatherer.tree[&place.join(name)];
            assert!(matches!(node.content, Content::Symlink(_)), "{name}");
        }
        assert_eq!(gatherer.tree[&place.join("usr/bin/real")].mode, 0o755);
        assert!(matches!(gatherer.tree[&place].content, Content::Directory));
    }

    #[test]
    fn a_loop_of_links_leads_nowhere() {
        let place = tempfile::tempdir().unwrap();
        symlink("b", place.path().join("a")).unwrap();
        symlink("a", place.path().join("b")).unwrap();
        assert_eq!(gatherer(&[place.path()]).find("a"), None);
        assert_eq!(gatherer(&[place.path()]).find("missing"), None);
    }

    #[test]
    fn a_script_brings_its_interpreter() {
        let place = tempfile::tempdir().unwrap();
        let (one, two) = (place.path().join("one"), place.path().join("two"));
        script(&one, "#!/usr/bin/env -S NAME=1 two -x\n");
        script(&two, "#! /bin/sh\n");
        let mut gatherer = gatherer(&[place.path(), Path::new("/usr/bin")]);
        gatherer.program(&one);
        let shell = Path::new("/bin/sh").canonicalize().unwrap();
        let environment = Path::new("/usr/bin/env").canonicalize().unwrap();
        for path in [two, shell, environment] {
            assert!(gatherer.tree.contains_key(&path), "{path:?}");
        }
        assert_eq!(gatherer.gaps, []);
    }

    #[test]
    fn a_missing_interpreter_is_said() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("script");
        script(&path, "#!/no/such/shell\n");
        let mut gatherer = gatherer(&[]);
        gatherer.program(&path);
        let (name, wanted_by) = ("/no/such/shell".into(), PathBuf::from(&path));
        assert_eq!(gatherer.gaps, [Gap::Unresolved { name, wanted_by }]);
    }
}
