//! The pages in a browser: those that mdBook makes, and those of `boxlab book`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::build::{built, offline};
use crate::common::trials::Verdict;

const DESK: u32 = 1280;
const PHONE: u32 = 390;
/// All of a page.
const WHOLE: &str = "document";
const AXE: &str = include_str!("axe.min.js");

/// The pages of a book, but not the one for the printer, which has all of them once more.
fn pages(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut pages: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    pages.retain(|path| {
        name(path).ends_with(".html") && !["print.html", "toc.html", "404.html"].contains(&&*name(path))
    });
    pages.sort();
    Ok(pages)
}

/// Each page loads without a complaint, and nothing sticks out, least of all on a telephone.
fn load(name: &str, folder: &Path, looks: &[(u32, bool)]) -> Verdict {
    let mut browser = Browser::start(name)?;
    let pages = pages(folder)?;
    let chapters = std::fs::read_dir(folder).map_err(|error| error.to_string())?.count();
    if pages.len() < 10 {
        return Err(format!("only {} pages among {chapters} files", pages.len()));
    }
    let mut wrong = Vec::new();
    for (width, dark) in looks {
        browser.look(*width, *dark)?;
        for page in &pages {
            if let Err(complaint) = browser.open(page) {
                wrong.push(complaint);
            }
            let fits =
                "[document.scrollingElement.scrollWidth, innerWidth, document.querySelectorAll('main h1').length]";
            let found = browser.evaluate(fits)?;
            wrong.extend(dead_links(&mut browser, page)?);
            if found[0].as_u64() > found[1].as_u64() || found[2] != 1 {
                wrong.push(format!("{} at {width}: width, window and headings are {found}", page.display()));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Links to pages and files of the book that are not there.
fn dead_links(browser: &mut Browser, page: &Path) -> Result<Vec<String>, String> {
    let links = "Array.from(document.querySelectorAll('a[href]'), link => link.getAttribute('href'))
        .filter(link => !/^[a-z]+:/.test(link)).map(link => link.replace(/#.*/, '')).filter(link => link)";
    let found = browser.evaluate(links)?;
    let links = found.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_str);
    let dead = links.filter(|link| !page.with_file_name(link).exists());
    Ok(dead.map(|link| format!("{}: a link to {link}, which is not there", page.display())).collect())
}

pub fn built_pages_load() -> Verdict {
    // At a desk axe sees them all.
    load("built", built()?, &[(PHONE, true)])
}

pub fn offline_pages_load() -> Verdict {
    load("offline", offline()?, &[(DESK, false), (PHONE, true)])
}

/// `now()` is the number of the stop that the first player is at.
const HELP: &str = "var run = document.querySelector('.boxlab-run');
    var stops = Array.from(run.querySelectorAll('.boxlab-stop'));
    var now = () => stops.findIndex(stop => stop.getAttribute('aria-current') === 'step');
    var said = () => run.querySelector('.boxlab-explained').textContent;
    var last = stops.length - 1; 0";

/// The player goes where keys, buttons, slider and mouse send it, and the page stays.
fn steps(name: &str, page: &Path) -> Verdict {
    let mut browser = Browser::start(name)?;
    browser.look(DESK, false)?;
    browser.open(page)?;
    browser.evaluate(HELP)?;
    browser.expect("last > 3 && now() === 0 && said().includes('clone3(2)')")?;
    browser.evaluate("run.querySelector('.boxlab-stops').focus()")?;
    let (left, right, home, end) = (("ArrowLeft", 37), ("ArrowRight", 39), ("Home", 36), ("End", 35));
    for ((key, code), expected) in [
        (left, "now() === 0"),
        (right, "now() === 1 && said().includes('prctl(2)')"),
        (right, "now() === 2 && said().includes('unshare(2)')"),
        (left, "now() === 1"),
        (end, "now() === last && said().includes('printed')"),
        (right, "now() === last"),
        (home, "now() === 0"),
    ] {
        browser.press(key, code)?;
        browser.expect(expected).map_err(|error| format!("after {key}: {error}"))?;
    }
    browser.evaluate("run.querySelector('input').focus()")?;
    browser.press("ArrowRight", 39)?;
    browser.press("End", 35)?;
    browser.expect("now() === last && run.querySelector('input').value === String(last + 1)")?;
    browser.evaluate("run.querySelector('[data-go=back]').click()")?;
    browser
        .expect("now() === last - 1 && run.querySelector('.boxlab-place').textContent === `${last} / ${last + 1}`")?;
    browser.evaluate("stops[3].click()")?;
    browser.expect("now() === 3")?;
    let slid = "(() => { let slider = run.querySelector('input'); slider.value = 2;
        slider.dispatchEvent(new Event('input', {bubbles: true})); return now() === 1; })()";
    browser.expect(slid)?;
    browser.expect("document.querySelectorAll('.boxlab-run')[1].querySelector('.boxlab-now') !== null")?;
    let address = format!("location.pathname.endsWith('/{}')", page.file_name().unwrap_or_default().to_string_lossy());
    browser.expect(&address)
}

/// The contents can be folded away by keys.
pub fn the_contents_fold() -> Verdict {
    let mut browser = Browser::start("contents")?;
    browser.look(PHONE, false)?;
    browser.open(&built()?.join("01-uts.html"))?;
    browser.evaluate("var button = document.querySelector('button[aria-controls=mdbook-sidebar]'); button.focus()")?;
    browser.expect("button.getAttribute('aria-expanded') === 'false'")?;
    browser.evaluate("button.click()")?;
    browser.expect("button.getAttribute('aria-expanded') === 'true' && document.documentElement.classList.contains('sidebar-visible')")
}

pub fn the_player_steps() -> Verdict {
    steps("steps", &built()?.join("01-uts.html"))?;
    steps("steps-offline", &offline()?.join("01-uts.html"))
}

/// Without JavaScript the narration is there as text, and no control that does nothing.
pub fn it_reads_without_javascript() -> Verdict {
    let mut browser = Browser::start("plain")?;
    browser.look(DESK, false)?;
    browser.call("Emulation.setScriptExecutionDisabled", json!({"value": true}))?;
    for page in [built()?.join("01-uts.html"), offline()?.join("01-uts.html")] {
        browser.call("Page.navigate", json!({"url": format!("file://{}", page.display())}))?;
        let text = "document.querySelector('.boxlab-run') && document.querySelector('.boxlab-run').innerText";
        let mut found = Value::Null;
        for _ in 0..100 {
            found = browser.evaluate(text)?;
            if found.is_string() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let found = found.as_str().unwrap_or_default();
        let shown = ["$ boxlab ns uts -- uname -n", "sethostname(\"box\", 3) = 0", "hostname: laptop → box", "\nbox"];
        if let Some(missing) = shown.iter().find(|text| !found.contains(**text)) {
            return Err(format!("{}: no '{missing}' in:\n{found}", page.display()));
        }
        if found.contains("1 / ") || found.contains("Done by") {
            return Err(format!("{}: the controls are shown:\n{found}", page.display()));
        }
    }
    Ok(())
}

/// axe's rules (WCAG 2.1 A and AA, and its good habits): contrast, names, the order of headings, ...
fn accessible(browser: &mut Browser, page: &Path, part: &str) -> Verdict {
    browser.open(page)?;
    browser.evaluate(AXE)?;
    // Folded answers are read, too.
    browser.evaluate("document.querySelectorAll('main details').forEach(fold => fold.open = true)")?;
    let rules = "{resultTypes: ['violations'], iframes: false, preload: false}";
    let told = "found => found.violations.map(rule => rule.id + ': ' + rule.help + ': ' + rule.nodes.slice(0, 3)
        .map(node => node.html.slice(0, 160) + ' ' + node.failureSummary.replace(/\\s+/g, ' ')).join(' | '))";
    let found = browser.evaluate(&format!("axe.run({part}, {rules}).then({told})"))?;
    match found.as_array().map(Vec::as_slice) {
        Some([]) => Ok(()),
        Some(wrong) => {
            let wrong: Vec<&str> = wrong.iter().filter_map(Value::as_str).collect();
            Err(format!("{}: {}", page.display(), wrong.join("\n    ")))
        }
        None => Err(format!("{}: axe found {found}", page.display())),
    }
}

fn all_accessible(name: &str, pages: &[PathBuf], part: &str, width: u32, dark: bool) -> Verdict {
    let mut browser = Browser::start(name)?;
    browser.look(width, dark)?;
    let wrong: Vec<String> = pages.iter().filter_map(|page| accessible(&mut browser, page, part).err()).collect();
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("book-{name}.png"));
    browser.evaluate("document.querySelector('.boxlab-run')?.scrollIntoView()")?;
    browser.picture(&picture)?;
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Every other way to look at it is tried with pages that have all kinds of things.
fn samples(folder: &Path) -> Vec<PathBuf> {
    ["index.html", "05-net.html", "31-run.html", "17-memory.html"].map(|name| folder.join(name)).to_vec()
}

pub fn axe_finds_nothing_in_the_light() -> Verdict {
    all_accessible("light-whole", &samples(built()?), WHOLE, DESK, false)?;
    // What is around them is the same everywhere.
    all_accessible("light", &pages(built()?)?, "'main'", DESK, false)
}

pub fn axe_finds_nothing_in_the_dark() -> Verdict {
    all_accessible("dark", &samples(built()?), WHOLE, DESK, true)
}

pub fn axe_finds_nothing_on_a_phone() -> Verdict {
    all_accessible("phone", &samples(built()?), WHOLE, PHONE, false)?;
    all_accessible("phone-dark", &samples(built()?)[2..], WHOLE, PHONE, true)
}

pub fn axe_finds_nothing_offline() -> Verdict {
    all_accessible("offline-light", &samples(offline()?), WHOLE, DESK, false)?;
    all_accessible("offline-phone-dark", &samples(offline()?), WHOLE, PHONE, true)
}
