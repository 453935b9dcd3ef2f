//! What there is: `images`, `inspect`, `history`, `image layers`, `image diff`.

use serde_json::Value;

use crate::made::{self, Layout};
use crate::support::{check, scratch};
use crate::{Outcome, Store, text, tool};

/// Compares with the recording of that name.
fn recorded(name: &str, text: &str) -> Outcome {
    let compared = std::panic::catch_unwind(|| {
        insta::with_settings!({snapshot_path => "../../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name, text);
        });
    });
    check(compared.is_ok(), format!("{name} differs from its recording"))
}

pub fn an_empty_store_has_a_header() -> Outcome {
    let store = Store::new("empty");
    for words in [&["images"][..], &["image", "ls"], &["image", "list", "-a"]] {
        let listed = store.out(words)?;
        check(listed == "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n", format!("{words:?}: {listed}"))?;
    }
    check(
        store.out(&["images", "-q"])?.is_empty() && store.out(&["images", "--format", "json"])?.is_empty(),
        "nothing",
    )?;
    check(!store.0.join("oci").exists(), "looking makes nothing")
}

pub fn lists() -> Outcome {
    let store = made::store("lists");
    let age = "table {{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{.CreatedAt}}\\t{{.Size}}";
    recorded("images", &store.out(&["images", "--format", age])?)?;
    let table = store.out(&["images", "--digests"])?;
    let header = table.lines().next().unwrap_or_default();
    check(header.split_whitespace().eq("REPOSITORY TAG DIGEST IMAGE ID CREATED SIZE".split(' ')), &table)?;
    check(table.contains(" years ago") && table.contains("<none>"), &table)?;
    let ids = store.out(&["images", "-q"])?;
    let whole = store.out(&["images", "-q", "--no-trunc"])?;
    check(ids.lines().all(|id| id.len() == 12) && ids.lines().count() == 2, &ids)?;
    check(
        whole
            .lines()
            .zip(ids.lines())
            .all(|(whole, id)| whole == format!("sha256:{}", &whole[7..]) && whole[7..].starts_with(id)),
        &whole,
    )?;
    for line in store.out(&["image", "ls", "--format", "json"])?.lines() {
        let row: Value = serde_json::from_str(line)?;
        check(row["Repository"].is_string() && row["ID"].is_string() && row["Size"].is_string(), line)?;
    }
    let named = store.out(&["images", "base", "--format", "{{.Repository}}:{{.Tag}}"])?;
    check(named == "base:1\n", &named)?;
    store.refused(&["images", "--format", "{{.Nmae}}"], 2, &["column 3", "there is no field 'Nmae'"])?;
    store.refused(&["images", "--format", "{{.Tag"], 2, &["never closed"])
}

pub fn filters() -> Outcome {
    let store = made::store("filters");
    let mut layout = Layout::new(&store.0.with_file_name("second"));
    layout.add("app", &[(made::base(), made::base())], |config| config["created"] = "2022-01-01T00:00:00Z".into());
    // The name moves; the image that had it stays without one.
    store.out(&["load", "-i", text(&layout.path)])?;
    let listed = |filters: &[&str]| -> Result<String, libtest_mimic::Failed> {
        let mut words = vec!["images", "--format", "{{.Repository}}:{{.Tag}}"];
        filters.iter().for_each(|filter| words.extend(["--filter", filter]));
        Ok(store.out(&words)?.lines().collect::<Vec<_>>().join(" "))
    };
    for (filters, expected) in [
        (&[][..], "app:latest <none>:<none> base:1"),
        (&["dangling=true"], "<none>:<none>"),
        (&["dangling=false"], "app:latest base:1"),
        (&["reference=b*"], "base:1"),
        (&["reference=*:latest"], "app:latest"),
        (&["reference=x"], ""),
        (&["label=kind"], "app:latest <none>:<none> base:1"),
        (&["label=kind=other"], ""),
        (&["before=app"], "<none>:<none> base:1"),
        (&["since=base:1", "dangling=false"], "app:latest"),
    ] {
        let found = listed(filters)?;
        check(found == expected, format!("{filters:?}: {found}"))?;
    }
    store.refused(&["images", "-f", "colour=red"], 2, &["no filter 'colour'", "dangling"])?;
    store.refused(&["images", "-f", "dangling"], 2, &["KEY=VALUE"])?;
    store.refused(&["images", "-f", "before=nothing"], 125, &["no image 'nothing'"])
}

