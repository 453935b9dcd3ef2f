//! An image as one tree: `image export`, `image unpack`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::common::people::people;
use crate::common::place::Ground;
use crate::made::{self, Layout, Made, listing, tar};
use crate::support::{Ran, check, needs_root_for, scratch};
use crate::{Outcome, Store, text, tool};

pub fn export_is_what_a_container_sees() -> Outcome {
    let store = made::store("export");
    let bytes = store.out(&["image", "export", "app"])?;
    let found = listing(bytes.as_bytes());
    let expected = [
        ("bin", "Directory 755 0 "),
        ("bin/program", "Regular 644 0 changed\n"),
        ("bin/sh", "Symlink 644 0 /bin/program"),
        ("etc", "Directory 750 0 "),
        // Its other name is deleted: the content is still there.
        ("etc/motd.old", "Regular 644 0 hello\n"),
        ("lib", "Directory 755 0 "),
        ("lib/library", "Regular 644 0 library\n"),
        ("new", "Regular 644 0 new\n"),
        ("srv", "Regular 640 1000 owned\n"),
        ("top", "Regular 644 0 top\n"),
        ("usr", "Directory 755 0 "),
        ("usr/lib", "Directory 755 0 "),
        ("var", "Directory 755 0 "),
        ("var/cache", "Directory 711 0 "),
        ("var/cache/c", "Regular 644 0 c\n"),
    ];
    let expected: BTreeMap<String, String> = expected.map(|(path, what)| (path.to_owned(), what.to_owned())).into();
    check(found == expected, format!("{found:#?}"))?;
    let base = listing(store.out(&["image", "export", "base:1"])?.as_bytes());
    check(base["etc/motd.old"] == "Link 644 0 etc/motd", format!("{base:?}"))?;
    let file = scratch("export").join("root.tar");
    store.out(&["image", "export", "-o", text(&file), "app"])?;
    check(fs::read(&file)? == bytes.as_bytes(), "into a file the same")?;
    // GNU tar reads it, extended attributes and all.
    let listed = tool("tar", &["--xattrs", "-tvvf", text(&file)])?;
    check(listed.contains("x:") && listed.contains("user.kind"), &listed)
}

/// What is in a directory: path, and everything that is the same for everybody.
fn tree(root: &Path, owners: bool) -> BTreeMap<String, String> {
    fn walk(root: &Path, directory: &Path, owners: bool, tree: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(directory).expect("a directory").flatten() {
            let path = entry.path();
            let found = path.symlink_metadata().expect("a file");
            let content = match (found.is_symlink(), found.is_file()) {
                (true, _) => fs::read_link(&path).expect("a link").display().to_string(),
                (_, true) => fs::read_to_string(&path).expect("text"),
                _ => String::new(),
            };
            let owner = if owners { format!("{}:{}", found.uid(), found.gid()) } else { String::new() };
            let links = if found.is_dir() { 0 } else { found.nlink() };
            let what = format!("{:o} {owner} {links} {} {content}", found.mode(), found.mtime());
            tree.insert(path.strip_prefix(root).expect("below").display().to_string(), what);
            if found.is_dir() {
                walk(root, &path, owners, tree);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, owners, &mut found);
    found
}

/// An image with what every unpacker must do alike: umoci puts layers over one another in one tree,
/// so that symlinks of lower layers would be followed, and hard links keep their partners.
fn plain_image(place: &Path) -> Layout {
    let lower = tar(&[
        Made::Directory("./", 0o755),
        Made::Directory("bin/", 0o755),
        Made::File("bin/program", "program\n"),
        Made::Link("bin/same", "bin/program"),
        Made::Symlink("bin/sh", "program"),
        Made::Directory("etc/", 0o755),
        Made::File("etc/gone", "gone\n"),
        Made::Directory("tmp/", 0o1777),
        Made::Directory("old/", 0o755),
        Made::File("old/file", "old\n"),
        Made::Owned("srv", 1000, 0o4755, ("user.kind", "test")),
        Made::Fifo("pipe"),
    ]);
    let upper = tar(&[
        Made::Directory("etc/", 0o700),
        Made::File("etc/.wh.gone", ""),
        Made::File("etc/new", "new\n"),
        Made::Directory("old/", 0o755),
        Made::File("old/.wh..wh..opq", ""),
        Made::File("old/fresh", "fresh\n"),
    ]);
    let mut layout = Layout::new(&place.join("layout"));
    layout.add("image", &[(lower.clone(), lower), (made::gzip(&upper), upper)], |_| ());
    layout
}

pub fn unpack_is_what_umoci_unpacks() -> Outcome {
    needs_root_for("umoci gives files away")?;
    let place = scratch("unpack");
    let layout = plain_image(&place);
    let store = Store::new("unpack");
    store.out(&["load", "-i", text(&layout.path)])?;
    let (ours, theirs) = (place.join("ours"), place.join("theirs"));
    store.out(&["image", "unpack", "image", text(&ours)])?;
    tool("umoci", &["raw", "unpack", "--image", &format!("{}:image", text(&layout.path)), text(&theirs)])?;
    let (ours, theirs) = (tree(&ours, true), tree(&theirs, true));
    for path in ours.keys().chain(theirs.keys()) {
        check(
            ours.get(path) == theirs.get(path),
            format!("{path}: ours {:?}, umoci's {:?}", ours.get(path), theirs.get(path)),
        )?;
    }
    check(ours.len() == 11, format!("{:?}", ours.keys()))?;
    let again = store.run(&["image", "unpack", "image", text(&place.join("ours"))]);
    check(again.status == 125 && again.stderr.contains("something is in it already"), format!("{again:?}"))?;
    store.refused(&["image", "unpack", "nothing", text(&place.join("x"))], 125, &["no image 'nothing'"])?;
    check(!place.join("x").exists(), "a wrong name makes nothing")
}

/// As root, as a user with ranges of ids and as one without: the same tree, but for the owners.
pub fn everybody_can_unpack() -> Outcome {
    let ground = Ground::new(env!("CARGO_BIN_EXE_boxlab"));
    let layout = plain_image(&scratch("everybody"));
    tool("chmod", &["-R", "a+rX", text(&scratch("everybody"))])?;
    let archive = ground.boxlab().with_file_name("image.tar");
    let packed = tool("tar", &["-cf", text(&archive), "-C", text(&layout.path), "."])?;
    check(packed.is_empty(), packed)?;
    let mut trees = Vec::new();
    for person in people().into_iter().flatten() {
        let place = ground.place(&person, "unpack");
        for words in [
            &["load", "-i", text(&archive)][..],
            &["image", "unpack", "image", "tree"],
            &["image", "export", "image", "-o", "image.tar"],
        ] {
            let ran = Ran::from(place.boxlab(words).output()?);
            check(ran.status == 0, format!("{}: {words:?}: {ran:?}", person.label()))?;
        }
        trees.push((person.label(), tree(&place.home.join("tree"), false)));
        for words in [&["image", "prune", "-af"][..], &["cleanup", "--yes"]] {
            let ran = Ran::from(place.boxlab(words).output()?);
            check(ran.status == 0, format!("{}: {words:?}: {ran:?}", person.label()))?;
        }
    }
    let (first, expected) = trees.first().ok_or("nobody is here")?;
    for (person, found) in &trees {
        check(
            found == expected,
            format!("{person} has unpacked something else than {first}: {found:?}, not {expected:?}"),
        )?;
    }
    Ok(())
}
