//! A directory that nothing written into it can leave.
//!
//! A layer is written by strangers: it may hold a symlink `lib -> /etc` and then a
//! file `lib/passwd`. Every path is therefore resolved by the kernel as if the directory
//! were the root (`walk.rs`), and its last name is never followed: what is made is new, with
//! O_EXCL, and attributes go to what was just made (`attributes.rs`).
//! Checking the path beforehand would *not* do, as it can change between the check and
//! the use (CVE-2021-30465); here the check and the use are one call.
//! Needs Linux 5.8, for whiteouts. See openat2(2), path_resolution(7), and the kernel's
//! Documentation/filesystems/overlayfs.rst.

mod attributes;
mod remove;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat, makedev, mkdirat, mknodat};
use nix::unistd::{linkat, symlinkat};

use self::attributes::Fresh;
pub use self::attributes::{Attributes, Time};
use self::walk::Walk;
use crate::error::{IoContext, Result};

/// What overlayfs takes for "what lies below this name is gone".
const WHITEOUT: u64 = makedev(0, 0);
/// What makes a directory opaque: the first one is read by an overlay that root mounts, the
/// second by one that is mounted in a user namespace (`userxattr`), which may not write the first.
const OPAQUE: [&CStr; 2] = [c"trusted.overlay.opaque", c"user.overlay.opaque"];

/// The directory.
pub struct Beneath {
    walk: Walk,
    /// What a new file is like before anything is set.
    fresh: Fresh,
    /// Directories get their attributes last, when nothing is put in them any more.
    directories: BTreeMap<PathBuf, Directory>,
    /// What makes a directory opaque for those who will mount it.
    marks: &'static [&'static CStr],
    whiteouts: BTreeSet<PathBuf>,
    opaque: BTreeSet<PathBuf>,
    implied: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Finished {
    /// Extended attributes that the filesystem can't hold.
    pub lost: u64,
    /// Directories that nobody has named.
    pub implied: Vec<PathBuf>,
    /// Names that hide what lies below, and are nothing else.
    pub whiteouts: u64,
    /// Directories that hide all that lies below.
    pub opaque: BTreeSet<PathBuf>,
}

/// A directory of the layer.
#[derive(Default)]
struct Directory {
    /// `None`: it had to be made, but has not been named yet.
    attributes: Option<Attributes>,
    /// The mode with which it was made, if it was made for these attributes.
    made: Option<Mode>,
}

/// A device or a named pipe.
#[derive(Debug, Clone, Copy)]
pub enum Node {
    /// Major and minor number.
    Character(u32, u32),
    /// Major and minor number.
    Block(u32, u32),
    /// fifo(7)
    Fifo,
}

