//! Archives that lie, files that are none, disks that are full.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::made::{self, Layout, Made, sha256, tar};
use crate::support::{Ran, boxlab, check, is_root, lacks, scratch};
use crate::{Outcome, Store, text, tool};

/// A layout with one image, and what an attacker makes of it.
fn attacked(name: &str, attack: impl FnOnce(&Layout)) -> (Store, Layout) {
    let mut layout = Layout::new(&scratch("hostile").join(name));
    layout.add("evil", &[(made::base(), made::base())], |_| ());
    attack(&layout);
    (Store::new(&format!("hostile/{name}-store")), layout)
}

pub fn hostile_archives() -> Outcome {
    let blob = |layout: &Layout, bytes: &[u8]| layout.path.join("blobs/sha256").join(sha256(bytes));
    let (store, layout) =
        attacked("content", |layout| fs::write(blob(layout, &made::base()), "other").expect("a file"));
    store.refused(
        &["load", "-i", text(&layout.path)],
        125,
        &["cannot load blobs/sha256/", "it should have the digest"],
    )?;
    let (store, layout) = attacked("missing", |layout| fs::remove_file(blob(layout, &made::base())).expect("a file"));
    store.refused(&["load", "-i", text(&layout.path)], 125, &["is missing", "not complete"])?;
    let (store, layout) = attacked("link", |layout| {
        let path = blob(layout, &made::base());
        fs::remove_file(&path).expect("a file");
        std::os::unix::fs::symlink("/etc/passwd", path).expect("a link");
    });
    store.refused(&["load", "-i", text(&layout.path)], 125, &["is missing"])?;

    let mut layout = Layout::new(&scratch("hostile").join("diff-id"));
    layout.add("evil", &[(made::base(), made::upper())], |_| ());
    let store = Store::new("hostile/diff-id-store");
    store.refused(&["load", "-i", text(&layout.path)], 125, &["damaged"])?;

    for (name, digest) in [("up", "sha256:../../../../etc/passwd"), ("kind", "md5:d41d8cd98f00b204e9800998ecf8427e")] {
        let (store, layout) = attacked(name, |layout| {
            edit(&layout.path.join("index.json"), |index| index["manifests"][0]["digest"] = digest.into())
        });
        store
            .refused(&["load", "-i", text(&layout.path)], 125, &["cannot understand index.json"])
            .or_else(|_| store.refused(&["load", "-i", text(&layout.path)], 125, &["digest"]))?;
        check(store.blobs().is_empty(), format!("{name}: nothing is stored"))?;
    }
    paths_lead_nowhere()
}

/// A docker-archive whose manifest names files outside, in every way.
fn paths_lead_nowhere() -> Outcome {
    let place = scratch("hostile");
    let secret = place.join("secret.tar");
    fs::write(&secret, made::base())?;
    let config = json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", sha256(&made::base()))]}});
    for layer in [text(&secret), "../secret.tar", "a/../../secret.tar", "link.tar", "hard.tar", "loop.tar"] {
        let manifest = json!([{"Config": "config.json", "RepoTags": ["evil"], "Layers": [layer]}]);
        let (config, manifest) = (config.to_string(), manifest.to_string());
        let archive = tar(&[
            Made::File("config.json", &config),
            Made::File("manifest.json", &manifest),
            Made::Symlink("link.tar", text(&secret)),
            Made::Link("hard.tar", "../secret.tar"),
            Made::Symlink("loop.tar", "loop.tar"),
            Made::File("../planted", "planted"),
            Made::File("/tmp/boxlab-planted", "planted"),
        ]);
        let file = place.join("evil.tar");
        fs::write(&file, archive)?;
        let store = Store::new("hostile/paths");
        let ran = store.run(&["load", "-i", text(&file)]);
        check(
            ran.status == 125 && (ran.stderr.contains("is missing") || ran.stderr.contains("too many links")),
            format!("{layer}: {ran:?}"),
        )?;
        check(store.out(&["images", "-q"])?.is_empty(), format!("{layer}: no image"))?;
    }
    check(!Path::new("/tmp/boxlab-planted").exists() && !place.join("planted").exists(), "nothing was planted")
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut document: Value = serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON");
    change(&mut document);
    fs::write(path, document.to_string()).expect("a file");
}

