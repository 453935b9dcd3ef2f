//! Removes what a container or a lab left in its own directory.

use std::io;
use std::path::Path;

/// Removes a tree whatever the modes of its directories; overlayfs leaves a
/// `work/work` that not even its owner may list. A tree that is gone is no error.
pub fn remove_tree(root: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(root);
            std::fs::remove_dir_all(root)
        }
        other => other,
    }
}

/// Gives the owner access to every directory; never follows a symbolic link.
fn open_up(directory: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let _ = std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700));
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}
