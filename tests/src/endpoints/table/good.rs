//! A request that is answered with success, and what that answer has to be, to the letter where clients depend on it.

use super::{
    asked::{Asked, Manner},
    ground::{Ground, ID, SHOP, SHORT, event},
    operation::{Operation, Shows},
};
use crate::{endpoints::CONSENT, rig::Answer};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const HANDSHAKE: [(&str, &str); 4] = [
    ("connection", "upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

impl Operation {
    /// What one would ask of the edge at `at`, where nothing is wrong.
    pub fn good(&self, ground: &Ground, at: &str) -> Asked {
        let (path, body) = self.example(ground);
        let (at, method) = (at.to_owned(), self.method.clone());
        let mut asked = Asked {
            at,
            method,
            path,
            headers: Vec::new(),
            body: body.into_bytes(),
            manner: Manner::Whole,
            from: None,
        };
        match self.shows() {
            Shows::SecretKey | Shows::KeyOrAccount => {
                asked.with("authorization", &format!("Bearer {}", ground.site.secret))
            }
            // Elsewhere it need not.
            Shows::WriteKey if asked.at == ground.apart => asked.with("x-write-key", &ground.shown.write),
            _ => {}
        }
        if self.success() == 101 {
            HANDSHAKE.iter().for_each(|(name, value)| asked.with(name, value));
        }
        if self.method == Method::OPTIONS {
            asked.with("origin", SHOP);
            asked.with("access-control-request-method", "POST");
            asked.with("access-control-request-headers", "content-type,content-encoding");
        }
        asked
    }

    fn example(&self, ground: &Ground) -> (String, String) {
        let base = self.base();
        if self.method == Method::OPTIONS {
            return (self.filled(ground, "ename/documented"), String::new());
        }
        let nothing = String::new();
        match (base, self.carries_body(), self.path.ends_with("{pairs}")) {
            ("/tr/v1/tr/" | "/tr/v1/str/", true, _) => (self.filled(ground, "app/shop"), event().to_string()),
            ("/tr/v1/tr/" | "/tr/v1/str/" | "/tr/v1/img/", _, true) => {
                (self.filled(ground, &format!("ename/documented/eid/{ID}")), nothing)
            }
            ("/tr/v1/tr/" | "/tr/v1/str/" | "/tr/v1/img/", ..) => {
                (format!("{base}?ename=documented&eid={ID}"), nothing)
            }
            ("/tr/v1/rdr/" | "/tr/v1/xrdr/", ..) => {
                (format!("{}?url={SHOP}/sale&cflags={CONSENT}", self.filled(ground, "app/shop")), nothing)
            }
            ("/tr/v1/rpi/redirect" | "/tr/v1/rpi/redirect/", ..) => {
                (self.filled(ground, ""), link(SHORT, &format!("{SHOP}/sale")).to_string())
            }
            ("/tr/v1/ltv", ..) => {
                (base.to_owned(), json!({ "id": ID, "revenue": "1.50", "vid": ID }).to_string())
            }
            ("/tr/v1/ppi/forget", ..) => (base.to_owned(), json!({ "vid": ID }).to_string()),
            ("/tr/v1/ppi/agree/", true, _) => {
                (self.filled(ground, "culture/en"), json!({ "vid": ID, "cflags": CONSENT }).to_string())
            }
            ("/tr/v1/ppi/agree/", _, true) => (self.filled(ground, &format!("vid/{ID}")), nothing),
            ("/tr/v1/ppi/agree/", ..) => (format!("{base}?vid={ID}"), nothing),
            ("/", ..) => (format!("{}?cflags={CONSENT}", self.filled(ground, "")), nothing),
            ("/tr/v1/ppi/geoip", ..) => (format!("{base}?ip=8.8.8.8"), nothing),
            ("/g/collect", ..) => (format!("{base}?v=2&cid=1.2"), "en=documented".to_owned()),
            (_, true, _) => {
                let body = foreign(base);
                (base.to_owned(), body.unwrap_or_else(|| panic!("no example of {}", self.name())).to_string())
            }
            _ => (self.filled(ground, ""), nothing),
        }
    }

    /// Its path, with these pairs where it takes some.
    fn filled(&self, ground: &Ground, pairs: &str) -> String {
        let [uid, password] = &ground.shown.account;
        let named = [
            ("{pairs}", pairs),
            ("{version}", ground.version.as_str()),
            ("{key}", "a-key"),
            ("{slug}", "documented"),
            ("{uid}", uid),
            ("{password}", password),
            ("{host}", "127.0.0.1"),
        ];
        named.into_iter().fold(self.path.clone(), |path, (name, value)| path.replace(name, value))
    }

    /// What is not so of an answer of success.
    pub fn lacks(&self, answer: &Answer) -> Option<String> {
        if answer.status != self.success() || !answer.header("content-type").starts_with(self.media()) {
            return Some(format!("{} {}: {}", answer.status, answer.header("content-type"), answer.text()));
        }
        let wrong = match (&self.method, self.success()) {
            (&Method::HEAD, _) => !answer.body.is_empty(),
            (_, 101) => answer.header("sec-websocket-accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            (_, 302) => {
                let leads = answer.header("location") == format!("{SHOP}/sale") && answer.body.is_empty();
                let remembers = answer.header("set-cookie").starts_with("vid=");
                !leads || remembers == self.path.starts_with("/tr/v1/rdr/")
            }
            _ => !self.body_is_right(answer),
        };
        wrong.then(|| format!("{:?} {}", answer.headers, answer.text()))
    }

    fn body_is_right(&self, answer: &Answer) -> bool {
        let text = answer.text();
        let said: Value = serde_json::from_str(&text).unwrap_or_default();
        match self.base() {
            "/tr/v1/img/" => answer.body == PIXEL && answer.header("cache-control") == "no-store",
            "/tr/v1/str/" => text == format!("\"{ID}\""),
            "/tr/v1/ppi/forget" => said["request"].as_str().is_some_and(|id| Uuid::parse_str(id).is_ok()),
            "/tr/v1/ppi/agree/" if self.method == Method::GET => said.is_array(),
            "/tr/v1/ppi/geoip" => {
                let keys = ["city", "country", "iso2", "lat", "lon", "region", "tz", "zip"];
                said["iso2"] == "US" && said.as_object().is_some_and(|place| place.keys().eq(keys))
            }
            "/tr/v1/ppi/jds" => said[0]["regulation"].is_string(),
            "/tr/v1/rpi/redirects/" => said["results"][0]["urlfrom"] == SHORT,
            "/health" => text == "ok\n",
            "/ready" => text == "ready\n",
            "/ping" => text == "pong",
            "/status" => said["ip"].as_str().is_some_and(|ip| ip.starts_with("198.18.")),
            "/metrics" => text.contains("# TYPE tracker_edge_requests_total counter"),
            "/openapi.json" => said["openapi"] == "3.1.0",
            "/track.js" | "/track." => text.contains("sendBeacon"),
            "/array/" if self.path.ends_with(".js") => text.starts_with("(window._POSTHOG_REMOTE_CONFIG"),
            "/array/" | "/flags" | "/decide" => said["featureFlags"] == json!({}),
            "/v1/projects/" => said["integrations"]["Segment.io"]["apiKey"] == "a-key",
            "/e" | "/i/v0/e" | "/capture" | "/batch" => text == r#"{"status":1}"#,
            "/api/event" => text == "ok",
            "/api/send" => said == json!({ "sessionId": Uuid::nil(), "visitId": Uuid::nil() }),
            base if base.starts_with("/v1/") => text == r#"{"success":true}"#,
            _ => text.is_empty(),
        }
    }
}

/// The pixel, as clients have always got it.
const PIXEL: &[u8] = b"\x47\x49\x46\x38\x39\x61\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

pub fn link(from: &str, to: &str) -> Value {
    json!({ "urlfrom": from, "urlto": to })
}

/// What the library of another product would send there.
fn foreign(path: &str) -> Option<Value> {
    let track = json!({ "type": "track", "event": "documented", "anonymousId": "ann" });
    Some(match path {
        "/v1/batch" | "/v1/import" | "/v1/b" => json!({ "batch": [track] }),
        "/v1/track" | "/v1/t" => track,
        "/v1/page" | "/v1/p" | "/v1/screen" | "/v1/s" => json!({ "name": "home", "anonymousId": "ann" }),
        "/v1/identify" | "/v1/i" => json!({ "userId": "ann", "traits": { "plan": "large" } }),
        "/v1/group" | "/v1/g" => json!({ "userId": "ann", "groupId": "shop" }),
        "/v1/alias" | "/v1/a" => json!({ "userId": "ann", "previousId": "before" }),
        "/e" | "/i/v0/e" | "/capture" => {
            json!({ "event": "documented", "distinct_id": "ann", "properties": { "a": 1 } })
        }
        "/batch" => json!({ "batch": [{ "event": "documented", "distinct_id": "ann", "properties": {} }] }),
        "/api/event" => json!({ "name": "pageview", "url": "https://a.example/", "domain": "a.example" }),
        "/api/send" => {
            json!({ "type": "event", "payload": { "website": ID, "url": "/", "hostname": "a.example" } })
        }
        "/mp/collect" => json!({ "client_id": "1.2", "events": [{ "name": "documented" }] }),
        _ => return None,
    })
}