impl Beneath {
    /// Opens the directory at `path`. If `trusted`, root will mount it, too: an overlay
    /// of a user namespace alone has no use for `trusted.` attributes.
    pub fn open(path: &Path, trusted: bool) -> Result<Self> {
        let root: OwnedFd = File::open(path).or_fail(|| format!("cannot open {}", path.display()))?.into();
        let fresh = Fresh::probe(&root);
        let directories = BTreeMap::from([(PathBuf::new(), Directory::default())]);
        let marks = if trusted { &OPAQUE[..] } else { &OPAQUE[1..] };
        let (whiteouts, opaque) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self { walk: Walk::new(root), fresh, directories, marks, whiteouts, opaque, implied: 0 })
    }

    /// How many directories had to be made before anybody named them.
    pub fn implied(&self) -> u64 {
        self.implied
    }

    /// Makes a directory, or takes the one that is there. It gets its attributes in
    /// the end, by [`Beneath::finish`]: filling it would change them again.
    pub fn directory(&mut self, path: &Path, attributes: Attributes) -> io::Result<()> {
        // It must be open to its owner for as long as it is filled.
        let mode = attributes.mode_at_first() | Mode::S_IRWXU;
        let made = (!path.as_os_str().is_empty() && self.make(path, mode)?).then_some(mode);
        self.directories.insert(path.to_owned(), Directory { attributes: Some(attributes), made });
        Ok(())
    }

    /// Makes a file; what had its name before is replaced. The content follows,
    /// and then [`Beneath::finish_file`].
    pub fn file(&mut self, path: &Path, attributes: &Attributes) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = attributes.mode_at_first();
        self.replacing(path, |parent, name| openat(parent, name, flags, mode)).map(File::from)
    }

    /// Gives a written file its attributes; how many of them the filesystem can't hold.
    pub fn finish_file(&self, file: &File, attributes: &Attributes) -> io::Result<u64> {
        attributes.set(file, &self.fresh, attributes.mode_at_first())
    }

    /// Makes a symlink. Its target is only text: it is resolved when it is used.
    pub fn symlink(&mut self, path: &Path, target: &OsStr, attributes: &Attributes) -> io::Result<u64> {
        self.replacing(path, |parent, name| symlinkat(target, parent, name))?;
        let fresh = self.fresh;
        let (parent, name) = self.place(path)?;
        attributes.set_at(parent, name, &fresh, None)
    }

    /// Makes a device or a named pipe.
    pub fn node(&mut self, path: &Path, node: Node, attributes: &Attributes) -> io::Result<u64> {
        let (kind, device) = match node {
            Node::Character(major, minor) => (SFlag::S_IFCHR, makedev(major.into(), minor.into())),
            Node::Block(major, minor) => (SFlag::S_IFBLK, makedev(major.into(), minor.into())),
            Node::Fifo => (SFlag::S_IFIFO, 0),
        };
        let mode = attributes.mode_at_first();
        self.replacing(path, |parent, name| mknodat(parent, name, kind, mode, device))?;
        let fresh = self.fresh;
        let (parent, name) = self.place(path)?;
        attributes.set_at(parent, name, &fresh, Some(mode))
    }

    /// Gives a file that is there already a second name. A symlink is not followed:
    /// it gets the second name itself. A directory can't have two: EPERM.
    pub fn hard_link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let from = self.walk.resolve(directory_of(target), OFlag::O_PATH)?;
        let file = name_of(target)?;
        let found = fstatat(&from, file, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        if is_whiteout(&found) {
            return Err(Errno::ENOENT.into());
        }
        if path == target {
            return Ok(()); // replacing it by itself would lose it
        }
        self.replacing(path, |parent, name| linkat(&from, file, parent, name, AtFlags::empty()))
    }

    /// Hides what a layer below has at `path`. What this layer has there itself stays, in
    /// whichever order they come; then a directory does not show what lies below.
    pub fn whiteout(&mut self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        match mknodat(parent, name, SFlag::S_IFCHR, Mode::empty(), WHITEOUT) {
            Err(Errno::EEXIST) => {}
            made => {
                made?;
                self.whiteouts.insert(path.to_owned());
                return Ok(());
            }
        }
        match kind(&fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW)?) {
            SFlag::S_IFDIR => self.opaque(path),
            _ => Ok(()),
        }
    }

    /// Hides all that layers below have in this directory.
    pub fn opaque(&mut self, directory: &Path) -> io::Result<()> {
        if self.walk.directory(directory).is_err() {
            self.imply(directory)?;
        }
        let opened = File::from(self.walk.resolve(directory, OFlag::O_RDONLY)?);
        let mut set = Err(Errno::ENOTSUP);
        for name in self.marks {
            // One of them must hold: without any, the directory would show what was removed.
            set = attributes::set_xattr(&opened, name, b"y").or(set);
        }
        self.opaque.insert(directory.to_owned());
        Ok(set?)
    }

    /// Gives all directories their attributes, the deepest first, so that one can be closed
    /// to its owner. Those that nobody has named get `otherwise`.
    pub fn finish(mut self, otherwise: &Attributes) -> Result<Finished> {
        let (mut lost, mut implied) = (0, Vec::new());
        for (path, directory) in std::mem::take(&mut self.directories).into_iter().rev() {
            let attributes = directory.attributes.as_ref().unwrap_or(otherwise);
            match self.finish_directory(&path, attributes, directory.made) {
                // It was removed by another name.
                Err(error) if is_gone(&error) => continue,
                other => lost += other.or_fail(|| format!("cannot set the mode, owner and time of {path:?}"))?,
            }
            if directory.attributes.is_none() {
                implied.push(path);
            }
        }
        implied.reverse();
        Ok(Finished { lost, implied, whiteouts: self.whiteouts.len() as u64, opaque: self.opaque })
    }

    /// Most directories need nothing but their time, and for that need not be opened.
    fn finish_directory(&mut self, path: &Path, attributes: &Attributes, made: Option<Mode>) -> io::Result<u64> {
        if path.as_os_str().is_empty() {
            return attributes.set(
                &File::from(self.walk.resolve(path, OFlag::O_RDONLY)?),
                &Fresh::unknown(),
                Mode::empty(),
            );
        }
        let (fresh, made) = made.map_or((Fresh::unknown(), Mode::empty()), |made| (self.fresh, made));
        let (parent, name) = (self.walk.directory(directory_of(path))?, name_of(path)?);
        if !attributes.needs_open(&fresh, made) {
            return attributes.set_at(parent, name, &fresh, None);
        }
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        attributes.set(&openat(parent, name, flags, Mode::empty())?.into(), &fresh, made)
    }

    /// Makes a directory; false if there is one already.
    fn make(&mut self, path: &Path, mode: Mode) -> io::Result<bool> {
        let (parent, name) = self.parent(path)?;
        match mkdirat(parent, name, mode) {
            Err(Errno::EEXIST) => {}
            made => return Ok(made.map(|()| true)?),
        }
        let found = fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        if kind(&found) == SFlag::S_IFDIR {
            return Ok(false);
        }
        self.replacing(path, |parent, name| mkdirat(parent, name, mode))?;
        // The layer removes what was there and has a directory of its own.
        if is_whiteout(&found) {
            self.opaque(path)?;
        }
        Ok(true)
    }

    /// Makes the directories that a path needs and that nobody has named. A file that is in
    /// the way stays, and so does a symlink that leads nowhere: that is an error.
    fn imply(&mut self, directory: &Path) -> io::Result<()> {
        let mut above: Vec<&Path> = directory.ancestors().filter(|path| !path.as_os_str().is_empty()).collect();
        above.reverse();
        for path in above {
            if let Err(error) = self.walk.directory(path) {
                let (parent, name) = self.place(path)?;
                match fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
                    Ok(found) if !is_whiteout(&found) => return Err(error),
                    _ => self.make(path, Mode::S_IRWXU)?,
                };
                self.implied += 1;
                self.directories.entry(path.to_owned()).or_default();
            }
        }
        Ok(())
    }

    /// The directory in which `path` lies, made where it is missing, and the last name.
    fn parent<'a>(&mut self, path: &'a Path) -> io::Result<(&OwnedFd, &'a OsStr)> {
        if self.walk.directory(directory_of(path)).is_err() {
            self.imply(directory_of(path))?;
        }
        self.place(path)
    }

    /// The directory in which `path` lies, and the last name.
    fn place<'a>(&mut self, path: &'a Path) -> io::Result<(&OwnedFd, &'a OsStr)> {
        Ok((self.walk.directory(directory_of(path))?, name_of(path)?))
    }

    /// Runs `make`; if the name is taken, removes what has it and tries once more.
    fn replacing<T>(&mut self, path: &Path, make: impl Fn(&OwnedFd, &OsStr) -> nix::Result<T>) -> io::Result<T> {
        let (parent, name) = self.parent(path)?;
        match make(parent, name) {
            Err(Errno::EEXIST) => {}
            other => return Ok(other?),
        }
        remove::remove(parent, name)?;
        self.forget(path);
        let (parent, name) = self.place(path)?;
        Ok(make(parent, name)?)
    }

    /// Something was removed: what is known of it and of all in it no longer holds,
    /// nor does any way that led through it, perhaps as a symlink of another name.
    fn forget(&mut self, path: &Path) {
        self.walk.forget();
        let gone = |known: &&PathBuf| known.starts_with(path);
        let directories = self.directories.range(path.to_owned()..).map(|known| known.0).take_while(gone);
        let whiteouts = self.whiteouts.range(path.to_owned()..).take_while(gone);
        let opaque = self.opaque.range(path.to_owned()..).take_while(gone);
        let gone: BTreeSet<PathBuf> = directories.chain(whiteouts).chain(opaque).cloned().collect();
        for path in gone {
            self.directories.remove(&path);
            self.whiteouts.remove(&path);
            self.opaque.remove(&path);
        }
    }
}

/// True if a layer says on its root that it hides all layers below. Overlayfs looks for that
/// in every directory but the root, so whoever stacks them leaves those below away.
pub fn is_opaque(layer: &Path) -> bool {
    OPAQUE.iter().any(|name| attributes::has_xattr(layer, name, b"y"))
}

fn directory_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn name_of(path: &Path) -> io::Result<&OsStr> {
    path.file_name().ok_or_else(|| Errno::EINVAL.into())
}

fn kind(found: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error().map(Errno::from_raw), Some(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP))
}

fn is_whiteout(found: &FileStat) -> bool {
    kind(found) == SFlag::S_IFCHR && found.st_rdev == WHITEOUT
}