pub fn inspect() -> Outcome {
    let store = made::store("inspect");
    let whole: Value = serde_json::from_str(&store.out(&["inspect", "app", "base:1"])?)?;
    let image = &whole[0];
    check(whole.as_array().is_some_and(|list| list.len() == 2), "one object an image")?;
    check(image["RepoTags"] == serde_json::json!(["app:latest"]), image.to_string())?;
    check(image["Config"]["Cmd"] == serde_json::json!(["app"]) && image["Os"] == "linux", image.to_string())?;
    check(image["RootFS"]["Layers"].as_array().is_some_and(|layers| layers.len() == 3), image.to_string())?;
    let base = format!("sha256:{}", made::sha256(&made::base()));
    check(image["RootFS"]["Layers"][0] == base.as_str(), "diff IDs")?;
    for (format, expected) in [
        ("{{.Architecture}}/{{.Os}}", format!("{}/linux\n", image["Architecture"].as_str().unwrap_or_default())),
        ("{{json .Config.Env}}", "[\"PATH=/bin\",\"A=1\"]\n".to_owned()),
        ("{{index .RootFS.Layers 0}}", base + "\n"),
        ("{{range .Config.Env}}{{println .}}{{end}}", "PATH=/bin\nA=1\n\n".to_owned()),
        ("{{range $port, $none := .Config.ExposedPorts}}{{$port}}{{end}}", "80/tcp\n".to_owned()),
    ] {
        let found = store.out(&["image", "inspect", "--format", format, "app"])?;
        check(found == expected, format!("{format}: {found}"))?;
    }
    // Those that there are are shown, whatever else was asked for.
    let ran = store.run(&["inspect", "app", "nothing"]);
    check(
        ran.status == 125 && ran.stdout.contains("app:latest") && ran.stderr.contains("no image 'nothing'"),
        format!("{ran:?}"),
    )
}

pub fn history() -> Outcome {
    let store = made::store("history");
    let format = "table {{.ID}}\\t{{.CreatedAt}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}";
    recorded("image-history", &store.out(&["history", "--format", format, "app"])?)?;
    let ids = store.out(&["history", "-q", "app"])?;
    check(ids.lines().count() == 4 && ids.lines().skip(1).all(|id| id == "<missing>"), &ids)
}

pub fn the_stack() -> Outcome {
    let store = made::store("stack");
    recorded("image-layers", &store.out(&["image", "layers", "app"])?)?;
    let layers: Value = serde_json::from_str(&store.out(&["image", "layers", "--format", "json", "app"])?)?;
    let numbers = |key: &str| -> Vec<u64> {
        layers.as_array().into_iter().flatten().flat_map(|layer| layer[key].as_u64()).collect()
    };
    check(numbers("files") == [12, 6, 2] && numbers("whiteouts") == [0, 2, 0], layers.to_string())?;
    check(layers[0]["shared_with"] == serde_json::json!(["base:1"]), layers.to_string())
}

pub fn where_a_file_comes_from() -> Outcome {
    let store = made::store("file");
    let mut told = String::new();
    for path in ["/bin/program", "etc/motd", "/etc/motd.old", "/var/cache/a", "/lib", "/lib/library"] {
        told += &format!(
            "$ boxlab image layers app --file {path}\n{}\n",
            store.out(&["image", "layers", "app", "--file", path])?
        );
    }
    recorded("image-layers-file", &told)?;
    store.refused(&["image", "layers", "app", "--file", "/nothing"], 125, &["no layer of app has /nothing"])
}

