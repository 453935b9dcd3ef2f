//! What goes, and what stays: `rmi`, `image prune`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use libtest_mimic::Failed;

use crate::made::{self, Layout};
use crate::support::{check, lacks, scratch};
use crate::{Outcome, Store, names, text};

pub fn layers_are_shared() -> Outcome {
    let store = made::store("shared");
    // Two manifests, two configurations, three layers.
    check(store.blobs().len() == 7, format!("the common layer is there once: {:?}", store.blobs()))?;
    let base = made::sha256(&made::base());
    let gone = store.out(&["rmi", "app"])?;
    check(gone.starts_with("Untagged: app:latest\n") && gone.matches("Deleted: sha256:").count() == 4, &gone)?;
    check(store.blobs().len() == 3 && store.blobs().contains(&base), "the other image keeps the layer")?;
    check(store.out(&["image", "export", "base:1"])?.contains("hello"), "and is whole")?;
    store.out(&["tag", "base:1", "second"])?;
    let untagged = store.out(&["image", "rm", "base:1"])?;
    check(untagged == "Untagged: base:1\n" && store.blobs().len() == 3, &untagged)?;
    let id = store.out(&["images", "-q"])?.trim().to_owned();
    store.out(&["tag", "second", "third"])?;
    store.refused(&["rmi", &id], 125, &["several names: second:latest, third:latest", "--force"])?;
    check(store.blobs().len() == 3, "nothing was removed")?;
    store.out(&["rmi", "-f", &id])?;
    check(store.blobs().is_empty(), "all is gone")?;
    store.refused(&["rmi", "second"], 125, &["no image 'second'"])?;
    // One that is not there does not spare the others.
    let store = made::store("shared-2");
    store.refused(&["rmi", "nothing", "app", "base:1"], 125, &["no image 'nothing'"])?;
    check(store.blobs().is_empty(), "the others are gone")
}

/// Writes down what `run` writes down: who uses which image.
fn user(store: &Store, image: &str) -> Result<(), Failed> {
    let id = store.out(&["inspect", "--format", "{{.Id}}", image])?;
    let ledger = store.0.join("state/ledger");
    fs::create_dir_all(&ledger)?;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let start = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(19)).unwrap_or_default();
    let owner = format!(r#"{{"process":{{"pid":{},"start":{start}}},"command":"boxlab run"}}"#, std::process::id());
    let name = store.0.join("state/names/web");
    let items = [
        serde_json::json!({"image": id.trim()}).to_string(),
        serde_json::json!({"name": {"file": name, "id": "0123456789ab"}}).to_string(),
    ];
    fs::write(ledger.join("0123456789ab.jsonl"), format!("{owner}\n{}\n{}\n", items[0], items[1]))?;
    Ok(())
}

pub fn an_image_in_use_stays() -> Outcome {
    let store = made::store("in-use");
    user(&store, "app")?;
    let before = store.blobs();
    store.refused(&["rmi", "app"], 125, &["container web uses it", "--force"])?;
    store.out(&["image", "prune", "-af"])?;
    let left = store.out(&["images", "--format", "{{.Repository}}"])?;
    check(left == "app\n", format!("prune leaves what is used: {left}"))?;
    let forced = store.out(&["rmi", "-f", "app"])?;
    check(forced.starts_with("Untagged: app:latest") && !forced.contains("Deleted"), &forced)?;
    store.out(&["image", "prune", "-f"])?;
    check(store.blobs().len() == before.len() - 2, "its blobs stay, the other image's are gone")?;
    fs::remove_dir_all(store.0.join("state"))?;
    let freed = store.out(&["image", "prune", "-f"])?;
    check(freed.contains("Total reclaimed space: ") && store.blobs().is_empty(), &freed)
}

