//! Layers made for the purpose, honest and hostile.
#![cfg(test)]

use super::{Options, unpack_verified};
use crate::error::Result;
use crate::image::digest;
use proptest::prelude::*;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// One entry: path, kind, and the target of a link or the content of a file.
type Made<'a> = (&'a str, EntryType, &'a str);

/// Writes names as they are: the tar crate would refuse the bad ones.
fn archive(entries: &[Made<'_>]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (path, kind, text) in entries {
        let mut header = Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(if *kind == EntryType::Directory { 0o750 } else { 0o640 });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000);
        let content = if *kind == EntryType::Regular { *text } else { "" };
        if content.is_empty() {
            header.set_link_name_literal(text).unwrap();
        }
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn try_unpack(entries: &[Made<'_>], directory: &Path) -> Result<()> {
    let bytes = archive(entries);
    unpack_verified(bytes.as_slice(), &digest::of(&bytes), directory, &Options::default(), &mut |_| {}).map(drop)
}

fn refused(entries: &[Made<'_>]) -> String {
    let directory = tempfile::tempdir().unwrap();
    try_unpack(entries, directory.path()).unwrap_err().to_string()
}

#[test]
fn each_kind_of_entry_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    try_unpack(
        &[
            ("d/", EntryType::Directory, ""),
            ("d/file", EntryType::Regular, "content"),
            ("d/link", EntryType::Symlink, "/nowhere"),
            ("second", EntryType::Link, "d/file"),
            ("missing/parents/file", EntryType::Regular, "x"),
        ],
        directory.path(),
    )
    .unwrap();
    assert_eq!(fs::read_to_string(path("second")).unwrap(), "content");
    assert_eq!(fs::read_link(path("d/link")).unwrap(), Path::new("/nowhere"));
    let (file, parent) = (path("d/file").metadata().unwrap(), path("d").metadata().unwrap());
    assert_eq!((file.nlink(), file.mtime(), parent.mtime()), (2, 1_000_000, 1_000_000));
    assert_eq!(file.permissions().mode() & 0o7777, 0o640);
    assert_eq!(parent.permissions().mode() & 0o7777, 0o750);
    assert_eq!(path("missing/parents").metadata().unwrap().permissions().mode() & 0o7777, 0o755);
}

#[test]
fn a_later_entry_replaces_an_earlier_one() {
    let directory = tempfile::tempdir().unwrap();
    try_unpack(
        &[
            ("a", EntryType::Symlink, "elsewhere"),
            ("a", EntryType::Regular, "new"),
            ("b", EntryType::Symlink, "elsewhere"),
            ("b/", EntryType::Directory, ""),
        ],
        directory.path(),
    )
    .unwrap();
    assert_eq!(fs::read_to_string(directory.path().join("a")).unwrap(), "new");
    assert!(directory.path().join("b").symlink_metadata().unwrap().is_dir());
}

#[test]
fn paths_out_of_the_layer_are_refused() {
    for path in ["../x", "/etc/x", "a/../../x", ".."] {
        let message = refused(&[(path, EntryType::Regular, "x")]);
        assert!(message.contains("points out of the layer"), "{path}: {message}");
    }
    let message = refused(&[("link", EntryType::Link, "/etc/passwd")]);
    assert!(message.contains("points out of the layer"), "{message}");
    let message = refused(&[("link", EntryType::Link, "../passwd")]);
    assert!(message.contains("points out of the layer"), "{message}");
}

/// Symlinks that point outside, used as directories by later entries: all end inside.
#[test]
fn symlinks_lead_nowhere_outside() {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("layer");
    for target in ["..", "../..", outer.path().to_str().unwrap(), "/"] {
        fs::create_dir(&inner).unwrap();
        let entries = [
            ("out", EntryType::Symlink, target),
            ("out/planted", EntryType::Regular, "x"),
            ("again", EntryType::Symlink, "out"),
            ("again/planted2", EntryType::Regular, "x"),
            ("again/d/", EntryType::Directory, ""),
        ];
        let _ = try_unpack(&entries, &inner); // a target that is not inside is an error
        let left: Vec<_> = fs::read_dir(outer.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{target}");
        fs::remove_dir_all(&inner).unwrap();
    }
    assert!(!Path::new("/planted").exists());
}

#[test]
fn what_it_does_not_know_it_names() {
    let message = refused(&[("volume", EntryType::new(b'V'), "")]);
    assert!(message.contains("unknown kind (tar type 'V')"), "{message}");
}

#[test]
fn a_layer_with_another_digest_is_refused() {
    let bytes = archive(&[("file", EntryType::Regular, "content")]);
    let directory = tempfile::tempdir().unwrap();
    let result = unpack_verified(&bytes[..], &digest::of(b"other"), directory.path(), &Options::default(), &mut |_| {});
    assert!(result.unwrap_err().to_string().contains("has the digest"));
}

fn path(parts: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(parts), 1..4).prop_map(|parts| parts.join("/"))
}

/// Few names, so that entries meet each other; now and then one that is refused.
fn hostile_entry() -> impl Strategy<Value = (String, EntryType, String)> {
    let inside = || path(&["a", "b", "way", "x\ny"]);
    let name = prop_oneof![20 => inside(), 4 => path(&["a", "way", ".wh.a", ".wh.way", ".wh..wh..opq"]), 1 => path(&["..", "a", "/"])];
    let kinds = [EntryType::Regular, EntryType::Directory, EntryType::Symlink, EntryType::Link, EntryType::Fifo];
    let outer = ["OUTSIDE", "OUTSIDE/canary", "../outside", "../../outside", "/", "/proc/self/cwd"].map(String::from);
    let target = prop_oneof![proptest::sample::select(outer.to_vec()), inside(), path(&["..", "way", "a"])];
    (name, proptest::sample::select(kinds.to_vec()), target)
}

/// What is beside the layer: names, contents, modes, times, numbers of links.
fn beside(outside: &Path) -> Vec<String> {
    let canary = outside.join("canary");
    let paths = [outside.parent().unwrap(), outside, &canary];
    let seen = paths.map(|path| {
        let seen = path.metadata().unwrap();
        format!("{:o} {} {} {}", seen.mode(), seen.nlink(), seen.mtime(), seen.mtime_nsec())
    });
    let names = [outside.parent().unwrap(), outside].map(|path| {
        let mut names: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        format!("{names:?}")
    });
    [&seen[..], &names, &[fs::read_to_string(canary).unwrap()]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_layer_changes_what_is_beside_it(entries in proptest::collection::vec(hostile_entry(), 1..12)) {
        let place = tempfile::tempdir().unwrap();
        let outside = place.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("canary"), "sings").unwrap();
        let layer = place.path().join("layer");
        fs::create_dir(&layer).unwrap();
        let before = beside(&outside);
        let absolute = |target: &str| target.replace("OUTSIDE", outside.to_str().unwrap());
        let entries: Vec<_> = entries.into_iter().map(|(path, kind, link)| (path, kind, absolute(&link))).collect();
        let made: Vec<Made<'_>> = entries.iter().map(|(path, kind, link)| (path.as_str(), *kind, link.as_str())).collect();
        let result = try_unpack(&made, &layer);
        prop_assert_eq!(beside(&outside), before, "{:?} {:?}", entries, result);
    }

    /// What is no archive is an error, and nothing worse.
    #[test]
    fn damaged_archives_are_errors(position in 0_usize..4096, value in any::<u8>()) {
        let mut bytes = archive(&[
            ("d", EntryType::Directory, ""),
            ("d/file", EntryType::Regular, "content"),
            ("d/link", EntryType::Symlink, "file"),
        ]);
        let position = position % bytes.len();
        bytes[position] = value;
        let directory = tempfile::tempdir().unwrap();
        let _ = unpack_verified(&bytes[..], &digest::of(&bytes), directory.path(), &Options::default(), &mut |_| {});
    }
}

/// A layer that hides all below has that on its root, where overlayfs does not look.
#[test]
fn an_opaque_root_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    assert!(!crate::kernel::is_opaque(directory.path()));
    try_unpack(&[(".wh..wh..opq", EntryType::Regular, "")], directory.path()).unwrap();
    assert!(crate::kernel::is_opaque(directory.path()));
}

#[test]
fn what_is_used_and_not_named_is_told() {
    let entries: [Made<'_>; 4] = [
        ("a/b/file", EntryType::Regular, "x"),
        ("c/", EntryType::Directory, ""),
        ("c/d/", EntryType::Directory, ""),
        ("a", EntryType::Directory, ""),
    ];
    let directory = tempfile::tempdir().unwrap();
    let bytes = archive(&entries);
    let unpacked = super::unpack(&bytes[..], directory.path(), &Options::default(), &mut |_| {}).unwrap();
    assert_eq!(unpacked.implied, [Path::new(""), Path::new("a/b")]);
}

/// What has gone does not come back to an entry of that name.
#[test]
fn a_directory_that_was_replaced_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    try_unpack(
        &[
            ("a/", EntryType::Directory, ""),
            ("a/b/", EntryType::Directory, ""),
            ("a/b/c", EntryType::Regular, "old"),
            ("a", EntryType::Regular, "between"),
            ("a/", EntryType::Directory, ""),
            ("a/b/c", EntryType::Regular, "new"),
        ],
        directory.path(),
    )
    .unwrap();
    let mode = |path: &str| directory.path().join(path).metadata().unwrap().mode() & 0o7777;
    assert_eq!((mode("a"), mode("a/b")), (0o750, 0o755));
    assert_eq!(fs::read_to_string(directory.path().join("a/b/c")).unwrap(), "new");
}

