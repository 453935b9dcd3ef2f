//! The programs that are judged: the reference, the template, and the reference with one thing changed,
//! again and again. All of them are modules of one program, which is built once and goes by its name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::common::people::Rights;
use crate::common::place::Ground;

/// Something that learners get wrong: an entry of wrong.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrong {
    /// `uts`
    pub stage: String,
    /// `no-namespace`
    pub name: String,
    file: String,
    replace: Vec<(String, String)>,
    check: String,
    found: String,
    /// The file whose line must be named.
    pub source: Option<String>,
    only: Option<String>,
    user: Option<(String, String)>,
}

impl Wrong {
    /// True if only root can see the difference.
    pub fn needs_root(&self) -> bool {
        self.only.as_deref() == Some("root")
    }

    /// The check that must refuse it, and what that must have found.
    pub fn refusal(&self, rights: Rights) -> (&str, &str) {
        match &self.user {
            Some((check, found)) if rights != Rights::Root => (check, found),
            _ => (&self.check, &self.found),
        }
    }

    fn program(&self) -> String {
        format!("{}-{}", self.stage, self.name)
    }
}

/// Where the test's own files lie.
pub fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// wrong.toml
pub fn wrong() -> Vec<Wrong> {
    #[derive(Deserialize)]
    struct All {
        wrong: Vec<Wrong>,
    }
    let text = fs::read_to_string(own("tests/workshop/wrong.toml")).expect("wrong.toml");
    toml::from_str::<All>(&text).expect("wrong.toml is well formed").wrong
}

/// Programs by their names.
#[derive(Debug)]
pub struct Programs(PathBuf);

impl Programs {
    /// Builds all of them.
    pub fn build(ground: &Ground, wrong: &[Wrong]) -> Result<Self, String> {
        let place = ground.boxlab().parent().expect("a directory").join("programs");
        let failed = |error: std::io::Error| format!("cannot write the programs: {error}");
        let reference = own("tests/workshop/reference");
        copy(&reference, &place).map_err(failed)?;
        fs::remove_dir_all(place.join("src")).map_err(failed)?;
        let mut names = vec!["reference".to_owned(), "template".to_owned()];
        module(&reference.join("src"), &place, "reference").map_err(failed)?;
        module(&own("lessons/workshop/template/src"), &place, "template").map_err(failed)?;
        for wrong in wrong {
            let directory = module(&reference.join("src"), &place, &wrong.program()).map_err(failed)?;
            let file = directory.join(&wrong.file);
            let mut text = fs::read_to_string(&file).map_err(failed)?;
            for (from, to) in &wrong.replace {
                if text.matches(from.as_str()).count() != 1 {
                    return Err(format!("{}: this does not stand in {} once: {from}", wrong.program(), wrong.file));
                }
                text = text.replace(from, to);
            }
            fs::write(&file, text).map_err(failed)?;
            names.push(wrong.program());
        }
        fs::write(place.join("src/main.rs"), main(&names)).map_err(failed)?;
        let built = cargo(&place)?;
        let bin = place.join("bin");
        fs::create_dir(&bin).map_err(failed)?;
        fs::copy(built, bin.join("all")).map_err(failed)?;
        for name in names {
            fs::hard_link(bin.join("all"), bin.join(name)).map_err(failed)?;
        }
        Ok(Self(bin))
    }

    /// Its file.
    pub fn named(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// The file of a wrong one.
    pub fn wrong(&self, wrong: &Wrong) -> String {
        self.named(&wrong.program())
    }
}

/// Where all projects are built: so what they need is built once.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("workshop")
}

/// Builds a project; its program.
fn cargo(project: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--offline", "--quiet"]).current_dir(project).env("CARGO_TARGET_DIR", target());
    let output = command.output().map_err(|error| format!("cannot run cargo: {error}"))?;
    match output.status.success() {
        true => Ok(target().join("debug/mycontainer")),
        false => Err(format!("the programs do not build:\n{}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// A module with all files of a project.
fn module(sources: &Path, place: &Path, name: &str) -> std::io::Result<PathBuf> {
    let directory = place.join("src").join(name.replace('-', "_"));
    copy(sources, &directory)?;
    let text = fs::read_to_string(directory.join("main.rs"))?;
    fs::remove_file(directory.join("main.rs"))?;
    fs::write(directory.join("mod.rs"), text.replace("fn main() {", "pub fn main() {"))?;
    Ok(directory)
}

fn main(names: &[String]) -> String {
    let module = |name: &String| name.replace('-', "_");
    let mut text = "#![allow(warnings)]\n".to_owned();
    text.extend(names.iter().map(|name| format!("mod {};\n", module(name))));
    text.push_str("fn main() {\n    let name = std::env::args().next().unwrap_or_default();\n");
    text.push_str("    match name.rsplit('/').next().unwrap_or_default() {\n");
    text.extend(names.iter().map(|name| format!("        {name:?} => {}::main(),\n", module(name))));
    text + "        other => panic!(\"there is no program {other}\"),\n    }\n}\n"
}

/// Copies a directory.
pub fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => fs::copy(entry.path(), target).map(drop)?,
        }
    }
    Ok(())
}
