//! From the address of a call to the line of the learner's source. DWARF

use std::path::{Path, PathBuf};

use addr2line::Loader;

use crate::kernel::tracer::Call;

/// Files that no learner has written: of the compiler, of other crates, of the system.
const FOREIGN: [&str; 4] = ["/rustc/", "/registry/", "/git/checkouts/", "/usr/"];

/// What a program's file says about where its code comes from.
pub struct Lines {
    loader: Option<Loader>,
    project: Option<PathBuf>,
}

impl Lines {
    /// Reads it. A script, and a program without debugging information, say nothing. Paths
    /// are shown as from `project`.
    pub fn read(program: &Path, project: Option<&Path>) -> Self {
        let project = project.map(|project| project.canonicalize().unwrap_or_else(|_| project.to_owned()));
        Self { loader: Loader::new(program).ok(), project }
    }

    /// True if nothing can be said of any call.
    pub fn is_silent(&self) -> bool {
        self.loader.is_none()
    }

    /// `src/child.rs:29`, and where that is not the stage's own file, the line of it that led
    /// there: `src/child.rs:29, from src/uts.rs:11`.
    pub fn of(&self, call: &Call, stage: &str) -> Option<String> {
        let origin = call.origin.as_ref()?;
        let mut lines = origin.frames.iter().filter_map(|address| self.at(*address));
        let Some((file, line)) = lines.next() else {
            let (file, line) = origin.guesses.iter().find_map(|address| self.at(*address))?;
            return Some(format!("{file}:{line}"));
        };
        let is_stage = |file: &str| file.ends_with(stage.trim_start_matches("src"));
        let other = lines.find(|(other, _)| !is_stage(&file) && is_stage(other));
        let from = other.map(|(file, line)| format!(", from {file}:{line}")).unwrap_or_default();
        Some(format!("{file}:{line}{from}"))
    }

    /// The innermost line of the learner's own at this address.
    fn at(&self, address: u64) -> Option<(String, u32)> {
        let mut frames = self.loader.as_ref()?.find_frames(address).ok()?;
        while let Ok(Some(frame)) = frames.next() {
            let Some(location) = frame.location else { continue };
            let (Some(file), Some(line)) = (location.file, location.line) else { continue };
            let path = Path::new(file);
            let own = self.project.as_ref().and_then(|project| path.strip_prefix(project).ok());
            let is_foreign = FOREIGN.iter().any(|part| file.contains(part)) || !path.is_file();
            if own.is_some() || (self.project.is_none() && !is_foreign) {
                return Some((own.unwrap_or(path).display().to_string(), line));
            }
        }
        None
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("project", &self.project).finish_non_exhaustive()
    }
}

/// `pivot_root(".", ".") = -1 EINVAL (Invalid argument)`
pub fn spelled(call: &Call) -> String {
    let result = match call.outcome {
        Ok(value) => value.to_string(),
        Err(errno) => format!("-1 {}", crate::trace::decode::errno(errno)),
    };
    format!("{}({}) = {result}", call.name, call.args.join(", "))
}
