//! What the table is asked of: three edges of one site, and the keys and names that they know.

use super::super::CONSENT;
use crate::rig::{Program, Site, until};
use async_compression::tokio::bufread::GzipEncoder;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tracker_stack::{free_ports, leash::Leashed};

/// Two tenants, and what belongs to nobody.
pub const TENANT: &str = "018f0000-0000-7000-8000-00000000000a";
pub const OTHER: &str = "018f0000-0000-7000-8000-00000000000b";
pub const ID: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
/// A short link that every edge is asked to follow.
pub const SHORT: &str = "https://127.0.0.1/documented";
pub const SHOP: &str = "https://shop.example";

/// The edges.
pub struct Ground {
    pub site: Site,
    /// Takes everything, but little of it from one address.
    pub plain: String,
    /// Its broker and its loader are away, it has no GeoIP file and no room on disk; it demands write keys, and waits for
    /// nobody.
    pub apart: String,
    /// Has little room, and takes no names in paths.
    pub narrow: String,
    pub shown: Shown,
    /// The version of the script.
    pub version: String,
    /// A body that inflates to more than two hundred bytes for each of its own.
    pub bomb: Vec<u8>,
    _processes: [Leashed; 2],
}

/// What may be shown.
pub struct Shown {
    pub tenant: String,
    pub expired: String,
    /// Good for none of the addresses.
    pub other: String,
    pub write: String,
    pub write_of_tenant: String,
    pub write_of_other: String,
    pub write_expired: String,
    /// Names with their passwords.
    pub account: [String; 2],
    pub account_of_tenant: [String; 2],
    pub account_expired: [String; 2],
    pub account_other: [String; 2],
}

impl Shown {
    /// Makes them, before any edge reads the file.
    fn make(site: &Site) -> Self {
        let last = |made: &str| made.lines().last().unwrap_or_default().trim().to_owned();
        let key = |id: &str, options: &[&str]| {
            last(&site.tracker(&[&["keys", "new", "--id", id], options].concat()))
        };
        let account = |uid: &str, options: &[&str]| {
            let made = site.tracker(&[&["keys", "account", "--uid", uid], options].concat());
            [uid.to_owned(), last(&made)]
        };
        let (expires, tenant) = (["--expires", "1s"], ["--tenant", TENANT]);
        let shown = Self {
            expired: key("expired", &expires),
            write_expired: key("write-expired", &["--write", "--expires", "1s"]),
            account_expired: account("expired", &expires),
            tenant: key("tenant", &tenant),
            other: key("other", &["--scope", "trace"]),
            write: key("write", &["--write"]),
            write_of_tenant: key("write-tenant", &["--write", "--tenant", TENANT]),
            write_of_other: key("write-other", &["--write", "--tenant", OTHER]),
            account: account("ann", &[]),
            account_of_tenant: account("of-tenant", &tenant),
            account_other: account("other", &[]),
        };
        // The last account of the file.
        let file = site.folder.join("keys.toml");
        let keys = std::fs::read_to_string(&file).expect("the key file");
        std::fs::write(file, format!("{keys}scopes = [\"trace\"]\n")).expect("the key file");
        shown
    }
}

impl Ground {
    pub async fn lay() -> Self {
        let settings = [
            ("EDGE__ALLOWED_ORIGINS", SHOP),
            ("EDGE__RATE_LIMIT_PER_DAY", "24"),
            ("EDGE__RATE_LIMIT_BURST", "3"),
            ("EDGE__REDIRECT_HOSTS", "shop.example"),
            ("EDGE__SPOOL__ENABLED", "false"),
        ];
        let mut site = Site::prepare("table", &settings).await;
        let shown = Shown::make(&site);
        site.tracker(&["topics", "apply"]);
        site.tracker(&["schema", "apply"]);
        [Program::Load, Program::Edge].into_iter().for_each(|program| site.launch(program));
        let nobody = format!("127.0.0.1:{}", free_ports(1).expect("a port").remove(0));
        let nowhere = format!("http://{nobody}");
        let (apart, at_apart) = site.another(
            Program::Edge,
            &[
                ("KAFKA__BROKERS", &nobody),
                ("EDGE__LOAD_URL", &nowhere),
                ("EDGE__GEOIP_CITY", ""),
                ("EDGE__PRODUCE_TIMEOUT", "2s"),
                ("EDGE__BODY_TIMEOUT", "2s"),
                ("EDGE__HEADER_TIMEOUT", "1s"),
                ("EDGE__REQUIRE_WRITE_KEY", "true"),
            ],
        );
        let (narrow, at_narrow) = site.another(
            Program::Edge,
            &[
                ("EDGE__INFLIGHT_LIMIT", "24MiB"),
                ("EDGE__INFLIGHT_SERVERS", "8MiB"),
                ("EDGE__INFLIGHT_PAYMENTS", "8MiB"),
                ("EDGE__BODY_TIMEOUT", "5m"),
                ("EDGE__CONNECTIONS", "64"),
                ("EDGE__WS__CONNECTIONS", "1"),
                ("EDGE__PATH_CREDENTIALS", "false"),
            ],
        );
        let script: serde_json::Value =
            serde_json::from_str(&site.tracker(&["script", "--json"])).expect("JSON");
        let version = script["version"].as_str().expect("a version").to_owned();
        let plain = site.address(Program::Edge);
        let ground = Self {
            site,
            plain,
            apart: at_apart,
            narrow: at_narrow,
            shown,
            version,
            bomb: bomb().await,
            _processes: [apart, narrow],
        };
        ground.ready().await;
        ground
    }

    async fn ready(&self) {
        let site = &self.site;
        site.ready(Program::Load).await;
        site.ready(Program::Edge).await;
        site.ready_at(&self.narrow, "the edge with little room is ready").await;
        until("the edge apart answers", async || {
            site.request_at(reqwest::Method::GET, &format!("{}/health", self.apart)).send().await.ok()
        })
        .await;
        let link = json!({ "urlfrom": SHORT, "urlto": format!("{SHOP}/") }).to_string();
        assert_eq!(site.post_secret("/tr/v1/rpi/redirect", link).await.status, 200);
        until("what ends soon has ended", async || {
            let asked =
                site.request(reqwest::Method::GET, "/tr/v1/str/?ename=a").bearer_auth(&self.shown.expired);
            (crate::rig::post(asked).await.refusal().1 == "expired_key").then_some(())
        })
        .await;
    }
}

async fn bomb() -> Vec<u8> {
    let text = format!(r#"{{"ename":"a","x":"{}"}}"#, "x".repeat(900 << 10));
    let mut packed = Vec::new();
    let mut encoder = GzipEncoder::new(text.as_bytes());
    encoder.read_to_end(&mut packed).await.expect("it is packed");
    packed
}

/// An event, as it should be.
pub fn event() -> serde_json::Value {
    json!({ "ename": "documented", "eid": ID, "cflags": CONSENT })
}
