//! `save`, `load` and `import`, against skopeo, podman and what Docker writes.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use libtest_mimic::Failed;
use serde_json::json;

use crate::made::{self, Layout, Made, gzip, listing, sha256, tar};
use crate::support::{check, needs_root_for, scratch};
use crate::{Outcome, Store, text, tool};

/// ID and names of all images, in order.
fn inventory(store: &Store) -> Result<Vec<String>, Failed> {
    let listed = store.out(&["images", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"])?;
    let mut lines: Vec<String> = listed.lines().map(str::to_owned).collect();
    lines.sort();
    Ok(lines)
}

pub fn what_is_saved_comes_back() -> Outcome {
    let store = made::store("comes-back");
    let (expected, tree) = (inventory(&store)?, listing(store.out(&["image", "export", "app"])?.as_bytes()));
    for format in ["docker-archive", "oci-archive", "oci-dir"] {
        let file = scratch("comes-back").join(format);
        store.out(&["save", "--format", format, "-o", text(&file), "app", "base:1"])?;
        let other = Store::new(&format!("comes-back/{format}-store"));
        let loaded = other.out(&["load", "-i", text(&file)])?;
        check(loaded == "Loaded image: app:latest\nLoaded image: base:1\n", format!("{format}: {loaded}"))?;
        check(inventory(&other)? == expected, format!("{format}: {:?}", inventory(&other)))?;
        let found = listing(other.out(&["image", "export", "app"])?.as_bytes());
        check(found == tree, format!("{format}: {found:?}"))?;
        if format != "docker-archive" {
            check(other.blobs() == store.blobs(), format!("{format}: byte by byte the same"))?;
        }
    }
    // By ID it has no name; through a pipe, and compressed.
    let id = store.out(&["inspect", "--format", "{{.Id}}", "app"])?;
    let bytes = gzip(store.run(&["save", id.trim()]).stdout.as_bytes());
    check(!bytes.is_empty(), "an archive of an image without a name")?;
    let file = scratch("comes-back").join("by-id.tar");
    store.out(&["save", "-o", text(&file), id.trim()])?;
    fs::write(&file, gzip(&fs::read(&file)?))?;
    let other = Store::new("comes-back/by-id");
    let mut command = crate::support::boxlab();
    let input = fs::File::open(&file)?;
    let output = command.env("BOXLAB_ROOT", &other.0).arg("load").stdin(Stdio::from(input)).output()?;
    check(String::from_utf8_lossy(&output.stdout) == format!("Loaded image ID: {}\n", id.trim()), format!("{output:?}"))
}

pub fn other_tools_read_what_is_saved() -> Outcome {
    let store = made::store("others-read");
    let place = scratch("others-read");
    let (docker, oci) = (place.join("docker.tar"), place.join("oci.tar"));
    store.out(&["save", "-o", text(&docker), "app", "base:1"])?;
    store.out(&["save", "--format", "oci-archive", "-o", text(&oci), "app"])?;
    let id = store.out(&["inspect", "--format", "{{.Id}}", "app"])?;
    let tree = listing(store.out(&["image", "export", "app"])?.as_bytes());
    for (from, name) in [
        (format!("docker-archive:{}:app:latest", text(&docker)), "docker"),
        (format!("oci-archive:{}", text(&oci)), "oci"),
    ] {
        let target = place.join(name);
        tool("skopeo", &["copy", "--quiet", &from, &format!("oci:{}:copied", text(&target))])?;
        let other = Store::new(&format!("others-read/{name}-store"));
        other.out(&["load", "-i", text(&target)])?;
        // On the way it writes another configuration; what it has read is ours.
        let config = tool("skopeo", &["inspect", "--config", "--raw", &from])?;
        check(
            format!("sha256:{}", sha256(config.as_bytes())) == id.trim(),
            format!("{name}: skopeo sees the same image: {config}"),
        )?;
        check(
            listing(other.out(&["image", "export", "copied"])?.as_bytes()) == tree,
            format!("{name}: and the same files"),
        )?;
    }
    needs_root_for("podman needs a user namespace with ranges otherwise")?;
    let root = place.join("podman");
    let podman = |words: &[&str]| {
        tool(
            "podman",
            &[&["--root", text(&root), "--runroot", text(&place), "--storage-driver", "vfs"], words].concat(),
        )
    };
    for file in [&docker, &oci] {
        podman(&["load", "-i", text(file)])?;
        let found = podman(&["images", "--no-trunc", "--format", "{{.ID}}"])?;
        check(found.contains(id.trim()), format!("podman loads it with its ID: {found}"))?;
        podman(&["rmi", "--all", "--force"])?;
    }
    Ok(())
}

pub fn what_other_tools_save_is_read() -> Outcome {
    let store = made::older_store("others-save");
    let place = scratch("others-save");
    let source = format!("oci:{}:docker.io/library/app:latest", text(&store.oci()));
    let id = store.out(&["inspect", "--format", "{{.Id}}", "app"])?;
    let tree = listing(store.out(&["image", "export", "app"])?.as_bytes());
    let mut files = Vec::new();
    for (kind, name) in [("docker-archive", "s-docker.tar"), ("oci-archive", "s-oci.tar"), ("oci", "s-dir")] {
        let file = place.join(name);
        tool("skopeo", &["copy", "--quiet", &source, &format!("{kind}:{}:example.com/app:3", text(&file))])?;
        files.push(file);
    }
    if crate::support::is_root() {
        let root = place.join("podman");
        let podman = |words: &[&str]| {
            tool(
                "podman",
                &[&["--root", text(&root), "--runroot", text(&place), "--storage-driver", "vfs"], words].concat(),
            )
        };
        podman(&["load", "-i", text(&files[0])])?;
        for format in ["docker-archive", "oci-archive"] {
            let file = place.join(format!("p-{format}.tar"));
            podman(&["save", "--format", format, "-o", text(&file), "example.com/app:3"])?;
            files.push(file);
        }
    }
    for file in files {
        let other = Store::new(&format!("others-save/{}-store", text(Path::new(file.file_name().expect("a name")))));
        let loaded = other.out(&["load", "-i", text(&file)])?;
        check(loaded == "Loaded image: example.com/app:3\n", format!("{}: {loaded}", file.display()))?;
        let found = other.out(&["inspect", "--format", "{{.Id}}", "example.com/app:3"])?;
        // What podman has loaded from a docker-archive it writes with another configuration.
        let converted = file.ends_with("p-oci-archive.tar");
        check(found == id || converted, format!("{}: {found}", file.display()))?;
        let found = listing(other.out(&["image", "export", "example.com/app:3"])?.as_bytes());
        check(found == tree, format!("{}: {found:?}", file.display()))?;
    }
    Ok(())
}

/// Before version 25 `docker save` wrote a directory a layer; since then an OCI layout with manifest.json.
pub fn dockers_older_and_newer_archives() -> Outcome {
    let place = scratch("dockers");
    let layers = [made::base(), made::upper()];
    let diff_ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", sha256(layer))).collect();
    let config = json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}});
    let config = config.to_string();
    let name = format!("{}.json", sha256(config.as_bytes()));
    let manifest =
        json!([{"Config": name, "RepoTags": ["old:1", "old:2"], "Layers": ["aaaa/layer.tar", "bbbb/layer.tar"]}]);
    let mut old = tar::Builder::new(Vec::new());
    for (name, bytes) in [
        ("aaaa/layer.tar", layers[0].as_slice()),
        ("aaaa/VERSION", b"1.0"),
        ("bbbb/layer.tar", &layers[1]),
        (&name, config.as_bytes()),
        ("manifest.json", manifest.to_string().as_bytes()),
        ("repositories", b"{}"),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        old.append_data(&mut header, name, bytes)?;
    }
    let file = place.join("old.tar");
    fs::write(&file, old.into_inner()?)?;
    let store = Store::new("dockers/old");
    let loaded = store.out(&["load", "-i", text(&file)])?;
    check(loaded == "Loaded image: old:1\nLoaded image: old:2\n", &loaded)?;
    let id = store.out(&["inspect", "--format", "{{.Id}}", "old:1"])?;
    check(id == format!("sha256:{}\n", sha256(config.as_bytes())), &id)?;

    let mut layout = Layout::new(&place.join("new"));
    let id = layout.add("latest", &[(made::base(), made::base())], |_| ());
    let index = fs::read_to_string(layout.path.join("index.json"))?;
    let index = index.replace(
        "\"annotations\":{",
        "\"annotations\":{\"io.containerd.image.name\":\"docker.io/library/new:latest\",",
    );
    fs::write(layout.path.join("index.json"), index)?;
    let manifest = json!([{"Config": format!("blobs/sha256/{}", &id[7..]), "RepoTags": ["new:latest"], "Layers": []}]);
    fs::write(layout.path.join("manifest.json"), manifest.to_string())?;
    let store = Store::new("dockers/new");
    let loaded = store.out(&["load", "-i", text(&layout.path)])?;
    check(loaded == "Loaded image: new:latest\n", &loaded)
}

