//! The book: all that its chapters ask for is there, it builds, and its pages work in a browser:
//! with keys, in the dark, on a telephone.
//! `INSTA_UPDATE=always cargo test --test book` writes the table of contents anew.

#[path = "book/build.rs"]
mod build;
mod common;
#[path = "book/summary.rs"]
mod summary;
mod support;

use common::trials::{self, trial};

fn main() {
    let all = vec![
        trial("summary lists every lesson", summary::lists_every_lesson),
        trial("links lead somewhere", summary::links_lead_somewhere),
        trial("mdbook builds it", || build::built().map(drop)),
    ];
    trials::run(all, || drop(std::fs::remove_dir_all(support::store())));
}
