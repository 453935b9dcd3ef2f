//! What happens around the lessons: leaving and coming back, plans, garbage.

use std::fs;
use std::path::Path;

use boxlab::learn::progress::Progress;

use crate::common::trials::Verdict;
use crate::support::{self, boxlab};
use crate::walk::Walker;

/// A trial and its name.
type Named = (&'static str, fn() -> Verdict);

pub const TRIALS: &[Named] = &[
    ("ctrl_c_leaves_and_learn_goes_on", ctrl_c_leaves_and_learn_goes_on),
    ("a_killed_lesson_leaves_what_cleanup_finds", a_killed_lesson_leaves_what_cleanup_finds),
    ("without_a_terminal_nothing_waits", without_a_terminal_nothing_waits),
    ("progress_travels", progress_travels),
    ("a_plan_ends_in_time", a_plan_ends_in_time),
    ("teachers_see_more", teachers_see_more),
    ("wrong_names_offer_the_nearest", wrong_names_offer_the_nearest),
    ("broken_lessons_say_where", broken_lessons_say_where),
    ("a_read_only_home_is_an_error_with_a_remedy", a_read_only_home_is_an_error_with_a_remedy),
    ("every_phrase_is_used_and_every_used_phrase_exists", every_phrase_is_used_and_every_used_phrase_exists),
];

fn check(claim: bool, text: impl Into<String>) -> Verdict {
    if claim { Ok(()) } else { Err(text.into()) }
}

/// Runs boxlab with a place of its own.
fn run(root: &Path, arguments: &[&str]) -> support::Ran {
    let mut command = boxlab();
    command.env("BOXLAB_ROOT", root).args(arguments);
    command.output().expect("boxlab can be run").into()
}

fn is_tidy(root: &Path) -> Verdict {
    let ran = run(root, &["cleanup", "--dry-run"]);
    check(ran.stdout == "Nothing is left behind.\n", format!("{ran:?}"))
}

fn ctrl_c_leaves_and_learn_goes_on() -> Verdict {
    let root = support::scratch("ctrl-c");
    let mut walker = Walker::start(&["learn", "--plain"], &root)?;
    walker.until("Welcome")?;
    walker.press("")?; // the first text
    walker.until("Your answer")?;
    walker.control('c')?;
    let (status, seen) = walker.end()?;
    check(status == 130 && seen.contains("is remembered"), seen)?;
    is_tidy(&root)?;
    let mut walker = Walker::start(&["learn", "--plain"], &root)?;
    walker.until("we go on at step 2")?;
    walker.press("1")?;
    walker.press("q")?;
    let (status, seen) = walker.end()?;
    check(status == 0 && !seen.contains("Welcome"), seen)?;
    is_tidy(&root)
}

fn a_killed_lesson_leaves_what_cleanup_finds() -> Verdict {
    let root = support::scratch("killed");
    let mut walker = Walker::start(&["lesson", "run", "uts", "--plain", "--from", "7"], &root)?;
    walker.until("I am called box")?;
    walker.until(" > ")?;
    walker.kill()?;
    let ran = run(&root, &["cleanup", "--dry-run"]);
    check(ran.stdout.contains("lesson run uts") && ran.stdout.contains("directory"), format!("{ran:?}"))?;
    let ran = run(&root, &["cleanup", "--yes"]);
    check(ran.status == 0, format!("{ran:?}"))?;
    is_tidy(&root)
}

fn without_a_terminal_nothing_waits() -> Verdict {
    let root = support::scratch("pipe");
    let ran = run(&root, &["lesson", "run", "uts"]);
    check(ran.status == 0 && ran.stdout.contains("That was A hostname of its own."), format!("{ran:?}"))?;
    check(!ran.stdout.contains('\u{1b}'), "colours in a pipe")?;
    is_tidy(&root)
}

fn progress_travels() -> Verdict {
    let (here, there) = (support::scratch("here"), support::scratch("there"));
    run(&here, &["lesson", "run", "uts", "--yes"]);
    let file = here.join("mine.json").display().to_string();
    let ran = run(&here, &["learn", "--export", &file]);
    check(ran.status == 0 && ran.stdout.contains("done"), format!("{ran:?}"))?;
    let ran = run(&there, &["learn", "--import", &file]);
    check(ran.status == 0 && ran.stdout.contains("done"), format!("{ran:?}"))?;
    let read = |root: &Path| Progress::open(Some(root)).map_err(|error| error.to_string());
    check(read(&here)?.lessons == read(&there)?.lessons, "not the same")?;
    let printed = run(&here, &["learn", "--export", "-"]);
    let written = fs::read_to_string(&file).map_err(|error| error.to_string())?;
    check(printed.stdout == written, format!("{printed:?}"))?;
    fs::write(&file, "{").map_err(|error| error.to_string())?;
    let ran = run(&there, &["learn", "--import", &file]);
    check(ran.status == 125 && ran.stderr.contains("cannot understand"), format!("{ran:?}"))?;
    let ran = run(&there, &["learn", "--status"]);
    check(ran.stdout.contains("done"), "what was there is lost")
}

fn a_plan_ends_in_time() -> Verdict {
    let root = support::scratch("plan");
    let time = jiff::ZonedDateTime::now().time().wrapping_add(jiff::SignedDuration::from_hours(3));
    let until = format!("{:02}:{:02}", time.hour(), time.minute());
    let mut walker = Walker::start(&["learn", "--plain", "--until", &until], &root)?;
    walker.until(&format!("Until {until} there is time for"))?;
    walker.press("q")?;
    let (status, seen) = walker.end()?;
    check(status == 0, seen)?;
    let ran = run(&root, &["learn", "--until", "noon"]);
    check(ran.status == 2 && ran.stderr.contains("looks like 11:30"), format!("{ran:?}"))
}

fn teachers_see_more() -> Verdict {
    let root = support::scratch("teacher");
    let plain = run(&root, &["lesson", "show", "uts"]);
    let teacher = run(&root, &["lesson", "show", "uts", "--teacher"]);
    check(!plain.stdout.contains("Ask the class"), plain.stdout.clone())?;
    check(teacher.stdout.contains("Ask the class"), teacher.stdout.clone())?;
    let fits = |line: &str| line.chars().count() <= 80 || line.starts_with("    $ ");
    check(plain.stdout.lines().all(fits), "a line is too long for 80 columns")
}

fn wrong_names_offer_the_nearest() -> Verdict {
    let root = support::scratch("names");
    for (arguments, words) in [
        (&["lesson", "run", "utz"][..], "Did you mean uts?"),
        (&["learn", "--track", "nothing"][..], "There are: "),
        (&["doctor", "ns utz"][..], "Did you mean 'ns uts'?"),
    ] {
        let ran = run(&root, arguments);
        check(ran.status == 2 && ran.stderr.contains(words), format!("{ran:?}"))?;
    }
    Ok(())
}

/// A pack of lessons with one file changed.
fn broken(name: &str, file: &str, from: &str, to: &str) -> Result<std::path::PathBuf, String> {
    let pack = support::scratch(name);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons");
    let copy = |file: &str| {
        let target = pack.join(file);
        fs::create_dir_all(target.parent().unwrap_or(&pack)).map_err(|error| error.to_string())?;
        fs::copy(own.join(file), target).map_err(|error| error.to_string())
    };
    for file in ["phrases.toml", "01-uts/lesson.toml", "01-uts/lesson.md"] {
        copy(file)?;
    }
    let write = |file: &str, text: &str| fs::write(pack.join(file), text).map_err(|error| error.to_string());
    let lesson = fs::read_to_string(pack.join("01-uts/lesson.toml")).map_err(|error| error.to_string())?;
    // Without its exercises, which are not copied.
    let kept = lesson.split("[[steps]]").filter(|step| !step.trim_start().starts_with("task")).collect::<Vec<_>>();
    write("01-uts/lesson.toml", &kept.join("[[steps]]"))?;
    write("pack.toml", "format = 1\n[[tracks]]\nname = \"full\"\ntitle = \"x\"\nlessons = [\"uts\"]\n")?;
    let text = fs::read_to_string(pack.join(file)).map_err(|error| error.to_string())?;
    check(text.contains(from), format!("{file} has no '{from}'"))?;
    write(file, &text.replacen(from, to, 1))?;
    Ok(pack)
}

fn broken_lessons_say_where() -> Verdict {
    let root = support::scratch("broken");
    for (index, (file, from, to, words)) in [
        ("pack.toml", "format = 1", "format = 7", "format 7"),
        ("pack.toml", "\"uts\"", "\"gone\"", "no lesson 'gone'"),
        ("01-uts/lesson.toml", "minutes = ", "hours = ", "01-uts/lesson.toml"),
        ("01-uts/lesson.toml", "text = \"idea\"", "text = \"ideas\"", "no section 'ideas'"),
        ("01-uts/lesson.toml", "right = true", "right = false", "one right answer"),
        ("phrases.toml", "[keys]", "[keys", "phrases.toml"),
    ]
    .into_iter()
    .enumerate()
    {
        let pack = broken(&format!("broken-{index}"), file, from, to)?;
        let ran = run(&root, &["lesson", "ls", "--lessons", &pack.display().to_string()]);
        check(ran.status != 0 && ran.stderr.contains(words), format!("{words}: {ran:?}"))?;
    }
    let ran = run(&root, &["lesson", "ls", "--lessons", "/no/such/folder"]);
    check(ran.status == 125 && ran.stderr.contains("pack.toml"), format!("{ran:?}"))?;
    let whole = broken("whole", "pack.toml", "\"x\"", "\"y\"")?;
    let ran = run(&root, &["lesson", "ls", "--lessons", &whole.display().to_string()]);
    check(ran.status == 0 && ran.stdout.contains("A hostname of its own"), format!("{ran:?}"))
}

fn a_read_only_home_is_an_error_with_a_remedy() -> Verdict {
    // A directory that can't be made, for root as well.
    let ran = run(Path::new("/proc/nothing"), &["lesson", "run", "uts", "--yes"]);
    check(ran.status == 125 && ran.stderr.contains("--root"), format!("{ran:?}"))
}

/// Read off the sources, as the house rules are.
fn every_phrase_is_used_and_every_used_phrase_exists() -> Verdict {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("lessons/phrases.toml")).map_err(|error| error.to_string())?;
    let phrases = boxlab::learn::phrases::Phrases::read(&text).map_err(|error| error.to_string())?;
    let mut code = String::new();
    let mut folders = vec![root.join("src/learn"), root.join("src/cli")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).map_err(|error| error.to_string())?.flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => code += &fs::read_to_string(path).unwrap_or_default(),
            }
        }
    }
    let tables: Vec<&str> = phrases.keys().filter_map(|key| key.split('.').next()).collect();
    let quoted: Vec<&str> = code.split('"').collect();
    // `workshop.json` is a file.
    let is_key = |text: &&&str| {
        let mut parts = text.split('.');
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        matches!((parts.next(), parts.next(), parts.next()), (Some(table), Some(key), None)
            if tables.contains(&table) && !key.is_empty() && key != "json" && plain(key))
    };
    let missing: Vec<&&str> =
        quoted.iter().filter(is_key).filter(|key| !phrases.keys().any(|known| known == **key)).collect();
    check(missing.is_empty(), format!("used, and not in phrases.toml: {missing:?}"))?;
    // `state.{}` and the like are put together.
    let built = |key: &str| key.split_once('.').is_some_and(|(table, _)| code.contains(&format!("\"{table}.{{}}\"")));
    let unused: Vec<&str> = phrases.keys().filter(|key| !quoted.contains(key) && !built(key)).collect();
    check(unused.is_empty(), format!("in phrases.toml, and not used: {unused:?}"))
}
