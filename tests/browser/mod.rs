//! A small client of the Chrome DevTools Protocol: starts a headless Chromium, opens one page in it, evaluates, presses
//! keys, and keeps what the page complained about and asked the network for.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    last_id: u64,
    /// Console errors, uncaught exceptions and log entries (a blocked script, a refused style) since the last `open`.
    pub complaints: Vec<String>,
    /// Addresses asked for since the last `open`.
    pub requests: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// `None` only when the environment says that browser tests are to be skipped.
    pub fn launch(width: u32, height: u32) -> Option<Browser> {
        if std::env::var_os("GROUPSHIFT_SKIP_BROWSER").is_some_and(|value| value == "1") {
            println!("skipped: GROUPSHIFT_SKIP_BROWSER=1");
            return None;
        }
        let profile = tempfile::tempdir().expect("a folder for the browser's profile");
        let child = start(profile.path(), width, height);
        let port_file = profile.path().join("DevToolsActivePort");
        let started = Instant::now();
        let (port, path) = loop {
            let text = std::fs::read_to_string(&port_file).unwrap_or_default();
            if let Some((port, path)) = text.trim_end().split_once('\n') {
                break (port.parse::<u16>().expect("a port"), path.to_owned());
            }
            assert!(started.elapsed() < PATIENCE, "Chromium did not open its DevTools port");
            std::thread::sleep(Duration::from_millis(20));
        };
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("Chromium's DevTools port");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        let (socket, _) =
            tungstenite::client(format!("ws://127.0.0.1:{port}{path}"), stream).expect("a DevTools session");
        let mut browser = Browser {
            child,
            socket,
            session: String::new(),
            last_id: 0,
            complaints: Vec::new(),
            requests: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached =
            browser.call("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.viewport(width, height);
        Some(browser)
    }

    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let mut request = json!({ "id": self.last_id, "method": method, "params": params });
        if !self.session.is_empty() {
            request["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(request.to_string())).expect("Chromium listens");
        loop {
            let message = self.socket.read().unwrap_or_else(|error| panic!("no answer to {method}: {error}"));
            let Message::Text(text) = message else { continue };
            let mut message: Value = serde_json::from_str(&text).expect("DevTools messages are JSON");
            if message["id"] == self.last_id {
                assert!(message.get("error").is_none(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.note(&message);
        }
    }

    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.complaints.push(params["exceptionDetails"].to_string()),
            Some("Runtime.consoleAPICalled") => self.complaints.push(params["args"].to_string()),
            Some("Log.entryAdded") => self.complaints.push(params["entry"].to_string()),
            Some("Network.requestWillBeSent") => {
                self.requests.push(params["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }

    /// Goes to a file without waiting for anything on it.
    pub fn navigate(&mut self, file: &Path) {
        self.call("Page.navigate", json!({ "url": address(file) }));
    }

    /// Opens a file afresh and returns once its first rows stand. `hash` begins with `#` or is empty.
    pub fn open(&mut self, file: &Path, hash: &str) -> Duration {
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        self.wait("location.href === 'about:blank' && document.readyState === 'complete'");
        self.complaints.clear();
        self.requests.clear();
        let started = Instant::now();
        self.call("Page.navigate", json!({ "url": format!("{}{hash}", address(file)) }));
        self.wait("document.querySelectorAll('#body [role=row]').length > 0");
        started.elapsed()
    }

    pub fn eval(&mut self, script: &str) -> Value {
        let mut answer = self.call(
            "Runtime.evaluate",
            json!({ "expression": script, "returnByValue": true, "awaitPromise": true, "userGesture": true }),
        );
        assert!(answer.get("exceptionDetails").is_none(), "{script}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    pub fn text(&mut self, script: &str) -> String {
        self.eval(script).as_str().unwrap_or_else(|| panic!("{script} gave no text")).to_owned()
    }

    pub fn number(&mut self, script: &str) -> f64 {
        self.eval(script).as_f64().unwrap_or_else(|| panic!("{script} gave no number"))
    }

    #[track_caller]
    pub fn wait(&mut self, condition: &str) {
        let started = Instant::now();
        loop {
            // A page that is being replaced cannot answer; it is asked again.
            let answer = self.call(
                "Runtime.evaluate",
                json!({ "expression": format!("Boolean({condition})"), "returnByValue": true }),
            );
            if answer["result"]["value"] == true {
                return;
            }
            if started.elapsed() > PATIENCE {
                panic!("waited in vain for {condition}; complaints: {:?}", self.complaints);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Presses a key as a keyboard does: the page's default actions happen too.
    pub fn key(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "PageUp" => 33,
            "PageDown" => 34,
            "End" => 35,
            "Home" => 36,
            "ArrowUp" => 38,
            "ArrowDown" => 40,
            "Tab" => 9,
            other => u32::from(other.chars().next().unwrap_or(' ')),
        };
        let mut down = json!({ "type": "rawKeyDown", "key": key, "windowsVirtualKeyCode": code });
        if key.chars().count() == 1 {
            down["type"] = json!("keyDown");
            down["text"] = json!(key);
        } else if key == "Enter" {
            down["type"] = json!("keyDown");
            down["text"] = json!("\r");
        }
        self.call("Input.dispatchKeyEvent", down);
        self.call("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code }));
    }

    pub fn viewport(&mut self, width: u32, height: u32) {
        let phone = width < 500;
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone }),
        );
    }

    /// `prefers-color-scheme`, and `print` or `screen`.
    pub fn media(&mut self, scheme: &str, media: &str) {
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "media": media, "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        );
    }

    /// A picture for people, in the build's scratch folder; `whole` takes the page's full height.
    #[allow(dead_code)]
    pub fn picture(&mut self, file: &Path, whole: bool) {
        let answer = self.call("Page.captureScreenshot", json!({ "captureBeyondViewport": whole }));
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(answer["data"].as_str().expect("a picture"))
            .expect("base64");
        std::fs::write(file, bytes).expect("the picture can be written");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let close = json!({ "id": self.last_id + 1, "method": "Browser.close" });
        let asked = self.socket.send(Message::text(close.to_string())).is_ok();
        let started = Instant::now();
        while asked && started.elapsed() < Duration::from_secs(5) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(profile: &Path, width: u32, height: u32) -> Child {
    let named = std::env::var("GROUPSHIFT_CHROMIUM").ok();
    let candidates: Vec<&str> = match &named {
        Some(name) => vec![name.as_str()],
        None => vec!["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"],
    };
    for name in &candidates {
        let started = Command::new(name)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-extensions", "--disable-dev-shm-usage", "--remote-debugging-port=0"])
            .arg(format!("--window-size={width},{height}"))
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        if let Ok(child) = started {
            return child;
        }
    }
    panic!(
        "no browser: tried {}. Install Chromium, name one in GROUPSHIFT_CHROMIUM, or set GROUPSHIFT_SKIP_BROWSER=1 to \
         go without these tests",
        candidates.join(", ")
    );
}

fn address(file: &Path) -> String {
    let path = file.to_string_lossy().replace('\\', "/");
    if path.starts_with('/') { format!("file://{path}") } else { format!("file:///{path}") }
}
