//! boxlab: a container lab in one binary. The modules, in reading order, from
//! what a user types down to the system call. Each may use those below it, never
//! one above; a test sees to that.

#![warn(missing_docs)]

/// The command line: clap types and thin command functions, one file a noun.
pub mod cli;
/// The classroom: lessons that run, and what is remembered of them.
pub mod learn;
/// One table of all lab commands, read by help, narration, `doctor` and tests.
pub mod catalog;
/// The pieces put together: a container.
pub mod container;
/// What isolates a process, any process, and how two differ in that.
pub mod explain;
/// Images: plain files, packed in layers, described by three small JSON documents.
pub mod image;
/// What was made and must go again, written down before it is made.
pub mod ledger;
/// The lessons in code: one file, one primitive, one screen.
pub mod primitives;
/// Which system calls a process may make: profiles, and the programs that the
/// kernel runs before each call.
pub mod seccomp;
/// What lies where.
pub mod paths;
/// One method, one system call; the only home of `unsafe`, `nix` and `libc`.
pub mod kernel;
/// The stream of events, and how it is shown.
pub mod trace;
/// One error for everything: what was being done, the call, its errno, what to do.
pub mod error;
