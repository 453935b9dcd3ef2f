//! Lessons that are made for a trial: one folder, and the exercises in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// An exercise to be written down.
#[derive(Debug, Clone)]
pub struct Made {
    pub name: &'static str,
    pub toml: String,
    pub setup: &'static str,
    pub solution: &'static str,
    /// How it is refused, and by what.
    pub wrong: Vec<(&'static str, &'static str)>,
}

impl Made {
    /// One that asks for a file; `more` are further keys of its check.
    pub fn about(name: &'static str, check: &str) -> Self {
        let toml = format!(
            "title = 'About {name}'\nminutes = 1\nhints = ['first', 'second']\n\
             [[subjects]]\nname = 'box'\nargv = ['sleep', '720']\n\
             [[checks]]\nid = 'c'\nsays = 'Not so.'\n{check}\n"
        );
        Self { name, toml, setup: "", solution: "touch a", wrong: Vec::new() }
    }

    /// What is there at the start.
    pub fn with_setup(self, setup: &'static str) -> Self {
        Self { setup, ..self }
    }
}

/// Writes a pack, readable for everybody, beneath `directory`.
pub fn write(directory: &Path, exercises: &[Made]) -> PathBuf {
    let pack = directory.join("lessons");
    let phrases = Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons/phrases.toml");
    fs::create_dir_all(&pack).expect("a directory");
    fs::write(pack.join("pack.toml"), "format = 1\ntracks = []\n").expect("a file");
    fs::copy(phrases, pack.join("phrases.toml")).expect("the phrases");
    for made in exercises {
        let folder = pack.join("01-test/exercises").join(made.name);
        fs::create_dir_all(folder.join("wrong")).expect("a directory");
        let file = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
        file("exercise.toml", &made.toml);
        file("task.md", "Do what is asked.\n");
        file("debrief.md", "That was it.\n");
        file("solution.sh", &format!("#!/bin/bash\n{}\n", made.solution));
        if !made.setup.is_empty() {
            file("setup.sh", &format!("#!/bin/bash\n{}\n", made.setup));
        }
        for (index, (refused, script)) in made.wrong.iter().enumerate() {
            file(&format!("wrong/{index}.sh"), &format!("#!/bin/bash\n# refused: {refused}\n{script}\n"));
        }
    }
    fs::set_permissions(&pack, fs::Permissions::from_mode(0o755)).expect("a directory open to all");
    pack
}
