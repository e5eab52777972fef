//! chromedriver in a process group of its own, and the commands of it that WebDriver has no words for.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::process::Process;

/// What chromedriver says once it listens, before the port's number.
const STARTED: &str = "started successfully on port";
/// What it says instead when somebody else has the port.
const PORT_TAKEN: &str = "port not available";

/// A running chromedriver.
#[derive(Debug)]
pub(crate) struct Driver {
    /// Holds the process group that its browsers are in too.
    _process: Process,
    port: u16,
}

impl Driver {
    /// Starts chromedriver on a free port.
    pub(crate) async fn start() -> Self {
        let program = std::env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        loop {
            let process = Process::spawn("chromedriver", Command::new(&program).arg("--port=0"));
            let line = process
                .stdout
                .line("the port", |line| line.contains(STARTED) || line.contains(PORT_TAKEN))
                .await;
            // It looks for a free port first and takes it later, when somebody else may have it.
            if line.contains(PORT_TAKEN) {
                continue;
            }
            let port = line.trim_end_matches('.').rsplit(' ').next().and_then(|port| port.parse().ok());
            return Self { port: port.unwrap_or_else(|| panic!("no port in {line:?}")), _process: process };
        }
    }

    /// Where it takes commands.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Sends a command without an async runtime, for use in `Drop`.
    pub(crate) fn command_now(&self, session: &str, method: &str, path: &str, body: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let request = format!(
            "{method} /session/{session}/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        // An answer that is cut off fails below.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        let (_, body) = answer.split_once("\r\n\r\n")?;
        serde_json::from_str::<Value>(body).ok().map(|mut answer| answer["value"].take())
    }
}

/// An address that leads to this machine, and that browsers take for another one: they trust pages from there only as far as
/// any that come over plain http.
pub const ANOTHER_MACHINE: &str = "192.0.2.1";

/// What a new session asks for.
pub(crate) fn capabilities(user_data: &std::path::Path) -> serde_json::Map<String, Value> {
    let mut options = json!({
        "args": [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--window-size=1280,800",
            "--lang=zh-CN",
            format!("--host-resolver-rules=MAP {ANOTHER_MACHINE} 127.0.0.1"),
            format!("--user-data-dir={}", user_data.display()),
        ],
    });
    if let Some(program) = chromium() {
        options["binary"] = json!(program);
    }
    let capabilities = json!({
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL"},
    });
    match capabilities {
        Value::Object(map) => map,
        _ => unreachable!("written as an object above"),
    }
}

/// Chromium where chromedriver would not look for it.
fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::var_os("CHROME").map(PathBuf::from).or_else(|| {
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
            .iter()
            .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
            .find(|candidate| candidate.is_file())
    })
}

/// A command of chromedriver's own.
#[derive(Debug)]
pub(crate) struct Extension {
    path: &'static str,
    body: Value,
}

impl Extension {
    /// A command of the DevTools protocol.
    pub(crate) fn devtools(command: &str, parameters: &Value) -> Self {
        Self { path: "goog/cdp/execute", body: json!({"cmd": command, "params": parameters}) }
    }

    /// What the console said since it was asked last.
    pub(crate) fn console() -> Self {
        Self { path: "se/log", body: json!({"type": "browser"}) }
    }
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
