//! The one error of boxlab: what was being done, the call that failed with its
//! arguments and errno, where in the source, and what to do about it.
//!
//! It can travel: a child that fails sends its `Error` to its parent as it is.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// Result of everything in boxlab that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// boxlab itself failed (docker-run(1), EXIT STATUS).
pub const FAILED: i32 = 125;
/// The program exists but can't be run.
pub const CANNOT_RUN: i32 = 126;
/// The program was not found.
pub const NOT_FOUND: i32 = 127;
/// The command line is wrong.
pub const USAGE: i32 = 2;

/// A failure, ready to be shown once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Error(Box<Failure>);

/// What an [`Error`] tells. Boxed, so that `Result` stays one word wide.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What was being done, as "cannot ...".
    pub doing: String,
    /// The call as strace would print it, without its result.
    pub call: Option<String>,
    /// errno(3) as a number.
    pub errno: Option<i32>,
    /// The text of the narration's step in which it happened.
    pub step: Option<String>,
    /// Source file and line of the call.
    pub source: Option<String>,
    /// Why this usually happens and what to do: one or more lines.
    pub hint: Option<String>,
    /// Exit status of the whole command; see design, "Exit status".
    pub status: i32,
}

impl Error {
    /// An error of boxlab's own, without a system call.
    pub fn new(doing: impl Into<String>) -> Self {
        Self(Box::new(Failure { doing: doing.into(), status: FAILED, ..Failure::default() }))
    }

    /// A wrong command line: exit status 2.
    pub fn usage(doing: impl Into<String>) -> Self {
        Self::new(doing).status(USAGE)
    }

    /// A failure of the standard library's I/O; keeps the errno where it has one.
    pub fn io(doing: impl Into<String>, error: &io::Error) -> Self {
        let mut doing = doing.into();
        if error.raw_os_error().is_none() {
            doing = format!("{doing}: {error}");
        }
        let mut made = Self::new(doing);
        made.0.errno = error.raw_os_error();
        match remedy(error.kind()) {
            Some(hint) => made.hint(hint),
            None => made,
        }
    }

    /// A failed system call, `call` as strace would print it.
    pub fn call(call: String, errno: i32, source: String) -> Self {
        Self(Box::new(Failure {
            call: Some(call),
            errno: Some(errno),
            source: Some(source),
            status: FAILED,
            ..Failure::default()
        }))
    }

    /// Adds what to do about it, after what something nearer has said.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        self.0.hint = Some(self.0.hint.map_or_else(|| hint.clone(), |nearer| format!("{nearer}\n{hint}")));
        self
    }

    /// Adds what lies behind it, and what that one says to do.
    #[must_use]
    pub fn because(mut self, cause: &Self) -> Self {
        self.0.doing = format!("{}: {cause}", self.0.doing);
        self.0.hint = cause.0.hint.clone();
        self
    }

    /// Sets the exit status.
    #[must_use]
    pub fn status(mut self, status: i32) -> Self {
        self.0.status = status;
        self
    }

    /// Names the step of the narration in which it happened.
    #[must_use]
    pub fn in_step(mut self, step: Option<String>) -> Self {
        self.0.step = self.0.step.or(step);
        self
    }

    /// Says what was being done, unless something nearer has said it already.
    #[must_use]
    pub fn doing(mut self, doing: impl FnOnce() -> String) -> Self {
        if self.0.doing.is_empty() {
            self.0.doing = doing();
        }
        self
    }

    /// What it tells.
    pub fn failure(&self) -> &Failure {
        &self.0
    }

    /// errno(3) of the failed call.
    pub fn errno(&self) -> Option<i32> {
        self.0.errno
    }
}

/// What to do about the failures that any file can meet.
fn remedy(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull => Some("There is no space left there: `df -h` and `df -i` show what is full."),
        io::ErrorKind::PermissionDenied => Some("This user may not: look at owner and mode, or run as another user."),
        io::ErrorKind::ReadOnlyFilesystem => Some("That filesystem is read-only."),
        _ => None,
    }
}

/// `.doing(|| "cannot ...")` on a `Result`.
pub trait Context<T> {
    /// See [`Error::doing`].
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T>;
    /// See [`Error::hint`]; the hint is made only when it is needed.
    fn hint(self, hint: impl FnOnce(&Error) -> Option<String>) -> Result<T>;
}

impl<T> Context<T> for Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Self {
        self.map_err(|error| error.doing(doing))
    }

    fn hint(self, hint: impl FnOnce(&Error) -> Option<String>) -> Self {
        self.map_err(|error| match hint(&error) {
            Some(text) => error.hint(text),
            None => error,
        })
    }
}

/// `.or_fail(|| "cannot read /etc/x")` on an `io::Result`.
pub trait IoContext<T> {
    /// Turns an I/O error into an [`Error`] that says what was being done.
    fn or_fail(self, doing: impl FnOnce() -> String) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn or_fail(self, doing: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::io(doing(), &error))
    }
}

/// One line for what happened; the narrator shows step, place and hint below it.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failure = &self.0;
        f.write_str(&failure.doing)?;
        if let Some(call) = &failure.call {
            let colon = if failure.doing.is_empty() { "" } else { ": " };
            write!(f, "{colon}{call} = -1")?;
        }
        if let Some(errno) = failure.errno {
            let errno = nix_errno(errno);
            match &failure.call {
                Some(_) => write!(f, " {errno}")?,
                None => write!(f, ": {errno}")?,
            }
        }
        Ok(())
    }
}

/// `ENOENT (No such file or directory)`
fn nix_errno(errno: i32) -> String {
    crate::trace::decode::errno(errno)
}

impl std::error::Error for Error {}
