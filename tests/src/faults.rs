//! What Tracker's predecessor got wrong, where no other promise is about it: each must never be built again.

use crate::rig::{Site, post, run, shared};
use futures::SinkExt;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use tokio_tungstenite::{client_async, tungstenite::Message};
use uuid::Uuid;

/// Fields that it took and dropped, each as it is stored.
const DROPPED: [(&str, &str, &str); 11] = [
    ("tz", "tz", "Europe/Berlin"),
    ("vp_w", "w", "390"),
    ("vp_h", "h", "844"),
    ("ref", "ref", "ann-1"),
    ("rcode", "rcode", "SPRING"),
    ("gaid", "gaid", "g-1"),
    ("idfa", "idfa", "i-1"),
    ("msid", "msid", "m-1"),
    ("fbid", "fbid", "f-1"),
    ("culture", "culture", "de-AT"),
    ("browser", "browser", "Vivaldi"),
];

/// The fields of one event, of which one is known to nobody.
fn fields(eid: Uuid) -> Vec<(String, String)> {
    let own = [("eid", eid.to_string()), ("ename", "kept".to_owned()), ("cflags", "5377".to_owned())];
    let own = own.map(|(key, value)| (key.to_owned(), value));
    let dropped = DROPPED.map(|(key, _, value)| (key.to_owned(), value.to_owned()));
    own.into_iter().chain(dropped).chain([("shelf".to_owned(), "Top".to_owned())]).collect()
}

/// The same as the object of a body, with `params` that are one too.
fn object(eid: Uuid) -> Value {
    let mut object: Value = fields(eid).into_iter().map(|(key, value)| (key, Value::from(value))).collect();
    object["params"] = json!({ "sizes": [1, { "eu": 42.50 }] });
    object
}

async fn over_a_socket(site: &Site, text: String) {
    let stream = site.connect().await;
    let socket = client_async("ws://localhost/tr/v1/ws", stream).await;
    let mut socket = socket.expect("a WebSocket").0;
    socket.send(Message::text(text)).await.expect("it is sent");
    socket.close(None).await.expect("it closes");
}

#[test]
fn no_field_is_dropped_whatever_way_it_came() {
    run(async {
        let site = shared().await;
        let [body, path, query, image, server, socket] = [(); 6].map(|()| Uuid::now_v7());
        let pairs = |eid| {
            let segment = |text: &str| text.replace('/', "%2F");
            fields(eid)
                .iter()
                .map(|(key, value)| format!("{key}/{}", segment(value)))
                .collect::<Vec<_>>()
                .join("/")
        };
        let asked =
            |eid| url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields(eid)).finish();
        assert_eq!(site.post("/tr/v1/tr/", object(body).to_string()).await.status, 200);
        assert_eq!(site.get(&format!("/tr/v1/tr/{}", pairs(path))).await.status, 200);
        assert_eq!(site.get(&format!("/tr/v1/tr/?{}", asked(query))).await.status, 200);
        assert_eq!(site.get(&format!("/tr/v1/img/{}", pairs(image))).await.status, 200);
        assert_eq!(site.post_secret("/tr/v1/str/", object(server).to_string()).await.status, 200);
        over_a_socket(site, object(socket).to_string()).await;
        for eid in [body, path, query, image, server, socket] {
            let row = site.event(&eid.to_string()).await;
            for (key, column, value) in DROPPED {
                let stored = row[column].as_str().map_or_else(|| row[column].to_string(), str::to_owned);
                assert_eq!(stored, value, "{key} of {row}");
            }
            let params: Value = serde_json::from_str(row["params"].as_str().unwrap()).unwrap();
            assert_eq!(params["shelf"], "Top", "{row}");
            if [body, server, socket].contains(&eid) {
                assert_eq!(params["sizes"], json!([1, { "eu": 42.5 }]), "{row}");
            }
        }
    });
}

#[test]
fn numbers_that_look_like_times_and_capitals_stay_and_what_is_no_number_spoils_only_its_event() {
    run(async {
        let site = shared().await;
        let [before, after] = [(); 2].map(|()| Uuid::now_v7());
        let event = |eid: Uuid| {
            json!({ "eid": eid, "ename": "Counted", "app": "MyShop", "duration": 1_700_000_000,
                    "params": { "stock": 1_700_000_000, "Label": "In Stock" } })
        };
        let nan = format!(r#"{{"eid":"{}","ename":"nan","score":NaN,"params":{{"a":1}}}}"#, Uuid::now_v7());
        let lines = format!("{}\n{nan}\n{}\n", event(before), event(after));
        let request = site.request(Method::POST, "/tr/v1/tr/").header("content-type", "application/x-ndjson");
        let answer = post(request.body(lines)).await.json();
        assert_eq!((&answer["accepted"], &answer["rejected"][0]["reason"]), (&json!(2), &json!("malformed")));
        for eid in [before, after] {
            let row = site.event(&eid.to_string()).await;
            assert_eq!((&row["app"], &row["duration"]), (&json!("MyShop"), &json!(1_700_000_000)));
            let params: Value = serde_json::from_str(row["params"].as_str().unwrap()).unwrap();
            assert_eq!(params, json!({ "stock": 1_700_000_000, "Label": "In Stock" }));
        }
    });
}

#[test]
fn nobody_is_known_by_default() {
    run(async {
        let site = shared().await;
        for (uid, password) in [("admin", "admin"), ("root", ""), ("admin", "password"), ("", "")] {
            let asked = site.request(Method::GET, "/tr/v1/rpi/redirects/example.com");
            let answer = post(asked.basic_auth(uid, Some(password))).await;
            assert_eq!(answer.refusal(), (403, "unknown_account".to_owned()), "{uid}");
        }
        let keys = std::fs::read_to_string(site.folder.join("keys.toml")).expect("the key file");
        assert!(!keys.contains(&site.secret), "of a key there is only the hash");
    });
}

/// Every file of the source tree that was not built or fetched.
fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let is_made = ["target", "node_modules", ".git", ".tracker"].iter().any(|made| name == *made);
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !is_made => sources(&path, found),
            Ok(kind) if kind.is_file() && !is_made => found.push(path),
            _ => {}
        }
    }
}

#[test]
fn no_private_key_is_among_the_sources() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut files);
    assert!(files.len() > 100, "{} files", files.len());
    // In two parts: this file is one of them.
    let mark = ["PRIVATE", " KEY-----\n"].concat();
    for file in files {
        let text = std::fs::read(&file).expect("a file");
        let holds = text.windows(mark.len()).any(|bytes| bytes == mark.as_bytes());
        assert!(!holds, "{} holds a private key", file.display());
    }
}