pub fn whole_or_not_at_all() -> Outcome {
    let store = made::store("whole");
    let file = scratch("whole").join("images.tar");
    fs::write(&file, "precious")?;
    store.refused(&["save", "-o", text(&file), "nothing"], 125, &["no image 'nothing'"])?;
    let layer = store.oci().join("blobs/sha256").join(sha256(&made::base()));
    fs::write(&layer, tar(&[Made::File("x", "x")]))?;
    store.refused(&["save", "-o", text(&file), "app"], 125, &["it is damaged"])?;
    store.refused(&["image", "export", "-o", text(&file), "app"], 125, &["it is damaged"])?;
    check(fs::read_to_string(&file)? == "precious", "the old file is still there")?;
    let left: Vec<String> = crate::names(&scratch("whole")).into_iter().filter(|name| name.starts_with('.')).collect();
    check(left.is_empty(), format!("and nothing beside it: {left:?}"))?;
    store.refused(
        &["save", "-o", "/no/such/place/x.tar", "base:1"],
        125,
        &["cannot write /no/such/place/x.tar", "ENOENT"],
    )?;
    store.refused(&["save", "--format", "oci-dir", "base:1"], 2, &["-o DIR"])?;
    let full = scratch("whole").join("full");
    fs::create_dir_all(full.join("a/b"))?;
    fs::create_dir_all(full.join("c"))?;
    store.refused(&["save", "--format", "oci-dir", "-o", text(&full), "base:1"], 125, &["something is in it already"])
}

