//! A system call as text: what strace(1) prints and what the trace tells.

use std::fmt;

use serde_json::Value;

/// One call with its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name in the manual.
    pub name: String,
    /// Its arguments, each as it is spelled.
    pub args: Vec<String>,
    /// What it returned.
    pub ret: String,
    /// errno(3) by name, if it failed.
    pub errno: Option<String>,
}

impl Call {
    /// The call of an event of the JSON trace, and the process that made it;
    /// `None` for events that are no calls.
    pub fn of_event(line: &str) -> Result<Option<(i32, Self)>, String> {
        let event: Value = serde_json::from_str(line).map_err(|error| format!("no JSON: {error}: {line}"))?;
        if event["event"] != "call" {
            return Ok(None);
        }
        let text = |key: &str| event[key].as_str().map(str::to_owned).ok_or_else(|| format!("no {key}: {line}"));
        let args = event["args"].as_array().ok_or_else(|| format!("no args: {line}"))?;
        let args = args.iter().map(|arg| arg.as_str().unwrap_or_default().to_owned()).collect();
        let pid = event["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
        let errno = event["errno"].as_str().map(str::to_owned);
        let call = Self { name: text("name")?, args, ret: text("ret")?, errno };
        Ok(Some((pid.ok_or_else(|| format!("no pid: {line}"))?, call)))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}) = {}", self.name, self.args.join(", "), self.ret)?;
        self.errno.as_ref().map_or(Ok(()), |errno| write!(f, " {errno}"))
    }
}
