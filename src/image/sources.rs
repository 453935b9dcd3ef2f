//! Which files were looked at, and what they looked like.
//!
//! The host image is good for as long as every file that went into it is what
//! it was, and every file that was looked for in vain is still missing. So the
//! recipe looks at files only through [`Sources`], which remembers, and
//! [`Sources::unchanged`] looks again: with stat(2) alone, no file is read.
//! It does *not* look into files: a program that is rewritten gets a
//! new ctime, and nothing but the kernel can set that.
//! See inode(7).

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What tells one state of a file from another: device, inode, size, and the
/// times of the last change of content (mtime) and of anything (ctime), in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp(u64, u64, u64, i64, i64);

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| seconds.wrapping_mul(1_000_000_000) + rest;
        Self(
            metadata.dev(),
            metadata.ino(),
            metadata.size(),
            nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        )
    }

    /// A directory changes whenever a name in it comes or goes. Where one is only
    /// walked through, what counts is that it is still the same directory.
    fn walked(metadata: &Metadata) -> Self {
        match metadata.is_dir() {
            true => Self(metadata.dev(), metadata.ino(), 0, 0, 0),
            false => Self::of(metadata),
        }
    }
}

/// Names that were looked for in one directory, in vain.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Missing {
    directory: PathBuf,
    /// As the directory was then; `None`: it did not exist.
    state: Option<Stamp>,
    /// Each followed by a slash, which no name contains. They are many, and seldom
    /// needed: so they are read back as one text.
    names: String,
}

/// Everything that was looked at.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Sources {
    found: Vec<(PathBuf, Stamp)>,
    missing: Vec<Missing>,
    /// Answers given so far: a file is asked for once, and is the same for all who ask.
    #[serde(skip)]
    answers: HashMap<PathBuf, Option<Metadata>>,
}

impl Sources {
    /// lstat(2) of `path`, remembered. `None`: there is no such file, or we may not know.
    pub fn look(&mut self, path: &Path) -> Option<Metadata> {
        if let Some(answer) = self.answers.get(path) {
            return answer.clone();
        }
        let answer = fs::symlink_metadata(path).ok().or_else(|| self.miss(path));
        if let Some(metadata) = &answer {
            self.found.push((path.to_owned(), Stamp::walked(metadata)));
        }
        self.answers.insert(path.to_owned(), answer.clone());
        answer
    }

    /// Notes that `path` is missing. Looks once more after noting the state of its
    /// directory, so that a file which comes in between is seen now or later.
    fn miss(&mut self, path: &Path) -> Option<Metadata> {
        let (directory, name) = (path.parent()?, path.file_name()?);
        let place = self.missing.iter().position(|missing| missing.directory == directory);
        let place = place.unwrap_or_else(|| {
            self.missing.push(Missing {
                directory: directory.to_owned(),
                state: state(directory),
                names: String::new(),
            });
            self.missing.len() - 1
        });
        let answer = fs::symlink_metadata(path).ok();
        if answer.is_none() {
            let names = &mut self.missing[place].names;
            names.push_str(&name.to_string_lossy());
            names.push('/');
        }
        answer
    }

    /// Whether all that was found is unchanged, and all that was missing still is.
    pub fn unchanged(&self) -> bool {
        let found = |(path, stamp): &(PathBuf, Stamp)| {
            fs::symlink_metadata(path).is_ok_and(|now| Stamp::walked(&now) == *stamp)
        };
        self.found.iter().all(found) && self.missing.iter().all(still_missing)
    }
}

/// A directory that did not change has no new names: one stat answers for all of them.
fn still_missing(missing: &Missing) -> bool {
    let absent = |name: &str| fs::symlink_metadata(missing.directory.join(name)).is_err();
    state(&missing.directory) == missing.state || missing.names.split_terminator('/').all(absent)
}

fn state(directory: &Path) -> Option<Stamp> {
    fs::metadata(directory).ok().map(|metadata| Stamp::of(&metadata))
}

#[cfg(test)]
mod tests {
    use super::Sources;
    use std::fs;
    use std::path::Path;

    fn looked_at(directory: &Path) -> Sources {
        fs::write(directory.join("here"), "1").unwrap();
        let mut sources = Sources::default();
        assert!(sources.look(&directory.join("here")).is_some());
        assert!(sources.look(&directory.join("missing")).is_none());
        assert!(sources.look(&directory.join("nowhere/at/all")).is_none());
        let text = serde_json::to_string(&sources).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn nothing_changed() {
        let directory = tempfile::tempdir().unwrap();
        assert!(looked_at(directory.path()).unchanged());
    }

    #[test]
    fn a_change_of_content_counts_and_so_does_removal() {
        let directory = tempfile::tempdir().unwrap();
        let sources = looked_at(directory.path());
        fs::write(directory.path().join("here"), "22").unwrap();
        assert!(!sources.unchanged());
        fs::remove_file(directory.path().join("here")).unwrap();
        assert!(!sources.unchanged());
    }

    #[test]
    fn what_was_missing_counts_when_it_comes() {
        let directory = tempfile::tempdir().unwrap();
        let sources = looked_at(directory.path());
        fs::write(directory.path().join("unrelated"), "").unwrap();
        assert!(sources.unchanged());
        fs::write(directory.path().join("missing"), "").unwrap();
        assert!(!sources.unchanged());
    }

    #[test]
    fn even_in_a_directory_that_was_missing() {
        let directory = tempfile::tempdir().unwrap();
        let sources = looked_at(directory.path());
        fs::create_dir_all(directory.path().join("nowhere/at")).unwrap();
        fs::write(directory.path().join("nowhere/at/all"), "").unwrap();
        assert!(!sources.unchanged());
    }
}