/// A real one, with files of other owners: those of a user's container only its own root can remove.
pub fn a_container_holds_its_image() -> Outcome {
    let store = Store::new("holds");
    let place = scratch("holds");
    let busybox = fs::read("/bin/busybox").map_err(|_| lacks("/bin/busybox (package busybox-static)"))?;
    let archive = place.join("root.tar");
    fs::write(&archive, made::busybox(&busybox))?;
    store.out(&["import", "-c", "CMD [\"sh\"]", text(&archive), "busybox"])?;
    let mut command = store.command(&["-q", "run", "-i", "--name", "web", "busybox", "sh", "-c", "echo up; cat"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line)?;
    if line != "up\n" {
        let output = child.wait_with_output()?;
        return Err(format!("the container did not start: {output:?}").into());
    }
    let unpacked = || -> usize {
        names(&store.0.join("fresh")).iter().map(|boot| names(&store.0.join("fresh").join(boot)).len()).sum::<usize>()
            + names(&store.0.join("layers")).len()
    };
    check(unpacked() == 1, "its layer is unpacked")?;
    store.refused(&["rmi", "busybox"], 125, &["container web uses it", "--force"])?;
    store.out(&["image", "prune", "-af"])?;
    store.out(&["tag", "busybox", "other"])?;
    let id = store.out(&["images", "-q", "busybox"])?;
    store.refused(&["rmi", "-f", id.trim()], 125, &["container web uses it"])?;
    store.out(&["rmi", "other"])?;
    check(unpacked() == 1 && store.blobs().len() == 3, "nothing of it is removed")?;
    drop(child.stdin.take());
    check(child.wait()?.success(), "it ends when its input does")?;
    store.out(&["rmi", "busybox"])?;
    check(unpacked() == 0 && store.blobs().is_empty(), "then it can go, layer and all")
}

pub fn prune() -> Outcome {
    let store = made::store("prune");
    let blobs = store.oci().join("blobs/sha256");
    let orphan = made::sha256(b"orphan");
    fs::write(blobs.join(&orphan), "orphan")?;
    let stray = store.0.join("layers").join("0".repeat(64));
    let old = store.0.join("fresh/0123/").join("1".repeat(64));
    for layer in [&stray, &old] {
        fs::create_dir_all(layer)?;
        fs::write(layer.join("file"), "x".repeat(1000))?;
    }
    let leftover = store.0.join("tmp/work-dead");
    fs::create_dir_all(&leftover)?;
    fs::write(leftover.join("half"), "x".repeat(1000))?;
    let listed = store.out(&["images"])?;

    store.refused(&["image", "prune"], 125, &["no terminal to ask on", "--force"])?;
    check(blobs.join(&orphan).exists(), "nothing is removed without asking")?;

    let said = store.out(&["image", "prune", "--force"])?;
    check(said.contains(&format!("Deleted: sha256:{orphan}\n")), &said)?;
    check(said.ends_with("Total reclaimed space: 3.01kB\n"), &said)?;
    check(
        !blobs.join(&orphan).exists() && !stray.exists() && !old.exists() && !leftover.exists(),
        "what nobody needs",
    )?;
    check(store.out(&["images"])? == listed && store.blobs().len() == 7, "images with names stay")?;
    check(store.out(&["image", "prune", "-f"])? == "Total reclaimed space: 0B\n", "then there is nothing left to do")?;

    store.out(&["image", "prune", "-af"])?;
    check(store.blobs().is_empty(), "with --all they go, too")?;
    let names = names(&store.0);
    check(!names.iter().any(|name| name == "tmp" && !crate::names(&store.0.join("tmp")).is_empty()), "no work is left")
}

pub fn prune_chooses() -> Outcome {
    let store = made::store("prune-chooses");
    let mut layout = Layout::new(&store.0.with_file_name("recent"));
    layout.add("recent", &[], |config| {
        config["created"] = "2099-01-01T00:00:00Z".into();
        config["config"]["Labels"] = serde_json::json!({"keep": "yes"});
    });
    store.out(&["load", "-i", text(&layout.path)])?;
    let left = || store.out(&["images", "--format", "{{.Repository}}"]).map(|text| text.replace('\n', " "));
    store.out(&["image", "prune", "-af", "--filter", "until=2020-06-01"])?;
    check(left()? == "recent app ", left()?)?;
    store.out(&["image", "prune", "-af", "--filter", "label=nothing"])?;
    check(left()? == "recent app ", left()?)?;
    store.out(&["image", "prune", "-af", "--filter", "label!=keep"])?;
    check(left()? == "recent ", left()?)?;
    store.out(&["image", "prune", "-af", "--filter", "until=1h"])?;
    check(left()? == "recent ", left()?)?;
    store.refused(&["image", "prune", "-af", "--filter", "until=yesterday"], 2, &["'yesterday' is no time"])
}

pub fn a_damaged_image_can_go() -> Outcome {
    let store = made::store("damaged");
    let digest = store.out(&["inspect", "--format", "{{.Descriptor.digest}}", "app"])?;
    fs::write(store.oci().join("blobs/sha256").join(digest.trim().trim_start_matches("sha256:")), "{}")?;
    store.refused(&["inspect", "app"], 125, &["it is damaged", "another digest"])?;
    store.refused(&["image", "prune", "-f"], 125, &["it is damaged"])?;
    check(store.blobs().len() == 7, "what it needs can't be told, so nothing goes")?;
    store.out(&["rmi", "app"])?;
    check(store.out(&["images", "--format", "{{.Repository}}"])? == "base\n", "the other one is left")?;
    store.out(&["image", "prune", "-f"])?;
    check(store.blobs().len() == 3, format!("and its blobs alone: {:?}", store.blobs()))
}

pub fn a_lab_holds_its_image() -> Outcome {
    let store = Store(scratch("lab-in-use"));
    store.out(&["image", "host", "sh", "cat"])?;
    let mut command = store.command(&["mount", "pivot", "--", "/bin/sh", "-c", "echo up; cat"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line)?;
    let refused = store.refused(&["rmi", "host"], 125, &["uses it"]);
    drop(child.stdin.take());
    let output = child.wait_with_output()?;
    check(line == "up\n" && output.status.success(), format!("the lab did not run: {output:?}"))?;
    refused?;
    store.out(&["rmi", "host"]).map(drop)
}