/// What is used without being named fills the disk's table of files just as well.
#[test]
fn implied_directories_count() {
    let bytes = archive(&[("a/b/c/d/file", EntryType::Regular, "x")]);
    let unpack = |max_entries| {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { max_entries, ..Options::default() };
        super::unpack(&bytes[..], directory.path(), &options, &mut |_| {}).map_err(|error| error.to_string())
    };
    assert_eq!(unpack(5).unwrap().entries, 1);
    assert_eq!(unpack(4).unwrap_err(), "cannot unpack a/b/c/d/file: the layer has more than 4 entries");
}

#[test]
fn little_may_follow_the_end() {
    let bytes = archive(&[("file", EntryType::Regular, "x")]);
    let unpack = |more| {
        let directory = tempfile::tempdir().unwrap();
        let padded = bytes.as_slice().chain(std::io::repeat(0).take(more));
        super::unpack(padded, directory.path(), &Options::default(), &mut |_| {}).map_err(|error| error.to_string())
    };
    // One block of the end is part of it already.
    assert_eq!(unpack((1 << 20) - 512).unwrap().files, 1);
    assert!(unpack((1 << 20) - 511).unwrap_err().contains("more than 1048576 bytes follow the end"));
    assert!(unpack(u64::MAX).unwrap_err().contains("more than 1048576 bytes follow the end"));
}