pub fn garbage() -> Outcome {
    let store = made::store("garbage");
    let place = scratch("garbage");
    let file = place.join("file");
    store.refused(&["load", "-i", "/no/such/file"], 125, &["cannot read /no/such/file", "ENOENT"])?;
    store.refused(&["load", "-i", "/proc"], 125, &["it holds no image"])?;
    store.refused(&["load"], 125, &["it holds no image"])?;
    fs::write(&file, made::base())?;
    store.refused(&["load", "-i", text(&file)], 125, &["it holds no image", "boxlab import"])?;
    for bytes in [
        b"garbage ".repeat(200),
        [&[0x1f, 0x8b][..], &[7; 500]].concat(),
        [&[0x28, 0xb5, 0x2f, 0xfd][..], &[7; 500]].concat(),
    ] {
        fs::write(&file, bytes)?;
        store.refused(&["load", "-i", text(&file)], 125, &["cannot read the archive"])?;
    }
    // Cut off at many places: refused each time, and the store stays as it was.
    let whole = place.join("whole.tar");
    store.out(&["save", "-o", text(&whole), "app"])?;
    let bytes = fs::read(&whole)?;
    let other = Store::new("garbage/cut");
    for part in 1..20 {
        fs::write(&file, &bytes[..bytes.len() * part / 21])?;
        let ran = other.run(&["load", "-i", text(&file)]);
        check(ran.status == 125 && ran.stderr.starts_with("boxlab: cannot"), format!("{part}: {ran:?}"))?;
        check(other.out(&["images", "-q"])?.is_empty(), format!("{part}: an image of half an archive"))?;
    }
    check(crate::names(&other.0.join("tmp")).is_empty(), "no work is left")
}

/// The store on a disk of one megabyte, in a mount namespace that goes with it.
pub fn no_space() -> Outcome {
    let place = scratch("no-space");
    let (disk, archive) = (place.join("disk"), place.join("root.tar"));
    fs::create_dir_all(&disk)?;
    let content = "x".repeat(4 << 20);
    fs::write(&archive, tar(&[Made::File("large", &content)]))?;
    let script = "mount -t tmpfs -o size=1m tmpfs \"$1\" && \"$2\" --root \"$1/store\" import \"$3\" large; echo status $?; ls \"$1\"/store/tmp; \"$2\" --root \"$1/store\" images -q";
    let user = if is_root() { &[][..] } else { &["--user", "--map-root-user"] };
    let boxlab = boxlab();
    let output = Command::new("unshare")
        .args(user)
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(&disk)
        .arg(boxlab.get_program())
        .arg(&archive)
        .output()?;
    let ran = Ran::from(output);
    if ran.stderr.contains("unshare") {
        return Err(lacks("a mount namespace"));
    }
    check(ran.stdout == "status 125\n", format!("nothing is left of it: {ran:?}"))?;
    check(ran.stderr.contains("ENOSPC") && ran.stderr.contains("No space is left at"), format!("{ran:?}"))
}

/// A store that its owner has closed to this user.
pub fn no_permission() -> Outcome {
    if is_root() {
        let people = crate::common::people::people();
        let other =
            people.into_iter().flatten().find(|person| person.other).ok_or_else(|| lacks("an ordinary user"))?;
        let ground = crate::common::place::Ground::new(env!("CARGO_BIN_EXE_boxlab"));
        let place = ground.place(&other, "no-permission");
        fs::write(place.home.join("root.tar"), made::base())?;
        let mut command = place.command_as_person(place.program());
        let ran = Ran::from(command.args(["--root", "/proc/1/store", "import", "root.tar", "x"]).output()?);
        check(ran.status == 125 && ran.stderr.starts_with("boxlab: cannot"), format!("{ran:?}"))?;
        let closed = scratch("no-permission");
        std::os::unix::fs::chown(&closed, Some(0), Some(0))?;
        tool("chmod", &["755", text(&closed)])?;
        let mut command = place.command_as_person(place.program());
        let ran =
            Ran::from(command.arg("--root").arg(closed.join("store")).args(["import", "root.tar", "x"]).output()?);
        return check(
            ran.status == 125 && ran.stderr.contains("EACCES") && ran.stderr.contains("--root"),
            format!("{ran:?}"),
        );
    }
    let store = made::store("no-permission");
    tool("chmod", &["555", text(&store.0), text(&store.oci())])?;
    let ran = store.run(&["tag", "app", "other"]);
    tool("chmod", &["755", text(&store.0), text(&store.oci())])?;
    check(ran.status == 125 && ran.stderr.contains("EACCES"), format!("{ran:?}"))
}