pub fn import() -> Outcome {
    let store = Store::new("import");
    let place = scratch("import");
    let (plain, compressed) = (place.join("root.tar"), place.join("root.tar.gz"));
    fs::write(&plain, made::base())?;
    fs::write(&compressed, gzip(&made::base()))?;
    let id = store.out(&["import", "-c", "CMD [\"sh\"]", "-c", "ENV A=1", "-m", "by hand", text(&plain), "mine:1"])?;
    let found = store.out(&["inspect", "--format", "{{.Id}} {{json .Config.Cmd}} {{.Comment}}", "mine:1"])?;
    check(found == format!("{} [\"sh\"] by hand\n", id.trim()), &found)?;
    store.out(&["image", "import", text(&compressed), "mine:2"])?;
    let layer = |name: &str| store.out(&["inspect", "--format", "{{index .RootFS.Layers 0}}", name]);
    check(layer("mine:1")? == format!("sha256:{}\n", sha256(&made::base())), "the layer is the archive")?;
    check(layer("mine:1")? == layer("mine:2")?, "whether compressed or not")?;
    check(
        tool("skopeo", &["inspect", &format!("oci:{}:docker.io/library/mine:1", text(&store.oci()))])?
            .contains("amd64")
            || cfg!(not(target_arch = "x86_64")),
        "others read it",
    )?;
    let mut command = crate::support::boxlab();
    let output =
        command.env("BOXLAB_ROOT", &store.0).args(["import", "-"]).stdin(fs::File::open(&compressed)?).output()?;
    check(output.stdout.starts_with(b"sha256:"), format!("from a pipe, without a name: {output:?}"))?;
    store.refused(&["import", "-c", "RUN x", text(&plain)], 2, &["RUN can't stand here", "CMD"])?;
    store.refused(&["import", text(&plain), "host"], 2, &["'host' can't be given"])?;
    store.refused(&["import", "/no/such/file"], 125, &["cannot read /no/such/file", "ENOENT"])?;
    fs::write(&plain, "no archive at all, but long enough that it could be one".repeat(50))?;
    store.refused(&["import", text(&plain)], 125, &["cannot import", "tar archive"])?;
    fs::write(&plain, "")?;
    store.refused(&["import", text(&plain)], 125, &["there is nothing in it"])
}
