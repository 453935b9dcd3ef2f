//! Chromium without a window, led by the DevTools protocol over two pipes.
//! <https://chromedevtools.github.io/devtools-protocol/>

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::{Value, json};

use crate::support;

/// A browser with one page.
pub struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: String,
    last: u64,
    events: Vec<Value>,
}

impl Browser {
    /// Starts one; `name` tells its directory from others'.
    pub fn start(name: &str) -> Result<Self, String> {
        let place = support::scratch(&format!("browser-{name}"));
        let said = |error: std::io::Error| format!("chromium: {error}");
        let pipe = |name: &str| {
            let path = place.join(name);
            mkfifo(&path, Mode::S_IRWXU).map(|()| path).map_err(|error| error.to_string())
        };
        let (to, from) = (pipe("to")?, pipe("from")?);
        let mut sh = Command::new("sh");
        // It reads from descriptor 3 and writes to descriptor 4.
        sh.args(["-c", "to=$1 from=$2; shift 2; exec chromium \"$@\" 3<\"$to\" 4>\"$from\"", "sh"]).arg(&to).arg(&from);
        sh.args(["--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
        sh.args(["--no-first-run", "--disable-extensions", "--disable-background-networking", "--hide-scrollbars"]);
        sh.arg(format!("--user-data-dir={}", place.join("profile").display())).env("HOME", &place);
        sh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = sh.spawn().map_err(said)?;
        let to = OpenOptions::new().write(true).open(to).map_err(said)?;
        let from = BufReader::new(File::open(from).map_err(said)?);
        let mut browser = Self { child, to, from, session: String::new(), last: 0, events: Vec::new() };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}))?["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", json!({"targetId": target, "flatten": true}))?;
        browser.session = attached["sessionId"].as_str().unwrap_or_default().to_owned();
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(browser)
    }

    /// One method of the protocol, and its result.
    pub fn call(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).map_err(|error| format!("{method}: {error}"))?;
        loop {
            let mut answer = self.message()?;
            if answer["id"] == self.last {
                return match answer.get("error") {
                    Some(error) => Err(format!("{method}: {error}")),
                    None => Ok(answer["result"].take()),
                };
            }
            self.events.push(answer);
        }
    }

    fn message(&mut self) -> Result<Value, String> {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).map_err(|error| error.to_string())?;
        bytes.pop();
        serde_json::from_slice(&bytes).map_err(|error| format!("chromium has ended: {error}"))
    }

    /// Opens a page, waits until it is loaded, and fails if it has complained.
    pub fn open(&mut self, path: &Path) -> Result<(), String> {
        self.events.clear();
        self.call("Page.navigate", json!({"url": format!("file://{}", path.display())}))?;
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.message()?;
            self.events.push(event);
        }
        // What is done once the page has been painted belongs to it as well.
        self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))")?;
        let complaint = self.events.iter().find(|event| {
            let error = |text: &Value| text == "error" || text == "assert";
            match event["method"].as_str() {
                Some("Runtime.exceptionThrown") => true,
                Some("Runtime.consoleAPICalled") => error(&event["params"]["type"]),
                Some("Log.entryAdded") => error(&event["params"]["entry"]["level"]),
                _ => false,
            }
        });
        complaint.map_or(Ok(()), |event| Err(format!("{}: {}", path.display(), event["params"])))
    }

    /// What an expression comes to, as JSON.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value, String> {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut found = self.call("Runtime.evaluate", asked)?;
        match found.get("exceptionDetails") {
            Some(thrown) => Err(format!("{expression}: {thrown}")),
            None => Ok(found["result"]["value"].take()),
        }
    }

    /// Fails unless the expression is true.
    pub fn expect(&mut self, expression: &str) -> Result<(), String> {
        match self.evaluate(expression)? {
            Value::Bool(true) => Ok(()),
            other => Err(format!("not true: {expression}: {other}")),
        }
    }

    /// A key is pressed and released, wherever the focus is.
    pub fn press(&mut self, key: &str, code: u32) -> Result<(), String> {
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            self.call("Input.dispatchKeyEvent", event)?;
        }
        Ok(())
    }

    /// The size of the window, and whether its owner likes it dark.
    pub fn look(&mut self, width: u32, dark: bool) -> Result<(), String> {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", size)?;
        let scheme = if dark { "dark" } else { "light" };
        let feature = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", feature).map(drop)
    }

    /// Writes a picture of what is in the window.
    pub fn picture(&mut self, path: &Path) -> Result<(), String> {
        let shot = self.call("Page.captureScreenshot", json!({"format": "png"}))?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap_or_default());
        std::fs::write(path, bytes.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.call("Browser.close", json!({}));
        for _ in 0..50 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
