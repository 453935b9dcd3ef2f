//! The book: all that its chapters ask for is there, it builds, and its pages work in a browser:
//! with keys, in the dark, on a telephone, without JavaScript.
//! `INSTA_UPDATE=always cargo test --test book` writes the table of contents anew.

#[path = "book/browser.rs"]
mod browser;
#[path = "book/build.rs"]
mod build;
mod common;
#[path = "book/pages.rs"]
mod pages;
#[path = "book/summary.rs"]
mod summary;
mod support;

use common::trials::{self, Verdict, skipped, trial};

/// A trial's name and what it does.
type Named = (&'static str, fn() -> Verdict);

/// In a browser. What takes longest comes first.
const PAGES: &[Named] = &[
    ("axe finds nothing in the light", pages::axe_finds_nothing_in_the_light),
    ("axe finds nothing in the dark", pages::axe_finds_nothing_in_the_dark),
    ("axe finds nothing on a phone", pages::axe_finds_nothing_on_a_phone),
    ("axe finds nothing offline", pages::axe_finds_nothing_offline),
    ("built pages load", pages::built_pages_load),
    ("offline pages load", pages::offline_pages_load),
    ("the player steps", pages::the_player_steps),
    ("the contents fold", pages::the_contents_fold),
    ("it reads without JavaScript", pages::it_reads_without_javascript),
];

fn main() {
    let mut all = vec![
        trial("summary lists every lesson", summary::lists_every_lesson),
        trial("links lead somewhere", summary::links_lead_somewhere),
        trial("mdbook builds it", || build::built().map(drop)),
        trial("it goes with anyone's book", build::anyones_book),
    ];
    let browser = boxlab::kernel::program_path("chromium").is_some();
    all.extend(PAGES.iter().map(|(name, body)| match browser {
        true => trial(*name, body),
        false => skipped(*name, "chromium is not installed".to_owned()),
    }));
    trials::run(all, || drop(std::fs::remove_dir_all(support::store())));
}
