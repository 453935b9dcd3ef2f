//! Files as another process sees them: beneath its root, whatever symbolic links say.
//! Reading changes nothing, so none of it is told. openat2(2), proc_pid_root(5)

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

/// No more of a file is read.
const MOST: u64 = 1 << 20;

/// What stat(2) says of a path beneath this root. The last name may be a symbolic link.
pub fn metadata(root: &Path, path: &Path) -> io::Result<Metadata> {
    File::from(open(root, path, OFlag::O_PATH | OFlag::O_NOFOLLOW)?).metadata()
}

/// The text of a regular file beneath this root, up to a mebibyte of it.
pub fn text(root: &Path, path: &Path) -> io::Result<String> {
    // A FIFO would make a reader wait.
    let file = File::from(open(root, path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY)?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The names in a directory beneath this root.
pub fn names(root: &Path, path: &Path) -> io::Result<Vec<String>> {
    let directory = open(root, path, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
    // Through the descriptor: by its path it could be another by now.
    let entries = std::fs::read_dir(format!("/proc/self/fd/{}", directory.as_raw_fd()))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

fn open(root: &Path, path: &Path, flags: OFlag) -> io::Result<OwnedFd> {
    let root = File::open(root)?;
    let resolve = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(resolve);
    Ok(openat2(root.as_fd(), path, how)?)
}

#[cfg(test)]
mod tests {
    use super::{names, text};
    use std::path::Path;

    #[test]
    fn a_link_does_not_lead_out_of_the_root() {
        let root = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(root.path().join("etc")).expect("a directory");
        std::fs::write(root.path().join("etc/hostname"), "inside").expect("a file");
        std::os::unix::fs::symlink("/etc/hostname", root.path().join("link")).expect("a link");
        assert_eq!(text(root.path(), Path::new("link")).ok().as_deref(), Some("inside"));
        assert_eq!(text(root.path(), Path::new("../../../etc/hostname")).ok().as_deref(), Some("inside"));
        assert_eq!(names(root.path(), Path::new("etc")).ok(), Some(vec!["hostname".to_owned()]));
        assert!(text(root.path(), Path::new("etc")).is_err());
    }
}
