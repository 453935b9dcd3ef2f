//! Stage 11: all of it.

use std::{env, fs};

use nix::sched::CloneFlags;
use nix::unistd::{chdir, sethostname};
use serde_json::Value;

use super::Result;
use super::child::{exec, in_child};
use super::overlay::stack;
use super::pid::NEW;
use super::pivot::enter;
use super::seal::seal;
use super::unpack::{list, unpack};

/// Pulls `HOST:PORT/NAME:TAG` and runs a program in a container called NAME; without one, the image's own.
pub fn run(image: &str, program: &[String]) -> Result<i32> {
    let place = tempfile::tempdir()?;
    let [layout, files, top] = ["layout", "files", "top"].map(|name| place.path().join(name));
    super::pull::run(image, &layout)?;
    let config = unpack(&layout, None, &files)?["config"].take();
    fs::create_dir(&top)?;
    let usual = [words(&config["Entrypoint"]), words(&config["Cmd"])].concat();
    let program = if program.is_empty() { &usual } else { program };
    let name = image.rsplit('/').next().and_then(|name| name.split(':').next()).unwrap_or("box");
    in_child(NEW | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC, || {
        sethostname(name)?;
        enter(&stack(&files.display().to_string(), &top)?)?;
        become_of_image(&config)?;
        seal()?;
        exec(program)
    })
}

/// Takes on the environment and the working directory that the image asks for.
fn become_of_image(config: &Value) -> Result<()> {
    // SAFETY: there is no other thread, here and below.
    env::vars_os().for_each(|(name, _)| unsafe { env::remove_var(name) });
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned();
    for entry in [vec![path], words(&config["Env"])].concat() {
        let (name, value) = entry.split_once('=').unwrap_or((&entry, ""));
        // SAFETY: see above.
        unsafe { env::set_var(name, value) };
    }
    let directory = config["WorkingDir"].as_str().filter(|directory| !directory.is_empty()).unwrap_or("/");
    fs::create_dir_all(directory)?;
    Ok(chdir(directory)?)
}

fn words(strings: &Value) -> Vec<String> {
    list(strings).iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect()
}