/// Each symlink is a step further down, so that no path is long.
#[test]
fn symlinks_into_the_depth_end_somewhere() {
    let deep = |steps: usize| {
        let path = |step: usize| match step {
            0 => "d/".repeat(40),
            step => format!("s{}/{}", step - 1, "d/".repeat(40)),
        };
        let made: Vec<_> = (0..steps).map(|step| (path(step), format!("s{step}"))).collect();
        let entries: Vec<Made<'_>> = made
            .iter()
            .flat_map(|(path, link)| [(&**path, EntryType::Directory, ""), (&**link, EntryType::Symlink, &**path)])
            .collect();
        let directory = tempfile::tempdir().unwrap();
        try_unpack(&entries, directory.path())
    };
    deep(12).unwrap();
    let error = deep(13).unwrap_err();
    assert!(
        error.to_string().contains("cannot unpack s11/d/d/") && error.to_string().contains("ENAMETOOLONG"),
        "{error}"
    );
    assert!(error.failure().hint.is_some());
}

/// Only that counts which hides something of the layers below, in whichever order they come.
#[test]
fn whiteouts_of_what_the_layer_brings_do_not_count() {
    let entries: [Made<'_>; 7] = [
        (".wh.gone", EntryType::Regular, ""),
        (".wh.a", EntryType::Regular, ""),
        ("a", EntryType::Regular, "x"),
        ("b", EntryType::Regular, "x"),
        (".wh.b", EntryType::Regular, ""),
        ("c/", EntryType::Directory, ""),
        (".wh.c", EntryType::Regular, ""),
    ];
    let directory = tempfile::tempdir().unwrap();
    let bytes = archive(&entries);
    let unpacked = super::unpack(&bytes[..], directory.path(), &Options::default(), &mut |_| {}).unwrap();
    assert_eq!((unpacked.whiteouts, unpacked.opaque, unpacked.opaque_root), (1, 1, false));
}
