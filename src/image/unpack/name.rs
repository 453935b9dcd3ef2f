//! The names in a layer: which are accepted, and which mean something else than a file.
//!
//! A name that begins with `.wh.` removes: `.wh.passwd` hides the `passwd` of the layers below,
//! `.wh..wh..opq` hides all that they have in this directory. Names that begin with
//! `.wh..wh.` otherwise are aufs' own bookkeeping, of old.
//! See the OCI image specification, layer.md, "Representing Changes".

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};

/// Longer paths can't be used, longer names can't be made: limits.h, PATH_MAX and NAME_MAX.
const LONGEST_PATH: usize = 4095;
const LONGEST_NAME: usize = 255;
/// Deeper trees can't be walked without running out of descriptors.
const DEEPEST: usize = 256;

/// What an entry stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Name {
    /// A file, or the root of the layer: an empty path.
    File(PathBuf),
    /// Nothing is below this path.
    Whiteout(PathBuf),
    /// Nothing is below in this directory.
    Opaque(PathBuf),
    /// Bookkeeping: passed over.
    Internal,
}

impl Name {
    /// Understands the path of an entry.
    pub fn new(path: &[u8]) -> Result<Self> {
        let path = clean(path)?;
        let marked: Vec<&[u8]> = path.iter().map(OsStr::as_bytes).filter(|name| name.starts_with(b".wh.")).collect();
        let Some(first) = marked.first() else {
            return Ok(Self::File(path));
        };
        let directory = path.parent().unwrap_or(Path::new(""));
        let last = path.file_name().map(OsStr::as_bytes).unwrap_or_default();
        match last.strip_prefix(b".wh.") {
            Some(b".wh..opq") if marked.len() == 1 => Ok(Self::Opaque(directory.to_owned())),
            _ if first.starts_with(b".wh..wh.") => Ok(Self::Internal),
            Some(b"" | b"." | b"..") => Err(refused(&path, "it removes nothing that has a name", MALICIOUS)),
            Some(name) if marked.len() == 1 => Ok(Self::Whiteout(directory.join(OsStr::from_bytes(name)))),
            _ => Err(refused(&path, "it lies in a directory that only says that something is removed", MALICIOUS)),
        }
    }
}

/// What to do about what no honest tool writes.
pub const MALICIOUS: &str = "The layer is damaged or malicious; get the image from somebody you trust.";

/// A path of a layer, cleaned of `.` and trailing slashes. One that is absolute or climbs
/// up with `..` would stay inside all the same, but no honest tool writes such.
pub fn clean(bytes: &[u8]) -> Result<PathBuf> {
    let path = Path::new(OsStr::from_bytes(bytes));
    let mut clean = PathBuf::new();
    let mut depth = 0;
    for component in path.components() {
        match component {
            Component::Normal(name) if name.len() > LONGEST_NAME => {
                let why = format!("a name in it is {} bytes long, {LONGEST_NAME} at most are possible", name.len());
                return Err(refused(path, &why, MALICIOUS));
            }
            Component::Normal(name) => {
                depth += 1;
                clean.push(name);
            }
            Component::CurDir => {}
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => {
                return Err(refused(path, "it points out of the layer", MALICIOUS));
            }
        }
    }
    if bytes.contains(&0) {
        return Err(refused(path, "its name contains a zero byte", MALICIOUS));
    }
    if clean.as_os_str().len() > LONGEST_PATH || depth > DEEPEST {
        let why = format!("at most {LONGEST_PATH} bytes and {DEEPEST} directories are possible");
        return Err(refused(path, &why, MALICIOUS));
    }
    Ok(clean)
}

/// An entry that won't be unpacked: its name, the reason, and what to do.
pub fn refused(path: &Path, why: &str, hint: &str) -> Error {
    Error::new(format!("cannot unpack {}: {why}", shown(path))).hint(hint)
}

/// A path in a message: what would move the cursor or turn the text around is escaped, and of
/// a long one only the beginning is shown.
pub fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    let mut shown = String::new();
    for letter in text.chars().take(200) {
        match letter {
            '\'' | '"' | '\\' => shown.push(letter),
            other => shown.extend(other.escape_debug()),
        }
    }
    if text.chars().nth(200).is_some() {
        shown.push_str("...");
    }
    if shown.is_empty() { "the root of the layer".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::{Name, clean, shown};
    use std::path::Path;

    #[test]
    fn whiteouts_and_bookkeeping_are_told_apart() {
        let name = |path: &str| Name::new(path.as_bytes()).ok();
        assert_eq!(name("./a//b/"), Some(Name::File("a/b".into())));
        assert_eq!(name("./"), Some(Name::File("".into())));
        assert_eq!(name("a/.wh.b"), Some(Name::Whiteout("a/b".into())));
        assert_eq!(name(".wh..wh..opq"), Some(Name::Opaque("".into())));
        assert_eq!(name("a/.wh..wh..opq"), Some(Name::Opaque("a".into())));
        assert_eq!(name(".wh..wh.plnk/1.2"), Some(Name::Internal));
        assert_eq!(name(".wh..wh.aufs"), Some(Name::Internal));
        assert_eq!(name("a/.who"), Some(Name::File("a/.who".into())));
        for path in [".wh.", "a/.wh..", ".wh...", ".wh.a/b", ".wh.a/.wh.b", ".wh.a/.wh..wh..opq"] {
            assert_eq!(name(path), None, "{path}");
        }
    }

    #[test]
    fn limits_of_names() {
        assert!(clean("a".repeat(255).as_bytes()).is_ok());
        assert!(clean("a".repeat(256).as_bytes()).is_err());
        assert!(clean(format!("./{}", "a/".repeat(256)).as_bytes()).is_ok());
        assert!(clean("a/".repeat(257).as_bytes()).is_err());
        assert!(clean(format!("{}/", "a".repeat(200)).repeat(21).as_bytes()).is_err());
        assert!(clean(b"a\0b").is_err());
        assert!(clean(b"a\nb").is_ok());
    }

    #[test]
    fn a_message_shows_no_control_characters() {
        assert_eq!(shown(Path::new("a\n\u{1b}[31m'\u{202e}b")), "a\\n\\u{1b}[31m'\\u{202e}b");
    }
}
