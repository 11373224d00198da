//! Chromium and what a test does with it. Every page that was looked at is held to: no console error, no request off-host.

use dayfly_tests::{descendants, eventually_async, free_port};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

/// For whatever a busy machine may need.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a console may say although all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Console {
    /// Nothing.
    Silent,
    /// That an answer was 4xx or 5xx, which is the subject of the test.
    Refusals,
}

/// The driver, which is the parent of the browser.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let own = self.0.id().cast_signed();
        for pid in descendants(own).into_iter().chain([own]) {
            let _gone = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        drop(self.0.wait());
    }
}

/// A browser of a test's own; ended with the value.
pub(crate) struct Chrome {
    pub(crate) client: Client,
    http: reqwest::Client,
    session: String,
    _driver: Driver,
    _home: tempfile::TempDir,
}

impl Chrome {
    /// # Panics
    /// When there is none: `./deploy/test` installs it.
    pub(crate) async fn start() -> Self {
        let (port, home) = (free_port(), tempfile::tempdir().expect("a folder"));
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).env("HOME", home.path()).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let driver = Driver(command.spawn().expect("chromedriver: as root, apt-get install chromium chromium-driver"));
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let url = format!("http://127.0.0.1:{port}");
        eventually_async("the driver is ready", PATIENCE, || async {
            http.get(format!("{url}/status")).send().await.ok()?.status().is_success().then_some(())
        })
        .await;
        // Root has no sandbox, and a container often little shared memory.
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--disable-sync",
            "--window-size=1280,900",
        ];
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": args },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let capabilities = capabilities.as_object().cloned().expect("an object");
        let client =
            ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&url).await.expect("a browser");
        let id = client.session_id().await.expect("a session").expect("its id");
        Self { client, http, session: format!("{url}/session/{id}"), _driver: driver, _home: home }
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.client.goto(url).await.expect("a page");
    }

    /// The element, as soon as it is there.
    pub(crate) async fn find(&self, css: &str) -> Element {
        eventually_async(css, PATIENCE, || async { self.client.find(Locator::Css(css)).await.ok() }).await
    }

    pub(crate) async fn click(&self, css: &str) {
        // The page may be exchanging just this element.
        eventually_async(format_args!("click on {css}"), PATIENCE, || async {
            self.find(css).await.click().await.ok()
        })
        .await;
    }

    pub(crate) async fn has(&self, css: &str) -> bool {
        !self.client.find_all(Locator::Css(css)).await.expect("an answer").is_empty()
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        eventually_async(css, PATIENCE, || async { self.find(css).await.text().await.ok() }).await
    }

    /// Waits until the text of an element has such a part.
    pub(crate) async fn until(&self, css: &str, part: &str) -> String {
        eventually_async(format_args!("`{part}` in {css}"), PATIENCE, || async {
            let text = self.client.find(Locator::Css(css)).await.ok()?.text().await.ok()?;
            text.contains(part).then_some(text)
        })
        .await
    }

    /// Waits until the address has such a part.
    pub(crate) async fn until_at(&self, part: &str) -> String {
        eventually_async(format_args!("an address with {part}"), PATIENCE, || async {
            let url = self.client.current_url().await.ok()?.to_string();
            url.contains(part).then_some(url)
        })
        .await
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("a script")
    }

    /// A command of the browser's own protocol.
    pub(crate) async fn devtools(&self, command: &str, params: Value) -> Value {
        self.ask("goog/cdp/execute", &json!({ "cmd": command, "params": params })).await
    }

    async fn ask(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(format!("{}/{path}", self.session)).json(body).send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].clone()
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        self.ask("se/log", &json!({ "type": kind })).await.as_array().cloned().expect("a log")
    }

    /// Dark or light, and how wide.
    pub(crate) async fn look(&self, dark: bool, width: u32, height: u32) {
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// That nothing was complained of since the last time, and nothing asked of any host but `host`.
    pub(crate) async fn must_be_quiet(&self, host: &str, console: Console) {
        for entry in self.log("browser").await {
            let text = entry["message"].as_str().unwrap_or_default();
            let refusal = entry["source"] == "network" && console == Console::Refusals;
            assert!(refusal || entry["level"] == "INFO" || entry["level"] == "DEBUG", "the console says: {text}");
        }
        for entry in self.log("performance").await {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap_or_default()).expect("JSON");
            let message = &message["message"];
            if message["method"] == "Network.requestWillBeSent" {
                let url = message["params"]["request"]["url"].as_str().unwrap_or_default();
                let own = url.starts_with(&format!("{host}/")) || url.starts_with("data:") || url.starts_with("chrome");
                assert!(own, "a request off-host: {url}");
            }
        }
    }
}
