//! Every refusal that the contract names, on every address that may answer it. None leaves a trace.

use super::Mark;
use crate::rig::{Program, Site, post, run, shared, until};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use uuid::Uuid;

/// A request that is refused.
struct Refused {
    method: Method,
    path: String,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    with_key: bool,
    status: u16,
    reason: &'static str,
}

impl Refused {
    fn new(path: &str, status: u16, reason: &'static str) -> Self {
        let (method, headers, body) = (Method::POST, Vec::new(), Vec::new());
        Self { method, path: path.to_owned(), headers, body, with_key: false, status, reason }
    }

    fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn get(self) -> Self {
        Self { method: Method::GET, ..self }
    }

    fn with_key(self) -> Self {
        Self { with_key: true, ..self }
    }

    fn request(&self, site: &Site) -> RequestBuilder {
        let request = site.request(self.method.clone(), &self.path).body(self.body.clone());
        let request = if self.with_key { request.bearer_auth(&site.secret) } else { request };
        self.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }
}

/// Sends each, which bears the mark, and then one that is good: of all of them only that one is recorded.
async fn all_are_refused(site: &Site, mark: &Mark<'_>, refused: Vec<Refused>) {
    for one in &refused {
        let answer = post(one.request(site)).await;
        let asked = format!("{} {} → {}", one.method, one.path.get(..60).unwrap_or(&one.path), answer.text());
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (one.status, "application/json"),
            "{asked}"
        );
        let said = answer.json();
        assert_eq!(said["error"], one.reason, "{asked}");
        let detail = said["detail"].as_str().unwrap_or_default();
        assert!(!detail.is_empty() && !detail.contains(&mark.name), "{asked}");
    }
    let good = Uuid::now_v7();
    let answer = site.post("/tr/v1/tr/", json!({ "eid": good, "ename": mark.name }).to_string()).await;
    assert_eq!(answer.status, 200);
    mark.recorded_only(&[good]).await;
}

