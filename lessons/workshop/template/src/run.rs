//! Stage 11: all of it.
#![allow(unused_variables, dead_code)] // Take this line away when you begin.

use super::Result;

/// Pulls `HOST:PORT/NAME:TAG` and runs a program in a container called NAME; without one, the image's own.
pub fn run(image: &str, program: &[String]) -> Result<i32> {
    Err("src/run.rs is not written yet".into())
}
