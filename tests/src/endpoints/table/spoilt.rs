//! The same request, spoilt so that it should be refused for a reason.

use super::{
    asked::{Asked, Manner},
    good::link,
    ground::{Ground, ID, SHOP, SHORT},
    operation::{Operation, Shows},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

impl Operation {
    /// A request that is refused for this reason, where the document says so; elsewhere it may be answered otherwise. `None`:
    /// a request of this method cannot be wrong like that.
    pub fn spoilt(&self, ground: &Ground, reason: &str) -> Option<Asked> {
        let at = match reason {
            "missing_key" | "unknown_key" | "expired_key" | "wrong_scope" | "body_timeout" => &ground.apart,
            "path_credentials_off" => &ground.narrow,
            _ => &ground.plain,
        };
        let asked = self.good(ground, at);
        let found = self.by_key(ground, reason, asked.clone());
        let found = found
            .or_else(|| if self.carries_body() { self.by_body(ground, reason, asked.clone()) } else { None });
        found.or_else(|| self.by_field(reason, asked.clone())).or_else(|| self.by_address(reason, asked))
    }

    fn by_key(&self, ground: &Ground, reason: &str, mut asked: Asked) -> Option<Asked> {
        let (shows, shown) = (self.shows(), &ground.shown);
        let secret = matches!(shows, Shows::SecretKey | Shows::KeyOrAccount);
        let in_path = |asked: &mut Asked, [uid, password]: &[String; 2]| {
            let [own, its] = &shown.account;
            asked.path = asked.path.replace(own, uid).replace(its, password);
        };
        match (reason, shows) {
            ("missing_key", _) if secret => asked.without("authorization"),
            ("missing_key", Shows::WriteKey) => {
                asked.without("x-write-key");
                unnamed(&mut asked);
            }
            ("unknown_key", _) if secret => asked.with("authorization", "Bearer guessed"),
            ("unknown_key", Shows::WriteKey) => asked.with("x-write-key", "guessed"),
            ("expired_key", _) if secret => asked.with("authorization", &format!("Bearer {}", shown.expired)),
            ("expired_key", Shows::WriteKey) => asked.with("x-write-key", &shown.write_expired),
            ("expired_key", Shows::AccountInPath) => in_path(&mut asked, &shown.account_expired),
            ("wrong_scope", _) if secret => asked.with("authorization", &format!("Bearer {}", shown.other)),
            ("wrong_scope", Shows::WriteKey) => asked.with("x-write-key", &shown.other),
            ("wrong_scope", Shows::AccountInPath) => in_path(&mut asked, &shown.account_other),
            ("key_mismatch", Shows::WriteKey) if !self.path.starts_with("/tr/") => {
                asked.with("x-write-key", &shown.write_of_tenant);
                named(&mut asked, self.base(), &shown.write_of_other);
            }
            ("key_mismatch", Shows::WriteKey | Shows::SecretKey) => {
                asked.with("x-write-key", &shown.write);
                asked.add("k", "another");
            }
            ("tenant_mismatch", _) => {
                match shows {
                    Shows::WriteKey => asked.with("x-write-key", &shown.write_of_tenant),
                    Shows::AccountInPath => in_path(&mut asked, &shown.account_of_tenant),
                    _ => asked.with("authorization", &format!("Bearer {}", shown.tenant)),
                }
                asked.add("oid", Uuid::new_v4().to_string());
            }
            ("unknown_account", Shows::KeyOrAccount) => asked.with("authorization", "Basic bm9ib2R5Om5vcGU="),
            ("unknown_account", Shows::AccountInPath) => {
                in_path(&mut asked, &["nobody", "nope"].map(str::to_owned))
            }
            ("path_credentials_off", Shows::AccountInPath) => {}
            _ => return None,
        }
        Some(asked)
    }

    fn by_body(&self, ground: &Ground, reason: &str, mut asked: Asked) -> Option<Asked> {
        match reason {
            "body_timeout" => asked.manner = Manner::Stalled,
            "body_broken" => asked.manner = Manner::BrokenOff,
            "body_too_large" => asked.manner = Manner::Endless,
            "inflates_too_far" => {
                asked.with("content-encoding", "gzip");
                asked.body = ground.bomb.clone();
            }
            "broken_encoding" => asked.with("content-encoding", "gzip"),
            "unsupported_encoding" => asked.with("content-encoding", "compress"),
            "unsupported_charset" => asked.with("content-type", "application/json; charset=latin1"),
            "malformed" => asked.body = b"{".to_vec(),
            "invalid_utf8" => asked.body = b"{\"ename\":\"\xff\"}".to_vec(),
            "not_an_object" => asked.body = b"[1]".to_vec(),
            "too_deep" => {
                let deep = format!("{}{}", "[".repeat(16), "]".repeat(16));
                asked.add("x", serde_json::from_str::<Value>(&deep).expect("JSON"));
            }
            "invalid_text" if self.shows() != Shows::AccountInPath => asked.add("app", "\0"),
            "event_too_large" => self.swell(&mut asked),
            "too_many_events" => self.multiply(&mut asked),
            "missing_name" => self.unname(&mut asked),
            "invalid_type" => {
                let single = match self.base() {
                    "/tr/v1/ltv" => "product",
                    "/tr/v1/ppi/forget" => "vid",
                    base if base.starts_with("/tr/v1/rpi") => "org",
                    _ => "app",
                };
                asked.add(single, json!(["a"]));
            }
            "missing_revenue" => asked.say(&json!({ "vid": ID })),
            "missing_cflags" => asked.say(&json!({ "vid": ID })),
            "missing_vid" => asked.say(&json!({ "cflags": 1 })),
            "missing_person" => asked.say(&json!({})),
            "missing_url" => asked.say(&json!({ "urlto": SHOP })),
            "equal_urls" => asked.say(&link(SHORT, SHORT)),
            "invalid_url" => asked.say(&link(SHORT, "https://")),
            "short_path" => asked.say(&link("https://127.0.0.1/", SHOP)),
            "invalid_scheme" => asked.say(&link(SHORT, "javascript:alert(1)")),
            "link_loop" => asked.say(&link(SHORT, &SHORT.to_uppercase())),
            _ => return None,
        }
        Some(asked)
    }

    /// By what is said in one field, wherever that stands.
    fn by_field(&self, reason: &str, mut asked: Asked) -> Option<Asked> {
        let agrees = self.base().starts_with("/tr/v1/ppi/agree");
        match reason {
            "key_too_long" => asked.add(&"k".repeat(129), "1"),
            "invalid_uuid" if agrees || self.base().ends_with("forget") => {
                asked.path = asked.path.replace(ID, "nonsense");
                if self.carries_body() {
                    asked.add("vid", "nonsense");
                }
            }
            "invalid_uuid" => {
                let id = match self.base() {
                    "/tr/v1/ltv" => "orid",
                    base if base.starts_with("/tr/v1/rpi") => "oid",
                    _ => "rid",
                };
                asked.add(id, "nonsense");
            }
            // Text, as all values of a query: but lists may be written as JSON.
            "invalid_type" => asked.add("tags", json!({ "a": 1 })),
            "invalid_number" => asked.add(if agrees { "cflags" } else { "duration" }, "many"),
            "out_of_range" => match self.base() {
                base if base.starts_with("/tr/v1/rpi") => asked.add("org", "x".repeat(2000)),
                _ if agrees => asked.add("cflags", -1),
                _ => asked.add("lat", "90.1"),
            },
            "invalid_decimal" => asked.add("revenue", "much"),
            "invalid_currency" => asked.add("currency", "shells"),
            "invalid_time" => asked.add("paid_at", "soon"),
            _ => return None,
        }
        Some(asked)
    }

    fn by_address(&self, reason: &str, mut asked: Asked) -> Option<Asked> {
        let whole = |tail: &str| format!("{}{tail}", self.base());
        // Without what follows it would be another address.
        let parted = self.path.contains('{') && !self.path.ends_with("{pairs}");
        match reason {
            "path_too_long" if self.path.ends_with("{pairs}") => {
                let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
                asked.path = format!("{path}/app/{}?{query}", "x".repeat(9 << 10));
            }
            "invalid_text" if self.path.contains("{host}") => {
                asked.path = asked.path.replace("127.0.0.1", "%ff")
            }
            "invalid_text" if self.path.contains("{password}") => asked.path = whole("%ff/%ff"),
            "invalid_text" => asked.path += if asked.path.contains('?') { "&app=%00" } else { "?app=%00" },
            "missing_name" | "missing_vid" | "invalid_address" | "unknown_address" if parted => return None,
            "missing_name" => asked.path = whole("?app=shop"),
            "missing_vid" => asked.path = self.base().to_owned(),
            "not_found" if self.path == "/{slug}" => asked.path = "/nowhere".to_owned(),
            "not_found" if self.path.contains("{version}") => {
                asked.path = self.path.replace("{version}", "0")
            }
            "invalid_address" => asked.path = whole("?ip=here"),
            "unknown_address" => asked.path = whole("?ip=127.0.0.1"),
            "upgrade_required" => asked.headers.clear(),
            "foreign_origin" if self.method == Method::GET => {
                asked.with("origin", "https://elsewhere.example")
            }
            _ => return None,
        }
        Some(asked)
    }

    /// One event that is too long.
    fn swell(&self, asked: &mut Asked) {
        let long = "x".repeat(300 << 10);
        let Ok(mut body) = serde_json::from_slice::<Value>(&asked.body) else {
            return asked.body = format!("en=a&ep.x={long}").into_bytes();
        };
        match (self.base(), ["batch", "events"].into_iter().find(|list| body[list].is_array())) {
            (_, Some(list)) => body[list][0]["x"] = long.into(),
            _ => body["x"] = long.into(),
        }
        asked.say(&body);
    }

    /// One event more than a request may carry.
    fn multiply(&self, asked: &mut Asked) {
        let Ok(mut body) = serde_json::from_slice::<Value>(&asked.body) else {
            return asked.body = "en=a\n".repeat(1001).into_bytes();
        };
        match ["batch", "events"].into_iter().find(|list| body[list].is_array()) {
            Some(list) => body[list] = vec![body[list][0].clone(); 1001].into(),
            None => body = vec![body; 1001].into(),
        }
        asked.say(&body);
    }

    /// An event without a name.
    fn unname(&self, asked: &mut Asked) {
        match self.base() {
            "/mp/collect" => asked.say(&json!({ "client_id": "1", "events": [{}] })),
            "/g/collect" => asked.body = b"dl=a".to_vec(),
            "/v1/batch" | "/v1/import" | "/v1/b" => asked.say(&json!({ "batch": [{ "type": "track" }] })),
            "/batch" => asked.say(&json!({ "batch": [{ "distinct_id": "a" }] })),
            _ => asked.say(&json!({ "app": "shop", "type": "track" })),
        }
    }
}

/// Shows a key where another product's clients have theirs.
fn named(asked: &mut Asked, base: &str, key: &str) {
    match base {
        "/mp/collect" => asked.path += &format!("?api_secret={key}"),
        "/g/collect" => asked.add("tid", key),
        "/api/event" => asked.add("domain", key),
        "/api/send" => asked.add("payload", json!({ "website": key })),
        base if base.starts_with("/v1/") => asked.add("writeKey", key),
        _ => asked.add("api_key", key),
    }
}

/// Takes away what another product's clients show as their key.
fn unnamed(asked: &mut Asked) {
    if let Ok(mut body) = serde_json::from_slice::<Value>(&asked.body) {
        body.as_object_mut().into_iter().for_each(|body| drop(body.remove("domain")));
        if let Some(payload) = body["payload"].as_object_mut() {
            payload.remove("website");
        }
        body.as_object_mut().into_iter().for_each(|body| body.retain(|_, value| !value.is_null()));
        asked.say(&body);
    }
}
