//! What survives a power cut.
//!
//! The kernel keeps what is written in memory for a while, and writes it to the disk in an
//! order of its own: after a power cut a file may have its new name and no content. So a file is
//! written beside its place, put on the disk with fsync(2), and only then renamed;
//! and then the directory, which holds the name, is put on the disk as well.
//! See fsync(2), rename(2).

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::error::{IoContext, Result};

/// So many files are put on the disk at a time.
const AT_ONCE: usize = 8;

/// Writes a file so that at any moment the old one or the new one is there, whole: written
/// beside, put on the disk, then renamed; and the directory, which holds the name, after it.
pub fn write_whole(scratch: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let doing = || format!("cannot write {}", path.display());
    let name = path.file_name().unwrap_or_default();
    let beside = scratch.join(name);
    fs::write(&beside, bytes).or_fail(doing)?;
    File::open(&beside).and_then(|file| file.sync_all()).or_fail(doing)?;
    fs::rename(&beside, path).or_fail(doing)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Puts the names in a directory on the disk.
pub fn sync_directory(directory: &Path) -> Result<()> {
    File::open(directory)
        .and_then(|file| file.sync_all())
        .or_fail(|| format!("cannot write {} to the disk", directory.display()))
}

/// Puts a whole tree on the disk. One syncfs(2) would do, but it waits for everything that
/// anybody has written: after a large compilation that takes a second. Several
/// fsync(2) at once share the disk's flushes, and so take no longer than one after all.
pub fn sync_tree(root: &Path) -> Result<()> {
    let doing = || format!("cannot write {} to the disk", root.display());
    let mut paths = vec![root.to_owned()];
    list(root, &mut paths).or_fail(doing)?;
    let next = AtomicUsize::new(0);
    let work = || -> io::Result<()> {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            File::open(path)?.sync_all()?;
        }
        Ok(())
    };
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    for result in results {
        result.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())).or_fail(doing)?;
    }
    Ok(())
}

/// All files and directories below; symlinks are part of their directory.
fn list(directory: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), paths)?;
        }
        if kind.is_dir() || kind.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{sync_tree, write_whole};
    use std::fs;

    #[test]
    fn a_file_is_replaced_whole() {
        let place = tempfile::tempdir().unwrap();
        let (scratch, path) = (place.path().join("work"), place.path().join("file"));
        fs::create_dir(&scratch).unwrap();
        for text in ["old", "new"] {
            write_whole(&scratch, &path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
    }

    #[test]
    fn a_tree_with_links_to_nowhere_is_synced() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("a/b")).unwrap();
        fs::write(place.path().join("a/b/file"), "x").unwrap();
        std::os::unix::fs::symlink("/nowhere", place.path().join("a/link")).unwrap();
        sync_tree(place.path()).unwrap();
    }
}
