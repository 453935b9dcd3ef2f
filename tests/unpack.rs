//! Layers become directories: compared file by file with what `umoci` and GNU tar make of the
//! same archives, mounted by a real overlayfs, and attacked.

#[path = "support/layers.rs"]
mod layers;
mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use boxlab::image::unpack::{Ids, Options, Unpacked, unpack};
use layers::{Made, archive, describe, differences, entry, file, link, xattrs};
use libtest_mimic::Failed;
use support::{check, needs, needs_root_for, scratch};

type Outcome = Result<(), Failed>;

/// Set for this very program when it is to unpack a layer inside of a user namespace.
const ARCHIVE: &str = "BOXLAB_TEST_UNPACK";

fn main() -> ExitCode {
    if let Some(archive) = std::env::var_os(ARCHIVE) {
        return unpack_here(Path::new(&archive));
    }
    support::main(vec![
        ("every_kind_of_entry_is_as_umoci_makes_it", every_kind_of_entry_is_as_umoci_makes_it),
        ("holes_are_as_gnu_tar_makes_them", holes_are_as_gnu_tar_makes_them),
        ("a_huge_file_is_a_hole", a_huge_file_is_a_hole),
        ("removed_files_are_gone_in_a_mounted_stack", removed_files_are_gone_in_a_mounted_stack),
        ("only_root_s_overlays_read_trusted_attributes", only_root_s_overlays_read_trusted_attributes),
        ("removed_files_are_gone_in_a_user_namespace", removed_files_are_gone_in_a_user_namespace),
        ("one_id_loses_owners_and_says_so", one_id_loses_owners_and_says_so),
        ("ids_beyond_the_range_are_refused", ids_beyond_the_range_are_refused),
        ("nothing_gets_out", nothing_gets_out),
        ("bombs_are_refused_before_they_explode", bombs_are_refused_before_they_explode),
        ("a_cut_layer_is_an_error_wherever_it_ends", a_cut_layer_is_an_error_wherever_it_ends),
    ])
}