#[test]
fn a_wrong_event_is_refused_with_its_reason() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let name = &mark.name;
        let deep = format!("{}{}", "[".repeat(16), "]".repeat(16));
        let (long_key, long_text) = ("k".repeat(129), "x".repeat(256 << 10));
        let events = [
            ("malformed", name.clone()),
            ("malformed", format!(r#"{{"ename":"{name}""#)),
            ("malformed", format!(r#"{{"ename":"{name}"}}{{"ename":"{name}"}}"#)),
            ("malformed", format!(r#"[{{"ename":"{name}"}},"#)),
            ("malformed", format!(r#"{{"ename":"{name}","score":NaN}}"#)),
            ("missing_name", format!(r#"{{"product":"{name}"}}"#)),
            ("missing_name", format!(r#"{{"product":"{name}","ename":" ","etyp":null}}"#)),
            ("invalid_uuid", format!(r#"{{"ename":"{name}","rid":"nonsense"}}"#)),
            ("invalid_uuid", format!(r#"{{"ename":"{name}","eid":12}}"#)),
            ("invalid_type", format!(r#"{{"ename":"{name}","app":["a"]}}"#)),
            ("invalid_type", format!(r#"{{"ename":"{name}","tags":{{"a":1}}}}"#)),
            ("invalid_number", format!(r#"{{"ename":"{name}","duration":"soon"}}"#)),
            ("invalid_number", format!(r#"{{"ename":"{name}","score":1e400}}"#)),
            ("out_of_range", format!(r#"{{"ename":"{name}","lat":90.1}}"#)),
            ("out_of_range", format!(r#"{{"ename":"{name}","ver":2147483648}}"#)),
            ("key_too_long", format!(r#"{{"ename":"{name}","{long_key}":1}}"#)),
            ("key_too_long", format!(r#"{{"ename":"{name}","params":{{"{long_key}":1}}}}"#)),
            ("too_deep", format!(r#"{{"ename":"{name}","params":{deep}}}"#)),
            ("invalid_text", format!(r#"{{"ename":"{name}","app":"\u0000"}}"#)),
            ("invalid_text", format!(r#"{{"ename":"{name}","app":"\ud800"}}"#)),
        ];
        let mut refused: Vec<Refused> = events
            .into_iter()
            .map(|(reason, body)| Refused::new("/tr/v1/tr/", 400, reason).body(body))
            .collect();
        let too_large = json!({ "ename": name, "app": long_text }).to_string();
        refused.extend([
            Refused::new("/tr/v1/tr/", 413, "event_too_large").body(too_large),
            Refused::new("/tr/v1/tr/", 400, "invalid_utf8")
                .body([br#"{"ename":""#, name.as_bytes(), b"\xff\"}"].concat()),
            Refused::new(&format!("/tr/v1/tr/ename/{name}%ff"), 400, "invalid_text").get(),
            Refused::new(&format!("/tr/v1/tr/?ename={name}&app=%00"), 400, "invalid_text").get(),
            Refused::new(&format!("/tr/v1/tr/ename/{name}/{long_key}/1"), 400, "key_too_long").get(),
            Refused::new(&format!("/tr/v1/tr/product/{name}"), 400, "missing_name").get(),
            Refused::new("/tr/v1/tr/", 400, "missing_name").get(),
            Refused::new("/tr/v1/tr/", 400, "malformed"),
            Refused::new("/tr/v1/str/", 400, "missing_name")
                .body(format!(r#"{{"product":"{name}"}}"#))
                .with_key(),
        ]);
        all_are_refused(site, &mark, refused).await;
    });
}

#[test]
fn a_wrong_request_is_refused_with_its_reason() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let name = &mark.name;
        let event = json!({ "ename": name, "revenue": 1, "product": name }).to_string();
        let many = vec![json!({ "ename": name }); 1001];
        let long_path = format!("/tr/v1/tr/ename/{name}/app/{}", "x".repeat(8 << 10));
        let to = |path: &str, status: u16, reason: &'static str| {
            Refused::new(path, status, reason).body(event.clone())
        };
        let refused = vec![
            to("/tr/v1/str/", 401, "missing_key"),
            to("/tr/v1/ltv/", 401, "missing_key"),
            to("/tr/v1/str/", 401, "missing_key").header("authorization", "Basic dGVzdDp0ZXN0"),
            to("/tr/v1/str/", 403, "unknown_key").header("authorization", "Bearer guessed"),
            to("/tr/v1/ltv/", 403, "unknown_key").header("authorization", "Bearer guessed"),
            Refused::new(&format!("/tr/v1/str/ename/{name}"), 401, "missing_key").get(),
            to("/", 404, "not_found"),
            to("/tr/v1", 404, "not_found"),
            to("/tr/v2/tr/", 404, "not_found"),
            to("/tr/v1/trx/", 404, "not_found"),
            to("/tr/v1/ltv/more", 404, "not_found").with_key(),
            to("/ping/more", 404, "not_found"),
            Refused::new("/tr/v1/tr/", 413, "too_many_events").body(json!(many).to_string()),
            Refused::new(&long_path, 413, "path_too_long").get(),
            to("/tr/v1/tr/", 415, "unsupported_encoding").header("content-encoding", "compress"),
            to("/tr/v1/tr/", 415, "unsupported_encoding").header("content-encoding", "gzip, gzip"),
            to("/tr/v1/tr/", 415, "unsupported_charset")
                .header("content-type", "application/json; charset=latin1"),
            to("/tr/v1/tr/", 400, "broken_encoding").header("content-encoding", "gzip"),
            to("/tr/v1/ltv/", 415, "unsupported_encoding").header("content-encoding", "compress").with_key(),
        ];
        all_are_refused(site, &mark, refused).await;
    });
}

#[test]
fn a_key_speaks_for_its_tenant_and_for_no_other() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let (tenant, other) = (Uuid::new_v4(), Uuid::new_v4());
        let made = site.tracker(&["keys", "new", "--id", "tenant", "--tenant", &tenant.to_string()]);
        let secret = made.lines().last().unwrap().trim();
        let send = async |path: &str, oid: Option<Uuid>, eid: Uuid| {
            let body =
                json!({ "ename": mark.name, "product": mark.name, "revenue": 1, "oid": oid, "eid": eid });
            post(site.request(Method::POST, path).bearer_auth(secret).body(body.to_string())).await
        };
        let (own, implied) = (Uuid::now_v7(), Uuid::now_v7());
        // The edge reads the key file again by itself.
        until("the new key is known", async || {
            (send("/tr/v1/str/", Some(tenant), own).await.status == 200).then_some(())
        })
        .await;
        for path in ["/tr/v1/str/", "/tr/v1/ltv/"] {
            let refused = send(path, Some(other), Uuid::now_v7()).await;
            assert_eq!(refused.refusal(), (403, "tenant_mismatch".to_owned()), "{path}");
        }
        assert_eq!(send("/tr/v1/str/", None, implied).await.status, 200);
        mark.recorded_only(&[own, implied]).await;
        assert_eq!(site.event(&implied.to_string()).await["oid"], json!(tenant));
    });
}

#[test]
fn a_refusal_is_counted_under_the_reason_that_was_given() {
    run(async {
        let site = shared().await;
        let counted = async || {
            let metrics = site.metrics(Program::Edge).await;
            let of_it = |name: &&String| {
                name.starts_with("tracker_edge_refused_total")
                    && name.contains("route=\"str\"")
                    && name.contains("reason=\"invalid_type\"")
            };
            metrics.keys().find(of_it).map_or(0.0, |name| metrics[name])
        };
        let before = counted().await;
        let wrong = json!({ "ename": "a", "app": {} });
        let answer = site.post_secret("/tr/v1/str/", json!([wrong, wrong]).to_string()).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["accepted"]), (200, &json!(0)));
        assert_eq!(site.post_secret("/tr/v1/str/", wrong.to_string()).await.refusal().0, 400);
        assert_eq!(counted().await - before, 3.0);
    });
}

#[test]
fn an_error_is_counted_whatever_was_asked() {
    run(async {
        let site = shared().await;
        let counted = async |error: &str| {
            let name = format!("tracker_edge_errors_total{{error=\"{error}\"}}");
            site.metrics(Program::Edge).await.get(&name).copied().unwrap_or_default()
        };
        let before = (counted("equal_urls").await, counted("upgrade_required").await);
        let link = json!({ "urlfrom": "https://a.example/b", "urlto": "https://a.example/b" }).to_string();
        let told = site.post_secret("/tr/v1/rpi/redirect", link).await;
        assert_eq!((told.status.as_u16(), told.text().starts_with("equal_urls: ")), (400, true));
        let socket = site.get("/tr/v1/ws").await.refusal();
        assert_eq!(socket, (426, "upgrade_required".to_owned()));
        assert!(counted("equal_urls").await > before.0, "a link that was not written");
        assert!(counted("upgrade_required").await > before.1, "a WebSocket that was not opened");
    });
}