pub fn differences() -> Outcome {
    let store = made::store("differences");
    recorded("image-diff", &store.out(&["image", "diff", "base:1", "app"])?)?;
    check(store.out(&["image", "diff", "app", "app"])?.is_empty(), "an image is like itself")?;
    let back: Value = serde_json::from_str(&store.out(&["image", "diff", "--format", "json", "app", "base:1"])?)?;
    let kinds = back["Files"].as_array().into_iter().flatten();
    let deleted = kinds.filter(|file| file["Kind"] == "D").count();
    check(deleted == 4, format!("what was added is deleted the other way round: {back}"))
}

pub fn an_image_has_many_names() -> Outcome {
    let store = made::store("names");
    let id = store.out(&["inspect", "--format", "{{.Id}}", "app"])?.trim().to_owned();
    let digest = store.out(&["inspect", "--format", "{{.Descriptor.digest}}", "app"])?.trim().to_owned();
    store.out(&["tag", "app", "localhost:5000/team/app:2"])?;
    store.out(&["image", "tag", &id[7..12], "other"])?;
    let by_digest = format!("app@{digest}");
    for name in [
        "app",
        "app:latest",
        "docker.io/library/app",
        "other",
        &id,
        &id[7..],
        &id[7..15],
        "localhost:5000/team/app:2",
        &by_digest,
        &digest,
    ] {
        let found = store.out(&["inspect", "--format", "{{.Id}} {{json .RepoTags}}", name])?;
        let expected = format!("{id} [\"app:latest\",\"localhost:5000/team/app:2\",\"other:latest\"]\n");
        check(found == expected, format!("{name}: {found}"))?;
    }
    store.refused(&["tag", "app", "host"], 2, &["'host' can't be given"])?;
    store.refused(&["tag", "app", "Other"], 125, &["'Other' is no image name", "lower case"])?;
    store.refused(&["tag", "nothing", "x"], 125, &["no image 'nothing'"])?;
    // A name can move.
    store.out(&["tag", "base:1", "other"])?;
    let moved = store.out(&["inspect", "--format", "{{json .RepoTags}}", "base:1"])?;
    check(moved == "[\"base:1\",\"other:latest\"]\n", &moved)
}

pub fn wrong_names() -> Outcome {
    let store = made::store("wrong-names");
    store.refused(&["inspect", "ap"], 125, &["no image 'ap'", "Did you mean 'app'?", "boxlab pull ap"])?;
    store.refused(&["history", "bas:1"], 125, &["Did you mean 'base:1'?"])?;
    store.refused(&["inspect", "zzz"], 125, &["no image 'zzz'", "boxlab pull zzz"])?;
    store.refused(&["inspect", "0"], 125, &["no image '0'"])?;
    store.refused(&["inspect"], 2, &["IMAGE"])?;
    // Two images whose IDs begin alike: made until there are.
    let mut layout = Layout::new(&scratch("wrong-names").join("many"));
    let mut seen: Vec<String> = Vec::new();
    let one = (0..).find_map(|number| {
        let id = layout.add("", &[], |config| config["author"] = number.to_string().into());
        let twin = seen.iter().any(|other| other[7..8] == id[7..8]);
        seen.push(id.clone());
        twin.then_some(id)
    });
    let one = one.ok_or("two IDs that begin alike")?;
    store.out(&["load", "-i", text(&layout.path)])?;
    store.refused(&["inspect", &one[7..8]], 2, &["beginning of several IDs", "Among them are "])
}

pub fn other_tools_read_the_store() -> Outcome {
    let store = made::store("other-tools");
    let reference = format!("oci:{}:docker.io/library/app:latest", text(&store.oci()));
    let seen: Value = serde_json::from_str(&tool("skopeo", &["inspect", &reference])?)?;
    check(seen["Layers"].as_array().is_some_and(|layers| layers.len() == 3), seen.to_string())?;
    let listed = tool("umoci", &["list", "--layout", text(&store.oci())])?;
    check(listed.lines().count() == 2 && listed.contains("docker.io/library/base:1\n"), &listed)?;
    // And what they add is there.
    tool("umoci", &["new", "--image", &format!("{}:quay.io/x/y:1", text(&store.oci()))])?;
    let images = store.out(&["images", "--format", "{{.Repository}}:{{.Tag}}"])?;
    check(images.lines().any(|name| name == "quay.io/x/y:1"), &images)
}
