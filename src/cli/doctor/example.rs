//! An image for the commands that need one: a single file, made and thrown away.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, IoContext, Result};

/// What the image is called.
const NAME: &str = "example";

/// The arguments with which a command of `image` can be tried in the store `root`.
pub fn words(command: &str, boxlab: &Path, root: &Path) -> Result<Vec<OsString>> {
    let (archive, saved) = (root.join("example.tar"), root.join("saved.tar"));
    if command == "image import" {
        write(&archive)?;
        return Ok(vec![archive.into(), NAME.into()]);
    }
    make(boxlab, root, &archive)?;
    Ok(match command {
        "image diff" => vec![NAME.into(), NAME.into()],
        "image tag" => vec![NAME.into(), "example:copy".into()],
        "image prune" => vec!["--force".into()],
        "image unpack" => vec![NAME.into(), root.join("unpacked").into()],
        "image export" | "image save" => vec![NAME.into(), "--output".into(), saved.into()],
        "image load" => {
            run(boxlab, root, &["image".into(), "save".into(), NAME.into(), "--output".into(), saved.clone().into()])?;
            vec!["--input".into(), saved.into()]
        }
        "image rm" => vec!["--force".into(), NAME.into()],
        _ => vec![NAME.into()],
    })
}

fn make(boxlab: &Path, root: &Path, archive: &Path) -> Result<()> {
    write(archive)?;
    run(boxlab, root, &["image".into(), "import".into(), archive.into(), NAME.into()])
}

fn write(archive: &Path) -> Result<()> {
    let doing = || format!("cannot write {}", archive.display());
    let content = b"hello\n";
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    let mut tar = tar::Builder::new(File::create(archive).or_fail(doing)?);
    tar.append_data(&mut header, "hello", content.as_slice()).and_then(|()| tar.finish()).or_fail(doing)
}

fn run(boxlab: &Path, root: &Path, words: &[OsString]) -> Result<()> {
    let mut command = Command::new(boxlab);
    command.args(["--trace", "off", "--color", "never", "--root"]).arg(root).args(words);
    let output = command.stdin(Stdio::null()).output().or_fail(|| "cannot run boxlab itself".to_owned())?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::new(format!(
        "cannot make an image to try things with: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    )))
}
