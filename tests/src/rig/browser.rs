//! A real browser: headless Chromium, driven through chromedriver. Every name under `.test` is this machine, so that pages and
//! edges have origins and sites of their own.

use super::{RUNTIME, binary, scratch, until};
use fantoccini::{
    Client, ClientBuilder, Locator,
    wd::{Capabilities, WebDriverCompatibleCommand},
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tokio::sync::OnceCell;
use tracker_stack::{free_ports, leash};
use url::{ParseError, Url};

/// Nothing that would make it differ from one run to the next, or ask anybody outside.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.test 127.0.0.1,MAP * ~NOTFOUND,EXCLUDE 127.0.0.1",
];

/// One with cookies and a cache of its own.
pub struct Browser {
    client: Client,
    is_open: bool,
}

/// Who closes one that nobody closed: its test has failed, and the others go on.
impl Drop for Browser {
    fn drop(&mut self) {
        if self.is_open {
            RUNTIME.spawn(self.client.clone().close());
        }
    }
}

impl Browser {
    pub async fn open() -> Self {
        static DRIVER: OnceCell<Driver> = OnceCell::const_new();
        Self::of(DRIVER.get_or_init(Driver::start).await).await
    }

    /// One of this driver's.
    pub async fn of(driver: &Driver) -> Self {
        let flags: Vec<&str> = FLAGS.into();
        let options = json!({ "args": flags, "binary": driver.leashed_chromium() });
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&driver.address).await;
        Self { client: client.expect("a browser"), is_open: true }
    }

    /// Ends it, and its processes with it.
    pub async fn close(mut self) {
        self.is_open = false;
        self.client.clone().close().await.expect("the browser closes");
    }

    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.expect(url);
    }

    /// Runs a script in the page, and gives what it returns.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until an expression in the page is true.
    pub async fn comes(&self, expression: &str) {
        let script = format!("return !!({expression})");
        until(expression, async || (self.run(&script).await == true).then_some(())).await;
    }

    /// Clicks as a person does: on what lies there.
    pub async fn click(&self, css: &str) {
        let element = self.client.find(Locator::Css(css)).await.expect(css);
        element.click().await.expect(css);
    }

    pub async fn write(&self, css: &str, text: &str) {
        let element = self.client.find(Locator::Css(css)).await.expect(css);
        element.send_keys(text).await.expect(css);
    }

    /// The cookies that a script of the page sees, as `a=1; b=2`.
    pub async fn cookies(&self) -> String {
        self.run("return document.cookie").await.as_str().expect("text").to_owned()
    }

    /// Pulls the plug, or puts it in again.
    pub async fn on_line(&self, is: bool) {
        let conditions = json!({ "offline": !is, "latency": 0, "throughput": -1 });
        self.ask("chromium/network_conditions", &json!({ "network_conditions": conditions })).await;
    }

    /// A command of the Chrome DevTools Protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.ask("goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await
    }

    async fn ask(&self, path: &'static str, body: &Value) -> Value {
        let command = OfChromium { path, body: body.to_string() };
        self.client.issue_cmd(command).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

/// A command that only chromedriver knows.
#[derive(Debug)]
struct OfChromium {
    path: &'static str,
    body: String,
}

impl WebDriverCompatibleCommand for OfChromium {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.clone()))
    }
}

/// The first of these that is there.
fn program(names: &[&str]) -> PathBuf {
    let folders = ["/usr/bin", "/usr/local/bin", "/opt/google/chrome", "/usr/lib/chromium-browser"];
    let places = names.iter().flat_map(|name| folders.map(|folder| Path::new(folder).join(name)));
    let found = places.into_iter().find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("none of {names:?} is here; `make test` installs it"))
}

/// Starts browsers, which end when it does, however it does; and it ends with the tests.
pub struct Driver {
    address: String,
    process: leash::Leashed,
    folder: tempfile::TempDir,
}

/// The driver starts a program by its name alone, so the leash stands in one. The shell becomes the leash, and that Chromium:
/// the driver stays their parent all the way.
const CHROMIUM: &str = "leashed-chromium";

impl Driver {
    pub async fn start() -> Self {
        let folder = scratch("browser");
        let chromium = program(&["chromium", "chromium-browser", "google-chrome"]);
        let script = format!(
            "#!/bin/sh\nexec '{}' $PPID '{}' \"$@\"\n",
            binary("tracker-leash").display(),
            chromium.display()
        );
        let file = folder.path().join(CHROMIUM);
        fs::write(&file, script).expect("a script");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a program");
        let [port] = *free_ports(1).expect("a port") else { panic!("one port") };
        let process = leash::spawn(&program(&["chromedriver"]), |command: &mut Command| {
            command.arg(format!("--port={port}")).args(["--allowed-ips=127.0.0.1", "--log-level=OFF"]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        });
        let address = format!("http://127.0.0.1:{port}/");
        let status = format!("{address}status");
        until("the driver answers", async || reqwest::get(&status).await.ok().map(drop)).await;
        Self { address, process: process.expect("the driver starts"), folder }
    }

    fn leashed_chromium(&self) -> PathBuf {
        self.folder.path().join(CHROMIUM)
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// `kill -9`: it can close nothing any more.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}