/// Unpacks `archive` beside itself, and prints what came of it.
fn unpack_here(archive: &Path) -> ExitCode {
    let directory = archive.with_extension("layer");
    let opened = fs::create_dir(&directory).and_then(|()| fs::File::open(archive)).expect("an archive");
    match unpack(opened, &directory, &Options::default(), &mut |_| ()) {
        Ok(unpacked) => println!("{unpacked:?}"),
        Err(error) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Unpacks into a new directory of that name; what was in it.
fn unpacked(place: &Path, name: &str, bytes: &[u8]) -> Result<(PathBuf, Unpacked), Failed> {
    let directory = place.join(name);
    fs::create_dir_all(&directory)?;
    let unpacked = unpack(bytes, &directory, &Options::default(), &mut |_| ());
    unpacked.map(|unpacked| (directory, unpacked)).map_err(|error| format!("{name}: {error}").into())
}

/// Why a layer is refused.
fn refusal(bytes: &[u8], options: &Options) -> Result<String, Failed> {
    let directory = tempfile::tempdir()?;
    match unpack(bytes, directory.path(), options, &mut |_| ()) {
        Ok(unpacked) => Err(format!("it was not refused: {unpacked:?}").into()),
        Err(error) => {
            check(error.failure().hint.is_some(), format!("no hint: {error}"))?;
            Ok(error.to_string())
        }
    }
}

fn ran(command: &mut Command) -> Result<String, Failed> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(text),
        false => Err(format!("{command:?}: {text} {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

fn same(one: &Path, other: &Path, of: &str) -> Outcome {
    let differences = differences(one, other);
    check(differences.is_empty(), format!("{of}:\n{}", differences.join("\n")))
}

/// CAP_NET_RAW, as capabilities(7) says.
const CAPABILITY: &[u8] = &[1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn every_kind() -> Vec<Made> {
    let long = "long".repeat(50);
    vec![
        entry(b'5', "./"),
        entry(b'5', "./d/").mode(0o1777).owner(7, 8).record("mtime", b"1234567890.123456789"),
        file("./d/plain", "content").owner(1000, 1001).record("mtime", b"1000000000.5"),
        file("./d/setuid", "x").mode(0o4755).owner(12, 34),
        file("./d/capable", "x").mode(0o755).record("SCHILY.xattr.security.capability", CAPABILITY),
        file("./d/noted", "x").mode(0o444).record("SCHILY.xattr.user.note", b"two\nlines\0and a zero"),
        entry(b'5', "./noted").record("SCHILY.xattr.user.note", b"on a directory"),
        file("./d/closed", "secret").mode(0),
        entry(b'5', "./shut/").mode(0),
        file("./shut/in", "x"),
        link(b'2', "./d/symlink", "/no/where").owner(5, 6),
        link(b'1', "./second", "./d/plain"),
        link(b'1', "./d/link-to-a-symlink", "d/symlink"),
        entry(b'6', "./d/pipe").mode(0o620).owner(3, 4),
        entry(b'3', "./d/null").mode(0o666).device(1, 3),
        entry(b'4', "./d/disk").mode(0o660).owner(0, 6).device(259, 70_000),
        file(&format!("./d/{long}"), "far away"),
        link(b'2', "./far", &long),
        file("./new\nline\u{1b}[1m", "x"),
        file("./replaced", "old"),
        file("./replaced", "new"),
        file("./empty", ""),
        file("./high", "x").owner(2_000_000, 4_000_000_000),
        file("./pax", "x").record("uid", b"3000000000").record("gid", b"70000"),
        // The first one is a directory of V7's, the second one is none: for Go, not for GNU tar.
        entry(0, "./v7/").mode(0o751),
        file("./slash/", "content"),
    ]
}

fn every_kind_of_entry_is_as_umoci_makes_it() -> Outcome {
    needs_root_for("other owners, devices and capabilities")?;
    needs("umoci")?;
    let place = scratch("umoci");
    let bytes = archive(&every_kind());
    let (ours, found) = unpacked(&place, "ours", &bytes)?;
    fs::write(place.join("layer.tar"), &bytes)?;
    let umoci = |args: &[&str]| ran(Command::new("umoci").current_dir(&place).args(args));
    umoci(&["init", "--layout", "image"])?;
    umoci(&["new", "--image", "image:x"])?;
    umoci(&["raw", "add-layer", "--image", "image:x", "layer.tar"])?;
    umoci(&["unpack", "--image", "image:x", "bundle"])?;
    // umoci sets the time of the root before it fills it.
    let filetime =
        fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_500_000_000));
    fs::File::open(place.join("bundle/rootfs"))?.set_times(filetime)?;
    same(&ours, &place.join("bundle/rootfs"), "ours against umoci's")?;
    // That this says something: each thing is there.
    let lines = describe(&ours);
    let line = |path: &str| lines.get(Path::new(path)).cloned().unwrap_or_default();
    check(line("d").starts_with("41777 7:8 1234567890.123456789"), line("d"))?;
    check(line("d/setuid").starts_with("104755 12:34"), line("d/setuid"))?;
    check(line("d/capable").contains("security.capability"), line("d/capable"))?;
    check(line("d/noted").contains(r"two\\nlines\\x00and a zero"), line("d/noted"))?;
    check(line("second").contains("same as \"d/plain\""), line("second"))?;
    check(line("d/disk").starts_with("60660 0:6"), line("d/disk"))?;
    check(line("pax").contains("3000000000:70000"), line("pax"))?;
    check(line("v7").starts_with("40751 ") && line("slash").starts_with("100644 "), line("v7") + &line("slash"))?;
    check(found.xattrs_lost == 0 && found.implied.is_empty() && found.entries == 26, format!("{found:?}"))
}

/// GNU tar writes sparse files in four ways.
fn holes_are_as_gnu_tar_makes_them() -> Outcome {
    needs_root_for("owners as they are")?;
    needs("tar")?;
    let place = scratch("holes");
    let source = place.join("source");
    fs::create_dir_all(&source)?;
    let sparse = fs::File::create(source.join(format!("sparse-{}", "n".repeat(120))))?;
    // More pieces than a header has places for.
    for piece in 0..60_u64 {
        std::os::unix::fs::FileExt::write_all_at(&sparse, format!("piece {piece}").as_bytes(), piece << 16)?;
    }
    sparse.set_len(7 << 20)?;
    fs::File::create(source.join("only a hole"))?.set_len(1 << 20)?;
    fs::write(source.join("plain"), "x")?;
    for format in ["gnu", "0.0", "0.1", "1.0"] {
        let kind = if format == "gnu" { "--format=gnu" } else { "--format=posix" };
        let file = place.join(format!("{format}.tar"));
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(&source).args(["--sparse", kind, "-cf"]).arg(&file);
        if format != "gnu" {
            tar.arg(format!("--sparse-version={format}"));
        }
        ran(tar.arg("."))?;
        check(fs::metadata(&file)?.len() < 1 << 20, format!("{format}: tar found no holes"))?;
        let theirs = place.join(format!("theirs-{format}"));
        fs::create_dir(&theirs)?;
        ran(Command::new("tar").arg("-C").arg(&theirs).arg("-xpf").arg(&file))?;
        let (ours, _) = unpacked(&place, &format!("ours-{format}"), &fs::read(&file)?)?;
        same(&ours, &theirs, format)?;
        for entry in fs::read_dir(&ours)? {
            let seen = entry?.metadata()?;
            check(seen.blocks() * 512 <= seen.len() / 4 || seen.len() == 1, format!("{format}: {seen:?}"))?;
        }
    }
    Ok(())
}

fn a_huge_file_is_a_hole() -> Outcome {
    needs("tar")?;
    let place = scratch("huge");
    let huge = fs::File::create(place.join("huge"))?;
    huge.set_len(9 << 30)?;
    std::os::unix::fs::FileExt::write_all_at(&huge, b"end", (9 << 30) - 3)?;
    for kind in ["gnu", "posix"] {
        let file = place.join(kind);
        ran(Command::new("tar")
            .arg("-C")
            .arg(&place)
            .arg("-cSf")
            .arg(&file)
            .arg(format!("--format={kind}"))
            .arg("huge"))?;
        let (ours, found) = unpacked(&place, &format!("ours-{kind}"), &fs::read(&file)?)?;
        let seen = ours.join("huge").metadata()?;
        check(
            seen.len() == 9 << 30 && seen.blocks() < 100 && found.bytes < 100_000,
            format!("{kind}: {seen:?} {found:?}"),
        )?;
        let mut end = [0; 3];
        std::os::unix::fs::FileExt::read_exact_at(&fs::File::open(ours.join("huge"))?, &mut end, (9 << 30) - 3)?;
        check(end == *b"end", format!("{kind}: {end:?}"))?;
    }
    // Without holes, its size is written with more digits than the field has: 8 GiB are read past.
    let mut header = tar::Header::new_gnu();
    header.set_path("huge")?;
    header.set_size(9 << 30);
    header.set_cksum();
    let zeros = std::io::repeat(0).take((9 << 30) + 1024);
    let options = Options { max_bytes: 8 << 30, ..Options::default() };
    let directory = tempfile::tempdir()?;
    let error = unpack(header.as_bytes().chain(zeros), directory.path(), &options, &mut |_| ()).err();
    let message = error.map(|error| error.to_string()).unwrap_or_default();
    check(message.contains("huge") && message.contains("more than 8589934592 bytes"), message)
}

/// A stack in which the upper layer removes things in each of the ways there are.
fn stack() -> (Vec<u8>, Vec<u8>) {
    let lower = ["d/gone", "d/stays", "e/old", "f/old", "g/old", "h/old", "k/old", "i", "j"];
    let lower: Vec<Made> = lower.iter().map(|path| file(path, "below")).collect();
    let upper = [
        file("d/.wh.gone", ""),
        // All of a directory, before and after what is new in it.
        file("e/.wh..wh..opq", ""),
        file("e/new", "above"),
        file("f/new", "above"),
        file("f/.wh..wh..opq", ""),
        // A directory is removed, and another one comes: again in both orders, and unnamed.
        file(".wh.g", ""),
        entry(b'5', "g/"),
        file("g/new", "above"),
        entry(b'5', "h/"),
        file("h/new", "above"),
        file(".wh.h", ""),
        file(".wh.k", ""),
        file("k/new", "above"),
        // The same with files.
        file(".wh.i", ""),
        file("i", "above"),
        file("j", "above"),
        file(".wh.j", ""),
        // aufs' own.
        file(".wh..wh.plnk/1.2", ""),
        file(".wh..wh.aufs", ""),
    ];
    (archive(&lower), archive(&upper))
}

/// What is to be seen of it.
const SEEN: &str = "d/stays below,e/new above,f/new above,g/new above,h/new above,i above,j above,k/new above,";
/// Shows it: each file with what is in it.
const SHOW: &str = "cd merged && find . -type f | sort | while read f; do printf '%s %s,' ${f#./} $(cat $f); done";

fn removed_files_are_gone_in_a_mounted_stack() -> Outcome {
    needs_root_for("a mount of the host's")?;
    let place = scratch("mounted");
    let (lower, upper) = stack();
    unpacked(&place, "lower", &lower)?;
    let (upper, found) = unpacked(&place, "upper", &upper)?;
    // All but d/gone hide nothing that this layer does not bring anew: five as opaque directories.
    check(found.whiteouts == 1 && found.opaque == 5, format!("{found:?}"))?;
    let names: Vec<_> = describe(&upper).into_keys().map(|path| path.display().to_string()).collect();
    check(!names.iter().any(|name| name.contains(".wh.")), format!("{names:?}"))?;
    fs::create_dir(place.join("merged"))?;
    let script = format!("mount -t overlay -o lowerdir=upper:lower overlay merged && {SHOW}");
    let shown = ran(Command::new("unshare").current_dir(&place).args(["-m", "sh", "-c", &script]))?;
    check(shown == SEEN, shown)
}

/// Root's layers can be mounted in a user namespace as well, but not the other way round.
fn only_root_s_overlays_read_trusted_attributes() -> Outcome {
    needs_root_for("trusted attributes")?;
    let place = scratch("marks");
    for (ids, names) in
        [(Ids::All, &["trusted.overlay.opaque", "user.overlay.opaque"][..]), (Ids::One, &["user.overlay.opaque"])]
    {
        let directory = place.join(format!("{ids:?}"));
        fs::create_dir(&directory)?;
        let options = Options { ids, ..Options::default() };
        unpack(&archive(&[file("d/.wh..wh..opq", "")])[..], &directory, &options, &mut |_| ())?;
        let found: Vec<String> = xattrs(&directory.join("d")).into_keys().collect();
        check(found == names, format!("{ids:?}: {found:?}"))?;
    }
    Ok(())
}

/// As an ordinary user would: unpacked and mounted by the root of a user namespace.
fn removed_files_are_gone_in_a_user_namespace() -> Outcome {
    let place = scratch("userns");
    let (lower, upper) = stack();
    fs::write(place.join("lower.tar"), lower)?;
    fs::write(place.join("upper.tar"), upper)?;
    fs::create_dir(place.join("merged"))?;
    let program = std::env::current_exe()?;
    let script = format!(
        "{ARCHIVE}=lower.tar {program} && {ARCHIVE}=upper.tar {program} && \
         mount -t overlay -o userxattr,lowerdir=upper.layer:lower.layer overlay merged && {SHOW}",
        program = program.display()
    );
    let shown = ran(Command::new("unshare").current_dir(&place).args(["-Urm", "sh", "-c", &script]))?;
    check(shown.lines().last() == Some(SEEN), shown)
}

fn one_id_loses_owners_and_says_so() -> Outcome {
    let place = scratch("one");
    let layer = [
        file("mine", "x").mode(0o4750),
        file("theirs", "x").owner(33, 33),
        entry(b'3', "null").device(1, 3),
        entry(b'6', "pipe"),
        file("noted", "x").mode(0o400).record("SCHILY.xattr.user.note", b"kept"),
        file("trusted", "x").record("SCHILY.xattr.trusted.note", b"lost"),
        file("forged", "x").record("SCHILY.xattr.user.overlay.redirect", b"/etc/shadow"),
    ];
    fs::write(place.join("x.tar"), archive(&layer))?;
    let said = ran(Command::new("unshare").arg("-Ur").arg(std::env::current_exe()?).env(ARCHIVE, place.join("x.tar")))?;
    for words in ["owners_lost: 1,", "devices_skipped: [\"null\"]", "xattrs_lost: 1,", "xattrs_forged: 1 "] {
        check(said.contains(words), format!("{words}: {said}"))?;
    }
    let lines = describe(&place.join("x.layer"));
    let own = place.metadata()?;
    let owner = format!(" {}:{} ", own.uid(), own.gid());
    check(lines.values().all(|line| line.contains(&owner)), format!("{lines:?}"))?;
    check(lines[Path::new("mine")].starts_with("104750 "), lines[Path::new("mine")].clone())?;
    check(lines[Path::new("noted")].contains("kept"), lines[Path::new("noted")].clone())?;
    check(lines[Path::new("forged")].ends_with("{}"), lines[Path::new("forged")].clone())?;
    check(!lines.contains_key(Path::new("null")), "the device was made")
}

fn ids_beyond_the_range_are_refused() -> Outcome {
    needs_root_for("maps of any range")?;
    let place = scratch("range");
    let unpack = |name: &str, uid| -> Result<(bool, String), Failed> {
        let archive = place.join(format!("{name}.tar"));
        fs::write(&archive, self::archive(&[entry(b'5', "d\n").owner(uid, 5), file("file\n", "x").owner(uid, 5)]))?;
        // It waits for its maps, and begins as their root.
        let mut unshare = Command::new("unshare");
        unshare.args(["-U", "sh", "-c", "echo; read line; exec \"$0\""]).arg(std::env::current_exe()?);
        let mut child = unshare.env(ARCHIVE, archive).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdout.as_mut().map(|stdout| stdout.read_exact(&mut [0])).transpose()?;
        for map in ["uid_map", "gid_map"] {
            fs::write(format!("/proc/{}/{map}", child.id()), "0 0 1\n1 100000 999\n")?;
        }
        child.stdin.take().map(|mut stdin| stdin.write_all(b"\n")).transpose()?;
        let output = child.wait_with_output()?;
        Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    let (held, said) = unpack("held", 999)?;
    check(held, format!("an id of the range: {said}"))?;
    let seen = place.join("held.layer/file\n").metadata()?;
    check((seen.uid(), seen.gid()) == (100_998, 100_004), format!("{seen:?}"))?;
    let (beyond, said) = unpack("beyond", 1000)?;
    let named = "cannot unpack d\\n: its user 1000 does not exist in this user namespace, which has 0 to 0, 1 to 999";
    check(!beyond && said.contains(named), said)
}

/// Whatever a layer tries, what lies beside its directory stays as it is.
fn nothing_gets_out() -> Outcome {
    let place = scratch("out");
    let outside = place.join("outside");
    fs::create_dir(&outside)?;
    fs::write(outside.join("canary"), "sings")?;
    let before = describe(&outside);
    let out = outside.display().to_string();
    let way = |target: &str, then: Vec<Made>| [vec![link(b'2', "way", target)], then].concat();
    let attacks: Vec<(&str, Vec<Made>)> = vec![
        ("dot dot", vec![file("../outside/canary", "x")]),
        ("dot dot inside", vec![entry(b'5', "a"), file("a/../../outside/canary", "x")]),
        ("absolute", vec![file(&format!("{out}/canary"), "x")]),
        ("symlink", way(&out, vec![file("way/canary", "x")])),
        ("relative symlink", way("../outside", vec![file("way/canary", "x"), entry(b'5', "way/planted")])),
        ("chain", way("../..", vec![link(b'2', "two", "way/../outside"), file("two/canary", "x")])),
        ("proc", way("/proc/self/cwd", vec![file("way/planted", "x")])),
        ("fd", way("/proc/self/fd/3", vec![file("way/planted", "x")])),
        ("hard link", vec![link(b'1', "mine", "../outside/canary"), file("mine", "x")]),
        ("absolute hard link", vec![link(b'1', "mine", &format!("{out}/canary")), file("mine", "x")]),
        ("hard link through", way("../outside", vec![link(b'1', "mine", "way/canary"), file("mine", "x")])),
        ("file through a symlink", way(&format!("{out}/canary"), vec![file("way", "x")])),
        (
            "symlink replaced midway",
            way("a", vec![entry(b'5', "a"), file("way/x", "x"), link(b'2', "way", &out), file("way/canary", "x")]),
        ),
        (
            "directory becomes symlink",
            vec![
                entry(b'5', "way"),
                file("way/x", "x"),
                link(b'2', "way", &out),
                file("way/canary", "x"),
                entry(b'5', "way/canary"),
            ],
        ),
        ("mode through a symlink", way(&out, vec![entry(b'5', "way/.").mode(0o777)])),
        ("whiteout", way(&out, vec![file("way/.wh.canary", ""), file("way/.wh..wh..opq", "")])),
        ("whiteout of all", vec![file("a/.wh...", "")]),
        ("removal", way(&out, vec![entry(b'5', "d/way"), link(b'2', "d/way/in", &out), file("d", "x")])),
    ];
    for (number, (name, entries)) in attacks.iter().enumerate() {
        let layer = place.join(format!("layer-{number}"));
        fs::create_dir(&layer)?;
        let result = unpack(&archive(entries)[..], &layer, &Options::default(), &mut |_| ());
        check(describe(&outside) == before, format!("{name}: {:?} {result:?}", describe(&outside)))?;
        let beside = fs::read_dir(&place)?.count();
        check(beside == number + 2, format!("{name}: something is beside the layer"))?;
        // The names that lead out are refused, and so is what would be made of nothing.
        let refused = ["dot dot", "dot dot inside", "absolute", "hard link", "absolute hard link", "whiteout of all"];
        check(!refused.contains(name) || result.is_err(), format!("{name}: {result:?}"))?;
        boxlab::kernel::remove_tree(&layer)?;
        fs::create_dir(&layer)?;
    }
    Ok(())
}

fn bombs_are_refused_before_they_explode() -> Outcome {
    let small = Options { max_bytes: 100_000, max_entries: 10, ..Options::default() };
    let refused = |entries: &[Made], words: &[&str]| -> Outcome {
        let message = refusal(&archive(entries), &small)?;
        check(words.iter().all(|word| message.contains(word)), message)
    };
    refused(&vec![file("a\u{1b}", ""); 11], &["a\\u{1b}", "more than 10 entries"])?;
    refused(&[file("one", &"x".repeat(60_000)), file("two", &"x".repeat(60_000))], &["two", "more than 100000 bytes"])?;
    refused(&[file("claims", "").record("size", b"8000000000000")], &["claims", "more than 100000 bytes"])?;
    refused(&[file("a", "").record("SCHILY.xattr.user.x", &[0; 65_537])], &["cannot unpack a", "65537 bytes"])?;
    refused(&[file("a", "").record("comment", &[0; 1 << 21])], &["records are 2097169 bytes long"])?;
    refused(&[file(&"d/".repeat(300), "")], &["d/d/d", "256 directories"])?;
    refused(&[file(&"n".repeat(256), "")], &["nnn", "255 at most"])?;
    refused(&[file("zero", "").record("path", b"a\0b")], &["a\\0b", "a zero byte"])?;
    refused(&[file("owned", "").owner(1 << 33, 0)], &["owned", "8589934592:0"])?;
    refused(&[entry(b'5', "d"), link(b'1', "mine", "d")], &["mine", "EPERM"])?;
    refused(&[link(b'1', "mine", "yours")], &["mine", "yours, which is not in this layer"])?;
    refused(&[file("f", ""), file("f/below", "")], &["f/below", "ENOTDIR"])?;
    refused(&[file("", "")], &["the root of the layer"])?;
    refused(&[entry(b'V', "volume")], &["volume", "tar type 'V'"])?;
    refused(&[link(b'2', "to", "").record("linkpath", b"a\0b")], &["cannot unpack to", "a zero byte"])?;
    refused(&[link(b'2', "to", &"x".repeat(5000))], &["cannot unpack to", "ENAMETOOLONG"])?;
    let endless = file("s", "").record("GNU.sparse.size", b"9223372036854775808").record("GNU.sparse.map", b"0,0");
    refused(&[endless], &["the table of a sparse file makes no sense"])?;
    for (major, minor) in [(1 << 12, 0), (0, 1 << 20)] {
        refused(&[entry(b'3', "device").device(major, minor)], &["the number of a device"])?;
    }
    // Zeros without end.
    let directory = tempfile::tempdir()?;
    let error = unpack(std::io::repeat(0), directory.path(), &small, &mut |_| ()).err();
    check(error.is_some_and(|error| error.to_string().contains("longer than 140960 bytes")), "zeros without end")
}

fn a_cut_layer_is_an_error_wherever_it_ends() -> Outcome {
    let whole = archive(&[
        entry(b'5', "d"),
        file(&"long/".repeat(30), "x").record("SCHILY.xattr.user.note", b"x"),
        file("d/file", &"x".repeat(700)),
    ]);
    let ends_between = |length: usize| {
        let directory = tempfile::tempdir().expect("a directory");
        unpack(&whole[..length], directory.path(), &Options::default(), &mut |_| ()).is_ok()
    };
    // It may end where an entry ends, with or without the zeros: here after the first one,
    // and after the last one.
    let good: Vec<usize> = (0..=whole.len()).step_by(64).filter(|length| ends_between(*length)).collect();
    let cut = refusal(&whole[..whole.len() - 1536], &Options::default())?;
    check(cut == "cannot read the layer: it ends in the middle of an entry", cut)?;
    let content = whole.len() - 1024;
    let expected: Vec<usize> = [0, 512, 512 * 5, content, content + 512]
        .into_iter()
        .chain((content + 512..=whole.len()).step_by(64).skip(1))
        .collect();
    check(good == expected, format!("{good:?} against {expected:?}"))
}
